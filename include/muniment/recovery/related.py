"""Related: rows that belong to no matter, and without which a matter's own rows cannot be read - who its
client is, who wrote a note, what a category is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from muniment.model.item import Row
from muniment.sources.clio.naming import BYTES
from muniment.sources.clio.references import REFERRED, Reference, references
from muniment.sources.clio.table import table
from muniment.sources.web.exact import parse
from muniment.vault.history import CommitRecord, History
from muniment.vault.pack_reader import PartReader
from muniment.vault.rows import Snapshot
from muniment.vault.vault import Vault

_STEPS = 2
"""A matter names a contact, a contact names its company; no further."""


def refer(rows: Iterable[Row]) -> bool:
    """Can any of these name another row?"""
    return any(is_record(row) for row in rows)


def is_record(row: Row) -> bool:
    """Is it one object of a vendor's API, as JSON?"""
    return row.kind in table().resources and row.kind not in BYTES


def related(
    vault: Vault, history: History, record: CommitRecord, snapshot: Snapshot, rows: Sequence[Row]
) -> list[Row]:
    """The rows of the snapshot that these name, without these.

    Raises IntegrityError, SealError or FormatError for a row whose bytes are not whole.
    """
    reader = PartReader(vault.store, vault.keyring, history.packs(record))
    by_name: Mapping[Reference, Row] = {
        (row.kind, row.native_id): row for row in snapshot.items.values() if row.kind in REFERRED
    }
    seen = {(row.kind, row.native_id) for row in rows}
    found: list[Row] = []
    step: Sequence[Row] = rows
    for _ in range(_STEPS):
        named = {one for row in step if is_record(row) for one in references(_read(reader, row))}
        # Whoever belongs to another matter is not shown for the sake of this one.
        step = [by_name[n] for n in sorted(named - seen) if n in by_name and not by_name[n].matter]
        seen |= named
        found += step
    return found


def _read(reader: PartReader, row: Row) -> Mapping[str, Any]:
    try:
        data = parse(b"".join(reader.content(row.parts)))
    except ValueError:
        return {}
    return data if isinstance(data, Mapping) else {}
