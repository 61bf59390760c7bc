"""Alert callbacks: a failed backup is told from the task's own process, at once.

The worker holds no operations key, so it writes into its own stream what failed and whom it told; the next
watch opens the alert from that and repeats nothing. The scheduler has no part in it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from muniment.airflow.failures import TaskEnded, plainly
from muniment.airflow.names import ERROR, PLAN, engine_run_id
from muniment.errors import BackupIncomplete, DeliveryError, MunimentError

if TYPE_CHECKING:
    from muniment.alerts.facts import SourceFacts, SuspicionFacts, WatchedSource
    from muniment.config.load import FirmConfig
    from muniment.vault.vault import Vault

log = logging.getLogger(__name__)


def tell_failed_backup(
    config: FirmConfig, source_id: str, dag_id: str
) -> Callable[[Mapping[str, Any]], None]:
    """`on_failure_callback` of a backup's `record`, the one task that fails whatever failed before it."""

    def told(context: Mapping[str, Any]) -> None:
        ended = Ended(
            engine_run_id(dag_id, str(context["run_id"])),
            _code(context),
            _began(context),
            _committed(context),
        )
        suspicion = _suspicion(context)
        if suspicion is not None:
            _Suspected(config, source_id, ended, suspicion).tell()
        # A whole snapshot that looks like an attack is no backup that failed.
        if suspicion is None or not _outcome(context)["success"]:
            _Failed(config, source_id, ended).tell()

    def callback(context: Mapping[str, Any]) -> None:
        try:
            plainly(told)(context)
        except TaskEnded:
            # It has been said. The next watch sees that the run is missing; this one only comes sooner.
            return

    return callback


def _error(context: Mapping[str, Any]) -> MunimentError | None:
    exception = context.get("exception")
    if isinstance(exception, TaskEnded):
        return exception.error
    return exception if isinstance(exception, MunimentError) else None


def _code(context: Mapping[str, Any]) -> str:
    """The code of the run's first failure, else of this task's."""
    ti = context["ti"]
    plan = ti.xcom_pull(task_ids="plan", key=PLAN) or {}
    shards = list(range(int(plan.get("shards") or 0)))
    found = [ti.xcom_pull(task_ids="plan", key=ERROR)]
    for stage in ("extract", "encrypt", "upload", "validate_checksums") if shards else ():
        found += ti.xcom_pull(task_ids=f"shard.{stage}", key=ERROR, map_indexes=shards) or []
    found.append(ti.xcom_pull(task_ids="commit_snapshot", key=ERROR))
    for code in found:
        if code:
            return str(code)
    error = _error(context)
    return error.code if error else BackupIncomplete.code


def _began(context: Mapping[str, Any]) -> datetime | None:
    return getattr(context.get("dag_run"), "start_date", None)


def _committed(context: Mapping[str, Any]) -> tuple[int, str] | None:
    """Number and digest of the snapshot that this run committed all the same."""
    outcome = _outcome(context)
    return (int(outcome["seq"]), str(outcome["digest"])) if outcome else None


def _outcome(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """What this run committed; empty where it committed nothing."""
    ti = context["ti"]
    plan = ti.xcom_pull(task_ids="plan", key=PLAN) or {}
    outcome: Mapping[str, Any] = ti.xcom_pull(task_ids="commit_snapshot") or {}
    return outcome if outcome and outcome.get("plan") == plan.get("mark") else {}


def _suspicion(context: Mapping[str, Any]) -> SuspicionFacts | None:
    """Of what this run committed, as the watch will see it."""
    from muniment.alerts.facts import SuspicionFacts
    from muniment.clock import from_text
    from muniment.vault import names

    outcome = _outcome(context)
    signs = outcome.get("signs")
    if not signs:
        return None
    return SuspicionFacts(
        int(outcome["seq"]),
        from_text(str(outcome["ended_at"])),
        tuple(str(sign["signal"]) for sign in signs),
        int(signs[0]["count"]),
        int(signs[0]["of"]),
        int(outcome.get("last_clean") or 0),
        names.commit(str(outcome["source"]), int(outcome["seq"])),
    )


@dataclass(frozen=True)
class Ended:
    """How a run ended badly: without a snapshot, or with an incomplete one (`committed`)."""

    run_id: str
    code: str
    began: datetime | None = None
    committed: tuple[int, str] | None = None


class _Failed:
    """One run that ended badly."""

    kind = "backup"
    """Of its alert's key."""

    def __init__(self, config: FirmConfig, source_id: str, ended: Ended) -> None:
        from muniment.airflow.stores import open_destination
        from muniment.wiring import Wiring

        self._config = config
        self._row = config.row(source_id)
        self._wiring = Wiring(config, open_destination)
        self._ended = ended
        self._now = self._wiring.clock.now()
        self._began = ended.began or self._now

    def tell(self) -> None:
        from muniment.airflow.alert_channels import channels_of

        vault, known = self._write_down()
        if known:
            log.info("This source's alert is open: people know, and the watch goes on from here")
            return
        told = []
        for channel in channels_of(self._config):
            try:
                receipt = channel.deliver(self._config.firm_id, [self._notice()], self._now)
            except DeliveryError as error:
                log.error("%s did not take the alert: %s", channel.name, error.what)
                continue
            log.info("%s took the alert: %s", channel.name, receipt)
            told.append(channel.name)
        if told and vault is not None:
            self._write_told(vault, told)

    def _notice(self) -> Any:
        from muniment.airflow.alert_channels import owner_of
        from muniment.alerts.evaluate import evaluate
        from muniment.alerts.facts import Facts, WatchedSource
        from muniment.alerts.reconcile import reconcile

        watched = WatchedSource.of(
            self._row, self._config.firm.time_zone, owner_of(self._config, self._row.owner)
        )
        facts = Facts(self._now, sources=(self._facts(watched),))
        events = reconcile({}, evaluate(facts), self._now)
        return next(event for event in events if event.key.startswith(f"{self.kind}:"))

    def _facts(self, watched: WatchedSource) -> SourceFacts:
        from muniment.alerts.deadlines import Done
        from muniment.alerts.facts import Failure, SourceFacts

        if self._ended.committed:
            seq, digest = self._ended.committed
            run = Done(seq, digest, self._began, self._now, False)
            return SourceFacts(watched, runs=(run,), code=self._ended.code)
        failure = Failure(self._ended.run_id, self._now, self._ended.code)
        return SourceFacts(watched, failures=(failure,))

    def _write_down(self) -> tuple[Vault | None, bool]:
        """Evidence first. Returns the vault, None where it does not answer; and whether the alert of
        this source is open already."""
        from muniment.alerts.ledger import EvidenceLedger
        from muniment.evidence.events import RunFailed, write

        source = self._row.source_id
        try:
            vault = self._wiring.vault("worker", self._row.destination)
            if not self._ended.committed:
                failed = RunFailed(self._ended.run_id, source, self._ended.code, self._began)
                write(vault, failed.stream, failed)
            home = self._wiring.vault("worker")
            return vault, f"{self.kind}:{source}" in EvidenceLedger(home).book.open
        except MunimentError as error:
            log.error("The failure is not in the evidence: [%s] %s", error.code, error.what)
            return None, False

    def _write_told(self, vault: Vault, channels: list[str]) -> None:
        from muniment.alerts.observe import FAILURE_TOLD
        from muniment.vault.evidence import append, worker_stream

        stream = worker_stream(self._row.source_id)
        facts = {"channels": " ".join(channels), "code": self._ended.code}
        append(vault, stream, FAILURE_TOLD, subject=self._ended.run_id, facts=facts)


class _Suspected(_Failed):
    """A run whose snapshot looks like an attack."""

    kind = "anomaly"

    def __init__(
        self, config: FirmConfig, source_id: str, ended: Ended, suspicion: SuspicionFacts
    ) -> None:
        super().__init__(config, source_id, ended)
        self._suspicion = suspicion

    def _facts(self, watched: WatchedSource) -> SourceFacts:
        from muniment.alerts.deadlines import Done
        from muniment.alerts.facts import SourceFacts

        assert self._ended.committed is not None
        seq, digest = self._ended.committed
        # The snapshot is as good as another: what is missing in it is told by itself.
        run = Done(seq, digest, self._began, self._now, True)
        watched = replace(watched, schedule=None, known_since=self._now)
        return SourceFacts(watched, runs=(run,), suspicion=self._suspicion)

    def _write_told(self, vault: Vault, channels: list[str]) -> None:
        from muniment.alerts.observe import SUSPICION_TOLD
        from muniment.vault.evidence import append, worker_stream

        stream = worker_stream(self._row.source_id)
        facts: dict[str, str | int] = {
            "channels": " ".join(channels),
            "seq": self._suspicion.seq,
        }
        append(vault, stream, SUSPICION_TOLD, subject=self._ended.run_id, facts=facts)
