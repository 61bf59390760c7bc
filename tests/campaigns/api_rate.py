"""The rate of Microsoft 365 and of NetDocuments, for several processes of one application.

A case is a load of bytes by three workers with two threads each, at a limit that the seed draws: messages of one mailbox,
files of the tenant, or versions of documents. In some, a worker is killed and another takes its place. What is promised,
as for Clio (`clio_rate`): at least 90 % of what the vendor allows is used, and it never refuses twice in a row.
Time goes on only where somebody waits (`tests.support.common_clock`).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muniment.model.item import Fingerprint
from muniment.sources.base import Source
from muniment.sources.m365 import naming
from muniment.sources.m365.client import Rates
from muniment.sources.m365.pace import Rate
from muniment.sources.m365.source import M365Source
from muniment.sources.netdocuments import naming as netdocuments
from muniment.sources.netdocuments.source import NetDocumentsSource
from muniment.sources.web import transport as web
from muniment.sources.web.tokens import FileTokenStore
from tests import campaign
from tests.campaign import Case
from tests.campaigns.clio_rate import LEAST_SHARE, share_of
from tests.simulators.common.running import Child
from tests.simulators.graph.running import IMMUTABLE
from tests.simulators.graph.running import running as graph
from tests.simulators.netdocuments.running import running as repository
from tests.support import m365_firm, netdocuments_firm
from tests.support.common_clock import CommonClock, Mover

WORKERS, THREADS = 3, 2
WINDOWS = 5
FULL = 20
PIECE = 5
SLOTS = 16
"""Of the common clock, for each process that ever works."""

Asked = tuple[str, bytes, Fingerprint]


@dataclass(frozen=True)
class Load:
    """What is fetched. `source` is made in each worker; `windows` tells those of the service that is asked."""

    sim: Child
    limit: int
    items: list[Asked]
    source: Callable[[CommonClock], Source]
    windows: Callable[[], list[list[float]]]


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        rng = random.Random(f"api rate {seed}")
        what = ("mail", "versions", "files")[seed % 3]
        place = folder / str(seed)
        place.mkdir(parents=True)
        began = time.monotonic()
        row, wrong = LOADS[what](seed, rng, place)
        row |= {"of": what, "seconds": round(time.monotonic() - began)}
        yield Case(seed, row, tuple(wrong))


def summary(cases: Sequence[Case]) -> str:
    names = ("of", "limit", "requests", "windows", "share", "in_a_row", "kills", "seconds")
    lines = campaign.table([names, *(tuple(str(c.row[n]) for n in names) for c in cases)])
    least = min(float(str(c.row["share"])) for c in cases)
    return f"{lines}\nleast share of the allowed rate: {least:.3f}"


# -- what is fetched ---------------------------------------------------------------------------------


def mail(seed: int, rng: random.Random, folder: Path, limit: int = 0) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    limit = limit or rng.choice((60, 120, 240))
    with graph(seed=seed, users=1, messages=20, events=1, files=1) as sim:
        sim.control("limits", off=True)
        user = sim.users["member"]
        rows = sim.rows(f"users/{user}/messages", prefer=IMMUTABLE)
        items = [(naming.MIME, naming.native(naming.MIME, user, one["id"]), Fingerprint(0, 0)) for one in rows]  # fmt: skip
        rates = Rates(outlook=Rate(limit, 60.0), directory=Rate(0, 1), files=Rate(0, 1))
        sim.control("limits", outlook=[limit, 60], concurrent=4, per_app=True)
        return _played(Load(sim, limit, items, _tenant(sim, folder, rates), _of(sim, f"/{user}")), rng, folder)  # fmt: skip


def files(seed: int, rng: random.Random, folder: Path, limit: int = 0) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    limit = limit or rng.choice((60, 120, 240))
    with graph(seed=seed, users=1, messages=1, events=1, files=12) as sim:
        told = sim.control("truth", parts=["items"])["items"].values()
        items = [
            (naming.FILE, naming.native(naming.FILE, one["drive"], one["id"]), Fingerprint(one["size"], 0))
            for one in told if "file" in one and "malware" not in one
        ]  # fmt: skip
        rates = Rates(outlook=Rate(0, 1), directory=Rate(0, 1), files=Rate(limit, 60.0))
        sim.control("limits", off=True)
        sim.control("limits", files=[limit, 60])
        return _played(Load(sim, limit, items, _tenant(sim, folder, rates), _of(sim, "files/")), rng, folder)  # fmt: skip


def versions(seed: int, rng: random.Random, folder: Path, limit: int = 0) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    limit = limit or rng.choice((60, 120, 240))
    with repository(seed=seed, matters=3, documents_per_matter=2, rate=0) as sim:
        items = [
            (
                netdocuments.DOCUMENT_FILE,
                netdocuments.native_id(netdocuments.DOCUMENT_FILE, *name.split("/")),
                Fingerprint(told["size"], 0),
            )
            for name, told in sim.control("files").items()
            if "/a" not in name
        ]
        living = {key for key, one in sim.control("truth")["documents"].items() if not one["deleted"]}  # fmt: skip
        items = [one for one in items if one[1].decode().split("/")[1] in living]
        sim.control("limits", rate=limit)

        def source(clock: CommonClock) -> Source:
            # One token for all, as the sealed store gives it: the vendor counts by tokens.
            store: Any = FileTokenStore(folder / "token", lambda text: text, lambda text: text)
            clocked: Any = clock
            made = netdocuments_firm.client(sim, folder, clock=clocked, store=store, a_minute=limit)
            return NetDocumentsSource("netdocs", made)

        def windows() -> list[list[float]]:
            return max(sim.control("rate")["windows"], key=len)

        return _played(Load(sim, limit, items, source, windows), rng, folder)


LOADS = {"mail": mail, "files": files, "versions": versions}


def _tenant(sim: Any, folder: Path, rates: Rates) -> Callable[[CommonClock], Source]:
    def source(clock: CommonClock) -> Source:
        clocked: Any = clock
        made = m365_firm.client(sim, folder, rates=rates, clock=clocked)
        return M365Source("m365", made)

    return source


def _of(sim: Any, part: str) -> Callable[[], list[list[float]]]:
    def windows() -> list[list[float]]:
        told = sim.control("rate")["windows"]
        return max((held for name, held in told.items() if part in name), key=len)

    return windows


# -- the workers -------------------------------------------------------------------------------------


def _played(load: Load, rng: random.Random, folder: Path) -> tuple[dict[str, Any], list[str]]:
    total, kills = load.limit * WINDOWS, rng.choice((0, 1))
    context = multiprocessing.get_context("fork")
    done, begin = context.Value("i", 0), context.Event()
    table = folder / "clock"
    CommonClock(table, 0)
    places = range(WORKERS + kills)
    # All before the first thread of this process: the last one waits until somebody was killed.
    turns = [begin if place < WORKERS else context.Event() for place in places]
    workers = [
        context.Process(target=_work, args=(load, table, place * SLOTS // 2, done, total, turns[place]), daemon=True)
        for place in places
    ]  # fmt: skip
    for worker in workers:
        worker.start()

    def moved(seconds: float) -> None:
        load.sim.control("limits", advance=seconds)

    with Mover(table, moved) as mover:
        begin.set()
        if kills:
            while done.value < total // 3:
                time.sleep(0.01)
            os.kill(workers[0].pid or 0, signal.SIGKILL)
            workers[0].join()
            mover.gone(workers[0].pid or 0)
            turns[-1].set()
        for worker in workers:
            worker.join(300)
    wrong = [f"a worker ended with {one.exitcode}" for one in workers if one.exitcode not in (0, -9)]  # fmt: skip
    windows, in_a_row = load.windows(), load.sim.control("rate")["refused_in_a_row"]
    share, number = share_of(windows)
    if share < LEAST_SHARE:
        wrong.append(f"{share:.1%} of the allowed rate")
    if in_a_row > 1:
        wrong.append(f"{in_a_row} refusals in a row")
    row = {
        "limit": load.limit, "requests": total, "windows": number, "share": f"{share:.3f}", "in_a_row": in_a_row,
        "kills": kills, "used": [one[3] for one in windows],
    }  # fmt: skip
    return row, wrong


def _work(load: Load, table: Path, slot: int, done: Any, total: int, turn: Any) -> None:
    turn.wait()
    clock = CommonClock(table, slot)
    source = load.source(clock)
    real = web.Transport._send

    def sent(transport: Any, *given: Any, **more: Any) -> Any:
        with clock.asking():
            return real(transport, *given, **more)

    web.Transport._send = sent  # type: ignore[method-assign]
    failed: list[BaseException] = []

    def fetch() -> None:
        try:
            while True:
                with done.get_lock():
                    if done.value >= total:
                        return
                    number = done.value = done.value + 1
                kind, native, listed = load.items[number % len(load.items)]
                with source.open(kind, native, listed) as reader:
                    reader.read(1 << 20)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=fetch) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os._exit(1 if failed else 0)
