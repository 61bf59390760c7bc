"""The second look: what is as it was, what is missing, what was left, and that it is bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.sources.audit import Compared, Held
from muniment.sources.m365.audit import REQUESTS
from muniment.sources.m365.source import M365Source
from tests.contracts.api_source_contract import Remembered
from tests.simulators.graph.running import Running
from tests.support.m365_firm import GAPS, M365Firm, client


def test_what_is_backed_up_is_what_the_audit_sees(sim: Running, tmp_path: Path) -> None:
    firm = M365Firm(tmp_path, sim, page=0, services=("mail", "onedrive"))
    firm.accepting = GAPS
    listed = Remembered(firm.source().scan()).items
    there: dict[str, list[bytes]] = {}
    for kind, native in listed:
        there.setdefault(kind, []).append(native)
    lost = there["message"][0]
    user, id_ = lost.decode().split("/")[1:]
    sim.request("DELETE", f"users/{user}/messages/{id_}", app="restore", prefer='IdType="ImmutableId"')  # fmt: skip
    sim.request("DELETE", f"users/{user}/messages/{id_}", app="restore", prefer='IdType="ImmutableId"')  # fmt: skip
    source = M365Source("m365", client(sim, tmp_path))
    found = source.auditor().ask(Held(there, {}), datetime.now(UTC) - timedelta(days=900), 1)
    assert 0 < found.requests <= REQUESTS
    assert [w.native_id for w in found.witnesses if not w.there] in ([], [lost])
    seen = {w.native_id: w for w in found.witnesses if w.there}
    assert {w.kind for w in seen.values()} == {"message", "drive_file"}
    for native, witness in seen.items():
        item = listed[witness.kind, native]
        assert item.fingerprint.mtime_ns == witness.touched_ns
        if witness.body is not None:
            assert item.brought is not None and item.brought.content is not None
            assert source.auditor().compare(witness, item.brought.content) is Compared.SAME
        else:
            with source.open(witness.kind, native) as reader:
                reader.describe()
                assert len(reader.read(1 << 20)) <= (witness.size or 0)
    (told,) = found.told
    assert told.total == len(sim.control("truth", parts=["messages"])["messages"])


def test_another_subject_differs_and_a_flag_is_drift(sim: Running, tmp_path: Path) -> None:
    import json

    from muniment.sources.audit import Witness

    audit = M365Source("m365", client(sim, tmp_path)).auditor()
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
