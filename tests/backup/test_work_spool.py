"""A plan larger than what is held in memory: what is beyond that lies sealed in staging, and nothing else is different."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.backup.commit import commit_snapshot
from muniment.backup.encrypt import encrypt
from muniment.backup.extract import extract
from muniment.backup.options import MAX_SHARDS, BackupOptions
from muniment.backup.plan import make_plan
from muniment.backup.shards import cut, within_limit
from muniment.backup.upload import upload
from muniment.backup.validate import validate_checksums
from muniment.backup.work import Reason, Work
from muniment.backup.work_spool import WorkSpool
from muniment.backup.works import Works
from muniment.errors import StagingError
from muniment.model.item import Fingerprint
from muniment.vault.age import Identity
from tests.backup.test_api_backup import Firm, restored
from tests.support.practice import Practice, tree
from tests.threats.markers import Marker, in_tree

WORKER = Identity.generate()
FEW = 3
"""Works in memory, in place of 50,000."""

# -- what is spooled comes back ----------------------------------------------------------------------

ids = st.binary(min_size=16, max_size=16)
times = st.one_of(st.integers(-(2**63), 2**64 - 1), st.integers(-(2**90), 2**90))
prints = st.builds(
    Fingerprint, st.integers(0, 2**62), times, times, st.integers(0, 2**64 - 1), st.integers(0, 2**63), st.text(max_size=4),
)  # fmt: skip
works = st.builds(
    Work, ids, st.sampled_from(["file", "dir", "message.mime"]), st.binary(max_size=9), prints,
    st.sampled_from(["", "M-7F3K2QXA", "M-2QXA7F3K"]), st.sampled_from(["epoch-1", "matter-7f3k2qxa"]),
    st.one_of(st.just(b""), ids), st.sampled_from(Reason), ids, st.booleans(),
    st.sampled_from(["", "0:0:10", "1:9:80:f"]),
)  # fmt: skip


def kept(folder: Path, all_works: list[Work], held: int) -> Works:
    spool = WorkSpool(folder / "found", [WORKER.recipient], [WORKER])
    with Works(spool, held) as found:
        for work in all_works:
            found.add(work)
        return found.close()


@given(st.lists(works, max_size=25), st.integers(1, 9), st.randoms())
def test_what_is_spooled_comes_back(
    tmp_path_factory: pytest.TempPathFactory, all_works: list[Work], held: int, random: Any
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    found = kept(folder, all_works, held)
    assert len(found) == len(all_works)
    assert list(found) == all_works
    places = random.sample(range(len(all_works)), len(all_works))
    assert found.pick(places) == [all_works[place] for place in places]
    assert (folder / "found").exists() == (len(all_works) >= held)
    found.drop()
    assert list(folder.iterdir()) == []


@given(st.lists(works, max_size=25), st.integers(1, 9), st.integers(1, 9), st.integers(0, 25))
def test_room_is_taken_away_while_works_are_added(
    tmp_path_factory: pytest.TempPathFactory, all_works: list[Work], held: int, fewer: int, at: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    with patch("muniment.backup.works.BLOCK", 2):
        found = Works(WorkSpool(folder / "found", [WORKER.recipient], [WORKER]), held)
    for number, work in enumerate(all_works):
        if number >= at:
            found.hold(fewer)
        found.add(work)
    found.close()
    assert list(found) == all_works
    # A block is the least that is written at a time.
    room = [held if n < at else min(held, max(fewer, 2)) for n in range(len(all_works))]
    assert (folder / "found").exists() == any(n + 1 >= most for n, most in enumerate(room))
    found.drop()


limits = st.builds(
    BackupOptions,
    shard_bytes=st.integers(1, 2**62), shard_items=st.integers(1, 9), shard_rows=st.integers(1, 9), shard_fetches=st.integers(1, 5),
    run_limit_bytes=st.integers(1, 2**62), run_limit_fetches=st.integers(0, 9),
)  # fmt: skip


@given(st.lists(works, max_size=25), limits, st.booleans())
def test_a_plan_is_limited_and_cut_as_a_list_would_be(
    tmp_path_factory: pytest.TempPathFactory, all_works: list[Work], options: BackupOptions, busy: bool
) -> None:  # fmt: skip
    def cost(work: Work) -> int:
        reads = work.reason.reads_content and work.kind != "dir"
        return work.fingerprint.size if reads else 0

    def fetched(work: Work) -> bool:
        return work.place.endswith(":f") and work.reason.reads_content

    found = kept(tmp_path_factory.mktemp("spool"), all_works, FEW)
    places, left = within_limit(found, options, busy=busy)
    taken = found.pick(places)
    most = min(options.run_limit_fetches, options.shard_fetches) if busy else options.run_limit_fetches  # fmt: skip
    wanted: list[Work] = []
    for work in sorted(all_works, key=lambda w: (fetched(w), cost(w))):
        within = sum(map(cost, [*wanted, work])) <= options.run_limit_bytes
        if wanted and not (within and sum(map(fetched, [*wanted, work])) <= most):
            break
        wanted.append(work)
    everything = sum(map(cost, all_works)) <= options.run_limit_bytes and sum(map(fetched, all_works)) <= most  # fmt: skip
    assert sorted(taken, key=all_works.index) == sorted(all_works if everything else wanted, key=all_works.index)  # fmt: skip
    assert left == len(all_works) - len(taken)

    shards = [(ref, found.pick(members)) for ref, members in cut(found, places, options)]
    assert sorted(w for _, shard in shards for w in shard) == sorted(taken)
    most_bytes = max(options.shard_bytes, -(-sum(map(cost, taken)) // MAX_SHARDS))
    for ref, shard in shards:
        assert (ref.items, ref.bytes) == (len(shard), sum(map(cost, shard)))
        assert len({fetched(work) for work in shard}) == 1
        assert len(shard) <= (options.shard_fetches if fetched(shard[0]) else options.shard_items)
        if shard[-1].place and not fetched(shard[0]):
            assert len(shard) <= options.shard_rows or not all(work.place for work in shard)
        assert len(shard) == 1 or ref.bytes <= most_bytes
    keys = [(fetched(w), w.key_id, w.matter) for _, shard in shards for w in shard]
    assert keys == sorted(keys)


# -- backups -----------------------------------------------------------------------------------------


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


def fill(practice: Practice, count: int = 12) -> None:
    for n in range(count):
        practice.write(f"Matters/2024-{n % 4:04d} Client/letter {n}.txt", f"content {n}")


def test_a_tree_is_backed_up_day_after_day(practice: Practice, tmp_path: Path) -> None:
    fill(practice)
    assert practice.back_up(held_work=FEW).counts["added"] == 12 + 6
    os.rename(
        practice.share / "Matters/2024-0001 Client", practice.share / "Matters/2024-0009 Other"
    )
    practice.write("Matters/2024-0002 Client/letter 2.txt", "another content")
    for n in range(20, 26):
        practice.write(f"Matters/2024-0003 Client/letter {n}.txt", f"content {n}")
    outcome = practice.back_up(held_work=FEW)
    assert (outcome.counts["renamed"], outcome.counts["added"]) == (3, 7)
    assert outcome.counts["removed"] == 1
    assert practice.back_up(held_work=FEW).counts["read_bytes"] == 0
    practice.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(practice.share)
    assert list(practice.staging.iterdir()) == []


def api(folder: Path) -> Firm:
    firm = Firm(folder)
    for n in range(14):
        firm.api.add("notes" if n % 2 else "papers", f"text {n}".encode(), f"2024-{n % 3:04d}")
    return firm


def test_an_api_is_backed_up_in_several_runs(tmp_path: Path) -> None:
    firm = api(tmp_path)
    left = [firm.back_up(held_work=FEW, run_limit_fetches=3).deferred_items for _ in range(3)]
    assert left == [4, 1, 0]
    assert restored(firm, tmp_path / "back") == firm.as_files()


def test_of_rows_that_a_listing_brings_fewer_are_held(tmp_path: Path) -> None:
    firm = api(tmp_path)
    with patch("muniment.backup.works.BLOCK", 2):
        run = firm.run(run_id="run", options=BackupOptions(held_rows=FEW, shard_rows=5))
        run.in_one_process = True
        plan = make_plan(run)
        assert (run.staging.folder / "found").exists()
        assert [ref.items for ref in plan.shards if "rows" in ref.about] == [5, 2]
        run.staging.purge()
        assert firm.back_up(held_rows=FEW, shard_rows=5).completeness == "complete"
    assert restored(firm, tmp_path / "back") == firm.as_files()


def test_stages_in_tasks_find_what_the_plan_spooled(tmp_path: Path) -> None:
    firm = api(tmp_path)
    options = BackupOptions(held_work=FEW, shard_items=4)

    def run() -> Any:
        return firm.run(run_id="run", options=options)

    plan = make_plan(run())
    assert len(plan.shards) == 3
    assert not (run().staging.folder / "found").exists()
    results = []
    for shard in plan.shards:
        extract(run(), shard.shard)
        results.append(encrypt(run(), shard.shard))
        upload(run(), results[-1])
        validate_checksums(run(), results[-1])
    assert commit_snapshot(run(), results).completeness == "complete"
    run().staging.purge()
    assert restored(firm, tmp_path / "back") == firm.as_files()


# -- what lies there, and what if it cannot ------------------------------------------------------------


def test_nothing_that_is_spooled_can_be_read_on_the_disk(practice: Practice) -> None:
    names = [Marker(f"name {n}", f"Zwetschgenkuchen{n}") for n in range(9)]
    for marker in names:
        practice.write(f"Matters/2024-0001 Client/{marker.word}.txt", "content")
    run = practice.run(options=BackupOptions(held_work=FEW))
    run.in_one_process = True
    make_plan(run)
    assert (run.staging.folder / "found").stat().st_size > 500
    assert in_tree(names, practice.staging) == []


def test_a_full_disk_is_said_and_the_next_run_has_everything(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(practice)
    practice.back_up()
    fill(practice, 30)

    def full(self: object, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        # What is written first is the spool.
        patched.setattr("muniment.vault.sealed_file._HashingFile.write", full)
        with pytest.raises(StagingError, match="No space left"):
            practice.back_up(held_work=FEW)
    assert list(practice.staging.iterdir()) == []
    assert practice.back_up(held_work=FEW).completeness == "complete"
    practice.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(practice.share)


@pytest.mark.parametrize("harm", ["damaged", "no longer there"])
def test_a_spool_that_is_harmed_is_told(tmp_path: Path, harm: str) -> None:
    one = Work(bytes(16), "file", b"a", Fingerprint(1, 1), "", "epoch-1", b"", Reason.NEW, bytes(16), False)  # fmt: skip
    found = kept(tmp_path, [one] * 9, FEW)
    file = tmp_path / "found"
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    if harm == "no longer there":
        file.unlink()
    with pytest.raises(StagingError, match=harm):
        found.pick([0])
