"""Where what was restored of a tenant is not what the simulator's own history says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from muniment.sources.web.exact import parse

Found = Mapping[str, bytes]
Told = Mapping[str, Any]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def compared(
    found: Found, place: str, true: Mapping[str, Told], fields: tuple[str, ...]
) -> Iterator[str]:
    """Rows below `place`, by native id: each there once, with these fields as they are."""
    mine = {key for key in found if key.startswith(f"{place}/")}
    yield from (f"missing {key}" for key in sorted(true.keys() - mine))
    yield from (f"too many {key}" for key in sorted(mine - true.keys()))
    for key in sorted(mine & true.keys()):
        row = parse(found[key])
        for name in fields:
            if row.get(name) != true[key].get(name):
                yield f"{key} differs in {name}: {row.get(name)!r} {true[key].get(name)!r}"


ITEM = ("name", "shared", "malware", "package")


def file_differences(found: Found, truth: Told, versions: int = 0) -> list[str]:
    """Of drives: every item, where it lies, its bytes, its older versions, its rights."""
    items = {f"drive_items/{i['drive']}/{id_}": i for id_, i in truth["items"].items()}
    told = list(compared(found, "drive_items", items, ITEM))
    bytes_: dict[str, str] = {}
    rights: dict[str, Any] = {}
    for key, item in items.items():
        if key not in found:
            continue
        row = parse(found[key])
        if row["parentReference"].get("id") != item["parentReference"].get("id"):
            told.append(f"{key} is elsewhere")
        at = key.removeprefix("drive_items/")
        if item.get("permissions"):
            rights[f"drive_permissions/{at}"] = sorted(
                item["permissions"], key=lambda one: str(one["id"])
            )
        if "file" in item and "malware" not in item:
            bytes_[f"drive_files/{at}"] = item["versions"][-1]["sha256"]
        for one in (
            list(reversed(item.get("versions") or ()))[1 : versions + 1] if "file" in item else ()
        ):
            bytes_[f"drive_versions/{at}~{one['id']}"] = one["sha256"]
    mine = {
        key: sha(content)
        for key, content in found.items()
        if key.startswith(("drive_files/", "drive_versions/"))
    }
    told += [
        f"{key}: {mine.get(key)} {bytes_.get(key)}"
        for key in sorted(mine.keys() | bytes_.keys())
        if mine.get(key) != bytes_.get(key)
    ]
    held = {
        key: parse(content)
        for key, content in found.items()
        if key.startswith("drive_permissions/")
    }
    told += [
        f"{key} differs: {held.get(key)} {rights.get(key)}"
        for key in sorted(held.keys() | rights.keys())
        if held.get(key) != rights.get(key)
    ]
    return told


EVENT = (
    "subject", "changeKey", "recurrence", "start", "end", "attendees", "organizer", "location", "body", "isAllDay",
    "cancelledOccurrences", "categories",
)  # fmt: skip


def calendar_differences(found: Found, truth: Told) -> list[str]:
    """Of calendars: every event, the days of a series that differ, what is attached, a copy to open."""
    owner = {id_: c["user"] for id_, c in truth["calendars"].items()}
    calendars = {f"calendars/{user}/{id_}": truth["calendars"][id_] for id_, user in owner.items()}
    told = list(compared(found, "calendars", calendars, ("name", "color", "isDefaultCalendar")))
    events = {
        f"events/{owner[e['calendar']]}/{id_}": e
        for id_, e in truth["events"].items()
        if e["type"] != "exception"
    }
    fields = tuple(name for name in EVENT if name != "cancelledOccurrences")
    told += compared(found, "events", events, fields)
    attached: list[str] = []
    for key, event in events.items():
        if key not in found:
            continue
        row = parse(found[key])
        if (
            event["type"] == "seriesMaster"
            and row.get("cancelledOccurrences") != event["cancelledOccurrences"]
        ):
            told.append(f"{key} differs in cancelled days")
        days = {d["id"]: d for d in row.get("exceptionOccurrences", ())}
        true = {
            i: e
            for i, e in truth["events"].items()
            if e.get("seriesMasterId") == event["id"] and e["type"] == "exception"
        }
        if {i: d["changeKey"] for i, d in days.items()} != {
            i: e["changeKey"] for i, e in true.items()
        }:
            told.append(f"{key} differs in changed days")
        for one in (event, *true.values()):
            attached += [a["sha256"] for a in one["attachments"]]
        copy = found.get(key.replace("events/", "events_ics/", 1), b"")
        if not copy.startswith(b"BEGIN:VCALENDAR") or copy.count(b"BEGIN:VEVENT") != 1 + len(true):
            told.append(f"{key} has no copy to open")
    mine = [sha(content) for key, content in found.items() if key.startswith("event_attachments/")]
    if sorted(mine) != sorted(attached):
        told.append(f"{len(mine)} attachments, and there are {len(attached)}")
    return told


CONTACT = (
    "surname",
    "givenName",
    "displayName",
    "emailAddresses",
    "personalNotes",
    "changeKey",
    "parentFolderId",
)


def contact_differences(found: Found, truth: Told) -> list[str]:
    owner = {id_: f["user"] for id_, f in truth["contactFolders"].items()}
    folders = {
        f"contact_folders/{u}/{id_}": truth["contactFolders"][id_]
        for id_, u in owner.items()
        if not truth["contactFolders"][id_]["default"]
    }
    told = list(compared(found, "contact_folders", folders, ("displayName",)))
    contacts = {
        f"contacts/{owner[c['parentFolderId']]}/{id_}": c for id_, c in truth["contacts"].items()
    }
    told += compared(found, "contacts", contacts, CONTACT)
    for key, contact in contacts.items():
        card = found.get(key.replace("contacts/", "contacts_vcf/", 1), b"")
        if not card.startswith(b"BEGIN:VCARD\r\n"):
            told.append(f"{key} has no card")
        photo = found.get(key.replace("contacts/", "contact_photos/", 1))
        if (sha(photo) if photo is not None else None) != contact["photo"]:
            told.append(f"{key} has another photo")
    return told
