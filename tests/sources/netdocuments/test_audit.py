"""The second look: what is as it was, what is missing, what was left, whose the account is, and that it is bounded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from muniment.errors import SourceRestricted
from muniment.model.item import Observed
from muniment.sources.audit import Compared, Held, Witness
from muniment.sources.audit import Testimony as Seen
from muniment.sources.netdocuments import audit as audit_module
from muniment.sources.netdocuments import audit_look, naming
from muniment.sources.netdocuments.audit import REQUESTS
from muniment.sources.netdocuments.source import NetDocumentsSource
from tests.contracts.api_source_contract import Remembered
from tests.simulators.netdocuments.running import Running
from tests.support.netdocuments_firm import client

LONG_AGO, AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
"""Since when everything was touched, or nothing."""

Listed = dict[tuple[str, bytes], Observed]


@pytest.fixture(scope="module")
def source(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> NetDocumentsSource:
    return NetDocumentsSource("netdocs", client(sim, tmp_path_factory.mktemp("audit")))


@pytest.fixture(scope="module")
def listed(source: NetDocumentsSource) -> Listed:
    return Remembered(source.scan()).items


def held(listed: Listed, without: tuple[bytes, ...] = ()) -> Held:
    there: dict[str, list[bytes]] = {}
    for kind, native in listed:
        if native not in without:
            there.setdefault(kind, []).append(native)
    return Held(there, {})


def asked(source: NetDocumentsSource, listed: Listed, since: datetime = AHEAD) -> Seen:
    return source.auditor().ask(held(listed), since, 1)


def test_what_is_backed_up_is_what_the_audit_sees(
    source: NetDocumentsSource, listed: Listed
) -> None:
    found = asked(source, listed)
    assert 0 < found.requests <= REQUESTS
    assert [w for w in found.witnesses if not w.there] == []
    seen = {(w.kind, w.native_id): w for w in found.witnesses}
    assert len(seen) == len(found.witnesses)
    assert seen.keys() <= listed.keys()
    assert {kind for kind, _ in seen} >= {*naming.KINDS} - {naming.REPOSITORY}
    for key, witness in seen.items():
        item = listed[key]
        assert not witness.touched_ns or item.fingerprint.mtime_ns == witness.touched_ns
        assert item.brought is not None and item.named_by is not None
        if witness.belongs is not None:
            assert item.named_by.text.decode() == witness.belongs
        if witness.body is not None and item.brought.content is not None:
            assert source.auditor().compare(witness, item.brought.content) is Compared.SAME, key
        if witness.digest is not None:
            with source.open(*key) as reader:
                content = b"".join(iter(lambda r=reader: r.read(1 << 20), b""))
            assert (sha256(content).digest(), len(content)) == (witness.digest, witness.size)


def test_rows_are_counted_by_dates_and_no_token_is_followed(
    sim: Running, source: NetDocumentsSource, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_look, "PAGE", 7)
    sim.control("counters", reset=True)
    told = {one.kind: one for one in asked(source, listed, LONG_AGO).told}
    counted = sim.control("counters")
    assert not any("v2/Search" in name for name in counted["endpoints"])
    assert not counted["made_workspaces"] and not counted["recent"]
    for kind in (naming.DOCUMENTS, naming.CONTAINERS, naming.USERS, naming.GROUPS):
        assert told[kind].total == sum(one == kind for one, _ in listed)
    assert told[naming.DOCUMENTS].created == told[naming.DOCUMENTS].total
    assert told[naming.DOCUMENTS].touched == sum(
        kind in (naming.DOCUMENTS, naming.CONTAINERS) for kind, _ in listed
    )


def test_of_a_large_cabinet_the_newest_rows_and_the_count_are_told(
    source: NetDocumentsSource, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_look, "PAGE", 7)
    monkeypatch.setattr(audit_look, "PAGES", 2)
    found = asked(source, listed)
    told = {one.kind: one for one in found.told}
    assert told[naming.DOCUMENTS].total == sum(kind == naming.DOCUMENTS for kind, _ in listed)
    assert told[naming.DOCUMENTS].created is None and found.unseen > 0
    assert [w for w in found.witnesses if not w.there] == []


def test_a_document_that_is_gone_and_one_that_was_never_listed_are_told(
    sim: Running, source: NetDocumentsSource, listed: Listed
) -> None:
    papers = [native for kind, native in listed if kind == naming.DOCUMENTS]
    gone, missed = papers[0], papers[-1]
    id_ = gone.decode().rpartition("/")[2]
    sim.control("change", item=id_, delete="soft")
    listed.pop((naming.DOCUMENTS, gone))
    listed.pop((naming.DETAILS, gone.replace(b"documents", b"details")))
    there = held(listed, (missed,))
    found = source.auditor().ask(Held({**there.there, naming.DOCUMENTS: [gone]}, {}), AHEAD, 1)
    assert gone in {w.native_id for w in found.witnesses if not w.there}
    assert missed in {w.native_id for w in found.witnesses if w.there}


def test_an_account_that_does_not_see_all_is_told(
    sim: Running, source: NetDocumentsSource, listed: Listed
) -> None:
    name = sim.told["reading_client_id"]
    sim.control("map", client_id=name, user="SVC-LIMITED")
    try:
        assert any(one.refused for one in asked(source, listed).told)
        sim.control("map", client_id=name, user=None)
        with pytest.raises(SourceRestricted, match="mapped to nobody"):
            asked(source, listed)
    finally:
        sim.control("map", client_id=name, user="SVC-BACKUP")


def test_what_the_requests_did_not_suffice_for_is_counted(
    source: NetDocumentsSource, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "REQUESTS", 60)
    found = asked(source, listed)
    assert found.requests == 60 and found.unseen > 0
    assert [w for w in found.witnesses if not w.there] == []


def test_a_token_that_ends_and_answers_that_are_none_are_borne(
    sim: Running, source: NetDocumentsSource, listed: Listed, tmp_path: Path
) -> None:
    for name in ("expired", "rate_limited", "server_error", "sign_in_page", "xml_anyway"):
        sim.control("faults", add={"name": name, "pattern": "^GET /v1/Search", "times": 1})
    try:
        found = asked(source, listed)
    finally:
        sim.control("faults", clear=True)
    assert {one.kind: one.total for one in found.told}[naming.DOCUMENTS] is not None


def test_rights_and_filing_may_lag_and_versions_may_not(source: NetDocumentsSource) -> None:
    def compared(kind: str, row: dict[str, object], **change: object) -> Compared:
        witness = Witness(kind, b"", body=json.dumps(row).encode())
        return source.auditor().compare(witness, json.dumps(row | change).encode())

    details = {"id": "1", "versions": [{"number": 1, "size": 3}], "acl": [{"principal": "UG-1"}], "attachments": []}  # fmt: skip
    assert compared("details", details) is Compared.SAME
    assert compared("details", details, acl=[{"principal": "UG-2"}]) is Compared.LATE
    assert compared("details", details, acl=[]) is Compared.DIFFERS
    assert compared("details", details, attachments=[{"attachmentId": 1}]) is Compared.LATE
    assert compared("details", details, versions=[]) is Compared.DIFFERS
    assert compared("contents", {"id": "1", "items": [{"id": "2"}]}, items=[]) is Compared.LATE
    row = {"id": "1", "name": "Deed", "customAttributes": [{"id": 1, "value": "7"}], "ancestors": [":Q:a|1"]}  # fmt: skip
    assert compared("documents", row, ancestors=[":Q:a"]) is Compared.SAME
    assert compared("documents", row, ancestors=[]) is Compared.DRIFTED
    assert compared("documents", row, customAttributes=[]) is Compared.DIFFERS
