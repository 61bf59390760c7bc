"""The process that is killed: one command of the engine, traced, which dies where it is told to.

Run as a program it is a server: it reads one job a line (JSON) from its input, forks, makes the fork a
session and process group of its own, and answers with its process id, then with how it ended. So a
job starts in milliseconds and is still a process that `kill -9` ends.

A job names a command, the copy of a vault it works on, where it is killed (see `tracing`), and perhaps
a fault to put into the engine first (see `breakages`).
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import muniment.backup.pipeline
from muniment.backup.options import BackupOptions
from muniment.backup.staging import clean_abandoned, working_folder
from muniment.backup.work import ShardResult
from muniment.clock import from_text
from muniment.errors import StagingError
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.rebuild import rebuild_state
from muniment.vault.retention import RetentionOffice
from tests.campaigns.breakages import break_on_purpose
from tests.campaigns.opened import Opened, keys_of_text
from tests.campaigns.tracing import Tracer

OPTIONS = BackupOptions(shard_items=5)
"""Several shards, so several packs, of a small share."""

Job = dict[str, Any]

pipeline: Any = muniment.backup.pipeline


# -- the commands ----------------------------------------------------------------------------------


def run_job(job: Job) -> None:
    keys, pin = keys_of_text(Path(job["keys"]).read_text())
    folder = Path(job["folder"])
    tracer = Tracer(folder, Path(job["journal"]), Path(job["graveyard"]), job.get("kill"))
    practice = Opened(folder, Path(job["share"]), keys, pin, from_text(job["at"]))
    break_on_purpose(job.get("breakage", ""))
    tracer.install()
    try:
        answer = COMMANDS[job["command"]](practice, job)
    except BaseException as error:
        tracer.write_down(error=type(error).__name__, what=str(error), trace=traceback.format_exc())
        raise
    tracer.write_down(answer=answer, events=tracer.events)


def _back_up(practice: Opened, job: Job) -> Any:
    outcome = pipeline.back_up(practice.run(run_id=job["run_id"], options=OPTIONS))
    return {"commit": [outcome.seq, outcome.digest], "completeness": outcome.completeness}


def _stages(practice: Opened, job: Job) -> Any:
    """As Airflow does it: every stage on its own, a killed one alone again; when its staging is gone,
    from the plan. What stages hand on (XCom) lies outside of the folder that loses power."""
    handed = Path(job["handed"])
    done: dict[str, Any] = json.loads(handed.read_text()) if handed.exists() else {}

    def hand_on(key: str, value: Any) -> None:
        done[key] = value
        handed.write_text(json.dumps(done))

    def run() -> Any:
        return practice.run(run_id=job["run_id"], options=OPTIONS)

    try:
        return _each_stage(run, done, hand_on)
    except StagingError:
        done.clear()
        return _each_stage(run, done, hand_on)


def _each_stage(
    run: Callable[[], Any], done: dict[str, Any], hand_on: Callable[[str, Any], None]
) -> Any:
    if "plan" not in done:
        one = run()
        one.staging.purge()
        with one.staging.in_use():
            hand_on("plan", [s.shard for s in pipeline.make_plan(one).shards])
    for shard in done["plan"]:
        for stage in ("extract", "encrypt", "upload", "validate"):
            if f"{shard} {stage}" in done:
                continue
            one = run()
            with one.staging.in_use():
                hand_on(f"{shard} {stage}", _stage(one, stage, shard, done))
    one = run()
    with one.staging.in_use():
        results = [ShardResult.of(done[f"{shard} encrypt"]) for shard in done["plan"]]
        outcome = pipeline.commit_snapshot(one, results)
    one.staging.purge()
    clean_abandoned(one.staging.root)
    return {"commit": [outcome.seq, outcome.digest], "completeness": outcome.completeness}


def _stage(run: Any, stage: str, shard: str, done: dict[str, Any]) -> Any:
    if stage == "extract":
        return pipeline.extract(run, shard)
    if stage == "encrypt":
        return pipeline.encrypt(run, shard).as_dict()
    result = ShardResult.of(done[f"{shard} encrypt"])
    return (pipeline.upload if stage == "upload" else pipeline.validate_checksums)(run, result)


def _rebase(practice: Opened, job: Job) -> Any:
    vault = practice.vault()
    history = vault.history("files")
    assert history.head is not None
    clean_abandoned(practice.staging)
    with working_folder(practice.staging, "upkeep") as folder:
        perform = rebuild_state if job["command"] == "rebuild-state" else rebase
        return {"base": perform(vault, history, history.head, folder).name}


def _forget(practice: Opened, job: Job) -> Any:
    vault = practice.vault("retention")
    history = vault.history("files")
    going = [(r, "expired") for r in history.live if r.seq in (1, 2)]
    if going:
        RetentionOffice(vault).forget(going)
    return {"forgotten": [r.seq for r, _ in going]}


def _condemn(practice: Opened, job: Job) -> Any:
    office = RetentionOffice(practice.vault("retention"))
    entry = office.condemn(office.plan_condemn())
    return {"condemned": [o.name for o in entry.objects] if entry else []}


def _sweep(practice: Opened, job: Job) -> Any:
    return {"deleted": RetentionOffice(practice.vault("retention")).sweep()}


def _checkpoint(practice: Opened, job: Job) -> Any:
    return {"checkpoint": write_checkpoint(practice.vault()).name}


COMMANDS: dict[str, Callable[[Opened, Job], Any]] = {
    "backup": _back_up,
    "stages": _stages,
    "rebase": _rebase,
    "rebuild-state": _rebase,
    "forget": _forget,
    "condemn": _condemn,
    "sweep": _sweep,
    "checkpoint": _checkpoint,
}


# -- the server ------------------------------------------------------------------------------------


def serve() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            code = 1
            try:
                sys.stdin.close()
                run_job(job)
                code = 0
            except BaseException:
                code = 1
            finally:
                os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
