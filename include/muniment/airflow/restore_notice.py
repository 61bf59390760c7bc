"""Restore notice: who is told how a restore ended, by mail and in the log. A mail that cannot be sent fails nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from muniment.airflow.release_mail import run_address, send
from muniment.config.load import FirmConfig
from muniment.errors import RestoreError
from muniment.recovery.certificate.place import FOLDER
from muniment.recovery.plan import RestorePlan
from muniment.recovery.release.notice import Ended, lines_of, subject_of, what_of
from muniment.recovery.release.people import Entitled
from muniment.recovery.sealed.key import CERTIFICATE_PART

log = logging.getLogger(__name__)

Json = Mapping[str, Any]


def tell(
    config: FirmConfig,
    login: str,
    link: tuple[str, str],
    planned: Json | None,
    certificate: Json | None,
) -> list[str]:
    """Mails who asked for it, for whom it is, who let it go, the managing partner and the office manager; returns who
    was mailed.

    Args:
        login: of who triggered the run.
        link: the ids of the DAG and of the run in Airflow.
        planned: what the task `plan` left; None where there is no plan, and then only who asked is told.
        certificate: what the task `certificate` left; None where nothing was delivered.
    """
    asked_by = Entitled.by(config.firm).party(login).person
    roles = config.firm.roles
    people = [asked_by]
    if planned:
        known = certificate or {}
        people += [known.get("for_whom") or "", *(known.get("let_go") or ())]
        people += [roles.managing_partner, roles.office_manager or ""]
    people = [who for who in dict.fromkeys(people) if who in config.firm.people]
    subject, lines = _said(config, planned, certificate)
    text = "\n".join([*lines, "", f"The run: {run_address(*link)}"])
    mailed = send(config, people, f"[{config.firm_id}] {subject}", text)
    unmailed = [who for who in people if who not in mailed]
    if mailed:
        log.info("Mailed how it ended: %s", ", ".join(mailed))
    if unmailed and config.firm.alerts.smtp is not None:
        log.warning("NOT mailed how it ended: %s. The restore stands.", ", ".join(unmailed))
    return mailed


def _said(
    config: FirmConfig, planned: Json | None, certificate: Json | None
) -> tuple[str, list[str]]:
    if not planned:
        return "A restore ended before it was planned", [
            "Nothing was planned and nothing was delivered."
        ]
    plan = RestorePlan.of(planned["plan"])
    if certificate is None:
        return f"The restore of {what_of(plan)}: nothing was delivered", [
            "Nothing was delivered: see the first red task of the run.",
            f"What: {what_of(plan)}, {plan.items:,} items were planned",
        ]
    made = certificate.get("certificate") or {}
    refused = str(made.get("refused") or "")
    name = CERTIFICATE_PART if certificate["sealed"] else FOLDER
    ended = Ended(
        plan,
        whole=certificate["whole"],
        items=certificate["verified"],
        bytes=certificate["bytes"],
        missing=certificate["sources_missing"],
        phases=certificate["phases"],
        seconds=certificate["elapsed_seconds"],
        folder=certificate["folder"],
        sealed_for=certificate["for_whom"] if certificate["sealed"] else "",
        shares=certificate["shares"],
        certificate=f"{certificate['folder']}/{name}" if made and not refused else "",
        refused=refused,
        zone=ZoneInfo(config.firm.time_zone),
    )
    return subject_of(ended), lines_of(ended)


def require_whole(certificate: Json | None) -> None:
    """Says in the log how it ended. Raises RestoreError when it did not end well."""
    if certificate is None:
        raise RestoreError(
            "nothing was restored",
            todo="Look at the first task that is red and do what its log says.",
        )
    log.info(
        "Restore %s: %s of %s items, in folder %s of %s",
        "whole" if certificate["whole"] else "INCOMPLETE",
        f"{certificate['verified']:,}",
        f"{certificate['items']:,}",
        certificate["folder"],
        ", ".join(certificate["shares"]) or "the restore area",
    )
    if not certificate["whole"]:
        raise RestoreError(
            f"{certificate['verified']:,} of {certificate['items']:,} planned items were delivered",
            to=f"plan {certificate['plan_digest'][:16]}",
            safe="What was delivered was read back and is equal to the snapshot.",
            todo="See the log of the red `restore` task, then trigger it again into a new folder.",
        )
