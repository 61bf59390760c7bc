"""OneDrive and SharePoint: delta, bytes, versions, rights, uploads."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any

import pytest

from tests.simulators.graph.render_files import quick_xor
from tests.simulators.graph.running import Running

FRAGMENT = 327_680


def drive_of(graph: Running, kind: str = "member") -> str:
    return str(graph.rows(f"users/{graph.users[kind]}/drives")[0]["id"])


def test_the_hash_is_the_one_that_is_published() -> None:
    """microsoft365.md: OneDrive - the value for `hello world`"""
    assert quick_xor([b"hello world"]) == "aCgDG9jwBhDc4Q1yawMZAAAAAAA="
    data = bytes(range(256)) * 3
    assert quick_xor([data]) == quick_xor([data[:7], data[7:400], data[400:]])


def test_a_drive_tells_parents_before_children_and_again_on_each_page(own: Running) -> None:
    drive = drive_of(own)
    page = own.get(f"drives/{drive}/root/delta", _top=4).json()
    seen: set[str] = set()
    repeated = 0
    pages = 0
    while True:
        pages += 1
        for one in page["value"]:
            if "root" not in one:
                assert one["parentReference"]["id"] in seen
            repeated += one["id"] in seen
            seen.add(one["id"])
        if "@odata.nextLink" not in page:
            break
        page = own.get(page["@odata.nextLink"], _top=4).json()
    assert pages > 3 and repeated > 0
    assert page["@odata.deltaLink"].startswith(f"{own.told['graph']}/drives/")
    quiet = own.get(f"drives/{drive}/root/delta", _top=4, headers={"deltaExcludeParent": "true"})
    assert quiet.status_code == 200
    kinds = {name for one in own.rows(f"drives/{drive}/root/delta") for name in ("file", "folder", "package") if name in one}  # fmt: skip
    assert kinds == {"file", "folder", "package"}


def test_bytes_come_from_another_host_that_takes_no_token_and_not_for_long(own: Running) -> None:
    drive = drive_of(own)
    truth = own.control("truth", parts=["items"])["items"]
    read = 0
    for one in own.rows(f"drives/{drive}/root/delta"):
        if "file" not in one or "malware" in one:
            continue
        url = one["@microsoft.graph.downloadUrl"]
        body = own.session.get(url, timeout=10).content
        assert hashlib.sha256(body).hexdigest() == truth[one["id"]]["versions"][-1]["sha256"]
        if "hashes" in one["file"]:
            assert one["file"]["hashes"]["quickXorHash"] == quick_xor([body])
        answer = own.get(f"drives/{drive}/items/{one['id']}/content")
        assert answer.status_code == 302 and answer.headers["Location"].startswith(own.told["content"])  # fmt: skip
        if len(body) > 5:
            part = own.session.get(url, headers={"Range": "bytes=3-4"}, timeout=10)
            assert part.status_code == 206 and part.content == body[3:5]
        read += 1
    assert read > 3
    assert own.session.get(url, headers={"Authorization": "Bearer x"}, timeout=10).status_code == 401  # fmt: skip
    assert own.session.get(url.replace("tempauth=", "tempauth=0"), timeout=10).status_code == 401
    own.control("clock", seconds=3_601)
    assert own.session.get(url, timeout=10).status_code == 401


def test_older_versions_can_be_read_and_the_current_one_only_as_the_item(own: Running) -> None:
    truth = own.control("truth", parts=["items", "drives"])
    found = 0
    for id_, item in truth["items"].items():
        if len(item["versions"]) < 2 or "malware" in item:
            continue
        path = f"drives/{item['drive']}/items/{id_}/versions"
        listed = own.rows(path)
        assert [one["id"] for one in listed] == [one["id"] for one in reversed(item["versions"])]
        link = own.get(f"{path}/1.0/content").headers["Location"]
        body = own.session.get(link, timeout=10).content
        assert hashlib.sha256(body).hexdigest() == item["versions"][0]["sha256"]
        assert own.get(f"{path}/{listed[0]['id']}/content").status_code == 400
        found += 1
    assert found


def test_rights_are_listed_where_something_is_shared(own: Running) -> None:
    drive = drive_of(own, "disabled")
    for one in own.rows(f"drives/{drive}/root/delta"):
        rights = own.rows(f"drives/{drive}/items/{one['id']}/permissions")
        assert bool(rights) == ("shared" in one)


def test_a_renamed_folder_is_told_alone_and_a_deleted_one_with_what_was_below(own: Running) -> None:
    drive = drive_of(own)
    put = {"app": "restore"}
    folder = own.request("POST", f"drives/{drive}/items/root/children", json={"name": "Case", "folder": {}}, **put).json()  # fmt: skip
    file = own.request("PUT", f"drives/{drive}/items/{folder['id']}:/a.txt:/content", data=b"one", **put).json()  # fmt: skip
    assert own.get(f"drives/{drive}/root/delta?token=x").status_code == 400
    told, link = own.round(f"drives/{drive}/root/delta")
    own.request("PATCH", f"drives/{drive}/items/{folder['id']}", json={"name": "Renamed"}, **put)
    assert link is not None
    told, link = own.round(link)
    assert [one["name"] for one in told] == ["Renamed"]
    own.request("DELETE", f"drives/{drive}/items/{folder['id']}", **put)
    assert link is not None
    told, _ = own.round(link)
    assert {one["id"] for one in told} == {folder["id"], file["id"]}
    assert all("deleted" in one and "name" not in one for one in told)


def test_a_moment_or_latest_may_serve_as_a_token(own: Running) -> None:
    drive = drive_of(own)
    now = own.control("clock")["now"]
    _, latest = own.round(f"drives/{drive}/root/delta?token=latest")
    made = own.request("PUT", f"drives/{drive}/items/root:/later.txt:/content", app="restore", data=b"x").json()  # fmt: skip
    assert latest is not None
    for link in (latest, f"drives/{drive}/root/delta?token={now.replace('+', '%2B')}"):
        assert [one["id"] for one in own.round(link)[0]] == [made["id"]]


def session(own: Running, drive: str, name: str, **item: Any) -> str:
    made = own.request("POST", f"drives/{drive}/items/root:/{name}:/createUploadSession", app="restore", json={"item": item})  # fmt: skip
    assert made.status_code == 200, made.text
    return str(made.json()["uploadUrl"])


def send(own: Running, url: str, body: bytes, start: int, whole: int, **headers: str) -> Any:
    held = {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{whole}"} | headers
    return own.session.put(url, data=body, headers=held, timeout=10)


def test_a_large_file_goes_up_in_fragments(own: Running) -> None:
    drive = drive_of(own, "disabled")
    body = bytes(range(256)) * 1_600  # more than one fragment
    url = session(own, drive, "large.bin", fileSystemInfo={"lastModifiedDateTime": "2020-01-02T03:04:05Z"})  # fmt: skip
    assert send(own, url, body[:1000], 0, len(body)).status_code == 400  # no multiple of 320 KiB
    first = send(own, url, body[:FRAGMENT], 0, len(body))
    assert first.status_code == 202 and first.json()["nextExpectedRanges"] == [f"{FRAGMENT}-"]
    assert send(own, url, body[:FRAGMENT], 0, len(body)).status_code == 416
    assert own.session.get(url, timeout=10).json()["nextExpectedRanges"] == [f"{FRAGMENT}-"]
    assert send(own, url, body[FRAGMENT:], FRAGMENT, len(body), Authorization="Bearer x").status_code == 401  # fmt: skip
    done = send(own, url, body[FRAGMENT:], FRAGMENT, len(body))
    assert done.status_code == 201
    assert done.json()["fileSystemInfo"]["lastModifiedDateTime"] == "2020-01-02T03:04:05Z"
    assert done.json()["file"]["hashes"]["quickXorHash"] == quick_xor([body])
    assert own.session.get(url, timeout=10).status_code == 404
    again = session(own, drive, "large.bin", **{"@microsoft.graph.conflictBehavior": "fail"})
    assert send(own, again, b"x", 0, 1).json()["error"]["code"] == "nameAlreadyExists"
    other = session(own, drive, "large.bin", **{"@microsoft.graph.conflictBehavior": "rename"})
    assert send(own, other, b"x", 0, 1).json()["name"] == "large 1.bin"
    gone = session(own, drive, "gone.bin")
    assert own.session.delete(gone, timeout=10).status_code == 204


def test_a_full_drive_says_507(own: Running) -> None:
    drive = drive_of(own)
    own.control("settings", drive_quota=0)
    full = own.request("PUT", f"drives/{drive}/items/root:/b.txt:/content", app="restore", data=b"x")  # fmt: skip
    own.control("settings", drive_quota=1 << 40)
    assert full.status_code == 507 and full.json()["error"]["innerError"]["fileSize"] == "1"


def test_sharepoint_writes_into_office_files(own: Running) -> None:
    drive = drive_of(own)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    made = own.request("PUT", f"drives/{drive}/items/root:/p.docx:/content", app="restore", data=held.getvalue()).json()  # fmt: skip
    assert made["size"] != len(held.getvalue())
    body = own.session.get(made["@microsoft.graph.downloadUrl"], timeout=10).content
    assert zipfile.ZipFile(io.BytesIO(body)).read("word/document.xml") == b"<w/>"


@pytest.mark.parametrize("name", ["a%22b", "a%3Ab", "%20a", "~$a", "con", "a%7Cb", "a."])
def test_names_that_the_vendor_refuses(own: Running, name: str) -> None:
    answer = own.request("PUT", f"drives/{drive_of(own)}/items/root:/{name}:/content", app="restore", data=b"x")  # fmt: skip
    assert answer.status_code == 400


def test_no_drive_is_told_as_such_and_an_archived_site_is_locked(graph: Running) -> None:
    answer = graph.get(f"users/{graph.users['guest']}/drive")
    assert answer.status_code == 404 and "mysite not found" in answer.text
    assert graph.rows(f"users/{graph.users['guest']}/drives") == []
    sites = {one["name"]: one for one in graph.rows("sites", search="*")}
    assert graph.get(f"sites/{sites['closed']['id']}/drives").json()["error"]["code"] == "resourceLocked"  # fmt: skip
    libraries = graph.rows(f"sites/{sites['matters']['id']}/drives")
    assert {one["name"] for one in libraries} == {"Documents", "Evidence"}
    assert sites["matters-sub"]["displayName"] is None
    [below] = graph.rows(f"sites/{sites['matters']['id']}/sites")
    assert below["name"] == "matters-sub"
    group = graph.rows("groups")[0]["id"]
    assert graph.get(f"groups/{group}/drive").json()["id"] in {one["id"] for one in libraries}
