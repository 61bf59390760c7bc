"""One consent's rate for everybody: two DAGs, the documents and the trust books, with two workers each.

A case is a first load of both at once, at a limit that the seed draws, in stages as Airflow makes them; in some, workers
are killed meanwhile. What is promised: at least 90 % of what the vendor allows is used, and it never says 429 twice
in a row, whoever asked. Time goes on only where somebody waits (`tests.support.common_clock`); the last case of a
full run goes by the machine's clock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from muniment.backup.options import FETCHERS
from muniment.sources.clio import naming
from tests import campaign
from tests.campaign import Case
from tests.campaigns.clio_load import Killing
from tests.simulators.clio.running import Running, running
from tests.support import clio_requests as requests
from tests.support.clio_dags import BOOKS, CLIO, Came, ClioDags

LEAST_SHARE = 0.9
WORKERS = 2
"""Of each DAG."""
FULL = 20
REAL = FULL - 1
"""The seed that goes by the machine's clock."""
PIECE = 5


@dataclass
class Shared:
    """`share` is what was used of what was allowed."""

    told: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    share: float = 0.0


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        rng = random.Random(f"rate {seed}")
        limit = 300 if seed == REAL else rng.choice((30, 50, 50, 120, 300))
        files = limit * (5 if seed == REAL else 10)
        began = time.monotonic()
        with running(seed=seed, matters=8, short_documents=files, rate=limit) as sim:
            kills = rng.choice((0, 3)) if seed != REAL else 0
            shared = play(sim, seed, folder / str(seed), clock=seed != REAL, kills=kills)
        if shared.share < LEAST_SHARE:
            shared.wrong.append(f"{shared.share:.1%} of the allowed rate")
        shared.told |= {"limit": limit, "seconds": round(time.monotonic() - began)}
        yield Case(seed, shared.told, tuple(shared.wrong))


def summary(cases: Sequence[Case]) -> str:
    names = ("clock", "limit", "requests", "windows", "share", "refused", "in_a_row", "kills", "seconds")  # fmt: skip
    lines = campaign.table([names, *(tuple(str(c.row[n]) for n in names) for c in cases)])
    shares = [float(str(c.row["share"])) for c in cases]
    return f"{lines}\nleast share of the allowed rate: {min(shares):.3f}"


def play(
    sim: Running, seed: int, folder: Path, *, clock: bool, kills: int, shard_fetches: int = 100
) -> Shared:
    folder.mkdir(parents=True, exist_ok=True)
    dags = ClioDags(folder, sim, clock=clock)
    dies = Killing(seed, kills, plans=0)
    dies.files = shard_fetches
    shared = Shared()
    with dags.workers(2 * WORKERS) as workers, ThreadPoolExecutor(2) as pool:
        sim.control("counters", reset=True)
        both = [
            pool.submit(dags.run, CLIO, workers[:WORKERS], dies, shard_fetches),
            pool.submit(dags.run, BOOKS, workers[WORKERS:]),
        ]
        clio, books = (one.result() for one in both)
    told = sim.control("counters")["statuses"]
    rate = sim.control("rate")
    asked = requests.asked(sim)
    shared.share, windows = share_of(max(rate["windows"], key=len))
    shared.told |= {
        "clock": "everybody waits" if clock else "the machine's",
        "requests": asked.all,
        "windows": windows,
        "share": f"{shared.share:.3f}",
        "used": [one[3] for one in max(rate["windows"], key=len)],
        "refused": told.get("429", 0),
        "in_a_row": rate["refused_in_a_row"],
        "kills": sum(clio.kills.values()),
        "memory": max([*clio.memory.values(), *books.memory.values()]),
    }
    shared.wrong += _wrong(sim, clio, books, asked, rate["refused_in_a_row"])
    return shared


def _wrong(
    sim: Running, clio: Came, books: Came, asked: requests.Asked, in_a_row: int
) -> Iterator[str]:
    for name, one in ((CLIO, clio), (BOOKS, books)):
        if not one.complete:
            yield f"{name}: {one.outcome['completeness']}"
        if one.refused_twice:
            yield f"{name}: a thread was refused twice in a row"
    if in_a_row > 1:
        yield f"{in_a_row} times 429 in a row"
    sim.unlimited()
    previews = sum(requests.Pages(sim).rows[naming.BILLS])
    twice = asked.downloads - (clio.files - previews)
    if twice > FETCHERS * clio.kills["extract"]:
        yield f"{twice} files were fetched twice at {clio.kills['extract']} kills"


def share_of(windows: list[list[float]]) -> tuple[float, int]:
    """Of all windows but the last, which nobody had to fill: requests used, of those allowed from the beginning of the
    first to that of the last; and how many windows that is."""
    used = sum(one[3] for one in windows[:-1])
    allowed = sum(
        limit * (following[0] - opened) / lasted
        for (opened, lasted, limit, _), following in pairwise(windows)
    )
    return (used / allowed if allowed else 0.0), len(windows) - 1
