"""Naming: what the snapshots of a naming source say of its matters, read delta by delta.

To add a system that names matters (a document system with an object for each): a reader of its row's bytes in
`READERS`, by the kind of the row, and its `system` in `SYSTEMS`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import field
from msgspec.structs import replace

from muniment.errors import (
    FormatError,
    IntegrityError,
    MunimentError,
    NoKey,
    ObjectMissing,
    SealError,
)
from muniment.model.item import Row
from muniment.model.value import Mutable
from muniment.recovery.crosswalk.sightings import Sighting, Status
from muniment.recovery.selected import open_rows
from muniment.vault import names
from muniment.vault.history import CommitRecord, History
from muniment.vault.pack_reader import PartReader
from muniment.vault.rows import AnyRow, Gone
from muniment.vault.snapshots import read_rows
from muniment.vault.vault import Vault

if TYPE_CHECKING:
    from muniment.config.load import FirmConfig
    from muniment.vault.state import State


class Profile(NamedTuple):
    """What a row says of its matter beside the number."""

    status: Status = Status.UNKNOWN
    client: str = ""


def _of_clio(data: Mapping[str, Any]) -> Profile:
    client = data.get("client")
    reference = client.get("id") if isinstance(client, Mapping) else None
    return Profile(
        _status(data.get("status")),
        f"contacts/{reference}" if reference is not None else "",
    )


def _status(said: object) -> Status:
    try:
        return Status(str(said).lower())
    except ValueError:
        return Status.UNKNOWN


READERS: Mapping[str, Callable[[Mapping[str, Any]], Profile]] = {"matters": _of_clio}
"""Kind of a row that stands for a matter -> what is read from its JSON."""

SYSTEMS = frozenset({"clio"})
"""Systems of the inventory that have such rows."""


def naming_sources(config: FirmConfig) -> tuple[str, ...]:
    """The sources of the inventory that have an object for each matter."""
    return tuple(row.source_id for row in config.protected if row.system in SYSTEMS)


_UNREADABLE = (ObjectMissing, IntegrityError, FormatError, SealError)


class Known(Mutable):
    """How far a naming source was followed: through snapshot `seq`, and the last sighting of each object."""

    seq: int = 0
    objects: dict[str, Sighting] = field(default_factory=dict)

    @classmethod
    def from_sightings(cls, sightings: Iterable[Sighting], seq: int) -> Known:
        known = cls(seq)
        for sighting in sorted(sightings, key=lambda s: s.seq):
            known.objects[sighting.object] = sighting
        return known


class _News(Mutable):
    """What one snapshot says that the one before did not."""

    named: dict[str, Row] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    matters: dict[bytes, str] = field(default_factory=dict)
    """Item id -> matter, of every item that is in the news."""


def follow(vault: Vault, history: History, known: Known) -> list[Sighting]:
    """What changed in the trusted snapshots after `known.seq`, in their order; `known` is carried on to the newest.

    A snapshot whose rows are gone (forgotten and swept) is passed over: the next whole one says what it left.

    Raises NoKey when no row opens, StoreError when the store does not answer.
    """
    found: list[Sighting] = []
    whole = known.seq == 0
    for record in history.trusted:
        if record.seq <= known.seq:
            continue
        before = known.seq
        news = None if whole else _delta(vault, history, record)
        if news is None:
            news = _everything(vault, history, record, known)
        if news is None:
            whole = True
            continue
        fresh = _sightings(vault, history, record, news, known)
        if before and not whole:
            fresh = _with_moves(vault, history, before, news, fresh, known)
        for sighting in fresh:
            known.objects[sighting.object] = sighting
        found += fresh
        known.seq = record.seq
        whole = False
    return found


# -- rows ------------------------------------------------------------------------------------------


def _delta(vault: Vault, history: History, record: CommitRecord) -> _News | None:
    """The rows of one commit alone; None where some of them are not there any more."""
    news = _News()
    for described in record.commit.snapshots:
        try:
            identity = vault.keyring.identity(described.key_id)
        except NoKey:
            if names.matter_of_key(described.key_id):
                continue
            raise
        try:
            rows = read_rows(
                vault.store, [identity], vault.vault_id, history.source,
                described.snapshot, described.size,
            )  # fmt: skip
            _take(rows, news)
        except _UNREADABLE:
            return None
    return news


def _take(rows: Iterable[AnyRow], news: _News) -> None:
    for row in rows:
        if isinstance(row, Row):
            news.matters[row.item_id] = row.matter
            if row.kind in READERS:
                news.named[row.item_id.hex()] = row
        elif isinstance(row, Gone):
            news.gone.add(row.item_id.hex())
    # An item that went to another key is gone from one object and there in another.
    news.gone -= {item_id.hex() for item_id in news.matters}


def _everything(vault: Vault, history: History, record: CommitRecord, known: Known) -> _News | None:
    """A whole snapshot held against what is known; None where it cannot be read."""
    try:
        snapshot = open_rows(vault, history, record, ())
    except NoKey:
        raise
    except _UNREADABLE:
        return None
    news = _News()
    for row in snapshot.items.values():
        if row.kind in READERS:
            news.named[row.item_id.hex()] = row
    closed = {names.matter_of_key(key_id) for key_id in snapshot.sealed_away}
    news.gone = {
        object_
        for object_, last in known.objects.items()
        if not last.gone and object_ not in news.named and last.matter not in closed
    }
    return news


# -- sightings -------------------------------------------------------------------------------------


def _sightings(
    vault: Vault, history: History, record: CommitRecord, news: _News, known: Known
) -> list[Sighting]:
    at = record.commit.ended_at
    profiles = _profiles(vault, history, record, news.named)
    fresh = []
    for object_, row in sorted(news.named.items()):
        profile = profiles.get(object_, Profile())
        sighting = Sighting(
            history.source, object_, record.seq, at, row.matter, profile.client,
            profile.status,
        )  # fmt: skip
        last = known.objects.get(object_)
        if row.matter and (last is None or last.says() != sighting.says()):
            fresh.append(sighting)
    for object_ in sorted(news.gone & known.objects.keys()):
        if not known.objects[object_].gone:
            fresh.append(Sighting(history.source, object_, record.seq, at, ""))
    return fresh


def _profiles(
    vault: Vault, history: History, record: CommitRecord, named: Mapping[str, Row]
) -> dict[str, Profile]:
    """By object; one whose bytes are gone or closed has none, so its status is unknown."""
    reader = PartReader(vault.store, vault.keyring, history.packs(record))
    found: dict[str, Profile] = {}
    # Neighbours in a pack one after another: a frame is opened once.
    for object_, row in sorted(named.items(), key=lambda pair: _place(pair[1])):
        try:
            data = json.loads(b"".join(reader.content(row.parts)))
        except (ValueError, *_UNREADABLE):
            continue
        if isinstance(data, Mapping):
            found[object_] = READERS[row.kind](data)
    return found


def _place(row: Row) -> tuple[bytes, int]:
    first = row.parts[0] if row.parts else None
    return (first.pack, first.segments[0].frame_offset) if first and first.segments else (b"", 0)


def _with_moves(
    vault: Vault,
    history: History,
    before: int,
    news: _News,
    fresh: Sequence[Sighting],
    known: Known,
) -> list[Sighting]:
    """Where the items of new objects came from, and where those of objects that are gone went."""
    asked = [s for s in fresh if s.gone or s.object not in known.objects]
    if not asked:
        return list(fresh)
    try:
        state = vault.state(history, before)
    except MunimentError:
        # That something moved is then not known; nothing is joined because of it either way.
        return list(fresh)
    moved = _moved(state, news)
    result = []
    for sighting in fresh:
        counts: Counter[str] = Counter()
        if sighting.gone:
            was = known.objects[sighting.object].matter
            counts = Counter({to: n for (of, to), n in moved.items() if of == was})
        elif sighting.object not in known.objects:
            counts = Counter({of: n for (of, to), n in moved.items() if to == sighting.matter})
        result.append(replace(sighting, moved=tuple(sorted(counts.items()))))
    return result


def _moved(state: State, news: _News) -> Counter[tuple[str, str]]:
    moved: Counter[tuple[str, str]] = Counter()
    for item_id, now in news.matters.items():
        row = state.row(item_id)
        if row >= 0 and (was := state.matter(row)) and now and was != now:
            moved[was, now] += 1
    return moved
