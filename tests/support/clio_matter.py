"""A matter with one of everything that may be written back, made at the simulator as a firm makes it; and what it
says, in words that mean the same in every account. Nothing here is the product's.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.simulators.clio.running import Running

Row = Mapping[str, Any]
DISABLED, PARTNER, FIRM_CALENDAR = 105, 101, 109


def post(sim: Running, resource: str, show: str = "id", **data: Any) -> dict[str, Any]:
    answer = sim.request("POST", f"{resource}.json", json={"data": data}, fields=show)
    assert answer.status_code == 201, f"{resource}: {answer.text}"
    row: dict[str, Any] = answer.json()["data"]
    return row


def upload(sim: Running, parent: Mapping[str, Any], name: str, body: bytes, **more: Any) -> int:
    show = "id,latest_document_version{uuid,put_url,put_headers}"
    made = post(sim, "documents", show, name=name, parent=dict(parent), **more)
    version = made["latest_document_version"]
    headers = {one["name"]: one["value"] for one in version["put_headers"]}
    assert sim.session.put(version["put_url"], data=body, headers=headers, timeout=30).ok
    data = {"data": {"uuid": version["uuid"], "fully_uploaded": True}}
    assert sim.request("PATCH", f"documents/{made['id']}.json", json=data).status_code == 200
    return int(made["id"])


def rich_matter(sim: Running) -> int:
    """A closed matter of a client of its own; its id."""
    field = post(
        sim, "custom_fields", "id,picklist_options{id,option}", name="Venue", parent_type="Matter", field_type="picklist",
        picklist_options=[{"option": "North"}, {"option": "South"}],
    )  # fmt: skip
    counsel_field = post(
        sim, "custom_fields", name="Opposite counsel", parent_type="Matter", field_type="contact"
    )
    company = post(sim, "contacts", name="Ochre Lantern Mills LLC", type="Company")["id"]
    client = post(
        sim, "contacts", name="Petra Quill", first_name="Petra", last_name="Quill", type="Person", company={"id": company},
        title="Owner", date_of_birth="1971-04-05",
        email_addresses=[{"name": "Work", "address": "petra@clients.example", "default_email": True},
                         {"name": "Home", "address": "p.quill@home.example"}],
        phone_numbers=[{"name": "Mobile", "number": "+1 202 555 0188", "default_number": True}],
        addresses=[{"name": "Work", "street": "5 Mill Lane", "city": "Mockford", "province": "CA", "postal_code": "00501"}],
    )["id"]  # fmt: skip
    counsel = post(
        sim, "contacts", name="Rufus Tern", first_name="Rufus", last_name="Tern", type="Person",
        email_addresses=[{"name": "Work", "address": "tern@counsel.example"}],
    )["id"]  # fmt: skip
    matter = post(
        sim, "matters", client={"id": client}, description="Sale of the mill", location="Mockford", client_reference="PQ-7",
        responsible_attorney={"id": PARTNER}, open_date="2026-01-15", billable=True,
        custom_field_values=[{"custom_field": {"id": field["id"]}, "value": field["picklist_options"][1]["id"]},
                             {"custom_field": {"id": counsel_field["id"]}, "value": counsel}],
    )["id"]  # fmt: skip
    of = {"matter": {"id": matter}}
    post(sim, "relationships", contact={"id": counsel}, description="Opposing counsel", **of)
    same = {"type": "Matter", "subject": "Call", "detail": "No answer.", "date": "2026-02-01"}
    first = post(sim, "notes", **same, **of)["id"]
    post(sim, "notes", **same, **of)
    post(
        sim, "notes", type="Matter", subject="Terms", detail="<b>300</b> at closing", detail_text_type="rich_text",
        date="2026-02-02", **of,
    )  # fmt: skip
    task = post(
        sim, "tasks", name="Draft the deed", description="Both copies", assignee={"id": PARTNER, "type": "User"},
        due_at="2026-03-01", priority="High", status="complete", **of,
    )["id"]  # fmt: skip
    post(
        sim,
        "tasks",
        name="Sign",
        description="",
        assignee={"id": client, "type": "Contact"},
        notify_completion=True,
        **of,
    )
    post(sim, "tasks", name="File", description="", assignee={"id": DISABLED, "type": "User"}, **of)
    mail = post(
        sim, "communications", type="EmailCommunication", subject="Draft", body="See attached.\nRegards",
        received_at="2026-02-03T10:00:00-08:00", senders=[{"id": counsel, "type": "Contact"}],
        receivers=[{"id": PARTNER, "type": "User"}], external_properties=[{"name": "mail-id", "value": "<7@x>"}], **of,
    )["id"]  # fmt: skip
    post(
        sim, "communications", type="PhoneCommunication", subject="", body="Rang.", received_at="2026-02-04T09:30:00-08:00",
        senders=[{"id": client, "type": "Contact"}], **of,
    )  # fmt: skip
    post(
        sim, "calendar_entries", summary="Closing", description="Bring keys", location="Mockford", all_day=False,
        start_at="2026-04-01T09:00:00-07:00", end_at="2026-04-01T10:00:00-07:00", calendar_owner={"id": FIRM_CALENDAR},
        attendees=[{"id": client, "type": "Contact"}], recurrence_rule="RRULE:FREQ=DAILY;COUNT=3", **of,
    )  # fmt: skip
    post(
        sim, "damages", matter_id=matter, amount=1250.75, damage_type="special", description="Roof"
    )
    time_entry = {"type": "TimeEntry", "date": "2026-02-05", "user": {"id": PARTNER}, **of}
    post(
        sim, "activities", quantity=5400, price=300.5, note="Deed", task={"id": task}, **time_entry
    )
    post(
        sim,
        "activities",
        quantity=600,
        price=300,
        note="Call",
        matter_note={"id": first},
        non_billable=True,
        **time_entry,
    )
    post(sim, "activities", type="HardCostEntry", date="2026-02-06", price=45.1, note="Registry", reference="CHK 12",
         vendor={"id": counsel}, **of)  # fmt: skip
    letters = post(sim, "folders", name="Letters", parent={"id": matter, "type": "Matter"})["id"]
    sent = post(sim, "folders", name="Sent", parent={"id": letters, "type": "Folder"})["id"]
    deed = upload(sim, {"id": letters, "type": "Folder"}, "Deed.docx", b"first draft")
    for body in (b"second draft", b"third draft " * 5000):
        upload(sim, {"id": deed, "type": "Document"}, "Deed.docx", body)
    upload(sim, {"id": sent, "type": "Folder"}, "Letter.pdf", b"%PDF letter", communication_id=mail)
    upload(
        sim,
        {"id": matter, "type": "Matter"},
        "Empty.txt",
        b"",
        received_at="2026-02-07T08:00:00-08:00",
    )
    gone = upload(sim, {"id": matter, "type": "Matter"}, "Thrown away.txt", b"no")
    assert sim.request("DELETE", f"documents/{gone}.json").status_code == 204
    closed = {"data": {"status": "closed", "close_date": "2026-05-01"}}
    assert sim.request("PATCH", f"matters/{matter}.json", json=closed).status_code == 200
    return int(matter)


class Told:
    """What an account says of one matter, without ids, times of making, and authors."""

    def __init__(self, sim: Running, matter: int | str) -> None:
        self._sim = sim
        self.matter = int(matter)
        shown = {
            "users": "id,name", "contacts": "id,name", "calendars": "id,name", "custom_fields": "id,name,picklist_options{id,option}",
            "folders": "id,name,deleted_at,parent{id},matter{id},external_properties{name,value}",
            "documents": "id,name,deleted_at,received_at,parent{id},matter{id},latest_document_version{id}",
            "notes": "id,subject,detail,detail_text_type,date,matter{id}",
            "tasks": "id,name,description,description_text_type,status,priority,due_at,permission,notify_completion,"
                     "assignee{id,type},matter{id}",
            "communications": "id,type,subject,body,received_at,senders{id,type},receivers{id,type},documents{id},matter{id}",
            "calendar_entries": "id,summary,description,location,start_at,end_at,all_day,recurrence_rule,calendar_owner{id},"
                                "attendees{name,type},matter{id}",
            "relationships": "id,description,contact{id},matter{id}",
            "damages": "id,amount,damage_type,description,matter{id}",
            "activities": "id,type,date,quantity,price,note,reference,non_billable,total,billed,user{id},vendor{id},task{id},"
                          "matter_note{id},matter{id}",
            "matters": "id,description,status,location,open_date,close_date,billable,client_reference,client{id},"
                       "responsible_attorney{id},folder{id},custom_field_values{value,field_type,field_name,custom_field,picklist_option,contact}",
        }  # fmt: skip
        self.state = sim.control("truth", resources=list(shown), fields=shown)["resources"]
        self.files = sim.control("files")["versions"]

    def rows(self, kind: str) -> list[Row]:
        return [r for r in self.state[kind] if (r.get("matter") or {}).get("id") == self.matter]

    def _name(self, kind: str, one: Row | None) -> str:
        held = {r["id"]: r.get("name") or r.get("subject") for r in self.state[kind]}
        return "" if one is None else str(held.get(one["id"], f"gone {one['id']}"))

    def _who(self, one: Row) -> str:
        return self._name("users" if one["type"] == "User" else "contacts", one)

    def _path(self, parent: Row | None) -> str:
        """From the matter's own folder downwards."""
        held = {r["id"]: r for r in self.state["folders"]}
        names: list[str] = []
        root = self.own["folder"]["id"]
        while parent is not None and parent["id"] != root:
            row = held[parent["id"]]
            names.append(row["name"])
            parent = row["parent"]
        assert parent is not None, "a folder outside of the matter's"
        return "/".join(names[::-1])

    @property
    def own(self) -> Row:
        [row] = [r for r in self.state["matters"] if r["id"] == self.matter]
        return row  # type: ignore[no-any-return]

    def versions(self, document: int) -> list[str]:
        found = [(int(v), f["sha256"]) for v, f in self.files.items() if f["document"] == document]
        return [digest for _, digest in sorted(found)]

    def says(self) -> dict[str, Any]:
        """Kind -> how often each thing is said; to be compared with another account's."""
        m = self.own
        told: dict[str, Any] = {
            "matter": [
                m["description"], m["status"], m["location"], m["open_date"], m["close_date"], m["billable"],
                self._name("contacts", m["client"]), self._name("users", m["responsible_attorney"]),
                sorted(self._value(v) for v in m["custom_field_values"]),
            ],
            "notes": [(r["subject"], r["detail"], r["detail_text_type"], r["date"]) for r in self.rows("notes")],
            "tasks": [
                (r["name"], r["description"], r["status"], r["priority"], r["due_at"], r["permission"])
                for r in self.rows("tasks")
            ],
            "communications": [
                (r["type"], r["subject"], r["body"], r["received_at"], *sorted(map(self._who, r["senders"])), "to",
                 *sorted(map(self._who, r["receivers"])), *sorted(self._name("documents", d) for d in r["documents"]))
                for r in self.rows("communications")
            ],
            "calendar": [
                (r["summary"], r["description"], r["location"], r["start_at"], r["end_at"], r["all_day"], r["recurrence_rule"],
                 self._name("calendars", r["calendar_owner"]), *sorted(a["name"] for a in r["attendees"]))
                for r in self.rows("calendar_entries")
            ],
            "parties": [(r["description"], self._name("contacts", r["contact"])) for r in self.rows("relationships")],
            "damages": [(r["amount"], r["damage_type"], r["description"]) for r in self.rows("damages")],
            "time": [
                (r["type"], r["date"], r["quantity"], r["price"], r["note"], r["reference"], bool(r["non_billable"]), r["total"],
                 self._name("contacts", r["vendor"]), self._name("tasks", r["task"]), self._name("notes", r["matter_note"]))
                for r in self.rows("activities") if not r["billed"]
            ],
            "folders": [self._path({"id": r["id"]}) for r in self.rows("folders") if not r["deleted_at"]],
            "documents": [
                (self._path(r["parent"]), r["name"], r["received_at"], *self.versions(r["id"]))
                for r in self.rows("documents") if not r["deleted_at"] and r["latest_document_version"]
            ],
        }  # fmt: skip
        return {k: v if k == "matter" else Counter(v) for k, v in told.items()}

    def _value(self, one: Row) -> str:
        value = str(one["value"])
        if one["field_type"] == "picklist":
            options = {
                o["id"]: o["option"]
                for f in self.state["custom_fields"]
                for o in f["picklist_options"]
            }
            value = options[one["picklist_option"]["id"]]
        elif one["field_type"] == "contact":
            value = self._name("contacts", one["contact"])
        return f"{one['field_name']}: {value}"

    def digest(self) -> str:
        """Of everything in the matter, ids too: nothing of it was touched as long as this is the same."""
        held = [(k, sorted(map(repr, self.rows(k)))) for k in sorted(self.state) if k != "matters"]
        return hashlib.sha256(repr((held, self.own)).encode()).hexdigest()
