"""One tenant: its rows and every change to them, letters, files, time and settings."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tests.simulators.clio.clock import Clock, moment
from tests.simulators.clio.files import Files, Papers
from tests.simulators.clio.store import Ref, Row, Store
from tests.simulators.graph.bulk import TenantStore
from tests.simulators.graph.ids import Ids
from tests.simulators.graph.letters import Letters

# What a row is in, and so what a delta query of that place tells about; None is the tenant.
CONTAINERS: dict[str, str | None] = {
    "users": None, "folders": "_user", "messages": "_folder", "calendars": "_user", "events": "_calendar",
    "contactFolders": "_user", "contacts": "_folder", "items": "_drive", "sites": None,
}  # fmt: skip


@dataclass
class Settings:
    """How the vendor behaves where the description leaves a choice, or where a test wants one."""

    stable_mime: bool = False  # two GETs of one message are the same bytes
    mime_into_folder: bool = False  # MIME may be posted to a folder, not only to /messages
    rewrites_office: bool = True  # SharePoint puts metadata into Office files on upload
    download_seconds: int = 3600
    upload_seconds: int = 86_400
    directory_token_seconds: int = 7 * 86_400
    drive_page: int = 200
    latency: float = 0.0  # seconds that each request takes, so that requests meet
    deleted_children: bool = True  # a deleted folder's delta names all that was below it
    concealed_names: bool = False  # reports show no names
    drive_quota: int = 1 << 40


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()[:19] + "Z"


@dataclass
class World:
    seed: int
    clock: Clock
    papers: Papers | None = None
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.store: Store = TenantStore()
        self.ids = Ids(self.seed)
        self.files = Files(self.seed, self.papers)
        self.letters = Letters(self.seed)
        self.lock = threading.RLock()
        self.served: dict[int, list[tuple[str, str]]] = defaultdict(list)
        # How often a message had moved when it left a folder: the id it was known by there.
        self.left: dict[tuple[Ref, Ref], int] = {}
        self.untold: set[Ref] = set()  # deleted items that no delta names
        self.hashes: dict[str, str] = {}  # quickXorHash of objects, once each
        self.sent: list[dict[str, Any]] = []
        self.tenant = self.ids.guid("tenant", 1)
        self.domain = "specimenlaw.example"
        self._touched: dict[tuple[str, Ref | None], list[tuple[int, int]]] = defaultdict(list)
        self._guids: dict[str, Ref] = {}

    # -- changes ---------------------------------------------------------------------------------
    def create(self, collection: str, **values: Any) -> Ref:
        at = self.clock.tick()
        number = self.store.new_id(collection)
        now = stamp(at)
        row = {"createdDateTime": now, "lastModifiedDateTime": now} | values | {"_version": 1}
        self._put(at, Ref(collection, number), row, "created")
        return Ref(collection, number)

    def found(self, at: datetime, ref: Ref, row: Row, place: Ref) -> None:
        """One of many rows that were there from the beginning, in the place told."""
        change = self.store.put(at, ref.collection, ref.id, row, "created")  # type: ignore[arg-type]
        self._touched[(ref.collection, place)].append((change.sequence, ref.id))

    def change(self, ref: Ref, **values: Any) -> Row:
        before = self.row(ref)
        at = self.clock.tick()
        now = {"lastModifiedDateTime": stamp(at), "_version": before["_version"] + 1}
        row = {**before, **now, **values}
        self._put(at, ref, row, "changed")
        return row

    def remove(self, ref: Ref) -> None:
        before = self.row(ref)
        change = self.store.remove(self.clock.tick(), ref.collection, ref.id)
        self._touch(ref, before, change.sequence)
        self._leave(ref, before)

    def _leave(self, ref: Ref, before: Row) -> None:
        if ref.collection == "messages":
            self.left[(before["_folder"], ref)] = before["_moves"]

    def _put(self, at: datetime, ref: Ref, row: dict[str, Any], action: str) -> None:
        before = self.store.at(ref)
        change = self.store.put(at, ref.collection, ref.id, row, action)
        self._touch(ref, row, change.sequence)
        if before is not None and self._container(ref, before) != self._container(ref, row):
            self._touch(ref, before, change.sequence)
            self._leave(ref, before)

    def _container(self, ref: Ref, row: Row) -> Ref | None:
        name = CONTAINERS.get(ref.collection)
        return row[name] if name else None

    def _touch(self, ref: Ref, row: Row, sequence: int) -> None:
        if ref.collection in CONTAINERS:
            place = (ref.collection, self._container(ref, row))
            self._touched[place].append((sequence, ref.id))

    # -- mail ------------------------------------------------------------------------------------
    def move(self, ref: Ref, folder: Ref, **values: Any) -> Row:
        """microsoft365.md: Mail - a move ends the usual id of a message, not the immutable one"""
        return self.change(ref, _folder=folder, _moves=self.row(ref)["_moves"] + 1, **values)

    def purge(self, ref: Ref) -> None:
        """Into the recoverable items; what is there already goes for good."""
        folder = self.row(ref)["_folder"]
        user = self.row(folder)["_user"]
        for one in self.rows_of("folders", "_user", user):
            if self.row(one)["_known"] == "recoverableitemsdeletions" and one != folder:
                self.move(ref, one)
                return
        self.remove(ref)

    def delete_folder(self, ref: Ref) -> None:
        """What was in it and below goes to the recoverable items."""
        for one in self.rows_of("folders", "_parent", ref):
            self.delete_folder(one)
        for one in self.rows_of("messages", "_folder", ref):
            self.purge(one)
        self.remove(ref)

    # -- calendars -------------------------------------------------------------------------------
    def except_day(self, master: Ref, day: int, **values: Any) -> Ref:
        """Makes the day of a series (its ordinal) an exception with other values."""
        row = self.row(master)
        date_ = date.fromordinal(day)
        moved = date_ - moment(row["_start"]).date()
        kept = {k: v for k, v in row.items() if k not in ("_version", "createdDateTime", "lastModifiedDateTime")}  # fmt: skip
        own = {
            "_master": master, "_type": "exception", "recurrence": None, "_cancelled": (), "_excepted": (),
            "_start": (moment(row["_start"]) + moved).isoformat(),
            "_end": (moment(row["_end"]) + moved).isoformat(),
            "_original": stamp(moment(row["_start"]) + moved),
        }  # fmt: skip
        made = self.create("events", **kept | own | values)
        self.change(master, _excepted=(*row["_excepted"], date_.isoformat()))
        return made

    def delete_event(self, ref: Ref, day: int = 0) -> None:
        """An event; a series with its exceptions; or a day of it, which is then cancelled."""
        row = self.row(ref)
        if day:
            self.change(ref, _cancelled=(*row["_cancelled"], date.fromordinal(day).isoformat()))
            return
        for one in self.rows_of("events", "_master", ref):
            self.remove(one)
        self.remove(ref)
        if row["_master"] is not None and self.store.at(row["_master"]) is not None:
            master = self.row(row["_master"])
            original = row["_original"][:10]
            self.change(row["_master"], _cancelled=(*master["_cancelled"], original))

    # -- files -----------------------------------------------------------------------------------
    def create_item(self, drive: Ref, parent: Ref | None, name: str, kind: str, **values: Any) -> Ref:  # fmt: skip
        now = stamp(self.clock.now())
        own = {
            "_drive": drive, "_parent": parent, "name": name, "_kind": kind, "_versions": (), "_permissions": (),
            "_fs": (now, now), "_by": None, "_malware": False, "_hashed": True,
        }  # fmt: skip
        return self.create("items", **own | values)

    def create_file(
        self, drive: Ref, parent: Ref, name: str, version: dict[str, Any], fs: tuple[str, str] | None = None, **values: Any
    ) -> Ref:  # fmt: skip
        """`version` has object, size, type and at."""
        times = {} if fs is None else {"_fs": fs}
        held = {"_versions": ({**version, "id": "1.0"},)}
        return self.create_item(drive, parent, name, "file", **held | times | values)

    def new_version(self, ref: Ref, version: dict[str, Any], fs: tuple[str, str] | None = None) -> None:  # fmt: skip
        row = self.row(ref)
        versions = (*row["_versions"], {**version, "id": f"{len(row['_versions']) + 1}.0"})
        self.change(ref, _versions=versions, **({} if fs is None else {"_fs": fs}))

    def delete_item(self, ref: Ref) -> None:
        """With all that is below. A delta names only the top where `deleted_children` is off."""
        for one in self.rows_of("items", "_parent", ref):
            self.delete_item(one)
            if not self.settings.deleted_children:
                self.untold.add(one)
        self.remove(ref)

    # -- reading ---------------------------------------------------------------------------------
    def row(self, ref: Ref) -> Row:
        row = self.store.at(ref)
        if row is None:
            raise KeyError(ref)
        return row

    def touched(self, collection: str, container: Ref | None, after: int) -> list[tuple[int, int]]:
        """Each row that changed in a place after a change: when it last did, and its number."""
        held = self._touched[(collection, container)]
        last = {number: at for at, number in held[bisect_right(held, (after, 1 << 62)) :]}
        return sorted((at, number) for number, at in last.items())

    def known_before(self, collection: str, container: Ref | None, number: int, until: int) -> bool:
        """Whether a row was in a place at a change or before it."""
        held = self._touched[(collection, container)]
        return any(one == number for _, one in held[: bisect_right(held, (until, 1 << 62))])

    def rows_of(self, collection: str, field_: str, target: Ref, store: Store | None = None) -> list[Ref]:  # fmt: skip
        found = (store or self.store).referrers(collection, field_, target)
        return [Ref(collection, number) for number in found]

    def guid_of(self, ref: Ref) -> str:
        made = self.ids.guid(ref.collection, ref.id)
        self._guids[made] = ref
        return made

    def by_guid(self, text: str) -> Ref | None:
        return self._guids.get(text.lower())

    def sequence_at(self, moment: datetime) -> int:
        """The last change up to a moment."""
        changes = self.store.changes
        return bisect_right(changes, moment, key=lambda one: one.at)
