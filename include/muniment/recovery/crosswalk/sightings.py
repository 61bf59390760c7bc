"""Sightings: what a naming source said of its matters, snapshot by snapshot. Plain data and its JSON form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from muniment.clock import from_text, to_text
from muniment.errors import FormatError
from muniment.model.value import Value


class Status(StrEnum):
    """What the naming source says of the work on a matter."""

    OPEN = "open"
    PENDING = "pending"
    CLOSED = "closed"
    UNKNOWN = "unknown"

    @property
    def active(self) -> bool:
        return self in (Status.OPEN, Status.PENDING)


class Sighting(Value, frozen=True):
    """One object of a naming source, as snapshot `seq`, which ended `at`, was the first to show it.

    `object` is the item id (hex) of its row; `matter` the opaque id of its number, empty where the object is gone.
    `client` is what the source calls the client's own row (`contacts/77`). `moved` counts items by the matter on the
    other side: of a new object where they were before, of one that is gone where they are now.
    Number and title stand in sealed objects only.
    """

    source: str
    object: str
    seq: int
    at: datetime
    matter: str
    client: str = ""
    status: Status = Status.UNKNOWN
    moved: tuple[tuple[str, int], ...] = ()

    @property
    def gone(self) -> bool:
        return not self.matter

    def says(self) -> tuple[str, str, Status]:
        """What of it makes another sighting when it changes."""
        return self.matter, self.client, self.status

    def as_dict(self) -> dict[str, Any]:
        return {
            "object": self.object,
            "seq": self.seq,
            "at": to_text(self.at),
            "matter": self.matter,
            "client": self.client,
            "status": self.status.value,
            "moved": [list(pair) for pair in self.moved],
        }

    @classmethod
    def of(cls, source: str, value: Mapping[str, Any]) -> Sighting:
        """Raises FormatError for what `as_dict` never gives."""
        try:
            return cls(
                source,
                str(value["object"]),
                int(value["seq"]),
                from_text(value["at"]),
                str(value["matter"]),
                str(value["client"]),
                Status(value["status"]),
                tuple((str(matter), int(count)) for matter, count in value["moved"]),
            )
        except (KeyError, TypeError, ValueError):
            raise FormatError("a recorded name of a matter is malformed") from None


class Bearer(Value, frozen=True):
    """One object of a naming source with its sightings, oldest first; never without one."""

    sightings: tuple[Sighting, ...]

    @property
    def source(self) -> str:
        return self.sightings[0].source

    @property
    def object(self) -> str:
        return self.sightings[0].object

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    @property
    def named(self) -> Sighting:
        """The last one that gave it a number."""
        return next((s for s in reversed(self.sightings) if not s.gone), self.last)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every opaque id it ever bore, in the order in which it got them."""
        return tuple(dict.fromkeys(s.matter for s in self.sightings if not s.gone))

    def at(self, moment: datetime) -> Sighting | None:
        """As it was; None before it was first seen."""
        return next((s for s in reversed(self.sightings) if s.at <= moment), None)

    def status_at(self, moment: datetime) -> Status:
        """Closed for one that is gone: nobody works on it there."""
        seen = self.at(moment)
        if seen is None:
            return Status.UNKNOWN
        return Status.CLOSED if seen.gone else seen.status


def bearers_of(sightings: Iterable[Sighting]) -> tuple[Bearer, ...]:
    """In the order of source and object, whatever the order of the sightings."""
    by_object: dict[tuple[str, str], list[Sighting]] = {}
    for sighting in sorted(sightings, key=lambda s: (s.source, s.object, s.seq)):
        by_object.setdefault((sighting.source, sighting.object), []).append(sighting)
    return tuple(Bearer(_changes(seen)) for _, seen in sorted(by_object.items()))


def _changes(seen: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Two who record at once may have written the same twice."""
    kept = [seen[0]]
    for sighting in seen[1:]:
        if sighting.says() != kept[-1].says():
            kept.append(sighting)
    return tuple(kept)
