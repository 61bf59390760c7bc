"""What lies on a share comes back: content, streams, permissions, attributes, times, names; into a folder and onto a share."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from muniment.sources.smb.packets import HIDDEN, READONLY
from tests.support.smb_client import Windows
from tests.support.smb_firm import SmbFirm
from tests.support.smb_share import Share

LETTER = "Matters/2024-0113 Estate of Harbor/Letter.docx"


@pytest.fixture
def windows(share: Share) -> Windows:
    return Windows(share, share.name)


@pytest.fixture
def firm(tmp_path: Path, share: Share) -> SmbFirm:
    return SmbFirm(tmp_path, share)


def test_a_share_comes_back_onto_the_share_with_streams_and_permissions(
    firm: SmbFirm, windows: Windows, tmp_path: Path
) -> None:
    windows.save(LETTER, b"Dear Sir")
    windows.save(LETTER + ":Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n")
    windows.save("Matters/2024-0113 Estate of Harbor/Scan.pdf", b"%PDF " * 400_000)
    windows.allow("Matters", 1235, flags=3)
    windows.allow(LETTER, 1234)
    windows.mark(LETTER, READONLY | HIDDEN)

    outcome = firm.night()
    assert outcome.completeness == "complete", firm.problems()
    rows = firm.rows()
    assert rows[LETTER].metadata["streams"] == ["Zone.Identifier"]
    assert rows[LETTER].matter == rows[LETTER + ":Zone.Identifier"].matter != ""

    back = f"{windows.folder} restored"
    report = firm.give_back(back)
    assert report.whole and not report.differences
    assert report.verified == report.items == len(rows)

    restored = Windows(windows.share, back)
    for path in (LETTER, "Matters", "Matters/2024-0113 Estate of Harbor/Scan.pdf"):
        assert restored.descriptor(path) == windows.descriptor(path), path
        assert restored.look(path) == windows.look(path)
    for path in (LETTER, "Matters/2024-0113 Estate of Harbor/Scan.pdf"):
        assert restored.content(path) == windows.content(path)
    assert restored.look(LETTER).attributes & 3 == READONLY | HIDDEN
    assert (1234).to_bytes(4, "little") in restored.descriptor(LETTER)
    assert restored.streams(LETTER) == windows.streams(LETTER) == {"Zone.Identifier": 26}
    assert restored.content(LETTER + ":Zone.Identifier") == b"[ZoneTransfer]\r\nZoneId=3\r\n"
    assert not [name for name in restored.names() if "muniment" in name]


def test_in_a_folder_streams_stand_beside_their_file_and_permissions_in_a_list(
    firm: SmbFirm, windows: Windows, tmp_path: Path
) -> None:
    windows.save(LETTER, b"Dear Sir")
    windows.save(LETTER + ":Zone.Identifier", b"ZoneId=3")
    firm.night()
    _, report = firm.restore(tmp_path / "back")
    assert report.whole and report.differences["windows permissions"] > 0
    assert report.differences["stream"] == 1
    root = tmp_path / "back/files"
    assert (root / LETTER).read_bytes() == b"Dear Sir"
    assert (root / f"{LETTER}:Zone.Identifier").read_bytes() == b"ZoneId=3"
    lines = [json.loads(line) for line in (root / "_windows-permissions.jsonl").read_text().splitlines()]  # fmt: skip
    told = {line["path"]: line for line in lines}
    assert told[LETTER]["owner"].startswith("S-1-") and told[LETTER]["descriptor"]
    assert told[LETTER]["streams"] == ["Zone.Identifier"]


def test_what_may_not_be_set_is_said_and_the_rest_comes(firm: SmbFirm, windows: Windows) -> None:
    """The file belongs to somebody else, and only an administrator may say so of another file."""
    windows.share.write(LETTER, b"Dear Sir")
    firm.night()
    report = firm.give_back(f"{windows.folder} restored")
    assert report.whole and report.differences["owner"] > 0
    found = windows.share.server.root / f"{windows.folder} restored" / LETTER
    assert found.read_bytes() == b"Dear Sir"


def test_a_folder_that_is_there_is_not_restored_into(firm: SmbFirm, windows: Windows) -> None:
    from muniment.errors import TargetNotEmpty

    windows.share.write(LETTER, b"Dear Sir")
    firm.night()
    (windows.share.server.root / f"{windows.folder} restored").mkdir()
    with pytest.raises(TargetNotEmpty):
        firm.give_back(f"{windows.folder} restored")


def test_odd_names_and_deep_folders_come_back(
    firm: SmbFirm, windows: Windows, tmp_path: Path
) -> None:
    names = [
        "Akten/Müller & Söhne.docx", "Akten/日本語.txt", "Akten/ leading", "Akten/a#b%20c.txt", "Akten/-rf",
        "Akten/😀.txt", "Akten/e\u0301.txt", "Akten/\u00e9.txt", "Akten/" + "x" * 240, "Akten/.hidden", "Akten/%2E%2E",
        "/".join(["a" * 100] * 30) + "/deep.txt",
    ]  # fmt: skip
    for name in names:
        windows.share.write(name, name.encode())
    assert firm.night().completeness == "complete", firm.problems()
    assert {*names} <= {*firm.rows()}
    _, report = firm.restore(tmp_path / "back")
    assert report.whole
    for name in names:
        with open(os.fsencode(tmp_path / "back/files" / name), "rb") as file:
            assert file.read() == name.encode()
    assert firm.give_back(f"{windows.folder} restored").whole


def test_a_name_that_samba_shortens_comes_back_by_the_name_it_shows(
    firm: SmbFirm, windows: Windows
) -> None:
    windows.share.write("Akten/a:b?.txt", b"odd")
    windows.share.write("Akten/CON.txt", b"a device to Windows")
    windows.share.write(b"Akten/\xff\xfe.txt", b"no UTF-8")
    firm.night()
    rows = firm.rows()
    shown = [path for path in {**rows, **firm.problems()} if path.startswith("Akten/")]
    assert len(shown) == 2 and all("~" in path for path in shown), "what is no UTF-8 Samba hides"
    assert not [path for path in rows if ":" in path]
