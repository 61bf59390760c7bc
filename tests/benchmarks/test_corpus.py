"""The corpus is the same for the same seed, and its next day is what the page says it is."""

from pathlib import Path

import pytest

from benchmarks import corpus
from benchmarks.chance import chance
from benchmarks.corpus import DUMP, PST, Shape
from benchmarks.documents import LESS_SHARED, Documents
from benchmarks.duel import copy_day, digests
from benchmarks.next_day import RENAMED, work_a_day
from muniment.backup.guard.contents import Look, look

SHAPE = Shape(scale=0.001)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus.make(tmp_path_factory.mktemp("corpora"), SHAPE)


def test_the_same_seed_gives_the_same_bytes(day: Path, tmp_path: Path) -> None:
    assert digests(corpus.make(tmp_path, SHAPE)) == digests(day)


def test_another_seed_gives_other_bytes(day: Path, tmp_path: Path) -> None:
    other = digests(corpus.make(tmp_path, Shape(scale=0.001, seed=2)))
    assert other.keys() == digests(day).keys()
    assert set(other.values()).isdisjoint(digests(day).values())


def test_the_variants_differ_in_word_files_and_scans(day: Path, tmp_path: Path) -> None:
    other = digests(corpus.make(tmp_path, Shape("shared", 0.001)))
    assert other.keys() == digests(day).keys()
    differ = {Path(path).suffix for path, digest in digests(day).items() if other[path] != digest}
    assert differ == {".docx", ".pdf"}


def test_one_document_in_ten_is_a_copy_of_one_in_another_matter(day: Path) -> None:
    found = [digest for path, digest in digests(day).items() if path.startswith("Matters/")]
    assert len(found) == 800
    assert 0.04 < 1 - len(set(found)) / len(found) < 0.12


def test_an_unfinished_corpus_is_made_anew(day: Path, tmp_path: Path) -> None:
    copy_day(day, tmp_path / day.name)
    assert (day.parent / f"{SHAPE.name}.{corpus.COMPLETE}").exists()
    (tmp_path / day.name / DUMP).unlink()
    assert (corpus.make(tmp_path, SHAPE) / DUMP).exists()


def test_the_next_day_is_the_same_work_each_time(day: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for live in (first, second):
        copy_day(day, live)
        work = work_a_day(live, SHAPE)
        assert (work.changed, work.new, work.deleted) == (8, 6, 2)
    assert digests(first) == digests(second)
    before, after = digests(day), digests(first)
    assert sum(RENAMED in path for path in after) == work.renamed
    assert len(after) == len(before) + work.new - work.deleted
    assert before[str(PST)] != after[str(PST)] and before[str(DUMP)] != after[str(DUMP)]


@pytest.mark.parametrize("kind", ["docx", "pdf", "eml", "txt"])
def test_an_edited_document_looks_like_what_its_name_says(kind: str) -> None:
    """Else the guard takes the next day for an attack, the backup says so by its exit code, and no figure counts."""
    documents = Documents(1, LESS_SHARED)
    for seed in range(20):
        rng = chance(1, kind, seed)
        before = documents.make(kind, rng)
        after = documents.edited(kind, before, rng)
        assert after != before
        assert look(before, kind.encode()) is look(after, kind.encode()) is Look.FIT


def test_a_copy_of_the_day_keeps_its_times(day: Path, tmp_path: Path) -> None:
    copy_day(day, tmp_path / "live")
    for path in (PST, DUMP):
        assert (tmp_path / "live" / path).stat().st_mtime_ns == (day / path).stat().st_mtime_ns
