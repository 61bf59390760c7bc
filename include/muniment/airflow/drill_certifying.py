"""DrillCertifying: the certificate of a drill, while what it restored still stands in the sandbox."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import get_current_context

from muniment.assurance.drill_certificate import DrillFacts, DrillWitness, certify_drill
from muniment.assurance.drill_draw import Drawn, Place
from muniment.assurance.sandbox import Sandbox
from muniment.clock import to_text
from muniment.config.load import FirmConfig
from muniment.config.persons import person_of
from muniment.errors import MunimentError
from muniment.evidence.drills import DrillFinished, DrillStarted
from muniment.recovery.certificate.certify import facts_of
from muniment.recovery.certificate.witness import keep, take
from muniment.recovery.plan import RestorePlan
from muniment.vault.vault import Vault

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a drill restored, and what it was drawn from. `home` is operations' vault."""

    sandbox: Sandbox
    places: Mapping[str, Place]
    plans: Mapping[str, RestorePlan]
    started: DrillStarted
    drawn: Drawn
    home: Vault


def keep_witness(sandbox: Sandbox, witness: DrillWitness) -> None:
    """For the task that certifies; it goes with the sandbox."""
    keep(sandbox.folder, witness.seen)


def certified(
    config: FirmConfig, restored: Restored, finished: DrillFinished, done: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What was certified, in the clear: one a plan. A drill is not failed by a certificate that is refused: that is told.

    Args:
        done: what the task `restore` answered.
    """
    plans, home = restored.plans, restored.home
    login = str(getattr(get_current_context()["dag_run"], "triggering_user_name", None) or "")
    facts = DrillFacts(
        to_text(restored.started.requested_at), to_text(home.clock.now()),
        person_of(config, login) or login, done.get("differences") or {},
    )  # fmt: skip
    try:
        seen = take(restored.sandbox.folder, [c.source for p in plans.values() for c in p.choices])
        made = certify_drill(
            restored.places, plans, restored.drawn, restored.sandbox.restored, seen, finished, facts, home
        )  # fmt: skip
    except MunimentError as error:
        log.error("The drill has no certificate: [%s] %s (%s)", error.code, error.what, error.to)
        return [{"refused": error.code}]
    return [facts_of(one, plan) for one, plan in zip(made, plans.values(), strict=True)]


def told_of(certificates: Sequence[Mapping[str, Any]]) -> list[str]:
    """For the log and the partner's question."""
    return [
        f"NO CERTIFICATE: {one['refused']}"
        if "refused" in one
        else f"Certified: {one['files']:,} files, statement {one['statement_sha256']}"
        for one in certificates
    ]
