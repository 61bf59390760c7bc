"""Release mail: approvers and custodians are asked and reminded, and those who broke the glass are told, each with
the link.

Mail is a convenience: the question stands in Airflow's Required Actions too, and what must not be forgotten is an
alert (docs/ALERTS.md). So a server that takes no mail stops nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from airflow.configuration import conf

from muniment.airflow.alert_channels import mail_to
from muniment.airflow.names import APPROVE_TASK, PLAN_ROUTE
from muniment.config.load import FirmConfig
from muniment.errors import MunimentError
from muniment.evidence.events import write
from muniment.evidence.releases import OpenReview, ReleaseTold, Told, stream_of
from muniment.recovery.release.people import Entitled
from muniment.recovery.release.review import open_ends
from muniment.vault.vault import Vault

log = logging.getLogger(__name__)


def question_address(dag_id: str, run_id: str) -> str:
    """The question in Airflow's Required Actions."""
    return f"{run_address(dag_id, run_id)}/tasks/{APPROVE_TASK}/required_actions"


def page_address(dag_id: str, run_id: str) -> str:
    """The plan as a page inside Airflow."""
    return f"{run_address(dag_id, run_id)}/plugin/{PLAN_ROUTE}"


def run_address(dag_id: str, run_id: str) -> str:
    """The run in Airflow."""
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def ask(
    config: FirmConfig,
    people: Iterable[str],
    subject: str,
    lines: Sequence[str],
    dag_id: str,
    run_id: str,
) -> None:
    """Mails the question."""
    text = [*lines, "", f"Answer: {question_address(dag_id, run_id)}", f"The whole plan: {page_address(dag_id, run_id)}"]  # fmt: skip
    send(config, people, f"[{config.firm_id}] {subject}", "\n".join(text))


def remind(config: FirmConfig, vault: Vault, dag_id: str) -> None:
    """Mails approvers and custodians once more about every restore that has waited for so long; for the watch."""
    part = config.firm.approvals
    if part is None:
        return
    now = vault.clock.now()
    for question in open_ends(vault).questions:
        if question.reminded or now - question.asked_at < part.reminder:
            continue
        people = dict.fromkeys((*Entitled.by(config.firm).approvers, *question.custodians))
        text = (
            f"A restore waits for your approval since {question.asked_at:%Y-%m-%d %H:%M} UTC; at "
            f"{question.answer_by:%Y-%m-%d %H:%M} UTC it fails without one.\n\n"
            f"Answer: {question_address(dag_id, question.airflow_run)}\n"
            f"The whole plan: {page_address(dag_id, question.airflow_run)}"
        )
        sent = send(config, people, f"[{config.firm_id}] Reminder: a restore waits for you", text)
        if sent:
            event = ReleaseTold(question.run_id, Told.REMINDER, tuple(sent))
            write(vault, stream_of(question.asked_at.year), event)


def tell_of_broken_glass(config: FirmConfig, vault: Vault) -> None:
    """Mails both people, who is said to have asked, and the managing partner about every restore that was let go
    without an approver, once."""
    for review in open_ends(vault).reviews:
        if review.told:
            continue
        people = dict.fromkeys(
            (*review.persons, review.requester, config.firm.roles.managing_partner)
        )
        sent = send(
            config,
            people,
            f"[{config.firm_id}] A restore was let go without an approver",
            _broken(review),
        )
        if sent:
            event = ReleaseTold(review.run_id, Told.BREAK_GLASS, tuple(sent))
            write(vault, stream_of(review.at.year), event)


def _broken(review: OpenReview) -> str:
    one, other = review.persons
    return (
        f"{one} and {other} let the restore {review.run_id}, for which {review.requester} is said to have asked, go together "
        f"at {review.at:%Y-%m-%d %H:%M} UTC, because no approver could be reached. If you are named here and did not: call "
        "the managing partner now.\n\n"
        f"An approver who is neither reviews it until {review.due:%Y-%m-%d %H:%M} UTC:\n"
        f"    muniment approvals review {review.run_id} --by PERSON --verdict right|wrong\n"
        "Until then an alert stays open."
    )


def send(config: FirmConfig, people: Iterable[str], subject: str, text: str) -> list[str]:
    """Who was mailed. Whatever a mail server, or the connection to it, does wrong is said and stops nothing."""
    try:
        return mail_to(config, people, subject, text)
    except MunimentError as error:
        log.warning("Nobody was mailed: [%s] %s", error.code, error.what)
    except Exception as error:  # Airflow may be unable to say what the connection is.
        log.warning("Nobody was mailed: %s", type(error).__name__)
    return []
