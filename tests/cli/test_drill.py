"""`muniment drill`: from the firm's folder, and from the key card alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from muniment.config.load import load_firm
from muniment.vault.setup import recovery_files
from tests.cli.conftest import PASSPHRASES, Office, Terminal
from tests.support.needs import needs_program


def test_a_drill_is_held_timed_recorded_and_leaves_nothing(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    terminal("checkpoint")
    share = office.share
    share.rename(tmp_path / "switched off")
    found = terminal.json("drill", tmp_path / "box", "--answer", "yes", "--remarks", "fine")
    assert (found["whole"], found["answer"], found["recorded"]) == (True, "yes", True)
    assert found["count.equal"] == found["count.items"] > 0
    assert found["scenario"] == "matter"
    assert "deleted" in found["wiped"]
    assert not list((tmp_path / "box").iterdir())
    events = [
        e["event"]
        for e in terminal.json("evidence", "ls", "--stream", "operations-drills")["entries"]
    ]
    assert events == [
        "drill.started", "drill.finished", "certificate.made", "drill.answered", "drill.wiped",
    ]  # fmt: skip
    [certified] = found["certificates"]
    assert certified["files"] > 0 and certified["signer"]
    present = terminal.json("kpi")["drills"]["quarters"][-1]
    assert (present["held"], present["passed"]) == (1, 1)
    shown = terminal("drill", tmp_path / "box", "--scenario", "source").out
    assert "promised: 4 h; in time" in shown
    assert "not held until there is one" in shown


def test_the_certificate_of_a_drill_is_in_its_evidence_and_a_stranger_checks_it(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    found = terminal.json("drill", tmp_path / "box", "--scenario", "item", "--answer", "yes")
    [shown] = terminal.json("drills")["drills"]
    assert shown["certificates"] == [c["statement_sha256"] for c in found["certificates"]]
    assert found["drill_id"] in terminal("drills").out
    out = tmp_path / "out"
    terminal("drills", "--certificate", found["drill_id"], code=2)
    terminal("drills", "--certificate", "nobody", "--to", out, code=9)
    [own] = terminal.json("drills", "--certificate", found["drill_id"], "--to", out)["certificates"]
    terminal("drills", "--certificate", found["drill_id"], "--to", out, code=2)

    program = [sys.executable, "-I", Path(own) / "verify_delivery.py"]
    root = ["--root-key", load_firm(office.firm).firm.pinned().root_public]
    told = subprocess.run([*program, *root], capture_output=True, text=True, check=False)
    # The files are gone, and with them what could be hashed; all signatures hold.
    assert told.returncode == 3, told.stdout
    assert "what a drill restored was removed after it" in told.stdout
    assert "key card" not in told.stdout and "NOT AS CERTIFIED" not in told.stdout
    statement = json.loads((Path(own) / "certificate.json").read_text())
    assert (statement["occasion"], statement["restore_id"]) == ("drill", found["drill_id"])
    assert statement["phases_seconds"] and statement["signer"]
    page = (Path(own) / "certificate.html").read_text()
    assert "not legal advice" in page and found["drill_id"] in page
    signed = Path(own) / "certificate.signed.json"
    signed.write_text(signed.read_text().replace('"sig":"', '"sig":"AAAA', 1))
    assert subprocess.run([*program, *root], check=False).returncode == 1


def test_the_same_seed_draws_the_same(office: Office, terminal: Terminal, tmp_path: Path) -> None:
    one, two = (
        terminal.json("drill", tmp_path / "box", "--scenario", "item", "--seed", "5") for _ in "12"
    )
    assert one["plan_digest"] != ""
    facts = terminal.json("evidence", "ls", "--stream", "operations-drills")["entries"]
    values = [e["facts"]["value"] for e in facts if e["event"] == "drill.started"]
    assert len(values) == 2
    assert len(set(values)) == 1
    assert one["count.items"] == two["count.items"] == 1


def test_damage_fails_it_and_nothing_stays(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    for pack in [p for p in (office.store / "packs").rglob("*") if p.is_file()]:
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        os.chmod(pack, 0o600)
        pack.write_bytes(data)
    terminal("drill", tmp_path / "box", "--scenario", "source", code=6)
    assert not list((tmp_path / "box").iterdir())
    facts = terminal.json("evidence", "ls", "--stream", "operations-drills")["entries"]
    assert facts[-1]["facts"]["whole"] is False


def test_a_folder_that_holds_something_is_refused(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box/mine").write_text("x")
    terminal("drill", tmp_path / "box", code=2)
    assert (tmp_path / "box/mine").read_text() == "x"


# -- from the recovery kit alone -------------------------------------------------------------------


@pytest.fixture
def escrow(office: Office, tmp_path: Path) -> Path:
    """An escrow identity without its passphrase: age would ask for that at a terminal."""
    from muniment.vault.age import open_with_passphrase

    for program in ("age", "zstd"):
        needs_program(program)
    sealed = next(p for p in office.keys.rglob("escrow-1.age"))
    path = tmp_path / "escrow"
    path.write_bytes(open_with_passphrase(sealed.read_bytes(), PASSPHRASES["escrow-1"]))
    return path


def test_a_matter_comes_back_from_the_recovery_kit_alone(
    office: Office, terminal: Terminal, tmp_path: Path, escrow: Path
) -> None:
    terminal("checkpoint")
    asked = ["drill", tmp_path / "box", "--scenario", "recovery-kit", "--answer", "yes"]
    terminal(*asked, code=2)
    terminal("drill", tmp_path / "box", "--escrow", escrow, code=2)
    found = terminal.json(*asked, "--escrow", escrow)
    assert (found["whole"], found["scenario"]) == (True, "recovery-kit")
    assert found["count.equal"] == found["count.items"] > 0
    assert found["count.extra"] == 0
    assert [c["files"] > 0 for c in found["certificates"]] == [True]
    assert not list((tmp_path / "box").iterdir())

    told = terminal.json("drills")
    assert [d["scenario"] for d in told["drills"]] == ["recovery-kit"]
    assert {s["source"]: s["overdue"] for s in told["sources"]} == {
        "files": False,
        "recovery-kit": False,
    }
    assert told["sources"][1]["last"] is not None
    assert "recovery-kit" in terminal("drills").out
    stored = b"".join(p.read_bytes() for p in office.store.rglob("*") if p.is_file())
    [secret] = [x for x in escrow.read_bytes().split() if x.startswith(b"AGE-SECRET-KEY")]
    assert secret not in stored


def test_a_recover_py_that_is_not_known_is_not_run(
    office: Office, terminal: Terminal, tmp_path: Path, escrow: Path
) -> None:
    planted = office.store / "recover.py"
    planted.chmod(0o600)
    planted.write_text("open('ran', 'w')\n")
    asked = ["drill", tmp_path / "box", "--scenario", "recovery-kit", "--escrow", escrow]
    assert "not the one of this version" in terminal(*asked, code=8).err.replace("\n", " ")
    assert not Path("ran").exists()
    safe = tmp_path / "safe"
    safe.mkdir()
    (safe / "recover.py").write_bytes(recovery_files()["recover.py"])
    assert terminal.json(*asked, "--kit", safe)["whole"] is True


def test_a_wrong_identity_fails_the_drill_and_nothing_stays(
    office: Office, terminal: Terminal, tmp_path: Path, escrow: Path
) -> None:
    from muniment.vault.age import Identity

    escrow.write_text(f"{Identity.generate()}\n")
    asked = ["drill", tmp_path / "box", "--scenario", "recovery-kit", "--escrow", escrow]
    assert "recover.py" in terminal(*asked, code=8).err
    assert not list((tmp_path / "box").iterdir())
