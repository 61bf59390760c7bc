"""Alert callbacks: a failed backup is told from the task's own process, at once.

The worker holds no operations key, so it writes into its own stream what failed and whom it told; the next
watch opens the alert from that and repeats nothing. The scheduler has no part in it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from muniment.airflow.failures import TaskEnded, plainly
from muniment.airflow.names import ERROR, PLAN, engine_run_id
from muniment.errors import BackupIncomplete, DeliveryError, MunimentError

if TYPE_CHECKING:
    from muniment.config.load import FirmConfig
    from muniment.vault.vault import Vault

log = logging.getLogger(__name__)


def tell_failed_backup(
    config: FirmConfig, source_id: str, dag_id: str
) -> Callable[[Mapping[str, Any]], None]:
    """`on_failure_callback` of a backup's `record`, the one task that fails whatever failed before it."""

    def told(context: Mapping[str, Any]) -> None:
        run_id = engine_run_id(dag_id, str(context["run_id"]))
        _Failed(config, source_id, run_id, _code(context), _began(context)).tell()

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


def _began(context: Mapping[str, Any]) -> Any:
    run = context.get("dag_run")
    return getattr(run, "start_date", None)


class _Failed:
    """One failed run."""

    def __init__(
        self, config: FirmConfig, source_id: str, run_id: str, code: str, began: Any
    ) -> None:
        from muniment.airflow.stores import open_destination
        from muniment.wiring import Wiring

        self._config = config
        self._row = config.row(source_id)
        self._wiring = Wiring(config, open_destination)
        self._run_id, self._code = run_id, code
        self._now = self._wiring.clock.now()
        self._began = began or self._now

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
        from muniment.alerts.facts import Facts, Failure, SourceFacts, WatchedSource
        from muniment.alerts.reconcile import reconcile

        watched = WatchedSource.of(
            self._row, self._config.firm.time_zone, owner_of(self._config, self._row.owner)
        )
        failure = Failure(self._run_id, self._now, self._code)
        facts = Facts(self._now, sources=(SourceFacts(watched, failures=(failure,)),))
        [opened] = reconcile({}, evaluate(facts), self._now)
        return opened

    def _write_down(self) -> tuple[Vault | None, bool]:
        """Evidence first. Returns the vault, None where it does not answer; and whether the alert of
        this source is open already."""
        from muniment.alerts.ledger import EvidenceLedger
        from muniment.alerts.newest import newest_entries
        from muniment.evidence.events import RunFailed, write

        source = self._row.source_id
        try:
            vault = self._wiring.vault("worker", self._row.destination)
            failed = RunFailed(self._run_id, source, self._code, self._began)
            last = newest_entries(vault.store, vault.trust, failed.stream, lambda _: True, limit=1)
            if not any(
                r.value.event == failed.event and r.value.subject == self._run_id
                for r in last.objects
            ):
                write(vault, failed.stream, failed)
            home = self._wiring.vault("worker")
            return vault, f"backup:{source}" in EvidenceLedger(home).book.open
        except MunimentError as error:
            log.error("The failure is not in the evidence: [%s] %s", error.code, error.what)
            return None, False

    def _write_told(self, vault: Vault, channels: list[str]) -> None:
        from muniment.alerts.observe import FAILURE_TOLD
        from muniment.vault.evidence import append, worker_stream

        stream = worker_stream(self._row.source_id)
        facts = {"channels": " ".join(channels)}
        append(vault, stream, FAILURE_TOLD, subject=self._run_id, facts=facts)
