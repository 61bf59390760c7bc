"""Restored sets are judged like other files, and the record of them has to be readable."""

from __future__ import annotations

from pathlib import Path

from muniment.assurance.files_contract import VendorBackupContract
from muniment.model.item import Fidelity, Row
from muniment.vault.rows import Snapshot
from tests.assurance.expectations.bench import Bench
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest
from tests.support.vendor_firm import VendorFirm

KILLS = frozenset({"items.record", "items.set"})
"""Expectations that are seen to fail here."""

PART = {"product": "quickbooks", "part": "backup", "job": SECRET, "name": SECRET}


class TestVendorBackups(ExpectationContractSuite):
    contract = VendorBackupContract()

    def restored(self, folder: Path) -> list[Row]:
        contents = {
            f"{SECRET}.qbb": ("file", b"set", {"mode": 0o640, "backup_set": PART}),
            "_backup-sets.json": ("backup_sets", b'{"jobs": []}', {}),
        }
        for name, (_, content, _) in contents.items():
            (folder / name).write_bytes(content)
        return [
            Row(
                item_id=digest(name.encode())[:16],
                kind=kind,
                native_id=name.encode(),
                matter="",
                size=len(content),
                mtime_ns=0,
                digest=digest(content),
                fidelity=Fidelity.FILE,
                parts=(),
                metadata=metadata,
            )
            for name, (kind, content, metadata) in contents.items()
        ]


def failed(judged: Bench) -> set[str]:
    judgement = judged.judged()
    assert not any(result.error for result in judgement.results)
    return {result.name for result in judgement.failed}


def test_a_true_copy_kills_nothing_and_what_is_wrong_is_said(tmp_path: Path) -> None:
    firm = VendorFirm(tmp_path)
    for name in ("SBU_0_Firm.qbb", "SBU_0_Other.qbb"):
        firm.put(name, b"set" * 1000)
    firm.night()
    judged = Bench(firm, VendorBackupContract())
    # The product has replaced all of its sets since.
    for path in firm.share.iterdir():
        path.rename(path.with_name(path.name.replace("_0_", "_1_")))
    assert failed(judged) == set()

    def spoil(folder: Path) -> None:
        (folder / "_backup-sets.json").write_text('{"jobs": [{"sets": [{"state": "fine"}]}]}')

    judged.delivered = spoil
    assert "items.record" in failed(judged)

    def without_its_product(snapshot: Snapshot) -> None:
        for row in snapshot.items.values():
            if "backup_set" in row.metadata:
                row.metadata["backup_set"] = {}  # type: ignore[index]

    judged.delivered, judged.rows = None, without_its_product
    assert failed(judged) == {"items.set"}
