"""Look: one audit of a tenant, as its steps share it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from muniment.clock import to_text
from muniment.sources.audit import Held, Testimony, Told, Witness
from muniment.sources.m365.audit_rows import nanoseconds
from muniment.sources.m365.audit_wire import Questions

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a backup has on purpose. `left_out` are users by id or address, in small letters; `versions` how many older
    ones of a file are kept."""

    services: Collection[str]
    left_out: Collection[str] = ()
    versions: int = 0


@dataclass
class Look:
    """`users` are the ids of all whose mailbox and drive are backed up, `everybody` whether that is all of them; `boxes` are
    those whose mailboxes are looked into, `every_box` whether these are all."""

    ask: Questions
    held: Held
    since: datetime
    rng: Random
    scope: Scope
    found: Testimony = field(default_factory=Testimony)
    users: list[str] = field(default_factory=list)
    everybody: bool = False
    boxes: list[str] = field(default_factory=list)
    every_box: bool = False
    _seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.since_ns = int(self.since.timestamp()) * 10**9

    @property
    def moment(self) -> str:
        """When the backup began, as a filter has it."""
        return to_text(self.since)[:19] + "Z"

    # -- draws -------------------------------------------------------------------------------------
    def there(self, kind: str, most: int) -> list[bytes]:
        """Some of what the vault has."""
        return self.drawn(self.held.there.get(kind, ()), most)

    def gone(self, kind: str, most: int) -> list[bytes]:
        """Some of what it says is gone."""
        return self.drawn(self.held.gone.get(kind, ()), most)

    def drawn(self, held: Sequence[Any], most: int) -> list[Any]:
        return list(held) if len(held) <= most else self.rng.sample(list(held), most)

    # -- what was seen -----------------------------------------------------------------------------
    def saw(
        self, kind: str, native: bytes, row: Row | None = None, *, created: int = 0, touched: int = 0, settled: bool = False,
        body: object = None, digest: bytes | None = None, size: int | None = None,
    ) -> None:  # fmt: skip
        """An item that is there, the first time that it is told. Its dates are those of `row`, where they are not given."""
        if native in self._seen:
            return
        self._seen.add(native)
        if row is not None:
            created = created or nanoseconds(row.get("createdDateTime"))
            touched = touched or nanoseconds(row.get("lastModifiedDateTime"))
        content = (
            body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        )
        self.found.witnesses.append(
            Witness(
                kind, native, created_ns=created, touched_ns=touched, settled=settled, body=content,
                digest=digest, size=size,
            )
        )  # fmt: skip

    def saw_of(
        self, kind: str, native: bytes, row: Row, *, body: object = None, digest: bytes | None = None, size: int | None = None
    ) -> None:  # fmt: skip
        """What belongs to a row, and of which the vault keeps no date: whether anybody touched it, the row says."""
        touched = nanoseconds(row.get("lastModifiedDateTime")) if self.is_touched(row) else 0
        made = nanoseconds(row.get("createdDateTime"))
        self.saw(
            kind, native, created=made, touched=touched, settled=not touched, body=body, digest=digest, size=size
        )  # fmt: skip

    def did_not_see(self, kind: str, native: bytes) -> None:
        if native not in self._seen:
            self._seen.add(native)
            self.found.witnesses.append(Witness(kind, native, there=False))

    def was_seen(self, native: bytes) -> bool:
        return native in self._seen

    def by_id(self, kind: str, natives: Sequence[bytes], path: Callable[[tuple[str, ...]], str], select: str) -> Iterator[tuple[bytes, Row]]:  # fmt: skip
        """Asks for items by their ids; those that are not there are told, the others are given."""
        asked = [(path(ids_in(native)), {"$select": select} if select else {}) for native in natives]  # fmt: skip
        for native, (status, row) in zip(natives, self.ask.many(asked), strict=True):
            if status == 404:
                self.did_not_see(kind, native)
            elif status == 200 and isinstance(row, dict):
                yield native, row
            else:
                self.found.unseen += 1

    def told(self, kind: str, total: int | None, created: int | None, touched: int | None) -> None:
        self.found.told.append(Told(kind, total, created, touched))

    def is_new(self, row: Row) -> bool:
        return nanoseconds(row.get("createdDateTime")) >= self.since_ns

    def is_touched(self, row: Row) -> bool:
        return nanoseconds(row.get("lastModifiedDateTime")) >= self.since_ns


def ids_in(native: bytes) -> tuple[str, ...]:
    return tuple(native.decode().split("/")[1:])
