"""From conditions to events: nothing twice, nothing lost, nothing that swings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from muniment.alerts.book import Book
from muniment.alerts.model import Cause, Condition, Event, Happened, Severity
from muniment.alerts.reconcile import Judgement, reconcile

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def late(source: str = "files", severity: Severity = Severity.WARNING, **more: object) -> Condition:
    return Condition(f"backup:{source}", Cause.LATE, severity, source, **more)  # type: ignore[arg-type]


def step(
    book: Book, now: datetime, *conditions: Condition, undecided: tuple[str, ...] = ()
) -> list[Event]:
    events = reconcile(book.open, Judgement(conditions, frozenset(undecided)), now)
    book.apply(events)
    return events


def words(events: list[Event]) -> list[tuple[str, str, bool]]:
    return [(e.happened.value, e.key, e.tell) for e in events]


def test_a_condition_opens_once_and_is_resolved_by_itself() -> None:
    book = Book()
    assert words(step(book, NOW, late())) == [("alert.opened", "backup:files", True)]
    assert step(book, NOW + HOUR, late()) == []
    assert words(step(book, NOW + 2 * HOUR)) == [("alert.resolved", "backup:files", True)]
    assert step(book, NOW + 3 * HOUR) == []
    assert book.open == {}


def test_it_is_told_again_when_it_gets_worse_and_not_when_it_gets_better() -> None:
    book = Book()
    step(book, NOW, late(severity=Severity.SERIOUS))
    [worse] = step(book, NOW + HOUR, late(severity=Severity.CRITICAL))
    assert (worse.happened, worse.tell) == (Happened.UPDATED, True)
    assert step(book, NOW + 2 * HOUR, late(severity=Severity.WARNING)) == []
    assert step(book, NOW + 3 * HOUR, late(severity=Severity.CRITICAL)) == []


def test_another_cause_of_the_same_trouble_is_written_down_and_told_nobody() -> None:
    book = Book()
    step(book, NOW, late())
    failed = Condition("backup:files", Cause.FAILED, Severity.WARNING, "files")
    [event] = step(book, NOW + HOUR, failed)
    assert (event.happened, event.tell) == (Happened.UPDATED, False)
    assert book.open["backup:files"].cause is Cause.FAILED


def test_what_nobody_mends_is_escalated_after_a_day_and_every_day_again() -> None:
    book = Book()
    step(book, NOW, late())
    assert step(book, NOW + 23 * HOUR, late()) == []
    [first] = step(book, NOW + 24 * HOUR, late())
    assert first.happened is Happened.ESCALATED
    assert first.alert is not None and first.alert.escalated
    assert step(book, NOW + 25 * HOUR, late()) == []
    [second] = step(book, NOW + 49 * HOUR, late())
    assert second.alert is not None
    assert second.alert.level == 2
    # A watch that was away for days makes up for it with one word.
    assert len(step(book, NOW + 200 * HOUR, late())) == 1


def test_client_money_is_escalated_at_once() -> None:
    book = Book()
    [event] = step(book, NOW, late(severity=Severity.CRITICAL, at_once=True))
    assert event.alert is not None
    assert event.alert.escalated


def test_what_could_not_be_looked_at_is_not_resolved() -> None:
    book = Book()
    step(book, NOW, late())
    assert step(book, NOW + HOUR, undecided=("backup:files",)) == []
    assert step(book, NOW + 2 * HOUR, undecided=("backup:",)) == []
    assert list(book.open) == ["backup:files"]
    assert words(step(book, NOW + 3 * HOUR)) == [("alert.resolved", "backup:files", True)]


def test_of_two_conditions_of_one_key_the_worse_counts() -> None:
    book = Book()
    [event] = step(book, NOW, late(), late(severity=Severity.CRITICAL), late())
    assert event.alert is not None
    assert event.alert.severity is Severity.CRITICAL


KEYS = st.sampled_from(["backup:files", "backup:ledger", "verification", "channel:smtp"])
CONDITIONS = st.builds(
    Condition,
    key=KEYS,
    cause=st.sampled_from(list(Cause)),
    severity=st.sampled_from(list(Severity)),
    at_once=st.booleans(),
)
LOOKS = st.lists(
    st.tuples(
        st.timedeltas(timedelta(minutes=1), timedelta(days=3)),
        st.lists(CONDITIONS, max_size=5),
        st.frozensets(KEYS, max_size=2),
    ),
    max_size=25,
)


@given(LOOKS)
def test_every_opened_alert_is_open_or_resolved_and_none_is_opened_twice(
    looks: list[tuple[timedelta, list[Condition], frozenset[str]]],
) -> None:
    book, now = Book(), NOW
    told: list[Event] = []
    for passed, conditions, undecided in looks:
        now += passed
        judged = Judgement(tuple(conditions), undecided)
        before = set(book.open)
        events = reconcile(book.open, judged, now)
        book.apply(events)
        told += events
        wrong = {c.key for c in conditions}
        assert set(book.open) == wrong | {k for k in before - wrong if not judged.decided(k)}
        # The same look again says nothing.
        assert reconcile(book.open, judged, now) == []
    assert len({e.notice_id for e in told}) == len(told)
    for key in {e.key for e in told}:
        story = [e.happened for e in told if e.key == key]
        story = [h for h in story if h in (Happened.OPENED, Happened.RESOLVED)]
        opened, resolved = Happened.OPENED, Happened.RESOLVED
        assert story == [opened, resolved] * (len(story) // 2) + [opened] * (key in book.open)
    severities: dict[str, int] = {}
    for event in told:
        assert event.alert is not None
        if event.happened is Happened.OPENED:
            severities.pop(event.key, None)
        assert event.alert.severity.value >= severities.get(event.key, 0)
        severities[event.key] = event.alert.severity.value


@given(LOOKS)
def test_a_book_is_the_same_from_its_events_and_from_its_text(
    looks: list[tuple[timedelta, list[Condition], frozenset[str]]],
) -> None:
    book, now = Book(), NOW
    every: list[Event] = []
    for passed, conditions, undecided in looks:
        now += passed
        events = reconcile(book.open, Judgement(tuple(conditions), undecided), now)
        every += events
        book.apply(events)
    assert Book().apply(every) == book
    assert Book.from_text(book.to_text()) == book
