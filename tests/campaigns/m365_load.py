"""A tenant of a million messages: time, requests and memory of a first backup and of the one after it, and that they
grow no faster than the tenant.

A case is a tenant at the simulator (a million messages, and less) whose mail is backed up by a process of its
own: every message's row is listed and stored, and the bytes of a few (FETCHES). Then a day of work, and the second backup. The same once
more as the tasks of a DAG, each stage of each shard a process, with staging between them. While bytes
are outstanding no link of a delta is kept, so each run of a first load lists all rows again: what that comes to until all are fetched,
50,000 a run, is counted too. Promised: no more than 500 MB in any process, 1.05 times the requests
that the vendor's pages make needful, every row in the snapshot, and against the smallest tenant no more than half again as much processor
for a message, and no more than 400 bytes of memory for each message more.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from muniment.backup.options import RUN_LIMIT_FETCHES
from muniment.sources.m365.transport import PAGE
from tests import campaign
from tests.campaign import ROOT, Case
from tests.simulators.graph.bulk import IN_A_FOLDER
from tests.simulators.graph.running import Running, running

SIZES = (25_000, 50_000, 100_000, 200_000, 1_000_000)
"""Messages of the tenant, by seed."""
WAYS = ("process", "tasks")
FETCHES = 500
MOST_MEMORY = 500
"""MB of a process that backs up."""
MOST_REQUESTS = 1.05
MOST_GROWTH = 1.5
"""Seconds of the processor for a message, over those in the smallest tenant."""
MOST_BYTES = 400
"""Memory for each message more than in the smallest tenant."""
LONG = 3600
"""Seconds to wait for an answer: the machine may have other work meanwhile."""
PIECE = len(SIZES)


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    smallest: dict[str, Any] = {}
    for seed in seeds:
        messages = SIZES[seed]
        row: dict[str, Any] = {"messages": messages}
        wrong: list[str] = []
        for way in WAYS:
            with running(seed=seed, users=2, messages=5, bulk=messages) as sim:
                sim.control("limits", off=True)
                row[way], found = play(sim, folder / f"{seed}-{way}", messages, way)
            wrong += [f"{way}: {one}" for one in found]
        smallest = smallest or row
        for way in WAYS:
            wrong += [f"{way}: {one}" for one in _growth(smallest, row, way)]
        yield Case(seed, row, tuple(wrong))


def _growth(smallest: dict[str, Any], row: dict[str, Any], way: str) -> Iterator[str]:
    more = row["messages"] - smallest["messages"]
    for name in ("first", "second"):
        before, now = smallest[way][name], row[way][name]
        growth = (now["processor"] / row["messages"]) / (before["processor"] / smallest["messages"])
        if growth > MOST_GROWTH:
            yield f"the {name} takes {growth:.2f} times the processor for a message"
        held = (now["memory"] - before["memory"]) << 20
        if held > MOST_BYTES * more:
            yield f"the {name} takes {held / more:.0f} bytes for each message more"


def summary(cases: Sequence[Case]) -> str:
    names = ("seconds", "processor", "requests", "memory")
    table = [("messages", "way", "backup", *names)]
    for case in cases:
        for way in WAYS:
            for which in ("first", "second"):
                told = case.row[way][which]
                table.append((str(case.row["messages"]), way, which, *(str(told[n]) for n in names)))  # fmt: skip
    return campaign.table(table)


def play(
    sim: Running, folder: Path, messages: int, way: str = "process"
) -> tuple[dict[str, Any], list[str]]:
    """Both backups; what is reported, and what does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    sim.patience = LONG
    told = folder / "told.json"
    told.write_text(json.dumps(sim.told))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.campaigns.m365_load", str(folder), str(told), way],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    with process:
        first, least = _one(process, sim), _least(sim, messages)
        before = int(sim.control("truth", parts=[])["sequence"])
        sim.control("day", number=1)
        second = _one(process, sim)
        process.stdin.close()
    changed = int(sim.control("truth", parts=[])["sequence"]) - before
    runs = -(-messages // RUN_LIMIT_FETCHES)
    whole = first["requests"] + (runs - 1) * second["requests"] - runs * FETCHES + messages
    wrong = []
    for name, asked, most in (
        ("the first", first["requests"], least + FETCHES),
        # A folder that is in doubt is asked by its link first and then as a whole.
        ("the second", second["requests"], least + _folders_and_people(sim) + changed + FETCHES),
        ("a whole first load", whole, least + messages),
    ):
        if asked > MOST_REQUESTS * most:
            wrong.append(f"{name}: {asked} requests where {most} are needful")
    if first["items"] < messages:
        wrong.append(f"{first['items']} rows, of {messages} messages alone")
    for name, told_of in (("first", first), ("second", second)):
        if told_of["memory"] > MOST_MEMORY:
            wrong.append(f"the {name}: {told_of['memory']} MB")
    needful = {"needful": least + FETCHES, "first_load": whole, "first_load_needful": least + messages}  # fmt: skip
    return {"first": first, "second": second, **needful}, wrong


def _one(process: subprocess.Popen[str], sim: Running) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    sim.control("counters", reset=True)
    process.stdin.write("go\n")
    process.stdin.flush()
    told: dict[str, Any] = json.loads(process.stdout.readline())
    asked = sim.control("counters")["endpoints"]
    told["requests"] = sum(n for k, n in asked.items() if "login:" not in k and "content:" not in k)
    return told


def _folders_and_people(sim: Running) -> int:
    truth = sim.control("truth", parts=["users", "folders"])
    boxes = {f["user"] for f in truth["folders"].values()}
    folders = [f for f in truth["folders"].values() if "@odata.type" not in f]
    return 1 + len(truth["users"]) + len(boxes) + len(folders)


def _least(sim: Running, messages: int) -> int:
    """Requests to list all: everybody, their folders, and the pages of each folder; a full page says that another may
    follow."""
    full, rest = divmod(messages, IN_A_FOLDER)
    sizes = [IN_A_FOLDER] * full + ([rest] if rest else [])
    return _folders_and_people(sim) + sum(-(-size // PAGE) - 1 for size in sizes)


# -- the process that backs up -----------------------------------------------------------------------


def back_up_twice(folder: Path, told: Path, way: str) -> None:
    from muniment.sources.web.wire import Patience
    from tests.support.m365_firm import M365Firm, client

    class Told:
        """What a firm needs of a running simulator that is somebody else's child."""

        def __init__(self, told: Any) -> None:
            self.told = told

        def control(self, deed: str, **asked: Any) -> Any:
            return None

    sim: Any = Told(json.loads(told.read_text()))
    firm = M365Firm(folder, sim, page=0, services=("mail",))
    patience = Patience(read=LONG, whole=LONG)
    firm.client = client(sim, folder, clock=firm.passing, patience=patience)
    for number, _ in enumerate(sys.stdin):
        began = time.monotonic()
        row = _in_one(firm) if way == "process" else _in_tasks(firm, f"tasks-{number}")
        print(json.dumps({**row, "seconds": round(time.monotonic() - began, 1)}), flush=True)


def _in_one(firm: Any) -> dict[str, Any]:
    used = _processor(resource.getrusage(resource.RUSAGE_SELF))
    outcome = firm.back_up(run_limit_fetches=FETCHES)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return _told(outcome, _processor(usage) - used, {"all": usage.ru_maxrss >> 10})


def _told(outcome: Any, processor: float, memory: dict[str, int]) -> dict[str, Any]:
    return {
        "items": outcome.counts["items"], "deferred": outcome.deferred_items, "processor": round(processor, 1),
        "memory": max(memory.values()), "by_stage": memory,
    }  # fmt: skip


def _processor(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _in_tasks(firm: Any, run_id: str) -> dict[str, Any]:
    """Each stage of each shard in a process of its own, one after the other."""
    from muniment.backup.commit import Outcome, commit_snapshot
    from muniment.backup.encrypt import encrypt
    from muniment.backup.extract import extract
    from muniment.backup.options import BackupOptions
    from muniment.backup.plan import make_plan
    from muniment.backup.upload import upload
    from muniment.backup.validate import validate_checksums
    from muniment.backup.work import ShardResult

    causes, memory, used = firm.accepting, dict[str, int](), 0.0
    options = BackupOptions(
        run_limit_fetches=FETCHES, accepted=lambda kind, native_id, cause, matter: cause in causes
    )

    def task(stage: str, do: Callable[[Any], Any]) -> Any:
        nonlocal used
        value, usage = _forked(lambda: do(firm.run(run_id=run_id, options=options)))
        used += _processor(usage)
        memory[stage] = max(memory.get(stage, 0), usage.ru_maxrss >> 10)
        return value

    results = []
    for shard in task("plan", lambda run: [ref.shard for ref in make_plan(run).shards]):
        task("extract", lambda run, shard=shard: extract(run, shard))
        told = task("encrypt", lambda run, shard=shard: encrypt(run, shard).as_dict())
        result = ShardResult.of(told)
        task("upload", lambda run, result=result: upload(run, result))
        task("validate", lambda run, result=result: validate_checksums(run, result))
        results.append(result)
    told = task("commit", lambda run: commit_snapshot(run, results).as_dict())
    task("purge", lambda run: run.staging.purge())
    firm.tomorrow()
    return _told(Outcome(**told), used, memory)


def _forked(do: Callable[[], Any]) -> tuple[Any, resource.struct_rusage]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            with os.fdopen(writing, "w") as out:
                json.dump(do(), out)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    _, status, usage = os.wait4(child, 0)
    if status:
        raise ChildProcessError(f"a stage ended with {status}")
    return json.loads(text), usage


if __name__ == "__main__":
    back_up_twice(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
