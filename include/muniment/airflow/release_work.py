"""ReleaseWork: what `approve` has the engine do, for the plan that lies before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muniment.errors import PlanChanged

if TYPE_CHECKING:
    from muniment.airflow.restore_tasks import RestoreTasks
    from muniment.recovery.release.book import Release


class ReleaseWork:
    """`planned` is what the task `plan` left. Whoever changes it changes what is asked for, or is told so: the
    digest that was put to the approvers stands in the vault."""

    def __init__(self, tasks: RestoreTasks, planned: dict[str, Any] | None) -> None:
        if not planned:
            raise PlanChanged("the plan is gone", todo="Clear the task `plan` too.")
        self._tasks = tasks
        self._planned = planned
        self._digest = tasks.digest_of(planned)

    def ask(self) -> tuple[str, str] | None:
        return self._tasks.ask(self._planned)

    def released(self) -> Release | None:
        return self._tasks.gate.released(self._digest)

    def approve(self, *names: object) -> Release:
        gate = self._tasks.gate
        return gate.approve(self._digest, gate.party(*names))

    def refuse(self, *names: object) -> None:
        gate = self._tasks.gate
        gate.refuse(self._digest, gate.party(*names))

    def break_glass(self, *names: object) -> Release | None:
        gate = self._tasks.gate
        return gate.break_glass(self._digest, gate.party(*names))
