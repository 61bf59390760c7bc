"""The suite with branch coverage: `python -m tests.support.measured -n 2 ...` takes what pytest takes.

SlipCover measures in the workers of pytest-xdist. Its own way to start a suite would measure the controller too, which
runs no test: half a minute of a processor, before the first and after the last of them.

Probes stay where they are. SlipCover would take a probe out that was passed fifty times too often, and looks through
every function of every module to do so, again and again; properties and what decorators hold are never found. Under
Python 3.11 that took as long as the engine itself. A probe that stays costs nanoseconds.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

NEVER = 2**31 - 1
ROOT = Path(__file__).resolve().parents[2]


def keep_probes() -> None:
    """In a worker, before anything is imported that is measured. Elsewhere it does nothing."""
    plugin = sys.modules.get("slipcover.pytest_plugin")
    found = getattr(plugin, "_slipcover_instance", None)
    if found is not None:
        found.d_miss_threshold = NEVER


def main(args: Sequence[str]) -> int:
    """The exit code of pytest. What to measure stands in pyproject.toml."""
    import slipcover

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["slipcover"]
    os.environ["SLIPCOVER_ENABLED"] = "1"
    os.environ["SLIPCOVER_BRANCH"] = str(int(wanted["branch"]))
    os.environ["SLIPCOVER_SOURCE"] = ",".join(wanted["source"])
    code = int(pytest.main(list(args)))
    # The plugin names the folder while it configures itself, if there are workers.
    if folder := os.environ.get("SLIPCOVER_COVERAGE_DIR"):
        merged = Path(folder, "merged.json")
        if merged.exists():
            told = json.loads(merged.read_text())
            slipcover.print_coverage(told, skip_covered=wanted["skip-covered"])
        shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

keep_probes()
