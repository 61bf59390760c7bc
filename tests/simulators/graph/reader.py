"""A careful reader: it goes by delta alone, bears every trouble, and has in the end what the history says.

It shows that the simulator can be read so, and is the simulator's own measure of itself: the campaign `graph_simulator`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.campaign import Case
from tests.simulators.clio.messages import Response
from tests.simulators.graph.founding import Size
from tests.simulators.graph.inside import Inside
from tests.simulators.graph.running import IMMUTABLE

DAYS = 2
TROUBLE: tuple[dict[str, Any], ...] = (
    {"name": "rate_limited", "chance": 0.03, "seconds": 0.001},
    {"name": "server_error", "chance": 0.03},
    {"name": "resync", "pattern": "delta", "chance": 0.04},
    {"name": "empty_page", "pattern": "delta", "chance": 0.06},
    {"name": "duplicates", "pattern": "delta", "chance": 0.1},
    {"name": "reordered", "pattern": "Folders.*delta", "chance": 0.1},
    {"name": "deleted_between", "pattern": r"/messages/[^/]+/\$value", "chance": 0.02},
    {"name": "deleted_between", "pattern": r"/items/[^/]+/content", "chance": 0.02},
    {"name": "folder_deleted", "pattern": "mailFolders/.*messages/delta", "chance": 0.005},
)
OUTSIDE = ("msgfolderroot", "recoverableitemsdeletions")


class Reader:
    """Keeps what each place last told. A place that has to begin anew is emptied first."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self.links: dict[str, str] = {}
        self.held: dict[str, dict[str, Any]] = {}
        self.mime: dict[str, tuple[str, str]] = {}  # change key and SHA-256 by message
        self.files: dict[str, tuple[str, str]] = {}  # cTag and SHA-256 by item

    def ask(self, path: str) -> Response:
        for _ in range(40):
            response = self.inside.ask("GET", path, prefer=f"odata.maxpagesize=7, {IMMUTABLE}")
            if response.status not in (429, 503):
                return response
        raise AssertionError(path)

    def round(self, path: str) -> None:
        link: str = self.links.get(path, path)
        if path not in self.links:
            self.held[path] = {}
        while True:
            response = self.ask(link)
            if response.status == 404:
                self.forget(path)
                return
            if response.status == 410:
                self.held[path] = {}
                link = path
                continue
            assert response.status == 200 and isinstance(response.body, bytes), response.body
            page = json.loads(response.body)
            for row in page["value"]:
                if "@removed" in row or "deleted" in row:
                    self.held[path].pop(row["id"], None)
                else:
                    self.held[path][row["id"]] = row
            if "@odata.nextLink" not in page:
                self.links[path] = page["@odata.deltaLink"]
                return
            link = page["@odata.nextLink"]

    def forget(self, path: str) -> None:
        self.held.pop(path, None)
        self.links.pop(path, None)

    def listed(self, path: str) -> None:
        """A place without delta: read whole each time."""
        self.held[path] = {}
        link = path
        while link:
            body = self.ask(link).body
            assert isinstance(body, bytes)
            page = json.loads(body)
            self.held[path] |= {row["id"]: row for row in page["value"]}
            link = page.get("@odata.nextLink", "")

    # -- services --------------------------------------------------------------------------------
    def mailbox(self, user: str) -> None:
        folders = f"users/{user}/mailFolders/delta"
        self.round(folders)
        ids = [id_ for id_, row in self.held[folders].items() if "@odata.type" not in row]
        places = [*ids, "recoverableitemsdeletions"]
        kept = {f"users/{user}/mailFolders/{one}/messages/delta" for one in places}
        for path in list(self.held):
            if path.startswith(f"users/{user}/") and path.endswith("messages/delta") and path not in kept:  # fmt: skip
                self.forget(path)
        for path in sorted(kept):
            self.round(path)
            for id_, row in list(self.held.get(path, {}).items()):
                self._mime(user, path, id_, row["changeKey"])
        self.round(f"users/{user}/contacts/delta")
        calendars = f"users/{user}/calendars"
        self.listed(calendars)
        for id_ in self.held[calendars]:
            self.listed(f"users/{user}/calendars/{id_}/events")

    def _mime(self, user: str, path: str, id_: str, key: str) -> None:
        if self.mime.get(id_, ("", ""))[0] == key:
            return
        response = self.ask(f"users/{user}/messages/{id_}/$value")
        if response.status == 404:
            self.held[path].pop(id_)  # gone since it was told
            return
        assert isinstance(response.body, bytes)
        self.mime[id_] = (key, hashlib.sha256(response.body).hexdigest())

    def drive(self, drive: str) -> None:
        path = f"drives/{drive}/root/delta"
        self.round(path)
        for id_, row in list(self.held[path].items()):
            if "file" not in row or "malware" in row or self.files.get(id_, ("", ""))[0] == row["cTag"]:  # fmt: skip
                continue
            response = self.ask(f"drives/{drive}/items/{id_}/content")
            if response.status == 404:
                self.held[path].pop(id_)
                continue
            body = self.ask(response.headers["Location"]).body
            raw = body if isinstance(body, bytes) else b"".join(body)
            self.files[id_] = (row["cTag"], hashlib.sha256(raw).hexdigest())

    def run(self) -> None:
        for user in self.inside.firm.boxes:
            self.mailbox(self.inside.world.guid_of(user))
        for drive in self.inside.firm.drives:
            self.drive(self.inside.world.ids.give("drive", drive.id))

    def rows(self, ending: str) -> dict[str, Any]:
        return {id_: row for path, rows in self.held.items() if path.endswith(ending) for id_, row in rows.items()}  # fmt: skip


def differences(reader: Reader, truth: dict[str, Any]) -> Iterator[str]:
    """Where what was read is not what the history says."""
    folders = {k: v for k, v in truth["folders"].items() if v["known"] not in OUTSIDE}
    yield from _rows("folder", reader.rows("mailFolders/delta"), folders, ("displayName", "parentFolderId", "isHidden"))  # fmt: skip
    names = ("subject", "isRead", "categories", "parentFolderId", "changeKey", "flag", "receivedDateTime")  # fmt: skip
    messages = reader.rows("messages/delta")
    yield from _rows("message", messages, truth["messages"], names)
    for id_ in set(messages) & set(truth["messages"]):
        if reader.mime[id_][1] != truth["messages"][id_]["mime"]["sha256"]:
            yield f"message {id_} has other MIME"
    default = {k for k, v in truth["contactFolders"].items() if v["default"]}
    contacts = {k: v for k, v in truth["contacts"].items() if v["parentFolderId"] in default}
    yield from _rows("contact", reader.rows("contacts/delta"), contacts, ("surname", "personalNotes", "changeKey"))  # fmt: skip
    events = {k: v for k, v in truth["events"].items() if v["type"] in ("singleInstance", "seriesMaster")}  # fmt: skip
    yield from _rows("event", reader.rows("/events"), events, ("subject", "changeKey", "recurrence", "start"))  # fmt: skip
    items = reader.rows("root/delta")
    yield from _rows("item", items, truth["items"], ("name",))
    for id_ in set(items) & set(truth["items"]):
        held = truth["items"][id_]
        if items[id_]["parentReference"].get("id") != held["parentReference"].get("id"):
            yield f"item {id_} is elsewhere"
        if id_ in reader.files and reader.files[id_][1] != held["versions"][-1]["sha256"]:
            yield f"item {id_} has other bytes"
        if "file" in held and "malware" not in held and id_ not in reader.files:
            yield f"item {id_} has no bytes"


def _rows(what: str, read: dict[str, Any], true: dict[str, Any], names: Iterable[str]) -> Iterator[str]:  # fmt: skip
    yield from (f"{what} {id_} is missing" for id_ in set(true) - set(read))
    yield from (f"{what} {id_} is not there" for id_ in set(read) - set(true))
    for id_ in set(read) & set(true):
        for name in names:
            if read[id_].get(name) != true[id_].get(name):
                yield f"{what} {id_} has another {name}"


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    """A case is a tenant, two days, and trouble by the seed."""
    for seed in seeds:
        inside = Inside(seed, Size(users=1, messages=14, events=3, files=8))
        inside.world.settings.stable_mime = True
        inside.limits.concurrent = 0
        reader = Reader(inside)
        wrong: list[str] = []
        for number in range(DAYS):
            for one in TROUBLE:
                inside.faults.add(**one)
            reader.run()
            inside.faults.remove()
            reader.run()  # what went away during the run is told by the next
            wrong += list(differences(reader, inside.truth(inside.world.store.sequence)))
            inside.day(number)
        struck = sorted({name for name, _ in inside.faults.log})
        row = {"changes": inside.world.store.sequence, "struck": len(struck), "faults": struck}
        yield Case(seed, row, tuple(wrong[:20]))
