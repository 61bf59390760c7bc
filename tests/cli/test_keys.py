"""Changing who may open and sign, through the command."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import PASSPHRASES, Office, Terminal


def test_the_list_needs_no_key(office: Office, terminal: Terminal) -> None:
    listed = terminal.json("keys", "list")

    assert {h["role"] for h in listed["holders"]} == {"escrow", "operations", "worker"}
    assert {s["role"] for s in listed["signers"]} == {"worker", "operations", "retention"}
    assert "escrow-1" in terminal("keys", "list").out


def test_a_rolled_epoch_seals_what_comes_after(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    rolled = terminal.json("keys", "roll", "recovery_points", *office.root_options())
    assert rolled["key_id"] == "recovery-00000002"
    (office.share / "after.txt").write_text("after the roll")
    terminal("backup", "files", "--accept-mass-deletion")

    terminal("check", "--read-back", "all")
    terminal("verify", "all")
    terminal("restore", "--source", "files", "--to", tmp_path / "back", "--yes")
    assert (tmp_path / "back" / "files" / "after.txt").read_text() == "after the roll"


def test_a_replaced_worker_backs_up_and_the_old_one_does_not(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    identity = office.keys / "worker.age-identity"
    old = tmp_path / "old-worker"
    shutil.move(identity, old)

    done = terminal.json(
        "keys", "replace-holder", "worker-1", "--new-identity", identity, *office.root_options()
    )
    assert (done["ended"], done["began"]) == ("worker-1", "worker-2")
    terminal("doctor")
    # The state is still sealed to the worker that was.
    error = terminal.json("backup", "files", code=3)["runs"][0]["error"]
    assert error["code"] == "M311"
    terminal("rebuild-state", "files")
    terminal("backup", "files", "--accept-mass-deletion")

    shutil.copy(old, identity)
    answer = terminal("doctor", code=3)
    assert "nothing is sealed to this identity" in answer.out


def test_a_new_escrow_opens_what_was_sealed_before_it(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    new = tmp_path / "escrow-3"
    terminal("keys", "replace-holder", "escrow-1", "--new-identity", new, *office.root_options())

    assert new.stat().st_mode & 0o777 == 0o600
    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes"]
    terminal(*asked, "--identity", new)
    assert office.truths[1].compare(tmp_path / "back" / "files").identical
    assert "escrow-3" in terminal("keys", "list").out


def test_keys_can_be_resealed_again(office: Office, terminal: Terminal) -> None:
    assert terminal.json("keys", "reseal")["resealed"]
    terminal("verify", "all")
    terminal("check")


def test_a_matter_under_its_own_key_is_gone_when_the_key_is_erased(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    _matter_store(office, tmp_path)
    number = office.truths[1].matters[0][0]
    added = terminal.json("keys", "add-matter", number, *office.root_options())
    terminal("backup", "files", "--accept-mass-deletion")
    items = terminal.json("ls", "files", "--matter", number)["items"]
    assert items
    assert any(m["own_key"] for m in terminal.json("matters")["matters"])

    opaque = added["matter"]
    terminal("keys", "erase-matter", opaque, code=10)
    terminal("keys", "erase-matter", opaque, "--confirm", "M-AAAAAAAA", code=10)
    assert terminal.json("keys", "erase-matter", opaque, "--confirm", opaque)["erased"] == 1

    listed = terminal.json("ls", "files")
    assert listed["sealed_away"] == [added["key_id"]]
    # Folders and files of it that the key sealed are gone; an earlier snapshot, from before, is not.
    content = [i for i in listed["items"] if i["matter"] == opaque and i["kind"] == "file"]
    unchanged = {i["id"] for i in terminal.json("ls", "files", "--seq", "2")["items"]}
    assert {i["id"] for i in content} <= unchanged
    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes"]
    assert added["key_id"] in terminal(*asked).err


def test_a_key_without_a_place_for_it_is_refused(office: Office, terminal: Terminal) -> None:
    number = office.truths[1].matters[0][0]
    error = terminal.json("keys", "add-matter", number, *office.root_options(), code=3)["error"]
    assert "matter" in error["what"]


def test_a_revoked_worker_is_not_believed_and_a_new_one_goes_on(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    keyid = _signer(terminal, "worker")
    asked = ["keys", "revoke-signer", keyid, *office.root_options()]
    terminal(*asked, code=2)
    terminal(*asked, "--trust-until", "files/1", code=10)
    told = terminal.json(*asked, "--trust-until", "files/1", "--yes")
    assert told["trusted"] == {"files": 1}

    states = [s["state"] for s in terminal.json("snapshots")["snapshots"]]
    assert states == ["live", "untrusted"]
    report = terminal.json("check", code=6)
    assert "T221" in {f["code"] for f in report["findings"]}
    terminal("backup", "files", "--accept-mass-deletion", code=6)

    key = office.keys / "worker.pem"
    key.unlink()
    terminal("keys", "add-signer", "worker", "--new-key", key, *office.root_options())
    run = terminal.json("backup", "files", "--accept-mass-deletion")["runs"][0]
    assert run["outcome"]["seq"] == 3
    terminal("restore", "--source", "files", "--to", tmp_path / "back", "--yes")
    assert office.truths[1].compare(tmp_path / "back" / "files", times=False).identical


def test_all_or_nothing_of_a_signer_can_be_believed(office: Office, terminal: Terminal) -> None:
    keyid = _signer(terminal, "worker")
    asked = ["keys", "revoke-signer", keyid, "--yes", *office.root_options()]
    assert terminal.json(*asked, "--trust-present")["trusted"] == {"files": 2}
    assert [s["state"] for s in terminal.json("snapshots")["snapshots"]] == ["live", "live"]
    assert "already" in terminal.json(*asked, "--trust-nothing", code=3)["error"]["what"]


def test_a_new_source_needs_its_key_first(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    table = office.firm / "inventory.csv"
    row = next(line for line in table.read_text().splitlines() if line.startswith("files,"))
    second = row.replace("files,", "archive,", 1).replace(str(office.share), str(tmp_path / "old"))
    table.write_text(table.read_text().rstrip("\r\n") + "\r\n" + second + "\r\n")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "will.txt").write_text("to whom it may concern")
    assert "keys add-source archive" in terminal("doctor", code=3).out

    terminal("keys", "add-source", "archive")
    terminal("keys", "add-source", "archive")
    terminal("backup", "archive")

    terminal("restore", "--source", "archive", "--to", tmp_path / "back", "--yes")
    assert (tmp_path / "back" / "archive" / "will.txt").exists()


def test_a_wrong_root_key_signs_nothing(office: Office, terminal: Terminal, tmp_path: Path) -> None:
    other = ["--root", office.keys / "retention.pem"]
    before = terminal.json("keys", "list")["document"]

    error = terminal.json("keys", "roll", "records", *other, code=3)["error"]

    assert error["code"] == "M110" and "root" in error["what"]
    wrong = ["--root", office.keys / "root.pem", "--passphrase-file", office.word_file("escrow-1")]
    error = terminal.json("keys", "roll", "records", *wrong, code=3)["error"]
    assert error["code"] == "M110" and PASSPHRASES["escrow-1"] not in str(error)
    assert terminal.json("keys", "list")["document"] == before


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["roll", "everything"], 2),
        (["replace-holder", "nobody", "--recipient", "age1abc"], 3),
        (["replace-holder", "escrow-1"], 2),
        (["replace-holder", "escrow-1", "--recipient", "age1abc"], 3),
        (["add-signer", "worker"], 2),
        (["add-signer", "king", "--public", "00"], 2),
        (["add-signer", "worker", "--public", "00"], 2),
        (["revoke-signer", "0" * 32, "--trust-nothing", "--yes"], 3),
        (["add-matter", " "], 9),
    ],
)
def test_bad_questions_change_nothing(
    office: Office, terminal: Terminal, asked: list[str], code: int
) -> None:
    terminal.json("keys", *asked, *office.root_options(), code=code)
    assert terminal.json("keys", "list")["document"] == 1


def test_a_new_key_file_never_replaces_one(office: Office, terminal: Terminal) -> None:
    key = office.keys / "worker.pem"
    before = key.read_bytes()

    asked = ["keys", "add-signer", "worker", "--new-key", key, *office.root_options()]
    assert terminal.json(*asked, code=3)["error"]["code"] == "M110"
    assert key.read_bytes() == before


def test_what_of_a_matter_lies_outside_its_key_is_said_when_it_is_made_asked_for_and_erased(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    _matter_store(office, tmp_path)
    number = office.truths[1].matters[0][0]

    added = terminal.json("keys", "add-matter", number, *office.root_options())
    asked = terminal.json("keys", "where-matter", number)
    erased = terminal.json("keys", "erase-matter", added["matter"], "--confirm", added["matter"])

    assert not added["residue"]["none"]
    assert added["residue"]["earliest"] is None
    assert {r["holds"] for r in asked["remaining"]} == {"bytes", "rows"}
    assert asked["snapshots"] == [["files", 1], ["files", 2]]
    assert erased["residue"]["remaining"] == asked["remaining"]
    said = terminal("keys", "where-matter", number).out
    assert "Erasing the key does not reach them" in said
    assert "there is no date yet" in " ".join(said.split())


def _matter_store(office: Office, tmp_path: Path) -> None:
    (tmp_path / "matter-keys").mkdir()
    path = office.firm / "firm.yaml"
    text, count = re.subn(
        r"(\n    url: [^\n]*)",
        rf"\1\n    matter_keys: file://{tmp_path}/matter-keys",
        path.read_text(),
    )
    assert count == 1
    path.write_text(text)


def _signer(terminal: Terminal, role: str) -> str:
    signers = terminal.json("keys", "list")["signers"]
    return next(str(s["keyid"]) for s in signers if s["role"] == role)
