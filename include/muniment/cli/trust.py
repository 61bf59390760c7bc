"""trust: a firm's trust books - judged out of the vault, and the sealed reports for its trust lawyer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.exits import Exit
from muniment.cli.options import session_of

if TYPE_CHECKING:
    from muniment.assurance.trust_books.weekly import Looked
    from muniment.cli.session import Session
    from muniment.config.inventory import InventoryRow
    from muniment.vault.vault import Vault

app = forms.Group(
    help="Trust books: judge them out of the vault; open what is sealed to the trust lawyer.",
)


def register(parent: forms.Group) -> None:
    parent.add_group(app, name="trust", panel="Prove")


@app.command("findings")
def findings(
    ctx: forms.Context,
    identity: Annotated[
        Path | None,
        forms.Option(
            "--identity",
            metavar="FILE",
            help="The trust lawyer's age identity, perhaps under a passphrase.",
        ),
    ] = None,
    source: Annotated[
        str, forms.Option("--source", metavar="ID", help="Only the trust books of this source.")
    ] = "",
    everything: Annotated[
        bool, forms.Option("--all", help="Also what holds, and what was not judged.")
    ] = False,
    back: Annotated[
        int, forms.Option("--back", metavar="N", min=0, help="The report N before the newest.")
    ] = 0,
) -> None:
    """Opens the newest sealed report on trust books: for the trust lawyer, who alone can.

    Shows names and amounts. The exit code is 0 whatever the report says.
    """
    from muniment.assurance.trust_books.sealed_report import open_report, reports_in
    from muniment.cli.keyfiles import read_identities
    from muniment.errors import KeyFileError, NothingToRestore

    session = session_of(ctx)
    paths = [identity] if identity is not None else list(session.given.identities)
    if not paths:
        raise KeyFileError(
            "reports on trust books are sealed, and no identity was named that opens them",
            to="--identity",
            todo="Give --identity FILE: that of the person in the role trust_lawyer.",
        )
    identities = [one for path in paths for one in read_identities(path, session.passphrase)]
    newest: dict[str, list[Any]] = {}
    for entry in reports_in(session.keyless(), source):
        newest.setdefault(entry.subject, []).append(entry)
    chosen = [listed[-1 - back] for listed in newest.values() if len(listed) > back]
    if not chosen:
        raise NothingToRestore(
            "there is no such sealed report on trust books",
            to=source or "any source",
            todo="One is written by each weekly verification, once firm.yaml names a trust lawyer with a"
            " recipient.",
        )
    reports = [open_report(entry, identities) for entry in chosen]

    def human() -> None:
        for report in reports:
            _print(session, report, everything)

    session.screen.answer("trust findings", {"reports": reports}, human)


def _print(session: Session, report: dict[str, Any], everything: bool) -> None:
    screen = session.screen
    before = report["compared_with"]
    compared = f", compared with {before}" if before else ""
    screen.say(f"{report['source']}, snapshot {report['snapshot']}{compared}, {report['made_at']}", style="bold")  # fmt: skip
    for one in report["verdicts"]:
        if one["outcome"] == "fails":
            screen.say(f"{one['id']} {one['class']}: {one['means']}", style="bold")
            for place in one["listed"]:
                screen.say(f"    {place['what']}")
            if one["places"] > len(one["listed"]):
                screen.say(f"    and {one['places'] - len(one['listed']):,} more")
        elif everything:
            screen.say(f"{one['id']} {one['class']}: {one['outcome']}. {one['means']}")
        if everything:
            for reason in one["not_judged_because"]:
                screen.say(f"    not judged: {reason}")
    held = sum(one["outcome"] == "holds" for one in report["verdicts"])
    failed = sum(one["outcome"] == "fails" for one in report["verdicts"])
    rest = len(report["verdicts"]) - held - failed
    screen.say(f"{held} hold, {failed} do not, {rest} were not judged.")


@app.command("check")
def check(
    ctx: forms.Context,
    source: Annotated[
        str, forms.Argument(metavar="[SOURCE]", help="The trust books of this source; else all.")
    ] = "",
) -> None:
    """Adds up trust books out of the vault and holds them against every rule of copy and arithmetic, as the
    weekly verification does. What concerns the firm's conduct is not looked at, and nothing is written.

    Needs operations' keys. Exit code 6: the copy is not what its source said, or was damaged since.
    """
    from muniment.assurance.reconcile import RECONCILERS
    from muniment.errors import NothingToRestore

    session = session_of(ctx)
    rows = [
        row
        for row in session.firm.protected
        if row.system in RECONCILERS and source in ("", row.source_id)
    ]
    if not rows:
        raise NothingToRestore(
            "there are no such trust books in the inventory", to=source or "any source"
        )
    done = [(row.source_id, *_checked(session, row)) for row in rows]
    data = {
        "sources": [
            {
                "source": name,
                "entries": entries,
                "differences": differences,
                "damage": dict(looked.damage),
                "anomalies": dict(looked.anomalies),
                "amendments": looked.amendments,
                "not_judged": {id_: list(reasons) for id_, reasons in looked.unjudged.items()},
            }
            for name, entries, differences, looked in done
        ]
    }
    wrong = sum(differences + sum(looked.damage.values()) for _, _, differences, looked in done)

    def human() -> None:
        for name, entries, differences, looked in done:
            session.screen.say(f"{name}: {words.some(entries, 'entry', 'entries')}", style="bold")
            if differences:
                session.screen.say(f"  do not agree with what the source said in {differences:,} places", style="red")  # fmt: skip
            for id_, count in looked.damage.items():
                session.screen.say(f"  {id_} does not hold in {count:,} places", style="red")
            for id_, count in looked.anomalies.items():
                session.screen.say(f"  {id_} does not hold in {count:,} places, and did not in the source", style="yellow")  # fmt: skip
            for id_, reasons in looked.unjudged.items():
                session.screen.say(f"  {id_} not judged: {'; '.join(reasons)}")
        if wrong:
            session.screen.say(
                "NOT GOOD: docs/VERIFICATION.md says what each means.", style="bold red"
            )
        else:
            session.screen.say("GOOD: a true copy, and it adds up.", style="bold green")

    session.screen.answer("trust check", data, human, Exit.DAMAGE if wrong else Exit.GOOD)


def _checked(session: Session, row: InventoryRow) -> tuple[int, int, Looked]:
    import tempfile

    from muniment.assurance.reconcile import RECONCILERS
    from muniment.assurance.trial import Draw
    from muniment.assurance.trust_books.weekly import look_at_books
    from muniment.clock import to_text
    from muniment.errors import NothingToRestore

    vault = _vault(session, row.destination)
    history = vault.history(row.source_id)
    if not history.live:
        raise NothingToRestore("these trust books have no snapshot", to=row.source_id)
    head = history.live[-1]
    at = to_text(session.clock.now())
    drawn = Draw(row.source_id, row.system, head.seq, head.digest, at, 0, "", None)
    with tempfile.TemporaryDirectory(prefix="muniment-trust-") as place:
        found = RECONCILERS[row.system](vault, drawn, Path(place))
    firm = session.firm.firm
    looked = look_at_books(vault, drawn, found, firm, papers=_papers(session), sealing=False)
    return found.entries, found.differences, looked


def _papers(session: Session) -> Vault | None:
    settings = session.firm.firm.trust_papers
    for row in session.firm.protected:
        if settings is not None and row.source_id == settings.source:
            return _vault(session, row.destination)
    return None


def _vault(session: Session, destination: str) -> Vault:
    if session.given.identities:
        return session.wiring.vault_with(
            session.identities, None, destination, session.store_role()
        )
    return session.wiring.vault(session.given.role or "operations", destination)
