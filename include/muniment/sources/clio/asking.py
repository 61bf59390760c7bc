"""Asking: how a collection is asked for on a day. A pure function of what is remembered and of the hour.

    WHOLE     every row with every field: one request for 200 rows, and nothing can be missed.
    SWEEP     every row's id, etag and computed fields, then the changed rows: as many requests, a fiftieth of
              the bytes. Only where WHOLE is many pages: of few, the second question would cost more.
    CHANGES   what changed since the newest change that was seen, with an overlap. Tells no deletion.

Whatever a sweep cannot see (a change that moves no etag: a renumbered matter, a renamed folder) WHOLE sees, once
a week at the latest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from muniment.clock import from_text, to_text
from muniment.sources.base import Known
from muniment.sources.clio.table import Resource


class How(Enum):
    WHOLE = "whole"
    SWEEP = "sweep"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When everything is compared, when deletions are looked for, how far changes overlap.

    `few_pages` is up to how many pages a collection is always read whole: above it the requests for what
    changed are less than a twentieth of those of a sweep on an ordinary day.
    """

    whole: timedelta = timedelta(days=7)
    sweep: timedelta = timedelta(hours=20)
    overlap: timedelta = timedelta(minutes=10)
    few_pages: int = 40


WHOLE, SWEPT, NEWEST = "whole", "swept", "newest"


def how(resource: Resource, known: Known, now: datetime, rows: int, rhythm: Rhythm) -> How:
    """`rows` is how many of the collection the last snapshot has."""
    memory = known.memory
    whole, swept = at(memory, WHOLE, resource.name), at(memory, SWEPT, resource.name)
    if resource.single or whole is None or swept is None or now - whole >= rhythm.whole:
        return How.WHOLE
    if now - swept < rhythm.sweep:
        newest = at(memory, NEWEST, resource.name)
        return How.CHANGES if resource.since and newest is not None else How.WHOLE
    many = rows > rhythm.few_pages * resource.limit
    return How.SWEEP if many and resource.ids and "etag" in resource.fields else How.WHOLE


def at(memory: Mapping[str, str], what: str, resource: str) -> datetime | None:
    try:
        return from_text(memory[f"{what}:{resource}"])
    except (KeyError, ValueError):
        return None


def remember(
    known: Known, resource: Resource, done: How, began: datetime, newest: datetime | None
) -> None:
    """For the next run: what was done, and the newest change that was seen, by the vendor's clock."""
    memory = known.memory
    whole = began if done is How.WHOLE else at(memory, WHOLE, resource.name)
    swept = at(memory, SWEPT, resource.name) if done is How.CHANGES else began
    before = at(memory, NEWEST, resource.name)
    latest = max((each for each in (newest, before) if each is not None), default=None)
    for what, moment in ((WHOLE, whole), (SWEPT, swept), (NEWEST, latest)):
        if moment is not None:
            known.remember(f"{what}:{resource.name}", to_text(moment))
