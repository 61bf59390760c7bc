"""The expectation contract of file shares."""

from __future__ import annotations

from pathlib import Path

from muniment.assurance.files_contract import CONTRACTS, FilesContract
from muniment.config.inventory import SYSTEMS
from muniment.model.item import Fidelity, Row
from muniment.model.text import text_of
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest


class TestFiles(ExpectationContractSuite):
    contract = FilesContract()

    def restored(self, folder: Path) -> list[Row]:
        content = SECRET.encode()
        (folder / SECRET).mkdir(exist_ok=True)
        file, link = folder / SECRET / "a.pdf", folder / SECRET / "link"
        file.write_bytes(content)
        if not link.is_symlink():
            link.symlink_to(SECRET)
        metadata = [
            ("dir", SECRET, {"mode": 0o755}, b""),
            ("file", f"{SECRET}/a.pdf", {"mode": 0o640}, content),
            ("symlink", f"{SECRET}/link", {"target": text_of(SECRET.encode())}, b""),
        ]
        return [
            Row(
                item_id=digest(name.encode())[:16],
                kind=kind,
                native_id=name.encode(),
                matter="",
                size=len(data),
                mtime_ns=0,
                digest=digest(data) if kind == "file" else b"",
                fidelity=Fidelity.FILE,
                parts=(),
                metadata=more,
            )
            for kind, name, more, data in metadata
        ]


def test_every_system_that_is_backed_up_has_a_contract() -> None:
    assert set(CONTRACTS) == set(SYSTEMS)
    for system, contract in CONTRACTS.items():
        assert contract.system == system
