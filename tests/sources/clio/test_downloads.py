"""The bytes of a file: whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from muniment.errors import ItemUnreadable, SourceUnavailable
from muniment.sources import causes
from muniment.sources.clio.downloads import Downloads
from muniment.sources.clio.table import table
from muniment.sources.web.wire import Stored, Torn
from tests.simulators.clio.running import Running
from tests.support.clio_client import Client, client, fault


@pytest.fixture(scope="module")
def version(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The largest one."""
    held = client(sim, tmp_path_factory.mktemp("state"))
    rows = held.truth("documents/versions", fields="id,document_id,size,fully_uploaded")
    return max((row for row in rows if row["fully_uploaded"]), key=lambda row: int(row["size"]))


def true_digest(sim: Running, version: dict[str, Any]) -> str:
    return str(sim.control("files")["versions"][str(version["id"])]["sha256"])


def read(clio: Client, version: dict[str, Any], size: int | None = -1) -> bytes:
    size = int(version["size"]) if size == -1 else size
    return b"".join(clio.downloads.version(version["document_id"], version["id"], size))


def counted(sim: Running) -> tuple[int, int]:
    """Requests for a link, and to the storage host."""
    found: dict[str, int] = sim.control("counters", reset=True)["endpoints"]
    links = found.get("GET /api/v4/documents/{id}/download.json", 0)
    return links, found.get("GET storage:/files", 0)


def test_every_version_has_the_bytes_that_the_firm_has(clio: Client) -> None:
    true = clio.sim.control("files")["versions"]
    read_ = {}
    clio.sim.control("counters", reset=True)
    for row in clio.reader.rows(table()["documents"]):
        for one in clio.reader.versions(row.data, table()["documents/versions"]):
            body = read(clio, {"document_id": row.id, **one.data})
            read_[one.id] = {"document": int(row.id), "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}  # fmt: skip
    assert read_ == true
    assert counted(clio.sim) == (len(true), len(true))


@pytest.mark.parametrize("name", ["torn_body", "server_error", "expired_link", "short_file"])
def test_what_goes_wrong_on_the_way_is_made_good(
    clio: Client, version: dict[str, Any], name: str
) -> None:
    fault(clio.sim, name, "^GET /files/", times=2)
    assert hashlib.sha256(read(clio, version)).hexdigest() == true_digest(clio.sim, version)


def test_a_torn_body_is_gone_on_with_and_costs_no_further_request(
    clio: Client, version: dict[str, Any]
) -> None:
    fault(clio.sim, "torn_body", "^GET /files/", times=3)
    counted(clio.sim)
    read(clio, version)
    assert counted(clio.sim) == (1, 4)


def test_a_link_that_has_ended_is_asked_for_anew(clio: Client, version: dict[str, Any]) -> None:
    fault(clio.sim, "expired_link", "^GET /files/", times=1)
    counted(clio.sim)
    read(clio, version)
    assert counted(clio.sim) == (2, 2)


def test_a_file_that_never_comes_whole_is_unreadable_by_itself(
    clio: Client, version: dict[str, Any]
) -> None:
    with pytest.raises(ItemUnreadable) as caught:
        read(clio, version, size=int(version["size"]) + 1)
    assert caught.value.what == causes.SIZE_DIFFERS
    with pytest.raises(ItemUnreadable) as caught:
        read(clio, version, size=int(version["size"]) - 1)
    assert caught.value.what == causes.SIZE_DIFFERS


def test_a_storage_host_that_is_down_concerns_all(clio: Client, version: dict[str, Any]) -> None:
    fault(clio.sim, "server_error", "^GET /files/")
    with pytest.raises(SourceUnavailable):
        read(clio, version)


def test_a_document_that_is_gone_says_so(clio: Client, version: dict[str, Any]) -> None:
    for one in ({**version, "document_id": 1}, {**version, "id": 1}):
        with pytest.raises(FileNotFoundError):
            read(clio, one)


def test_a_document_that_is_deleted_between_list_and_get_says_so(clio: Client) -> None:
    rows = clio.truth("documents/versions", fields="id,document_id,size,fully_uploaded")
    one = next(row for row in rows if row["fully_uploaded"])
    fault(clio.sim, "deleted_between", f"/documents/{one['document_id']}/download", times=1)
    with pytest.raises(FileNotFoundError):
        read(clio, one)


def test_bills_can_be_had_as_the_vendor_shows_them(clio: Client) -> None:
    fault(clio.sim, "torn_body", "/preview", times=1)
    bill = clio.truth("bills", fields="id,number")[0]
    page = clio.downloads.preview(bill["id"])
    assert str(bill["number"]).encode() in page and page.endswith(b"</html>")
    with pytest.raises(FileNotFoundError):
        clio.downloads.preview(1)


# -- a host that gives no part of a file -----------------------------------------------------------


class Whole:
    """A transport whose storage host knows no ranges and tears each body once."""

    def __init__(self, bodies: list[bytes], tears: int) -> None:
        self._bodies = bodies
        self._tears = tears

    def location(self, *_: object, **__: object) -> str:
        return "https://storage.example/file"

    def pause(self, failures: int) -> None:
        pass

    def stored(self, url: str, start: int = 0) -> Stored:
        body = self._bodies.pop(0) if len(self._bodies) > 1 else self._bodies[0]
        self._tears -= 1

        def pieces(torn: bool) -> Iterator[bytes]:
            yield body[: len(body) // 2]
            if torn:
                raise Torn
            yield body[len(body) // 2 :]

        class Response:
            def close(self) -> None:
                pass

        headers = {"Content-Length": str(len(body))}
        return Stored(200, headers, pieces(self._tears >= 0), Response())  # type: ignore[arg-type]


def test_without_ranges_a_file_is_read_again_from_the_start() -> None:
    body = bytes(range(256)) * 40
    downloads = Downloads(Whole([body], tears=2))  # type: ignore[arg-type]
    assert b"".join(downloads.version(1, 2, len(body))) == body


def test_without_ranges_another_beginning_is_found_out() -> None:
    body = bytes(range(256)) * 40
    downloads = Downloads(Whole([body, body[::-1]], tears=1))  # type: ignore[arg-type]
    with pytest.raises(ItemUnreadable) as caught:
        b"".join(downloads.version(1, 2, len(body)))
    assert caught.value.what == causes.CHANGED_WHILE_READ
