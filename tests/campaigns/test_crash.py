"""Killed anywhere, with or without a power cut: the next run succeeds and every snapshot is whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.campaigns.crash import Case, run_case, seeded_case
from tests.campaigns.crash_ground import Ground
from tests.campaigns.crash_points import POINTS, Point
from tests.campaigns.power import Disk

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.xdist_group("crash"),
    pytest.mark.skipif(sys.platform != "linux", reason="the tracer knows Linux's calls"),
]


def wanted_seeds(number: int = 12) -> range:
    """MUNIMENT_SEEDS is a number of seeds, or `first-last`."""
    first, dash, last = os.environ.get("MUNIMENT_SEEDS", str(number)).partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(first))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    ground = Ground(tmp_path_factory.mktemp("crash") / "ground")
    yield ground
    ground.close()


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_killed_at_a_named_point_with_the_power_cut(ground: Ground, point: Point) -> None:
    number = POINTS.index(point)
    power = "cut" if number % 3 else "on"
    same_run = point.command == "stages" or number % 2 == 0
    ended = run_case(ground, Case(point.name, point.command, point, power, same_run, number))
    assert ended.faults == []
    assert ended.killed_at, "the point was never reached"


def test_killed_at_seeded_times(ground: Ground) -> None:
    ended = [run_case(ground, seeded_case(ground, seed)) for seed in wanted_seeds()]
    assert {e.case.name: e.faults for e in ended if e.faults} == {}
    assert any(e.killed_at for e in ended)


@pytest.mark.parametrize(
    ("breakage", "point", "power"),
    [
        ("folders are not flushed", Point("", "backup", "put.end", "commits/"), "cut"),
        ("folders are not flushed", Point("", "forget", "put.end", "retention/"), "cut"),
        ("files are not flushed", Point("", "backup", "put.end", "commits/"), "cut"),
        ("the commit goes first", Point("", "backup", "put.begin", "packs/"), "on"),
        ("written in place", Point("", "backup", "write.half", "store/commits/"), "on"),
        ("what is needed is swept too", Point("", "sweep", "delete.end"), "on"),
        ("staging is left to itself", Point("", "backup", "encrypt.end"), "on"),
    ],
)
def test_the_campaign_sees_an_engine_that_is_not_careful(
    ground: Ground, breakage: str, point: Point, power: str
) -> None:
    ended = run_case(ground, Case("broken", point.command, point, power, False, 1, breakage))
    assert ended.faults != []


def test_the_power_model_takes_what_was_not_flushed_and_gives_back_what_was(
    tmp_path: Path,
) -> None:
    root, graveyard = tmp_path / "root", tmp_path / "graveyard"
    (root / "old").mkdir(parents=True)
    graveyard.mkdir()
    (root / "old/kept").write_bytes(b"kept")
    (root / "old/removed").write_bytes(b"removed")
    disk = Disk(root, graveyard)
    removed = root / "old/removed"
    os.link(removed, graveyard / str(removed.stat().st_ino))
    removed.unlink()
    (root / "old/unflushed").write_bytes(b"lost")
    for name in ("named", "whole"):
        (root / "old" / name).write_bytes(b"bytes")
    inodes = {p.name: p.stat().st_ino for p in (root / "old").iterdir()}
    inodes.pop("unflushed")
    inodes["removed"] = int(next(graveyard.iterdir()).name)
    disk.follow(
        [
            {"new": inodes["named"]},
            {"new": inodes["whole"]},
            {"file": inodes["whole"]},
            {"folder": "old", "entries": inodes},
        ]
    )

    disk.cut(None)

    assert {p.name: p.read_bytes() for p in (root / "old").iterdir()} == {
        "kept": b"kept",
        "removed": b"removed",
        "named": b"",
        "whole": b"bytes",
    }


def test_a_random_cut_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    def cut(name: str) -> list[str]:
        root, graveyard = tmp_path / name / "root", tmp_path / name / "graveyard"
        root.mkdir(parents=True)
        graveyard.mkdir()
        disk = Disk(root, graveyard)
        for number in range(20):
            (root / f"{number:02d}").write_bytes(b"content")
        disk.cut(Random(7))
        return sorted(p.name for p in root.iterdir())

    assert cut("one") == cut("two")
    assert 0 < len(cut("three")) < 20
