"""papers: which papers of the trust accounts are in the vault, which are due, which are overdue."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.exits import Exit
from muniment.cli.options import session_of
from muniment.errors import ConfigError

if TYPE_CHECKING:
    from muniment.alerts.papers import PapersSeen
    from muniment.cli.checkup import Symptom
    from muniment.cli.session import Session
    from muniment.config.papers import Due, TrustPapers

_STYLES = {"overdue": "bold red", "due": "yellow", "not yet due": "", "there": "green"}


OPENED, SAID = "opened here", "as the watch said"


def register(app: forms.Group) -> None:
    app.command("papers", panel="Prove")(papers)


def papers(
    ctx: forms.Context,
    every: Annotated[
        bool, forms.Option("--all", help="Also those that are there, and those of this month.")
    ] = False,
) -> None:
    """Lists the papers of the trust accounts that are missing in the vault: bank statements, check images,
    signed reconciliations.

    Reads the newest good snapshot of the upload folder; where no key opens it, the statement that the
    watch signed. Exit code 0: nothing is overdue; 11: something is.
    """
    session = session_of(ctx)
    settings = _settings(session)
    now = session.clock.now()
    seen, by = _seen(session, settings)
    # A statement says what was missing when it was made; of the rest it says nothing.
    wanted = _wanted(session, settings, now) if by == OPENED else seen.missing
    gone = set(seen.missing)
    listed = [(due, _state(due, gone, now)) for due in wanted]
    data: dict[str, Any] = {
        "source": seen.source,
        "snapshot": seen.seq or None,
        "seen_by": by,
        "papers": [_as_dict(due, state) for due, state in listed],
        "overdue": sum(state == "overdue" for _, state in listed),
    }

    def human() -> None:
        shown = [(d, s) for d, s in listed if every or s in ("due", "overdue")]
        if shown:
            session.screen.table(
                ("account", "month", "paper", "state", "due"),
                [(d.account, d.month, d.paper, s, _last_day(d, session)) for d, s in shown],
            )
        snapshot = f"snapshot {seen.seq}" if seen.seq else "no snapshot"
        session.screen.say(f"Seen in {snapshot} of {seen.source}, {by}.")
        if data["overdue"]:
            text = f"{words.some(data['overdue'], 'paper')} overdue; docs/TRUST_PAPERS.md says where to put them."
            session.screen.say(text, style="bold red")
        else:
            session.screen.say("GOOD: nothing is overdue.", style="bold green")

    session.screen.answer("papers", data, human, Exit.ALARM if data["overdue"] else Exit.GOOD)


def _settings(session: Session) -> TrustPapers:
    settings = session.firm.firm.trust_papers
    if settings is None:
        raise ConfigError(
            "firm.yaml does not say which papers of trust accounts are due",
            to=f"firm {session.firm.firm_id}, firm.yaml, key trust_papers",
            todo="docs/TRUST_PAPERS.md has an example.",
        )
    return settings


def _seen(session: Session, settings: TrustPapers) -> tuple[PapersSeen, str]:
    """What is missing and who looked. Raises KeyFileError where neither a key nor a statement is there."""
    from muniment.alerts.ledger import EvidenceLedger
    from muniment.alerts.papers import see_papers
    from muniment.errors import KeyFileError

    place = session.given.destination or session.firm.row(settings.source).destination
    if session.given.identities:
        vault = session.wiring.vault_with(session.identities, None, place, session.store_role())
    else:
        try:
            vault = session.wiring.vault(session.given.role or "operations", place)
        except KeyFileError:
            home = next(iter(session.firm.firm.destinations))
            reader = session.wiring.vault_with((), None, home, session.store_role())
            said = EvidenceLedger(reader).book.papers.get(settings.source)
            if said is None:
                raise
            return said, SAID
    zone = session.firm.firm.time_zone
    return see_papers(vault, settings, zone, "", "", None), OPENED


def _wanted(session: Session, settings: TrustPapers, now: datetime) -> list[Due]:
    from muniment.config.papers import due_papers

    return list(due_papers(settings, session.firm.firm.time_zone, now))


def _state(due: Due, gone: set[Due], now: datetime) -> str:
    if due not in gone:
        return "there"
    if now > due.late:
        return "overdue"
    return "due" if now > due.due else "not yet due"


def _last_day(due: Due, session: Session) -> str:
    return f"by {(due.due - timedelta(seconds=1)).astimezone(session.zone):%Y-%m-%d}"


def _as_dict(due: Due, state: str) -> dict[str, str]:
    from muniment.clock import to_text

    return {
        "account": due.account,
        "month": due.month,
        "paper": due.paper,
        "state": state,
        "due": to_text(due.due),
        "told_after": to_text(due.late),
    }


# -- for doctor ------------------------------------------------------------------------------------


def upload_folder(
    session: Session, settings: TrustPapers, root: Path, about: str
) -> Iterator[Symptom]:
    """Does the upload folder hold what is due, and nothing that no rule knows? Names no file."""
    from muniment.alerts.papers import missing, place_of
    from muniment.cli.checkup import State, Symptom

    paths = list(_files(root))
    wanted = {(d.month, d.account) for d in _wanted(session, settings, session.clock.now())}
    astray = sum((place := place_of(path)) is None or place[:2] not in wanted for path in paths)
    zone, now = session.firm.firm.time_zone, session.clock.now()
    late = [d for d in missing(paths, settings, zone, now) if now > d.due]
    if astray:
        what = (
            f"{words.some(astray, 'file')} in no folder of a month and account that firm.yaml knows"
        )
        todo = "Files belong into <year>-<month>/<account>/; docs/TRUST_PAPERS.md."
        yield Symptom(about, State.WARNING, what, todo)
    if late:
        months = ", ".join(sorted({f"{d.account} {d.month}" for d in late})[:6])
        what = f"{words.some(len(late), 'paper')} due and not in the folder: {months}"
        yield Symptom(about, State.WARNING, what, "`muniment papers` lists what the vault lacks.")
    else:
        yield Symptom(about, State.GOOD, "every paper that is due is in the folder")


def _files(root: Path) -> Sequence[bytes]:
    """Files below the root that are not empty, as paths below it."""
    top = os.fsencode(root)
    return [
        os.path.relpath(path, top)
        for folder, _, files in os.walk(top)
        for name in files
        if os.path.isfile(path := os.path.join(folder, name)) and os.path.getsize(path)
    ]
