"""One firm: its rows, its files, its time - and the ways to change them that keep all in step.

Collections of the store: `users`, `groups`, `cabinets`, `lookups`, `items` (documents and containers), `versions`,
`attachments`. Rows of `items` carry their outside ids as `id` and `envId`.
"""

from __future__ import annotations

import bisect
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clio.clock import Clock
from tests.simulators.clio.files import Files, Object, Papers
from tests.simulators.clio.store import Ref, Row, Store
from tests.simulators.netdocuments import ids

OCTETS = "application/octet-stream"


@dataclass
class Settings:
    """What the description leaves open, as a setting; README.md says which and why."""

    error_shape: str = "errorCode"  # platform.yaml: errors.body
    container_shape: str = "plain"  # or "data": resources.yaml: container_info.shape
    no_access_key: str = "noAccess"  # or "no_access": resources.yaml: document_acl.shape
    end_of_pages: str = "null"  # or "absent": platform.yaml: paging.v2
    full_page_goes_on: bool = (
        True  # examples.json: v2_search_page_1 - a full page, then an empty one
    )
    skip_token: str = "position"  # in a list that goes on changing; or "snapshot"
    skip_token_seconds: float | None = None
    folder_top_most: int = 500  # platform.yaml: could_not_confirm - max $top for folder listings
    folder_suffix: bool = False  # platform.yaml: ids.note - v2 may append |n to folder ids
    modified_field: int = (
        7  # platform.yaml: could_not_confirm - the field number of the modified date
    )
    deleted_values: tuple[str, ...] = ("only", "include")  # platform.yaml: search.deleted
    workspaces_found: bool = True  # platform.yaml: could_not_confirm - =11(ndws) enumeration
    index_seconds: float = 0  # platform.yaml: search.index_lag
    rights_move_modified: bool = (
        False  # whether a change of rights or filing moves the modified date
    )
    quiet_put: bool = False  # resources.yaml: set_profile - 204 by one source, 200 by the swagger
    purge_days: float | None = None  # platform.yaml: deletions.soft - no fixed number of days


@dataclass(frozen=True)
class Entry:
    """A line of the activity log. platform.yaml: deletions.audit"""

    at: datetime
    user: str
    action: str
    item: str
    detail: str
    sequence: int


@dataclass
class World:
    """All changes hold `lock`; a reader holds it while it collects rows."""

    seed: int
    region: str = "us"
    clock: Clock = field(default_factory=Clock)
    settings: Settings = field(default_factory=Settings)
    store: Store = field(default_factory=Store)
    lock: threading.RLock = field(default_factory=threading.RLock)
    papers: Papers | None = None

    def __post_init__(self) -> None:
        self.files = Files(self.seed, self.papers)
        self.repository = {"id": ids.short("CA", self.seed, "repository"), "name": ""}
        self.log: list[Entry] = []
        self.recent: list[str] = []
        self.made_workspaces = 0
        self._places: dict[str, Ref] = {}
        self._numbers: dict[tuple[int, str, str], Ref] = {}
        self._trail: dict[int, list[tuple[datetime, Row | None]]] = defaultdict(list)

    # -- rows ------------------------------------------------------------------------------------
    def row(self, ref: Ref) -> Row:
        row = self.store.at(ref)
        assert row is not None, ref
        return row

    def find(self, text: str) -> Ref | None:
        """By any id it goes by. platform.yaml: ids.note - v2 may append |n"""
        return self._places.get(text.partition("|")[0].replace("-", "").upper()[:64])

    def _name(self, ref: Ref, *outside: str) -> None:
        for one in outside:
            self._places[one.replace("-", "").upper()[:64]] = ref

    def put(self, ref: Ref, row: dict[str, Any], action: str, by: str, at: datetime, detail: str = "") -> None:  # fmt: skip
        change = self.store.put(at, ref.collection, ref.id, row, action)
        self._note(ref, row, action, by, at, detail, change.sequence)

    def _note(
        self, ref: Ref, row: Row | None, action: str, by: str, at: datetime, detail: str, sequence: int
    ) -> None:  # fmt: skip
        if ref.collection == "items":
            self._trail[ref.id].append((at, row))
        item = str((row or {}).get("id", ""))
        self.log.append(Entry(at, by, action, item, detail, sequence))

    def add(self, collection: str, outside: str, by: str, at: datetime, **values: Any) -> Ref:
        """A user, a group, a cabinet: known outside as `outside`."""
        with self.lock:
            ref = Ref(collection, self.store.new_id(collection))
            self.put(ref, {"id": outside, **values}, f"{collection}.created", by, at)
            self._name(ref, outside)
            return ref

    def change(
        self, ref: Ref, action: str, by: str, at: datetime | None = None, *, touch: bool = True, detail: str = "", **values: Any,
    ) -> Row:  # fmt: skip
        """Puts `values` into the row; `touch` moves an item's modified date."""
        with self.lock:
            moment = at or self.clock.tick()
            row = {**self.row(ref), **values}
            if touch and ref.collection == "items":
                row |= {"modified": ids.stamp(moment), "modifiedBy": by}
            self.put(ref, row, action, by, moment, detail)
            return row

    def remove(self, ref: Ref, action: str, by: str, at: datetime | None = None) -> None:
        with self.lock:
            before, moment = self.row(ref), at or self.clock.tick()
            change = self.store.remove(moment, ref.collection, ref.id, action)
            if ref.collection == "items":
                self._trail[ref.id].append((moment, None))
            self.log.append(
                Entry(moment, by, action, str(before.get("id", "")), "", change.sequence)
            )

    # -- lookup tables -----------------------------------------------------------------------------
    def lookup(self, attribute: int, key: str, parent: str = "") -> Ref | None:
        ref = self._numbers.get((attribute, parent, key))
        return ref if self.store.at(ref) else None

    def set_lookup(
        self, attribute: int, key: str, parent: str, by: str, at: datetime | None = None, **values: Any
    ) -> Ref:  # fmt: skip
        """Makes the entry or changes it. resources.yaml: upsert_lookup"""
        with self.lock:
            held = self.lookup(attribute, key, parent)
            if held is not None:
                self.change(held, "lookup.changed", by, at, **values)
                return held
            ref = Ref("lookups", self.store.new_id("lookups"))
            row = {
                "attribute": attribute, "key": key, "parent": parent, "description": "", "hold": False, "closed": "",
                "defaulting": "", "access": "", **values,
            }  # fmt: skip
            self.put(ref, row, "lookup.created", by, at or self.clock.tick(), key)
            self._numbers[attribute, parent, key] = ref
            return ref

    def described(self, attribute: int, key: str, parent: str = "") -> str:
        row = self.store.at(self.lookup(attribute, key, parent))
        return "" if row is None else str(row["description"])

    # -- items -------------------------------------------------------------------------------------
    def create_item(
        self, name: str, extension: str, cabinet: Ref, by: str, at: datetime | None = None, *,
        attributes: Mapping[int, str] | None = None, acl: Iterable[Mapping[str, Any]] = (), filed: Iterable[Ref] = (),
        modified: str = "", **values: Any,
    ) -> Ref:  # fmt: skip
        with self.lock:
            moment = at or self.clock.tick()
            number = self.store.new_id("items")
            ref = Ref("items", number)
            row = {
                "id": ids.document_id(self.seed, number),
                "envId": ids.envelope_id(self.seed, number, moment, extension),
                "name": name, "extension": extension, "cabinet": cabinet, "created": ids.stamp(moment), "createdBy": by,
                "modified": modified or ids.stamp(moment), "modifiedBy": by, "attributes": dict(attributes or {}),
                "acl": [dict(one) for one in acl], "filed": list(filed), "links": [], "deleted": None, "official": 0,
                "archived": False, "locked": False, "checked_out": None, "approvals": [], "signatures": [], **values,
            }  # fmt: skip
            self.put(ref, row, "created", by, moment)
            self._name(ref, row["id"], row["envId"])
            return ref

    def add_version(
        self, item: Ref, by: str, body: bytes | int, at: datetime | None = None, *, extension: str = "", label: str = "",
        description: str = "", official: bool = True, number: int | None = None, modified: str = "",
    ) -> int:  # fmt: skip
        """The number of the new version; `body` is its bytes, or how many of them the seed makes."""
        with self.lock:
            moment, row = at or self.clock.tick(), self.row(item)
            version = number or row.get("latest", 0) + 1
            size = body if isinstance(body, int) else len(body)
            ending = extension or str(row["extension"])
            values = {
                "document": item, "number": version, "label": label or str(version), "description": description,
                "extension": ending, "size": size, "created": modified or ids.stamp(moment), "createdBy": by,
                "modified": modified or ids.stamp(moment), "modifiedBy": by, "locked": False,
                "file": self.keep_file(f"{row['id']}/{version}/{self.store.sequence}", body, f"{row['name']}.{ending}"),
            }  # fmt: skip
            ref = Ref("versions", self.store.new_id("versions"))
            self.put(ref, values, "version.created", by, moment, f"{row['id']}/{version}")
            self.change(
                item, "version added", by, moment, latest=version, extension=ending,
                official=version if official or not row["official"] else row["official"],
            )  # fmt: skip
            if modified:
                self.change(item, "modified set", by, moment, touch=False, modified=modified)
            return version

    def keep_file(self, name: str, body: bytes | int, filename: str) -> str:
        size = body if isinstance(body, int) else len(body)
        self.files.objects[name] = Object(size, OCTETS, filename)
        if not isinstance(body, int):
            self.files.keep(name, body)
        return name

    def add_attachment(
        self, item: Ref, by: str, number: int, body: bytes | int, at: datetime | None = None, **values: str
    ) -> None:  # fmt: skip
        """`values` are its name, extension and description."""
        with self.lock:
            row = self.row(item)
            file = self.keep_file(f"{row['id']}/a{number}/{self.store.sequence}", body, values["name"])  # fmt: skip
            size = body if isinstance(body, int) else len(body)
            held = {"document": item, "number": number, "file": file, "size": size, **values}
            made = Ref("attachments", self.store.new_id("attachments"))
            self.put(made, held, "attachment.created", by, at or self.clock.tick(), str(row["id"]))

    def versions(self, item: Ref) -> list[tuple[Ref, Row]]:
        """By their numbers."""
        held = [
            (Ref("versions", one), self.row(Ref("versions", one)))
            for one in self.store.referrers("versions", "document", item)
        ]
        return sorted(held, key=lambda pair: pair[1]["number"])

    def version(self, item: Ref, number: int) -> tuple[Ref, Row] | None:
        return next((pair for pair in self.versions(item) if pair[1]["number"] == number), None)

    def members(self, container: Ref) -> list[Ref]:
        """What is filed in a container itself, deleted items left out, by age."""
        held = self.store.referrers("items", "filed", container)
        return [Ref("items", one) for one in held if self.row(Ref("items", one))["deleted"] is None]

    def ancestors(self, item: Ref) -> list[Ref]:
        """Every container above, the nearest first, each once."""
        found: list[Ref] = []
        waiting = list(self.row(item)["filed"])
        while waiting:
            above = waiting.pop(0)
            row = self.store.at(above)
            if above not in found and row is not None and row["deleted"] is None:
                found.append(above)
                waiting += row["filed"]
        return found

    def below(self, container: Ref) -> list[Ref]:
        """Everything in a container and its folders, each once."""
        found: dict[Ref, None] = {}
        waiting = self.members(container)
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found[one] = None
                if self.row(one)["extension"] in ids.CONTAINERS:
                    waiting += self.members(one)
        return list(found)

    # -- deletions ---------------------------------------------------------------------------------
    def soft_delete(self, item: Ref, by: str, at: datetime | None = None) -> None:
        """platform.yaml: deletions.soft - the access list is cleared but for the deleter, and nothing is filed any more"""
        with self.lock:
            moment = at or self.clock.tick()
            if self.row(item)["extension"] in ids.CONTAINERS:
                for one in self.members(item):
                    filed = [ref for ref in self.row(one)["filed"] if ref != item]
                    self.change(one, "unfiled", by, moment, touch=False, filed=filed)
            own = entry(by, administer=True)
            self.change(
                item, "deleted", by, moment, touch=False, filed=[], acl=[own], deleted=ids.stamp(moment)
            )  # fmt: skip

    def undelete(self, item: Ref, by: str) -> None:
        """platform.yaml: deletions.undelete - neither rights nor filing come back"""
        self.change(item, "undeleted", by, deleted=None)

    def purge(self, item: Ref, by: str, at: datetime | None = None) -> None:
        """For good, with all versions. platform.yaml: deletions.hard"""
        with self.lock:
            moment = at or self.clock.tick()
            for one in self.store.referrers("items", "filed", item):
                row = self.row(Ref("items", one))
                filed = [ref for ref in row["filed"] if ref != item]
                self.change(Ref("items", one), "unfiled", by, moment, touch=False, filed=filed)
            for collection in ("versions", "attachments"):
                for one in self.store.referrers(collection, "document", item):
                    self.remove(Ref(collection, one), f"{collection}.purged", by, moment)
            self.remove(item, "purged", by, moment)

    def purge_old(self) -> None:
        """The firm's retention policy, where one is set."""
        days = self.settings.purge_days
        if days is None:
            return
        with self.lock:
            end = self.clock.now() - timedelta(days=days)
            for number, row in list(self.store.rows("items")):
                if row["deleted"] is not None and ids.parsed(row["deleted"]) <= end:
                    self.purge(Ref("items", number), "")

    # -- the search index --------------------------------------------------------------------------
    def indexed(self, number: int) -> Row | None:
        """An item as a search knows it. platform.yaml: search.index_lag"""
        if not self.settings.index_seconds:
            return self.store.get("items", number)
        known = self.clock.now() - timedelta(seconds=self.settings.index_seconds)
        trail = self._trail[number]
        place = bisect.bisect_right([at for at, _ in trail], known)
        return trail[place - 1][1] if place else None

    def view(self, sequence: int | None = None) -> World:
        """The firm right after change `sequence`, to be read."""
        with self.lock:
            if sequence is None or sequence >= self.store.sequence:
                return self
            past = World(self.seed, self.region, self.clock, self.settings, self.store.as_of(sequence), self.lock)  # fmt: skip
            past.files, past.repository, past._places = self.files, self.repository, self._places
            past._numbers = self._numbers
            return past


def entry(principal: str, **rights: bool) -> dict[str, Any]:
    """One line of an access list. resources.yaml: document_acl.shape"""
    named = ("view", "edit", "share", "administer", "noAccess", "cabDefault")
    full = rights.get("administer", False)
    below = {"view", "edit", "share"} if full else set()
    return {"principal": principal} | {
        name: bool(rights.get(name, name in below)) for name in named
    }
