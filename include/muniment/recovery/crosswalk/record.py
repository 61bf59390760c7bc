"""Record: the sightings as they lie in the vault, sealed in the signed stream `operations-matters`.

Operations writes them before each checkpoint, which then covers them. Only what changed since the last record is
written, so a year of quiet days costs nothing; every sighting carries the time and number of its snapshot, so the
crosswalk can be had as of any time. There are opaque ids in it and no name: what is never forgotten must not name a
matter that may have to be erased.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import ClassVar

from msgspec import field

from muniment.errors import MunimentError, NoKey, SealError
from muniment.evidence.events import reading, write
from muniment.model.value import Mutable, Value
from muniment.recovery.crosswalk.joined import Crosswalk
from muniment.recovery.crosswalk.naming import Known, follow
from muniment.recovery.crosswalk.sightings import Sighting
from muniment.vault.evidence import Facts, load_stream, open_detail
from muniment.vault.finding import Finding
from muniment.vault.history import History, sources_in
from muniment.vault.vault import Vault

STREAM = "operations-matters"
NAMED = "matters.named"

PART_BYTES = 512 << 10
"""Of the JSON of one entry's sightings: half of what a detail may hold."""

QUIET = 20
"""Snapshots without any change after which an entry says that they were looked at."""


class MattersNamed(Value, frozen=True):
    """Sightings of one naming source, followed through snapshot `seq`; `commit` is that of the newest one looked at. They stand in the sealed detail."""

    event: ClassVar[str] = NAMED
    source: str
    seq: int
    commit: str
    sightings: int

    @property
    def subject(self) -> str:
        return self.source

    def facts(self) -> Facts:
        return {"seq": self.seq, "commit": self.commit, "sightings": self.sightings}


class Record(Mutable):
    """What was recorded and opens here. `closed` entries do not open: of their matters nothing is known."""

    sightings: dict[str, list[Sighting]] = field(default_factory=dict)
    through: dict[str, int] = field(default_factory=dict)
    closed: int = 0
    findings: tuple[Finding, ...] = ()

    def known(self, source: str) -> Known:
        return Known.from_sightings(self.sightings.get(source, ()), self.through.get(source, 0))


def load_record(vault: Vault) -> Record:
    """Raises StoreError, TrustError; an entry that does not open is counted."""
    stream = load_stream(vault.store, vault.trust, STREAM)
    record = Record(findings=stream.findings)
    for entry in stream.events(NAMED):
        source = entry.subject
        seq = reading(entry).number("seq") or 0
        record.through[source] = max(record.through.get(source, 0), int(seq))
        try:
            detail = open_detail(vault, entry)
        except (NoKey, SealError):
            record.closed += 1
            continue
        mine = record.sightings.setdefault(source, [])
        mine += [Sighting.of(source, value) for value in detail.get("sightings", ())]
    return record


def record_matters(vault: Vault, sources: Iterable[str]) -> int:
    """Follows the naming sources to their newest snapshots; returns how many sightings were new.

    Raises NoKey without a key that opens rows, SignatureError without operations' key, StoreError.
    """
    record = load_record(vault)
    there = set(sources_in(vault.store))
    written = 0
    for source in sorted(set(sources) & there):
        history = vault.history(source)
        known = record.known(source)
        begun = known.seq
        found = follow(vault, history, known)
        if found or known.seq >= begun + QUIET or (known.seq and not begun):
            _write(vault, history, begun, known.seq, found)
            written += len(found)
    return written


def keep_record(vault: Vault, sources: Iterable[str]) -> MunimentError | None:
    """As `record_matters`; returns why it could not. A checkpoint must not wait for it: what was not recorded today is
    followed tomorrow."""
    try:
        record_matters(vault, sources)
    except MunimentError as error:
        return error
    return None


def _write(vault: Vault, history: History, begun: int, seq: int, found: Sequence[Sighting]) -> None:
    commit = history.at(seq).digest
    parts = list(_parts(found))
    for number, part in enumerate(parts, 1):
        # Only the last says how far it goes: what was cut short is followed again.
        through = seq if number == len(parts) else begun
        event = MattersNamed(history.source, through, commit, len(part))
        write(vault, STREAM, event, {"sightings": [s.as_dict() for s in part]})


def _parts(sightings: Sequence[Sighting]) -> Iterator[list[Sighting]]:
    part: list[Sighting] = []
    size = 0
    for sighting in sightings:
        length = len(json.dumps(sighting.as_dict()))
        if part and size + length > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(sighting)
        size += length
    yield part


class Latest(Value, frozen=True):
    """The crosswalk up to the newest snapshots. `current` are the naming sources that were followed to their newest
    one; `unseen` those whose newest snapshots do not open here; `closed` as in Record."""

    crosswalk: Crosswalk
    current: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    closed: int = 0


def load_crosswalk(vault: Vault, sources: Collection[str] = ()) -> Latest:
    """What was recorded, and what the snapshots since then say.

    Args:
        sources: naming sources by the inventory; those that were ever recorded are followed in any case.

    Raises StoreError, TrustError.
    """
    record = load_record(vault)
    found = [s for mine in record.sightings.values() for s in mine]
    there = set(sources_in(vault.store))
    current, unseen = [], []
    for source in sorted({*sources, *record.through} & there):
        try:
            found += follow(vault, vault.history(source), record.known(source))
            current.append(source)
        except SealError:
            unseen.append(source)
    return Latest(Crosswalk.from_sightings(found), tuple(current), tuple(unseen), record.closed)
