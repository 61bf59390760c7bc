"""An API backed up over some days: what is asked, what is spooled, what is believed, what comes back."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.backup.commit import commit_snapshot
from muniment.backup.encrypt import encrypt
from muniment.backup.extract import extract
from muniment.backup.known import KnownState
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.plan import make_plan
from muniment.backup.run import BackupRun
from muniment.backup.spool import SPOOL
from muniment.backup.staging import ABANDONED_SECONDS, clean_abandoned
from muniment.backup.upload import upload
from muniment.backup.validate import validate_checksums
from muniment.errors import SourceRefused, SourceSuspect, SourceUnavailable, StagingError
from muniment.recovery.selection import select_matter
from tests.support.memory_api import MemoryApi, MemoryApiSource
from tests.support.practice import Practice, tree
from tests.threats.markers import Marker, in_bytes, in_tree


class Firm(Practice):
    """A firm whose source `files` is an API."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.api = MemoryApi()

    def source(self, source_id: str = "files") -> MemoryApiSource:  # type: ignore[override]
        return MemoryApiSource(source_id, self.api)

    def let_settle(self) -> None:
        """Every change of the API has an etag of its own."""

    def asked(self) -> dict[str, int]:
        asked = dict(self.api.asked)
        self.api.asked.clear()
        return asked

    def spooled(self) -> list[str]:
        spool = self.staging / "files" / SPOOL
        return sorted(p.name for p in spool.rglob("*") if p.is_file())

    def as_files(self) -> dict[str, bytes]:
        """What a restore of everything is to give."""
        return {
            f"notes/{n}.json": json.dumps({"id": n, "text": e.text.decode("latin-1")}).encode()
            if e.kind == "notes"
            else e.text
            for n, e in self.api.entries.items()
            if e.kind == "notes"
        } | {
            f"files/Paper {n} [{n}].txt": e.text
            for n, e in self.api.entries.items()
            if e.kind == "papers"
        }


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    firm = Firm(tmp_path)
    for number in range(6):
        matter = "2024-0113" if number % 2 else ""
        firm.api.add("notes", b"note %d" % number, matter)
        firm.api.add("papers", os.urandom(1000 + number), matter)
    return firm


def restored(firm: Firm, into: Path, **options: object) -> dict[str, bytes]:
    _, report = firm.restore(into, **options)  # type: ignore[arg-type]
    assert report.whole
    found = tree(into / "files")
    return {name: content for name, (kind, content) in found.items() if kind == "file"}  # type: ignore[misc]


def test_what_was_backed_up_comes_back_as_files(firm: Firm, tmp_path: Path) -> None:
    outcome = firm.back_up()

    assert outcome.completeness == "complete"
    assert (outcome.counts["items"], outcome.counts["unassigned"]) == (12, 6)
    assert restored(firm, tmp_path / "back") == firm.as_files()
    assert firm.asked() == {"list notes": 1, "list papers": 1, "about": 6, "get": 6}
    assert not firm.staging.exists() or not list(firm.staging.rglob("*"))


def test_each_day_comes_back_and_costs_what_changed(firm: Firm, tmp_path: Path) -> None:
    firm.back_up()
    days = [(firm.clock.now() - timedelta(hours=1), firm.as_files())]
    firm.asked()
    papers = [n for n, e in firm.api.entries.items() if e.kind == "papers"]
    for day in range(3):
        firm.api.change(papers[day], b"changed %d" % day)
        firm.api.change(papers[day] - 1, b"changed note")
        firm.api.add("papers", b"new %d" % day)
        del firm.api.entries[papers[day + 3]]
        outcome = firm.back_up()
        assert outcome.completeness == "complete"
        assert outcome.counts["removed"] == 1
        assert firm.asked() == {"list notes": 1, "list papers": 1, "about": 2, "get": 2}
        days.append((firm.clock.now() - timedelta(hours=1), firm.as_files()))

    for number, (at, truth) in enumerate(days):
        assert restored(firm, tmp_path / str(number), as_of=at) == truth


def test_a_day_without_change_fetches_nothing_and_stores_no_pack(firm: Firm) -> None:
    first = firm.back_up()
    firm.asked()
    outcome = firm.back_up()
    assert firm.asked() == {"list notes": 1, "list papers": 1}
    assert (outcome.counts["read_bytes"], outcome.counts["added"]) == (0, 0)
    assert outcome.counts["source_bytes"] == first.counts["source_bytes"]


def test_the_system_names_the_matter_and_one_matter_comes_back(firm: Firm, tmp_path: Path) -> None:
    firm.back_up()
    selection = select_matter(firm.vault(), "2024-0113")
    found = restored(firm, tmp_path / "back", selection=selection)
    assert found == {
        name: content
        for name, content in firm.as_files().items()
        if firm.api.entries[int("".join(c for c in name.split("/")[1].split(" [")[0] if c.isdigit()))].matter
    }  # fmt: skip
    assert len(found) == 6


def test_an_item_that_changed_its_matter_is_not_fetched_again(firm: Firm, tmp_path: Path) -> None:
    firm.back_up()
    paper = next(n for n, e in firm.api.entries.items() if e.kind == "papers" and not e.matter)
    # The matter alone: the vendor's etag stays, as it does where a matter is renumbered.
    entry = firm.api.entries[paper]
    firm.api.entries[paper] = type(entry)(entry.kind, entry.text, entry.etag, "2024-0200")
    firm.asked()
    outcome = firm.back_up()
    assert outcome.counts["changed"] == 1
    assert firm.asked() == {"list notes": 1, "list papers": 1, "about": 1}
    found = restored(firm, tmp_path / "back", selection=select_matter(firm.vault(), "2024-0200"))
    assert found == {f"files/Paper {paper} [{paper}].txt": entry.text}


# -- the spool ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone."""


def killing(at: int) -> Callable[[str, int], None]:
    """Kills whoever asks for the `at`-th time for something that costs a request of its own."""
    asked = 0

    def before(what: str, number: int) -> None:
        nonlocal asked
        asked += what in ("about", "get")
        if asked > at:
            raise Killed

    return before


@pytest.mark.parametrize("at", range(12))
def test_a_first_load_that_is_killed_anywhere_goes_on_where_it_was(
    firm: Firm, tmp_path: Path, at: int
) -> None:
    firm.api.before = killing(at)
    with pytest.raises(Killed):
        back_up(firm.run(options=BackupOptions(fetchers=1)))
    firm.api.before = lambda what, number: None
    before = firm.asked()

    outcome = firm.back_up()

    after = firm.asked()
    assert outcome.completeness == "complete"
    asked = {what: before.get(what, 0) + after.get(what, 0) for what in ("about", "get")}
    # One of them was asked for, and its answer was lost with the process.
    assert sum(asked.values()) == 12 + 1
    assert restored(firm, tmp_path / "back") == firm.as_files()
    assert firm.spooled() == []


def test_extract_run_again_fetches_only_what_is_missing(firm: Firm) -> None:
    run = firm.run(run_id="run", options=BackupOptions(fetchers=1))
    plan = make_plan(run)
    shard = next(s.shard for s in plan.shards if s.label.startswith("002: files"))
    firm.asked()

    def fail_after_three(what: str, number: int) -> None:
        if firm.api.asked["get"] > 3:
            raise SourceUnavailable("the vendor does not answer")

    firm.api.before = fail_after_three
    with pytest.raises(SourceUnavailable):
        extract(firm.run(run_id="run", options=BackupOptions(fetchers=1)), shard)
    firm.api.before = lambda what, number: None
    failed = firm.asked()["get"]
    extract(firm.run(run_id="run"), shard)
    assert failed == 4
    # The plan lists matters one by one: of the six papers three are of this shard at least.
    assert firm.asked().get("get", 0) == plan.shards[1].items - 3


def stages(firm: Firm, run: BackupRun) -> list[str]:
    return [s.shard for s in make_plan(run).shards]


def test_encrypt_is_repeated_without_asking_the_vendor(firm: Firm, tmp_path: Path) -> None:
    shards = stages(firm, firm.run(run_id="run"))
    for shard in shards:
        extract(firm.run(run_id="run"), shard)
    firm.asked()
    firm.api.away = True
    for shard in shards:
        encrypt(firm.run(run_id="run"), shard)
    results = [encrypt(firm.run(run_id="run"), shard) for shard in shards]
    for result in results:
        upload(firm.run(run_id="run"), result)
        validate_checksums(firm.run(run_id="run"), result)
    assert commit_snapshot(firm.run(run_id="run"), results).completeness == "complete"
    assert firm.asked() == {}
    firm.run(run_id="run").staging.purge()
    assert restored(firm, tmp_path / "back") == firm.as_files()
    assert firm.spooled() == []


def test_a_damaged_spool_is_said_and_fetched_again(firm: Firm, tmp_path: Path) -> None:
    shards = stages(firm, firm.run(run_id="run"))
    for shard in shards:
        extract(firm.run(run_id="run"), shard)
    file = next(p for p in (firm.staging / "files" / SPOOL).rglob("*-*") if not p.suffix)
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    failed = 0
    for shard in shards:
        try:
            encrypt(firm.run(run_id="run"), shard)
        except StagingError:
            failed += 1
            encrypt(firm.run(run_id="run"), shard)
    assert failed == 1


def test_the_spool_is_removed_when_nobody_came_back_for_it(firm: Firm) -> None:
    firm.api.before = killing(8)
    with pytest.raises(Killed):
        back_up(firm.run(options=BackupOptions(fetchers=1)))
    assert firm.spooled()
    own = firm.staging / "files" / SPOOL / "ab"
    own.mkdir(exist_ok=True)
    (own / "somebody's.txt").write_text("not ours")
    clean_abandoned(firm.staging)
    assert len(firm.spooled()) > 1
    for path in (firm.staging / "files" / SPOOL).rglob("*"):
        os.utime(path, (0, 0))
    clean_abandoned(firm.staging, ABANDONED_SECONDS)
    assert firm.spooled() == ["somebody's.txt"]


def test_the_spool_is_private(firm: Firm) -> None:
    firm.api.before = killing(9)
    with pytest.raises(Killed):
        back_up(firm.run(options=BackupOptions(fetchers=1)))
    folders = [
        firm.staging / "files",
        *(p for p in (firm.staging / "files").rglob("*") if p.is_dir()),
    ]
    assert {p.stat().st_mode & 0o777 for p in folders} == {0o700}


# -- what is believed --------------------------------------------------------------------------------


def test_a_collection_that_vanished_is_not_taken_for_a_deletion(firm: Firm) -> None:
    for number in range(30):
        firm.api.add("notes", b"x%d" % number)
    for number in range(200):
        firm.api.add("papers", b"p%d" % number)
    firm.back_up()
    for number, entry in list(firm.api.entries.items()):
        if entry.kind == "notes":
            del firm.api.entries[number]

    with pytest.raises(SourceSuspect, match="of the kind notes"):
        firm.back_up()

    outcome = firm.back_up(accept_mass_deletion=True)
    assert outcome.counts["removed"] == 36


def test_a_vendor_that_refuses_half_way_costs_one_error_and_keeps_what_was_fetched(
    firm: Firm, tmp_path: Path
) -> None:
    def refuse(what: str, number: int) -> None:
        if firm.api.asked["get"] > 2:
            raise SourceRefused("consent was revoked")

    firm.api.before = refuse
    run = firm.run(options=BackupOptions(shard_fetches=2, fetchers=1))
    outcome = back_up(run)
    assert outcome.completeness == "incomplete"
    assert len({error.code for error in run.failed.values()}) == 1
    assert firm.asked()["get"] == 3
    firm.api.before = lambda what, number: None
    assert firm.back_up().completeness == "complete"
    assert firm.asked()["get"] == 4
    assert restored(firm, tmp_path / "back") == firm.as_files()


def test_what_is_more_than_a_run_may_fetch_is_left_to_the_next(firm: Firm, tmp_path: Path) -> None:
    options = BackupOptions(run_limit_fetches=4)
    first = back_up(firm.run(options=options))
    assert (first.deferred_items, first.completeness) == (2, "incomplete")
    firm.tomorrow()
    second = back_up(firm.run(options=options))
    assert second.completeness == "complete"
    assert firm.asked()["get"] == 6
    firm.tomorrow()
    assert restored(firm, tmp_path / "back") == firm.as_files()


def test_memory_lasts_until_a_run_leaves_a_gap(firm: Firm) -> None:
    def remembered() -> str | None:
        run = firm.run()
        state = run.vault.state(run.history)
        return KnownState(run, state, "memory-api:1").memory.get("papers")

    def vanish(what: str, number: int) -> None:
        if what == "get":
            firm.api.entries.pop(number, None)

    firm.back_up()
    assert remembered() == "6"
    firm.api.add("papers", b"new")
    firm.api.before = vanish
    outcome = firm.back_up()
    firm.api.before = lambda what, number: None
    assert [(c["cause"], c["count"]) for c in outcome.causes] == [("vanished", 1)]
    assert remembered() is None
    firm.api.add("papers", b"newer")
    firm.back_up()
    assert remembered() == "7"


# -- nothing in plain --------------------------------------------------------------------------------


def test_no_marker_lies_in_staging_while_an_api_is_backed_up(firm: Firm, tmp_path: Path) -> None:
    markers = [Marker(what, secrets.token_hex(12)) for what in ("note", "paper", "matter")]
    note, paper, matter = (m.word.encode() for m in markers)
    firm.api.add("notes", note, matter.decode())
    firm.api.add("papers", os.urandom(70_000) + paper + os.urandom(70_000), matter.decode())
    firm.api.add("papers", paper * 100)
    run = firm.run(run_id="run")
    shards = [s.shard for s in make_plan(run).shards]
    assert in_tree(markers, tmp_path) == []
    for shard in shards:
        extract(firm.run(run_id="run"), shard)
    assert len(firm.spooled()) == 2 * 8
    assert in_tree(markers, tmp_path) == []
    results = [encrypt(firm.run(run_id="run"), shard) for shard in shards]
    for result in results:
        upload(firm.run(run_id="run"), result)
    assert in_tree(markers, tmp_path) == []
    outcome = commit_snapshot(firm.run(run_id="run"), results)
    assert outcome.completeness == "complete"
    assert in_tree(markers, tmp_path) == []
    told = str([s.label for s in run.plan.shards]) + str(outcome.as_dict())
    assert in_bytes(markers, told.encode()) == []


def test_no_marker_is_left_by_a_run_that_is_killed(firm: Firm, tmp_path: Path) -> None:
    marker = Marker("paper", secrets.token_hex(12))
    for number in range(4):
        firm.api.add("papers", marker.word.encode() * (number + 1))
    firm.api.before = killing(18)
    with pytest.raises(Killed):
        back_up(firm.run(options=BackupOptions(fetchers=1)))
    assert firm.spooled()
    assert in_tree([marker], tmp_path) == []
