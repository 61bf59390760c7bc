"""All campaigns in full: `python -m tests.campaign [--seeds N] [--only NAME] [--jobs N]`.

Nouns
- Campaign: many seeded cases of one promise. `make test` runs a few seeds of each, this runs all.
- Case: what one seed came to. A failing seed is repeated with `MUNIMENT_SEEDS=<first>-<last>` and the
  campaign's own test, or here with `--from SEED --seeds 1`.

To add one: a module with `run(seeds, folder)` that yields a Case for each seed, and a line in CAMPAIGNS.
The result is build/campaign.json: commit, date, versions, and for each campaign its rows, counts and
failing seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "build" / "campaign.json"

CAMPAIGNS: dict[str, tuple[str, int]] = {
    "tampering": ("tests.campaigns.tampering", 200),
    "crash": ("tests.campaigns.crash", 330),
    "model": ("tests.campaigns.model", 100),
    "clio": ("tests.campaigns.clio", 200),
    "clio_faults": ("tests.campaigns.clio_faults", 60),
    "m365": ("tests.campaigns.m365", 200),
    "m365_faults": ("tests.campaigns.m365_faults", 67),
    "m365_load": ("tests.campaigns.m365_load", 5),
    "clio_weather": ("tests.campaigns.clio_weather", 200),
    "trust_defects": ("tests.campaigns.trust_defects", 195),
    "clio_back": ("tests.campaigns.clio_back", 440),
    "clio_load": ("tests.campaigns.clio_load", 4),
    "clio_rate": ("tests.campaigns.clio_rate", 20),
    "api_rate": ("tests.campaigns.api_rate", 20),
    "netdocuments": ("tests.campaigns.netdocuments", 200),
    "netdocuments_back": ("tests.campaigns.netdocuments_back", 600),
    "netdocuments_faults": ("tests.campaigns.netdocuments_faults", 63),
    "m365_back": ("tests.campaigns.m365_back", 600),
    "graph_simulator": ("tests.simulators.graph.reader", 100),
    "restored": ("tests.campaigns.restored", 400),
    "guard": ("tests.campaigns.guard", 400),
    "matter_dag": ("tests.campaigns.matter_dag", 1),
    "copied_faults": ("tests.campaigns.copied_faults", 104),
    "departure_dag": ("tests.campaigns.departure_dag", 1),
    "demonstration": ("tests.campaigns.demonstration", 1),
}
"""Name -> (module with `run`, seeds of a full run)."""

PIECE = 50
"""Seeds that one process takes, unless the module has a PIECE of its own; what a campaign sets up is set up once in each."""


@dataclass(frozen=True, slots=True)
class Case:
    """One seed. `wrong` is empty when the promise held; `row` is for the report, JSON values only."""

    seed: int
    row: Mapping[str, Any]
    wrong: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, **self.row, "wrong": list(self.wrong)}


Run = Callable[[Iterable[int], Path], Iterator[Case]]


@dataclass(slots=True)
class Tally:
    name: str
    cases: list[Case] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failing(self) -> list[int]:
        return [case.seed for case in self.cases if case.wrong]

    def as_dict(self) -> dict[str, Any]:
        return {
            "cases": len(self.cases),
            "held": len(self.cases) - len(self.failing),
            "failing_seeds": self.failing,
            "seconds": round(self.seconds, 1),
            "rows": [case.as_dict() for case in self.cases],
        }


def run_campaign(name: str, seeds: Iterable[int] | None = None) -> Tally:
    """Runs seeds of one campaign in this process."""
    module_name, full = CAMPAIGNS[name]
    run: Run = import_module(module_name).run
    tally = Tally(name)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"campaign-{name}-") as folder:
        for case in run(range(full) if seeds is None else seeds, Path(folder)):
            tally.cases.append(case)
            if len(tally.cases) % 10 == 0:
                print(f"  {name}: up to seed {case.seed}", flush=True)
            if case.wrong:
                shown = " / ".join(str(v) for v in list(case.row.values())[:3])
                print(f"  {name} seed {case.seed} ({shown}): {'; '.join(case.wrong)}", flush=True)
    tally.seconds = time.monotonic() - began
    return tally


def run_piece(piece: tuple[str, range]) -> Tally:
    """Runs seeds of one campaign in a process of its own. Raises CalledProcessError."""
    name, seeds = piece
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        out = Path(folder) / "piece.json"
        command = [sys.executable, "-m", "tests.campaign", "--piece", str(out), "--only", name]
        command += ["--from", str(seeds.start), "--seeds", str(len(seeds))]
        subprocess.run(command, cwd=ROOT, check=True)
        found = json.loads(out.read_text())
    cases = [
        Case(row.pop("seed"), row, tuple(wrong))
        for row in found["rows"]
        for wrong in [row.pop("wrong")]
    ]
    return Tally(name, cases, found["seconds"])


def pieces(name: str, first: int, count: int) -> Iterator[tuple[str, range]]:
    size = getattr(import_module(CAMPAIGNS[name][0]), "PIECE", PIECE)
    for start in range(first, first + count, size):
        yield name, range(start, min(start + size, first + count))


def commit_id() -> str:
    """The commit, with `-dirty` where tracked files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        dirty = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows of text as aligned columns, the first row as heading."""
    all_rows = [tuple(map(str, row)) for row in rows]
    widths = [max(len(row[i]) for row in all_rows) for i in range(len(all_rows[0]))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in all_rows
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def counted(cases: Iterable[Case], key: str) -> Counter[str]:
    return Counter(str(case.row.get(key, "")) for case in cases)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument(
        "--seeds", type=int, help="seeds of each campaign; by default its full count"
    )
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", choices=sorted(CAMPAIGNS), action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--piece", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.piece:
        tally = run_campaign(chosen.only[0], range(chosen.first, chosen.first + chosen.seeds))
        chosen.piece.write_text(json.dumps(tally.as_dict()))
        return 0
    report: dict[str, Any] = {
        "commit": commit_id(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "campaigns": {},
    }
    failed = False
    for name in chosen.only or list(CAMPAIGNS):
        full = CAMPAIGNS[name][1]
        count = full if chosen.seeds is None else min(full, chosen.seeds)
        print(f"== {name}: {count} seeds", flush=True)
        began = time.monotonic()
        whole = Tally(name)
        with ThreadPoolExecutor(chosen.jobs) as pool:
            for tally in pool.map(run_piece, pieces(name, chosen.first, count)):
                whole.cases += tally.cases
        whole.seconds = time.monotonic() - began
        summary = getattr(import_module(CAMPAIGNS[name][0]), "summary", None)
        report["campaigns"][name] = whole.as_dict()
        if summary is not None:
            told = summary(whole.cases)
            print(told)
            report["campaigns"][name]["summary"] = told.splitlines()
        held = len(whole.cases) - len(whole.failing)
        print(f"== {name}: {held} of {len(whole.cases)} held, {whole.seconds:.0f} s", flush=True)
        failed = failed or bool(whole.failing) or len(whole.cases) != count
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(f"Written: {RESULT.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
