"""A careful reader that goes by delta alone has, after every day and through every trouble, what the history says."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest

from tests.simulators.clio.messages import Response
from tests.simulators.graph.founding import Size
from tests.simulators.graph.inside import Inside
from tests.simulators.graph.running import IMMUTABLE

SEEDS = int(os.environ.get("MUNIMENT_SEEDS", "2"))
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


class Reader:
    """Keeps what each place last told. A place that has to begin anew is emptied first."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self.links: dict[str, str] = {}
        self.held: dict[str, dict[str, Any]] = {}
        self.mime: dict[str, tuple[str, str]] = {}
        self.files: dict[str, tuple[str, str]] = {}

    def ask(self, path: str) -> Response:
        for _ in range(40):
            response = self.inside.ask("GET", path, prefer=f"odata.maxpagesize=7, {IMMUTABLE}")
            if response.status not in (429, 503):
                return response
        raise AssertionError(path)

    def round(self, path: str) -> bool:
        """Whether the place is still there."""
        link: str = self.links.get(path, path)
        if path not in self.links:
            self.held[path] = {}
        while True:
            response = self.ask(link)
            if response.status == 404:
                self.held.pop(path, None)
                self.links.pop(path, None)
                return False
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
                return True
            link = page["@odata.nextLink"]

    def mailbox(self, user: str) -> None:
        folders = f"users/{user}/mailFolders/delta"
        self.round(folders)
        ids = [id_ for id_, row in self.held[folders].items() if "@odata.type" not in row]
        places = [*ids, "recoverableitemsdeletions"]
        kept = {f"users/{user}/mailFolders/{one}/messages/delta" for one in places}
        for path in [one for one in self.held if one.startswith(f"users/{user}/mailFolders/") and one.endswith("messages/delta")]:  # fmt: skip
            if path not in kept:
                self.held.pop(path)
                self.links.pop(path, None)
        for path in sorted(kept):
            self.round(path)
            for id_, row in list(self.held.get(path, {}).items()):
                if self.mime.get(id_, ("", ""))[0] == row["changeKey"]:
                    continue
                response = self.ask(f"users/{user}/messages/{id_}/$value")
                if response.status == 404:
                    self.held[path].pop(id_)  # gone since it was told
                    continue
                assert isinstance(response.body, bytes)
                self.mime[id_] = (row["changeKey"], hashlib.sha256(response.body).hexdigest())
        self.round(f"users/{user}/contacts/delta")

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

    # -- what it has, in the words of the truth ----------------------------------------------------
    def rows(self, ending: str) -> dict[str, Any]:
        return {id_: row for path, rows in self.held.items() if path.endswith(ending) for id_, row in rows.items()}  # fmt: skip


def compared(reader: Reader, truth: dict[str, Any]) -> None:
    folders = {id_ for id_, one in truth["folders"].items() if one["known"] not in ("msgfolderroot", "recoverableitemsdeletions")}  # fmt: skip
    assert set(reader.rows("mailFolders/delta")) == folders
    for id_, row in reader.rows("mailFolders/delta").items():
        assert row["displayName"] == truth["folders"][id_]["displayName"]
        assert row["parentFolderId"] == truth["folders"][id_]["parentFolderId"]
    messages = reader.rows("messages/delta")
    assert set(messages) == set(truth["messages"])
    for id_, row in messages.items():
        for name in ("subject", "isRead", "categories", "parentFolderId", "changeKey", "flag"):
            assert row[name] == truth["messages"][id_][name], (id_, name)
        assert reader.mime[id_][1] == truth["messages"][id_]["mime"]["sha256"]
    contacts = reader.rows("contacts/delta")
    assert {id_: row["personalNotes"] for id_, row in contacts.items()} == {
        id_: row["personalNotes"] for id_, row in truth["contacts"].items()
        if truth["contactFolders"][row["parentFolderId"]]["default"]
    }  # fmt: skip
    items = reader.rows("root/delta")
    assert set(items) == set(truth["items"])
    for id_, row in items.items():
        assert row["name"] == truth["items"][id_]["name"]
        assert row["parentReference"].get("id") == truth["items"][id_]["parentReference"].get("id")
        if id_ in reader.files:
            assert reader.files[id_][1] == truth["items"][id_]["versions"][-1]["sha256"]


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_reader_by_delta_has_what_the_history_says(seed: int) -> None:
    inside = Inside(seed, Size(users=1, messages=14, events=1, files=8))
    inside.world.settings.stable_mime = True
    inside.limits.concurrent = 0
    reader = Reader(inside)
    for number in range(3):
        for one in TROUBLE:
            inside.faults.add(**one)
        reader.run()
        inside.faults.remove()
        reader.run()  # what went away during the run is told by the next
        at = inside.world.store.sequence
        compared(reader, inside.truth(at))
        inside.day(number)
    assert {name for name, _ in inside.faults.log} >= {"resync", "empty_page", "rate_limited"}


def test_the_history_tells_every_moment_as_it_was() -> None:
    inside = Inside(5, Size(users=1, messages=6, events=2, files=4))
    told = []
    for number in range(3):
        told.append((inside.world.store.sequence, inside.truth()))
        inside.day(number)
    for at, truth in told:
        past = inside.truth(at)
        assert past == truth
    assert told[0][1] != told[1][1]
