"""Old: the rows of a snapshot that are to be written back, read out of the vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.recovery.related import is_record
from muniment.sources.clio import naming
from muniment.sources.clio.table import table
from muniment.sources.web.exact import parse
from muniment.vault.pack_reader import PartReader

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Old:
    """One row. `id` is the vendor's, `parent` that of the row above; `data` is empty for bytes."""

    kind: str
    id: str
    parent: str
    row: Row
    data: Data = field(repr=False, default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.id


@dataclass(slots=True)
class Snapshot:
    """Everything that a plan names of one Clio source. `strange` are rows that are not a vendor's."""

    by_kind: dict[str, dict[str, Old]] = field(default_factory=dict)
    strange: list[Row] = field(default_factory=list)

    def add(self, old: Old) -> None:
        self.by_kind.setdefault(old.kind, {})[old.id] = old

    def of(self, kind: str) -> list[Old]:
        """In the order of their ids: the order in which they were made."""
        return sorted(
            self.by_kind.get(kind, {}).values(), key=lambda o: (len(o.parent), o.parent, len(o.id), o.id)
        )  # fmt: skip

    def one(self, kind: str, id_: str) -> Old | None:
        return self.by_kind.get(kind, {}).get(id_)

    def all(self) -> Iterator[Old]:
        for kind in sorted(self.by_kind):
            yield from self.of(kind)

    def versions(self, document: str) -> list[Old]:
        """The files of a document's versions whose bytes are in the snapshot, oldest first."""
        found = [one for one in self.of(naming.DOCUMENT_FILE) if one.parent == document]
        return sorted(found, key=lambda one: (self.number(one), len(one.id), one.id))

    def number(self, file: Old) -> int:
        told = self.version(file).get("version_number")
        return told if isinstance(told, int) else 0

    def version(self, file: Old) -> Data:
        """The row of the version whose bytes a file is; empty where the snapshot lacks it."""
        found = self.one(naming.VERSIONS, file.id)
        if found is not None:
            return found.data
        document = self.one(naming.DOCUMENTS, file.parent)
        latest = document.data.get("latest_document_version") if document else None
        return latest if isinstance(latest, Mapping) and str(latest.get("id")) == file.id else {}


def gather(reader: PartReader, rows: Sequence[Row]) -> Snapshot:
    """Reads the rows; bytes of documents are read when they are wanted.

    Raises IntegrityError, SealError or FormatError for a row whose bytes are not whole.
    """
    found = Snapshot()
    for row in sorted(rows, key=_place):
        address = naming.parse_id(table(), row.kind, row.native_id)
        if address is None:
            found.strange.append(row)
        elif not is_record(row):
            found.add(Old(row.kind, address.id, address.parent, row))
        else:
            try:
                data = parse(b"".join(reader.content(row.parts)))
            except ValueError:
                data = None
            if isinstance(data, dict):
                found.add(Old(row.kind, address.id, address.parent, row, data))
            else:
                found.strange.append(row)
    return found


def _place(row: Row) -> tuple[bytes, int, str]:
    """Where its first bytes lie: rows that share a frame are read one after another."""
    first = row.parts[0] if row.parts else None
    offset = first.segments[0].frame_offset if first is not None and first.segments else 0
    return first.pack if first is not None else b"", offset, text_of(row.native_id)


def id_of(reference: object) -> str:
    """The id in `{"id": 7}`; empty where there is none."""
    value = reference.get("id") if isinstance(reference, Mapping) else None
    return "" if value is None else str(value)
