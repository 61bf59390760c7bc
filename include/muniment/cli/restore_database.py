"""Restoring a database into a server: plan, show, agree, load, count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms
from muniment.cli.exits import Exit
from muniment.cli.let_go import LetGo
from muniment.cli.options import AsOf, Yes, moment_of_plan, session_of, source_of
from muniment.cli.receiving import ApprovedBy, For, Receiving, RequestedBy

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.sources.databases.access import Access
    from muniment.vault.vault import Vault

PANEL = "Get back"


def register(app: forms.Group) -> None:
    app.command("restore-database", panel=PANEL)(restore_database)


def restore_database(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(metavar="SOURCE", help="The source of the inventory.")],
    database: Annotated[str, forms.Argument(metavar="DATABASE", help="Which database of it.")],
    into: Annotated[
        str, forms.Option(metavar="NAME", help="The empty database that it is restored into.")
    ],
    as_of: AsOf = "",
    plan_only: Annotated[
        bool, forms.Option("--plan-only", help="Show the plan; write nothing.")
    ] = False,
    plan_digest: Annotated[
        str,
        forms.Option(metavar="DIGEST", help="Perform only if this is the plan (see --plan-only)."),
    ] = "",
    received_by: For = "",
    requested_by: RequestedBy = "",
    approved_by: ApprovedBy = None,
    yes: Yes = False,
) -> None:
    """Loads a dump into an empty database of the server that firm.yaml names as `restore` of the source.

    Never into the server that it came from. The dump goes from the vault into the server and onto no disk;
    afterwards tables, rows and sums are counted and held against what was counted at the dump. As a file a dump
    comes with `muniment restore`. Needs an identity.

    Where firm.yaml asks for an approval, this is the breaking of the glass (docs/RESTORE_APPROVAL.md).
    """
    from muniment.cli.restore import _agreed
    from muniment.cli.restore_printed import print_plan
    from muniment.cli.restore_recorded import record_restore
    from muniment.recovery.perform import perform
    from muniment.recovery.plan import make_restore_plan
    from muniment.recovery.selected import AtHand
    from muniment.recovery.selection import Scope, Selection
    from muniment.sources.databases.servers import server_of
    from muniment.sources.databases.target import DatabaseTarget

    session = session_of(ctx)
    requested_at = session.clock.now()
    name = source_of(source)
    system, access = _server(session, name)
    vault = session.reading()
    selection = Selection(Scope.ITEM, _item(vault, name, database), (name,))
    selection.predicate()
    receiving = Receiving(session, vault, None, received_by, requested_by, approved_by or (), None)
    at = moment_of_plan(session, vault, as_of, selection.sources)
    at_hand = AtHand()
    with session.screen.progress("Planning: proving the chosen snapshot"):
        plan = make_restore_plan(
            vault, selection, at, target="database", at_hand=at_hand, withhold=receiving.withhold
        )
    receiving.require(plan)
    let_go = LetGo(session, receiving)
    let_go.judge(plan, selection)
    data: dict[str, Any] = {"plan": plan.as_dict(), "plan_digest": plan.digest, "performed": None}
    data["approval"] = let_go.as_dict()
    if plan_only:

        def planned() -> None:
            print_plan(session, plan, plan_only=True)
            let_go.say()

        session.screen.answer("restore-database", data, planned)
        return
    if not session.screen.as_json:
        print_plan(session, plan)
        let_go.say()
    _agreed(plan, plan_digest)
    if not plan_digest:
        session.screen.confirm(f"Load it into the database {into} at {access.place}?", yes)
    let_go.begin(plan)
    target = DatabaseTarget(server_of(system, access, into), access.place)
    with session.screen.progress("Loading") as advance:
        report = perform(
            vault,
            plan,
            selection,
            lambda _: target,
            progress=lambda _, done, total: advance(done, total),
            at_hand=at_hand,
            withhold=receiving.withhold,
        )
    record_restore(
        session, vault, plan, report, requested_at, receiving.restore_id, whole=report.whole
    )
    let_go.end(report.whole)
    data["approval"] = let_go.as_dict()
    rows = sum(target.loaded.rows.values()) if target.loaded else 0
    data |= {"performed": report.as_dict(), "to": f"{access.place}/{into}", "rows": rows}

    def human() -> None:
        say = session.screen.note
        if report.whole:
            say(
                f"WHOLE: {rows:,} rows; the server counts the tables, rows and sums of the dump's own moment."
            )
        for _, what in report.failures:
            say(f"NOT WHOLE: {what}")
        for difference in report.differences:
            say(f"The server reported {difference}: see docs/DATABASES.md, 'Codes'.")

    session.screen.answer(
        "restore-database", data, human, Exit.GOOD if report.whole else Exit.NOT_WHOLE
    )


def _server(session: Session, source: str) -> tuple[str, Access]:
    """The make of the source, and the server that firm.yaml names to restore into. Raises ConfigError."""
    from muniment.errors import ConfigError
    from muniment.wiring_databases import access_of, database_options

    config = session.firm
    system = config.row(source).system
    where = f"firm {config.firm_id}, firm.yaml, key sources.{source}.database.restore"
    if system not in ("postgresql", "mariadb", "mysql"):
        raise ConfigError(
            "this source is no database server",
            to=where,
            todo="Restore it as files: `muniment restore`.",
        )
    server = database_options(config, source).restore
    if server is None:
        raise ConfigError(
            "firm.yaml names no server to restore this database into",
            to=where,
            todo="Name one there; docs/DATABASES.md has an example. As a file a dump comes with `muniment restore`.",
        )
    return system, access_of(server, None, where)


def _item(vault: Vault, source: str, database: str) -> str:
    from muniment.ids import item_id
    from muniment.sources.databases.access import KIND, native_id

    key = vault.keyring.id_key(f"id-{source}")
    return item_id(key, source, KIND, native_id(database)).hex()
