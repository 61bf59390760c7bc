"""Drills beside each other: which source was in one, what took longer than usual, what a seed draws again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from muniment.evidence.drill_history import (
    YEAR,
    PastDrill,
    before,
    last_drilled,
    past_drills,
    slower,
    undrilled,
    usual,
    words_of,
)
from muniment.evidence.drills import DrillAnswered, DrillFinished, DrillStarted
from muniment.evidence.events import Event
from muniment.vault.documents import EvidenceEntry

NOW = datetime(2026, 10, 12, tzinfo=UTC)
QUARTER = timedelta(days=91)


def entry(event: Event, at: datetime) -> EvidenceEntry:
    return EvidenceEntry(
        vault_id="0" * 32, stream="operations-drills", seq=1, parent=None, at=at, event=event.event,
        subject=event.subject, facts=event.facts(), detail=None,
    )  # fmt: skip


def entries(
    number: int, seconds: float, *, sources: tuple[str, ...] = ("files",), answer: str = "yes"
) -> list[EvidenceEntry]:
    """One drill, so many quarters ago."""
    at, name = NOW - number * QUARTER, f"drill-{number}"
    started = DrillStarted(
        name, "matter", 1000 + number, sources[0], "matter", "M-AAAAAAAA", sources, at, at,
        (("clio", "ab" * 16),),
    )  # fmt: skip
    phases = {"draw": 1.0, "restore": seconds}
    counts = {"items": 3, "bytes": 9}
    told = [
        entry(started, at),
        entry(DrillFinished(name, "matter", sources, True, seconds + 1, phases, counts), at),
    ]
    return [*told, entry(DrillAnswered(name, answer), at)] if answer else told


def test_a_drill_is_read_back_with_its_phases() -> None:
    [drill] = past_drills(entries(1, 60.0))
    assert (drill.phases, drill.seconds) == ({"draw": 1.0, "restore": 60.0}, 61.0)
    assert (drill.items, drill.bytes, drill.answer) == (3, 9, "yes")
    [started] = [e for e in entries(1, 60.0) if e.event == DrillStarted.event]
    assert DrillStarted.of(started).also == (("clio", "ab" * 16),)


def test_slower_than_twice_the_median_is_said_and_no_less() -> None:
    past = past_drills([*entries(4, 50.0), *entries(3, 60.0), *entries(2, 900.0)])
    assert usual(past, "matter")["restore"] == 60.0
    assert slower(past, "matter", {"restore": 120.0}, 100.0) == []
    found = slower(past, "matter", {"draw": 9.0, "restore": 130.0}, 139.0)
    assert words_of(found) == "restore 130.0 s (usually 60.0 s), in all 139.0 s (usually 61.0 s)"
    assert slower(past, "item", {"restore": 900.0}, 900.0) == []
    assert slower(past[:1], "matter", {"restore": 900.0}, 900.0) == []


def test_a_source_counts_as_drilled_when_somebody_answered() -> None:
    told = [*entries(3, 1.0, sources=("files", "clio")), *entries(1, 1.0, answer="")]
    assert last_drilled(past_drills(told)) == dict.fromkeys(("clio", "files"), NOW - 3 * QUARTER)


def test_what_was_not_drilled_within_a_year_is_told_and_so_is_the_recovery_kit() -> None:
    past = past_drills(entries(1, 1.0))
    since = {"files": NOW - 3 * YEAR, "clio": NOW - YEAR - QUARTER, "mail": NOW - QUARTER}
    standing = {u.source: (u.overdue, u.last) for u in undrilled(past, since, NOW)}
    assert standing == {
        "clio": (True, None),
        "files": (False, NOW - QUARTER),
        "mail": (False, None),
        "recovery-kit": (True, None),
    }
    kit = PastDrill("k", NOW, "recovery-kit", True, 1.0, ("files",), answer="yes")
    assert not any(u.overdue for u in undrilled([kit], {"files": NOW - 3 * YEAR}, NOW))


def test_the_seed_of_an_earlier_drill_knows_what_that_one_knew() -> None:
    told = [*entries(3, 1.0), *entries(2, 1.0)]
    assert before(told, 1002, NOW) == (past_drills(entries(3, 1.0)), NOW - 2 * QUARTER)
    assert before(told, 7, NOW) == (past_drills(told), NOW)
