"""check_stores: the daily look at everything that lies in a firm's stores, without opening any of it."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context

from muniment.airflow.names import engine_run_id
from muniment.airflow.stores import open_destination
from muniment.assurance.check import check
from muniment.config.load import FirmConfig
from muniment.errors import VerificationFailed
from muniment.evidence.events import CHECKS, CheckEnded, write
from muniment.evidence.upkeep import destinations_of
from muniment.vault.checkpoints import Outside
from muniment.vault.finding import Severity
from muniment.wiring import Wiring

log = logging.getLogger(__name__)

SHOWN = 50


def check_stores(config: FirmConfig, dag_id: str) -> dict[str, Any]:
    """Checks every store of the firm against the mark of this run; records what came of it.

    Raises VerificationFailed for damage or tampering, StoreError, TrustError.
    """
    context = get_current_context()
    written = context["ti"].xcom_pull(task_ids="write_checkpoint") or {}
    wiring = Wiring(config, open_destination)
    home, *others = destinations_of(config)
    objects = size = 0
    wrong = []
    for name in (home, *others):
        marks = (str(written["mark"]),) if name == home and "mark" in written else ()
        report = check(wiring.vault("operations", name), Outside(marks=marks))
        objects += report.objects
        size += report.bytes
        log.info(
            "%s: %s objects, %s bytes; freshness %s", name, f"{report.objects:,}",
            f"{report.bytes:,}", report.freshness,
        )  # fmt: skip
        for finding in report.findings[:SHOWN]:
            bad = finding.severity is not Severity.WARNING
            (log.error if bad else log.warning)("%s", finding.line())
        wrong += [f for f in report.findings if f.severity is not Severity.WARNING]
    codes = tuple(sorted({f.code for f in wrong}))
    run_id = engine_run_id(dag_id, str(context["dag_run"].run_id))
    event = CheckEnded(run_id, not wrong, objects, size, len(wrong), codes)
    write(wiring.vault("operations"), CHECKS, event)
    if wrong:
        raise VerificationFailed(
            f"{len(wrong):,} findings of damage or tampering: {', '.join(codes)}",
            to=f"the stores of firm {config.firm_id}",
            safe="The check only reads. Restores take the true versions, and say what is damaged.",
            todo="The log names objects, snapshots and matters; `muniment explain CODE` says more. Restore "
            "what is touched from the second store, and tell the managing partner of tampering.",
        )
    return {"objects": objects, "bytes": size}
