"""What is drawn, and what the scratch folder keeps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from muniment.assurance.sample import FORMAT, MATTER, YOUNG_ITEM, Limits, Sample, draw, draw_matter
from muniment.assurance.scratch import Scratch
from muniment.errors import StagingError
from muniment.model.item import Fidelity, Part, Row, Segment

OLD, NEW = bytes(32), b"n" * 32


def row(number: int, kind: str, *, size: int = 10, matter: str = "", young: bool = False) -> Row:
    pack = NEW if young else OLD
    part = Part(bytes(32), pack, "key", (Segment(0, size, 0, size),))
    return Row(
        item_id=number.to_bytes(16, "big"),
        kind="file",
        native_id=f"{number}.{kind}".encode(),
        matter=matter,
        size=size,
        mtime_ns=0,
        digest=bytes(32),
        fidelity=Fidelity.FILE,
        parts=(part,),
    )


def kind_of(each: Row) -> str:
    ending = each.native_id.decode().partition(".")[2]
    return "" if ending == "txt" else ending


def drawn(rows: list[Row], seed: int = 1, limits: Limits | None = None, matter: str = "") -> Sample:
    return draw(
        rows,
        seed=seed,
        matter=matter,
        young_packs=frozenset({NEW}),
        format_of=kind_of,
        limits=limits or Limits(of_each_format=2),
    )


ROWS = [
    *(row(n, "pdf") for n in range(100)),
    *(row(n, "docx") for n in range(100, 103)),
    row(103, "xlsx"),
    *(row(n, "txt") for n in range(104, 120)),
    *(row(n, "txt", matter="M-ONE") for n in range(120, 140)),
    *(row(n, "txt", young=True, size=100) for n in range(140, 150)),
]


def test_a_matter_is_whole_and_of_every_format_there_is_something() -> None:
    sample = drawn(ROWS, matter="M-ONE")
    chosen = [each for each in ROWS if each.item_id in sample.reasons]
    assert sum(each.matter == "M-ONE" for each in chosen) == 20
    assert {kind_of(each) for each in chosen} == {"pdf", "docx", "xlsx", ""}
    assert sum(reason == FORMAT for reason in sample.reasons.values()) <= 8
    assert set(sample.reasons.values()) == {MATTER, FORMAT, YOUNG_ITEM}


def test_everything_young_is_in_it_when_it_fits() -> None:
    sample = drawn(ROWS)
    assert all(each.item_id in sample.reasons for each in ROWS[-10:])
    assert sample.left_out == 0


def test_what_does_not_fit_is_counted() -> None:
    sample = drawn(ROWS, limits=Limits(bytes=400, of_each_format=2))
    assert sample.bytes <= 400
    assert sample.left_out > 0
    young = [each for each in ROWS if each.parts[0].pack == NEW]
    assert sample.left_out == sum(each.item_id not in sample.reasons for each in young)


def test_the_same_seed_draws_the_same_whatever_the_order() -> None:
    assert drawn(ROWS).digest == drawn(ROWS[::-1]).digest
    assert drawn(ROWS, seed=1).digest != drawn(ROWS, seed=2).digest


def test_over_many_weeks_every_document_has_its_turn() -> None:
    seen: set[bytes] = set()
    for seed in range(400):
        seen |= drawn(ROWS, seed).reasons.keys()
    assert seen >= {each.item_id for each in ROWS if kind_of(each)}


def test_a_matter_that_does_not_fit_is_not_drawn_and_the_smallest_when_none_does() -> None:
    sizes = {"M-A": 10, "M-B": 20, "M-C": 900}
    assert {draw_matter(sizes, seed, 100) for seed in range(50)} == {"M-A", "M-B"}
    assert draw_matter(sizes, 1, 5) == "M-A"
    assert draw_matter({}, 1, 5) == ""


# -- the scratch folder --------------------------------------------------------------------------


def test_a_trial_leaves_nothing_also_when_it_fails_and_folders_are_closed(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "scratch", "run")

    def fail() -> None:
        with scratch.trial("files") as place:
            (place / "closed").mkdir()
            (place / "closed/file").write_text("content")
            (place / "link").symlink_to(tmp_path / "outside")
            (place / "closed").chmod(0o500)
            raise RuntimeError

    (tmp_path / "outside").mkdir()
    with pytest.raises(RuntimeError):
        fail()
    assert [p.name for p in scratch.folder.iterdir()] == ["files.in-use"]
    assert (tmp_path / "outside").is_dir()


def test_only_its_user_may_enter_the_scratch_folder(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "scratch", "run")
    scratch.prepare()
    assert (tmp_path / "scratch").stat().st_mode & 0o777 == 0o700
    scratch.write("facts", b"x")
    assert (scratch.folder / "facts").stat().st_mode & 0o777 == 0o600
    (tmp_path / "scratch").chmod(0o750)
    with pytest.raises(StagingError, match="not private"):
        scratch.prepare()


def test_a_run_at_work_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    other = Scratch(tmp_path / "scratch", "other")
    mine = Scratch(tmp_path / "scratch", "mine")
    with other.trial("files") as place:
        (place / "file").write_text("content")
        assert mine.purge_abandoned() == []
        assert (place / "file").exists()
    assert mine.purge_abandoned() == ["other"]
    assert os.listdir(tmp_path / "scratch") == []


def test_what_another_machine_holds_is_said_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(StagingError, match="not on this machine"):
        Scratch(tmp_path / "scratch", "run").read("facts")
