"""A share of a Windows file server through the command: backed up, given back into a folder and onto a share, and what
`doctor` says of it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Office, Terminal
from tests.support.smb_client import Windows
from tests.support.smb_server import PASSWORD, SHARE, USER, smb_server
from tests.support.smb_share import Share

LETTER = "Matters/2024-0113 Estate of Harbor/Letter.docx"


@pytest.fixture(scope="module")
def share() -> Iterator[Share]:
    with smb_server() as server:
        yield Share(server, "Firm")


@pytest.fixture
def windows(share: Share) -> Windows:
    return Windows(share, share.name)


@pytest.fixture
def firm(office: Office, terminal: Terminal, share: Share, windows: Windows) -> Office:
    """The firm of the other tests, and a file server."""
    if not (share.root / LETTER).exists():
        windows.save(LETTER, b"Dear Sir")
        windows.save(LETTER + ":Zone.Identifier", b"ZoneId=3")
    path = office.firm / "inventory.csv"
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    files = next(row for row in rows if row["source_id"] == "files")
    mine = {
        **files,
        "source_id": "server",
        "system": "SMB",
        "location": rf"\\127.0.0.1\{SHARE}\Firm",
        "notes": "",
    }
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows([files, mine])
    secret = office.folder / "smb-password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    held = yaml.safe_load((office.firm / "firm.yaml").read_text())
    login = {"user": USER, "password": str(secret)}
    held.setdefault("sources", {})["server"] = {
        "smb": {**login, "port": share.server.port, "restore": {**login, "location": rf"\\127.0.0.1\{SHARE}"}}
    }  # fmt: skip
    held["matter_rules"] = [{"source": "server", "pattern": "Matters/{number} {title}/**"}]
    (office.firm / "firm.yaml").write_text(yaml.safe_dump(held))
    terminal("keys", "add-source", "server")
    return office


def test_a_share_is_backed_up_and_given_back_into_a_folder_and_onto_a_share(
    firm: Office, terminal: Terminal, share: Share, windows: Windows, tmp_path: Path
) -> None:
    terminal("backup", "server")
    told = terminal("doctor").out
    assert (
        "file_system NTFS" in told and "encrypted yes" in told and "looked_at_closely yes" in told
    )
    assert "could also write" in told, "the account of these tests may"

    terminal("restore", "--matter", "2024-0113", "--as", "matter-file", "--to", tmp_path / "m", "--yes")  # fmt: skip
    assert (tmp_path / "m/index.html").exists()
    assert list((tmp_path / "m").rglob("_windows-permissions.jsonl"))
    given = terminal("restore", "--source", "server", "--to", tmp_path / "b", "--yes")
    answer = given.out + given.err
    assert "WHOLE" in answer and "windows permissions could not be kept here" in answer
    assert (tmp_path / "b/server" / LETTER).read_bytes() == b"Dear Sir"
    assert (tmp_path / "b/server/_windows-permissions.jsonl").exists()

    answer = terminal("restore", "--matter", "2024-0113", "--from", "server", "--to-share", "Given back", "--yes").out  # fmt: skip
    assert "WHOLE" in answer and "could not be kept" not in answer
    back = Windows(share, "Given back")
    assert back.content(LETTER) == b"Dear Sir"
    assert back.content(LETTER + ":Zone.Identifier") == b"ZoneId=3"
    assert back.descriptor(LETTER) == windows.descriptor(LETTER)
    refused = terminal("restore", "--source", "server", "--to-share", "Given back", "--yes", code=9)
    assert "holds" in refused.err


def test_what_does_not_go_with_a_share_is_said(
    firm: Office, terminal: Terminal, tmp_path: Path
) -> None:
    for more in (
        ("--to", tmp_path / "b"),
        ("--seal-to", "office"),
        ("--certificate",),
        ("--overwrite",),
    ):
        terminal("restore", "--source", "server", "--to-share", "x", *more, "--yes", code=2)
    for name in ("a/b", "a\\b", "..", "a:b", " "):
        terminal("restore", "--source", "server", "--to-share", name, "--yes", code=2)
    wrong = terminal("restore", "--source", "files", "--to-share", "x", "--yes", code=3)
    assert "no share of a Windows file server" in wrong.err


def test_who_may_write_back_has_to_be_named(firm: Office, terminal: Terminal) -> None:
    terminal("backup", "server")
    held = yaml.safe_load((firm.firm / "firm.yaml").read_text())
    del held["sources"]["server"]["smb"]["restore"]
    (firm.firm / "firm.yaml").write_text(yaml.safe_dump(held))
    wrong = terminal("restore", "--source", "server", "--to-share", "x", "--yes", code=3)
    assert "nobody is named who may write back" in wrong.err


def test_a_location_that_is_no_share_and_a_missing_password_are_said(
    firm: Office, terminal: Terminal
) -> None:
    held = yaml.safe_load((firm.firm / "firm.yaml").read_text())
    del held["sources"]["server"]["smb"]["password"]
    (firm.firm / "firm.yaml").write_text(yaml.safe_dump(held))
    assert "the password for the file server" in terminal("backup", "server", code=3).err
    path = firm.firm / "inventory.csv"
    path.write_text(path.read_text().replace("\\\\127.0.0.1", "/mnt"))
    assert "is no share of a file server" in terminal("doctor", code=3).out
