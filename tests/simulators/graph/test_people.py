"""What a departure and the look at workstations ask for."""

from __future__ import annotations

import csv
import io

from tests.simulators.graph.running import Running


def test_rules_delegates_groups_licences_and_the_manager_are_told(graph: Running) -> None:
    users = [one["id"] for one in graph.rows("users", _filter="accountEnabled eq true and userType eq 'Member'")]  # fmt: skip
    rules = [
        rule
        for user in users
        if graph.get(f"users/{user}/mailFolders/inbox").status_code == 200
        for rule in graph.rows(f"users/{user}/mailFolders/inbox/messageRules")
    ]
    assert rules and all(rule["actions"]["forwardTo"] for rule in rules)
    user = graph.users["member"]
    roles = {one["role"] for one in graph.rows(f"users/{user}/calendar/calendarPermissions")}
    assert roles == {"freeBusyRead", "write"}
    assert [one["displayName"] for one in graph.rows(f"users/{user}/memberOf")] == ["Matters"]
    assert graph.rows(f"users/{user}/licenseDetails")
    assert graph.get(f"users/{user}/manager").status_code == 404  # the first has nobody above
    assert graph.get(f"users/{graph.users['disabled']}/manager").json()["id"] == user
    settings = graph.get(f"users/{graph.users['shared']}/mailboxSettings").json()
    assert settings["userPurpose"] == "shared"
    assert len(graph.rows("deviceManagement/managedDevices")) == 2


def test_reports_are_tables_on_the_content_host(common: Running) -> None:
    def told(name: str) -> list[dict[str, str]]:
        answer = common.get(f"reports/{name}(period='D30')", app="export")
        assert answer.status_code == 302
        body = common.session.get(answer.headers["Location"], timeout=10).content.decode(
            "utf-8-sig"
        )
        return list(csv.DictReader(io.StringIO(body)))

    assert common.get("reports/getOneDriveUsageAccountDetail(period='D30')").status_code == 403
    assert common.get("reports/getOneDriveUsageAccountDetail(period='D31')", app="export").status_code == 400  # fmt: skip
    drives = told("getOneDriveUsageAccountDetail")
    assert len(drives) == 3 and all("@specimenlaw.example" in one["Owner Principal Name"] for one in drives)  # fmt: skip
    assert {one["Has Archive"] for one in told("getMailboxUsageDetail")} == {"True", "False"}
    common.control("settings", concealed_names=True)
    assert not any("@" in one["Owner Principal Name"] for one in told("getOneDriveUsageAccountDetail"))  # fmt: skip
    common.control("settings", concealed_names=False)


def test_lists_are_ordered_counted_and_expanded_as_asked_or_say_that_they_cannot(graph: Running) -> None:  # fmt: skip
    user = graph.users["member"]
    times = [one["receivedDateTime"] for one in graph.rows(f"users/{user}/messages", _orderby="receivedDateTime asc")]  # fmt: skip
    assert times == sorted(times) and len(set(times)) > 3
    page = graph.get(f"users/{user}/messages", _count="true", _top=1).json()
    assert page["@odata.count"] == len(times)
    size = "singleValueExtendedProperties($filter=id eq 'Long 0x0E08')"
    inbox = graph.get(f"users/{user}/mailFolders/inbox", _expand=size).json()
    assert int(inbox["singleValueExtendedProperties"][0]["value"]) > 1000
    assert graph.get(f"users/{user}/calendars", _expand="events").status_code == 501
    assert graph.get("users", _orderby="displayName").status_code == 501
    assert graph.get("users", _search='"displayName:x"').status_code == 501
