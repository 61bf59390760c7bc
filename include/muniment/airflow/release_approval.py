"""RestoreApproval: may this plan go? - a question in Airflow's Required Actions whose answer is a signed release.

Airflow refuses the answer of whoever is not among the respondents. That is not relied upon: who answered is looked
at again here, by firm.yaml. And what Airflow notes of this task - its state, its XCom - releases nothing: the tasks
that deliver ask the vault.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowSkipException

from muniment.airflow.failures import plainly
from muniment.errors import AnswerError, NotAnApprover, ReleaseMissing, ReleaseRefused

if TYPE_CHECKING:
    from muniment.recovery.release.book import Release

log = logging.getLogger(__name__)

APPROVE, REJECT, BREAK_GLASS = "Approve", "Reject", "Break the glass"


class Work(Protocol):
    """What the engine does for this task."""

    def ask(self) -> tuple[str, str] | None: ...
    def released(self) -> Release | None: ...
    def approve(self, *names: object) -> Release | None: ...
    def refuse(self, *names: object) -> None: ...
    def break_glass(self, *names: object) -> Release | None: ...


class RestoreApproval(HITLOperator):
    """Puts a restore's plan to the approvers, and has its release signed.

    Args:
        respondents: Airflow user -> id of `people`: approvers, custodians, and who may break the glass.
        work: the engine, made where the task runs.
        response_timeout: how long it waits; then the task fails.
        glass: is breaking it offered?
    """

    def __init__(
        self,
        *,
        respondents: Mapping[str, str],
        work: Callable[[], Work],
        response_timeout: timedelta,
        glass: bool,
        **arguments: Any,
    ) -> None:
        self._work = work
        super().__init__(
            subject="May this restore go?",
            body="",
            options=[APPROVE, REJECT, *([BREAK_GLASS] if glass else [])],
            assigned_users=[{"id": user, "name": user} for user in respondents],
            response_timeout=response_timeout,
            **arguments,
        )

    @plainly
    def execute(self, context: Any) -> Any:
        work = self._work()
        asked = work.ask()
        if asked is None:
            raise AirflowSkipException("this restore needs no approval")
        given = work.released()
        if given is not None:
            log.info("Released before, by %s", ", ".join(given.responders))
            return told(given)
        self.subject, self.body = asked
        return self.wait(context)

    def wait(self, context: Any) -> Any:
        """Parks the task until somebody answers."""
        return super().execute(context)

    @plainly
    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Has the release signed. Raises what the engine raises for an answer that is none, ReleaseRefused for a no."""
        if event.get("error_type") == "timeout":
            # Airflow's own error would have the question asked again, four times.
            raise ReleaseMissing(
                "nobody answered in the time that firm.yaml gives", to="approvals.time_out"
            )
        if "error" in event:
            self.process_trigger_event_error(event)
        user = event.get("responded_by_user") or {}
        names = (user.get("id"), user.get("name"))
        if not any(names):
            raise NotAnApprover("nobody is said to have answered")
        chosen = list(event.get("chosen_options") or ())
        work = self._work()
        if chosen == [APPROVE]:
            return self._given(work.approve(*names), context)
        if chosen == [REJECT]:
            work.refuse(*names)
            raise ReleaseRefused(
                "an approver, or a custodian, did not let this restore go",
                todo="Speak to him. With another plan, trigger the restore again.",
            )
        if chosen == [BREAK_GLASS]:
            return self._given(work.break_glass(*names), context)
        raise AnswerError("the answer is none of those that were offered")

    def _given(self, release: Release | None, context: Any) -> Any:
        """The release, or another round: the glass is broken by two, and what is sealed takes its custodian's word
        besides an approver's."""
        if release is not None:
            return told(release)
        log.warning("One of two agreed: the question is asked again, for the other one")
        return self.wait(context)


def told(release: Release) -> dict[str, str]:
    """For people; nothing that delivers reads it."""
    log.info(
        "Released for one delivery until %s, by %s (%s)",
        release.expires.isoformat(), ", ".join(release.responders), release.way,
    )  # fmt: skip
    return {
        "responders": ", ".join(release.responders),
        "way": release.way.value,
        "expires": release.expires.isoformat(),
        "plan_digest": release.plan_digest,
    }
