"""The second look: what is as it was, what is missing, what was left, and that it is bounded."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from muniment.model.item import Observed
from muniment.sources.audit import Compared, Held, Witness
from muniment.sources.audit import Testimony as Seen
from muniment.sources.m365 import audit as audit_module
from muniment.sources.m365.audit import REQUESTS
from muniment.sources.m365.source import Choice, M365Source
from tests.contracts.api_source_contract import Remembered
from tests.simulators.graph.running import IMMUTABLE, Running
from tests.support.m365_firm import client

LONG_AGO, AHEAD = (
    datetime.now(UTC) - timedelta(days=900),
    datetime(2030, 1, 1, tzinfo=UTC),
)
"""Since when everything was touched, or nothing."""
COUNTED = {
    "user": "users",
    "message": "messages",
    "event": "events",
    "contact": "contacts",
    "drive_file": "items",
}

Listed = dict[tuple[str, bytes], Observed]


@pytest.fixture(scope="module")
def source(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> M365Source:
    folder = tmp_path_factory.mktemp("audit")
    return M365Source("m365", client(sim, folder), choice=Choice(versions=2))


@pytest.fixture(scope="module")
def listed(source: M365Source) -> Listed:
    return Remembered(source.scan()).items


def held(listed: Listed, without: tuple[bytes, ...] = ()) -> Held:
    there: dict[str, list[bytes]] = {}
    for kind, native in listed:
        if native not in without:
            there.setdefault(kind, []).append(native)
    return Held(there, {})


def asked(source: M365Source, listed: Listed, since: datetime = AHEAD) -> Seen:
    return source.auditor().ask(held(listed), since, 1)


def test_what_is_backed_up_is_what_the_audit_sees(
    sim: Running, source: M365Source, listed: Listed
) -> None:
    found = asked(source, listed)
    assert 0 < found.requests <= REQUESTS
    assert [w for w in found.witnesses if not w.there] == []
    seen = {(w.kind, w.native_id): w for w in found.witnesses}
    assert len(seen) == len(found.witnesses)
    assert seen.keys() <= listed.keys()
    for key, witness in seen.items():
        item = listed[key]
        assert not witness.touched_ns or item.fingerprint.mtime_ns == witness.touched_ns
        assert item.brought is not None
        if witness.body is not None and item.brought.content is not None:
            assert source.auditor().compare(witness, item.brought.content) is Compared.SAME, key
        if witness.digest is not None:
            with source.open(*key) as reader:
                content = b"".join(iter(lambda r=reader: r.read(1 << 20), b""))
            assert (sha256(content).digest(), len(content)) == (witness.digest, witness.size)


def test_how_many_there_are_is_counted_without_a_delta(
    sim: Running, source: M365Source, listed: Listed
) -> None:
    sim.control("counters", reset=True)
    told = {one.kind: one for one in asked(source, listed, LONG_AGO).told}
    assert not any("delta" in name for name in sim.control("counters")["endpoints"])
    kept = Counter(kind for kind, _ in listed)
    assert told.keys() == COUNTED.keys()
    for kind in COUNTED:
        assert told[kind].total == kept[kind]
        assert told[kind].created == told[kind].total or kind == "user"
    assert {one.touched for one in asked(source, listed).told} == {0}


def test_a_file_that_is_gone_and_one_that_was_never_listed_are_told(
    sim: Running, source: M365Source, listed: Listed
) -> None:
    files = [native for kind, native in listed if kind == "drive_file"]
    gone, missed = files[0], files[-1]
    _, drive, item = gone.decode().split("/")
    assert sim.request("DELETE", f"drives/{drive}/items/{item}", app="restore").status_code == 204
    try:
        found = source.auditor().ask(held(listed, (missed,)), AHEAD, 1)
    finally:
        listed.pop(("drive_file", gone))
        listed.pop(("drive_item", gone.replace(b"files", b"items")))
    left = {w.native_id for w in found.witnesses if not w.there}
    assert {gone, gone.replace(b"files", b"items")} <= left
    assert missed in {w.native_id for w in found.witnesses if w.there}
    told = {one.kind: one.total for one in found.told}
    assert told["drive_file"] == len(files) - 1


def test_a_message_that_is_gone_is_told(sim: Running, source: M365Source, listed: Listed) -> None:
    lost = next(native for kind, native in listed if kind == "message")
    user, id_ = lost.decode().split("/")[1:]
    for _ in range(2):
        sim.request("DELETE", f"users/{user}/messages/{id_}", app="restore", prefer=IMMUTABLE)
    there = {"message": [lost]}
    found = source.auditor().ask(Held(there, {}), AHEAD, 1)
    assert [w.native_id for w in found.witnesses if not w.there] == [lost]
    # The others of this file look at the tenant as it is.
    for kind in ("message", "message_mime"):
        listed.pop((kind, lost if kind == "message" else lost.replace(b"messages/", b"mime/")))


def test_what_the_requests_did_not_suffice_for_is_counted_and_nothing_is_made_of_it(
    source: M365Source, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "REQUESTS", 18)
    found = asked(source, listed)
    assert found.requests == 18 and found.unseen > 0
    assert [w for w in found.witnesses if not w.there] == []
    assert all(one.total is None for one in found.told if one.kind == "drive_file")


def test_whose_mailbox_is_left_out_is_not_looked_into(
    sim: Running, listed: Listed, tmp_path: Path
) -> None:
    user = sim.users["member"]
    choice = Choice(services=("mail", "onedrive"), left_out=(user,))
    found = M365Source("m365", client(sim, tmp_path), choice=choice).auditor().ask(Held({}, {}), AHEAD, 1)  # fmt: skip
    assert found.witnesses
    assert not any(user.encode() in w.native_id for w in found.witnesses)
    assert {w.kind for w in found.witnesses} <= {
        "user", "message", "message_mime", "mail_folder", "drive", "drive_item", "drive_file", "drive_permissions",
    }  # fmt: skip


def test_another_subject_differs_and_a_flag_is_drift(source: M365Source) -> None:
    audit = source.auditor()
    row = {"id": "a", "subject": "The deed", "isRead": True, "categories": []}
    witness = Witness("message", b"messages/u/a", body=json.dumps(row).encode())
    for change, wanted in (
        ({}, Compared.SAME),
        ({"isRead": False}, Compared.DRIFTED),
        ({"subject": "Another"}, Compared.DIFFERS),
        ({"id": "b"}, Compared.DIFFERS),
    ):
        assert audit.compare(witness, json.dumps(row | change).encode()) is wanted
    assert audit.compare(witness, b"{}") is Compared.DIFFERS


MESSAGE = b"""Subject: x\r
Content-Type: multipart/mixed; boundary="one"\r
\r
--one\r
Content-Type: text/plain\r
\r
The deed was signed on Monday, and lies with the registry.\r
--one\r
Content-Type: application/pdf; name="a.pdf"\r
Content-Transfer-Encoding: base64\r
\r
QUJD\r
--one--\r
"""


def test_of_two_readings_of_a_message_what_it_carries_is_compared(source: M365Source) -> None:
    audit = source.auditor()
    witness = Witness("message_mime", b"mime/u/a", body=MESSAGE)
    another = b"X-Stamp: 1\r\n" + MESSAGE.replace(b'"one"', b'"two"').replace(b"--one", b"--two")
    assert audit.compare(witness, another) is Compared.SAME
    assert audit.compare(witness, MESSAGE.replace(b"QUJD", b"QUJE")) is Compared.DIFFERS
    assert audit.compare(witness, MESSAGE[: len(MESSAGE) // 2]) is Compared.DIFFERS
    assert audit.compare(witness, b"") is Compared.DIFFERS
