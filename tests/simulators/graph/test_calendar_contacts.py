"""Calendars with series and exceptions, and contacts."""

from __future__ import annotations

import pytest

from tests.simulators.graph.running import Running

WINDOW = {"startDateTime": "2026-10-01T00:00:00Z", "endDateTime": "2027-03-01T00:00:00Z"}


def calendars(graph: Running, user: str) -> dict[str, str]:
    return {one["id"]: one["name"] for one in graph.rows(f"users/{user}/calendars")}


def test_two_calendars_have_one_name_and_lists_tell_masters_without_exceptions(graph: Running) -> None:  # fmt: skip
    user = graph.users["member"]
    held = calendars(graph, user)
    assert sorted(held.values()) == ["Birthdays", "Calendar", "Calendar"]
    assert graph.get(f"users/{user}/calendar").json()["isDefaultCalendar"]
    kinds = {one["type"] for id_ in held for one in graph.rows(f"users/{user}/calendars/{id_}/events")}  # fmt: skip
    assert kinds == {"singleInstance", "seriesMaster"}


def test_a_series_tells_its_days_its_exceptions_and_what_was_cancelled(graph: Running) -> None:
    found = 0
    for user in (graph.users["member"], graph.users["room"], graph.users["shared"]):
        for id_ in calendars(graph, user):
            for one in graph.rows(f"users/{user}/calendars/{id_}/events"):
                if one["type"] != "seriesMaster":
                    continue
                found += 1
                path = f"users/{user}/events/{one['id']}"
                whole = graph.get(path, _expand="exceptionOccurrences($expand=attachments)", _select="subject,recurrence,cancelledOccurrences").json()  # fmt: skip
                [exception] = whole["exceptionOccurrences"]
                assert exception["type"] == "exception" and exception["seriesMasterId"] == one["id"]
                assert "attachments" in exception and exception["subject"] == "Moved"
                [cancelled] = whole["cancelledOccurrences"]
                days = graph.rows(f"{path}/instances", **WINDOW)
                assert [day["type"] for day in days].count("exception") == 1
                assert cancelled[-10:] not in {day["start"]["dateTime"][:10] for day in days}
                assert len({day["id"] for day in days}) == len(days) > 3
                assert graph.get(f"users/{user}/events/{days[-1]['id']}").json()["start"] == days[-1]["start"]  # fmt: skip
    assert found


def test_times_are_told_in_the_zone_that_was_asked_for(graph: Running) -> None:
    user = graph.users["member"]
    utc = graph.rows(f"users/{user}/events")[0]
    there = graph.rows(f"users/{user}/events", prefer='outlook.timezone="Tokyo Standard Time"')[0]
    assert utc["start"]["timeZone"] == "UTC" and there["start"]["timeZone"].startswith("Tokyo")
    assert utc["start"]["dateTime"] != there["start"]["dateTime"]
    assert utc["originalStartTimeZone"] == there["originalStartTimeZone"]
    assert graph.get(f"users/{user}/events", prefer='outlook.timezone="Nowhere"').status_code == 400


def test_the_window_of_a_calendar_view_is_in_its_token(common: Running) -> None:
    user = common.users["member"]
    assert common.get(f"users/{user}/calendarView/delta").status_code == 400
    told, link = common.round(f"users/{user}/calendarView/delta", **WINDOW)
    assert told
    body = {
        "subject": "Far away", "start": {"dateTime": "2030-01-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2030-01-01T11:00:00", "timeZone": "UTC"},
    }  # fmt: skip
    made = common.request("POST", f"users/{user}/events", app="restore", json=body)
    assert made.status_code == 201 and link is not None
    # What changed outside the window is told as removed too.
    assert common.round(link)[0] == [{"id": made.json()["id"], "@removed": {"reason": "deleted"}}]


def test_only_an_event_with_attendees_sends_something(common: Running) -> None:
    user = common.users["member"]
    before = len(common.control("sent")["sent"])
    times = {name: {"dateTime": f"2026-12-01T1{hour}:00:00", "timeZone": "Pacific Standard Time"} for hour, name in enumerate(("start", "end"))}  # fmt: skip
    quiet = common.request("POST", f"users/{user}/events", app="restore", json={"subject": "quiet", **times})  # fmt: skip
    assert quiet.json()["start"]["dateTime"].startswith("2026-12-01T18:00") and len(common.control("sent")["sent"]) == before  # fmt: skip
    guests = [{"type": "required", "emailAddress": {"address": "a@clients.example"}}]
    common.request("POST", f"users/{user}/events", app="restore", json={"subject": "loud", "attendees": guests, **times})  # fmt: skip
    assert common.control("sent")["sent"][before:] == [{"kind": "invitation", "subject": "loud"}]


def test_a_day_of_a_series_becomes_an_exception_or_is_cancelled(common: Running) -> None:
    user = common.users["member"]
    body = {
        "subject": "Weekly", "start": {"dateTime": "2026-11-02T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-02T11:00:00", "timeZone": "UTC"},
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
            "range": {"type": "numbered", "startDate": "2026-11-02", "numberOfOccurrences": 4},
        },
    }  # fmt: skip
    master = common.request("POST", f"users/{user}/events", app="restore", json=body).json()
    path = f"users/{user}/events/{master['id']}"
    days = common.rows(f"{path}/instances", **WINDOW)
    assert [one["start"]["dateTime"][:10] for one in days] == [f"2026-11-{d}" for d in ("02", "09", "16", "23")]  # fmt: skip
    changed = common.request("PATCH", f"users/{user}/events/{days[1]['id']}", app="restore", json={"subject": "Other"})  # fmt: skip
    assert changed.json()["type"] == "exception"
    assert common.request("DELETE", f"users/{user}/events/{days[2]['id']}", app="restore").status_code == 204  # fmt: skip
    left = common.rows(f"{path}/instances", **WINDOW)
    assert [one["subject"] for one in left] == ["Weekly", "Other", "Weekly"]
    # By what they were called they are not there any more.
    for gone in days[1:3]:
        assert common.request("PATCH", f"users/{user}/events/{gone['id']}", app="restore", json={"subject": "x"}).status_code == 404  # fmt: skip


@pytest.mark.parametrize("kind", ["member", "localized"])
def test_the_default_folder_of_contacts_is_in_no_list(graph: Running, kind: str) -> None:
    user = graph.users[kind]
    [courts] = graph.rows(f"users/{user}/contactFolders")
    default = graph.rows(f"users/{user}/contacts", _top=2)
    below = graph.rows(f"users/{user}/contactFolders/{courts['id']}/contacts")
    assert len(default) == 3 and len(below) == 1
    told, _ = graph.round(f"users/{user}/contacts/delta")
    assert {one["id"] for one in told} == {one["id"] for one in default}


def test_contacts_are_written_and_their_changes_told(common: Running) -> None:
    user = common.users["shared"]
    _, link = common.round(f"users/{user}/contacts/delta")
    made = common.request("POST", f"users/{user}/contacts", app="restore", json={"givenName": "Ochre", "surname": "Kettle"})  # fmt: skip
    path = f"users/{user}/contacts/{made.json()['id']}"
    common.request("PUT", f"{path}/photo/$value", app="restore", data=b"\xff\xd8photo", headers={"Content-Type": "image/jpeg"})  # fmt: skip
    assert common.get(f"{path}/photo/$value").content == b"\xff\xd8photo"
    assert link is not None
    told, link = common.round(link)
    assert [one["surname"] for one in told] == ["Kettle"]
    common.request("DELETE", path, app="restore")
    assert link is not None and common.round(link)[0] == [{"id": made.json()["id"], "@removed": {"reason": "deleted"}}]  # fmt: skip
    bad = common.request("POST", f"users/{user}/contacts", app="restore", json={"nonsense": 1})
    assert bad.status_code == 400
