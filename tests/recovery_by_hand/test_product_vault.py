"""Vaults that the product wrote, recovered without it: by the lines of the page, and by recover.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo import firm
from muniment.vault.bases import rebase
from tests.recovery_by_hand.programs import by_hand, recover
from tests.support.practice import Practice, tree

FIRST = firm.STORY_MATTER


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """Three days of the small example firm, a base, a large file, and names that are no UTF-8."""
    practice = Practice(tmp_path_factory.mktemp("product"))
    practice.share.rmdir()
    truth = firm.small(practice.share)
    practice.write("Mail/large.pst", os.urandom(33_000_000))
    odd = os.fsencode(practice.share) + b"/Office"
    os.makedirs(odd, exist_ok=True)
    for name in (b"\xff\xfe.txt", b"two\nlines", b"100%.txt", b"-rf", b"' \" $(id) `id`"):
        Path(os.fsdecode(odd + b"/" + name)).write_bytes(name)
    practice.back_up()
    truth, _ = firm.work_a_day(practice.share, seed=7, truth=truth)
    practice.back_up()
    operations = practice.vault()
    history = operations.history("files")
    rebase(operations, history, history.at(2), practice.folder / "rebase")
    firm.work_a_day(practice.share, seed=7, truth=truth)
    practice.back_up()
    identity = practice.folder / "escrow.txt"
    identity.write_text(f"# escrow\n{practice.keys.escrow}\n")
    return practice


def test_every_file_comes_back_by_the_lines_of_the_page(practice: Practice, tmp_path: Path) -> None:
    done = by_hand(
        tmp_path,
        ["sh"],
        practice.folder / "store",
        practice.folder / "escrow.txt",
        tmp_path / "out",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert tree(tmp_path / "out") == tree(practice.share)


def test_every_file_comes_back_by_recover_py_alone(practice: Practice, tmp_path: Path) -> None:
    done = recover(
        practice.folder / "store",
        "--identity", practice.folder / "escrow.txt",
        "--vault-id", practice.pin.vault_id,
        "--root-key", practice.pin.root_public.hex(),
        tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trust not proven" not in done.stdout + done.stderr
    out = tmp_path / "out"
    assert tree(out / "files" if (out / "files").is_dir() else out) == tree(practice.share)


def test_the_vault_carries_the_programs_of_this_version(practice: Practice) -> None:
    source = Path(__file__).parents[2] / "include/muniment/vault/recovery_files"
    for name in ("recover.py", "RECOVER.txt"):
        assert practice.store.get(name) == (source / name).read_bytes()
