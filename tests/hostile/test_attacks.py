"""A restore of a snapshot that a stolen worker signed, and into a folder where somebody lies in wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.errors import TargetNotEmpty
from muniment.recovery.perform import RestoreReport, perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileTarget
from tests.hostile.forging import Thief
from tests.support.packs import framed, sha256, tar_of
from tests.support.practice import Practice, tree

LOOT = b"written by the thief"


@pytest.fixture
def outside(folder: Path) -> Path:
    """What lies beside the place where a restore delivers to."""
    (folder / "outside").mkdir()
    (folder / "outside/theirs.txt").write_text("theirs")
    return folder / "outside"


def given_back(practice: Practice) -> RestoreReport:
    _, report = practice.restore(practice.folder / "back")
    return report


LEADING_OUT = [
    b"/escaped", b"../escaped", b"../../escaped", b"Office/../../../escaped", b"..", b"Office/..",
    b"Office//x", b"./x", b"", b"a\0b", b".muniment-restore/journal",
]  # fmt: skip


def test_signed_rows_that_lead_out_are_refused_and_the_others_are_delivered(
    practice: Practice,
) -> None:
    practice.back_up()
    thief = Thief(practice)
    frame = framed(tar_of([LOOT]))
    part = thief.part(thief.pack(frame), sha256(LOOT), (0, len(frame), 512, len(LOOT)))
    thief.commit([thief.row(path, part, size=len(LOOT)) for path in LEADING_OUT])

    report = given_back(practice)

    assert [why[:4] for _, why in report.failures] == ["M560"] * len(LEADING_OUT)
    assert tree(practice.folder / "back/files") == tree(practice.share)
    assert not [p for p in practice.folder.rglob("*") if p.is_file() and p.read_bytes() == LOOT]


def test_a_signed_link_is_not_walked_through_by_the_rows_behind_it(
    practice: Practice, outside: Path
) -> None:
    practice.back_up()
    thief = Thief(practice)
    frame = framed(tar_of([LOOT]))
    part = thief.part(thief.pack(frame), sha256(LOOT), (0, len(frame), 512, len(LOOT)))
    rows = [
        thief.row(b"door", kind="symlink", target=str(outside)),
        thief.row(b"door/loot.txt", part, size=len(LOOT)),
        thief.row(b"Office", kind="symlink", target=str(outside)),
    ]
    thief.commit(rows)

    report = given_back(practice)

    assert tree(outside) == {"theirs.txt": ("file", b"theirs")}
    # Two kinds under one name cannot both stand: which one does not is told.
    assert len(report.failures) >= 2
    assert (practice.folder / "back/files/Office/letter.txt").read_text() == "Dear counsel"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_that_was_planted_in_a_folders_place_stops_the_restore(
    practice: Practice, outside: Path, overwrite: bool
) -> None:
    practice.back_up()
    target = practice.folder / "back/files"
    target.mkdir(parents=True)
    (target / "Office").symlink_to(outside)

    with pytest.raises(TargetNotEmpty):
        practice.restore(practice.folder / "back", overwrite=overwrite)

    assert tree(outside) == {"theirs.txt": ("file", b"theirs")}
    assert tree(target) == {"Office": ("symlink", str(outside))}


def test_a_link_that_was_planted_in_a_files_place_is_replaced_and_not_written_through(
    practice: Practice, outside: Path
) -> None:
    practice.back_up()
    target = practice.folder / "back/files"
    (target / "Office").mkdir(parents=True)
    (target / "Office/letter.txt").symlink_to(outside / "theirs.txt")

    with pytest.raises(TargetNotEmpty):
        given_back(practice)
    _, report = practice.restore(practice.folder / "back", overwrite=True)

    assert report.whole
    assert tree(target) == tree(practice.share)
    assert tree(outside) == {"theirs.txt": ("file", b"theirs")}


def test_a_folder_that_is_swapped_for_a_link_during_the_restore_catches_nothing(
    practice: Practice, outside: Path
) -> None:
    for number in range(20):
        practice.write(f"Office/{number}.txt", f"{number}")
    practice.back_up()
    target = practice.folder / "back"
    vault = practice.vault()
    selection = Selection(Scope.SOURCE)
    plan = make_restore_plan(vault, selection)

    def swap(source: str, done: int, total: int) -> None:
        if not (target / "Office").is_symlink():
            (target / "Office").rename(target / "hidden")
            (target / "Office").symlink_to(outside)

    report = perform(vault, plan, selection, lambda _: FileTarget(target), progress=swap)

    assert tree(outside) == {"theirs.txt": ("file", b"theirs")}
    # What was delivered is not where it should be, which the last look finds.
    assert not report.whole
    assert report.verified < report.items
