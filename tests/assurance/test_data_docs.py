"""Pages of verifications are kept for a year and a month, and nothing else is ever removed with them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.assurance.data_docs import INDEX, forget_old

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def run_of(area: Path, name: str, ago: timedelta) -> Path:
    folder = area / name
    folder.mkdir(parents=True)
    (folder / INDEX).write_text("<p>passed</p>")
    os.utime(folder, ((NOW - ago).timestamp(),) * 2)
    return folder


def test_pages_older_than_anyone_asks_for_go_and_younger_ones_stay(tmp_path: Path) -> None:
    old = run_of(tmp_path, "old", timedelta(days=401))
    young = run_of(tmp_path, "young", timedelta(days=399))
    assert forget_old(tmp_path, NOW) == 1
    assert not old.exists()
    assert (young / INDEX).exists()


def test_a_link_and_a_file_are_no_pages(tmp_path: Path) -> None:
    elsewhere = run_of(tmp_path / "elsewhere", "kept", timedelta(days=999))
    area = tmp_path / "area"
    area.mkdir()
    (area / "link").symlink_to(elsewhere)
    (area / "note.txt").write_text("mine")
    os.utime(area / "note.txt", (0, 0))
    assert forget_old(area, NOW) == 0
    assert (elsewhere / INDEX).exists()
    assert (area / "note.txt").exists()


def test_an_area_that_is_not_there_yet_has_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_old(tmp_path / "nothing", NOW) == 0
