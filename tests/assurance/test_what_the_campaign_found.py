"""Weaknesses that the tampering campaign, and thinking about it, brought to light; each with its cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from muniment.assurance.check import CheckReport, check
from muniment.assurance.rotation import EVERYTHING
from muniment.errors import MunimentError, NoKey, ObjectUnreadable, TrustError
from muniment.recovery.selection import select_matter
from muniment.vault import names
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import Outside, write_checkpoint
from muniment.vault.documents import Head
from muniment.vault.evidence import append
from muniment.vault.retention import RetentionOffice
from muniment.vault.setup import revoke_signer as revoke
from muniment.vault.setup import roll_epoch
from tests.support.fake_stores import FailingStore
from tests.support.practice import Practice, tree


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path)
    for day in range(3):
        practice.write(f"Matters/2024-0113 Harbor/{day}.bin", os.urandom(20_000))
        practice.write("Matters/2024-0200 Mill/notes.txt", f"day {day}")
        practice.back_up()
    return practice


def at(practice: Practice, name: str) -> Path:
    return practice.folder / "store" / name


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


def look(practice: Practice, outside: Outside | None = None) -> CheckReport:
    return check(practice.vault("nobody"), outside, EVERYTHING)


def objects(report: CheckReport) -> set[str]:
    return {finding.object for finding in report.findings}


def test_a_lost_epoch_key_makes_no_older_rows_pass_for_the_newest(
    practice: Practice, tmp_path: Path
) -> None:
    epoch = roll_epoch(practice.vault(), practice.keys.root, "recovery_points")
    practice.write("Matters/2024-0200 Mill/notes.txt", "written under the second epoch")
    practice.back_up()
    at(practice, names.key(epoch, 1)).unlink()

    history = practice.vault().history("files")
    with pytest.raises(NoKey):
        practice.vault().snapshot(history, history.at(4))
    plan, _ = practice.restore(tmp_path / "back")

    assert plan.choices[0].seq == 3
    assert [seq for seq, _ in plan.choices[0].passed_over] == [4]
    restored = tmp_path / "back/files/Matters/2024-0200 Mill/notes.txt"
    assert restored.read_text() == "day 2"


def test_the_next_checkpoint_does_not_hide_that_a_commit_was_removed(practice: Practice) -> None:
    write_checkpoint(practice.vault())
    at(practice, names.commit("files", 3)).unlink()
    practice.tomorrow()
    write_checkpoint(practice.vault())

    assert names.commit("files", 3) in objects(look(practice))


def test_the_next_checkpoint_does_not_make_a_damaged_key_the_truth(practice: Practice) -> None:
    write_checkpoint(practice.vault())
    name = names.key("records-00000001", 1)
    flip(at(practice, name))
    practice.tomorrow()
    write_checkpoint(practice.vault())

    assert [(f.code, f.object) for f in look(practice).findings] == [("D124", name)]


def test_a_removed_checkpoint_in_the_middle_is_named(practice: Practice) -> None:
    written = []
    for _ in range(3):
        written.append(write_checkpoint(practice.vault()))
        practice.tomorrow()
    at(practice, written[1].name).unlink()

    assert [(f.code, f.object) for f in look(practice).findings] == [("D126", written[1].name)]


def test_the_end_of_a_stream_of_evidence_is_missed(practice: Practice) -> None:
    written = [append(practice.vault(), "operations", "drill.finished") for _ in range(3)]
    write_checkpoint(practice.vault())
    for entry in written[1:]:
        at(practice, entry.name).unlink()

    assert {entry.name for entry in written[1:]} <= objects(look(practice))


def test_all_commits_of_a_source_that_is_gone_are_named(practice: Practice) -> None:
    checkpoint = write_checkpoint(practice.vault())
    known = Outside(checkpoints=(practice.store.get(checkpoint.name),))
    for name in [v.name for v in practice.store.list("")]:
        if "/files/" in name or name.startswith("checkpoints/"):
            at(practice, name).unlink()

    report = look(practice, known)

    assert {names.commit("files", seq) for seq in (1, 2, 3)} | {checkpoint.name} <= objects(report)
    assert report.freshness == "disproven"


def test_a_checkpoint_from_outside_that_cannot_be_believed_proves_nothing(
    practice: Practice, tmp_path: Path
) -> None:
    stranger = Practice(tmp_path / "stranger")
    foreign = write_checkpoint(stranger.vault())
    known = Outside(checkpoints=(stranger.store.get(foreign.name),))

    report = look(practice, known)

    assert [f.code for f in report.findings] == ["D125"]
    assert report.freshness == "disproven"


def revoked_and_then_some(practice: Practice) -> None:
    """The worker's signer is revoked as of snapshot 2, in document 2; document 3 changes nothing of it."""
    operations = practice.vault()
    second = operations.history("files").at(2)
    keyid = practice.keys.worker_signer.keyid
    revoke(operations, practice.keys.root, keyid, {"files": Head(seq=2, digest=second.digest)})
    roll_epoch(practice.vault(), practice.keys.root, "records")
    write_checkpoint(practice.vault())


def test_a_damaged_document_in_the_middle_brings_no_revoked_signer_back(practice: Practice) -> None:
    revoked_and_then_some(practice)
    flip(at(practice, names.vault_document(2)))

    assert names.vault_document(2) in objects(look(practice))
    history = practice.vault().history("files")
    assert [r.seq for r in history.trusted] == [1, 2]


def test_without_the_newest_documents_nothing_is_restored_that_they_may_revoke(
    practice: Practice, tmp_path: Path
) -> None:
    revoked_and_then_some(practice)
    for number in (2, 3):
        at(practice, names.vault_document(number)).unlink()

    assert names.vault_document(3) in objects(look(practice))
    with pytest.raises(TrustError, match="newer vault document"):
        practice.restore(tmp_path / "back")


def test_damaged_rows_of_a_base_cost_nothing_while_its_commits_are_there(
    practice: Practice, tmp_path: Path
) -> None:
    operations = practice.vault()
    history = operations.history("files")
    base = rebase(operations, history, history.at(3), tmp_path / "staging")
    hurt = names.snapshot("files", base.base.snapshots[0].snapshot)
    flip(at(practice, hurt))

    assert objects(look(practice)) == {hurt}
    plan, report = practice.restore(tmp_path / "back")
    assert plan.choices[0].seq == 3
    assert report.whole
    assert tree(tmp_path / "back/files") == tree(practice.share)

    at(practice, hurt).unlink()
    assert objects(look(practice)) == {hurt}


def test_a_lost_pack_sends_no_other_matter_back_in_time(practice: Practice, tmp_path: Path) -> None:
    practice.write("Matters/2024-0113 Harbor/late.bin", os.urandom(50_000))
    outcome = practice.back_up()
    newest = practice.vault().history("files").at(outcome.seq).commit
    [lost] = [p.pack for p in newest.packs if p.new]
    at(practice, names.pack(lost)).unlink()

    plan, report = practice.restore(tmp_path / "mill", select_matter(practice.vault(), "2024-0200"))

    assert plan.choices[0].seq == outcome.seq
    assert report.whole
    plan, _ = practice.restore(tmp_path / "harbor", select_matter(practice.vault(), "2024-0113"))
    assert plan.choices[0].seq == outcome.seq - 1


def test_a_commit_that_the_medium_cannot_give_is_told_and_passed_over(
    practice: Practice, tmp_path: Path
) -> None:
    name = names.commit("files", 3)
    sick = FailingStore(
        practice.store,
        lambda number, kind, asked: kind == "get" and asked == name,
        lambda asked: ObjectUnreadable("a bad sector", to=asked),
    )

    report = check(practice.vault("nobody", sick))
    assert [(f.code, f.object) for f in report.findings if f.code == "D134"] == [("D134", name)]
    plan, _ = practice.restore(tmp_path / "back", store=sick)
    assert plan.choices[0].seq == 2
    assert [seq for seq, _ in plan.choices[0].passed_over] == [3]
    # Who deletes must not take it for a commit that was never there.
    with pytest.raises(MunimentError, match="a bad sector"):
        RetentionOffice(practice.vault("retention", sick)).plan_condemn()


def test_a_name_that_no_vault_has_is_told_wherever_it_lies(practice: Practice) -> None:
    planted = ["packs/readme.txt", "commits/notes.json", "keys/x", "vault/1.json", "other/thing"]
    for name in planted:
        path = at(practice, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")

    assert set(planted) <= objects(look(practice))
