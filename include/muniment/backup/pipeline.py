"""Pipeline: the whole backup in one process, for the `muniment` command and the tests.

The same functions that Airflow's tasks call, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from muniment.backup.commit import Outcome, commit_snapshot
from muniment.backup.encrypt import encrypt
from muniment.backup.extract import extract
from muniment.backup.memory import give_back
from muniment.backup.plan import make_plan
from muniment.backup.run import BackupRun
from muniment.backup.shards import FILES
from muniment.backup.staging import clean_abandoned
from muniment.backup.upload import upload
from muniment.backup.validate import validate_checksums
from muniment.backup.work import Plan, ShardRef, ShardResult
from muniment.errors import (
    MunimentError,
    SourceMissing,
    SourceRefused,
    SourceRestricted,
    SourceUnavailable,
)

Progress = Callable[[str, str, int, int], None]
"""(stage, shard, done bytes, all bytes)."""


def silent(stage: str, shard: str, done: int, total: int) -> None:
    """Tells nobody."""


def back_up(run: BackupRun, progress: Progress = silent) -> Outcome:
    """Plans, takes every shard through its stages, and commits.

    A shard that fails is unfinished; the others are committed all the same, and the outcome is
    `incomplete`. Staging is removed, whatever happens; also what killed runs left there.

    Raises MunimentError when there is no plan to be had or nothing could be committed.
    """
    # What is left of runs that were killed, also of this one's earlier attempt, is of no use.
    clean_abandoned(run.staging.root)
    run.staging.purge()
    run.in_one_process = True
    try:
        with run.staging.in_use(whole_run=True):
            plan = make_plan(run)
            give_back()
            results = _shards(run, plan, progress)
            return commit_snapshot(run, results)
    finally:
        run.staging.purge()


def _shards(run: BackupRun, plan: Plan, progress: Progress) -> list[ShardResult]:
    """Uploads and validates one shard while the next is encrypted."""
    total = sum(s.bytes for s in plan.shards)
    done = 0
    waiting: list[tuple[ShardRef, Future[ShardResult]]] = []
    finished: list[ShardResult] = []
    refused: MunimentError | None = None
    with ThreadPoolExecutor(1) as pool:
        for ref in plan.shards:
            if refused is not None and ref.about.startswith(FILES):
                # The vendor would say the same again; what is at hand is still taken.
                run.failed[ref.shard] = refused
                continue
            progress("encrypt", ref.shard, done, total)
            try:
                extract(run, ref.shard)
                result = encrypt(run, ref.shard)
                give_back()
            except SourceMissing:
                # Not this shard's trouble alone: the others would be wasted time.
                raise
            except (SourceRefused, SourceRestricted, SourceUnavailable) as error:
                run.failed[ref.shard] = refused = error
                continue
            except MunimentError as error:
                run.failed[ref.shard] = error
                continue
            done += ref.bytes
            waiting.append((ref, pool.submit(_store, run, result)))
        for ref, future in waiting:
            progress("upload", ref.shard, done, total)
            try:
                finished.append(future.result())
            except MunimentError as error:
                run.failed[ref.shard] = error
    return finished


def _store(run: BackupRun, result: ShardResult) -> ShardResult:
    upload(run, result)
    validate_checksums(run, result)
    return result
