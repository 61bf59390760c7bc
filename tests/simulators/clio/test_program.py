"""The program as a whole: what it prints, what it imports, how fast it is, two clients at once."""

from __future__ import annotations

import ast
import socket
import ssl
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.simulators.clio.running import Running, running

HERE = Path(__file__).parent


def test_it_imports_nothing_of_the_product() -> None:
    for file in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "muniment"], file


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    for file in HERE.rglob("*.py"):
        assert len(file.read_text().splitlines()) <= 400, file


def test_the_first_line_tells_all_a_client_needs(clio: Running) -> None:
    told = clio.told
    assert told["api"] == f"{told['app']}/api/v4"
    assert set(told["regions"]) == {"us", "ca", "eu", "au"}
    hosts = [
        urlsplit(url).netloc
        for url in (*told["regions"].values(), told["storage"], told["control"])
    ]
    assert len(set(hosts)) == 6
    assert urlsplit(told["storage"]).hostname != urlsplit(told["app"]).hostname


def test_the_hosts_present_certificates_of_the_simulators_authority(clio: Running) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(clio.api, timeout=5)
    for base, name, good in (
        (clio.told["app"], "localhost", True),
        (clio.told["storage"], "127.0.0.1", True),
        (clio.told["storage"], "localhost", False),  # no other name of the API's host
    ):
        context = ssl.create_default_context(cafile=clio.told["ca"])
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with socket.create_connection(("127.0.0.1", urlsplit(base).port or 0), 5) as plain:
            if good:
                context.wrap_socket(plain, server_hostname=name).close()
                continue
            with pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(plain, server_hostname=name)


def test_the_same_seed_tells_the_same_firm_and_it_stops_when_it_is_told(clio: Running) -> None:
    with running(seed=7, matters=12, rate=0) as again:
        for path in ("matters.json", "documents.json", "bank_transactions.json"):
            assert again.rows(path, fields="id,etag,updated_at") == clio.rows(
                path, fields="id,etag,updated_at"
            )
        assert again.token == clio.token
        again.control("stop")
        assert again.process.wait(timeout=10) == 0


def test_the_firms_clock_stands_still_unless_it_is_moved(own: Running) -> None:
    first = own.control("clock")["now"]
    assert own.control("clock")["now"] == first
    assert own.control("clock", seconds=60)["now"] > first


def test_thousands_of_rows_are_read_in_seconds() -> None:
    with running(seed=2, matters=10, trust_transactions=5_000, rate=0) as big:
        began = time.monotonic()
        rows = big.rows(
            "bank_transactions.json",
            order="id(asc)",
            fields="id,etag,funds_in,funds_out,client{id},matter{id}",
        )
        assert len(rows) >= 5_000
        assert time.monotonic() - began < 10


def test_two_clients_at_once_each_get_their_answers(own: Running) -> None:
    wrong: list[str] = []

    def read(number: int) -> None:
        session = requests.Session()
        session.trust_env = False
        session.verify = own.told["ca"]
        session.headers["Authorization"] = f"Bearer {own.token}"
        for turn in range(10):
            name = f"Client {number} turn {turn}"
            body = {"data": {"name": name, "type": "Company"}}
            made = session.post(f"{own.api}/contacts.json", json=body, timeout=20).json()["data"][
                "id"
            ]
            answer = session.get(f"{own.api}/contacts/{made}.json?fields=name", timeout=20).json()
            if answer["data"]["name"] != name:
                wrong.append(name)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    names = [
        one["name"]
        for one in own.rows("contacts.json", fields="name")
        if one["name"].startswith("Client ")
    ]
    assert len(names) == len(set(names)) == 40


def test_requests_are_counted_by_endpoint(own: Running) -> None:
    document = own.rows("documents.json")[0]["id"]
    own.control("counters", reset=True)
    for _ in range(2):
        link = own.get(f"documents/{document}/download.json").headers["Location"]
    own.session.get(link)
    own.get("matters/999999.json")
    assert own.control("counters") == {
        "endpoints": {
            "GET /api/v4/documents/{id}/download.json": 2,
            "GET storage:/files": 1,
            "GET /api/v4/matters/{id}.json": 1,
        },
        "statuses": {"303": 2, "200": 1, "404": 1},
    }


def test_control_tells_what_it_cannot_do(clio: Running) -> None:
    base = clio.told["control"]
    assert clio.session.post(f"{base}/nothing", data="{}").status_code == 404
    assert clio.session.post(f"{base}/clock", data="no json").status_code == 400
    assert (
        clio.session.post(f"{base}/faults", json={"add": {"name": "earthquake"}}).status_code == 400
    )
    assert clio.session.post(f"{base}/settings", json={"colour": 1}).status_code == 400


def test_first_matters_can_be_numbered_and_documents_be_papers_that_open(tmp_path: Path) -> None:
    for name in ("one.pdf", "two.PDF", "below/three.docx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(f"the paper {name}".encode())
    (tmp_path / "large.pdf").write_bytes(bytes(300_000))
    with running(
        seed=7, matters=3, rate=0, papers=tmp_path, display_number="2024-0113-Alvarez"
    ) as clio:
        numbers = [
            row["display_number"] for row in clio.rows("matters.json", fields="display_number")
        ]
        assert numbers[0] == "2024-0113-Alvarez" and numbers[1].startswith("00002-")
        fields = "id,latest_document_version{size,filename}"
        held: dict[str, set[bytes]] = {"pdf": set(), "docx": set()}
        for row in clio.rows("documents.json", fields=fields):
            kind = row["latest_document_version"]["filename"].rpartition(".")[2]
            if kind in held and row["latest_document_version"]["size"]:
                link = clio.get(f"documents/{row['id']}/download.json").headers["Location"]
                body = clio.session.get(link, timeout=10).content
                assert len(body) == row["latest_document_version"]["size"]
                held[kind].add(body)
        assert held == {
            "pdf": {b"the paper one.pdf", b"the paper two.PDF"},
            "docx": {b"the paper below/three.docx"},
        }
