"""The state of the tenant at a moment, told whole: what a backup or a restore is compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from tests.simulators.clio.store import Ref, Row, Store
from tests.simulators.graph.render_calendar import CalendarView
from tests.simulators.graph.render_files import FilesView
from tests.simulators.graph.render_mail import MailView
from tests.simulators.graph.routes_directory import user_shown
from tests.simulators.graph.world import World

PARTS = ("users", "folders", "messages", "calendars", "events", "contactFolders", "contacts", "drives", "items", "sites")  # fmt: skip


def state(world: World, at: int | None = None, parts: Iterable[str] | None = None) -> dict[str, Any]:  # fmt: skip
    """Every row right after change `at`, by its (immutable) id, as a reader sees it who may see everything.

    A message has `mime`: size and SHA-256 of the form that `$value` has where the setting `stable_mime` is on. A file has
    the same for each version. `user`, `folder`, `calendar`, `drive`: what it is in.
    """
    store = world.store if at is None else world.store.as_of(at)
    told: dict[str, Any] = {}
    for name in PARTS if parts is None else parts:
        show = SHOWN[name]
        told[name] = dict(show(world, store, Ref(name, number), row) for number, row in store.rows(name))  # fmt: skip
    return {"sequence": store.sequence} | told


Entry = tuple[str, dict[str, Any]]


def _user(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    return world.guid_of(ref), user_shown(world.guid_of(ref), row) | {"mailbox": row["_mailbox"]}


def _folder(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    shown = MailView(world, store, immutable=True).folder(ref, row)
    return shown["id"], shown | {"user": world.guid_of(row["_user"]), "known": row["_known"]}


def _message(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    view = MailView(world, store, immutable=True)
    shown = view.message(ref, row)
    folder = store.at(row["_folder"])
    assert folder is not None
    raw = view.mime(ref, row)
    told = {
        "user": world.guid_of(folder["_user"]), "folder": view.folder_id(row["_folder"]),
        "mime": {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()},
        "singleValueExtendedProperties": view.extended(row),
        "attachments": [
            {"name": one.name, "size": len(one.data), "sha256": hashlib.sha256(one.data).hexdigest()}
            for one in view.letter(row).attachments
        ],
    }  # fmt: skip
    return shown["id"], shown | told


def _calendar(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    shown = CalendarView(world, store, immutable=True).calendar(ref, row)
    return shown["id"], shown | {"user": world.guid_of(row["_user"])}


def _event(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    shown = CalendarView(world, store, immutable=True).event(ref, row)
    letter = world.letters.get(row["_letter"])
    calendar = store.at(row["_calendar"])
    held = [{"name": one.name, "sha256": hashlib.sha256(one.data).hexdigest()} for one in letter.attachments]  # fmt: skip
    return shown["id"], shown | {"calendar": world.ids.give("calendar", row["_calendar"].id), "attachments": held, "user": world.guid_of(calendar["_user"]) if calendar else None}  # fmt: skip


def _contact_folder(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    shown = MailView(world, store, immutable=True).contact_folder(ref, row)
    return shown["id"], shown | {"user": world.guid_of(row["_user"]), "default": row["_default"]}


def _contact(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    shown = MailView(world, store, immutable=True).contact(ref, row)
    photo = hashlib.sha256(row["_photo"]).hexdigest() if row["_photo"] else None
    return shown["id"], shown | {"photo": photo}


def _drive(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    shown = FilesView(world, store).drive(ref, row)
    return shown["id"], shown | {"of": world.guid_of(row["_owner"])}


def _item(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    view = FilesView(world, store)
    shown = view.item(ref, row)
    versions = []
    for one in row["_versions"]:
        digest = world.files.digest(one["object"])
        versions.append({"id": one["id"], "size": digest.size, "sha256": digest.sha256})
    rights = [view.permission(one) for one in row["_permissions"]]
    more = {"drive": view.drive_id(row["_drive"]), "versions": versions, "permissions": rights, "path": view.path_of(ref)}  # fmt: skip
    return shown["id"], shown | more


def _site(world: World, store: Store, ref: Ref, row: Row) -> Entry:
    shown = FilesView(world, store).site(ref, row)
    return shown["id"], shown | {"archived": row["_archived"]}


SHOWN = {
    "users": _user, "folders": _folder, "messages": _message, "calendars": _calendar, "events": _event,
    "contactFolders": _contact_folder, "contacts": _contact, "drives": _drive, "items": _item, "sites": _site,
}  # fmt: skip
