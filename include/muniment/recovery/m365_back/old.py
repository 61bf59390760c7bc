"""Old: what a snapshot has of one matter in a tenant, read out of the vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muniment.model.item import Row
from muniment.sources.m365 import naming
from muniment.sources.web.exact import parse
from muniment.vault.pack_reader import PartReader

Data = Mapping[str, Any]
Key = tuple[str, str]


def key_of(row: Row) -> Key:
    """Kind and native id: what an item is called in journal and map."""
    return row.kind, row.native_id.decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class Old:
    """One row of the vendor's. `owner` is the user whose mailbox it lay in, or the drive."""

    kind: str
    owner: str
    id: str
    row: Row
    data: Data = field(repr=False)

    @property
    def key(self) -> Key:
        return key_of(self.row)

    @property
    def place(self) -> str:
        """Native id of the folder it lay in, as its row says."""
        return str(self.row.metadata.get("in") or "")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that was attached to an event, or to a day of a series: `event` is the id it lay at."""

    event: str
    row: Row

    @property
    def name(self) -> str:
        return str(self.row.metadata.get("file") or "attachment")


@dataclass(slots=True)
class Snapshot:
    """Everything that a plan names of one tenant.

    `mime`, `photos`, `files` are rows with bytes, by (owner, id); `attached` by (user, event); `folders` and `items` by native
    id; `rights` are native ids of items with rights of their own; `others` are rows that are none of these; `strange`
    are no rows of the vendor's.
    """

    messages: list[Old] = field(default_factory=list)
    mime: dict[Key, Row] = field(default_factory=dict)
    folders: dict[str, Row] = field(default_factory=dict)
    events: list[Old] = field(default_factory=list)
    attached: dict[Key, list[Attached]] = field(default_factory=dict)
    contacts: list[Old] = field(default_factory=list)
    photos: dict[Key, Row] = field(default_factory=dict)
    items: dict[str, Old] = field(default_factory=dict)
    files: dict[Key, Row] = field(default_factory=dict)
    rights: set[str] = field(default_factory=set)
    others: list[Row] = field(default_factory=list)
    strange: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def folder_chain(self, old: Old) -> list[Row]:
        """The mail folders that it lay in, outermost first, as far up as they are of the matter."""
        return self._chain(old.place, self.folders)

    def drive_chain(self, old: Old) -> list[Old]:
        """The folders of a drive that it lay in, outermost first, as far up as they are of the matter."""
        found: list[Old] = []
        place = old.place
        while (above := self.items.get(place)) is not None and above not in found:
            found.append(above)
            place = above.place
        return found[::-1]

    @staticmethod
    def _chain(place: str, known: Mapping[str, Row]) -> list[Row]:
        found: list[Row] = []
        while (above := known.get(place)) is not None and above not in found:
            found.append(above)
            place = str(above.metadata.get("in") or "")
        return found[::-1]

    @property
    def users(self) -> list[str]:
        """Whose mailboxes have anything of it."""
        return sorted({old.owner for old in (*self.messages, *self.events, *self.contacts)})

    @property
    def drives(self) -> list[str]:
        return sorted({old.owner for old in self.items.values()})


def is_folder(old: Old) -> bool:
    return "folder" in old.data or "root" in old.data


def gather(reader: PartReader, rows: Sequence[Row]) -> Snapshot:
    """Reads the rows; bytes of messages, files and attachments are read when they are wanted.

    Raises IntegrityError, SealError or FormatError for a row whose bytes are not whole.
    """
    found = Snapshot(rows=list(rows))
    for row in sorted(rows, key=_place):
        ids = naming.ids_of(row.kind, row.native_id) if row.kind in naming.PLACES else None
        if ids is None:
            found.strange.append(row)
        elif not _bytes(found, row, ids):
            _record(found, row, ids, reader)
    for held in (found.messages, found.events, found.contacts):
        held.sort(key=lambda old: old.row.native_id)
    return found


def _bytes(found: Snapshot, row: Row, ids: tuple[str, ...]) -> bool:
    if row.kind == naming.EVENT_ATTACHMENT and "file" in row.metadata:
        found.attached.setdefault((ids[0], ids[1]), []).append(Attached(ids[1], row))
    elif row.kind in (naming.MIME, naming.CONTACT_PHOTO, naming.FILE):
        of = {naming.MIME: found.mime, naming.CONTACT_PHOTO: found.photos, naming.FILE: found.files}
        of[row.kind][ids[0], ids[1]] = row
    elif row.kind == naming.FOLDER:
        found.folders[row.native_id.decode()] = row
    elif row.kind in (naming.MESSAGE, naming.EVENT, naming.CONTACT, naming.DRIVE_ITEM):
        return False
    else:
        if row.kind == naming.PERMISSIONS:
            found.rights.add(naming.text(naming.DRIVE_ITEM, *ids))
        found.others.append(row)
    return True


def _record(found: Snapshot, row: Row, ids: tuple[str, ...], reader: PartReader) -> None:
    try:
        data = parse(b"".join(reader.content(row.parts)))
    except ValueError:
        data = None
    if not isinstance(data, dict):
        found.strange.append(row)
        return
    old = Old(row.kind, ids[0], ids[1], row, data)
    if row.kind == naming.DRIVE_ITEM:
        found.items[row.native_id.decode()] = old
        return
    {naming.MESSAGE: found.messages, naming.EVENT: found.events, naming.CONTACT: found.contacts}[row.kind].append(old)  # fmt: skip


def _place(row: Row) -> tuple[bytes, int, bytes]:
    """Where its first bytes lie: rows that share a frame are read one after another."""
    first = row.parts[0] if row.parts else None
    offset = first.segments[0].frame_offset if first is not None and first.segments else 0
    return first.pack if first is not None else b"", offset, row.native_id


def others(snapshot: Snapshot, told: set[Key]) -> Iterator[Row]:
    """Rows that nothing was said of yet."""
    for row in snapshot.rows:
        if key_of(row) not in told:
            yield row
