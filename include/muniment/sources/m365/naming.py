"""Naming: kinds and native ids of what is read of a tenant.

Everything of a mailbox has its user's id in the path, so that what belongs together lies in one folder:
`messages/<user>/<immutable id>` is what Graph says of a message, `mime/<user>/<immutable id>` are its bytes.

Invariants: native ids hold the vendor's ids only, never a name or an address; no item lies below another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

USER, FOLDER, MESSAGE, MIME = "user", "mail_folder", "message", "message_mime"
CALENDAR, EVENT, EVENT_ICS, EVENT_ATTACHMENT = "calendar", "event", "event_ics", "event_attachment"
CONTACT_FOLDER, CONTACT, CONTACT_VCF, CONTACT_PHOTO = "contact_folder", "contact", "contact_vcf", "contact_photo"  # fmt: skip
SITE, DRIVE, DRIVE_ITEM = "site", "drive", "drive_item"
FILE, VERSION, PERMISSIONS = "drive_file", "drive_version", "drive_permissions"
COVERAGE = "coverage"

PLACES: Mapping[str, str] = MappingProxyType(
    {
        USER: "users", FOLDER: "mail_folders", MESSAGE: "messages", MIME: "mime",
        CALENDAR: "calendars", EVENT: "events", EVENT_ICS: "events_ics", EVENT_ATTACHMENT: "event_attachments",
        CONTACT_FOLDER: "contact_folders", CONTACT: "contacts", CONTACT_VCF: "contacts_vcf", CONTACT_PHOTO: "contact_photos",
        SITE: "sites", DRIVE: "drives", DRIVE_ITEM: "drive_items", FILE: "drive_files", VERSION: "drive_versions", PERMISSIONS: "drive_permissions",
        COVERAGE: "coverage",
    }
)  # fmt: skip
"""Kind -> the first part of its native ids."""

DEPTHS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {USER: (1,), DRIVE: (1,), SITE: (1,), COVERAGE: (1,), EVENT_ATTACHMENT: (3,)}
)
"""How many ids follow, where it is not two."""

_ID = re.compile(r"[A-Za-z0-9_=!.,+~-]{1,240}")


def native(kind: str, *ids: str) -> bytes:
    return "/".join((PLACES[kind], *ids)).encode()


def text(kind: str, *ids: str) -> str:
    return native(kind, *ids).decode()


def ids_of(kind: str, native_id: bytes) -> tuple[str, ...] | None:
    """The ids in a native id; None for what no listing gives."""
    try:
        first, *ids = native_id.decode("ascii").split("/")
    except UnicodeDecodeError:
        return None
    if PLACES.get(kind) != first or len(ids) not in DEPTHS.get(kind, (2,)):
        return None
    if not all(map(_ID.fullmatch, ids)) or {".", ".."} & set(ids):
        return None
    return tuple(ids)


def is_id(value: object) -> bool:
    """May this stand in a native id? Ids of Graph may; anything else would be taken for a path."""
    return isinstance(value, str) and bool(_ID.fullmatch(value)) and value not in (".", "..")
