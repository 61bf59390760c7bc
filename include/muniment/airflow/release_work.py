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
        self._gate = tasks.gate
        self._wanted = tasks.wanted(planned)

    def ask(self) -> tuple[str, str] | None:
        return self._gate.ask(self._wanted)

    def released(self) -> Release | None:
        return self._gate.released(self._wanted)

    def approve(self, *names: object) -> Release | None:
        return self._gate.approve(self._wanted, self._gate.party(*names))

    def refuse(self, *names: object) -> None:
        self._gate.refuse(self._wanted, self._gate.party(*names))

    def break_glass(self, *names: object) -> Release | None:
        return self._gate.break_glass(self._wanted, self._gate.party(*names))
