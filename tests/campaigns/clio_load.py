"""A first load of Clio that is killed again and again goes on where it was: 100,000 files in the first case.

A case is a firm with many documents and a run of its DAG as Airflow makes it: stages in processes of their own, two
workers, each process killed (`kill -9`) at a moment that the seed draws, and begun again. What is promised: no file
is fetched twice but those on their way at the kill; requests are at most 1.05 times the least that the vendor
allows, for the first load with its kills (of a small one, besides what the kills cost), for a day after, and for the week's full
compare; no process of a
stage holds more than 500 MB; and what the snapshot has are the firm's files, digest by digest.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muniment.backup.options import FETCHERS, RUN_LIMIT_FETCHES
from muniment.sources.clio import naming
from muniment.sources.clio.asking import Rhythm
from tests import campaign
from tests.campaign import Case
from tests.simulators.clio.running import Running, running
from tests.support import clio_requests as requests
from tests.support.clio_dags import CLIO, Came, ClioDags, Worker

MOST_MEMORY = 500
"""MB of one process of a stage."""
MOST_REQUESTS = 1.05
WORKERS = 2
PIECE = 1


def files_of(seed: int) -> int:
    return 100_000 if seed == 0 else 3_000


@dataclass
class Loaded:
    """`told` is for the report, `wrong` what does not hold."""

    told: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        files = files_of(seed)
        began = time.monotonic()
        with running(
            seed=seed, matters=60, documents_per_matter=4, short_documents=files, rate=0
        ) as sim:
            loaded = play(sim, seed, folder / str(seed), kills=24)
        loaded.told["seconds"] = round(time.monotonic() - began)
        yield Case(seed, loaded.told, tuple(loaded.wrong))


def summary(cases: Sequence[Case]) -> str:
    names = ("files", "kills", "fetched_twice", "first", "daily", "weekly", "memory", "seconds")
    return campaign.table([names, *(tuple(str(c.row[n]) for n in names) for c in cases)])


def play(sim: Running, seed: int, folder: Path, *, kills: int, shard_fetches: int = 0) -> Loaded:
    folder.mkdir(parents=True, exist_ok=True)
    loaded = Loaded()
    pages = requests.Pages(sim)
    several = len(requests.with_versions(sim))
    standing = requests.standing_takes(sim, folder, with_report=True)
    dags = ClioDags(folder, sim, clock=True)
    with dags.workers(WORKERS) as workers:
        sim.control("counters", reset=True)
        came = _first(dags, workers, Killing(seed, kills), shard_fetches)
        _judge_first(loaded, came, requests.asked(sim, standing), pages, several)
        _compare(loaded, dags, sim)
        for name, hours, with_report in (("daily", 24, False), ("weekly", 24 * 7, True)):
            before = int(sim.control("clock")["sequence"])
            sim.control("day", number=1 if name == "daily" else 2)
            dags.hours(hours)
            standing = requests.standing_takes(sim, folder, with_report=with_report)
            pages, changed = requests.Pages(sim), _changed(sim, before)
            versions = len(requests.with_versions(sim) & changed.get("documents", set()))
            sim.control("counters", reset=True)
            one = dags.run(CLIO, workers)
            asked = requests.asked(sim, standing)
            least = _least_after(pages, one, changed, whole=name == "weekly")
            least += min(versions, asked.versions)
            _judge(loaded, name, [one], asked, least)
            _compare(loaded, dags, sim)
    loaded.told["memory"] = max(loaded.told["memory"].values())
    return loaded


class Killing:
    """When processes are killed: about so many in all, by the dice of the seed."""

    def __init__(self, seed: int, kills: int, plans: int = 2) -> None:
        self._rng = random.Random(f"kills {seed}")
        self._left = kills
        self._plans = plans
        self._lock = threading.Lock()
        self.files = 1_000

    def __call__(self, stage: str, shard: str) -> Mapping[str, float]:
        rng = self._rng
        with self._lock:
            if stage == "plan" and self._plans:
                self._plans -= 1
                return {"dies_at": rng.randrange(20, 60)}
            if not self._left or stage not in ("extract", "encrypt") or rng.random() > 0.35:
                return {}
            self._left -= 1
            if stage == "extract":
                return {"dies_at": rng.randrange(2, 2 * self.files)}
            return {"dies_after": rng.random() * 0.2}


def _first(dags: ClioDags, workers: list[Worker], dies: Killing, shard_fetches: int) -> list[Came]:
    """The first load: a run, and another one while something is left over, as the DAG begins it."""
    dies.files = shard_fetches or dies.files
    came = [dags.run(CLIO, workers, dies, shard_fetches)]
    while came[-1].deferred:
        came.append(dags.run(CLIO, workers, dies, shard_fetches))
    return came


def _judge_first(
    loaded: Loaded, came: list[Came], asked: requests.Asked, pages: requests.Pages, several: int
) -> None:
    files = sum(one.files for one in came)
    kills = sum((one.kills for one in came), start=type(came[0].kills)())
    previews = sum(pages.rows[naming.BILLS])
    twice = asked.downloads - (files - previews)
    loaded.told |= {"files": files, "kills": sum(kills.values()), "fetched_twice": twice}
    if twice > FETCHERS * kills["extract"]:
        loaded.wrong.append(f"{twice} files were fetched twice at {kills['extract']} kills")
    # A run takes 50,000 files; what is left over is listed again by the next.
    runs = max(1, -(-files // RUN_LIMIT_FETCHES))
    if len(came) > runs:
        loaded.wrong.append(f"{len(came)} runs where {runs} are enough")
    # What a kill costs: files on their way, or the listing; next to nothing of a large load.
    cost = FETCHERS * kills["extract"] + kills["plan"] * pages.least()
    _judge(loaded, "first", came, asked, pages.least() + several + files, cost)


def _judge(
    loaded: Loaded, name: str, came: list[Came], asked: requests.Asked, least: int, cost: int = 0
) -> None:
    made = asked.rows + asked.files
    loaded.told[name] = f"{made / least:.3f}"
    loaded.told[f"{name}_requests"] = {"least": least, "rows": asked.rows, "files": asked.files, "looks": asked.looks}  # fmt: skip
    if made > max(MOST_REQUESTS * least, least + cost):
        loaded.wrong.append(f"{name}: {made} requests, and {least} is the least")
    if not came[-1].complete:
        loaded.wrong.append(f"{name}: {came[-1].outcome['completeness']}")
    memory = loaded.told.setdefault("memory", {})
    for one in came:
        for stage, held in one.memory.items():
            memory[stage] = max(memory.get(stage, 0), held)
            if held > MOST_MEMORY:
                loaded.wrong.append(f"{name}: {stage} held {held} MB")
    loaded.told["memory_by_stage"] = dict(memory)


def _changed(sim: Running, before: int) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for _, _, collection, id_, _ in sim.control("history", after=before, limit=100_000)["changes"]:
        found.setdefault(collection, set()).add(id_)
    return found


def _least_after(
    pages: requests.Pages, came: Came, changed: dict[str, set[int]], *, whole: bool
) -> int:
    """Of a day after the first load: every list, and the files that are new; of what is swept the rows that
    changed too."""
    least = pages.least(changed) + came.files
    few = Rhythm().few_pages
    for name in pages.rows:
        if not whole and pages.of(name) > few:
            least += requests.sweep_least(len(changed.get(name, ())))
    return least


def _compare(loaded: Loaded, dags: ClioDags, sim: Running) -> None:
    """The newest snapshot's files are the firm's."""
    vault = dags.firm.vault()
    history = vault.history(CLIO)
    rows = vault.snapshot(history, history.live[-1]).items.values()
    found = {
        row.native_id.rpartition(b"/")[2].decode(): row.digest.hex()
        for row in rows
        if row.kind == naming.DOCUMENT_FILE
    }
    true = {id_: one["sha256"] for id_, one in sim.control("files")["versions"].items()}
    if found != true:
        loaded.wrong.append(
            f"{len(true.keys() ^ found.keys())} files missing or too many, "
            f"{sum(true.get(k) != v for k, v in found.items())} differ"
        )
