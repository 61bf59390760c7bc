"""Papers of trust accounts: when they are due, how they are known, and what a statement of them is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.alerts.book import Book
from muniment.alerts.evaluate import evaluate
from muniment.alerts.facts import Facts
from muniment.alerts.lines import event_from, event_line
from muniment.alerts.model import Alert, Cause, Event, Happened, Severity
from muniment.alerts.papers import PapersSeen, missing, papers_in, see_papers
from muniment.alerts.reconcile import reconcile
from muniment.alerts.words import text_of
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.config.papers import TrustPapers, due_papers, words_in
from muniment.errors import NoKey
from muniment.sources.files import FileSource
from tests.support.practice import Practice

ZONE = "America/New_York"
DAY = timedelta(days=1)


def settings(**changed: object) -> TrustPapers:
    given = {"source": "trust-papers", "first_month": "2026-01", "accounts": {"iolta": None}}
    return TrustPapers.model_validate({**given, **changed})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WHOLE = [
    b"2026-01/iolta/Statement January.pdf",
    b"2026-01/iolta/checks/0001 front.png",
    b"2026-01/iolta/Reconciliation (signed).pdf",
]


def lacking(paths: list[bytes], now: str = "2026-02-01T12:00", **changed: object) -> set[str]:
    found = missing(paths, settings(**changed), ZONE, at(now))
    return {f"{d.account} {d.month} {d.paper}" for d in found if d.month == "2026-01"}


def test_a_month_is_due_at_the_end_of_a_day_on_the_firm_s_clocks() -> None:
    due = {d.paper: d for d in due_papers(settings(), ZONE, at("2026-01-31T12:00"))}
    assert due["statement"].due == at("2026-02-16T05:00")
    assert due["reconciliation"].due == at("2026-02-21T05:00")
    assert due["statement"].late == at("2026-02-19T05:00")


def test_the_year_and_the_change_of_the_clocks_are_passed() -> None:
    found = list(due_papers(settings(first_month="2025-12"), ZONE, at("2026-03-31T12:00")))
    assert [d.month for d in found if d.paper == "checks"] == [
        "2025-12", "2026-01", "2026-02", "2026-03",
    ]  # fmt: skip
    assert [d.due for d in found if d.paper == "statement"][:3] == [
        at("2026-01-16T05:00"), at("2026-02-16T05:00"), at("2026-03-16T04:00"),
    ]  # fmt: skip


def test_the_month_runs_by_the_firm_s_clocks() -> None:
    def months(now: str) -> set[str]:
        return {d.month for d in due_papers(settings(), ZONE, at(now))}

    assert months("2026-02-01T04:59") == {"2026-01"}
    assert months("2026-02-01T05:00") == {"2026-01", "2026-02"}


def test_an_account_has_its_own_months_and_papers() -> None:
    accounts = {
        "iolta": {"last_month": "2026-01"},
        "escrow": {"first_month": "2026-02", "papers": "statement"},
    }
    found = due_papers(settings(accounts=accounts), ZONE, at("2026-03-01T12:00"))
    assert [(d.account, d.month, d.paper) for d in found] == [
        ("iolta", "2026-01", "statement"),
        ("iolta", "2026-01", "checks"),
        ("iolta", "2026-01", "reconciliation"),
        ("escrow", "2026-02", "statement"),
        ("escrow", "2026-03", "statement"),
    ]


def test_papers_are_known_by_the_words_of_their_names() -> None:
    assert words_in("BankStatement_2026-01.PDF") == {"bank", "statement", "pdf"}
    assert lacking(WHOLE) == set()
    for n, paper in enumerate(("statement", "checks", "reconciliation")):
        assert lacking([*WHOLE[:n], *WHOLE[n + 1 :]]) == {f"iolta 2026-01 {paper}"}


@pytest.mark.parametrize(
    "path",
    [
        "2026-01/iolta/reconciliation.pdf",
        "2026-01/iolta/Reconciliation unsigned.pdf",
        "2026-01/iolta/signed reconciliation DRAFT.docx",
        "2026-01/iolta/reconciliation, not signed.pdf",
        "2026-01/iolta/.signed reconciliation.pdf",
        "2026-01/iolta/~$signed reconciliation.docx",
        "2026-01/iolta/signed reconciliation.pdf.crdownload",
        "2026-01/escrow/signed reconciliation.pdf",
        "2026-02/iolta/signed reconciliation.pdf",
        "2026-1/iolta/signed reconciliation.pdf",
        "2026-01/signed reconciliation.pdf",
        "signed reconciliation.pdf",
    ],
)
def test_what_is_no_signed_reconciliation_of_this_month_and_account(path: str) -> None:
    assert lacking([*WHOLE[:2], path.encode()]) == {"iolta 2026-01 reconciliation"}


def test_a_month_without_checks_is_said_by_a_file() -> None:
    assert lacking([WHOLE[0], WHOLE[2], b"2026-01/IOLTA/no checks.txt"]) == set()


def test_a_name_that_is_no_text_is_no_hindrance() -> None:
    assert lacking([*WHOLE[:2], b"2026-01/iolta/\xff signed reconciliation.pdf"]) == set()


def test_own_papers_stand_in_the_place_of_the_usual_ones() -> None:
    own = {"wires": {"names": ["wire confirmation"], "due_day": 5}}
    assert lacking(WHOLE, papers=own) == {"iolta 2026-01 wires"}
    assert lacking([b"2026-01/iolta/wire 7 confirmation.pdf"], papers=own) == set()


# -- the statement ---------------------------------------------------------------------------------


def statement(now: str = "2026-02-01T12:00", paths: list[bytes] | None = None) -> PapersSeen:
    gone = missing(paths or [], settings(), ZONE, at(now))
    return PapersSeen("trust-papers", 3, "d" * 64, "e" * 16, "office-manager", gone)


def test_a_statement_comes_back_from_evidence_and_from_a_summary_as_it_was() -> None:
    said = statement(paths=WHOLE[:1])
    event = Event(Happened.PAPERS, said.source, at("2026-02-01T12:00"), facts=said.as_facts())
    book = Book().apply([event_from(event_line(event))])
    assert book.papers == {"trust-papers": said}
    assert Book.from_text(book.to_text()).papers == {"trust-papers": said}
    assert book.apply([replace(event, facts={})]).papers == {}


def test_what_a_later_version_says_besides_is_passed_over() -> None:
    facts = {**statement().as_facts(), "new": True, "a.b.c": "x", "iolta.2026-01.more": "soon"}
    assert PapersSeen.from_facts("trust-papers", facts) == statement()


def judged(now: str, seen: PapersSeen) -> list[tuple[str, str]]:
    found = evaluate(Facts(at(now), papers=(seen,))).conditions
    assert all(c.cause is Cause.TRUST_PAPERS_OVERDUE for c in found)
    assert all(c.severity is Severity.SERIOUS for c in found)
    assert all(c.owner == "office-manager" for c in found)
    return [(c.key, str(c.numbers["papers"])) for c in found]


def test_an_old_statement_is_judged_by_the_clock_of_who_reads_it() -> None:
    seen = statement()
    assert judged("2026-02-18T12:00", seen) == []
    assert judged("2026-02-19T05:01", seen) == [("papers:iolta:2026-01", "checks, statement")]
    whole = "checks, reconciliation, statement"
    assert judged("2026-02-24T05:01", seen) == [("papers:iolta:2026-01", whole)]
    # The running month stands in it too, for a watch that died.
    assert [key for key, _ in judged("2026-03-20T12:00", seen)] == [
        "papers:iolta:2026-01", "papers:iolta:2026-02",
    ]  # fmt: skip


def test_where_nothing_was_seen_nothing_is_opened_or_resolved() -> None:
    nothing = evaluate(Facts(at("2026-03-01T12:00"), papers=None))
    assert not nothing.decided("papers:iolta:2026-01")
    away = evaluate(Facts(at("2026-03-01T12:00"), home_readable=False))
    assert not away.decided("papers:iolta:2026-01")


def test_one_alert_an_account_and_month_told_again_when_one_more_is_overdue() -> None:
    alerts: dict[str, Alert] = {}

    def look(now: str, seen: PapersSeen) -> list[tuple[str, bool]]:
        events = reconcile(alerts, evaluate(Facts(at(now), papers=(seen,))), at(now))
        for event in events:
            assert event.alert is not None
            alerts[event.key] = event.alert
            if event.happened is Happened.RESOLVED:
                del alerts[event.key]
        return [(event.happened.value, event.tell) for event in events]

    seen = statement()
    assert look("2026-02-19T06:00", seen) == [("alert.opened", True)]
    assert look("2026-02-19T07:00", seen) == []
    assert look("2026-02-20T06:30", seen) == [("alert.escalated", True)]
    only = statement(paths=WHOLE[:1])
    assert look("2026-02-20T07:00", only) == [("alert.updated", False)]
    assert "checks; due" in text_of(alerts["papers:iolta:2026-01"]).what
    assert look("2026-02-24T05:01", only)[0] == ("alert.updated", True)
    assert look("2026-02-24T06:00", statement(paths=WHOLE)) == [("alert.resolved", True)]


# -- out of the vault ------------------------------------------------------------------------------


@pytest.fixture
def firm(tmp_path: Path) -> Practice:
    clock = FixedClock(at("2026-02-19T06:00"))
    return Practice(tmp_path, clock=clock, sources=["files", "trust-papers"])


def upload(firm: Practice, *paths: bytes) -> None:
    """Puts papers into the share, and backs it up."""
    for path in paths:
        firm.write(path.decode(), "paper")
    firm.let_settle()
    run = f"papers-{len(firm.vault().history('trust-papers').trusted)}"
    source = FileSource("trust-papers", firm.share)
    back_up(BackupRun(firm.vault("worker"), source, firm.staging, run))


def seen_by(firm: Practice, role: str, before: PapersSeen | None = None) -> PapersSeen:
    history = firm.vault().history("trust-papers")
    newest = history.trusted[-1].digest if history.trusted else ""
    return see_papers(firm.vault(role), settings(), ZONE, "office", newest, before)


def overdue(seen: PapersSeen, now: datetime) -> set[str]:
    return {d.paper for late in seen.late(now).values() for d in late}


def test_a_paper_counts_when_a_snapshot_has_it_and_no_longer_when_none_does(firm: Practice) -> None:
    now = firm.clock.now()
    assert overdue(seen_by(firm, "operations"), now) == {"statement", "checks"}
    assert seen_by(firm, "operations").seq == 0
    firm.write("2026-01/iolta/statement.pdf", "in the folder, and not in the vault")
    assert overdue(seen_by(firm, "operations"), now) == {"statement", "checks"}
    upload(firm, b"2026-01/iolta/statement.pdf")
    assert overdue(seen_by(firm, "operations"), now) == {"checks"}
    firm.write("2026-01/iolta/checks.pdf", "")
    upload(firm)
    assert overdue(seen_by(firm, "operations"), now) == {"checks"}
    upload(firm, b"2026-01/iolta/checks.pdf")
    assert overdue(seen_by(firm, "escrow"), now) == set()
    (firm.share / "2026-01/iolta/statement.pdf").unlink()
    upload(firm)
    assert overdue(seen_by(firm, "operations"), now) == {"statement"}


def test_while_nothing_changed_the_last_statement_stands_and_no_row_is_read(firm: Practice) -> None:
    upload(firm, b"2026-01/iolta/statement.pdf")
    first = seen_by(firm, "operations")
    assert seen_by(firm, "nobody", first) is first
    upload(firm, b"2026-01/iolta/checks.pdf")
    assert seen_by(firm, "operations", first).seq == 2
    with pytest.raises(NoKey):
        seen_by(firm, "nobody", first)


def test_a_new_month_is_stated_without_a_new_snapshot(firm: Practice) -> None:
    upload(firm, b"2026-01/iolta/statement.pdf")
    first = seen_by(firm, "operations")
    assert isinstance(firm.clock, FixedClock)
    firm.clock.advance(10 * DAY)
    again = seen_by(firm, "operations", first)
    assert {d.month for d in again.missing} == {"2026-01", "2026-02", "2026-03"}


def test_a_worker_s_key_opens_no_row(firm: Practice) -> None:
    upload(firm, b"2026-01/iolta/statement.pdf")
    with pytest.raises(NoKey):
        papers_in(firm.vault("worker"), "trust-papers")
