"""discovery: what vendors list and no row of the inventory covers, accounts that ended, computers that nobody can show to be
backed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muniment.cli import forms, words
from muniment.cli.exits import Exit
from muniment.cli.options import session_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.evidence.discovery import DiscoveryEnded, WorkstationsSeen
    from muniment.vault.documents import EvidenceEntry
    from muniment.vault.vault import Vault

PANEL = "Look"


def register(app: forms.Group) -> None:
    app.command("discovery", panel=PANEL)(discovery)


def discovery(ctx: forms.Context) -> None:
    """Shows what vendors list and nothing backs up, as the newest discovery found it.

    What no row of the inventory covers, accounts that were disabled or went without a certificate, and whose computers cannot be
    shown to be backed up. Needs no key; with one that opens evidence (operations, escrow) it says who and what they are. Exit
    code 0: nothing was found; 11: something was. docs/DISCOVERY.md.
    """
    from muniment.clock import to_text
    from muniment.evidence.discovery import DISCOVERY, DiscoveryEnded, WorkstationsSeen, newest
    from muniment.vault.evidence import load_stream

    session = session_of(ctx)
    vault = session.looking()
    entries = list(load_stream(vault.store, vault.trust, DISCOVERY).events())
    last = newest(entries, DiscoveryEnded.event)
    if last is None:
        session.screen.answer(
            "discovery", {"at": None}, lambda: session.screen.say("Nothing was looked for yet."), Exit.ALARM
        )  # fmt: skip
        return
    ended = DiscoveryEnded.of(last)
    seen = newest(entries, WorkstationsSeen.event)
    stations = WorkstationsSeen.of(seen) if seen else None
    named = _opened(vault, last).get("named") or {}
    people = _opened(vault, seen).get("persons") or {} if seen else {}
    risks = stations.risks if stations else ()
    data: dict[str, Any] = {
        "at": to_text(last.at),
        "findings": _findings(ended, named),
        "failed": dict(ended.failed),
        "unasked": dict(ended.unasked),
        "workstations": [
            {
                "person": r.person, "since": to_text(r.since), "due": to_text(r.due), "owner": r.owner,
                "codes": list(r.codes), "name": (people.get(r.person) or [""])[0],
                "devices": [name for name, _ in (people.get(r.person) or ["", []])[1]],
            }
            for r in risks
        ],
    }  # fmt: skip
    good = ended.good and not risks
    session.screen.answer(
        "discovery", data, lambda: _print(session, data, stations), Exit.GOOD if good else Exit.ALARM
    )  # fmt: skip


def _findings(ended: DiscoveryEnded, named: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for word in ("uncovered", "disabled", "gone"):
        for source, ids in sorted(getattr(ended, word).items()):
            for id_ in ids:
                _, _, _, name, why = named.get(id_) or ("", "", "", "", "")
                found.append({"what": word, "source": source, "id": id_, "name": name, "why": why})
    return found


def _opened(vault: Vault, entry: EvidenceEntry) -> dict[str, Any]:
    """The sealed part, where a key opens it; else nothing."""
    from muniment.errors import NoKey
    from muniment.evidence.discovery import unpacked
    from muniment.vault.evidence import open_detail

    try:
        return unpacked(open_detail(vault, entry))
    except NoKey:
        return {}


def _print(session: Session, data: dict[str, Any], stations: WorkstationsSeen | None) -> None:
    from muniment.clock import from_text

    screen, zone = session.screen, session.zone
    screen.say(f"Looked at {words.moment(from_text(data['at']), zone)}.")
    screen.table(
        ("what", "source", "id", "name", "why"),
        [(f["what"], f["source"], f["id"], f["name"], f["why"]) for f in data["findings"]],
    )
    for source, code in data["failed"].items():
        screen.note(f"{source} could not be asked ({code}): what was found of it before stands.")
    for source, what in data["unasked"].items():
        screen.note(f"{source}: the application may not list: {what}.")
    if stations is None:
        screen.note("Workstations were never judged: nothing says what computers there are.")
    else:
        screen.say(f"{stations.persons:,} people, {stations.devices:,} computers.")
    screen.table(
        ("person", "name", "computers", "lacking", "owner", "due"),
        [
            (
                w["person"], w["name"], ", ".join(w["devices"]), ", ".join(w["codes"]), w["owner"],
                words.moment(from_text(w["due"]), zone)
                + (" OVERDUE" if session.clock.now() > from_text(w["due"]) else ""),
            )
            for w in data["workstations"]
        ],
    )  # fmt: skip
    if not (data["findings"] or data["failed"] or data["workstations"]):
        screen.say("GOOD: the inventory covers what the vendors list.", style="bold green")
