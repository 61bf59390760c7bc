"""Gone: sources of client money that the inventory no longer has, and that are watched on. Pure.

A row that was deleted, or spoiled, would otherwise end the alarm with the backup. It ends when a person
says in the inventory what is to be: the row stands there with another who backs it up, or with
`trust_data` no.
"""

from __future__ import annotations

from collections.abc import Mapping

from muniment.alerts.facts import WatchedSource
from muniment.config.load import FirmConfig


def gone(known: Mapping[str, WatchedSource], config: FirmConfig) -> list[WatchedSource]:
    """Of the sources that the evidence knows as watched: those of client money that are not backed up
    any more, and of which nobody said that they need not be."""
    present = {row.source_id for row in config.protected}
    said = {
        row.source_id
        for row in config.rows
        if not row.by_muniment and (row.backup_method.covers or not row.trust_data)
    }
    return [
        watched
        for source, watched in sorted(known.items())
        if watched.trust and source not in present and source not in said
    ]
