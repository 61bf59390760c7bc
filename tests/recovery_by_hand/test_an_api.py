"""What an API gave, recovered without the product: rows and files under the vendor's ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.backup.test_api_backup import Firm
from tests.recovery_by_hand.programs import by_hand, recover
from tests.support.practice import tree


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    firm = Firm(tmp_path / "firm")
    for number in range(3):
        firm.api.add("notes", b"note %d" % number, "2024-0113")
        firm.api.add("papers", b"paper %d" % number * 100)
    firm.back_up()
    (firm.folder / "escrow.txt").write_text(f"# escrow\n{firm.keys.escrow}\n")
    return firm


def truth(firm: Firm) -> dict[str, bytes]:
    return {
        f"{entry.kind}/{number}": entry.text
        if entry.kind == "papers"
        else json.dumps({"id": number, "text": entry.text.decode()}).encode()
        for number, entry in firm.api.entries.items()
    }


def contents(folder: Path) -> dict[str, object]:
    return {name: content for name, (kind, content) in tree(folder).items() if kind == "file"}


def test_recover_py_gives_every_row_and_file(firm: Firm, tmp_path: Path) -> None:
    done = recover(
        firm.folder / "store",
        "--identity", firm.folder / "escrow.txt",
        "--vault-id", firm.pin.vault_id,
        "--root-key", firm.pin.root_public.hex(),
        tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    out = tmp_path / "out"
    assert contents(out / "files" if (out / "files").is_dir() else out) == truth(firm)


def test_the_lines_of_the_page_give_every_row_and_file(firm: Firm, tmp_path: Path) -> None:
    store, escrow = firm.folder / "store", firm.folder / "escrow.txt"
    done = by_hand(tmp_path, ["sh"], store, escrow, tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, b"")
    assert contents(tmp_path / "out") == truth(firm)
