"""drills: the drills that were held, their times beside the usual, and what was not drilled within a year."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from muniment.cli import forms, words
from muniment.cli.options import session_of

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.evidence.drill_history import PastDrill, Undrilled
    from muniment.vault.documents import EvidenceEntry

PANEL = "Prove"


def register(app: forms.Group) -> None:
    app.command("drills", panel=PANEL)(drills)


def drills(
    ctx: forms.Context,
    last: Annotated[
        int, forms.Option("--last", metavar="N", min=1, help="So many of the newest.")
    ] = 12,
    certificate: Annotated[
        str,
        forms.Option(
            metavar="DRILL",
            help="Writes the certificate of this drill; needs an identity and --to.",
        ),
    ] = "",
    to: Annotated[
        Path | None, forms.Option(metavar="FOLDER", help="A new or empty folder for it.")
    ] = None,
) -> None:
    """Shows the drills that were held: the seconds of each phase beside the usual, and which source, and the recovery
    kit, was last in one.

    Computed from the evidence; needs no key, but for `--certificate`. docs/DRILLS.md.
    """
    from muniment.evidence.drill_history import past_drills, slower, undrilled, words_of

    session = session_of(ctx)
    if certificate or to:
        return _certificate(session, certificate, to)
    found = past_drills(drill_entries(session))
    since = _since(session)
    missing = undrilled(found, since, session.clock.now())
    longer = {
        d.drill_id: words_of(slower(found[:n], d.scenario, d.phases, d.seconds))
        for n, d in enumerate(found)
    }
    data = {
        "drills": [{**d.as_dict(), "slower": longer[d.drill_id]} for d in found[-last:]],
        "sources": [m.as_dict() for m in missing],
    }
    session.screen.answer("drills", data, lambda: _print(session, found[-last:], longer, missing))


def _certificate(session: Session, drill_id: str, to: Path | None) -> None:
    """Of one drill into `to`/_certificate, where it had several also _certificate-2 and so on."""
    from muniment.assurance.drill_certificate import certificates_of
    from muniment.recovery.certificate.place import FOLDER, OpenFolder

    if not drill_id or to is None:
        raise forms.BadParameter("--certificate DRILL goes with --to FOLDER")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise forms.BadParameter("--to holds something: name a new or an empty folder")
    found = certificates_of(drill_entries(session), drill_id, session.reading())
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for number, files in enumerate(found, 1):
        own = FOLDER if number == 1 else f"{FOLDER}-{number}"
        written.append(str(OpenFolder(to.absolute(), own).leave(files)))
    data = {"drill_id": drill_id, "certificates": written}
    session.screen.answer("drills", data, lambda: _say(session, written))


def _say(session: Session, written: Sequence[str]) -> None:
    for folder in written:
        session.screen.say(f"{folder}: python3 {folder}/verify_delivery.py checks it")


def drill_entries(session: Session) -> Sequence[EvidenceEntry]:
    """What the store has of drills, as far as it is believed."""
    from muniment.evidence.events import DRILLS
    from muniment.vault.evidence import load_stream

    vault = session.keyless()
    return list(load_stream(vault.store, vault.trust, DRILLS).events())


def _since(session: Session) -> dict[str, datetime]:
    """When the first snapshot of each source began that is to be protected, or that ever committed."""
    from muniment.vault.history import sources_in

    vault = session.keyless()
    there = sources_in(vault.store)
    wanted = (
        [r.source_id for r in session.firm.protected if r.source_id in there]
        if session.has_firm
        else there
    )
    firsts = {}
    for source in wanted:
        trusted = vault.history(source).trusted
        if trusted:
            firsts[source] = trusted[0].commit.started_at
    return firsts


def _print(
    session: Session,
    shown: Sequence[PastDrill],
    longer: dict[str, str],
    missing: Sequence[Undrilled],
) -> None:
    from muniment.evidence.drills import PHASES

    screen = session.screen
    if not shown:
        screen.say("No drill was held yet.")
    screen.table(
        (
            "when",
            "scenario",
            "answer",
            "certified",
            ">in all",
            *(f">{name}" for name in PHASES),
            ">bytes",
        ),
        [
            (
                words.moment(d.at, session.zone),
                d.scenario,
                d.answer or ("none" if d.whole else "not whole"),
                "yes" if d.certificates else "no",
                f"{d.seconds:,.1f}",
                *(f"{d.phases[name]:,.1f}" if name in d.phases else "" for name in PHASES),
                f"{d.bytes:,}",
            )
            for d in shown
        ],
    )
    for drill in shown:
        if drill.certificates:
            when = words.moment(drill.at, session.zone)
            screen.say(f"{when}: certified: --certificate {drill.drill_id} --to FOLDER")
        if longer[drill.drill_id]:
            when = words.moment(drill.at, session.zone)
            screen.note(f"{when}: slower than twice the usual: {longer[drill.drill_id]}", "yellow")
    screen.table(
        ("source", "last drilled", "a year is over"),
        [
            (
                m.source,
                words.moment(m.last, session.zone) if m.last else "NEVER",
                words.moment(m.due, session.zone) + (" OVERDUE" if m.overdue else ""),
            )
            for m in missing
        ],
    )
