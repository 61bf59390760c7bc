"""Old: what a snapshot has of one matter at NetDocuments, read out of the vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muniment.model.item import Row
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.items import env
from muniment.sources.web.exact import parse
from muniment.vault.pack_reader import PartReader

Data = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """One version whose bytes are in the snapshot; `told` is what the vendor said of it."""

    document: str
    number: int
    row: Row
    told: Data = field(repr=False)
    official: bool = False

    @property
    def key(self) -> Key:
        return naming.DOCUMENT_FILE, f"{self.document}/{self.number}"

    @property
    def extension(self) -> str:
        return str(self.told.get("extension") or "")

    @property
    def label(self) -> str:
        """What people called it, where that is not its number."""
        label = str(self.told.get("label") or "")
        return "" if label == str(self.number) else label

    @property
    def description(self) -> str:
        return str(self.told.get("description") or "")


@dataclass(frozen=True, slots=True)
class Old:
    """A document or container: its row, and what was told of it alone (empty where the snapshot lacks that)."""

    kind: str
    id: str
    row: Row
    data: Data = field(repr=False)
    details: Data = field(repr=False, default_factory=dict)

    @property
    def key(self) -> Key:
        return self.kind, self.id

    @property
    def env(self) -> str:
        return env(self.data.get("envId"))

    @property
    def name(self) -> str:
        return str(self.data.get("name") or "")

    @property
    def extension(self) -> str:
        return str(self.data.get("extension") or "")

    @property
    def cabinet(self) -> str:
        return str(self.data.get("cabinet") or "")

    @property
    def acl(self) -> list[Data]:
        return [one for one in self.details.get("acl") or () if isinstance(one, Mapping)]

    @property
    def profile(self) -> dict[int, str]:
        """Attribute -> value."""
        told = (self.details.get("profile") or {}).get("customAttributes")
        rows = self.data.get("customAttributes") if told is None else told
        return profile_of(rows or ())

    @property
    def ancestors(self) -> list[str]:
        """Every container above it, the nearest first, by their envelope ids."""
        told = (self.details.get("profile") or {}).get("Ancestors")
        if told is None:
            return [str(one) for one in self.data.get("ancestors") or ()]
        return [env(one.get("Id")) for one in told]


def profile_of(rows: Sequence[Data]) -> dict[int, str]:
    return {
        int(one["id"]): str(one["value"])
        for one in rows
        if str(one.get("id", "")).isdigit() and one.get("value") not in (None, "")
    }


@dataclass(slots=True)
class Snapshot:
    """Everything that a plan names of one repository. `filed` says in which containers of the matter an item lies
    itself; `others` are rows that are no document, container or version; `strange` are rows that are not a vendor's."""

    documents: dict[str, Old] = field(default_factory=dict)
    containers: dict[str, Old] = field(default_factory=dict)
    filed: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, list[Version]] = field(default_factory=dict)
    others: list[tuple[str, str, Row]] = field(default_factory=list)
    strange: list[Row] = field(default_factory=list)

    def in_order(self) -> list[Old]:
        """The documents as they are dealt with: the same in each run, so that equal ones are claimed alike."""
        return [self.documents[one] for one in sorted(self.documents)]

    def above(self, old: Old) -> list[str]:
        """The containers in which an item lies itself: ids of the matter's own, or else the envelope id of the nearest."""
        known = self.filed.get(old.id)
        return list(known) if known else [self.own_id(one) for one in old.ancestors[:1]]

    def own_id(self, text: str) -> str:
        """The id of a container of the snapshot by its envelope id; as it stands for another one."""
        return next((one.id for one in self.containers.values() if one.env == text), text)

    def items(self) -> Iterator[tuple[str, str, Row]]:
        """Kind, id and row of everything but what is strange."""
        for old in (*self.documents.values(), *self.containers.values()):
            yield old.kind, old.id, old.row
        for held in self.versions.values():
            for one in held:
                yield *one.key, one.row
        yield from self.others


def gather(reader: PartReader, rows: Sequence[Row]) -> Snapshot:
    """Reads the rows; bytes of versions are read when they are wanted.

    Raises IntegrityError, SealError or FormatError for a row whose bytes are not whole.
    """
    return _Gathering(reader).done(rows)


class _Gathering:
    def __init__(self, reader: PartReader) -> None:
        self._reader = reader
        self._found = Snapshot()
        self._details: dict[str, Data] = {}
        self._files: list[tuple[naming.Address, Row]] = []
        self._rows: list[tuple[naming.Address, Row, Data]] = []

    def done(self, rows: Sequence[Row]) -> Snapshot:
        for row in sorted(rows, key=_place):
            self._read(row)
        for address, row, data in self._rows:
            old = Old(address.kind, address.id, row, data, self._details.get(address.id, {}))
            held = self._found.documents if address.kind == naming.DOCUMENTS else self._found.containers  # fmt: skip
            held[old.id] = old
        for address, row in self._files:
            self._file(address, row)
        for held_versions in self._found.versions.values():
            held_versions.sort(key=lambda one: one.number)
        return self._found

    def _read(self, row: Row) -> None:
        address = naming.parse_id(row.kind, row.native_id)
        if address is None:
            self._found.strange.append(row)
            return
        if row.kind in naming.BYTES:
            self._files.append((address, row))
            return
        try:
            data = parse(b"".join(self._reader.content(row.parts)))
        except ValueError:
            data = None
        if not isinstance(data, dict):
            self._found.strange.append(row)
        elif row.kind in (naming.DOCUMENTS, naming.CONTAINERS):
            self._rows.append((address, row, data))
        else:
            self._found.others.append((row.kind, address.id, row))
            if row.kind == naming.DETAILS:
                self._details[address.id] = data
            elif row.kind == naming.CONTENTS:
                for one in data.get("items") or ():
                    self._found.filed.setdefault(str(one["id"]), []).append(address.id)

    def _file(self, address: naming.Address, row: Row) -> None:
        told = self._details.get(address.above, {}).get("versions") or ()
        version = next((one for one in told if str(one.get("number")) == address.id), None)
        if row.kind != naming.DOCUMENT_FILE or version is None or not address.id.isdigit():
            self._found.others.append((row.kind, f"{address.above}/{address.id}", row))
            return
        made = Version(address.above, int(address.id), row, version, bool(version.get("official")))
        self._found.versions.setdefault(address.above, []).append(made)


def _place(row: Row) -> tuple[bytes, int, bytes]:
    """Where its first bytes lie: rows that share a frame are read one after another."""
    first = row.parts[0] if row.parts else None
    offset = first.segments[0].frame_offset if first is not None and first.segments else 0
    return first.pack if first is not None else b"", offset, row.native_id
