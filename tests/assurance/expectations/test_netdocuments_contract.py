"""The expectation contract of NetDocuments: each row bears the ids that it stands under."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from muniment.assurance.netdocuments_contract import NetDocumentsContract
from muniment.model.item import Fidelity, Row
from muniment.sources.netdocuments import naming
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest

CABINET, PAPER = "NG-1A2B3C4D", "4811-0000-0001"
KEY = naming.lookup_key("1001", SECRET)
ROWS: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    (naming.USERS, ("JDOE",), {"id": "JDOE", "displayName": SECRET}),
    (naming.LOOKUPS, ("2", KEY), {"attribute": 2, "parent": "1001", "key": SECRET}),
    (naming.DOCUMENTS, (CABINET, PAPER), {"id": PAPER, "cabinet": CABINET, "name": SECRET}),
    (naming.CONTENTS, (CABINET, PAPER), {"id": PAPER, "items": []}),
    (naming.DETAILS, (CABINET, PAPER), {"id": PAPER, "profile": {"standardAttributes": {"cabinet": CABINET}}}),
)  # fmt: skip


class TestNetDocuments(ExpectationContractSuite):
    contract = NetDocumentsContract()

    def restored(self, folder: Path) -> list[Row]:
        items = [
            (kind, naming.native_id(kind, *ids), json.dumps(data).encode(), {})
            for kind, ids, data in ROWS
        ]
        file = naming.native_id(naming.DOCUMENT_FILE, PAPER, "1")
        items.append((naming.DOCUMENT_FILE, file, SECRET.encode(), {"file": f"{SECRET}.pdf"}))  # type: ignore[arg-type]
        for _, native, data, _ in items:
            path = folder / native.decode()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return [
            Row(digest(native)[:16], kind, native, "", len(data), 0, digest(data), Fidelity.FILE, (), more)
            for kind, native, data, more in items
        ]  # fmt: skip

    def test_a_row_bears_the_ids_that_it_stands_under(self, tmp_path: Path) -> None:
        for row in self.restored(tmp_path):
            facts = self.contract.describe(row, tmp_path / row.native_id.decode())
            assert facts["row"] == facts["expected_row"]

    @pytest.mark.parametrize("place", range(len(ROWS)))
    def test_another_row_and_a_torn_one_are_seen(self, tmp_path: Path, place: int) -> None:
        row = self.restored(tmp_path)[place]
        path = tmp_path / row.native_id.decode()
        for body in (b'{"id":"4811-0000-0002","cabinet":"NG-1A2B3C4D"}', b"[17]", b'{"id":17', b""):
            path.write_bytes(body)
            facts = self.contract.describe(row, path)
            assert facts["row"] != facts["expected_row"]
