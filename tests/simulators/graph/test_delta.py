"""Delta rounds: what they tell, what ends them."""

from __future__ import annotations

import pytest

from tests.simulators.graph.running import IMMUTABLE, Running


def first_folder(own: Running, user: str) -> str:
    held = own.rows(f"users/{user}/mailFolders/inbox/childFolders")
    return str(held[0]["id"])


def post(own: Running, user: str, folder: str, subject: str) -> str:
    made = own.request("POST", f"users/{user}/mailFolders/{folder}/messages", app="restore", prefer=IMMUTABLE, json={"subject": subject})  # fmt: skip
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_move_is_removed_here_and_new_there_under_one_immutable_id(own: Running) -> None:
    user = own.users["member"]
    here, there = first_folder(own, user), "archive"
    one = post(own, user, here, "moves")
    links = {}
    for folder in (here, there):
        _, links[folder] = own.round(f"users/{user}/mailFolders/{folder}/messages/delta", prefer=IMMUTABLE)  # fmt: skip
    moved = own.request("POST", f"users/{user}/messages/{one}/move", app="restore", prefer=IMMUTABLE, json={"destinationId": there})  # fmt: skip
    assert moved.status_code == 201 and moved.json()["id"] == one
    told, links[here] = own.round(links[here], prefer=IMMUTABLE)
    assert told == [{"id": one, "@removed": {"reason": "deleted"}}]
    told, _ = own.round(links[there], prefer=IMMUTABLE)
    assert [row["id"] for row in told] == [one]
    assert own.round(links[here], prefer=IMMUTABLE)[0] == []


def test_the_usual_id_ends_with_a_move(own: Running) -> None:
    user = own.users["member"]
    made = own.request("POST", f"users/{user}/messages", app="restore", json={"subject": "moves"})
    _, link = own.round(f"users/{user}/mailFolders/drafts/messages/delta")
    path = f"users/{user}/messages/{made.json()['id']}"
    moved = own.request("POST", f"{path}/move", app="restore", json={"destinationId": "archive"})
    assert moved.json()["id"] != made.json()["id"]
    assert own.get(path).json()["error"]["code"] == "ErrorItemNotFound"
    assert link is not None
    assert own.round(link)[0] == [{"id": made.json()["id"], "@removed": {"reason": "deleted"}}]


def test_what_happens_within_a_round_is_told_by_it_or_the_next(own: Running) -> None:
    user = own.users["disabled"]
    folder = first_folder(own, user)
    ids = {post(own, user, folder, f"{number}") for number in range(5)}
    page = own.get(f"users/{user}/mailFolders/{folder}/messages/delta", prefer=f"odata.maxpagesize=2, {IMMUTABLE}").json()  # fmt: skip
    seen = {row["id"] for row in page["value"]}
    gone = min(seen)
    own.request("DELETE", f"users/{user}/messages/{gone}", app="restore", prefer=IMMUTABLE)
    ids.add(post(own, user, folder, "new"))
    rest, link = own.round(page["@odata.nextLink"], prefer=f"odata.maxpagesize=2, {IMMUTABLE}")
    assert link is not None
    told, _ = own.round(link, prefer=IMMUTABLE)
    state = {row["id"]: row for row in [*page["value"], *rest, *told]}
    assert set(state) == ids
    assert [id_ for id_, row in state.items() if "@removed" in row] == [gone]


def test_a_later_round_of_several_pages_tells_each_change_once(own: Running) -> None:
    user = own.users["disabled"]
    _, link = own.round(f"users/{user}/mailFolders/archive/messages/delta", prefer=IMMUTABLE)
    ids = [post(own, user, "archive", f"{number}") for number in range(5)]
    assert link is not None
    told, _ = own.round(link, prefer=f"odata.maxpagesize=2, {IMMUTABLE}")
    assert [row["id"] for row in told] == ids


def test_select_filter_and_kind_of_change_go_with_the_token(own: Running) -> None:
    user = own.users["shared"]
    folder = first_folder(own, user)
    path = f"users/{user}/mailFolders/{folder}/messages/delta"
    _, link = own.round(path, _select="subject")
    _, created = own.round(path, _select="subject", changeType="created")
    post(own, user, folder, "later")
    assert link is not None and created is not None and "select" not in link
    [row] = own.round(link)[0]
    assert set(row) == {"@odata.etag", "id", "subject"}
    own.request("PATCH", f"users/{user}/messages/{row['id']}", app="restore", json={"isRead": False})  # fmt: skip
    assert [one["subject"] for one in own.round(created)[0]] == ["later"]
    wide = own.round(path, _expand="attachments", prefer="odata.maxpagesize=1")[0]
    assert len(wide) > 1 and all("attachments" in one for one in wide)
    late = own.round(path, _filter="receivedDateTime ge 2035-01-01T00:00:00Z")[0]
    assert late == []


def test_a_forgotten_state_is_410_and_only_a_new_round_helps(own: Running) -> None:
    user = own.users["room"]
    path = f"users/{user}/mailFolders/inbox/messages/delta"
    _, link = own.round(path)
    assert link is not None
    own.control("resync", kind="messages")
    gone = own.get(link)
    assert gone.status_code == 410 and gone.json()["error"]["code"] == "syncStateNotFound"
    own.control("resync", kind="messages", code="ResyncRequired")
    _, link = own.round(path)
    assert link is not None and own.get(link).status_code == 200
    own.control("resync", kind="items")
    drive = own.rows(f"users/{own.users['disabled']}/drives")[0]["id"]
    _, files = own.round(f"drives/{drive}/root/delta")
    own.control("resync", kind="items")
    assert files is not None
    gone = own.get(files)
    assert gone.status_code == 410 and gone.headers["Location"].startswith(own.told["graph"])
    assert own.get(gone.headers["Location"]).status_code == 200


def test_a_folder_that_went_away_ends_its_round(own: Running) -> None:
    user = own.users["room"]
    made = own.request("POST", f"users/{user}/mailFolders", app="restore", json={"displayName": "Goes"}).json()  # fmt: skip
    one = post(own, user, made["id"], "stays to be found")
    _, folders = own.round(f"users/{user}/mailFolders/delta")
    _, link = own.round(f"users/{user}/mailFolders/{made['id']}/messages/delta")
    own.request("DELETE", f"users/{user}/mailFolders/{made['id']}", app="restore")
    assert link is not None and folders is not None
    assert own.get(link).json()["error"]["code"] == "ErrorSyncFolderNotFound"
    told, _ = own.round(folders)
    assert {"id": made["id"], "@removed": {"reason": "deleted"}} in told
    purged = own.rows(f"users/{user}/mailFolders/recoverableitemsdeletions/messages", prefer=IMMUTABLE)  # fmt: skip
    assert one in {row["id"] for row in purged}


def test_a_full_mailbox_answers_lists_but_no_delta(own: Running) -> None:
    user = own.users["localized"]
    own.control("mailbox", user=user, full=True)
    path = f"users/{user}/mailFolders/inbox/messages"
    assert own.get(f"{path}/delta").json()["error"]["code"] == "ErrorQuotaExceeded"
    assert own.rows(path)
    made = own.request("POST", f"users/{user}/messages", app="restore", json={"subject": "x"})
    assert made.status_code == 507
    own.control("mailbox", user=user, full=False)


def test_users_are_told_in_the_recycle_bin_and_out_of_it(own: Running) -> None:
    _, link = own.round("users/delta", _select="id,accountEnabled")
    guest = own.users["guest"]
    own.control("delete", user=guest)
    assert link is not None
    told, link = own.round(link)
    assert told == [{"id": guest, "@removed": {"reason": "changed"}}]
    assert own.get(f"users/{guest}").status_code == 404
    assert own.get(f"directory/deletedItems/microsoft.graph.user/{guest}").json()["id"] == guest
    own.control("delete", user=guest, for_good=True)
    assert link is not None
    told, link = own.round(link)
    assert told == [{"id": guest, "@removed": {"reason": "deleted"}}]
    own.control("clock", seconds=8 * 86_400)
    assert link is not None and own.get(link).status_code == 410  # seven days


@pytest.mark.parametrize("path", ["users", "users/delta"])
def test_the_directory_shows_little_by_default_and_links_lead_on(graph: Running, path: str) -> None:
    page = graph.get(path, _top=3).json()
    assert len(page["value"]) == 3 and "accountEnabled" not in page["value"][0]
    assert page["@odata.nextLink"].startswith(f"{graph.told['graph']}/{path}?")
    every = graph.rows(path, _select="id,accountEnabled,userType", _top=3)
    assert len(every) == 9 and sum(not one["accountEnabled"] for one in every) == 3
    assert {one["userType"] for one in every} == {"Member", "Guest", None}
