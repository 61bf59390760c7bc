"""A matter of a Clio account with a letter to opposing counsel and names that mean harm, given back as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from muniment.backup.pipeline import back_up
from muniment.recovery.matter_file import MATTER_FILE
from muniment.recovery.matter_file.index import Outcome, write_index
from muniment.recovery.matter_file.target import MatterFileTarget
from muniment.recovery.perform import RestoreReport, perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileTarget
from tests.simulators.clio.running import Running, running
from tests.support.clio_firm import ClioFirm

MATTER = 101
LETTER = "Letter to opposing counsel.pdf"
HOSTILE = (
    '<script>alert("x")</script>.pdf',
    "=HYPERLINK(\"http://evil.example\";\"x\").xlsx",
    "../../../etc/passwd",
    "invoice\u202efdp.exe",
    "two\nlines\r\n.txt",
    "long " * 80 + ".docx",
    "CON.txt",
    "versions",
    "same.pdf",
    "SAME.pdf",
    "' onmouseover='alert(1)",
)  # fmt: skip
"""Names of documents."""


@dataclass
class Given:
    """A matter that was given back as a file, and what the simulator says of it. `documents`: name -> id."""

    sim: Running
    firm: ClioFirm
    folder: Path
    plan: RestorePlan
    report: RestoreReport
    documents: dict[str, int] = field(default_factory=dict)

    @property
    def part(self) -> Path:
        return self.folder / "clio"

    def truth(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """The matter's rows, as the API gives them."""
        fields = ",".join(self.firm.client.table[kind].fields)
        views = [dict(view) for view in self.firm.client.table[kind].views] or [{}]
        found = {}
        for view in views:
            for row in self.sim.rows(f"{kind}.json", fields=fields, **view):
                if (row.get("matter") or {}).get("id") == MATTER:
                    found[str(row["id"])] = row
        return found

    def page(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def selection(firm: ClioFirm) -> Selection:
    vault = firm.vault()
    history = vault.history("clio")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    [matter] = [r.matter for r in rows if r.native_id == f"matters/{MATTER}".encode()]
    return Selection(Scope.MATTER, matter, related=True)


def give_back(firm: ClioFirm, folder: Path) -> tuple[RestorePlan, RestoreReport]:
    vault, wanted = firm.vault(), selection(firm)
    plan = make_restore_plan(vault, wanted, target=MATTER_FILE)
    folder.mkdir(parents=True, exist_ok=True)
    report = perform(
        vault,
        plan,
        wanted,
        lambda source: MatterFileTarget(FileTarget(folder / source, restore_id=plan.digest)),
    )
    write_index(folder, Outcome(plan, report.verified, report.failures))
    return plan, report


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    with running(seed=5, matters=4, documents_per_matter=4, rate=0) as sim:
        documents = _write(sim)
        firm = ClioFirm(tmp_path_factory.mktemp("firm"), sim)
        back_up(firm.run())
        folder = tmp_path_factory.mktemp("given")
        plan, report = give_back(firm, folder)
        yield Given(sim, firm, folder, plan, report, documents)


def _write(sim: Running) -> dict[str, int]:
    """What the firm wrote, and what others wrote to harm it."""

    def change(collection: str, id_: int | None = None, **values: Any) -> int:
        asked = {"collection": collection, "values": values} | ({"id": id_} if id_ else {})
        return int(sim.control("change", **asked)["id"])

    def ref(collection: str, id_: int) -> dict[str, list[Any]]:
        return {"ref": [collection, id_]}

    matter = ref("matters", MATTER)
    counsel = change(
        "contacts", type="Person", name="Ruth Advocate", first_name="Ruth", last_name="Advocate;\nBEGIN:VCARD",
    )  # fmt: skip
    evil = change("contacts", type="Company", name='=1+1"><img src=x onerror=alert(1)>\u202e')
    change(
        "relationships",
        description="Opposing counsel",
        matter=matter,
        contact=ref("contacts", counsel),
    )
    change(
        "relationships", description="<b>@SUM(A1)</b>", matter=matter, contact=ref("contacts", evil)
    )
    change(
        "notes", type="Matter", subject="<script>alert(1)</script>", date="2026-09-01", matter=matter,
        detail="<p>Seen <b>him</b></p><script>alert(2)</script><a href='http://evil.example'>here</a>",
        detail_text_type="rich_text", author=ref("users", 101),
    )  # fmt: skip
    change(
        "communications", type="EmailCommunication", subject="Offer\r\nBcc: thief@evil.example", body="Dear <b>Ruth</b>,\n.\nyours",
        date="2026-09-02", received_at="2026-09-02T10:15:00-07:00", matter=matter, senders=[ref("users", 102)],
        receivers=[ref("contacts", counsel), ref("contacts", evil)], user=ref("users", 102), external_properties=[],
    )  # fmt: skip
    change(
        "tasks", name="=cmd|' /C calc'!A0", description="+1", status="pending", priority="High", due_at="2026-10-01",
        permission="public", matter=matter, assignee=ref("users", 101), assigner=ref("users", 101),
        statute_of_limitations=False, description_text_type="plain_text",
    )  # fmt: skip
    change(
        "calendar_entries", summary="Hearing, room 4; bring \\ files\r\nATTENDEE:mailto:evil@evil.example",
        description="first\nsecond", location="", start_at="2026-11-02T09:00:00-08:00", end_at="2026-11-02T10:00:00-08:00",
        start_date="2026-11-02", end_date="2026-11-02", all_day=True, recurrence_rule="RRULE:FREQ=DAILY;COUNT=3\r\nX:1",
        court_rule=False, permission="owner", matter=matter, calendar_owner=ref("calendars", 101), calendars=[],
        calendar_entry_event_type=ref("calendar_entry_event_types", 101), attendees=[], external_properties=[],
    )  # fmt: skip
    root = sim.rows("folders.json", fields="id,name,matter{id}", matter_id=MATTER)[0]["id"]
    letters = change(
        "folders", name="Letters", root=False, locked=False, deleted_at=None, parent=ref("folders", root), matter=matter,
        contact=None, creator=ref("users", 101), external_properties=[], document_category=None,
    )  # fmt: skip
    made = {LETTER: _upload(sim, letters, LETTER, b"%PDF-1.4 draft")}
    _upload(sim, letters, LETTER, b"%PDF-1.4 as sent", document=made[LETTER])
    for name in HOSTILE:
        made[name] = _upload(sim, letters, "harmless.pdf", f"bytes of {name!r}".encode())
        _rename(sim, made[name], name)
    return made


def _upload(sim: Running, folder: int, name: str, body: bytes, document: int = 0) -> int:
    wanted = "id,latest_document_version{id,uuid,put_url,put_headers}"
    if document:
        data: dict[str, Any] = {"name": name, "parent": {"id": document, "type": "Document"}}
    else:
        data = {"name": name, "parent": {"id": folder, "type": "Folder"}}
    told = sim.request("POST", "documents.json", json={"data": data}, fields=wanted)
    assert told.status_code == 201, told.text
    row = told.json()["data"]
    version = row["latest_document_version"]
    headers = {one["name"]: one["value"] for one in version["put_headers"]}
    put = sim.session.put(version["put_url"], data=body, headers=headers, timeout=30)
    assert put.ok, put.text
    sent = {"data": {"uuid": version["uuid"], "fully_uploaded": True}}
    done = sim.request("PATCH", f"documents/{row['id']}.json", json=sent, fields=wanted)
    assert done.status_code == 200, done.text
    return int(row["id"])


def _rename(sim: Running, document: int, name: str) -> None:
    """Unchecked, as others may have done it."""
    version = sim.get(f"documents/{document}.json", fields="id,latest_document_version{id}").json()
    id_ = version["data"]["latest_document_version"]["id"]
    sim.control("change", collection="documents", id=document, values={"name": name})
    sim.control("change", collection="document_versions", id=id_, values={"filename": name})


def rows_of(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]
