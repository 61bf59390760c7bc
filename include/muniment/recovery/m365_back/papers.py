"""Papers: files and folders of drives, made anew in the room of their drive. Nothing is shared: nobody but who may open the
drive sees them."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from muniment.errors import ItemUnreadable, VaultError
from muniment.model.item import Row
from muniment.recovery.m365_back.desk import FULL, TRIES, Desk
from muniment.recovery.m365_back.old import Data, Old, Snapshot, is_folder, key_of
from muniment.recovery.m365_back.rooms import Missing, Rooms
from muniment.recovery.written_back.outcome import Status
from muniment.sources.m365.downloads import Download
from muniment.sources.m365.rounds import Shown
from muniment.sources.m365.uploads import FILE_PART, Ended, Upload
from muniment.sources.m365.writing import Refusal
from muniment.sources.web.changes import Unanswered

OFFICE = (".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".pptm", ".dotx", ".xltx", ".potx", ".vsdx")
"""SharePoint writes properties of its own into these."""
_ITS_OWN = ("docprops/", "customxml/", "[content_types].xml", "_rels/", "word/_rels/", "xl/_rels/", "ppt/_rels/", "visio/_rels/")  # fmt: skip
_LARGEST_COMPARED, _LARGEST_UNPACKED = 200 << 20, 1 << 30
"""Bytes of an Office file that is looked into, and of what is in it."""


@dataclass(frozen=True, slots=True)
class MadePaper:
    """What a new file must be equal to."""

    old: Old
    drive: str
    new: str
    name: str
    row: Row
    times: dict[str, str] = field(default_factory=dict)


def times_of(data: Data) -> dict[str, str]:
    told = data.get("fileSystemInfo") or {}
    found = {name: str(told[name]) for name in ("createdDateTime", "lastModifiedDateTime") if told.get(name)}  # fmt: skip
    if "lastModifiedDateTime" not in found and data.get("lastModifiedDateTime"):
        found["lastModifiedDateTime"] = str(data["lastModifiedDateTime"])
    return found


class Papers:
    def __init__(self, desk: Desk, snapshot: Snapshot, rooms: Rooms) -> None:
        self._desk = desk
        self._snapshot = snapshot
        self._rooms = rooms
        self.made: list[MadePaper] = []

    def give(self, old: Old) -> None:
        """Raises SourceError. What one item alone cannot have is its outcome, and that of its bytes."""
        place = ""
        try:
            drive, folder = self._rooms.drive_folder(old)
            place = drive
            if is_folder(old):
                new = self._rooms.folder_in_drive(drive, folder, old)
                self._told(old, drive, new)
            elif drive in self._desk.full and not self._desk.journal.new(old.key):
                self._failed(old, FULL)
            else:
                self._give(old, drive, folder)
        except Missing as missing:
            self._failed(old, str(missing), beside=missing.meant)
        except Refusal as refusal:
            self._desk.refused(old, refusal, place)
            self._failed(old, self._desk.outcomes[old.key].why)
        except VaultError as error:
            self._failed(old, error.what)

    def _give(self, old: Old, drive: str, folder: str) -> None:
        row = self._snapshot.files[old.owner, old.id]
        name = str(old.data.get("name") or "")
        times = times_of(old.data)
        new = self._desk.journal.new(old.key) or self._once(old, row, drive, folder, name, times)
        if not row.size and times:
            # A file without bytes has no session that would say its times.
            self._desk.writer.file_times(drive, new, times)
        self._told(old, drive, new)
        self._desk.told(row, Status.WRITTEN, new=new)
        self.made.append(MadePaper(old, drive, new, name, row, times))

    def _once(self, old: Old, row: Row, drive: str, folder: str, name: str, times: dict[str, str]) -> str:  # fmt: skip
        """The id of the file of this name in its folder, which is this restore's own."""
        desk, files = self._desk, self._desk.client.files
        for attempt in range(TRIES):
            if desk.journal.asked[old.key] or self._rooms.must_search(drive):
                there = desk.standing.child(drive, folder, name)
                if there is not None and "folder" not in there:
                    desk.journal.stands(old.key, str(there["id"]), made=True)
                    return str(there["id"])
            if attempt:
                files.pause(attempt - 1)
            desk.journal.asks(old.key)
            try:
                new = self._put(row, drive, folder, name, times)
            except (Unanswered, Ended):
                continue
            except Refusal as refusal:
                if not refusal.taken:
                    raise
                continue
            desk.journal.stands(old.key, new, made=True)
            return new
        raise files.unavailable("it takes no file")

    def _put(self, row: Row, drive: str, folder: str, name: str, times: dict[str, str]) -> str:
        writer = self._desk.writer
        if not row.size:
            return writer.empty_file(drive, folder, name)
        address = writer.file_session(drive, folder, name, row.size, times)
        content = self._desk.bytes_of(row)
        answer = Upload(self._desk.client.files, address, content, FILE_PART).run()
        try:
            return str(answer.json()["id"])
        except (ValueError, TypeError, KeyError):
            raise Unanswered("the end of an upload says no id") from None

    # -- outcomes ----------------------------------------------------------------------------------
    def _told(self, old: Old, drive: str, new: str) -> None:
        told = self._desk.told(old.row, Status.WRITTEN, new=new)
        if drive != old.owner:
            told.lost.append("drive")
        if old.row.native_id.decode() in self._snapshot.rights:
            told.lost.append("rights")
        if not is_folder(old) and not old.place.startswith("drives/") and not self._snapshot.drive_chain(old):  # fmt: skip
            told.lost.append("folder")

    def _failed(self, old: Old, why: str, *, beside: bool = False) -> None:
        self._desk.no_room(old, why, meant=beside)
        row = self._snapshot.files.get((old.owner, old.id))
        if row is not None:
            status = Status.BESIDE if beside else Status.FAILED
            self._desk.told(row, status, new=self._desk.journal.new(key_of(row)), why=why)

    # -- what is there now -------------------------------------------------------------------------
    def content(self, made: MadePaper, there: Shown) -> Iterator[bytes]:
        """The bytes of the new file. Raises FileNotFoundError, ItemUnreadable, SourceUnavailable."""
        path = f"drives/{made.drive}/items/{made.new}/content"
        size = there.get("size")
        yield from Download(self._desk.client.files, path, size if isinstance(size, int) else None, lambda: True).pieces()  # fmt: skip

    def is_equal(self, made: MadePaper, there: Shown) -> tuple[bool, bool]:
        """Has the new file the old bytes; or else at least the old contents, beside what SharePoint writes into it?"""
        office = made.name.lower().endswith(OFFICE) and made.row.size <= _LARGEST_COMPARED
        digest, held = hashlib.sha256(), bytearray()
        try:
            for piece in self.content(made, there):
                digest.update(piece)
                if office and len(held) <= _LARGEST_COMPARED:
                    held += piece
        except (FileNotFoundError, ItemUnreadable):
            return False, False
        if digest.digest() == made.row.digest:
            return True, True
        return False, office and same_contents(b"".join(self._desk.content(made.row)), bytes(held))


def same_contents(old: bytes, new: bytes) -> bool:
    """Are the parts of two Office files equal, but for those in which SharePoint keeps properties?"""
    try:
        return _contents(old) == _contents(new) != {}
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, EOFError):
        return False


def _contents(held: bytes) -> dict[str, str]:
    """Name -> SHA-256. Raises ValueError where it unpacks to too much."""
    with zipfile.ZipFile(io.BytesIO(held)) as archive:
        parts = [one for one in archive.infolist() if not one.filename.lower().startswith(_ITS_OWN)]
        if sum(one.file_size for one in parts) > _LARGEST_UNPACKED:
            raise ValueError
        return {one.filename: hashlib.sha256(archive.read(one)).hexdigest() for one in parts}
