"""Matter: the legal noun that a restore is asked for."""

from __future__ import annotations

from muniment.model.value import Value

UNASSIGNED = ""
"""The matter id of items that no rule maps: kept, restorable, and counted."""


class MatterName(Value, frozen=True):
    """What people call a matter. Stands only inside sealed objects and entitled hands."""

    matter_id: str
    number: str
    title: str = ""
