"""Hostile trees: what nobody would put on a share on purpose, through a real backup and a real restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.file_trees import temporary_tree
from tests.support.practice import Practice


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes minutes; runs with `-m soak` only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out, and does not skip, what takes minutes."""
    if "soak" in (config.getoption("-m") or ""):
        return
    soaks = [item for item in items if item.get_closest_marker("soak")]
    if soaks:
        config.hook.pytest_deselected(items=soaks)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A fresh folder that anyone may enter; it may get a tree that Python cannot remove."""
    with temporary_tree() as path:
        yield path


@pytest.fixture
def practice(folder: Path) -> Practice:
    """A firm whose share has one ordinary document: beside whatever is odd it must stay unharmed."""
    practice = Practice(folder)
    practice.write("Office/letter.txt", "Dear counsel")
    return practice
