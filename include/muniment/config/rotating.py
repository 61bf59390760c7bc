"""Rotating: what is usual in a folder whose files are replaced each night, and would be an alarm anywhere else.

A product that keeps two sets of three hundred files deletes half of them a night. So their number says nothing; that a
job's sets are gone is told by the source itself, which knows what a set is.
"""

from __future__ import annotations

from muniment.config.policy import SourceOptions

_NEVER = 2.0
"""A share that no run reaches."""


def as_rotating(given: SourceOptions) -> SourceOptions:
    """The options of a source whose files come and go; what firm.yaml says itself stays."""
    deletion, anomaly = given.mass_deletion, given.anomaly
    if "mass_deletion" not in given.model_fields_set:
        deletion = deletion.model_copy(update={"share": _NEVER})
    usual = {
        name: _NEVER
        for name in ("deleted_share", "changed_share")
        if name not in anomaly.model_fields_set
    }
    return given.model_copy(
        update={"mass_deletion": deletion, "anomaly": anomaly.model_copy(update=usual)}
    )
