"""More changes in one night than are held at once: everything is listed instead, and nothing is fetched again."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.backup.pipeline import Outcome
from muniment.sources.m365 import drives, mailbox
from muniment.sources.m365.rights import ONEDRIVE, SHAREPOINT
from tests.simulators.graph.running import IMMUTABLE, Running
from tests.support.m365_firm import M365Firm
from tests.support.m365_truth import file_differences

FEW = 3
VALUE = "GET /users/{user}/messages/{message}/$value"
BATCH = "POST /$batch"


@pytest.fixture
def files(sim: Running, tmp_path: Path) -> M365Firm:
    return M365Firm(tmp_path, sim, services=(ONEDRIVE, SHAREPOINT))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MANY", FEW)
    monkeypatch.setattr(drives, "MANY", FEW)


def _next_night(firm: M365Firm) -> tuple[Outcome, dict[str, int]]:
    firm.asked()
    outcome = firm.back_up()
    # A notebook is a gap that the firm accepted.
    assert outcome.completeness in ("complete", "complete_with_exceptions")
    return outcome, firm.asked()


def test_a_folder_that_was_tidied_up_into_another_has_no_message_fetched_again(
    firm: M365Firm,
) -> None:
    sim, user = firm.sim, firm.sim.users["member"]
    for number in range(FEW + 2):
        firm.deliver(f"Subject: {number}\r\n\r\nText.\r\n".encode())
    firm.back_up()
    inbox = f"users/{user}/mailFolders/inbox/messages"
    for row in sim.rows(inbox, prefer=IMMUTABLE)[: FEW + 2]:
        path = f"users/{user}/messages/{row['id']}/move"
        moved = sim.request("POST", path, app="restore", json={"destinationId": "archive"}, prefer=IMMUTABLE)  # fmt: skip
        assert moved.status_code == 201
    outcome, told = _next_night(firm)
    counts = outcome.counts
    assert (counts["added"], counts["removed"]) == (0, 0) and counts["changed"] == FEW + 2
    assert VALUE not in told
    assert firm.wrong() == []


def test_what_was_cleared_out_of_a_mailbox_is_gone_and_is_not_asked_for_one_by_one(
    firm: M365Firm,
) -> None:
    sim, user = firm.sim, firm.sim.users["member"]
    firm.back_up()
    for row in sim.rows(f"users/{user}/mailFolders/inbox/messages", prefer=IMMUTABLE)[: FEW + 1]:
        for _ in range(2):
            sim.request("DELETE", f"users/{user}/messages/{row['id']}", app="restore", prefer=IMMUTABLE)  # fmt: skip
    outcome, told = _next_night(firm)
    assert outcome.counts["removed"] == 2 * (FEW + 1)
    assert VALUE not in told and BATCH not in told
    assert firm.wrong() == []


def test_the_night_after_is_told_by_changes_again(firm: M365Firm) -> None:
    firm.back_up()
    for number in range(FEW + 1):
        firm.deliver(f"Subject: {number}\r\n\r\nNew.\r\n".encode())
    _, many = _next_night(firm)
    assert many[VALUE] == FEW + 1
    _, none = _next_night(firm)
    assert sum(none.values()) < sum(many.values()) - FEW
    assert firm.wrong() == []


def test_a_drive_into_which_much_came_and_from_which_much_went_is_compared(files: M365Firm) -> None:
    sim = files.sim
    drive = sim.get(f"users/{sim.users['member']}/drive").json()["id"]
    made = [_put(sim, drive, f"first {number}.txt") for number in range(4)]
    files.back_up()
    for id_ in made[:2]:
        path = f"drives/{drive}/items/{id_}"
        assert sim.request("DELETE", path, app="restore").status_code == 204
    for number in range(FEW + 1):
        _put(sim, drive, f"second {number}.txt")
    outcome, told = _next_night(files)
    fetched = [n for name, n in told.items() if name.startswith("content:") or "/content" in name]
    assert outcome.counts["removed"] == 2 * len(made[:2])
    assert max(fetched, default=0) <= FEW + 1
    found = files.restored(files.folder / "back")
    assert file_differences(found, sim.control("truth")) == []


def _put(sim: Running, drive: str, name: str) -> str:
    path = f"drives/{drive}/items/root:/{name}:/content"
    answer = sim.request("PUT", path, app="restore", data=name.encode())
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])
