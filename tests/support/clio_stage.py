"""The worker of a run of Clio in stages: every stage in a process of its own, as Airflow's tasks are, and one
that can be killed.

Run as a program it is a server: it reads one job a line (JSON) from its input, forks for each, and answers with
one line: what the stage came to, how it ended, and the most memory that it held. So a stage begins in
milliseconds and still is a process.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import sys
import threading
import traceback
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from muniment.backup import pipeline
from muniment.backup.staging import clean_abandoned
from muniment.backup.work import ShardResult
from muniment.clock import SystemClock, Waiting
from muniment.config.load import load_firm
from muniment.errors import MunimentError
from muniment.sources.clio.transport import Transport
from muniment.sources.web.wire import Answer, Stored
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
                _killed_in(0.002)


def _killed_in(seconds: float) -> None:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()


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
    if job.get("shard_fetches"):
        run.options = replace(run.options, shard_fetches=job["shard_fetches"])
    if job.get("dies_after"):
        _killed_in(job["dies_after"])
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
    with os.fdopen(answer, "w") as out:
        json.dump(told, out)


def _begun(job: Job) -> tuple[int, int]:
    """A fork at work on the job: its process, and where its answer comes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    code = 1
    try:
        os.close(reading)
        _in_a_child(job, writing)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _at_hand() -> None:
    """What every stage would import for itself."""
    for name in ("croniter", "netrc", "muniment.wiring_clio", "muniment.sources.clio.trust.export"):
        import_module(name)
    gc.freeze()


def serve() -> None:
    """Any number of jobs at a time; an answer bears the `worker` of its job."""
    _at_hand()
    waits = selectors.DefaultSelector()
    waits.register(sys.stdin.fileno(), selectors.EVENT_READ)
    found: dict[int, tuple[Job, int, bytes]] = {}
    jobs = b""
    while True:
        for key, _ in waits.select():
            text = os.read(key.fd, 1 << 16)
            if key.fd != sys.stdin.fileno():
                job, child, told = found[key.fd]
                if text:
                    found[key.fd] = job, child, told + text
                    continue
                waits.unregister(key.fd)
                os.close(key.fd)
                del found[key.fd]
                _ended(job, child, told)
            elif not text:
                return
            else:
                *lines, jobs = (jobs + text).split(b"\n")
                for line in lines:
                    job = json.loads(line)
                    child, reading = _begun(job)
                    found[reading] = job, child, b""
                    waits.register(reading, selectors.EVENT_READ)


def _ended(job: Job, child: int, told: bytes) -> None:
    _, status, used = os.wait4(child, 0)
    ended = {
        "worker": job["worker"],
        "process": child,
        "ended": os.waitstatus_to_exitcode(status),
        "memory": used.ru_maxrss // 1024,
    }
    print(json.dumps({**json.loads(told or b"{}"), **ended}), flush=True)


if __name__ == "__main__":
    serve()
