"""Question: something that only some people may answer, in Airflow's Required Actions, and that counts when it is stored.

Airflow refuses the answer of whoever is not among the respondents. That is not relied upon: who answered is looked at once
more when the task goes on. A task that somebody marks as success has stored nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator

from muniment.airflow.failures import plainly
from muniment.errors import AnswerError, ConfigError, NotEntitled

log = logging.getLogger(__name__)

Told = dict[str, str]
Record = Callable[[str, str, Mapping[str, Any]], Told]
"""(option, person of firm.yaml, fields of the form) -> what was stored, without names."""
Recorded = Callable[[], Told | None]


class Question(HITLOperator):
    """Asks, and stores the answer.

    Args:
        respondents: Airflow user -> id of `people`; only they may answer. Empty: the task fails before it asks.
        who: whose answer it is, in words, for errors.
        choices: what may be answered.
        before: what is stored before anybody is asked.
        tell: has the respondents told that they are asked.
        record: stores the answer; whatever it raises leaves the question open.
        recorded: the answer that was stored already: then nobody is asked twice.
    """

    def __init__(
        self,
        *,
        respondents: Mapping[str, str],
        who: str,
        choices: Sequence[str],
        record: Record,
        recorded: Recorded,
        before: Callable[[], None] = lambda: None,
        tell: Callable[[], None] = lambda: None,
        **arguments: Any,
    ) -> None:
        self._respondents = dict(respondents)
        self._who = who
        self._choices = tuple(choices)
        self._before = before
        self._tell = tell
        self._record = record
        self._recorded = recorded
        super().__init__(
            options=list(choices),
            assigned_users=[{"id": user, "name": user} for user in respondents],
            **arguments,
        )

    @plainly
    def execute(self, context: Any) -> Any:
        require_answerable(self._respondents, self._who)
        self._before()
        given = self._recorded()
        if given is not None:
            log.info("Answered before: %s", _said(given))
            return given
        self._tell()
        return super().execute(context)

    @plainly
    def execute_complete(self, context: Any, event: dict[str, Any]) -> Told:
        """Stores the answer. Raises NotEntitled for somebody else's, AnswerError for none."""
        person = self._person(event.get("responded_by_user"))
        chosen = list(event.get("chosen_options") or ())
        if len(chosen) != 1 or chosen[0] not in self._choices:
            raise AnswerError("the answer is none of those that were offered")
        given = self._record(str(chosen[0]), person, event.get("params_input") or {})
        log.info("Answered: %s", _said(given))
        return given

    def _person(self, user: Mapping[str, Any] | None) -> str:
        known = [str((user or {}).get(key) or "") for key in ("id", "name")]
        for name in known:
            if name and name in self._respondents:
                return self._respondents[name]
        raise NotEntitled(
            f"the answer is not that of {self._who}",
            to=f"Airflow user {known[0] or 'unknown'}",
            todo="Clear this task: it asks again. See who may edit task instances and Required Actions.",
        )


def _said(given: Told) -> str:
    return ", ".join(f"{name} {value}" for name, value in given.items())


def require_answerable(respondents: Mapping[str, str], who: str) -> None:
    """Raises ConfigError where nobody may answer: a question without respondents is anybody's."""
    if not respondents:
        raise ConfigError(
            f"nobody may answer for {who}",
            to="firm.yaml, people, key login",
            safe="Nothing was read and nothing was changed.",
            todo="Give that person the `login` under which Airflow knows him (with the FAB auth manager the user's number),"
            " then clear this task.",
        )
