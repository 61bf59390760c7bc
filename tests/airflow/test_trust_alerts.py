"""Client money through the real watches: `{firm}__watch` with its keys, and `muniment watch` with none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muniment.airflow.watch_tasks import WatchTasks
from muniment.alerts.ledger import EvidenceLedger
from muniment.alerts.model import Alert
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.cli.main import main
from muniment.clock import FixedClock
from muniment.config.load import load_firm
from muniment.config.schedule import parse_schedule
from muniment.sources.files import FileSource
from tests.support.airflow_firm import AirflowFirm

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 2, 19, 6, 0, tzinfo=UTC)
TRUST = {"retention": "matters", "classification": "critical", "frequency": "daily 01:00"}
BOOKS = {**TRUST, "source_id": "trust-books", "system": "clio-trust", "trust_data": "yes"}
PAPERS = {**TRUST, "source_id": "trust-papers", "system": "trust-papers", "trust_data": "yes"}
CLIO = {"source_id": "clio", "system": "clio", "frequency": "daily 01:00", "trust_data": "yes"}
DUE = """\
trust_papers:
  source: trust-papers
  first_month: 2026-01
  accounts:
    iolta:
"""


class Watched(AirflowFirm):
    """A firm whose sources are backed up one by one, and whose clock stands still. The rows of the books
    are Clio's; that they were read there is not what is tested here, so a folder stands in for it."""

    def __init__(self, folder: Path, firms: Path) -> None:
        ids = ["clio", "trust-books", "trust-papers"]
        super().__init__(folder, firms, clock=FixedClock(START), sources=ids)
        self.papers = folder / "papers"
        # An empty source is not believed.
        self.put("how to name papers.txt")
        self.write("how.txt", "rows")

    def rows(self, *rows: Mapping[str, str], more: str = "") -> None:
        self.document(*({"location": str(self.papers), **row} for row in rows), more=more)

    def passes(self, by: timedelta) -> None:
        assert isinstance(self.clock, FixedClock)
        self.clock.advance(by)

    def take(self, *sources: str, every: str = "daily 01:00") -> None:
        """A backup of each of these sources succeeds now."""
        due = parse_schedule(every).next_due(self.clock.now(), "America/New_York")
        self.let_settle()
        for source in sources:
            run = f"{source}-{self.clock.now():%d-%H-%M}"
            folder = self.papers if source == "trust-papers" else self.share
            options = BackupOptions(next_due=due)
            back_up(
                BackupRun(
                    self.vault("worker"), FileSource(source, folder), self.staging, run, options=options
                )
            )  # fmt: skip

    def put(self, path: str, content: str = "paper") -> Path:
        file = self.papers / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def watch(self) -> dict[str, Alert]:
        """`{firm}__watch` as its task does it; the alerts that are open then."""
        tasks = WatchTasks(load_firm(self.firms / "practice"))
        tasks._wiring.clock = self.clock
        tasks.watch()
        return EvidenceLedger(self.vault("nobody")).book.open


@pytest.fixture
def firm(tmp_path: Path, firms: Path) -> Watched:
    return Watched(tmp_path, firms)


@pytest.fixture
def outside(firm: Watched, capsys: pytest.CaptureFixture[str]) -> Any:
    """`muniment watch` on another host: the store, the key card, no key and no document of the firm."""

    def look(*firm_s: str) -> dict[str, dict[str, Any]]:
        pin = firm.pin
        store = [
            "--store", f"file://{firm.folder}/store", "--vault-id", pin.vault_id,
            "--root-key", pin.root_public.hex(),
        ]  # fmt: skip
        capsys.readouterr()
        main([*(firm_s or store), "watch", "--json"], clock=firm.clock)
        return {each["alert"]: each for each in json.loads(capsys.readouterr().out)["wrong"]}

    return look


def late(found: Mapping[str, Any]) -> set[str]:
    return {key for key in found if key.startswith("backup:")}


# -- 26 hours --------------------------------------------------------------------------------------


def test_books_that_are_26_hours_old_are_critical_while_clio_is_green(
    firm: Watched, outside: Any
) -> None:
    firm.rows(CLIO, BOOKS)
    firm.take("clio", "trust-books")
    assert late(firm.watch()) == set()
    firm.passes(26 * HOUR)
    firm.take("clio")
    # A daily schedule tells it already, an hour after the due time.
    firm.passes(timedelta(minutes=1))
    alert = firm.watch()["backup:trust-books"]
    assert alert.severity.word == "critical"
    assert alert.at_once
    found = outside()
    assert found["backup:trust-books"]["severity"] == "critical"
    assert late(found) == late(firm.watch()) == {"backup:trust-books"}


@pytest.mark.parametrize("row", [BOOKS, PAPERS, {**CLIO, "source_id": "trust-books"}])
def test_no_row_and_no_schedule_makes_26_hours_longer(
    firm: Watched, outside: Any, row: dict[str, str]
) -> None:
    source = row["source_id"]
    firm.rows(
        CLIO, {**row, "classification": "critical", "frequency": "weekly sun 03:00", "rpo": "8d"},
        more=DUE.replace("2026-01", "2026-05") if row is PAPERS else "",
    )  # fmt: skip
    firm.take("clio", source, every="weekly sun 03:00")
    assert late(firm.watch()) == set()
    firm.passes(26 * HOUR)
    firm.take("clio")
    assert f"backup:{source}" not in firm.watch().keys() | outside().keys()
    firm.passes(timedelta(minutes=1))
    alert = firm.watch()[f"backup:{source}"]
    assert (alert.severity.word, alert.cause.value) == ("critical", "late")
    assert alert.numbers["due"] == "2026-02-20T08:00:00Z"
    assert outside()[f"backup:{source}"]["severity"] == "critical"
    firm.take(source)
    assert f"backup:{source}" not in firm.watch().keys() | outside().keys()


def test_books_that_never_had_a_snapshot_are_critical_after_26_hours(
    firm: Watched, outside: Any
) -> None:
    firm.rows(CLIO, {**BOOKS, "frequency": "weekly sun 03:00"})
    firm.take("clio")
    assert late(firm.watch()) == set()
    firm.passes(26 * HOUR + timedelta(minutes=1))
    firm.take("clio")
    alert = firm.watch()["backup:trust-books"]
    assert (alert.severity.word, alert.cause.value) == ("critical", "never_run")
    assert outside()["backup:trust-books"]["cause"] == "never_run"


def gone_row(how: str) -> list[dict[str, str]]:
    return {
        "deleted": [CLIO],
        "spoiled": [CLIO, {**BOOKS, "frequency": "now and then"}],
        "nobody's": [CLIO, {**BOOKS, "backup_method": "none"}],
    }[how]


@pytest.mark.parametrize("how", ["deleted", "spoiled", "nobody's"])
def test_a_row_that_is_gone_does_not_end_the_alarm(firm: Watched, outside: Any, how: str) -> None:
    firm.rows(CLIO, BOOKS)
    firm.take("clio", "trust-books")
    firm.watch()
    firm.rows(*gone_row(how))
    for _ in range(3):
        firm.passes(13 * HOUR)
        firm.take("clio")
        opened = firm.watch()
    assert opened["backup:trust-books"].severity.word == "critical"
    assert outside()["backup:trust-books"]["severity"] == "critical"
    with_documents = outside("--firm", str(firm.firms / "practice"))
    assert with_documents["backup:trust-books"]["severity"] == "critical"


@pytest.mark.parametrize("said", [{"backup_method": "veeam"}, {"system": "x", "trust_data": "no"}])
def test_it_ends_when_the_row_says_that_it_may(firm: Watched, said: dict[str, str]) -> None:
    firm.rows(CLIO, BOOKS)
    firm.take("clio", "trust-books")
    firm.watch()
    firm.rows(CLIO, {**BOOKS, "backup_method": "none", **said})
    firm.passes(40 * HOUR)
    firm.take("clio")
    assert "backup:trust-books" not in firm.watch()


# -- papers ----------------------------------------------------------------------------------------


def papers(found: Mapping[str, Any]) -> set[str]:
    return {key for key in found if key.startswith("papers:")}


def test_papers_that_are_overdue_are_told_by_both_watches_and_end_by_themselves(
    firm: Watched, outside: Any
) -> None:
    firm.rows(CLIO, PAPERS, more=DUE)
    firm.put("2026-01/iolta/statement of Harbor Client.pdf")
    firm.take("clio", "trust-papers")
    alert = firm.watch()["papers:iolta:2026-01"]
    assert (alert.cause.value, alert.severity.word) == ("trust_papers_overdue", "serious")
    assert (alert.owner, alert.numbers["papers"]) == ("technician", "checks")
    told = outside()["papers:iolta:2026-01"]
    assert "iolta, 2026-01" in told["what"]
    assert "checks" in told["what"]
    assert "Harbor" not in json.dumps(told)
    # It lies in the folder, and the vault has it not yet.
    firm.put("2026-01/iolta/check images.pdf")
    assert papers(firm.watch()) == {"papers:iolta:2026-01"}
    firm.passes(HOUR)
    firm.take("trust-papers")
    assert papers(firm.watch()) == papers(outside()) == set()
    # The reconciliation was due on the 20th; three days later it is told.
    firm.passes(4 * DAY + 22 * HOUR)
    firm.take("clio", "trust-papers")
    assert papers(firm.watch()) == set()
    firm.passes(2 * HOUR)
    assert firm.watch()["papers:iolta:2026-01"].numbers["papers"] == "reconciliation"


def test_no_name_of_a_paper_stands_in_the_clear(firm: Watched) -> None:
    firm.rows(CLIO, PAPERS, more=DUE)
    firm.put("2026-01/iolta/Harbor Client statement.pdf")
    firm.take("clio", "trust-papers")
    firm.watch()
    store = Path(f"{firm.folder}/store")
    assert not any(b"Harbor" in p.read_bytes() for p in store.rglob("*") if p.is_file())
    said = [p.read_text() for p in store.rglob("evidence/operations-alerts/*") if p.is_file()]
    assert said


def test_the_office_manager_owns_it(firm: Watched) -> None:
    firm.rows(PAPERS, more=DUE)
    path = firm.firms / "practice" / "firm.yaml"
    text = path.read_text().replace("roles:\n", "roles:\n  office_manager: office\n")
    path.write_text(
        text.replace("people:\n", 'people:\n  office: {email: "office@firm.example"}\n')
    )
    firm.take("trust-papers")
    assert firm.watch()["papers:iolta:2026-01"].owner == "office"


def test_a_watch_that_died_does_not_silence_the_watch_outside(firm: Watched, outside: Any) -> None:
    firm.rows(PAPERS, more=DUE)
    firm.put("2026-01/iolta/statement.pdf")
    firm.put("2026-01/iolta/checks.pdf")
    firm.take("trust-papers")
    assert papers(firm.watch()) == papers(outside()) == set()
    firm.passes(10 * DAY)
    assert papers(outside()) == {"papers:iolta:2026-01"}
    firm.passes(20 * DAY)
    assert papers(outside()) == {"papers:iolta:2026-01", "papers:iolta:2026-02"}


@pytest.mark.parametrize("how", ["spoiled", "lost", "without a row"])
def test_a_mistake_in_the_documents_does_not_end_the_alarm(firm: Watched, how: str) -> None:
    firm.rows(CLIO, PAPERS, more=DUE)
    firm.take("clio", "trust-papers")
    assert papers(firm.watch()) == {"papers:iolta:2026-01"}
    more = {"spoiled": DUE.replace("first_month", "frist_month"), "lost": "", "without a row": DUE}
    firm.rows(*((CLIO,) if how == "without a row" else (CLIO, PAPERS)), more=more[how])
    opened = firm.watch()
    assert papers(opened) == {"papers:iolta:2026-01"}
    assert "configuration:firm" in opened
    # Who takes out both has said so.
    firm.rows(CLIO)
    assert papers(firm.watch()) == set()


def test_rows_that_cannot_be_opened_leave_what_was_last_seen(firm: Watched) -> None:
    firm.rows(PAPERS, more=DUE)
    firm.take("trust-papers")
    assert papers(firm.watch()) == {"papers:iolta:2026-01"}
    firm.put("2026-01/iolta/statement.pdf")
    firm.put("2026-01/iolta/checks.pdf")
    firm.passes(HOUR)
    firm.take("trust-papers")
    hidden = [
        p for p in (firm.folder / "store").rglob("snapshots/trust-papers/**/*") if p.is_file()
    ]
    kept = {path: path.read_bytes() for path in hidden}
    for path in hidden:
        path.unlink()
    assert papers(firm.watch()) == {"papers:iolta:2026-01"}
    for path, content in kept.items():
        path.write_bytes(content)
    assert papers(firm.watch()) == set()


def test_without_a_key_the_list_is_what_the_watch_signed(
    firm: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.rows(PAPERS, more=DUE)
    firm.put("2026-01/iolta/statement.pdf")
    firm.take("trust-papers")
    firm.watch()
    (firm.folder / "keys" / "operations.identity").unlink()
    capsys.readouterr()
    code = main(["--firm", str(firm.firms / "practice"), "papers", "--json"], clock=firm.clock)
    found = json.loads(capsys.readouterr().out)
    assert (code, found["seen_by"]) == (11, "as the watch said")
    states = {p["paper"]: p["state"] for p in found["papers"] if p["month"] == "2026-01"}
    assert states == {"checks": "overdue", "reconciliation": "not yet due"}
