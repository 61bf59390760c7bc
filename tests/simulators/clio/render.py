"""Rows as the API shows them: what was asked for, references followed, what is computed computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulators.clio import derived
from tests.simulators.clio.fields import Plan
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import View


class Renderer:
    """`sees` says whether the reader may see a row; what it may not is cut down to id and etag where it is
    nested in another (platform.yaml: changes_2026, 4.0.9: contacts are filtered and redacted)."""

    def __init__(self, view: View, sees: Callable[[Ref], bool] | None = None) -> None:
        self.view = view
        self._sees = sees

    def row(self, plan: Plan, ref: Ref | None, row: Row) -> dict[str, Any]:
        computed = derived.OF.get(plan.schema)
        shown: dict[str, Any] = {}
        for part in plan.parts:
            name = part.name
            how = computed.get(name) if computed is not None else None
            value = row.get(name) if how is None else how(self.view, ref, row)
            if part.inner is not None:
                if part.many:
                    several = (self._one(part.inner, one) for one in value or ())
                    shown[name] = [one for one in several if one is not None]
                else:
                    shown[name] = None if value is None else self._one(part.inner, value)
            else:
                shown[name] = value
        return shown

    def _one(self, plan: Plan, value: Any) -> dict[str, Any] | None:
        if type(value) is not Ref:
            return self.row(plan, None, value)
        row = self.view.store.at(value)
        if row is None:
            return None
        if self._sees is not None and not self._sees(value):
            row = {"id": row["id"], "etag": row["etag"]}
            return {part.name: row.get(part.name) for part in plan.parts}
        return self.row(plan, value, row)
