"""The command on a real S3 server, each role with the access key and policy that it has in production."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.firm import Truth, small
from muniment.clock import SystemClock
from tests.cli.conftest import Terminal, init_options
from tests.support.s3_server import FILES_WORKER, S3Place


@pytest.fixture
def truth(
    locked_s3_place: S3Place,
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Truth:
    """A firm with one snapshot in a bucket with Object Lock; the terminal is in the firm."""
    place = locked_s3_place
    embedded = place.server.embedded
    # Locks are the server's: its clock counts.
    terminal.clock = SystemClock()  # type: ignore[assignment]
    monkeypatch.setenv("MUNIMENT_S3_CREDENTIAL", str(embedded.credential_file("operations")))
    truth = small(tmp_path / "share")
    asked = init_options(tmp_path)
    asked[asked.index("--store") + 1] = embedded.url(place.bucket, place.prefix)
    terminal(*asked, "--lock", "1")
    monkeypatch.delenv("MUNIMENT_S3_CREDENTIAL")
    text = (tmp_path / "whitfield" / "firm.yaml").read_text()
    for role, key in (("worker", FILES_WORKER), ("operations", ""), ("retention", "")):
        line = f"    signer: {tmp_path}/keys/{role}.pem\n"
        assert line in text
        credential = embedded.credential_file(key or role)
        text = text.replace(line, f"{line}    store: {credential}\n")
    (tmp_path / "whitfield" / "firm.yaml").write_text(text)
    terminal.always = ("--firm", str(tmp_path / "whitfield"))
    terminal("backup", "files")
    return truth


def test_locks_are_tried_and_found_to_hold(truth: Truth, terminal: Terminal) -> None:
    listed = terminal.json("doctor")["symptoms"]
    assert any("locks ENFORCED" in s["what"] for s in listed if s["state"] == "good")
    assert terminal.json("check")["good"]


def test_what_is_laid_on_top_is_reported_and_never_restored(
    truth: Truth, terminal: Terminal, locked_s3_place: S3Place, tmp_path: Path
) -> None:
    names = [v.name for v in locked_s3_place.store().list("")]
    pack = next(n for n in names if n.startswith("packs/"))
    commit = next(n for n in names if n.startswith("commits/"))
    rows = next(n for n in names if n.startswith("snapshots/"))
    locked_s3_place.put_on_top(pack, b"rubbish")
    locked_s3_place.put_on_top(commit, b"rubbish")
    locked_s3_place.leave_delete_marker(rows)
    locked_s3_place.leave_delete_marker(pack)

    report = terminal.json("check", "--read-back", "all", code=6)

    found = {(f["code"], f["object"]) for f in report["findings"]}
    assert {("T201", pack), ("T202", pack), ("T202", commit), ("T201", rows)} <= found
    assert all(f["severity"] == "tampering" for f in report["findings"])
    terminal("restore", "--source", "files", "--to", tmp_path / "back", "--yes")
    assert truth.compare(tmp_path / "back" / "files").identical


def test_a_lost_machine_comes_back_with_the_escrow_and_the_address(
    truth: Truth, terminal: Terminal, locked_s3_place: S3Place, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from muniment.config.load import load_firm

    embedded = locked_s3_place.server.embedded
    pin = load_firm(tmp_path / "whitfield").firm.pinned()
    word = tmp_path / "word"
    word.write_text("first-word")
    word.chmod(0o600)
    terminal.always = ()
    monkeypatch.setenv("MUNIMENT_S3_CREDENTIAL", str(embedded.credential_file("operations")))

    terminal(
        "--store", embedded.url(locked_s3_place.bucket, locked_s3_place.prefix),
        "--vault-id", pin.vault_id, "--root-key", pin.root_public,
        "--identity", tmp_path / "keys" / "escrow-1.age", "--passphrase-file", word,
        "restore", "--source", "files", "--to", tmp_path / "back", "--yes",
    )  # fmt: skip

    assert truth.compare(tmp_path / "back" / "files").identical


def test_retention_deletes_nothing_under_a_lock(truth: Truth, terminal: Terminal) -> None:
    terminal("backup", "files")
    terminal("forget", "files", "1", "--reason", "expired", "--yes")
    assert terminal.json("sweep", "--yes")["deleted"] == []
    terminal("check")


def test_without_an_access_key_the_store_says_so(
    truth: Truth, terminal: Terminal, tmp_path: Path
) -> None:
    path = tmp_path / "whitfield" / "firm.yaml"
    path.write_text(
        "".join(line for line in path.read_text().splitlines(True) if "    store: /" not in line)
    )
    error = terminal.json("snapshots", code=5)["error"]
    assert error["code"].startswith("M4")
    assert "secret" not in str(error).lower()
