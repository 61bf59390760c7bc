"""ClioDags: two sources under one consent, each run as its DAG runs it: in stages, by several workers at once.

A killed stage is begun again, as Airflow does it. The firm's documents and keys lie on the disk, and the workers
find everything there: what they share is the folder of the firm and the vendor.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from muniment.backup.commit import Outcome
from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.ids import new_run_id
from muniment.sources.clio.tokens import Tokens
from muniment.wiring_clio import token_store
from tests.simulators.clio.running import ROOT, Running
from tests.support.airflow_firm import AirflowFirm
from tests.support.common_clock import Mover

CLIO, BOOKS = "clio", "trust-books"
ROWS = (
    {"source_id": CLIO, "system": "clio", "location": "https://app.clio.com"},
    {"source_id": BOOKS, "system": "clio-trust", "location": "https://app.clio.com"},
)
YEARS = timedelta(days=400)

DiesAt = Callable[[str, str], int]
"""(stage, shard) -> at which request of this attempt its process is killed; 0: it is not."""


@dataclass
class Came:
    """What a run of a DAG came to. `memory` is in MB, the most that any process of a stage held."""

    outcome: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    shards: int = 0
    deferred: int = 0
    kills: int = 0
    refused_twice: int = 0
    memory: Counter[str] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        return bool(self.outcome) and self.outcome["completeness"] == "complete"


class Worker:
    """One server of stages."""

    def __init__(self, number: int) -> None:
        self.number = number
        words = [sys.executable, "-m", "tests.support.clio_stage"]
        self._process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def does(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({**job, "worker": self.number}) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def end(self) -> None:
        self._process.communicate()


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
        """Servers of stages, and who moves their time."""
        with ExitStack() as stack:
            self._mover = self._time(stack)
            found = [Worker(number) for number in range(count)]
            for one in found:
                stack.callback(one.end)
            yield found

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

    def run(self, source: str, workers: list[Worker], dies_at: DiesAt = lambda *_: 0) -> Came:
        """One run of the source's DAG."""
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
                        "dies_at": dies_at(stage, shard),
                        **job,
                    }
                )
                if self._mover is not None:
                    self._mover.gone(told["process"])
                with lock:
                    came.memory[stage] = max(came.memory[stage], told["memory"])
                    came.refused_twice += told.get("refused_twice", 0)
                    came.kills += told["ended"] < 0
                if "error" in told:
                    raise RuntimeError(f"{source}, {stage} {shard}: {told['error']}")
                if told["ended"] == 0:
                    return told["answer"]
                if told["ended"] > 0:
                    raise RuntimeError(f"{source}, {stage} {shard} ended with {told['ended']}")

        planned = task(workers[0], "plan")
        came.seen, came.deferred, came.shards = (
            planned["seen"],
            planned["deferred"],
            len(planned["shards"]),
        )
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

    def outcome(self, came: Came) -> Outcome:
        known = {name: came.outcome[name] for name in Outcome.__dataclass_fields__}
        return Outcome(**known)
