"""A matter over a file share, a Clio account, a NetDocuments repository and a Microsoft 365 tenant, given back by the
restore DAG: time per phase, Airflow's share, memory.

One case: a made firm whose matter holds 2,000 items and more, some in each system, is backed up, given back by the engine
alone and by `restore_matter` with every task in this process, one after the other. It is wrong where the two gave back
different files.

Each does it twice, so that what Python's imports took is told apart. Airflow's share is what the DAG's second run took
beyond the engine's second restore, by the clock and by processor time: with a scheduler and workers of their own, time
between tasks comes on top, of which docs/AIRFLOW.md and the drills tell.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
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
from tests.simulators.clio.running import running as clio_running
from tests.simulators.graph.running import running as graph_running
from tests.simulators.netdocuments.running import running as netdocuments_running
from tests.support.airflow_firm import AirflowFirm, Ran
from tests.support.practice import tree

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "2024-0113"
FILES, MAILS = 1_200, 300
"""Of the matter in the share and in a mailbox; the rest of the 2,000 items are in the two other systems."""
LEAST = 2_000
SOURCES = ("clio", "files", "m365", "netdocs")
ROWS = (
    {"source_id": "files"},
    {"source_id": "clio", "system": "clio", "location": "https://app.clio.com"},
    {"source_id": "netdocs", "system": "netdocuments", "location": "https://vault.netvoyage.com"},
    {"source_id": "m365", "system": "m365", "location": "https://graph.microsoft.com"},
)
YAML = """  - {{source: netdocs, pattern: "*/{{number}}"}}
sources:
  clio:
    clio:
      state: {state}
      client_id: {clio[client_id]}
      client_secret: {keys}/clio.secret
      host: {clio[app]}
      ca: {clio[ca]}
  netdocs:
    netdocuments:
      state: {state}
      api: {netdocs[api]}
      login: {netdocs[login]}
      ca: {netdocs[ca]}
      repository: {netdocs[repository]}
      client_id: {netdocs[reading_client_id]}
      client_secret: {keys}/netdocs.secret
      requests_per_minute: 100000
  m365:
    m365:
      state: {state}
      services: [mail, calendars, contacts]
      tenant: {m365[tenant]}
      client_id: {backup[client_id]}
      client_secret: {keys}/m365.secret
      login: {m365[login]}
      graph: {graph}
      ca: {m365[ca]}
      matters:
        - subject: "*[{{number}}]*"
"""


@dataclass(frozen=True)
class Spent:
    seconds: float
    processor: float


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    _airflow_home()
    for seed in seeds:
        with ExitStack() as vendors:
            firm = _firm(seed, folder / str(seed), vendors)
            yield measured(seed, firm, folder / str(seed))


def measured(seed: int, firm: AirflowFirm, folder: Path) -> Case:
    _by_the_engine(firm, folder / "before")
    alone, items = _spent(lambda: _by_the_engine(firm, folder / "alone"))
    before = _memory()
    first, cold = _spent(lambda: _by_the_dag(firm, "first"))
    whole, ran = _spent(lambda: _by_the_dag(firm, "second"))
    row = {
        "items": sum(items.values()),
        "by_source": items,
        "dag": ran.state,
        "first_seconds": first.seconds,
        "first_processor": first.processor,
        "tasks": _tasks(ran),
        "phases": (ran.xcom("certificate") or {}).get("phases", {}),
        "dag_seconds": whole.seconds,
        "dag_processor": whole.processor,
        "engine_seconds": alone.seconds,
        "engine_processor": alone.processor,
        "memory_mb": _memory(),
        "memory_before_mb": before,
    }
    return Case(seed, row, tuple(_wrong(folder, items, {"first": cold, "second": ran})))


def _by_the_dag(firm: AirflowFirm, into: str) -> Ran:
    return firm.restore_by_airflow(
        what="matter", which=NUMBER, reason="client_request", deliver_to=into, deliver_as="items"
    )


def _wrong(folder: Path, items: Mapping[str, int], runs: Mapping[str, Ran]) -> Iterator[str]:
    if sum(items.values()) < LEAST or not all(items.get(source) for source in SOURCES):
        yield f"the matter is too small, or not in every system: {dict(items)}"
    for into, ran in runs.items():
        if ran.state != "success":
            yield f"the run ended as {ran.state}: {ran.states()}"
            continue
        for source in SOURCES:
            theirs = tree(folder / "restores/practice" / into / source)
            if not theirs or theirs != tree(folder / "alone" / source):
                yield f"{source}: the DAG gave back something else than the engine"


def summary(cases: Sequence[Case]) -> str:
    lines = []
    for row in (case.row for case in cases):
        held = ", ".join(f"{count:,} {source}" for source, count in row["by_source"].items())
        lines += [
            f"{row['items']:,} items ({held}), run: {row['dag']}",
            "task                 seconds",
        ]
        lines += [f"{name:<20} {seconds:>7.1f}" for name, seconds in row["tasks"].items()]
        lines += ["phase                seconds"]
        lines += [f"{name:<20} {seconds:>7.1f}" for name, seconds in row["phases"].items()]
        extra = row["dag_seconds"] - row["engine_seconds"]
        lines += [
            f"{'the run':<20} {row['dag_seconds']:>7.1f} (processor {row['dag_processor']:.1f})",
            f"{'the first run':<20} {row['first_seconds']:>7.1f} (processor {row['first_processor']:.1f}, with every import)",
            f"{'the engine alone':<20} {row['engine_seconds']:>7.1f} (processor {row['engine_processor']:.1f})",
            f"Airflow's share: {extra / row['dag_seconds']:.0%} of the time, "
            f"{1 - row['engine_processor'] / row['dag_processor']:.0%} of the processor",
            f"memory: {row['memory_mb']} MB at most, {row['memory_before_mb']} MB before the run",
        ]
    return "\n".join(lines)


# -- the firm ----------------------------------------------------------------------------------------


def _firm(seed: int, folder: Path, vendors: ExitStack) -> AirflowFirm:
    """Backed up; its matter is NUMBER in every system."""
    (folder / "firms").mkdir(parents=True)
    os.environ["MUNIMENT_FIRMS"] = str(folder / "firms")
    os.environ["MUNIMENT_RESTORES"] = str(folder / "restores")
    clio = vendors.enter_context(
        clio_running(
            seed=seed + 1, matters=2, documents_per_matter=60, rate=0, display_number=NUMBER
        )
    )
    netdocs = vendors.enter_context(
        netdocuments_running(seed=seed + 1, matters=2, documents_per_matter=60, rate=0, matter_number=NUMBER)
    )  # fmt: skip
    m365 = vendors.enter_context(
        graph_running(seed=seed + 1, users=1, messages=12, events=2, files=1)
    )
    m365.control("limits", off=True)
    for each in range(MAILS):
        mime = (
            f"Subject: [{NUMBER}] Letter {each}\r\nFrom: a@clients.example\r\n\r\n"
            + f"line {each}\r\n" * each
        )
        m365.control("deliver", user=m365.users["member"], mime=base64.b64encode(mime.encode()).decode())  # fmt: skip
    firm = AirflowFirm(folder / "firm", folder / "firms", sources=SOURCES)
    backup = m365.told["applications"]["backup"]
    for name, secret in (
        ("clio", clio.told["client_secret"]),
        ("netdocs", netdocs.told["reading_client_secret"]),
        ("m365", backup["client_secret"]),
    ):
        file = folder / f"firm/keys/{name}.secret"
        file.touch(mode=0o600)
        file.write_text(str(secret))
    told = {"clio": clio.told, "netdocs": netdocs.told, "m365": m365.told, "backup": backup}
    graph = m365.told["graph"].removesuffix("/v1.0")
    firm.document(*ROWS, more=YAML.format(state=folder / "state", keys=folder / "firm/keys", graph=graph, **told))  # fmt: skip
    config = load_firm(firm.firms / firm.name)
    assert not config.issues and not config.errors, (config.issues, config.errors)
    held = token_store(config, "clio", identities=[firm.keys.worker])
    ends = SystemClock().now() + timedelta(days=400)
    held.swap(0, Tokens(str(clio.told["access_token"]), str(clio.told["refresh_token"]), ends))
    for each in range(FILES):
        name = f"Matters/{NUMBER} Matter/{each // 100:02d}/{each:04d}.txt"
        firm.write(name, f"page {each}\n" * (1 + each % 400))
    firm.let_settle()
    wiring = Wiring(config)
    for source in SOURCES:
        outcome = back_up(wiring.backup_run(source, f"run-{source}"))
        assert outcome.success, (source, json.dumps(outcome.as_dict()))
    return firm


def _by_the_engine(firm: AirflowFirm, into: Path) -> dict[str, int]:
    """Items by source."""
    vault = firm.vault()
    selection = select_matter(vault, NUMBER)
    plan = make_restore_plan(vault, selection, None)
    into.mkdir(parents=True)
    wiring = Wiring(load_firm(firm.firms / firm.name))
    report = perform(
        vault, plan, selection, lambda source: wiring.target(source, into, restore_id=plan.digest)
    )
    assert report.whole, report.failures
    return {choice.source: choice.items for choice in plan.choices}


# -- what it took ------------------------------------------------------------------------------------


def _tasks(ran: Ran) -> dict[str, float]:
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
