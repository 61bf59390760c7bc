"""A ransomware day on the share: from the alarm to the matter that is given back."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from muniment.config.load import load_firm
from muniment.wiring import Wiring
from tests.cli.conftest import Office, Terminal


@pytest.fixture(autouse=True)
def _moved(office: Office, terminal: Terminal) -> None:
    """The office is a copy: its share lies elsewhere now, which is said once. This is snapshot 3."""
    terminal("backup", "files", "--accept-mass-deletion")
    terminal.tomorrow()


def ransomware(office: Office, share: float = 0.2) -> int:
    """Encrypts a share of the files in place; returns how many."""
    rng = random.Random(7)
    files = [p for p in sorted(office.share.rglob("*")) if p.is_file() and not p.is_symlink()]
    chosen = rng.sample([p for p in files if p.stat().st_size >= 256], round(share * len(files)))
    for path in chosen:
        path.chmod(0o600)
        path.write_bytes(rng.randbytes(path.stat().st_size + 16))
    return len(chosen)


def matter_of(office: Office) -> str:
    """A matter of which something was encrypted."""
    truth = office.truths[1]
    for number, _ in truth.matters:
        for path, entry in truth.of_matter(number).items():
            file = office.share / path.decode("utf-8", "surrogateescape")
            if (
                entry.kind == "file"
                and entry.size >= 256
                and file.stat().st_size == entry.size + 16
            ):
                return number
    raise AssertionError("no matter was met")


def test_a_ransomware_day_is_flagged_stops_forgetting_and_the_matter_comes_back(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    count = ransomware(office)
    told = terminal.json("backup", "files", code=11)
    [run] = told["runs"]
    assert run["outcome"]["completeness"] == "complete"
    assert run["outcome"]["last_clean"] == 3
    assert [(s["signal"], s["count"]) for s in run["outcome"]["signs"]] == [("overwritten", count)]
    # The flag is in the commit itself, which is signed and put last: no reader ever saw the snapshot without it.
    vault = Wiring(load_firm(office.firm), clock=terminal.clock).vault("operations")
    guard = vault.history("files").at(4).commit.guard
    assert guard is not None and guard.suspicious

    shown = terminal.json("anomaly", "show", code=11)
    [source] = shown["sources"]
    assert (source["open"], source["last_clean"], source["tainted"]) == ([4], 3, [4])
    assert [s["suspicious"] for s in terminal.json("snapshots")["snapshots"]] == [
        "", "", "", "suspicious",
    ]  # fmt: skip
    assert "LOOKS LIKE AN ATTACK" not in terminal("anomaly", "show", code=11).out
    assert "no longer look like what they are" in terminal("anomaly", "show", code=11).out
    assert "SUSPICIOUS" in terminal("snapshots").out
    assert "looks like an attack" in terminal("doctor", code=11).out.replace("\n", " ")

    # Older snapshots are not forgotten, and nothing is swept.
    error = terminal.json("forget", "files", "1", "--reason", "expired", "--yes", code=11)["error"]
    assert error["code"] == "M380"
    assert [s["state"] for s in terminal.json("snapshots")["snapshots"]] == ["live"] * 4

    # The matter as it was; the newest says what it is.
    matter = matter_of(office)
    asked = ["restore", "--matter", matter, "--to"]
    newest = terminal("restore", "--matter", matter, "--plan-only")
    assert "SUSPICIOUS: this snapshot looks like an attack" in newest.err.replace("\n", " ")
    report = terminal.json(*asked, tmp_path / "clean", "--as-of", "last-clean", "--yes")
    [choice] = report["plan"]["choices"]
    assert (choice["seq"], choice["suspicious"]) == (3, "")
    for path, entry in office.truths[1].of_matter(matter).items():
        name = path.decode("utf-8", "surrogateescape")
        if entry.kind == "file":
            content = (tmp_path / "clean" / "files" / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == entry.sha256
    terminal("ls", "files", "--as-of", "last-clean")

    # A person has looked.
    terminal("anomaly", "clear", "files", "--reason", "attack", "--by", "nobody", "--yes", code=2)
    terminal("anomaly", "clear", "files", "--reason", "attack", "--by", "technician", code=10)
    said = terminal.json(
        "anomaly", "clear", "files", "--reason", "attack", "--by", "technician",
        "--note", "one laptop, reinstalled", "--yes",
    )  # fmt: skip
    assert said["cleared"] == [4]
    terminal(
        "anomaly", "clear", "files", "--reason", "attack", "--by", "technician", "--yes", code=9
    )
    assert terminal.json("anomaly", "show")["open"] == 0
    assert terminal.json("forget", "files", "1", "--reason", "expired", "--yes")["left"] == 3
    # It was one: the snapshot stays marked.
    assert terminal.json("snapshots")["snapshots"][-1]["suspicious"] == "suspicious"
    stored = b"".join(p.read_bytes() for p in (office.store / "evidence").rglob("*.json"))
    assert b"reinstalled" not in stored
    terminal("evidence", "verify")
    terminal("check")


def test_an_attack_that_goes_on_keeps_its_last_clean_snapshot_and_all_before_it(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    ransomware(office)
    terminal("backup", "files", code=11)
    terminal.tomorrow()
    ransomware(office, share=0.4)
    assert terminal.json("backup", "files", code=11)["runs"][0]["outcome"]["last_clean"] == 3
    [source] = terminal.json("anomaly", "show", code=11)["sources"]
    assert (source["last_clean"], source["tainted"]) == (3, [4, 5])
    for seq in ("1", "2", "3", "4"):
        asked = ["forget", "files", seq, "--reason", "expired", "--yes"]
        assert terminal.json(*asked, code=11)["error"]["code"] == "M380"
    swept = terminal.json("sweep", "--yes")
    assert (swept["condemn"], swept["deleted"]) == ([], [])
    matter = matter_of(office)
    asked = ["restore", "--matter", matter, "--to", tmp_path / "clean", "--as-of", "last-clean"]
    [choice] = terminal.json(*asked, "--yes")["plan"]["choices"]
    assert choice["seq"] == 3


def test_a_normal_day_is_not_flagged_and_nothing_suspicious_is_said(
    office: Office, terminal: Terminal
) -> None:
    (office.share / "note.txt").write_bytes(b"a day's work " * 50)
    terminal("backup", "files")
    assert "nothing suspicious" in terminal("anomaly", "show", "files").out
    terminal("anomaly", "show", "elsewhere", code=9)


def test_a_guard_that_is_off_says_why_and_doctor_shows_it(
    office: Office, terminal: Terminal
) -> None:
    path = office.firm / "firm.yaml"
    text = path.read_text()
    off = "    anomaly: {watch: false}\n"
    path.write_text(_with(text, off))
    assert "reason" in terminal("backup", "files", code=3).err
    path.write_text(_with(text, "    anomaly: {watch: false, reason: a store of key containers}\n"))
    ransomware(office)
    terminal("backup", "files")
    assert "a store of key containers" in terminal("doctor").out.replace("\n", " ")


def _with(text: str, option: str) -> str:
    if "\nsources:\n" in text:
        return text.replace("\nsources:\n  files:\n", f"\nsources:\n  files:\n{option}", 1)
    return text + f"\nsources:\n  files:\n{option}"
