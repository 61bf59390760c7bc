"""anomaly: what looks like an attack, and a person's word that it was looked at."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.exits import Exit
from muniment.cli.options import Yes, session_of, source_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.vault.history import CommitRecord, History
    from muniment.vault.suspicion import Clearing, Suspicions

PANEL = "Prove"

SIGNALS = {
    "overwritten": "{count} of {of} changed files no longer look like what they are",
    "exchanged": "{count} of {of} new files stand where others vanished, and look like nothing known",
    "suffixed": "{count} files have an unusual ending behind the name that they had",
    "extension": "{count} of {of} new files have an ending that was never here",
    "notes": "names of ransom notes lie in {count} folders",
    "deleted": "{count} of {of} files are gone",
    "changed": "{count} of {of} files have another content, far more than ever",
    "slowly": "{count} of {of} changes of the last runs no longer look like what they are",
    "unreadable": "{count} of {of} files looked like nothing known at the first backup",
}
"""A sign of docs/ANOMALIES.md in a sentence."""

app = forms.Group(
    help="What looks like an attack on a source: show it, and clear it once somebody has looked.",
)


def register(parent: forms.Group) -> None:
    parent.add_group(app, name="anomaly", panel=PANEL)


class Found(StrEnum):
    """What a person found. Codes, because evidence stands in the clear."""

    EXPECTED = "expected"
    FALSE_ALARM = "false_alarm"
    ATTACK = "attack"


def sentence(sign: Any) -> str:
    """A sign (a model or its dict) in words."""
    said = sign if isinstance(sign, dict) else sign.as_dict()
    pattern = SIGNALS.get(str(said["signal"]), f"{said['signal']}: {{count}} of {{of}}")
    return pattern.format(count=f"{said['count']:,}", of=f"{said['of']:,}")


@app.command("show")
def show(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(metavar="[SOURCE]", help="Only this source.")] = "",
) -> None:
    """Lists suspicious snapshots with their signs, the last clean one, and who cleared what. Needs no key.

    The exit code is 11 while one is open.
    """
    from muniment.errors import NothingToRestore
    from muniment.vault.history import sources_in
    from muniment.vault.suspicion import judged, load_clearings

    session = session_of(ctx)
    vault = session.keyless()
    known = sources_in(vault.store)
    if source and source_of(source) not in known:
        raise NothingToRestore("this source has never committed a snapshot here", to=source)
    clearings = load_clearings(vault)
    listed: list[dict[str, Any]] = []
    for each in [source] if source else known:
        history = vault.history(each)
        found = judged(history, clearings)
        cleared = {(c.seq, c.commit): c for c in clearings if c.source == each}
        listed.append(_source_dict(history, found, cleared))
    waiting = sum(len(each["open"]) for each in listed)
    session.screen.answer(
        "anomaly show",
        {"sources": listed, "open": waiting},
        lambda: _print(session, listed),
        Exit.ALARM if waiting else Exit.GOOD,
    )


def _source_dict(
    history: History, found: Suspicions, cleared: dict[tuple[int, str], Clearing]
) -> dict[str, Any]:
    flagged = [r for r in history.trusted if r.commit.guard and r.commit.guard.suspicious]
    clean = found.last_clean
    return {
        "source": history.source,
        "open": [r.seq for r in found.open],
        "last_clean": clean.seq if clean else None,
        "last_clean_at": clean.commit.to_payload()["ended_at"] if clean else None,
        "tainted": sorted(found.tainted),
        "snapshots": [_snapshot_dict(r, cleared.get((r.seq, r.digest))) for r in flagged],
    }


def _snapshot_dict(record: CommitRecord, clearing: Clearing | None) -> dict[str, Any]:
    from muniment.clock import to_text

    guard = record.commit.guard
    assert guard is not None
    return {
        "seq": record.seq,
        "digest": record.digest,
        "ended_at": record.commit.to_payload()["ended_at"],
        "signs": [sign.as_dict() for sign in guard.signs],
        "cleared": None
        if clearing is None
        else {
            "conclusion": clearing.conclusion.value,
            "by": clearing.by,
            "at": to_text(clearing.at),
            "through": clearing.through,
        },
    }


def _print(session: Session, listed: list[dict[str, Any]]) -> None:
    from muniment.clock import from_text

    screen = session.screen
    for each in listed:
        if not each["snapshots"]:
            screen.say(f"{each['source']}: nothing suspicious in any snapshot")
            continue
        for snapshot in each["snapshots"]:
            when = words.moment(from_text(snapshot["ended_at"]), session.zone)
            done = snapshot["cleared"]
            state = f"cleared by {done['by']} ({done['conclusion']})" if done else "OPEN"
            screen.say(
                f"{each['source']}/{snapshot['seq']}, {when}: {state}",
                style="" if done else "bold red",
            )
            for sign in snapshot["signs"]:
                screen.say(f"  {sentence(sign)}")
        if each["open"]:
            clean = each["last_clean"]
            screen.say(
                f"{each['source']}: the last clean snapshot is {clean}; nothing older is forgotten until this "
                "is cleared"
                if clean
                else f"{each['source']}: no clean snapshot is left",
                style="bold",
            )


@app.command("clear")
def clear(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(help="The source.")],
    reason: Annotated[
        Found,
        forms.Option(
            metavar="expected|false_alarm|attack",
            help="What you found: meant by somebody; nothing; an attack, over and mended.",
        ),
    ],
    by: Annotated[str, forms.Option(metavar="PERSON", help="Who looked: an id of `people`.")],
    note: Annotated[
        str, forms.Option(metavar="TEXT", help="In your words. Sealed; names may stand in it.")
    ] = "",
    yes: Yes = False,
) -> None:
    """Says, signed, that a person looked at a source's suspicious snapshots. Forgetting may go on after it.

    After `attack` those snapshots stay marked, and so do the ones since: `--as-of last-clean` passes over them.
    Uses operations' keys: neither a worker nor who forgets can clear.
    """
    from muniment.errors import NothingToRestore
    from muniment.evidence.events import ANOMALIES, AnomalyCleared, write
    from muniment.vault.suspicion import Conclusion, suspicions

    session = session_of(ctx)
    if by not in session.firm.firm.people:
        raise forms.BadParameter(
            f"--by names one of `people` of firm.yaml: {', '.join(sorted(session.firm.firm.people))}"
        )
    vault = session.acting("operations")
    history = vault.history(source_of(source))
    found = suspicions(vault, history)
    if not found.open:
        raise NothingToRestore(
            "nothing suspicious is open here",
            to=source,
            safe="Nothing was changed.",
            todo="See `muniment anomaly show`.",
        )
    assert history.head is not None
    through = history.head.seq
    if not session.screen.as_json:
        for record in found.open:
            session.screen.say(f"{source}/{record.seq}", style="bold")
            for sign in record.commit.guard.signs if record.commit.guard else ():
                session.screen.say(f"  {sentence(sign)}")
    session.screen.confirm(
        f"Clear {words.some(len(found.open), 'suspicious snapshot')} of {source} ({reason.value})? "
        "Older ones may be forgotten then.",
        yes,
    )
    entries = []
    for record in found.open:
        event = AnomalyCleared(
            source, record.seq, record.digest, through, Conclusion(reason.value), by
        )
        detail = {"note": note} if note else None
        entries.append(write(vault, ANOMALIES, event, detail).name)
    data = {
        "source": source,
        "cleared": [r.seq for r in found.open],
        "conclusion": reason.value,
        "by": by,
        "evidence": entries,
    }
    session.screen.answer(
        "anomaly clear",
        data,
        lambda: session.screen.say(f"Cleared; evidence: {', '.join(entries)}"),
    )
