"""Fate: what can be written, in which way, and why the rest is in the delivery alone. Decided from the snapshot, before
anything is asked of the vendor, so that the plan can say it."""

from __future__ import annotations

import email.parser
import email.policy
from collections.abc import Iterable, Iterator

from muniment.model.item import Row
from muniment.recovery.m365_back.attachments import LARGEST
from muniment.recovery.m365_back.desk import Bytes
from muniment.recovery.m365_back.events import attached_of
from muniment.recovery.m365_back.letter import SEALED_KINDS
from muniment.recovery.m365_back.old import Old, Snapshot, is_folder, key_of
from muniment.recovery.written_back.forecast import Forecast, forecast_of
from muniment.sources.m365 import naming

NO_BYTES = "its bytes are not in the backup"
NO_ROW = "the backup does not say what it belongs to"
TOO_LARGE = "it is larger than the 150 MB that Microsoft takes"
WALLED_LIBRARY = "a wall stands around this matter, and who may open the library is not known"
OWN_RIGHTS = "it had rights of its own in a library: others would see it in a new folder"
WITH_MESSAGE = "its text and attachments go with its message"
WITH_ITEM = "goes with its item"
FOLDER = "made where a message goes into it"
READABLE = "a copy to read"
RIGHTS = "rights are not given again: nobody is invited"
VERSION = "older versions are not written"
NO_FILE = "a notebook, or a link to elsewhere"
LINK = "a link, or an attached item that is no file"
NO_WAY = "only read"
STRANGE = "no row of the vendor's"
CARRIED = f"{naming.MESSAGE}_carried"
"""What a plan calls a message that is attached byte for byte to one that stands for it."""

_OTHERS = {
    naming.MIME: NO_ROW, naming.FOLDER: FOLDER, naming.EVENT_ICS: READABLE, naming.CONTACT_VCF: READABLE,
    naming.PERMISSIONS: RIGHTS, naming.VERSION: VERSION, naming.EVENT_ATTACHMENT: LINK, naming.CONTACT_PHOTO: NO_ROW,
    naming.FILE: NO_ROW,
}  # fmt: skip
_HEAD = 256 << 10


def why_not(old: Old, snapshot: Snapshot, *, walled: bool = False) -> str:
    """Empty for a message, event, contact, file or folder of a drive that is written. `walled`: a wall stands around the matter."""
    if old.kind == naming.MESSAGE:
        mime = snapshot.mime.get((old.owner, old.id))
        if mime is None:
            return NO_BYTES
        return TOO_LARGE if mime.size > LARGEST else ""
    if old.kind == naming.DRIVE_ITEM:
        return _why_no_item(old, snapshot, walled=walled)
    return ""


def _why_no_item(old: Old, snapshot: Snapshot, *, walled: bool) -> str:
    if in_library(old) and walled:
        return WALLED_LIBRARY
    if in_library(old) and has_own_rights(old, snapshot):
        return OWN_RIGHTS
    if is_folder(old):
        return "" if "remoteItem" not in old.data else NO_FILE
    if "file" not in old.data or {"remoteItem", "package"} & set(old.data):
        return NO_FILE
    return "" if (old.owner, old.id) in snapshot.files else NO_BYTES


def in_library(old: Old) -> bool:
    """Does it lie in a library of a site, which others see, and in nobody's OneDrive?"""
    return (old.data.get("parentReference") or {}).get("driveType") == "documentLibrary"


def has_own_rights(old: Old, snapshot: Snapshot) -> bool:
    """It, or a folder above it: with a new folder's rights others may see it than before."""
    chain = [*snapshot.drive_chain(old), old]
    return any(one.row.native_id.decode() in snapshot.rights for one in chain)


def why_beside(row: Row) -> str:
    """Why a row of another kind is in the delivery alone."""
    return _OTHERS.get(row.kind, NO_WAY)


def is_sealed(row: Row, content: Bytes) -> bool:
    """Is a message signed or encrypted, as far as its head says?"""
    head = bytearray()
    for piece in content(row):
        head += piece
        if b"\r\n\r\n" in head or b"\n\n" in head or len(head) > _HEAD:
            break
    parsed = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(bytes(head))
    try:
        return parsed.get_content_type() in SEALED_KINDS
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def given(snapshot: Snapshot) -> list[Old]:
    return [*snapshot.messages, *snapshot.events, *snapshot.contacts, *snapshot.items.values()]


def forecast(snapshots: Iterable[tuple[Snapshot, Bytes]], *, walled: bool) -> Forecast:
    return forecast_of(
        fate for snapshot, content in snapshots for fate in fates(snapshot, content, walled=walled)
    )


def fates(snapshot: Snapshot, content: Bytes, *, walled: bool) -> Iterator[tuple[str, str]]:
    """Kind and why not of each item."""
    written: set[tuple[str, str]] = set()
    for old in given(snapshot):
        why = why_not(old, snapshot, walled=walled)
        mime = snapshot.mime.get((old.owner, old.id)) if old.kind == naming.MESSAGE else None
        carried = not why and mime is not None and is_sealed(mime, content)
        yield CARRIED if carried else old.kind, why
        written.add(old.key)
        if not why:
            yield from _with(old, snapshot, written, mime, carried=carried)
    lonely = {id(one.row) for one in attached_of(snapshot, snapshot.events)}
    for held in snapshot.attached.values():
        for one in held:
            written.add(key_of(one.row))
            yield one.row.kind, NO_ROW if id(one.row) in lonely else ""
    for row in snapshot.strange:
        written.add(key_of(row))
        yield row.kind, STRANGE
    for row in snapshot.rows:
        if key_of(row) not in written:
            yield row.kind, why_beside(row)


def _with(
    old: Old, snapshot: Snapshot, written: set[tuple[str, str]], mime: Row | None, *, carried: bool
) -> Iterator[tuple[str, str]]:
    """The bytes that go with what is written."""
    place = (old.owner, old.id)
    if mime is not None:
        written.add(key_of(mime))
        yield mime.kind, "" if carried else WITH_MESSAGE
    for held in (snapshot.photos if old.kind == naming.CONTACT else {}, snapshot.files if old.kind == naming.DRIVE_ITEM else {}):  # fmt: skip
        if row := held.get(place):
            written.add(key_of(row))
            yield row.kind, ""
