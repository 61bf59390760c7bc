"""A firm whose NetDocuments repository is backed up, with the simulator in the vendor's place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.recovery.selection import Selection
from muniment.sources.as_files import as_files
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.asking import Rhythm
from muniment.sources.netdocuments.client import SCOPE, Client, Queries, connect, oauth_of
from muniment.sources.netdocuments.place import Place, place_of
from muniment.sources.netdocuments.reading import Reader
from muniment.sources.netdocuments.source import NetDocumentsSource
from muniment.sources.web.oauth import Application
from muniment.sources.web.tokens import Held, Tokens
from muniment.vault.rows import Snapshot
from tests.simulators.netdocuments.running import Running
from tests.support.clio_client import SOON, MemoryStore, Passing
from tests.support.practice import Practice

FAST = 10_000_000
"""Requests a minute: no pace of our own."""


def place(sim: Running, **other: Any) -> Place:
    given = {"api": sim.api, "login": str(sim.told["login"]), "ca": Path(sim.told["ca"])} | other
    return place_of(**given)


def client(
    sim: Running, folder: Path, *, prefix: str = "reading_", repository: str | None = None, scope: str = SCOPE,
    clock: Passing | None = None, store: MemoryStore | None = None, a_minute: int = FAST, cabinets: tuple[str, ...] = (),
    queries: Queries | None = None, at: Place | None = None, top: int = 500,
) -> Client:  # fmt: skip
    """By the service account of one of the simulator's applications; with an empty `repository` by a person's consent."""
    clock, where = clock or Passing(sim), at or place(sim)  # type: ignore[arg-type]
    own = str(sim.told["repository"]) if repository is None else repository
    application = Application(
        str(sim.told[f"{prefix}client_id"]), str(sim.told[f"{prefix}client_secret"]), sim.told["redirect_uris"][0]
    )  # fmt: skip
    if store is None:
        store = MemoryStore()
        if not own:
            told = sim.control(
                "tokens", grant=sim.told["backup_user"], client_id=application.client_id
            )
            ends = clock.now() + timedelta(days=300)
            store.held = Held(1, Tokens(told["access_token"], told["refresh_token"], ends))
    oauth = oauth_of(where, application, clock, "netdocs", scope, own)
    return connect(
        where, oauth, store, folder / "rate", clock, source_id="netdocs", account="account", repository=own,
        cabinets=cabinets, queries=queries, a_minute=a_minute, patience=SOON, top=top,
    )  # fmt: skip


class NetDocsFirm(Practice):
    """`netdocs` is the one source. The vault's clock is a test's; requests go by the machine's."""

    def __init__(self, folder: Path, sim: Running) -> None:
        super().__init__(folder, sources=("netdocs",))
        self.sim = sim
        self.rhythm = Rhythm()
        self.passing = Passing(sim)  # type: ignore[arg-type]
        self.client = client(sim, folder, clock=self.passing)
        self.page = 0
        """Rows of the largest page, so that few rows fill several; 0: what the vendor allows."""

    def source(self, source_id: str = "netdocs") -> NetDocumentsSource:  # type: ignore[override]
        made = self.client
        if self.page:
            made = replace(made, reader=Reader(made.transport, self.page))
        return NetDocumentsSource(source_id, made, rhythm=self.rhythm)

    def tomorrow(self) -> None:
        self.hours(24)

    def hours(self, number: float) -> None:
        assert isinstance(self.clock, FixedClock)
        self.clock.advance(timedelta(hours=number))
        self.passing.moved += 3600 * number

    def run(self, **options: object) -> BackupRun:  # type: ignore[override]
        made = super().run(source_id="netdocs", **options)  # type: ignore[arg-type]
        made._assign = lambda native_id: None
        return made

    def let_settle(self) -> None:
        """Nothing has a tick here."""

    # -- what is true ------------------------------------------------------------------------------

    def sequence(self) -> int:
        return int(self.sim.control("clock")["sequence"])

    def truth(self, at: int) -> dict[str, Any]:
        """Native id -> what the firm had then, as far as the API shows it; of files their SHA-256."""
        told, files = self.sim.control("truth", at=at), self.sim.control("files", at=at)
        return truth_of(told, files)

    def restored(
        self, into: Path, as_of: datetime | None = None, selection: Selection | None = None
    ) -> dict[str, Any]:
        """The same of what a restore gives, read from the files it made."""
        plan, report = self.restore(into, selection, as_of=as_of)
        assert report.whole, report.failures
        vault = self.vault()
        history = vault.history("netdocs")
        snapshot = vault.snapshot(history, history.at(plan.choices[0].seq))
        wanted = selection.predicate() if selection is not None else lambda row: True
        return as_told(snapshot, into / "netdocs", wanted)


# -- the simulator's truth, under our names --------------------------------------------------------


def truth_of(told: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def put(kind: str, *parts: str, value: Any) -> None:
        found[naming.native_id(kind, *parts).decode()] = value

    repository = told["repository"]
    put(naming.REPOSITORY, repository["id"], value=repository)
    for id_, row in told["users"].items():
        kept = ("id", "displayName", "email", "external", "lastLogin", "registered")
        put(naming.USERS, id_, value={name: row[name] for name in kept})
    for id_, row in told["groups"].items():
        kept = ("id", "name", "external", "hidden", "hideMembership")
        put(
            naming.GROUPS,
            id_,
            value={**{n: row[n] for n in kept}, "members": sorted(row["members"])},
        )
    for id_, row in told["cabinets"].items():
        kept = ("id", "name", "settings", "definitions", "securitytemplates", "profiletemplates")
        put(naming.CABINETS, id_, value={n: row[n] for n in kept})
    for row in told["lookups"]:
        key = naming.lookup_key(row["parent"], row["key"])
        put(naming.LOOKUPS, str(row["attribute"]), key, value=row)
    living = {
        id_: row for kind in ("containers", "documents") for id_, row in told[kind].items() if not row["deleted"]
    }  # fmt: skip
    for id_, row in living.items():
        kind = naming.CONTAINERS if id_ in told["containers"] else naming.DOCUMENTS
        put(kind, row["cabinet"], id_, value=_row(row))
        put(naming.DETAILS, row["cabinet"], id_, value=_details(row, living))
        if row["extension"] in ("ndws", "ndfld", "ndcs"):
            inside = sorted(one for one, held in living.items() if id_ in held["filed"])
            put(naming.CONTENTS, row["cabinet"], id_, value=inside)
    for name, file in files.items():
        document, _, number = name.partition("/")
        if document in living:
            kind = naming.ATTACHMENT_FILE if number.startswith("a") else naming.DOCUMENT_FILE
            put(kind, document, number.removeprefix("a"), value=file["sha256"])
    return found


_ROW = ("id", "envId", "name", "extension", "created", "createdBy", "modified", "modifiedBy", "cabinet")  # fmt: skip


def _row(row: Mapping[str, Any]) -> Any:
    attributes = {str(name): value for name, value in row["attributes"].items()}
    return {**{name: row[name] for name in _ROW}, "attributes": attributes}


def _details(row: Mapping[str, Any], living: Mapping[str, Any]) -> Any:
    found = {"acl": row["acl"]}
    if "criteria" in row:
        found["criteria"] = row["criteria"]
    if "versions" in row:
        found |= {
            "versions": row["versions"],
            "attachments": [
                {"attachmentId": one["number"], **{n: one[n] for n in ("name", "extension", "description", "size")}}
                for one in row["attachments"]
            ],
            "links": sorted(one for one in row["links"] if one in living),
            "signatures": row["signatures"], "approvals": row["approvals"], "locked": row["locked"],
            "checkedOut": row["checked_out"], "archived": row["archived"],
        }  # fmt: skip
    return found


def as_told(
    snapshot: Snapshot, folder: Path, wanted: Callable[[Row], bool] = lambda row: True
) -> dict[str, Any]:
    """Native id -> what stands in the folder that a snapshot was restored to, in the form of `truth_of`."""
    rows = [row for row in snapshot.items.values() if wanted(row)]
    found: dict[str, Any] = {}
    for row, placed in zip(rows, as_files(rows), strict=True):
        content = (folder / placed.native_id.decode()).read_bytes()
        native = text_of(row.native_id)
        if row.kind in naming.BYTES:
            found[native] = hashlib.sha256(content).hexdigest()
        else:
            found[native] = _shown(row.kind, json.loads(content))
    return found


def _shown(kind: str, data: dict[str, Any]) -> Any:
    if kind in (naming.CONTAINERS, naming.DOCUMENTS):
        attributes = {str(one["id"]): one["value"] for one in data["customAttributes"]}
        return {**{name: data[name] for name in _ROW}, "attributes": attributes}
    if kind == naming.CONTENTS:
        return [one["id"] for one in data["items"]]
    if kind == naming.GROUPS:
        members = sorted(one["id"] for one in data["members"])
        kept = {name: value for name, value in data.items() if name != "cabMembership"}
        return {**kept, "members": members}
    if kind == naming.CABINETS:
        renamed = {"definitions": "customAttributes", "securitytemplates": "securityTemplates",
                   "profiletemplates": "profileTemplates", "settings": "settings"}  # fmt: skip
        held = {ours: data[theirs] for ours, theirs in renamed.items()}
        return {"id": data["id"], "name": data["cabinet"]["name"], **held}
    if kind == naming.DETAILS:
        return _shown_details(data)
    return data


def _shown_details(data: dict[str, Any]) -> Any:
    found = {name: data[name] for name in ("acl", "criteria", "versions", "attachments", "signatures", "approvals") if name in data}  # fmt: skip
    if "versions" in data:
        profile = data["profile"]
        found |= {
            "links": sorted(one["id"] for one in data["links"]),
            "locked": profile["standardAttributes"]["locked"],
            "checkedOut": profile.get("checkedOut"),
            "archived": profile["misc"]["archived"],
        }
    return found


def differences(found: Mapping[str, Any], truth: Mapping[str, Any]) -> list[str]:
    """In words, the first few."""
    told = [f"missing {k}" for k in sorted(truth.keys() - found.keys())]
    told += [f"too many {k}" for k in sorted(found.keys() - truth.keys())]
    told += [
        f"differs {k}: {str(found[k])[:1500]} {str(truth[k])[:1500]}"
        for k in sorted(truth.keys() & found.keys())
        if found[k] != truth[k]
    ]
    return told[:10]
