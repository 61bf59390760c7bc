"""The expectation contract of Clio accounts, and what it finds in a connector that mixes rows up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from muniment.assurance.clio_contract import ClioContract, ClioTrustContract
from muniment.model.item import Fidelity, Observed, Row
from muniment.sources.base import FIRST_TIME, Known, Listed
from muniment.sources.clio.naming import DOCUMENT_FILE
from tests.assurance.expectations.bench import Bench
from tests.backup.test_api_backup import Firm
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest
from tests.support.memory_api import MemoryApiSource

KILLS = frozenset({"items.row"})
"""Expectations that are seen to fail here."""


class TestClio(ExpectationContractSuite):
    contract = ClioContract()

    def restored(self, folder: Path) -> list[Row]:
        items: list[tuple[str, str, bytes, dict[str, str]]] = [
            ("matters", "matters/17", json.dumps({"id": 17, "description": SECRET}).encode(), {}),
            ("settings/billing", "settings/billing", b'{"tax_rate":7.25}', {}),
            ("event_metrics", "event_metrics", b'{"id":101,"unread":1}', {}),
            (DOCUMENT_FILE, "document_files/5/6", SECRET.encode(), {"file": f"{SECRET}.pdf"}),
        ]
        for _, name, data, _ in items:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return [
            Row(
                item_id=digest(name.encode())[:16],
                kind=kind,
                native_id=name.encode(),
                matter="",
                size=len(data),
                mtime_ns=0,
                digest=digest(data),
                fidelity=Fidelity.FILE,
                parts=(),
                metadata=more,
            )
            for kind, name, data, more in items
        ]

    def test_a_row_bears_its_own_id(self, tmp_path: Path) -> None:
        for row in self.restored(tmp_path):
            facts = self.contract.describe(row, tmp_path / row.native_id.decode())
            assert facts["row"] == facts["expected_row"]

    @pytest.mark.parametrize("body", [b'{"id":18}', b"[17]", b'{"id":17', b"", b"\xff"])
    def test_another_row_and_a_torn_one_are_seen(self, tmp_path: Path, body: bytes) -> None:
        row = self.restored(tmp_path)[0]
        path = tmp_path / row.native_id.decode()
        path.write_bytes(body)
        facts = self.contract.describe(row, path)
        assert facts["row"] != facts["expected_row"]


class TestClioTrust(TestClio):
    contract = ClioTrustContract()


class MixingUp(MemoryApiSource):
    """A connector that gives each row's bytes under the id of the one before."""

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        rows = [item for item in super().scan(known) if isinstance(item, Observed)]
        for item, other in zip(rows, [*rows[1:], rows[0]], strict=True):
            yield item._replace(fingerprint=other.fingerprint, brought=other.brought)


def bench(folder: Path, source: type[MemoryApiSource]) -> Bench:
    firm = Firm(folder)
    firm.source = lambda source_id="files": source(source_id, firm.api)  # type: ignore[method-assign]
    for number in range(8):
        firm.api.add("notes", b"note %d" % number, "2024-0113")
    firm.back_up()
    return Bench(firm, ClioContract(), live=False)


def test_rows_that_were_mixed_up_are_seen(tmp_path: Path) -> None:
    assert {r.name for r in bench(tmp_path, MixingUp).judged().failed} == KILLS


def test_a_true_copy_kills_nothing(tmp_path: Path) -> None:
    assert bench(tmp_path, MemoryApiSource).judged().failed == ()
