"""Writing back into a tenant where something goes wrong: each trap of the research is a case here."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from muniment.errors import PlanChanged, WalledOff, WriteBackRefused
from muniment.recovery.m365_back.back import room_called
from muniment.recovery.m365_back.walled import Wall
from muniment.recovery.written_back.outcome import Status, WriteReport
from muniment.sources.m365.writing import Writer
from tests.simulators.graph.running import IMMUTABLE, Running
from tests.support.m365_back import SMALL, Case, Office, told


def fault(case: Case, name: str, pattern: str, **options: Any) -> None:
    case.sim.control("faults", add={"name": name, "pattern": pattern, **options})


def struck(case: Case) -> set[str]:
    return {one["name"] for one in case.sim.control("faults")["standing"] if one["struck"]}


def whole_and_once(case: Case, report: WriteReport) -> None:
    """Each thing is in its room once, and says what it should."""
    assert report.whole, report.as_dict()["bad"]
    rooms = case.rooms()
    assert {name: len(rooms.inside(name)) for name in ("messages", "events", "contacts", "items")} == {
        "messages": 2, "events": 1, "contacts": 1, "items": 4,
    }  # fmt: skip


# -- who may -------------------------------------------------------------------------------------------


def test_an_application_that_lacks_a_right_or_could_send_is_refused_before_anything_is_asked(
    small: Case, tenant: Running, tmp_path: Path
) -> None:
    told_app = tenant.told["applications"]["restore"]
    for roles, word in (
        ([one for one in told_app["roles"] if one != "Mail.ReadWrite"], "Mail.ReadWrite"),
        ([*told_app["roles"], "Mail.Send"], "could also send mail"),
    ):
        tenant.control("roles", client_id=told_app["client_id"], roles=roles)
        tenant.control("counters", reset=True)
        with pytest.raises(WriteBackRefused, match=word):
            small.back(tmp_path)
        asked = tenant.control("counters")["endpoints"]
        assert not [one for one in asked if "login" not in one]
    tenant.control("roles", client_id=told_app["client_id"], roles=told_app["roles"])
    with pytest.raises(WriteBackRefused, match="lacks the permissions"):
        small.back(tmp_path, app="backup")


def test_a_mailbox_that_exchange_keeps_from_the_application_is_said(
    small: Case, tenant: Running, tmp_path: Path
) -> None:
    id_ = tenant.told["applications"]["restore"]["client_id"]
    tenant.control("scope", client_id=id_, users=[tenant.users["shared"]])
    with pytest.raises(WriteBackRefused, match="may not see a mailbox"):
        small.back(tmp_path)


def test_the_writer_says_nothing_that_would_have_something_sent(
    small: Case, tmp_path: Path
) -> None:
    writer = Writer(small.client(tmp_path))
    guests = {"attendees": [{"emailAddress": {"address": "a@clients.example"}}]}
    for body in (guests, {"isOnlineMeeting": True}):
        with pytest.raises(ValueError, match="would have something sent"):
            writer.event("user", "calendar", body)
    with pytest.raises(ValueError, match="would have something sent"):
        writer.message("user", "folder", {"isReadReceiptRequested": True})


# -- what is gone --------------------------------------------------------------------------------------


def test_what_has_no_mailbox_any_more_goes_to_whom_a_person_names(
    small: Case, tenant: Running, tmp_path: Path
) -> None:
    user, other = tenant.users["member"], tenant.users["disabled"]
    tenant.control("mailbox", user=user, state="none")
    with pytest.raises(WriteBackRefused, match="a mailbox is gone"):
        small.back(tmp_path / "alone")
    with pytest.raises(WriteBackRefused, match="is none of the tenant's"):
        small.back(tmp_path / "nobody", stand_in="nobody@specimenlaw.example")
    report = small.back(tmp_path / "named", stand_in=other)
    whole_and_once(small, report)
    rooms = small.rooms()
    messages = [rooms.truth["messages"][k] for k in rooms.inside("messages")]
    assert {one["user"] for one in messages} == {other}
    paths = {rooms.truth["folders"][k]["displayName"] for k in rooms.inside("folders")}
    [address] = [one for one in paths if one.startswith("Of ") and "@" in one]
    assert all("mailbox" in one.lost for one in told(report, "message").values())
    # Its OneDrive is still there: files go where they were.
    assert all("drive" not in one.lost for one in told(report, "drive_item").values())
    assert (
        f"mailbox {other}" in small.plan(other).target and address not in small.plan(other).target
    )
    with pytest.raises(PlanChanged):
        small.back(tmp_path / "named", stand_in=tenant.users["shared"])


def test_nothing_goes_into_the_mailbox_of_somebody_behind_a_wall(
    small: Case, tenant: Running, tmp_path: Path
) -> None:
    users = small.truth("users")["users"]
    wall = Wall(True, frozenset({users[tenant.users["member"]]["mail"].lower()}))
    report = small.back(tmp_path / "own", wall=wall)
    assert report.whole and not any(small.rooms().inside(one) for one in ("messages", "items"))
    assert all(one.status is Status.BESIDE for one in told(report, "message").values())
    assert all(one.status is Status.BESIDE for one in told(report, "drive_file").values())
    shut_out = Wall(True, frozenset({users[tenant.users["shared"]]["mail"].lower()}))
    with pytest.raises(WalledOff):
        small.back(tmp_path / "other", stand_in=tenant.users["shared"], wall=shut_out)


def test_what_people_do_to_what_was_given_back_is_seen(
    small: Case, office: Office, tmp_path: Path
) -> None:
    """One message is put elsewhere, an event deleted, and then the whole room thrown away."""
    report = small.back(tmp_path / "first")
    one = next(iter(told(report, "message").values()))
    path = f"users/{office.user}/messages/{one.new}/move"
    assert small.sim.request("POST", path, app="restore", prefer=IMMUTABLE, json={"destinationId": "inbox"}).ok  # fmt: skip
    # Without the journal too: it is known by its mark, wherever it lies.
    assert told(small.back(tmp_path / "elsewhere"), "message")[one.old].new == one.new
    [event] = told(report, "event").values()
    small.sim.control("change", collection="events", id=event.new, delete=True)
    rooms = small.rooms()
    [top] = [k for k in rooms.inside("folders") if rooms.truth["folders"][k]["displayName"].startswith("Restored")]  # fmt: skip
    path = f"users/{office.user}/mailFolders/{top}/move"
    assert small.sim.request("POST", path, app="restore", json={"destinationId": "deleteditems"}).ok
    after = small.back(tmp_path / "first")
    whys = {kind: {o.why for o in told(after, kind).values()} for kind in ("message", "event")}
    assert whys["message"] == {"the new folder was thrown away: begin anew, into another folder"}
    assert whys["event"] == {"it is not there any more"}
    assert not after.whole
    small.sim.control("change", collection="messages", id=one.new, delete=True)
    truth = small.truth("messages", "folders")
    for message, row in truth["messages"].items():
        if truth["folders"][row["folder"]]["displayName"].startswith(SMALL) and message not in office.ids.values():  # fmt: skip
            small.sim.control("change", collection="messages", id=message, delete=True)


# -- names, room, sessions, speed ------------------------------------------------------------------------


def test_a_folder_name_that_is_taken_by_others_is_left_to_them(
    small: Case, office: Office, tmp_path: Path
) -> None:
    plan = small.plan()
    name = room_called(small.firm.vault(), plan, small.selection, "m365")
    theirs = office.post(f"users/{office.user}/mailFolders", {"displayName": name})
    calendar = office.post(f"users/{office.user}/calendars", {"name": name})
    assert small.back(tmp_path).whole
    truth = small.truth()
    assert truth["folders"][theirs["id"]]["totalItemCount"] == 0
    assert not [e for e in truth["events"].values() if e["calendar"] == calendar["id"]]
    assert {f"{name} (2)"} <= {row["displayName"] for row in truth["folders"].values()}


def test_a_full_mailbox_and_a_full_drive_are_told_and_gone_on_with(
    small: Case, tenant: Running, tmp_path: Path
) -> None:
    tenant.control("mailbox", user=tenant.users["member"], full=True)
    tenant.control("settings", drive_quota=0)
    report = small.back(tmp_path)
    assert not report.whole
    failed = {one.why for one in report.outcomes if one.bad}
    assert failed <= {"no room is left in the mailbox or drive", "its item could not be written"}
    assert all(one.status is Status.FAILED for one in told(report, "message").values())
    assert all(one.status is Status.FAILED for one in told(report, "drive_file").values())
    tenant.control("mailbox", user=tenant.users["member"], full=False)
    tenant.control("settings", drive_quota=1 << 40)
    whole_and_once(small, small.back(tmp_path))


def test_sessions_end_parts_come_twice_answers_never_come_and_all_is_throttled(
    small: Case, tmp_path: Path
) -> None:
    sent = len(small.sent())
    for name, pattern, options in (
        ("rate_limited", "^(GET|POST|PUT)", {"seconds": 0.128}),
        ("rate_limited", "^POST /v1.0/drives", {"seconds": None}),
        ("server_error", "^(GET|POST)", {"status": 503, "seconds": 2}),
        ("transient_400", "^POST /v1.0/drives", {}),
        ("expired", "^POST", {}),
    ):
        fault(small, name, pattern, times=2, chance=0.3, **options)
    fault(small, "session_over", "^PUT /up/", after=1, times=2)
    fault(small, "deaf", "^PUT /up/", after=3, times=2)
    fault(small, "torn_body", "^PUT /up/", after=6, times=1)
    fault(small, "rate_limited", "^PUT /up/", after=8, times=1, seconds=2)
    fault(small, "deaf", "^POST /v1.0/", times=6, chance=0.5)
    report = small.back(tmp_path)
    assert {"session_over", "deaf"} <= struck(small)
    whole_and_once(small, report)
    assert small.sent()[sent:] == []


def test_no_more_than_four_at_a_time_whoever_writes(small: Case, tenant: Running, tmp_path: Path) -> None:  # fmt: skip
    writer = Writer(small.client(tmp_path))
    tenant.control("settings", latency=0.03)
    tenant.control("counters", reset=True)
    user = tenant.users["member"]

    def work(number: int) -> None:
        writer.contact_folder(user, f"At once {number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tenant.control("settings", latency=0.0)
    assert max(tenant.control("counters")["at_once"].values()) <= 4
    truth = small.truth("contactFolders")["contactFolders"]
    made = [k for k, row in truth.items() if row["displayName"].startswith("At once")]
    assert len(made) == 9
    for one in made:
        tenant.control("change", collection="contactFolders", id=one, delete=True)
