"""The worker of a run of Clio in stages: every stage in a process of its own, as Airflow's tasks are, and one
that can be killed.

Run as a program it is a server: it reads one job a line (JSON) from its input, forks, and answers with one
line: what the stage came to, how it ended, and the most memory that it held. So a stage begins in milliseconds
and still is a process.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from muniment.backup import pipeline
from muniment.backup.staging import clean_abandoned
from muniment.backup.work import ShardResult
from muniment.clock import SystemClock, Waiting
from muniment.config.load import load_firm
from muniment.errors import MunimentError
from muniment.sources.clio.transport import Answer, Stored, Transport
from muniment.wiring import Wiring
from tests.support.common_clock import CommonClock

Job = dict[str, Any]
SLOTS_OF_A_WORKER = 16


class Watch:
    """What the requests of this process come to; kills it where it is told to."""

    def __init__(self, clock: Waiting, dies_at: int) -> None:
        self._clock = clock
        self._dies_at = dies_at
        self._lock = threading.Lock()
        self._asked = 0
        self.refused_twice = 0

    def install(self) -> None:
        once, stored = Transport._once, Transport.stored
        own = threading.local()

        def asked(transport: Transport, *given: Any) -> Answer:
            self._count()
            if isinstance(self._clock, CommonClock):
                with self._clock.asking():
                    answer = once(transport, *given)
            else:
                answer = once(transport, *given)
            before = getattr(own, "refused", False)
            own.refused = answer.status == 429
            self.refused_twice += before and own.refused
            return answer

        def opened(transport: Transport, *given: Any) -> Stored:
            self._count()
            return stored(transport, *given)

        Transport._once = asked  # type: ignore[method-assign]
        Transport.stored = opened  # type: ignore[method-assign]

    def _count(self) -> None:
        with self._lock:
            self._asked += 1
            if self._asked == self._dies_at:
                # Others go on meanwhile, as long as the signal takes.
                threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGKILL)).start()


def work(job: Job) -> Any:
    clock: Waiting = (
        CommonClock(Path(job["clock"]), job["worker"] * SLOTS_OF_A_WORKER)
        if job["clock"]
        else SystemClock()
    )
    watch = Watch(clock, job.get("dies_at", 0))
    watch.install()
    wiring = Wiring(load_firm(Path(job["firm"])), clock=clock)
    run = wiring.backup_run(job["source"], job["run_id"])
    told = {"answer": stage(run, job), "refused_twice": watch.refused_twice}
    return told


def stage(run: Any, job: Job) -> Any:
    name, shard = job["stage"], job.get("shard", "")
    if name == "plan":
        run.staging.purge()
        with run.staging.in_use():
            plan = pipeline.make_plan(run)
        return {
            "shards": [ref.as_dict() for ref in plan.shards],
            "deferred": plan.deferred_items,
            "seen": plan.seen,
        }
    with run.staging.in_use():
        if name == "extract":
            return pipeline.extract(run, shard)
        if name == "encrypt":
            return pipeline.encrypt(run, shard).as_dict()
        if name == "upload":
            return pipeline.upload(run, ShardResult.of(job["result"]))
        if name == "validate":
            return pipeline.validate_checksums(run, ShardResult.of(job["result"]))
        outcome = pipeline.commit_snapshot(run, [ShardResult.of(one) for one in job["results"]])
    run.staging.purge()
    clean_abandoned(run.staging.root, keep=run.run_id)
    return outcome.as_dict()


def _in_a_child(job: Job, answer: int) -> None:
    try:
        told = work(job)
    except MunimentError as error:
        told = {"error": f"{error.code} {error.what}"}
    told["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with os.fdopen(answer, "w") as out:
        json.dump(told, out)


def serve() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            code = 1
            try:
                _in_a_child(job, writing)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writing)
        with os.fdopen(reading) as told:
            text = told.read()
        _, status, used = os.wait4(child, 0)
        ended = {"ended": os.waitstatus_to_exitcode(status), "process": child}
        ended["memory"] = used.ru_maxrss // 1024
        print(json.dumps({**json.loads(text or "{}"), **ended}), flush=True)


if __name__ == "__main__":
    serve()
