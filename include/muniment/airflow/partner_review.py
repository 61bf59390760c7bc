"""PartnerReview: a question that only some people may answer, in Airflow's Required Actions.

Airflow refuses the answer of whoever is not among the respondents. That is not relied upon: who answered
is looked at once more when the task goes on, and the answer counts only when the engine has stored it.
A task that somebody marks as success has stored nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param

from muniment.airflow.failures import plainly
from muniment.errors import AnswerError, ConfigError, NotEntitled
from muniment.model.drill import Answer

log = logging.getLogger(__name__)

REMARKS = "remarks"
OPTIONS: Mapping[str, Answer] = {
    "Usable: yes": Answer.YES,
    "Usable: partly": Answer.PARTLY,
    "Usable: no": Answer.NO,
}
LONGEST = 4_000
"""Characters of the remarks that are kept."""


def review_form() -> dict[str, Param]:
    """The fields below the question; for `params`. Airflow takes whatever is answered and judges it
    afterwards, so nothing in it may fail."""
    return {
        REMARKS: Param(
            "",
            type=["null", "string"],
            format="multiline",
            title="Remarks",
            description="What was missing or wrong. They are sealed in the evidence; Airflow's own "
            "database keeps them too, so no client's name.",
        )
    }


Record = Callable[[Answer, str, str], None]
"""(answer, person of firm.yaml, remarks) -> stored."""
Recorded = Callable[[], dict[str, str] | None]


class PartnerReview(HITLOperator):
    """Asks whether what a drill restored is usable, and stores the answer.

    Args:
        respondents: Airflow user -> id of `people`; only they may answer. Empty: the task fails before
            it asks.
        record: stores the answer; whatever it raises leaves the question open.
        recorded: the answer that was stored already. Airflow may lose a task between its answer and its end
            (one that is answered within the second in which it was asked), and tries it again: then nobody
            is asked twice.
    """

    def __init__(
        self,
        *,
        respondents: Mapping[str, str],
        record: Record,
        recorded: Recorded,
        **arguments: Any,
    ) -> None:
        self._respondents = dict(respondents)
        self._record = record
        self._recorded = recorded
        super().__init__(
            options=list(OPTIONS),
            assigned_users=[{"id": user, "name": user} for user in respondents],
            **arguments,
        )

    @plainly
    def execute(self, context: Any) -> Any:
        require_respondents(self._respondents)
        given = self._recorded()
        if given is not None:
            log.info("Answered before: usable %s, by %s", given["answer"], given["answered_by"])
            return given
        return super().execute(context)

    @plainly
    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, str]:
        """Stores the answer. Raises NotEntitled for somebody else's, AnswerError for none."""
        person = self._person(event.get("responded_by_user"))
        chosen = list(event.get("chosen_options") or ())
        if len(chosen) != 1 or chosen[0] not in OPTIONS:
            raise AnswerError("the answer is none of those that were offered")
        answer = OPTIONS[chosen[0]]
        remarks = str((event.get("params_input") or {}).get(REMARKS) or "")[:LONGEST]
        self._record(answer, person, remarks)
        log.info("Answered: usable %s, by %s", answer, person)
        return {"answer": str(answer), "answered_by": person}

    def _person(self, user: Mapping[str, Any] | None) -> str:
        known = [str((user or {}).get(key) or "") for key in ("id", "name")]
        for name in known:
            if name and name in self._respondents:
                return self._respondents[name]
        raise NotEntitled(
            "the answer is not that of the managing partner or the deputy",
            to=f"Airflow user {known[0] or 'unknown'}",
            todo="Clear this task: it asks again. See who may edit task instances and Required Actions.",
        )


def require_respondents(respondents: Mapping[str, str]) -> None:
    """Raises ConfigError where nobody may answer: a question without respondents is anybody's."""
    if not respondents:
        raise ConfigError(
            "nobody may answer whether the drill is usable",
            to="firm.yaml, people, key login of the managing partner",
            safe="Nothing was restored.",
            todo="Give the managing partner, or the deputy, the `login` under which Airflow knows him "
            "(with the FAB auth manager the user's number), then clear this task.",
        )
