"""Rows, every change to them, and the state at any moment.

A row is a plain mapping and is never altered once it is in the store. References to other rows are `Ref`s; the
store knows who refers to whom, which makes filters such as `matter_id` quick. Ids are whole numbers, given out
per collection and never again: collections share the numbers, as a client that mixes them up should notice.
"""

from __future__ import annotations

import bisect
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

FIRST_ID = 101
# Folders and documents are listed together as items, in the order of their ids (resources.yaml: folders/list).
SHARED_NUMBERS = {"documents": "items", "folders": "items"}

Row = Mapping[str, Any]


class Ref(NamedTuple):
    """A row, by where it is."""

    collection: str
    id: int


@dataclass(frozen=True)
class Change:
    """`row` is None where the row went away."""

    sequence: int
    at: datetime
    collection: str
    id: int
    action: str
    row: Row | None


class Store:
    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self._ids: dict[str, list[int]] = defaultdict(list)
        self._next: dict[str, int] = defaultdict(lambda: FIRST_ID)
        self._referrers: dict[tuple[str, str, Ref], set[int]] = defaultdict(set)

    @property
    def sequence(self) -> int:
        """The number of the last change; 0 before the first."""
        return self.changes[-1].sequence if self.changes else 0

    def new_id(self, collection: str) -> int:
        numbers = SHARED_NUMBERS.get(collection, collection)
        given = self._next[numbers]
        self._next[numbers] = given + 1
        return given

    # -- reading ---------------------------------------------------------------------------------
    def get(self, collection: str, id_: int) -> Row | None:
        return self._rows[collection].get(id_)

    def at(self, ref: Ref | None) -> Row | None:
        return None if ref is None else self._rows[ref.collection].get(ref.id)

    def ids(self, collection: str) -> list[int]:
        """Ascending. The caller does not alter it."""
        return self._ids[collection]

    def rows(self, collection: str) -> Iterator[tuple[int, Row]]:
        """By ascending id."""
        held = self._rows[collection]
        return ((id_, held[id_]) for id_ in list(self._ids[collection]))

    def collections(self) -> list[str]:
        return sorted(name for name, held in self._rows.items() if held)

    def count(self, collection: str) -> int:
        return len(self._ids[collection])

    def referrers(self, collection: str, field: str, target: Ref) -> list[int]:
        """The ids of the rows of `collection` whose `field` refers to `target`, ascending."""
        return sorted(self._referrers.get((collection, field, target), ()))

    # -- writing ---------------------------------------------------------------------------------
    def put(
        self, at: datetime, collection: str, id_: int, row: dict[str, Any], action: str
    ) -> Change:
        before = self._rows[collection].get(id_)
        if before is None:
            bisect.insort(self._ids[collection], id_)
            numbers = SHARED_NUMBERS.get(collection, collection)
            self._next[numbers] = max(self._next[numbers], id_ + 1)
        else:
            self._unlink(collection, id_, before)
        self._rows[collection][id_] = row
        self._link(collection, id_, row)
        return self._note(at, collection, id_, action, row)

    def remove(self, at: datetime, collection: str, id_: int, action: str = "deleted") -> Change:
        before = self._rows[collection].pop(id_)
        self._ids[collection].remove(id_)
        self._unlink(collection, id_, before)
        return self._note(at, collection, id_, action, None)

    def _note(
        self, at: datetime, collection: str, id_: int, action: str, row: Row | None
    ) -> Change:
        change = Change(self.sequence + 1, at, collection, id_, action, row)
        self.changes.append(change)
        return change

    def _link(self, collection: str, id_: int, row: Row) -> None:
        for field, target in _references(row):
            self._referrers[(collection, field, target)].add(id_)

    def _unlink(self, collection: str, id_: int, row: Row) -> None:
        for field, target in _references(row):
            self._referrers[(collection, field, target)].discard(id_)

    # -- history ---------------------------------------------------------------------------------
    def as_of(self, sequence: int) -> Store:
        """A store of its own, as this one was right after change `sequence`."""
        past = Store()
        for change in self.changes:
            if change.sequence > sequence:
                break
            if change.row is None:
                past.remove(change.at, change.collection, change.id, change.action)
            else:
                past.put(change.at, change.collection, change.id, dict(change.row), change.action)
        return past


class Overlay(Store):
    """Rows that are only worked out for one answer, over a store that the rest is read from."""

    def __init__(self, below: Store, collection: str, rows: dict[int, Row]) -> None:
        super().__init__()
        self._below = below
        self._rows[collection] = rows
        self._ids[collection] = sorted(rows)
        self._over = collection

    def get(self, collection: str, id_: int) -> Row | None:
        return (
            super().get(collection, id_)
            if collection == self._over
            else self._below.get(collection, id_)
        )

    def at(self, ref: Ref | None) -> Row | None:
        return None if ref is None else self.get(ref.collection, ref.id)

    def ids(self, collection: str) -> list[int]:
        return super().ids(collection) if collection == self._over else self._below.ids(collection)

    def rows(self, collection: str) -> Iterator[tuple[int, Row]]:
        return (
            super().rows(collection) if collection == self._over else self._below.rows(collection)
        )

    def referrers(self, collection: str, field: str, target: Ref) -> list[int]:
        return self._below.referrers(collection, field, target)


def _references(row: Row) -> Iterator[tuple[str, Ref]]:
    for field, value in row.items():
        if type(value) is Ref:
            yield field, value
        elif type(value) is list:
            for one in value:
                if type(one) is Ref:
                    yield field, one


def etag_of(collection: str, id_: int | str, version: int | str) -> str:
    """platform.yaml: etags.body_field - a text that includes its quotes."""
    digest = hashlib.md5(f"{collection}/{id_}/{version}".encode(), usedforsecurity=False)
    return f'"{digest.hexdigest()}"'
