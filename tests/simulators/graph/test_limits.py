"""What an application may ask, and how it is told to wait."""

from __future__ import annotations

import threading
from collections import Counter

import requests

from tests.simulators.graph.running import Running


def test_the_directory_names_parts_of_a_second_and_sees_who_comes_too_early(own: Running) -> None:
    own.control("counters", reset=True)
    own.control("limits", directory=[4, 30])
    assert [own.get("users").status_code for _ in range(3)] == [200, 200, 429]
    refused = own.get("users")
    assert refused.json()["error"]["code"] == "TooManyRequests"
    assert "." in refused.headers["Retry-After"] and 0 < float(refused.headers["Retry-After"]) <= 30
    assert own.control("counters")["too_early"] == 1
    own.control("limits", advance=31)
    assert own.get("users").status_code == 200
    own.control("limits", off=True)


def test_files_count_units_and_rights_cost_five(own: Running) -> None:
    drive = own.rows(f"users/{own.users['member']}/drives")[0]["id"]
    own.control("counters", reset=True)
    own.control("limits", files=[8, 60])
    assert own.get(f"drives/{drive}/items/root/permissions").status_code == 200
    assert own.get(f"drives/{drive}/root/delta").status_code == 200  # 2 without a token
    assert own.control("counters")["used"]["files"] == 7
    assert own.get(f"drives/{drive}").status_code == 200
    refused = own.get(f"drives/{drive}")
    assert refused.status_code == 429 and refused.headers["Retry-After"].isdigit()
    own.control("limits", off=True)


def test_outlook_counts_for_each_application_and_mailbox(own: Running) -> None:
    one, two = own.users["member"], own.users["shared"]
    own.control("limits", outlook=[2, 600])
    assert [own.get(f"users/{one}/mailFolders").status_code for _ in range(3)] == [200, 200, 429]
    assert own.get(f"users/{two}/mailFolders").status_code == 200
    assert own.get(f"users/{one}/mailFolders", app="restore").status_code == 200
    own.control("limits", off=True)
    own.control("limits", outlook_bytes=[1000, 300])
    body = {"subject": "x", "body": {"contentType": "text", "content": "y" * 800}}
    assert own.request("POST", f"users/{one}/messages", app="restore", json=body).status_code == 201
    assert own.request("POST", f"users/{one}/messages", app="restore", json=body).status_code == 429
    own.control("limits", off=True)


def at_once(own: Running, paths: list[str]) -> Counter[int]:
    found: Counter[int] = Counter()
    lock = threading.Lock()

    def ask(path: str) -> None:
        headers = {"Authorization": f"Bearer {own.tokens['backup']}"}
        with requests.Session() as session:
            session.trust_env, session.verify = False, own.told["ca"]
            answer = session.get(own.url(path), headers=headers, timeout=20)
        with lock:
            found[answer.status_code] += 1

    threads = [threading.Thread(target=ask, args=(path,)) for path in paths]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found


def test_outlook_serves_four_at_a_time(own: Running) -> None:
    own.control("settings", latency=0.4)
    own.control("limits", concurrent=4)
    one, two = own.users["member"], own.users["shared"]
    found = at_once(own, [f"users/{one}/mailFolders"] * 6)
    assert found[429] >= 1 and found[200] >= 4
    apart = [f"users/{user}/mailFolders" for user in (one, two) for _ in range(3)]
    assert at_once(own, apart) == {200: 6}
    own.control("limits", per_app=True)  # as later documentation has it: whatever the mailbox
    assert at_once(own, apart)[429] >= 1
    assert max(own.control("counters")["at_once"].values()) == 4
    own.control("settings", latency=0)
    own.control("limits", off=True, per_app=False)
