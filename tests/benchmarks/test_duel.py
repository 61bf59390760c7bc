"""A whole round of the product alone, on a small corpus; and what the report makes of it."""

import os
from pathlib import Path

import pytest

from benchmarks import corpus, kernels, report
from benchmarks.corpus import Shape
from benchmarks.duel import STEPS, Duel, copy_day
from benchmarks.measure import BenchmarkError, Sample
from benchmarks.place import Place
from benchmarks.product import Muniment

SHAPE = Shape(scale=0.001)
pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux 5.3 or newer")


class Forgetful(Muniment):
    """Loses a document when it gives everything back."""

    def restore(self, to: Path) -> Sample:
        sample = super().restore(to)
        next(self.restored(to).rglob("*.docx")).unlink()
        return sample


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Only read: a duel works on a copy."""
    return corpus.make(tmp_path_factory.mktemp("corpora"), SHAPE)


def test_a_round_measures_every_step_and_proves_the_restores(day: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "bench")
    place.clear_work()
    said: list[str] = []
    product = Muniment(place.work / "muniment", place.live)
    duel = Duel(place, day, SHAPE, [product], said.append)
    duel.round(0)
    figures = duel.figures["muniment"]
    assert list(figures.samples) == list(STEPS)
    assert len(said) == len(STEPS)
    assert figures.growth[0] > 0 and figures.first_bytes[0] > 1_000_000
    shown = report.duel_table(duel.figures, kernels.main(day))
    assert all(step in shown for step in STEPS) and "The limit" in shown
    told = report.duel_as_dict(duel, [product])["muniment"]
    assert told["steps"]["no change"]["median"]["cpu"] > 0


def test_a_contender_that_restores_wrongly_gets_no_figures(day: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "bench")
    place.clear_work()
    product = Forgetful(place.work / "muniment", place.live)
    duel = Duel(place, day, SHAPE, [product], lambda text: None)
    copy_day(day, place.live)
    product.fresh()
    product.back_up()
    with pytest.raises(BenchmarkError, match="restored something else"):
        duel._restore(product)


def test_ratios_are_ours_by_theirs() -> None:
    assert report._ratio(1.0, 2.0) == "0.50"
    assert report._ratio(1.0, 0.0) == "-"
