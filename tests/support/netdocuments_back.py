"""A matter of a NetDocuments repository, backed up, lost in part, and written back at the simulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from muniment.backup.pipeline import back_up
from muniment.model.item import Row
from muniment.recovery.netdocuments_back.back import plan_back, write_back
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Scope, Selection
from muniment.recovery.written_back.outcome import Outcome, WriteReport
from muniment.sources.netdocuments import client as netdocuments
from muniment.sources.netdocuments.reading import Reader
from muniment.sources.netdocuments.transport import Transport
from tests.simulators.netdocuments.running import Running
from tests.support.clio_client import SOON
from tests.support.netdocuments_firm import NetDocsFirm, client

SYSTEMS = {"netdocs": "netdocuments"}
SCOPE = "read organize edit"
Truth = dict[str, Any]


@dataclass
class Case:
    """One backed-up matter of a firm, and who may write it back."""

    sim: Running
    firm: NetDocsFirm
    selection: Selection
    rows: list[Row]

    def plan(self, *, versions: bool = False) -> RestorePlan:
        return plan_back(self.firm.vault(), self.selection, None, SYSTEMS, versions=versions)

    def client(
        self, folder: Path, made: type[Transport] = Transport, prefix: str = "", scope: str = SCOPE
    ) -> netdocuments.Client:
        """Of the application that may write, by its service account; counts its requests in `folder`."""
        held = client(self.sim, folder, prefix=prefix, scope=scope)
        own = held.transport
        transport = made(
            own.place, own.access, own.budget, own.clock, source_id="netdocs", patience=SOON
        )  # type: ignore[arg-type]
        return replace(held, reader=Reader(transport, held.reader.top))

    def back(
        self, into: Path, *, versions: bool = False, made: type[Transport] = Transport, prefix: str = "", scope: str = SCOPE
    ) -> WriteReport:  # fmt: skip
        into.mkdir(parents=True, exist_ok=True)
        plan = self.plan(versions=versions)
        mine = self.client(into, made, prefix, scope)
        return write_back(
            self.firm.vault(), plan, self.selection, "netdocs", mine, into, versions=versions
        )

    # -- what is there -----------------------------------------------------------------------------
    def truth(self) -> Truth:
        return dict(self.sim.control("truth"))

    def documents(self) -> list[str]:
        """The ids of the matter's documents in the snapshot."""
        return sorted(
            row.native_id.decode().rpartition("/")[2]
            for row in self.rows
            if row.kind == "documents"
        )

    def purge(self, *items: str) -> None:
        for one in items:
            self.sim.control("change", item=one, delete="purge")

    def named(self, name: str) -> str:
        """The id of the matter's document or container of this name."""
        truth = self.truth()
        rows = {**truth["documents"], **truth["containers"]}
        [found] = [key for key, row in rows.items() if row["name"] == name and not row["deleted"]]
        return str(found)


def backed_up(folder: Path, sim: Running) -> NetDocsFirm:
    firm = NetDocsFirm(folder, sim)
    outcome = back_up(firm.run())
    assert outcome.success
    return firm


def case_of(firm: NetDocsFirm, sim: Running, container: str) -> Case:
    """The matter in whose workspace a container lies; `container` is its name."""
    vault = firm.vault()
    history = vault.history("netdocs")
    rows = list(vault.snapshot(history, history.live[-1]).items.values())
    held = sim.control("truth")["containers"]
    id_ = next(key for key, row in held.items() if row["name"] == container)
    matter = next(row.matter for row in rows if row.native_id.decode().endswith(f"/{id_}"))
    selection = Selection(Scope.MATTER, matter, ("netdocs",), related=True)
    return Case(sim, firm, selection, [row for row in rows if row.matter == matter])


def workspace(sim: Running, client: str, number: str) -> str:
    """A matter of one's own, as the firm opens one; the id of its workspace."""
    repository = str(sim.told["repository"])
    for place in ((repository, "1", client), (repository, "2", client, number)):
        path = "/v1/attributes" + "/{}" * len(place)
        assert sim.request("PUT", path, *place, json={"description": f"About {number}"}).ok
    made = sim.get("/v1/Workspace/{}/{}/{}/info", sim.cabinet, client, number)
    sim.control("counters", reset=True)
    return str(made.json()["standardAttributes"]["id"])


def papers(sim: Running, home: str) -> None:
    """Makes a few documents in a workspace. Two folders, one in the other; versions of which the second is official; the
    same twice; one that lies in two folders, one in none."""
    truth = sim.control("truth")["containers"]
    one = _folder(sim, home, "Papers")
    two = _folder(sim, one, "Drafts")
    several = upload(sim, two, "Several versions", b"first")
    for content, official in ((b"second", "Y"), (b"third", "N")):
        query = {"official": official, "verName": content.decode(), "version_description": "later"}
        assert sim.request("PUT", "/v1/Document/{}/new", several, body=content, **query).ok
    both = upload(sim, one, "In two folders", b"both")
    filed = {"action": "file", "item": both}
    assert sim.request("POST", "/v1/Folder/{}", two, body=filed).ok
    upload(sim, two, "Same", b"the same")
    acl = [
        {"principal": "SVC-BACKUP", "view": True},
        {"principal": sim.cabinet, "cabDefault": True},
    ]
    upload(sim, two, "Same", b"the same", acl=json.dumps(acl))
    upload(sim, home, "In the workspace", b"plain")
    profile = json.dumps([{"id": int(k), "value": v} for k, v in truth[home]["attributes"].items()])
    upload(sim, "", "In none", b"nowhere", cabinet=sim.cabinet, profile=profile)


def upload(sim: Running, where: str, name: str, content: bytes, **more: str) -> str:
    fields = {"action": "upload", "name": name, "extension": "txt", "partialProfiling": "true", **more}  # fmt: skip
    fields |= {"destination": where} if where else {}
    answer = sim.request("POST", "/v1/Document", body=fields, files={"file": ("x.txt", content)})
    assert answer.ok, answer.text
    return str(answer.json()["id"])


def _folder(sim: Running, parent: str, name: str) -> str:
    answer = sim.request("POST", "/v1/Folder", body={"name": name, "parent": parent})
    return str(answer.json()["standardAttributes"]["id"])


def told(report: WriteReport, kind: str = "documents") -> Mapping[str, Outcome]:
    """Old id -> what became of it."""
    return {one.old: one for one in report.outcomes if one.kind == kind}


def says(truth: Truth, files: Mapping[str, Any], id_: str, names: Mapping[str, str] | None = None) -> Truth:  # fmt: skip
    """What a document says, without what is new of every new one. `names`: containers that stand for others."""
    row = truth["documents"][id_]
    lead = dict(names or {})
    return {
        "name": row["name"],
        "attributes": row["attributes"],
        "acl": row["acl"],
        "filed": sorted(lead.get(one, one) for one in row["filed"]),
        "official": next(i for i, v in enumerate(row["versions"]) if v["official"]),
        "versions": [
            (v["description"], v["extension"], files[f"{id_}/{v['number']}"]["sha256"])
            for v in row["versions"]
        ],
    }
