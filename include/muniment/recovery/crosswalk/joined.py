"""Joined: which opaque ids are one matter, and what is said where that cannot be told. Pure functions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from muniment.model.value import Value
from muniment.recovery.crosswalk.sightings import Bearer, Sighting, Status, bearers_of


class Joined(Value, frozen=True):
    """A matter as it is asked for.

    `matter` is its newest id, `also` the other ones; all of them are its own and nobody else's. `doubtful` are ids that it
    bore and that another matter bore too: what lies under them is not given as this one's. `notes` say in words what the
    crosswalk does not decide.
    """

    matter: str
    also: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.matter, *self.also)


class Merge(Value, frozen=True):
    """A matter whose object is gone from its naming source, and where its items were after that."""

    of: Bearer
    into: tuple[tuple[str, int], ...]
    at: datetime


class Split(Value, frozen=True):
    """A matter whose object was new and had items that were another matter's before."""

    of: tuple[tuple[str, int], ...]
    into: Bearer
    at: datetime


class Crosswalk(Value, frozen=True, dict=True):
    """All that the naming sources of a firm said up to now."""

    bearers: tuple[Bearer, ...] = ()

    @classmethod
    def from_sightings(cls, sightings: Iterable[Sighting]) -> Crosswalk:
        return cls(bearers_of(sightings))

    @cached_property
    def _by_id(self) -> dict[str, list[Bearer]]:
        found: dict[str, list[Bearer]] = defaultdict(list)
        for bearer in self.bearers:
            for matter in bearer.ids:
                found[matter].append(bearer)
        return found

    @cached_property
    def shared(self) -> frozenset[str]:
        """Ids that two objects of one source bore, at one time or one after another."""
        return frozenset(
            matter
            for matter, bearers in self._by_id.items()
            if max(Counter(b.source for b in bearers).values()) > 1
        )

    @cached_property
    def _met(self) -> dict[tuple[str, str], list[Bearer]]:
        group: dict[tuple[str, str], list[Bearer]] = {_key(b): [b] for b in self.bearers}
        for matter, bearers in self._by_id.items():
            if matter in self.shared:
                continue
            met = group[_key(bearers[0])]
            for bearer in bearers[1:]:
                other = group[_key(bearer)]
                if other is not met:
                    met.extend(other)
                    for each in other:
                        group[_key(each)] = met
        return group

    @cached_property
    def unjoined(self) -> tuple[str, ...]:
        """Ids of objects that would be one matter by what several sources say together, and are two in one of them."""
        return tuple(
            sorted({b.named.matter for b in self.bearers if not _one_each(self._met[_key(b)])})
        )

    @cached_property
    def _groups(self) -> dict[tuple[str, str], tuple[Bearer, ...]]:
        """By source and object: the objects that are one matter. Sources meet in ids that are not shared; where two
        objects of one source would meet in that way, nothing is joined."""
        return {
            key: tuple(sorted(met, key=_key)) if _one_each(met) else (bearer,)
            for bearer in self.bearers
            for key in (_key(bearer),)
            for met in (self._met[key],)
        }

    def of(self, matter: str) -> tuple[Bearer, ...]:
        """The objects that ever bore an id."""
        return tuple(self._by_id.get(matter, ()))

    def group(self, bearer: Bearer) -> tuple[Bearer, ...]:
        """The objects of all sources that are the same matter, this one among them."""
        return self._groups[_key(bearer)]

    def join(self, matter: str) -> Joined:
        """The matter that an id names, at whatever time it bore it.

        An id that nobody bore, or that several did, stands for itself alone.
        """
        bearers = self.of(matter)
        if not bearers:
            return Joined(matter)
        if matter in self.shared or len({_key(self.group(b)[0]) for b in bearers}) > 1:
            return Joined(matter, notes=(_SHARED,))
        met = self.group(bearers[0])
        ids = _newest_first(met)
        own = [each for each in ids if each not in self.shared]
        doubtful = tuple(each for each in ids if each in self.shared)
        return Joined(own[0], tuple(own[1:]), doubtful, (*self._told(met), *_doubts(doubtful)))

    def _told(self, met: Sequence[Bearer]) -> list[str]:
        notes = []
        for bearer in met:
            if _key(bearer) in self._merged:
                told = _counted(bearer.last.moved)
                notes.append(
                    f"its naming source has no such matter any more; of what it had, {told or 'nothing'} is under "
                    "another matter now and is not given as this one's"
                )
            if _key(bearer) in self._split:
                of = _counted(bearer.sightings[0].moved)
                notes.append(f"it began with items of another matter: {of}")
        return notes

    def status(self, ids: Iterable[str], moment: datetime) -> Status | None:
        """The most active thing that anybody says of a matter at a time; None where no naming source knows it."""
        said = {b.status_at(moment) for each in ids for b in self.of(each)}
        for status in (Status.OPEN, Status.PENDING, Status.UNKNOWN, Status.CLOSED):
            if status in said:
                return status
        return None

    def merges(self) -> list[Merge]:
        """Of every object that is gone, whether or not anything moved."""
        return list(self._merged.values())

    def splits(self) -> list[Split]:
        return list(self._split.values())

    @cached_property
    def _merged(self) -> dict[tuple[str, str], Merge]:
        return {_key(b): Merge(b, b.last.moved, b.last.at) for b in self.bearers if b.last.gone}

    @cached_property
    def _split(self) -> dict[tuple[str, str], Split]:
        return {
            _key(b): Split(first.moved, b, first.at)
            for b in self.bearers
            if (first := b.sightings[0]).moved and not first.gone
        }

    def claims(self, moment: datetime) -> dict[str, tuple[Bearer, ...]]:
        """Id -> the objects that bear it at a time."""
        found: dict[str, list[Bearer]] = defaultdict(list)
        for bearer in self.bearers:
            seen = bearer.at(moment)
            if seen is not None and not seen.gone:
                found[seen.matter].append(bearer)
        return {matter: tuple(bearers) for matter, bearers in found.items()}


_SHARED = (
    "this number was borne by more than one matter of the naming source; what lies under the number is given, and what "
    "those matters have under other numbers is not"
)


def _doubts(doubtful: Sequence[str]) -> list[str]:
    return [
        f"it also bore {matter}, as another matter did: what lies under that is not given as this one's"
        for matter in doubtful
    ]


def _counted(pairs: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} under {matter}" for matter, count in pairs)


def _key(bearer: Bearer) -> tuple[str, str]:
    return bearer.source, bearer.object


def _one_each(met: Sequence[Bearer]) -> bool:
    return max(Counter(b.source for b in met).values()) == 1


def _newest_first(met: Iterable[Bearer]) -> list[str]:
    """The ids of a matter, the one that was given last first."""
    given = sorted({(s.at, s.matter) for b in met for s in b.sightings if not s.gone}, reverse=True)
    return list(dict.fromkeys(matter for _, matter in given))
