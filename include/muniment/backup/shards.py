"""Shards: how much work one run takes, and how it is cut into parts that stand alone."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from msgspec import field

from muniment.backup.options import MAX_SHARDS, BackupOptions
from muniment.backup.work import ShardRef
from muniment.backup.works import Group, Works
from muniment.model.value import Mutable

ROWS, FILES = "rows", "files"
"""The parts of an API: what the listing brought, and what must be fetched."""


def within_limit(
    work: Works, options: BackupOptions, *, busy: bool = False
) -> tuple[Sequence[int], int]:
    """The places of as much work as one run may take, smallest first, and how many items are left over.

    Smallest first, so that documents are safe before a mailbox of a terabyte is; and rows, which are at
    hand, before what must be fetched one by one. In `busy` hours only a shard is fetched.
    """
    bytes_, fetches = options.run_limit_bytes, options.run_limit_fetches
    if busy:
        fetches = min(fetches, options.shard_fetches)
    if sum(work.costs) <= bytes_ and _fetches(work) <= fetches:
        return range(len(work)), 0
    taken = array("I")
    is_fetched = [group.fetched for group in work.groups]
    for fetched in (False, True):
        places = array("I", (at for at, n in enumerate(work.group_of) if is_fetched[n] is fetched))
        costs = sorted(map(work.costs.__getitem__, places))
        number = 0
        for cost in costs:
            bytes_ -= cost
            # One item larger than the limit is still taken, alone, or it would never be.
            if (taken or number) and (bytes_ < 0 or (fetched and number >= fetches)):
                break
            number += 1
        taken += _smallest(work, places, costs, number)
        if number < len(costs):
            break
    return taken, len(work) - len(taken)


def _smallest(work: Works, places: array[int], costs: list[int], number: int) -> array[int]:
    """The `number` cheapest of `places`, those that came first where they cost the same; `costs` are sorted."""
    if number == len(costs):
        return places
    most = costs[number]
    equal = number - bisect_left(costs, most, 0, number)
    taken = array("I")
    for place in places:
        cost = work.costs[place]
        if cost < most:
            taken.append(place)
        elif cost == most and equal:
            taken.append(place)
            equal -= 1
    return taken


def _fetches(work: Works) -> int:
    return sum(number for group, number in work.count().items() if group.fetched)


class _Shard(Mutable):
    """A shard while it is filled."""

    places: array[int] = field(default_factory=lambda: array("I"))
    groups: list[Group] = field(default_factory=list)
    bytes: int = 0

    def ref(self, number: int) -> ShardRef:
        return ShardRef(f"{number:03d}", len(self.places), self.bytes, self._about())

    def _about(self) -> str:
        """Which part of an API it is, by opaque ids; empty for a source that is read in place."""
        first = self.groups[0]
        if not first.placed:
            return ""
        part = FILES if first.fetched else ROWS
        matters = {group.matter for group in self.groups}
        if len(matters) == 1:
            return f"{part} of {first.matter or 'no matter'}"
        return f"{part} of {len(matters - {''}):,} matters"


def cut(
    work: Works, places: Sequence[int], options: BackupOptions
) -> Iterator[tuple[ShardRef, Sequence[int]]]:
    """Cuts the work at these places by bytes, number and requests, neighbours together (same part, key and matter,
    then as the listing had them)."""
    costs = work.costs
    grouped = _grouped(work, places)
    fetches = sum(len(members) for group, members in grouped if group.fetched)
    size = max(options.shard_bytes, -(-sum(map(costs.__getitem__, places)) // MAX_SHARDS))
    least = -(-len(places) // MAX_SHARDS)
    most = max(options.shard_items, least)
    rows = max(min(options.shard_items, options.shard_rows), least)
    requests = max(options.shard_fetches, -(-fetches // MAX_SHARDS))
    current, number = _Shard(), 0
    for group, members in grouped:
        limit = requests if group.fetched else rows if group.placed else most
        if current.groups and current.groups[-1].fetched != group.fetched:
            number += 1
            yield current.ref(number), current.places
            current = _Shard()
        for place in members:
            cost = costs[place]
            if current.places and (current.bytes + cost > size or len(current.places) >= limit):
                number += 1
                yield current.ref(number), current.places
                current = _Shard()
            if not current.places or current.groups[-1] is not group:
                current.groups.append(group)
            current.places.append(place)
            current.bytes += cost
    if current.places:
        yield current.ref(number + 1), current.places


def _grouped(work: Works, places: Sequence[int]) -> list[tuple[Group, array[int]]]:
    """The places of each group, in order of the groups."""
    members: list[array[int]] = [array("I") for _ in work.groups]
    group_of = work.group_of
    for place in places:
        members[group_of[place]].append(place)
    return sorted((g, m) for g, m in zip(work.groups, members, strict=True) if m)
