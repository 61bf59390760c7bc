"""A tenant of a million messages: time, requests and memory of a first backup and of the one after it, and that they
grow no faster than the tenant.

A case is a tenant at the simulator (a million messages, half and a quarter of that) whose mail is backed up by a process of its
own: every message's row is listed and stored, and the bytes of a few (FETCHES). Then a day of work, and the second backup. While bytes
are outstanding no link of a delta is kept, so each run of a first load lists all rows again: what that comes to until all are fetched,
50,000 a run, is counted too. Promised: no more than 500 MB in the process, 1.05 times the requests
that the vendor's pages make needful, every row in the snapshot, and no more than half again as long for a message in the largest tenant as in
the smallest.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from muniment.backup.options import RUN_LIMIT_FETCHES
from muniment.sources.m365.transport import PAGE
from tests import campaign
from tests.campaign import ROOT, Case
from tests.simulators.graph.bulk import IN_A_FOLDER
from tests.simulators.graph.running import Running, running

SIZES = (250_000, 500_000, 1_000_000)
"""Messages of the tenant, by seed."""
FETCHES = 500
MOST_MEMORY = 500
"""MB of the process that runs all four stages."""
MOST_REQUESTS = 1.05
MOST_GROWTH = 1.5
"""Seconds a message in the largest tenant, over those in the smallest."""
PIECE = 3


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    took: dict[int, float] = {}
    for seed in seeds:
        messages = SIZES[seed]
        with running(seed=seed, users=2, messages=5, bulk=messages) as sim:
            sim.control("limits", off=True)
            row, wrong = play(sim, folder / str(seed), messages)
        took[messages] = row["seconds"] / messages
        if messages > (least := min(took)) and took[messages] > MOST_GROWTH * took[least]:
            wrong.append(f"{took[messages] / took[least]:.2f} times the seconds a message")
        yield Case(seed, row, tuple(wrong))


def summary(cases: Sequence[Case]) -> str:
    names = ("messages", "seconds", "processor", "requests", "memory", "second_seconds", "second_requests")  # fmt: skip
    return campaign.table([names, *(tuple(str(c.row[n]) for n in names) for c in cases)])


def play(sim: Running, folder: Path, messages: int) -> tuple[dict[str, Any], list[str]]:
    """Both backups; what is reported, and what does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "told.json"
    told.write_text(json.dumps(sim.told))
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder), str(told)],
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
    if second["memory"] > MOST_MEMORY:
        wrong.append(f"{second['memory']} MB")
    row = {"messages": messages, **first, "memory": second["memory"], "needful": least + FETCHES}
    row |= {"first_load": whole, "first_load_needful": least + messages}
    row |= {f"second_{name}": second[name] for name in ("seconds", "processor", "requests")}
    return row, wrong


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


def back_up_twice(folder: Path, told: Path) -> None:
    from tests.support.m365_firm import M365Firm

    class Told:
        """What a firm needs of a running simulator that is somebody else's child."""

        def __init__(self, told: Any) -> None:
            self.told = told

        def control(self, deed: str, **asked: Any) -> Any:
            return None

    firm = M365Firm(folder, Told(json.loads(told.read_text())), page=0, services=("mail",))  # type: ignore[arg-type]
    for _ in sys.stdin:
        began, used = time.monotonic(), _processor()
        outcome = firm.back_up(run_limit_fetches=FETCHES)
        row = {
            "items": outcome.counts["items"],
            "deferred": outcome.deferred_items,
            "seconds": round(time.monotonic() - began, 1),
            "processor": round(_processor() - used, 1),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }
        print(json.dumps(row), flush=True)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    back_up_twice(Path(sys.argv[1]), Path(sys.argv[2]))
