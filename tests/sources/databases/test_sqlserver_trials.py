"""A backup of SQL Server that came back is held against what its server said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muniment.assurance.sqlserver_contract import SqlServerContract
from muniment.model.item import Fidelity, Row
from muniment.sources.databases.access import native_id
from tests.assurance.expectations.bench import Bench
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest
from tests.sources.databases.test_trials import failed, saying
from tests.support.databases import dumped
from tests.support.sqlserver import SqlServerFirm, sql_server

KILLS = frozenset(
    f"items.{name}" for name in ("proven", "header", "backup_files", "head", "backup_size")
)
"""Expectations that are seen to fail here."""


class TestSqlServer(ExpectationContractSuite):
    contract = SqlServerContract()

    def restored(self, folder: Path) -> list[Row]:
        if not (folder / "mount").exists():
            with sql_server(folder) as server:
                server.instance.add(SECRET).backup_rights.add("muniment")
                census, content = dumped(server.source(), SECRET)
                type(self).metadata = census.as_metadata("")
            (folder / "databases").mkdir(exist_ok=True)
            (folder / native_id(SECRET).decode()).write_bytes(content)
        content = (folder / native_id(SECRET).decode()).read_bytes()
        return [
            Row(
                item_id=digest(b"x")[:16], kind="database", native_id=native_id(SECRET), matter="", size=len(content),
                mtime_ns=0, digest=digest(content), fidelity=Fidelity.FILE, parts=(), metadata=self.metadata,
            )
        ]  # fmt: skip

    metadata: dict[str, Any] = {}  # noqa: RUF012 - of the one that was dumped


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Bench]:
    with sql_server(tmp_path, "practice") as server:
        firm = SqlServerFirm(tmp_path, server)
        assert firm.back_up().completeness == "complete"
        yield Bench(firm, SqlServerContract())


def test_a_true_copy_kills_nothing_and_what_differs_is_said(judged: Bench) -> None:
    assert failed(judged) == set()

    def differing(metadata: dict[str, Any]) -> None:
        metadata["backup"]["verified"] = False
        metadata["backup"]["files"].pop()
        metadata["backup"]["header"] |= {
            "HasBackupChecksums": False,
            "CompressedBackupSize": 1 << 40,
        }

    judged.rows = saying(differing)
    assert failed(judged) == KILLS - {"items.head"}

    def another(folder: Path) -> None:
        [path] = folder.rglob("*.bak")
        path.write_bytes(b"PK" + path.read_bytes()[2:])

    judged.rows, judged.delivered = None, another
    assert failed(judged) == {"items.digest", "items.modified", "items.head"}
