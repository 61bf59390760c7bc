"""A matter written back into a tenant: what is made, what is left, what is told, and that nothing is sent."""

from __future__ import annotations

import base64
import csv
import importlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from muniment.recovery.m365_back.back import what_is_written
from muniment.recovery.written_back.outcome import Outcome, Status
from tests.m365_back.conftest import Given
from tests.simulators.graph.running import IMMUTABLE
from tests.simulators.graph.test_third_party_client import asked
from tests.support.m365_back import FOLDER, SIGNED, Office, told

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
ALLOWED = {
    "POST /users/{user}/mailFolders", "POST /users/{user}/mailFolders/{folder}/childFolders",
    "POST /users/{user}/mailFolders/{folder}/messages", "POST /users/{user}/messages/{message}/attachments",
    "POST /users/{user}/messages/{message}/attachments/createUploadSession", "POST /users/{user}/calendars",
    "POST /users/{user}/calendars/{calendar}/events", "PATCH /users/{user}/events/{event}",
    "DELETE /users/{user}/events/{event}", "POST /users/{user}/events/{event}/attachments",
    "POST /users/{user}/contactFolders", "POST /users/{user}/contactFolders/{folder}/contacts",
    "PUT /users/{user}/contacts/{contact}/photo/$value", "POST /drives/{drive}/items/{item}/children",
    "POST /drives/{drive}/items/{item}:/{name}:/createUploadSession",
    "PUT /drives/{drive}/items/{item}:/{name}:/content", "PATCH /drives/{drive}/items/{item}", "PUT content:/up",
}  # fmt: skip
KEPT = (
    "subject", "sentDateTime", "receivedDateTime", "isRead", "isDraft", "categories", "flag", "internetMessageId",
    "importance", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
)  # fmt: skip


def of(given: Given, office: Office, kind: str, name: str) -> Outcome:
    """What became of something by the name that the test gave it."""
    return next(one for old, one in told(given.report, kind).items() if old.endswith(office.ids[name]))  # fmt: skip


def test_the_plan_says_what_is_written_and_asks_nothing(given: Given) -> None:
    case = given.case
    case.sim.control("counters", reset=True)
    plan = case.plan()
    planned = what_is_written(case.firm.vault(), plan, case.selection, ["m365"])
    assert case.sim.control("counters")["endpoints"] == {}
    forecast: Any = planned.forecast.as_dict()
    assert forecast["written"] == {
        "contact": 1, "contact_photo": 1, "drive_file": 6, "drive_item": 10, "event": 3, "event_attachment": 1, "message": 9,
        "message_carried": 2, "message_mime": 2,
    }  # fmt: skip
    why = {(one["kind"], one["why"]): one["items"] for one in forecast["beside"]}
    own_rights = "it had rights of its own in a library: others would see it in a new folder"
    assert why["drive_item", own_rights] == why["drive_file", "the backup does not say what it belongs to"] == 1  # fmt: skip
    assert plan.choices[0].kinds["message"] == {"recreated": 11}
    assert set(plan.choices[0].kinds["message_mime"]) == {"file"}
    needs = planned.needs["m365"]
    assert needs.services == ("mail", "calendars", "contacts", "onedrive")
    assert (len(needs.users), len(needs.drives)) == (2, 2)


def test_everything_is_made_anew_in_rooms_of_its_own_and_nothing_else_changes(given: Given) -> None:
    assert given.report.whole, given.report.as_dict()["bad"]
    assert {one for one in given.asked if one.startswith(WRITES) and "login" not in one} <= ALLOWED
    assert given.rooms.rest() == given.before
    assert given.sent == []
    # One room for each kind in each mailbox and drive, called alike.
    truth, rooms = given.rooms.truth, given.rooms
    names = {truth["calendars"][k]["name"] for k in rooms.inside("calendars")}
    names |= {truth["contactFolders"][k]["displayName"] for k in rooms.inside("contactFolders")}
    [name] = names
    assert name.startswith("Restored 2026-0113 as of 2026-03-02 01.00 UTC [")
    tops = [truth["folders"][k]["user"] for k in rooms.inside("folders") if truth["folders"][k]["displayName"] == name]  # fmt: skip
    assert sorted(tops) == sorted({given.case.sim.users[one] for one in ("member", "shared")})


def test_messages_say_what_the_old_ones_say_where_the_old_ones_lay(given: Given, office: Office) -> None:  # fmt: skip
    truth = given.rooms.truth
    for name in ("plain", "rich", "twice", "large", "nested", "receipt", "draft", "signed", "of the shared mailbox"):  # fmt: skip
        old = truth["messages"][office.ids[name]]
        new = truth["messages"][of(given, office, "message", name).new]
        kept = [one for one in KEPT if not (old["isDraft"] and one.endswith("DateTime"))]
        assert {one: new[one] for one in kept} == {one: old[one] for one in kept}, name
        above = truth["folders"][new["folder"]]["displayName"]
        assert above == truth["folders"][old["folder"]]["displayName"], name
    for name in ("twice", "large"):
        old, new = (truth["messages"][id_] for id_ in (office.ids[name], of(given, office, "message", name).new))  # fmt: skip
        assert new["attachments"] == old["attachments"]
    rich = truth["messages"][of(given, office, "message", "rich").new]
    assert "rich" in rich["body"]["content"]
    assert [one["name"] for one in rich["attachments"]] == ["seal.png", "brief.pdf"]
    assert FOLDER in {truth["folders"][k]["displayName"] for k in given.rooms.inside("folders")}


def test_files_lie_in_the_same_folders_with_their_bytes_and_times(given: Given, office: Office) -> None:  # fmt: skip
    items = given.rooms.truth["items"]
    for name in (
        "empty.txt",
        "large.bin",
        "none.docx",
        "Übergabe – 合同 📎.pdf",
        "in the library.txt",
    ):
        old, new = items[office.ids[name]], items[of(given, office, "drive_item", name).new]
        assert new["versions"][-1]["sha256"] == old["versions"][-1]["sha256"], name
        assert new["fileSystemInfo"] == old["fileSystemInfo"], name
        assert new["path"].endswith(old["path"]) and new["permissions"] == []
    assert any(items[k]["path"].endswith("Nothing%20in%20it") for k in given.rooms.inside("items"))


def test_what_could_not_be_kept_is_told_of_each_item(given: Given, office: Office) -> None:
    wanted = {
        "plain": [], "twice": [], "large": [], "draft": [], "signed": ["form"], "malformed": ["form"], "really signed": ["form"],
        "nested": ["attached messages"], "receipt": ["receipt"],
    }  # fmt: skip
    assert {name: of(given, office, "message", name).lost for name in wanted} == wanted
    assert of(given, office, "event", "Hearing").lost == ["attendees", "reminder"]
    assert of(given, office, "event", "Weekly").lost == ["reminder"]
    assert of(given, office, "contact", "Ochre").lost == []
    assert of(given, office, "drive_file", "contract.docx").lost == ["bytes"]
    assert of(given, office, "drive_file", "none.docx").lost == []
    for kind in ("drive_item", "drive_file"):
        few = of(given, office, kind, "for a few.txt")
        assert few.status is Status.BESIDE and not few.new
    assert given.report.lost()["message.form"] == 3


def test_the_map_leads_from_each_item_of_the_plan_to_what_it_became(given: Given) -> None:
    with (given.folder / "m365.m365-map.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == given.case.plan().items == len(given.report.outcomes)
    assert json.loads((given.folder / "m365.m365-map.json").read_text())["map"] == rows
    for word in ("Quill", "Kettle", "clients.example"):
        assert all(word not in str(row) for row in rows)


def test_what_was_signed_is_carried_byte_for_byte_and_openssl_verifies_it(
    given: Given, office: Office, tmp_path: Path
) -> None:
    case = given.case
    for name in ("signed", "malformed", "really signed"):
        new = of(given, office, "message", name).new
        path = f"users/{office.user}/messages/{new}/attachments"
        [one] = case.sim.rows(path, prefer=IMMUTABLE)
        content = base64.b64decode(one["contentBytes"])
        [mime] = [row for row in case.rows if row.kind == "message_mime" and row.native_id.decode().endswith(office.ids[name])]  # fmt: skip
        assert one["name"] == "original.eml" and len(content) == mime.size
        assert of(given, office, "message_mime", name).status is Status.WRITTEN
    assert SIGNED.partition(b"--XX\r\n")[2][:60] in _bytes(given, office, "signed")
    (tmp_path / "given.eml").write_bytes(_bytes(given, office, "really signed"))
    run = ["openssl", "cms", "-verify", "-noverify", "-in", tmp_path / "given.eml", "-out", tmp_path / "text"]  # fmt: skip
    done = subprocess.run(run, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Really signed." in (tmp_path / "text").read_bytes()


def _bytes(given: Given, office: Office, name: str) -> bytes:
    path = f"users/{office.user}/messages/{of(given, office, 'message', name).new}/attachments"
    [one] = given.case.sim.rows(path, prefer=IMMUTABLE)
    return base64.b64decode(one["contentBytes"])


def test_a_series_has_its_moved_and_its_cancelled_day_and_nobody_is_invited(given: Given, office: Office) -> None:  # fmt: skip
    sim = given.case.sim
    window = {"startDateTime": "2026-10-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
    path = f"users/{office.user}/events"
    new = of(given, office, "event", "Weekly").new
    days = sim.rows(f"{path}/{new}/instances", prefer=IMMUTABLE, **window)
    assert [(one["subject"], one["start"]["dateTime"][:16]) for one in days] == [
        ("Weekly", "2026-11-02T17:00"), ("Moved", "2026-11-10T22:00"), ("Weekly", "2026-11-23T17:00"), ("Weekly", "2026-11-30T17:00"),
    ]  # fmt: skip
    hearing = sim.get(f"{path}/{of(given, office, 'event', 'Hearing').new}", prefer=IMMUTABLE).json()  # fmt: skip
    assert hearing["attendees"] == [] and "ada@clients.example" in hearing["body"]["content"]
    assert hearing["location"]["displayName"] == "Courtroom 4"
    assert not hearing["isReminderOn"] and not hearing["isOnlineMeeting"]
    [agenda] = sim.rows(f"{path}/{hearing['id']}/attachments", prefer=IMMUTABLE)
    assert base64.b64decode(agenda["contentBytes"]) == b"agenda"


def test_once_more_without_the_journal_makes_nothing(given: Given, tmp_path: Path) -> None:
    case, said = given.case, given.rooms.said()
    again = case.back(tmp_path)
    assert again.whole and again.verified == given.report.verified
    rooms = case.rooms()
    assert rooms.said() == said and rooms.rest() == given.before


def test_microsofts_own_client_sees_what_was_written(given: Given, office: Office) -> None:
    """PyPI's msgraph-sdk, with the registration that only reads."""
    truth, user = given.rooms.truth, office.user
    [room] = [
        k for k in given.rooms.inside("folders")
        if truth["folders"][k]["user"] == user and truth["folders"][k]["displayName"].startswith("Restored")
    ]  # fmt: skip
    [calendar] = given.rooms.inside("calendars")
    configuration = importlib.import_module("kiota_abstractions.base_request_configuration")
    settings = configuration.RequestConfiguration()
    settings.headers.add("Prefer", IMMUTABLE)

    async def work(users: Any) -> None:
        one = users.by_user_id(user)
        [below] = (await one.mail_folders.by_mail_folder_id(room).child_folders.get()).value
        assert below.display_name == FOLDER
        messages = (await one.mail_folders.by_mail_folder_id(below.id).messages.get(request_configuration=settings)).value  # fmt: skip
        assert [each.subject for each in messages if each.is_draft] == ["A draft"]
        assert {"Plain", "Signed", "Receipt"} <= {each.subject for each in messages}
        [plain] = [each for each in messages if each.subject == "Plain"]
        assert plain.sent_date_time.year == 2020 and plain.flag.flag_status.value == "flagged"
        assert plain.from_.email_address.address == "ochre.kettle@clients.example"
        events = (await one.calendars.by_calendar_id(calendar).events.get()).value
        assert sorted(each.subject for each in events) == ["Hearing", "Weekly", "Whole day"]
        assert not any(each.attendees for each in events)

    asked(given.case.sim, work)
