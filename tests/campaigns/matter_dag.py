"""A matter over a file share and a Clio account, given back by the restore DAG: time per phase, Airflow's share, memory.

One case: a made firm whose matter holds about 2,000 items in both systems (`FILES` of them on the
share has of it) is backed up, given back once by the engine alone and once by `restore_matter` with every task in this
process, one after the other. It is wrong where the two gave back different files.

Airflow's share is what the run took beyond the engine's restore of the same plan, by the clock and by processor time: with a
scheduler and workers of their own, time between tasks comes on top, of which docs/AIRFLOW.md and the drills tell.
"""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from muniment.backup.pipeline import back_up
from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import select_matter
from muniment.sources.web.tokens import Tokens
from muniment.wiring import Wiring
from muniment.wiring_clio import token_store
from tests.campaign import Case
from tests.simulators.clio.running import Running, running
from tests.support.airflow_firm import AirflowFirm, Ran
from tests.support.practice import tree

ROOT = Path(__file__).resolve().parents[2]
FILES = 1_200
"""Of the matter in the share; the rest of the 2,000 items are in the account."""
SIM = {"matters": 2, "documents_per_matter": 100, "rate": 0}
ROWS = (
    {"source_id": "files"},
    {"source_id": "clio", "system": "clio", "location": "https://app.clio.com"},
)


@dataclass(frozen=True)
class Spent:
    seconds: float
    processor: float


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    _airflow_home()
    for seed in seeds:
        with running(seed=seed + 1, **SIM) as sim:
            yield measured(seed, sim, folder / str(seed))


def measured(seed: int, sim: Running, folder: Path) -> Case:
    firm, number = _firm(sim, folder)
    alone, items = _spent(lambda: _by_the_engine(firm, number, folder / "alone"))
    before = _memory()
    ran: Ran
    whole, ran = _spent(
        lambda: firm.restore_by_airflow(
            what="matter",
            which=number,
            reason="client_request",
            deliver_to="case",
            deliver_as="items",
        )
    )
    row = {
        "items": items,
        "dag": ran.state,
        "phases": _phases(ran),
        "dag_seconds": whole.seconds,
        "dag_processor": whole.processor,
        "engine_seconds": alone.seconds,
        "engine_processor": alone.processor,
        "memory_mb": _memory(),
        "memory_before_mb": before,
    }
    wrong = [] if items > FILES else ["the matter is not in both systems"]
    wrong += [] if ran.state == "success" else [f"the run ended as {ran.state}: {ran.states()}"]
    for source in ("files", "clio"):
        theirs = firm.restores / "case" / source
        if not wrong and tree(theirs) != tree(folder / "alone" / source):
            wrong.append(f"{source}: the DAG gave back something else than the engine")
    return Case(seed, row, tuple(wrong))


def summary(cases: Sequence[Case]) -> str:
    lines = []
    for row in (case.row for case in cases):
        lines += [f"{row['items']:,} items, run: {row['dag']}", "phase                seconds"]
        lines += [f"{name:<20} {seconds:>7.1f}" for name, seconds in row["phases"].items()]
        extra = row["dag_seconds"] - row["engine_seconds"]
        lines += [
            f"{'the run':<20} {row['dag_seconds']:>7.1f} (processor {row['dag_processor']:.1f})",
            f"{'the engine alone':<20} {row['engine_seconds']:>7.1f} (processor {row['engine_processor']:.1f})",
            f"Airflow's share: {extra / row['dag_seconds']:.0%} of the time, "
            f"{1 - row['engine_processor'] / row['dag_processor']:.0%} of the processor",
            f"memory: {row['memory_mb']} MB at most, {row['memory_before_mb']} MB before the run",
        ]
    return "\n".join(lines)


# -- the firm ----------------------------------------------------------------------------------------


def _firm(sim: Running, folder: Path) -> tuple[AirflowFirm, str]:
    """Backed up, and the number of its matter."""
    (folder / "firms").mkdir(parents=True)
    os.environ["MUNIMENT_FIRMS"] = str(folder / "firms")
    os.environ["MUNIMENT_RESTORES"] = str(folder / "restores")
    firm = AirflowFirm(folder / "firm", folder / "firms", sources=("files", "clio"))
    secret = folder / "firm/keys/clio.secret"
    secret.touch(mode=0o600)
    secret.write_text(str(sim.told["client_secret"]))
    firm.document(
        *ROWS,
        more=f"""  - source: clio
    pattern: "{{number}}-{{client}}"
sources:
  clio:
    clio:
      state: {folder}/state
      client_id: {sim.told["client_id"]}
      client_secret: {secret}
      host: {sim.told["app"]}
      ca: {sim.told["ca"]}
""",
    )
    config = load_firm(firm.firms / firm.name)
    held = token_store(config, "clio", identities=[firm.keys.worker])
    ends = SystemClock().now() + timedelta(days=400)
    held.swap(0, Tokens(str(sim.told["access_token"]), str(sim.told["refresh_token"]), ends))
    named = sim.rows("matters.json", fields="display_number")[0]["display_number"]
    # Without the client's name, as docs/CLIO.md has the rule.
    number = str(named).partition("-")[0]
    for each in range(FILES):
        name = f"Matters/{number} Matter/{each // 100:02d}/{each:04d}.txt"
        firm.write(name, f"page {each}\n" * (1 + each % 400))
    wiring = Wiring(config)
    for source in ("files", "clio"):
        firm.let_settle()
        assert back_up(wiring.backup_run(source, f"run-{source}")).success
    return firm, number


def _by_the_engine(firm: AirflowFirm, number: str, into: Path) -> int:
    vault = firm.vault()
    selection = select_matter(vault, number, ("files", "clio"))
    plan = make_restore_plan(vault, selection, None)
    into.mkdir(parents=True)
    wiring = Wiring(load_firm(firm.firms / firm.name))
    report = perform(
        vault, plan, selection, lambda source: wiring.target(source, into, restore_id=plan.digest)
    )
    assert report.whole, report.failures
    return plan.items


# -- what it took ------------------------------------------------------------------------------------


def _phases(ran: Ran) -> dict[str, float]:
    """Seconds of each task that ran; of one in several parts their sum."""
    found: dict[str, float] = {}
    for task in sorted((t for t in ran._tasks if t.start_date), key=lambda t: t.start_date):
        seconds = (task.end_date - task.start_date).total_seconds() if task.end_date else 0.0
        found[task.task_id] = round(found.get(task.task_id, 0.0) + seconds, 2)
    return found


def _spent(work: Callable[[], Any]) -> tuple[Spent, Any]:
    began, processor = time.monotonic(), _processor()
    done = work()
    spent = Spent(round(time.monotonic() - began, 2), round(_processor() - processor, 2))
    return spent, done


def _processor() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _memory() -> int:
    """MB, the most that this process held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _airflow_home() -> None:
    """An Airflow of its own over SQLite. Airflow reads its environment when it is first imported."""
    home = tempfile.mkdtemp(prefix="muniment-airflow-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(
        AIRFLOW_HOME=home,
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
        AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
    )
    from airflow.utils.db import initdb

    initdb()
