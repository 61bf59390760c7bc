"""What a test needs that may be missing: skipped with a reason on a laptop, failed in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def missing(what: str, how: str) -> NoReturn:
    """Skips the test, or fails it where CI=true. `how` says how to get it."""
    reason = f"{what} is missing: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def needs_program(name: str, how: str = "") -> Path:
    """The program's path."""
    found = shutil.which(name)
    if found is None:
        missing(f"the program `{name}`", how or f"install the system's package `{name}`")
    return Path(found)


def needs_reference(name: str) -> Path:
    """A folder or file of `../shared/reference/`, beside the repository."""
    path = REPOSITORY.parent / "shared" / "reference" / name
    if not path.exists():
        missing(f"the reference material `{name}`", f"put it at {path}")
    return path
