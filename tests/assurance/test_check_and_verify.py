"""What a check shows without a key, what a verification shows with keys, and what both find."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING, Rotation, days_until_turn
from muniment.assurance.verify import verify
from muniment.errors import MunimentError
from muniment.vault import names
from muniment.vault.bases import base_due, rebase
from muniment.vault.checkpoints import Outside, mark_of, write_checkpoint
from muniment.vault.finding import Severity
from muniment.vault.rebuild import rebuild_state
from tests.support.practice import MONDAY, Practice, tree


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path)
    for day in range(3):
        practice.write(f"Matters/2024-0113 Harbor/{day}.bin", os.urandom(50_000))
        practice.write("Office/list.txt", f"day {day}")
        practice.back_up()
    return practice


def object_path(practice: Practice, name: str) -> Path:
    return practice.folder / "store" / name


def flip(path: Path, at: int = -5) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


def pack_names(practice: Practice) -> list[str]:
    return sorted({v.name for v in practice.store.list("packs/")})


def test_a_sound_vault_gives_no_finding(practice: Practice) -> None:
    report = check(practice.vault("nobody"), read_back=EVERYTHING)
    assert report.findings == []
    assert report.freshness == "not proven"
    assert report.read_back >= len(pack_names(practice))
    seen = verify(practice.vault(), EVERYTHING, seed=1)
    assert seen.findings == []
    assert seen.packs == seen.packs_of == len(pack_names(practice))
    assert seen.matter.startswith("M-")
    assert seen.matter_items == 4


def test_a_flipped_bit_in_a_pack_is_found_without_a_key_and_the_matter_named_with_one(
    practice: Practice,
) -> None:
    name = pack_names(practice)[0]
    flip(object_path(practice, name))

    keyless = check(practice.vault("nobody"), read_back=EVERYTHING)
    assert [(f.object, f.severity) for f in keyless.findings] == [(name, Severity.DAMAGE)]
    assert keyless.findings[0].seqs
    with_key = check(practice.vault(), read_back=EVERYTHING)
    assert with_key.findings[0].matters
    assert [f.code for f in verify(practice.vault(), EVERYTHING).findings if f.object == name]


def test_a_missing_pack_is_found_by_listing_alone(practice: Practice) -> None:
    name = pack_names(practice)[0]
    object_path(practice, name).unlink()
    report = check(practice.vault("nobody"))
    assert [(f.code, f.object) for f in report.findings] == [("D130", name)]


def test_a_removed_newest_commit_is_found_with_what_is_known_outside(practice: Practice) -> None:
    checkpoint = write_checkpoint(practice.vault())
    head = practice.vault().history("files").head
    assert head is not None
    for name in (head.name, checkpoint.name):
        object_path(practice, name).unlink()

    blind = check(practice.vault("nobody"))
    assert blind.good
    assert blind.freshness == "not proven"
    outside = Outside(marks=(mark_of(checkpoint.digest),))
    assert not check(practice.vault("nobody"), outside).good
    outside = Outside(commits=(("files", head.seq, head.digest),))
    assert [f.code for f in check(practice.vault("nobody"), outside).findings] == ["D120"]


def test_a_restore_falls_back_to_the_last_good_snapshot_and_prints_the_loss(
    practice: Practice, tmp_path: Path
) -> None:
    newest = practice.vault().history("files").at(3).commit
    flip(object_path(practice, names.pack(next(p.pack for p in newest.packs if p.new))))

    plan, report = practice.restore(tmp_path / "back")

    choice = plan.choices[0]
    assert choice.seq == 2
    assert choice.passed_over[0][0] == 3
    assert choice.loss_seconds == 86_400
    assert report.whole
    assert (tmp_path / "back/files/Office/list.txt").read_text() == "day 1"


def test_a_lost_commit_in_the_middle_is_healed_by_a_base_over_a_later_one(
    practice: Practice, tmp_path: Path
) -> None:
    operations = practice.vault()
    history = operations.history("files")
    rebase(operations, history, history.at(3), tmp_path / "staging")
    object_path(practice, names.commit("files", 2)).unlink()

    report = check(practice.vault("nobody"))
    assert {f.code for f in report.findings} == {"D110"}
    assert practice.back_up().completeness == "complete"
    practice.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(practice.share)


def test_a_lost_commit_without_a_base_ends_trust_and_the_older_snapshots_stand(
    practice: Practice, tmp_path: Path
) -> None:
    object_path(practice, names.commit("files", 2)).unlink()
    history = practice.vault().history("files")
    assert [r.seq for r in history.trusted] == [1]
    assert history.at(3).untrusted
    plan, _ = practice.restore(tmp_path / "back")
    assert plan.choices[0].seq == 1


def test_a_base_restores_what_the_deltas_restore(practice: Practice, tmp_path: Path) -> None:
    assert base_due(practice.vault().history("files")).due
    operations = practice.vault()
    history = operations.history("files")
    rebase(operations, history, history.at(2), tmp_path / "staging")
    assert verify(practice.vault(), EVERYTHING).findings == []
    # The objects of rows that only deltas need are gone: the base stands in for them.
    for seq in (1, 2):
        for snapshot in history.at(seq).commit.snapshots:
            object_path(practice, names.snapshot("files", snapshot.snapshot)).unlink()
    practice.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(practice.share)
    with pytest.raises(MunimentError):
        practice.restore(tmp_path / "first", as_of=MONDAY + timedelta(hours=1))


def test_state_that_is_lost_is_rebuilt_from_rows_and_nothing_is_uploaded_again(
    practice: Practice, tmp_path: Path
) -> None:
    for version in list(practice.store.list("state/")):
        object_path(practice, version.name).unlink()
    assert {f.code for f in check(practice.vault("nobody")).findings} == {"D130"}
    with pytest.raises(MunimentError, match="not in the store"):
        practice.back_up()
    operations = practice.vault()
    history = operations.history("files")
    rebuild_state(operations, history, history.at(3), tmp_path / "staging")
    packs = pack_names(practice)

    outcome = practice.back_up()

    assert outcome.completeness == "complete"
    assert outcome.counts["changed"] > 0
    assert pack_names(practice) == packs
    practice.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(practice.share)


def test_every_object_has_its_week() -> None:
    digests = [os.urandom(32) for _ in range(200)]
    for digest in digests:
        turns = [w for w in range(13) if Rotation.of_week(MONDAY + timedelta(weeks=w)).has(digest)]
        assert len(turns) == 1
        assert days_until_turn(digest, MONDAY) == 7 * turns[0]
