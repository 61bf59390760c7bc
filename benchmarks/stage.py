"""Stage: one stage of a backup in a process of its own, as a task of Airflow runs it; or all at once.

    python -m benchmarks.stage FIRM RUN-ID EXCHANGE STAGE

EXCHANGE is a JSON file in the place of XCom. Prints CPU seconds of the stage without its imports.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.product import SOURCE
from muniment.backup.commit import commit_snapshot
from muniment.backup.encrypt import encrypt
from muniment.backup.extract import extract
from muniment.backup.pipeline import back_up
from muniment.backup.plan import make_plan
from muniment.backup.run import BackupRun
from muniment.backup.upload import upload
from muniment.backup.validate import validate_checksums
from muniment.backup.work import ShardResult
from muniment.config.load import load_firm
from muniment.wiring import Wiring

STAGES = ("plan", "extract", "encrypt", "upload", "validate", "commit")
STREAMING = "streaming"


def perform(run: BackupRun, stage: str, exchange: dict[str, Any]) -> None:
    """Does one stage for every shard, and leaves in `exchange` what the next one needs."""

    def results() -> list[ShardResult]:
        return [ShardResult.of(each) for each in exchange["results"]]

    def plan() -> None:
        exchange["shards"] = [ref.shard for ref in make_plan(run).shards]

    def encrypted() -> None:
        exchange["results"] = [encrypt(run, shard).as_dict() for shard in exchange["shards"]]

    stages: dict[str, Callable[[], object]] = {
        "plan": plan,
        "extract": lambda: [extract(run, shard) for shard in exchange["shards"]],
        "encrypt": encrypted,
        "upload": lambda: [upload(run, result) for result in results()],
        "validate": lambda: [validate_checksums(run, result) for result in results()],
        "commit": lambda: commit_snapshot(run, results()),
        STREAMING: lambda: back_up(run),
    }
    stages[stage]()
    if stage == "commit":
        run.staging.purge()


def main(firm: Path, run_id: str, exchange: Path, stage: str) -> float:
    began = time.process_time()
    told = json.loads(exchange.read_text()) if exchange.exists() else {}
    perform(Wiring(load_firm(firm)).backup_run(SOURCE, run_id), stage, told)
    exchange.write_text(json.dumps(told))
    return time.process_time() - began


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
