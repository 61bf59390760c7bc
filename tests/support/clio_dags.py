"""ClioDags: two sources under one consent, each run as its DAG runs it: in stages, by several workers at once.

A killed stage is begun again, as Airflow does it. The firm's documents and keys lie on the disk, and the workers
find everything there: what they share is the folder of the firm and the vendor.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from muniment.backup.shards import FILES
from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.ids import new_run_id
from muniment.sources.web.tokens import Tokens
from muniment.wiring_clio import token_store
from tests.simulators.clio.running import Running
from tests.simulators.common.running import ROOT
from tests.support.airflow_firm import AirflowFirm
from tests.support.common_clock import Mover

CLIO, BOOKS = "clio", "trust-books"
ROWS = (
    {"source_id": CLIO, "system": "clio", "location": "https://app.clio.com"},
    {"source_id": BOOKS, "system": "clio-trust", "location": "https://app.clio.com"},
)
YEARS = timedelta(days=400)

DiesAt = Callable[[str, str], Mapping[str, float]]
"""(stage, shard) -> when the process of this attempt is killed: `dies_at` its so many-th request, or `dies_after`
so many seconds; empty: it is not."""


@dataclass
class Came:
    """What a run of a DAG came to. `memory` is in MB, the most that any process of a stage held."""

    outcome: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    shards: int = 0
    deferred: int = 0
    files: int = 0
    refused_twice: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    memory: Counter[str] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        return bool(self.outcome) and self.outcome["completeness"] == "complete"


class Server:
    """The program that makes the processes of stages."""

    def __init__(self, workers: int) -> None:
        words = [sys.executable, "-m", "tests.support.clio_stage"]
        self._process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._told: list[queue.Queue[dict[str, Any]]] = [queue.Queue() for _ in range(workers)]
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def does(self, worker: int, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps({**job, "worker": worker}) + "\n")
            self._process.stdin.flush()
        return self._told[worker].get()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self._told[told["worker"]].put(told)
        for each in self._told:
            # Nobody waits for a server that is gone.
            each.put({"ended": 1, "process": 0, "memory": 0})

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._reader.join()
        self._process.stdout.close()


@dataclass(frozen=True)
class Worker:
    """Does one stage at a time."""

    server: Server
    number: int

    def does(self, job: dict[str, Any]) -> dict[str, Any]:
        return self.server.does(self.number, job)


class ClioDags:
    """The firm. `clock` is the table of a common clock; without one everything goes by the machine's."""

    def __init__(self, folder: Path, sim: Running, *, clock: bool, more: str = "") -> None:
        self.sim = sim
        self.folder = folder
        self.clock = folder / "clock" if clock else None
        self.firm = AirflowFirm(folder / "firm", folder / "firms", sources=(CLIO, BOOKS))
        reached = f"""state: {folder}/state
      client_id: {sim.told["client_id"]}
      client_secret: {folder}/firm/keys/clio.secret
      host: {sim.told["app"]}
      ca: {sim.told["ca"]}"""
        secret = folder / "firm/keys/clio.secret"
        secret.touch(mode=0o600)
        secret.write_text(str(sim.told["client_secret"]))
        self.firm.document(
            *ROWS,
            more=f"""sources:
  {CLIO}:
    clio:
      {reached}
  {BOOKS}:
    clio:
      {reached}
      consent: {CLIO}
{more}""",
        )
        self.place = folder / "firms" / self.firm.name
        held = token_store(load_firm(self.place), CLIO, identities=[self.firm.keys.worker])
        access, refresh = str(sim.told["access_token"]), str(sim.told["refresh_token"])
        held.swap(0, Tokens(access, refresh, SystemClock().now() + YEARS))

    @contextmanager
    def workers(self, count: int) -> Iterator[list[Worker]]:
        """So many workers, and who moves their time."""
        with ExitStack() as stack:
            self._mover = self._time(stack)
            server = Server(count)
            stack.callback(server.end)
            yield [Worker(server, number) for number in range(count)]

    def _time(self, stack: ExitStack) -> Mover | None:
        if self.clock is None:
            return None

        def moved(seconds: float) -> None:
            self.sim.control("limits", advance=seconds, shows=True)

        return stack.enter_context(Mover(self.clock, moved))

    @property
    def ahead(self) -> float:
        """Seconds that were waited and took no time."""
        return self._mover.ahead if self._mover is not None else 0.0

    def hours(self, number: float) -> None:
        """Moves the time on between runs."""
        assert self._mover is not None
        self._mover.advance(3600 * number)

    def run(
        self,
        source: str,
        workers: list[Worker],
        dies: DiesAt = lambda *_: {},
        shard_fetches: int = 0,
    ) -> Came:
        """One run of the source's DAG. `shard_fetches`: files of a shard, 0 for what is usual."""
        came = Came()
        run_id = new_run_id()
        lock = threading.Lock()

        def task(worker: Worker, stage: str, **job: Any) -> Any:
            shard = job.get("shard", "")
            while True:
                told = worker.does(
                    {
                        "firm": str(self.place),
                        "clock": str(self.clock or ""),
                        "source": source,
                        "run_id": run_id,
                        "stage": stage,
                        "shard_fetches": shard_fetches,
                        **dies(stage, shard),
                        **job,
                    }
                )
                if self._mover is not None:
                    self._mover.gone(told["process"])
                with lock:
                    came.memory[stage] = max(came.memory[stage], told["memory"])
                    came.refused_twice += told.get("refused_twice", 0)
                    came.kills[stage] += told["ended"] < 0
                if "error" in told:
                    raise RuntimeError(f"{source}, {stage} {shard}: {told['error']}")
                if told["ended"] == 0:
                    return told["answer"]
                if told["ended"] > 0:
                    raise RuntimeError(f"{source}, {stage} {shard} ended with {told['ended']}")

        planned = task(workers[0], "plan")
        came.seen, came.deferred = planned["seen"], planned["deferred"]
        came.shards = len(planned["shards"])
        came.files = sum(r["items"] for r in planned["shards"] if r["about"].startswith(FILES))
        waiting = iter(planned["shards"])
        results = []

        def shards(worker: Worker) -> None:
            while True:
                with lock:
                    ref = next(waiting, None)
                if ref is None:
                    return
                task(worker, "extract", shard=ref["shard"])
                result = task(worker, "encrypt", shard=ref["shard"])
                task(worker, "upload", shard=ref["shard"], result=result)
                task(worker, "validate", shard=ref["shard"], result=result)
                with lock:
                    results.append(result)

        with ThreadPoolExecutor(len(workers)) as pool:
            for each in [pool.submit(shards, worker) for worker in workers]:
                each.result()
        came.outcome = task(workers[0], "commit", results=results)
        return came
