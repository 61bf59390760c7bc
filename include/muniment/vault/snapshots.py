"""Snapshots: rows on their way into the store, and merged on their way out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from muniment.errors import NoKey
from muniment.model.item import Problem, Row
from muniment.model.value import Value
from muniment.vault import names, rows, rows_proven
from muniment.vault.age import Identity, Recipient
from muniment.vault.documents import SnapshotObject
from muniment.vault.history import Chain, History
from muniment.vault.keyring import Keyring
from muniment.vault.resolve import read_content
from muniment.vault.rows import AnyRow, Snapshot, line_of
from muniment.vault.rows_of_matter import rows_of_matter
from muniment.vault.sealed_file import SealedFile, SealedFileWriter, open_pieces
from muniment.vault.store.base import Store


class WrittenRows(Value, frozen=True):
    """A finished snapshot object: what the commit will say of it, and where it waits."""

    object: SnapshotObject
    file: SealedFile


class RowsWriter:
    """Writes rows into one snapshot object per key id. Close gives what a commit lists."""

    def __init__(
        self, directory: Path, vault_id: str, source: str, recipients: Mapping[str, str]
    ) -> None:
        self._directory = directory
        self._vault_id = vault_id
        self._source = source
        self._recipients = recipients
        self._writers: dict[str, SealedFileWriter] = {}
        self._counts: dict[str, int] = {}

    def __enter__(self) -> RowsWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            if writer.finished is None:
                writer.abort()

    def add(self, key_id: str, row: AnyRow) -> None:
        self.add_line(key_id, line_of(row))

    def add_line(self, key_id: str, line: bytes) -> None:
        """A row already written as a line, newline included."""
        writer = self._writers.get(key_id)
        if writer is None:
            recipient = Recipient.parse(self._recipients[key_id])
            writer = SealedFileWriter(self._directory, [recipient])
            writer.write(rows.header_line(self._vault_id, self._source, key_id))
            self._writers[key_id] = writer
            self._counts[key_id] = 0
        writer.write(line)
        self._counts[key_id] += 1

    def close(self) -> list[WrittenRows]:
        written = []
        for key_id, writer in sorted(self._writers.items()):
            file = writer.close()
            described = SnapshotObject(
                snapshot=file.digest,
                key_id=key_id,
                size=file.size,
                rows=self._counts[key_id],
            )
            written.append(WrittenRows(described, file))
        return written


def read_rows(
    store: Store,
    identities: Sequence[Identity],
    vault_id: str,
    source: str,
    digest: str,
    size: int | None = None,
) -> Iterator[AnyRow]:
    """The rows of one snapshot object, verified against its name."""
    pieces = _read_pieces(store, identities, source, digest, size)
    return rows.parse_pieces(pieces, vault_id=vault_id, source=source)


def prove_rows(
    store: Store,
    identities: Sequence[Identity],
    vault_id: str,
    source: str,
    described: SnapshotObject,
    matter_of: dict[bytes, str],
) -> int:
    """How many rows one snapshot object has, each of which could be restored; see `rows_proven`."""
    pieces = _read_pieces(store, identities, source, described.snapshot, described.size)
    return rows_proven.prove_rows(pieces, matter_of, vault_id=vault_id, source=source)


def _read_pieces(
    store: Store, identities: Sequence[Identity], source: str, digest: str, size: int | None
) -> Iterator[bytes]:
    data = read_content(store, names.snapshot(source, digest), size)
    return open_pieces(data, identities)


def load_snapshot(
    store: Store,
    keyring: Keyring,
    vault_id: str,
    history: History,
    chain: Chain,
    *,
    matters: Collection[str] = (),
) -> Snapshot:
    """Merges base and deltas. Rows of matters, or of all that is under no matter's key, that cannot be
    opened are left out and their key ids listed in `sealed_away`.

    With `matters`, the ids of one matter, only its items are there. Their rows are all that is parsed of the items, so of damage
    in the rows of another matter nothing is noticed.

    Raises NoKey when nothing could be opened at all, and when some epochs open and others do not: with
    a delta left out from the middle, what is older would pass for what is.
    """
    snapshot = Snapshot()
    groups = [chain.base.base.snapshots] if chain.base else []
    groups += [record.commit.snapshots for record in chain.commits]
    _all_epochs_or_none(keyring, [d.key_id for group in groups for d in group])
    opened = 0
    for group in groups:
        # Problems speak of one run only; those of earlier runs are history.
        snapshot.problems.clear()
        for described in group:
            try:
                identity = keyring.identity(described.key_id)
            except NoKey:
                snapshot.sealed_away.add(described.key_id)
                continue
            pieces = _read_pieces(
                store, [identity], history.source, described.snapshot, described.size
            )
            of = {"vault_id": vault_id, "source": history.source}
            if matters:
                found = rows_of_matter(pieces, matters, snapshot.items, **of)
            else:
                found = rows.parse_pieces(pieces, **of)
            if names.matter_of_key(described.key_id):
                found = _noting_key(found, described.key_id, snapshot)
            rows.merge(found, snapshot)
            opened += 1
    if not opened and snapshot.sealed_away:
        raise NoKey(
            "none of the identities at hand opens the rows of this snapshot",
            to=f"{history.source}: {', '.join(sorted(snapshot.sealed_away))}",
        )
    return snapshot


def _all_epochs_or_none(keyring: Keyring, key_ids: Iterable[str]) -> None:
    closed: list[NoKey] = []
    opened = False
    for key_id in sorted({k for k in key_ids if not names.matter_of_key(k)}):
        try:
            keyring.identity(key_id)
            opened = True
        except NoKey as error:
            closed.append(error)
    if opened and closed:
        raise closed[0]


def _noting_key(found: Iterator[AnyRow], key_id: str, snapshot: Snapshot) -> Iterator[AnyRow]:
    for row in found:
        if isinstance(row, Row | Problem):
            snapshot.keyed[row.item_id] = key_id
        yield row


def matters_of(snapshot: Snapshot, packs: set[str]) -> tuple[str, ...]:
    """Opaque ids of the matters that have bytes in any of these packs (hex digests)."""
    found = {
        row.matter
        for row in snapshot.items.values()
        if any(part.pack.hex() in packs for part in row.parts)
    }
    return tuple(sorted(m for m in found if m))
