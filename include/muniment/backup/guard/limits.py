"""Limits: what a firm may set for a source (docs/CONFIGURATION.md, `anomaly`)."""

from __future__ import annotations

from muniment.model.value import Value


class Limits(Value, frozen=True):
    """Numbers of items and shares; what each is a limit of, and what else must be passed: `judge`."""

    spoiled_items: int = 20
    spoiled_share: float = 0.25
    deleted_share: float = 0.2
    changed_share: float = 0.25
    note_folders: int = 3
