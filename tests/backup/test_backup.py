"""A share backed up over some days, through the four stages, and given back as of any of them."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.backup.options import BackupOptions, MassDeletion
from muniment.backup.pipeline import back_up
from muniment.errors import ClockError, CommitConflict, SourceMissing, SourceSuspect
from muniment.recovery.selection import Scope, Selection, select_matter
from tests.support.practice import MONDAY, Practice, tree


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path)
    practice.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    practice.write("Matters/2024-0113 Harbor/exhibits/a.bin", os.urandom(200_000))
    practice.write("Matters/2024-0200 Mill/notes.txt", "notes")
    practice.write("Office/holiday.txt", "list")
    practice.write("Office/empty.txt", "")
    return practice


def test_what_was_backed_up_comes_back_identical(practice: Practice, tmp_path: Path) -> None:
    outcome = practice.back_up()

    assert outcome.completeness == "complete"
    assert outcome.counts["added"] == outcome.counts["items"] == 11
    assert outcome.counts["unassigned"] == 2
    _, report = practice.restore(tmp_path / "back")
    assert report.whole
    assert tree(tmp_path / "back/files") == tree(practice.share)


def test_a_day_without_change_reads_nothing_and_stores_no_pack(practice: Practice) -> None:
    practice.back_up()
    packs = len(list(practice.store.list("packs/")))

    outcome = practice.back_up()

    assert outcome.seq == 2
    assert outcome.completeness == "complete"
    assert (outcome.counts["read_bytes"], outcome.counts["added"]) == (0, 0)
    assert len(list(practice.store.list("packs/"))) == packs
    assert outcome.counts["stored_bytes"] == 0


def test_each_day_comes_back_as_it_was(practice: Practice, tmp_path: Path) -> None:
    days = []
    for day in range(4):
        practice.write(f"Matters/2024-0113 Harbor/day-{day}.txt", f"day {day}")
        practice.write("Matters/2024-0113 Harbor/letter.txt", f"version {day}")
        if day == 2:
            (practice.share / "Office/holiday.txt").unlink()
        practice.back_up()
        days.append(tree(practice.share))

    for day, truth in enumerate(days):
        into = tmp_path / f"day-{day}"
        practice.restore(into, as_of=MONDAY + timedelta(days=day, hours=1))
        assert tree(into / "files") == truth


def test_a_renamed_folder_is_not_read_again(practice: Practice, tmp_path: Path) -> None:
    practice.back_up()
    (practice.share / "Matters/2024-0113 Harbor/exhibits").rename(
        practice.share / "Matters/2024-0113 Harbor/evidence"
    )

    outcome = practice.back_up()

    assert outcome.counts["renamed"] == 1
    assert outcome.counts["read_bytes"] == 0
    practice.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(practice.share)


def test_one_matter_comes_back_by_its_number(practice: Practice, tmp_path: Path) -> None:
    practice.back_up()

    selection = select_matter(practice.vault(), " 2024–0113 ")
    plan, report = practice.restore(tmp_path / "back", selection)

    assert selection.value.startswith("M-")
    assert "Harbor" not in str(plan.as_dict())
    assert report.whole
    restored = tree(tmp_path / "back/files")
    assert {p for p, (kind, _) in restored.items() if kind == "file"} == {
        "Matters/2024-0113 Harbor/letter.txt",
        "Matters/2024-0113 Harbor/exhibits/a.bin",
    }


def test_a_large_file_costs_its_change(practice: Practice, tmp_path: Path) -> None:
    content = bytearray(os.urandom(40_000_000))
    practice.write("Mail/archive.pst", bytes(content))
    practice.back_up()
    content[20_000_000:20_000_100] = os.urandom(100)
    practice.write("Mail/archive.pst", bytes(content))

    outcome = practice.back_up()

    assert outcome.counts["read_bytes"] == 40_000_000
    assert outcome.counts["stored_bytes"] < 3_000_000
    practice.restore(tmp_path / "back", Selection(Scope.PATH, "Mail/**"))
    assert (tmp_path / "back/files/Mail/archive.pst").read_bytes() == bytes(content)


def test_nothing_is_left_in_staging(practice: Practice) -> None:
    practice.back_up()
    assert not practice.staging.exists() or not list(practice.staging.rglob("*"))


def test_an_emptied_share_is_not_taken_for_a_deletion(practice: Practice) -> None:
    practice.back_up()
    for path in sorted(practice.share.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()

    with pytest.raises(SourceSuspect):
        practice.back_up()

    assert len(practice.vault().history("files").trusted) == 1


def test_a_mass_deletion_is_refused_until_somebody_says_so(practice: Practice) -> None:
    for number in range(100):
        practice.write(f"Office/{number}.txt", str(number))
    practice.back_up()
    for number in range(90):
        (practice.share / f"Office/{number}.txt").unlink()

    with pytest.raises(SourceSuspect, match="no longer there"):
        practice.back_up()
    outcome = practice.back_up(accept_mass_deletion=True)

    assert outcome.counts["removed"] == 90


def test_a_share_that_is_gone_is_missing(practice: Practice) -> None:
    practice.back_up()
    practice.share.rename(practice.folder / "elsewhere")

    with pytest.raises(SourceMissing):
        practice.back_up()


def test_another_share_in_its_place_is_refused(practice: Practice) -> None:
    practice.back_up()
    practice.share.rename(practice.folder / "elsewhere")
    practice.write("Office/other.txt", "another file system")

    with pytest.raises(SourceMissing, match="another file system"):
        practice.back_up()


def test_an_item_that_cannot_be_read_is_a_problem_and_keeps_its_older_row(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.errors import ItemUnreadable
    from muniment.sources.files import FileSource

    practice.back_up()
    practice.write("Office/holiday.txt", "changed, and locked by a program")
    original = FileSource.open

    def locked(self: FileSource, kind: str, native_id: bytes, listed: object = None) -> object:
        if native_id.endswith(b"holiday.txt"):
            raise ItemUnreadable("permission denied")
        return original(self, kind, native_id)

    monkeypatch.setattr(FileSource, "open", locked)
    outcome = practice.back_up()

    assert outcome.completeness == "incomplete"
    assert outcome.causes == ({"cause": "permission denied", "count": 1, "accepted": False},)
    monkeypatch.undo()
    practice.restore(tmp_path / "back", Selection(Scope.PATH, "Office/**"))
    assert (tmp_path / "back/files/Office/holiday.txt").read_text() == "list"
    assert practice.back_up().completeness == "complete"


def test_two_runs_at_once_give_one_snapshot_and_a_plain_word(practice: Practice) -> None:
    practice.back_up()
    practice.write("Office/new.txt", "new")
    first, second = practice.run(), practice.run()
    from muniment.backup.commit import commit_snapshot
    from muniment.backup.encrypt import encrypt
    from muniment.backup.extract import extract
    from muniment.backup.plan import make_plan
    from muniment.backup.upload import upload
    from muniment.backup.validate import validate_checksums

    results = []
    for run in (first, second):
        plan = make_plan(run)
        for shard in plan.shards:
            extract(run, shard.shard)
            result = encrypt(run, shard.shard)
            upload(run, result)
            assert validate_checksums(run, result) == 1
            results.append(result)
    commit_snapshot(first, results[:1])
    with pytest.raises(CommitConflict):
        commit_snapshot(second, results[1:])
    assert [r.seq for r in practice.vault().history("files").trusted] == [1, 2]
    # Repeating the step of the winner - its answer was lost - is success.
    assert commit_snapshot(first, results[:1]).seq == 2


def test_a_failed_shard_leaves_an_incomplete_snapshot_and_no_tombstone(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import muniment.backup.pipeline as pipeline
    from muniment.errors import StoreUnavailable

    practice.back_up()
    (practice.share / "Office/holiday.txt").unlink()
    practice.write("Matters/2024-0113 Harbor/one.bin", os.urandom(70_000_000))
    practice.write("Matters/2024-0200 Mill/two.bin", os.urandom(70_000_000))
    original = pipeline.upload

    def failing(run: object, result: object) -> int:
        if result.shard == "002":  # type: ignore[attr-defined]
            raise StoreUnavailable("the store does not answer")
        return original(run, result)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "upload", failing)
    outcome = practice.back_up(shard_bytes=64 << 20)
    monkeypatch.undo()

    assert outcome.completeness == "incomplete"
    assert outcome.unfinished == ("002",)
    practice.restore(tmp_path / "back")
    assert (tmp_path / "back/files/Office/holiday.txt").exists()
    following = practice.back_up(shard_bytes=64 << 20)
    assert following.completeness == "complete"
    assert following.counts["removed"] == 1


def test_a_run_that_is_too_long_commits_what_it_has_and_says_so(
    practice: Practice, tmp_path: Path
) -> None:
    practice.write("Office/large.bin", os.urandom(3_000_000))
    outcome = practice.back_up(run_limit_bytes=1_000_000)
    assert outcome.completeness == "incomplete"
    assert outcome.deferred_items == 1
    assert practice.back_up().completeness == "complete"
    practice.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(practice.share)


def test_a_clock_that_is_an_hour_off_stops_the_run(practice: Practice) -> None:
    class OtherClock:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def now(self) -> object:
            return practice.clock.now() + timedelta(hours=1)

    run = practice.run(store=OtherClock(practice.store))  # type: ignore[arg-type]
    with pytest.raises(ClockError, match="3600 seconds"):
        back_up(run)


def test_a_guard_can_be_set_by_the_firm(practice: Practice) -> None:
    practice.back_up()
    (practice.share / "Office/holiday.txt").unlink()
    strict = BackupOptions(mass_deletion=MassDeletion(share=0.01, items=1))
    with pytest.raises(SourceSuspect):
        back_up(practice.run(options=strict))
