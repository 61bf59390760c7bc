"""Fixtures of the file source and target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.file_trees import temporary_tree


@pytest.fixture
def folder() -> Iterator[Path]:
    """A fresh folder that anyone may enter; it may get a tree that Python cannot remove."""
    with temporary_tree() as path:
        yield path


@pytest.fixture
def share(folder: Path) -> Path:
    (folder / "share").mkdir()
    return folder / "share"


@pytest.fixture
def target(folder: Path) -> Path:
    """Where a restore delivers to; not there yet."""
    return folder / "target"
