"""Certifying: a restore of the DAG for those who must swear to it - who asked, walls before it, a certificate after it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muniment.airflow.delivering import Delivery
from muniment.clock import to_text
from muniment.config.load import FirmConfig
from muniment.config.persons import person_of
from muniment.errors import MunimentError
from muniment.evidence.events import RESTORES, CertificateMade, write
from muniment.recovery.certificate.certify import certify, facts_of
from muniment.recovery.certificate.statement import Handling
from muniment.recovery.crosswalk.asking import ask_for_matter
from muniment.recovery.crosswalk.policy import Entitlement
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Scope, Selection
from muniment.vault.vault import Vault

log = logging.getLogger(__name__)


def entitlement(
    vault: Vault, config: FirmConfig, selection: Selection, login: str | None, for_whom: str = ""
) -> Entitlement:
    """What the login that triggered the run, and the person for whom it is, may have of it: what both may."""
    joined = None
    if selection.scope is Scope.MATTER:
        joined = ask_for_matter(vault, selection.value)[1]
    people = (person_of(config, login), *([for_whom] if for_whom else []))
    return Entitlement(vault, config, joined, tuple(dict.fromkeys(people)))


def certified(
    vault: Vault,
    config: FirmConfig,
    plan: RestorePlan,
    selection: Selection,
    folder: Path,
    delivery: Delivery,
    reports: Iterable[Mapping[str, Any]],
    *,
    restore_id: str,
    requested_at: datetime,
    requested_by: str,
    reason: str,
    approved: Sequence[tuple[str, str]] = (),
    received_by: str = "",
) -> dict[str, Any]:
    """Certifies a whole delivery and records it; returns what may be told. What was delivered stands either way, so a
    refusal is told and not raised."""
    reports = list(reports)
    phases: Counter[str] = Counter()
    differences: Counter[str] = Counter()
    for report in reports:
        phases.update(report["seconds"])
        differences.update(report["differences"])
    now = to_text(datetime.now(UTC))
    handling = Handling(
        "restore", restore_id, to_text(requested_at), now, now, requested_by, tuple(approved),
        received_by, reason, {k: round(v, 3) for k, v in phases.items()},
    )  # fmt: skip
    try:
        seen = delivery.seen([choice.source for choice in plan.choices])
        made = certify(
            vault, plan, selection, folder, seen, handling, differences=differences,
            systems={row.source_id: row.system for row in config.rows}, signer=vault.signer,
            place=delivery.place,
        )  # fmt: skip
        event = CertificateMade(restore_id, made.digest, plan.digest, made.files)
        write(vault, RESTORES, event)
    except MunimentError as error:
        log.error("There is no certificate: [%s] %s (%s)", error.code, error.what, error.to)
        return {"refused": error.code}
    log.info("Certified: %s files, statement %s", f"{made.files:,}", made.digest)
    return facts_of(made, plan)
