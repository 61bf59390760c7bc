"""BackupTasks: the functions behind the tasks of one source's backup, in terms of the engine.

Every task opens the run afresh, perhaps on another machine; they share staging and XCom. What goes
through XCom is numbers, ids and digests, each marked with the plan it belongs to: after a clear, XCom
still holds what an earlier attempt left for map indexes that were not reached again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from muniment.airflow.names import ACCEPT_MASS_DELETION, PLAN, engine_run_id
from muniment.airflow.stores import open_destination, source_login
from muniment.backup.commit import commit_snapshot
from muniment.backup.encrypt import encrypt
from muniment.backup.extract import extract
from muniment.backup.plan import make_plan
from muniment.backup.run import BackupRun
from muniment.backup.shards import FILES
from muniment.backup.staging import clean_abandoned
from muniment.backup.upload import upload
from muniment.backup.validate import validate_checksums
from muniment.backup.work import Plan, ShardResult
from muniment.clock import from_text
from muniment.config.load import FirmConfig
from muniment.errors import (
    BackupIncomplete,
    SnapshotSuspicious,
    SourceRefused,
    SourceRestricted,
)
from muniment.evidence.recording import run_ended, run_started
from muniment.ids import sha256_hex
from muniment.wiring import Wiring

log = logging.getLogger(__name__)

Json = dict[str, Any]

_REFUSED = "refused"
"""In the run's staging: which shard the source refused."""


class BackupTasks:
    """One source of one firm. `dag_id` is the id of its DAG."""

    def __init__(self, config: FirmConfig, source_id: str, dag_id: str) -> None:
        self._wiring = Wiring(config, open_destination, login=source_login)
        self._source_id = source_id
        self._dag_id = dag_id

    def plan(self) -> list[Json]:
        """Lists the source and leaves the plan in staging; returns one entry a shard."""
        context = get_current_context()
        run = self._run(accept=bool(context["params"].get(ACCEPT_MASS_DELETION)))
        run_started(run.vault, self._source_id, run.run_id, self._wiring.config.digests)
        # What an earlier attempt of this run left would be taken for this one's.
        run.staging.purge()
        with run.staging.in_use():
            plan = make_plan(run)
        mark = _mark(plan)
        context["ti"].xcom_push(
            key=PLAN,
            value={
                "mark": mark,
                "run": run.run_id,
                "seq": plan.seq,
                "shards": len(plan.shards),
                "deferred_items": plan.deferred_items,
                "next_not_before": plan.next_not_before,
            },
        )
        log.info(
            "Snapshot %d of this source; run %s in staging and in the commit", plan.seq, run.run_id
        )
        log.info(
            "Seen: %s items, %s bytes. Gone: %s. Changed: %s items in %d shards",
            f"{plan.seen:,}",
            f"{plan.source_bytes:,}",
            f"{len(plan.gone):,}",
            f"{sum(s.items for s in plan.shards):,}",
            len(plan.shards),
        )
        if not plan.shards:
            log.info("Nothing changed: the snapshot says so, and nothing is uploaded")
        return [{**shard.as_dict(), "plan": mark} for shard in plan.shards]

    def extract(self, shard: Json) -> Json:
        """Puts the shard into reading order, and fetches what must be fetched; gives the same entry on.

        A vendor that refused one shard would refuse all: the others that must ask it are skipped, so that
        one error says it.
        """
        run = self._run()
        with run.staging.in_use():
            refused = run.staging.folder / _REFUSED
            if shard["about"].startswith(FILES):
                _skip_if_refused(refused, shard["shard"])
            try:
                count = extract(run, shard["shard"])
            except (SourceRefused, SourceRestricted):
                refused.write_text(shard["shard"])
                raise
        log.info("%s items are ready to be read", f"{count:,}")
        return shard

    def encrypt(self, shard: Json) -> Json:
        """Reads, seals and packs into staging; returns what came of it."""
        run = self._run()
        with run.staging.in_use():
            result = encrypt(run, shard["shard"])
        log.info(
            "Taken: %s items; read %s bytes; %d packs of %s bytes; not taken: %s items",
            f"{result.taken:,}",
            f"{result.read_bytes:,}",
            len(result.packs),
            f"{sum(p.size for p in result.packs):,}",
            f"{result.problems:,}",
        )
        return {**shard, "result": result.as_dict()}

    def upload(self, shard: Json) -> Json:
        """Puts the shard's packs into the store."""
        run = self._run()
        with run.staging.in_use():
            sent = upload(run, ShardResult.of(shard["result"]))
        log.info("The store took %s bytes", f"{sent:,}")
        return shard

    def validate_checksums(self, shard: Json) -> Json:
        """Asks the store whether it has what was sent."""
        proven = validate_checksums(self._run(), ShardResult.of(shard["result"]))
        log.info("%d packs are in the store, each with the digest that was sent", proven)
        return shard

    def commit_snapshot(self, plan: Mapping[str, Any], validated: Iterable[Json]) -> Json:
        """Commits what was validated under this plan; the other shards are unfinished."""
        mine = [s for s in validated if s["plan"] == plan["mark"]]
        run = self._run()
        with run.staging.in_use():
            outcome = commit_snapshot(run, [ShardResult.of(s["result"]) for s in mine])
        log.info(
            "Snapshot %d of %s is committed: %s; digest %s",
            outcome.seq,
            outcome.source,
            outcome.completeness,
            outcome.digest,
        )
        return {**outcome.as_dict(), "success": outcome.success, "plan": plan["mark"]}

    def record(self, plan: Mapping[str, Any] | None, outcome: Mapping[str, Any] | None) -> Json:
        """Compares done with planned. Raises BackupIncomplete on any shortfall."""
        if not plan or not outcome or outcome["plan"] != plan["mark"]:
            raise BackupIncomplete(
                "no snapshot was committed in this run",
                to=f"source {self._source_id}",
                safe="Every earlier snapshot is unharmed.",
                todo="Look at the first task that is red and do what its log says.",
            )
        _say_causes(outcome)
        # A run without a snapshot is written down by the callback of this task, which tells it too.
        self._write_down(outcome)
        if outcome["success"]:
            _refuse_suspicious(self._source_id, outcome)
            return {
                key: outcome[key] for key in ("source", "seq", "digest", "completeness", "counts")
            }
        raise BackupIncomplete(
            f"snapshot {outcome['seq']} is committed and incomplete: {_shortfall(plan, outcome)}",
            to=f"source {self._source_id}, snapshot {outcome['seq']}",
            todo=_remedy(outcome),
        )

    def remainder(self, plan: Mapping[str, Any] | None, outcome: Mapping[str, Any] | None) -> int:
        """Items left to a next run that should begin at once; 0 when none should.

        A run that finished no shard would leave the same remainder again, for ever; and what waits for
        the end of a vendor's busy hours is left to the run that is due by the schedule.
        """
        if not plan or not outcome or outcome["plan"] != plan["mark"]:
            return 0
        if len(outcome["unfinished"]) >= plan["shards"]:
            return 0
        wait = plan.get("next_not_before")
        if wait and from_text(wait) > self._wiring.clock.now():
            return 0
        return int(outcome["deferred_items"])

    def purge_staging(self) -> None:
        """Removes what this run, and runs that were killed, left in staging."""
        run = self._run()
        run.staging.purge()
        staging = self._wiring.config.firm.staging
        for left in clean_abandoned(staging, keep=run.run_id):
            log.warning("Removed what the abandoned run %s left in staging", left)

    def _write_down(self, outcome: Mapping[str, Any]) -> None:
        run = self._run()
        began = get_current_context()["dag_run"].start_date or run.vault.clock.now()
        run_ended(run.vault, run.run_id, outcome, began)

    # -- parts -------------------------------------------------------------------------------------

    def _run(self, accept: bool = False) -> BackupRun:
        run_id = engine_run_id(self._dag_id, str(get_current_context()["run_id"]))
        return self._wiring.backup_run(self._source_id, run_id, accept_mass_deletion=accept)


def _refuse_suspicious(source_id: str, outcome: Mapping[str, Any]) -> None:
    """Raises SnapshotSuspicious: the run is red, though its snapshot counts as success."""
    if not outcome.get("signs"):
        return
    signs = ", ".join(f"{s['signal']} {s['count']:,} of {s['of']:,}" for s in outcome["signs"])
    clean = outcome["last_clean"]
    raise SnapshotSuspicious(
        f"snapshot {outcome['seq']} is committed and looks like an attack ({signs}); "
        + (f"the last clean one is {clean}" if clean else "there is no clean one"),
        to=f"source {source_id}, snapshot {outcome['seq']}",
    )


def _skip_if_refused(refused: Path, shard: str) -> None:
    """Raises AirflowSkipException where another shard was refused; the one that was is tried again."""
    try:
        by = refused.read_text()
    except FileNotFoundError:
        return
    if by != shard:
        raise AirflowSkipException(f"the source refused shard {by}: see its log for what to do")
    refused.unlink(missing_ok=True)


def _mark(plan: Plan) -> str:
    """Tells this plan from the plan of an earlier attempt of the same run."""
    return sha256_hex(plan.to_bytes())[:16]


def _say_causes(outcome: Mapping[str, Any]) -> None:
    for cause in outcome["causes"]:
        accepted = "accepted" if cause["accepted"] else "NOT accepted"
        log.warning("%s items not taken: %s (%s)", f"{cause['count']:,}", cause["cause"], accepted)


def _shortfall(plan: Mapping[str, Any], outcome: Mapping[str, Any]) -> str:
    said = []
    if outcome["unfinished"]:
        said.append(f"{len(outcome['unfinished'])} of {plan['shards']} shards are unfinished")
    if outcome["deferred_items"]:
        said.append(f"{outcome['deferred_items']:,} items are left to the next run")
    untaken = [c for c in outcome["causes"] if not c["accepted"]]
    said += [f"{c['count']:,} items were not taken ({c['cause']})" for c in untaken]
    return "; ".join(said) or "see the snapshot's report"


def _remedy(outcome: Mapping[str, Any]) -> str:
    todo = []
    if outcome["unfinished"]:
        todo.append(
            "For the unfinished shards do what the log of their first red task says, then trigger "
            "this DAG again: it takes only what is still missing."
        )
    if outcome["deferred_items"]:
        todo.append("The rest of the work is a run of its own, which has been started.")
    if any(not c["accepted"] for c in outcome["causes"]):
        todo.append(
            "Mend the cause at the source, or have it accepted for a time (firm.yaml, `exceptions`)."
        )
    return " ".join(todo)
