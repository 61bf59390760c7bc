"""The program as a whole: what it prints, what it imports, over HTTPS, two clients at once."""

from __future__ import annotations

import ast
import hashlib
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.simulators.netdocuments.running import Running

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


def test_the_first_line_tells_all_a_client_needs(program: Running) -> None:
    told = program.told
    assert told["api"] == told["regions"]["us"] and set(told["regions"]) == {"us", "eu", "de", "au", "ducot"}  # fmt: skip
    hosts = [urlsplit(url).netloc for url in (*told["regions"].values(), told["login"], told["control"])]  # fmt: skip
    assert len(set(hosts)) == 7
    assert urlsplit(told["login"]).hostname != urlsplit(told["api"]).hostname
    assert program.get(f"{told['regions']['eu']}/v1/User/info").status_code == 401


def test_the_hosts_present_certificates_of_the_simulators_authority(program: Running) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(program.api, timeout=5)
    context = ssl.create_default_context(cafile=program.told["ca"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = urlsplit(program.told["login"]).port or 0
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        context.wrap_socket(plain, server_hostname="127.0.0.1").close()
    with socket.create_connection(("127.0.0.1", port), 5) as plain, pytest.raises(ssl.SSLCertVerificationError):  # fmt: skip
        context.wrap_socket(plain, server_hostname="localhost")


def test_a_backup_by_a_service_account_end_to_end(program: Running) -> None:
    """Signs in, finds every document of a cabinet, reads every version, and holds all against the truth."""
    program.control("day", number=1)
    assert program.get("/v1/User/info").status_code == 401  # no token outlives a day
    before = program.renew()
    program.told["access_token"] = program.sign_in().json()["access_token"]
    try:
        at = program.control("clock")["sequence"]
        truth, files = program.control("truth", at=at), program.control("files", at=at)
        known = {key: one for key, one in truth["documents"].items() if one["cabinet"] == program.cabinet and not one["deleted"]}  # fmt: skip
        rows = program.search()
        assert {one["DocId"] for one in rows} == set(known)
        for row in rows:
            envelope = row["EnvId"]
            info = program.get("/v2/document/{}/info", envelope).json()
            assert info["standardAttributes"]["name"] == known[row["DocId"]]["name"]
            for one in program.get("/v1/Document/{}/versionList", envelope).json():
                body = program.get("/v1/Document/{}/{}", envelope, str(one["number"])).content
                told = files[f"{row['DocId']}/{one['number']}"]
                assert hashlib.sha256(body).hexdigest() == told["sha256"]
        counters = program.control("counters")
        assert counters["made_workspaces"] == 0 and counters["recent"] == []
    finally:
        program.told["access_token"] = before


def test_an_envelope_id_must_be_encoded_on_the_wire(program: Running) -> None:
    envelope = program.search()[0]["EnvId"]
    assert program.get("/v2/document/{}/info", envelope).status_code == 200
    bare = program.get(f"{program.api}/v2/document/{envelope}/info")
    assert (bare.status_code, bare.json()["errorCode"]) == (400, "BadPath")


def test_a_body_is_torn_on_the_wire(program: Running) -> None:
    name = program.search()[0]["DocId"]
    number = program.control("faults", add={"name": "torn_body", "pattern": f"GET /v1/Document/{name}"})["added"]  # fmt: skip
    with pytest.raises(requests.exceptions.RequestException):
        _ = program.get(f"/v1/Document/{name}").content
    assert program.control("faults", remove=number)["standing"] == []
    assert program.get(f"/v1/Document/{name}").status_code == 200


def test_consent_is_given_on_the_login_host(program: Running) -> None:
    told = program.told
    asked = {
        "client_id": told["client_id"], "redirect_uri": told["redirect_uris"][0], "response_type": "code", "scope": "read",
        "state": "s",
    }  # fmt: skip
    page = program.session.get(f"{told['login']}/neWeb2/OAuth.aspx", params=asked, timeout=10)
    assert page.status_code == 200 and told["backup_user"] in page.text
    given = asked | {"user": told["backup_user"], "decision": "allow"}
    answer = program.session.post(f"{told['login']}/neWeb2/OAuth.aspx", data=given, allow_redirects=False, timeout=10)  # fmt: skip
    assert answer.status_code == 302 and "code=" in answer.headers["Location"]


def test_two_clients_at_once_each_get_their_answers(program: Running) -> None:
    folder = program.search("=11(ndfld)")[0]["EnvId"]
    wrong: list[str] = []
    before = len(program.search())

    def write(number: int) -> None:
        session = requests.Session()
        session.trust_env, session.verify = False, program.told["ca"]
        session.headers.update({"Authorization": f"Bearer {program.token}", "Accept": "application/json"})  # fmt: skip
        for turn in range(5):
            content = f"{number} {turn}".encode()
            made = session.post(
                f"{program.api}/v1/Document", timeout=20, files={"file": (f"C{number}-{turn}.txt", content)},
                data={"action": "upload", "destination": folder, "partialProfiling": "true"},
            ).json()["id"]  # fmt: skip
            if session.get(f"{program.api}/v1/Document/{made}", timeout=20).content != content:
                wrong.append(made)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and len(program.search()) == before + 15


def test_control_tells_what_it_cannot_do(program: Running) -> None:
    base = program.told["control"]
    assert program.session.post(f"{base}/nothing", data="{}").status_code == 404
    assert program.session.post(f"{base}/clock", data="no json").status_code == 400
    assert program.session.post(f"{base}/faults", json={"add": {"name": "earthquake"}}).status_code == 400  # fmt: skip
    assert program.session.post(f"{base}/settings", json={"colour": 1}).status_code == 400
    assert program.session.post(f"{base}/change", json={"item": "4811"}).status_code == 404


def test_control_changes_and_tells(program: Running) -> None:
    name = program.search()[0]["DocId"]
    first = program.control("change", item=name, values={"name": "From the web page"})["sequence"]
    assert program.get(f"/v1/Document/{name}/info").json()["standardAttributes"]["name"] == "From the web page"  # fmt: skip
    assert program.control("history", after=first - 1)["changes"][0][3:5] == ["changed", name]
    assert program.control("settings", index_seconds=5)["index_seconds"] == 5
    program.control("settings", index_seconds=0)
    granted = program.control("tokens", grant=program.told["backup_user"], scope="read")
    assert program.get("/v1/User/info", token=granted["access_token"]).status_code == 200
    client = program.told["unmapped_client_id"]
    token = program.sign_in("unmapped_").json()["access_token"]
    assert program.get("/v1/User/cabinets", token=token).json() == []
    program.control("map", client_id=client, user=program.told["backup_user"])
    assert len(program.get("/v1/User/cabinets", token=token).json()) == 3
    program.control("map", client_id=client, user=None)
    program.control("limits", rate=1, advance=61)
    assert [program.get("/v1/User/info").status_code for _ in range(2)] == [200, 429]
    assert program.control("rate")["windows"][-1][-1][2:] == [1, 1]
    program.control("limits", rate=0)
    assert program.control("clock", seconds=60)["now"] > program.told["now"]


def test_it_stops_when_it_is_told(program: Running) -> None:
    program.control("stop")
    assert program.process.wait(timeout=10) == 0
