"""What was done to a share since the last night is found, and what was not is not read again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from muniment.sources.smb import asking
from muniment.sources.smb.packets import HIDDEN
from muniment.sources.smb.wire import Wire
from tests.support.smb_client import Windows
from tests.support.smb_firm import SmbFirm
from tests.support.smb_share import Share

LETTER, MEMO = "Matters/2024-0113 Estate/Letter.docx", "Matters/2024-0113 Estate/Memo.docx"


@pytest.fixture
def windows(share: Share) -> Windows:
    return Windows(share, share.name)


@pytest.fixture
def firm(tmp_path: Path, share: Share, windows: Windows) -> SmbFirm:
    """Two nights: what was fresh in the first is settled in the second."""
    windows.save(LETTER, b"Dear Sir")
    windows.save(LETTER + ":Zone.Identifier", b"ZoneId=3")
    windows.save(MEMO, b"A memo")
    firm = SmbFirm(tmp_path, share)
    firm.night()
    return firm


def taken(firm: SmbFirm) -> int:
    """How many items the next night takes."""
    outcome = firm.night()
    assert outcome.completeness == "complete", firm.problems()
    counts = outcome.counts
    return counts["added"] + counts["changed"] + counts["renamed"]


def test_a_night_in_which_nothing_happened_reads_nothing(firm: SmbFirm) -> None:
    assert taken(firm) == 0


def test_a_changed_file_is_read_and_no_other(firm: SmbFirm, windows: Windows) -> None:
    windows.save(MEMO, b"Another memo")
    assert taken(firm) == 1
    windows.save(LETTER, b"Dear Madam")
    assert taken(firm) == 1
    # Whoever overwrites a file takes its streams away.
    assert LETTER + ":Zone.Identifier" not in firm.rows()


def test_permissions_attributes_and_streams_alone_are_a_change(
    firm: SmbFirm, windows: Windows
) -> None:
    """Samba moves no time that a listing shows for any of these."""
    windows.allow(MEMO, 4711)
    assert taken(firm) == 1
    windows.mark(MEMO, HIDDEN)
    assert taken(firm) == 1
    windows.save(MEMO + ":Notes", b"a stream")
    assert taken(firm) == 2
    assert set(firm.rows()) >= {MEMO + ":Notes", LETTER + ":Zone.Identifier"}
    windows.allow("Matters", 4712)
    assert taken(firm) == 1


def test_content_that_kept_its_size_and_got_its_old_time_back_is_found_by_its_id(
    firm: SmbFirm, windows: Windows, share: Share
) -> None:
    """A program that saves by replacing makes another file."""
    old = share.root / MEMO
    before = old.stat()
    new = share.root / "new"
    new.write_bytes(b"B memo")
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.rename(new, old)
    firm.night()
    _, _ = firm.restore(firm.folder / "back")
    assert (firm.folder / "back/files" / MEMO).read_bytes() == b"B memo"


def test_a_stream_or_file_that_is_gone_is_gone_from_the_next_snapshot(
    firm: SmbFirm, share: Share
) -> None:
    os.removexattr(share.root / LETTER, "user.DosStream.Zone.Identifier:$DATA")
    (share.root / MEMO).unlink()
    firm.night()
    assert LETTER in firm.rows() and not {LETTER + ":Zone.Identifier", MEMO} & set(firm.rows())


def test_a_folder_that_is_renamed_is_not_read_again(firm: SmbFirm, share: Share) -> None:
    (share.root / "Matters").rename(share.root / "Closed")
    outcome = firm.night()
    assert outcome.counts["read_bytes"] == 0


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of which files were asked for streams and permissions, as the listings go on."""
    asked: list[str] = []
    whole = asking.list_details

    def noted(wire: Wire, paths: list[bytes], *args: Any, **more: Any) -> Any:
        asked.extend(path.decode("utf-16-le").rpartition("\\")[2] for path in paths)
        return whole(wire, paths, *args, **more)

    monkeypatch.setattr(asking, "list_details", noted)
    return asked


def test_a_first_night_asks_nothing_and_takes_streams_when_it_opens_their_files(
    share: Share, windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows.save(LETTER, b"Dear Sir")
    windows.save(LETTER + ":Zone.Identifier", b"ZoneId=3")
    windows.save("Matters/2024-0113 Estate:Folder", b"of a folder")
    asked = counted(monkeypatch)
    firm = SmbFirm(tmp_path, share)
    outcome = firm.night()
    assert (outcome.completeness, asked) == ("complete", [])
    rows = firm.rows()
    assert {LETTER + ":Zone.Identifier", "Matters/2024-0113 Estate:Folder"} <= {*rows}
    assert rows[LETTER].matter == rows[LETTER + ":Zone.Identifier"].matter
    assert outcome.counts["items"] == len(rows) == outcome.counts["added"]
    assert outcome.counts["source_bytes"] == sum(row.size for row in rows.values())
    # What the second night lists is what the first one took.
    assert taken(firm) == 0 and "Letter.docx" in asked


@pytest.fixture
def in_turn(tmp_path: Path, share: Share, windows: Windows) -> SmbFirm:
    for number in range(9):
        windows.save(f"Matters/Brief {number}.docx", b"a brief")
    firm = SmbFirm(tmp_path, share, closely_every=3)
    firm.night()
    return firm


def test_in_turn_each_file_is_asked_once_within_the_runs_that_firm_yaml_says(
    in_turn: SmbFirm, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(monkeypatch)
    nights = []
    for _ in range(3):
        assert taken(in_turn) == 0
        nights.append({*asked})
        asked.clear()
    assert sum(map(len, nights)) == 9 and all(len(night) < 9 for night in nights)
    # One of the last part: its permissions are changed, which no listing shows.
    name = min(nights[2])
    windows.allow(f"Matters/{name}", 4711)
    assert [taken(in_turn) for _ in range(3)] == [0, 0, 1]
    # And what a listing shows is taken at once, whoever's turn it is.
    windows.save(f"Matters/{name}", b"another brief")
    assert taken(in_turn) == 1


def test_where_a_folder_got_other_permissions_its_files_are_asked_at_once(
    in_turn: SmbFirm, windows: Windows
) -> None:
    # As a Windows computer hands them down: it sets them on each file itself.
    for path in ("Matters", *(f"Matters/Brief {number}.docx" for number in range(9))):
        windows.allow(path, 4711)
    assert taken(in_turn) == 10


def test_after_a_run_that_left_a_gap_each_file_is_asked(
    in_turn: SmbFirm, windows: Windows, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = share.write("Matters/Closed.docx", b"closed")
    closed.chmod(0)
    assert in_turn.night().completeness == "incomplete"
    closed.chmod(0o644)
    asked = counted(monkeypatch)
    in_turn.night()
    assert len(asked) == 10


def test_on_a_server_with_times_of_change_only_files_with_streams_are_asked_for_them(
    share: Share, windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: what a listing shows is believed."""
    windows.save(LETTER, b"Dear Sir")
    windows.save(LETTER + ":Zone.Identifier", b"ZoneId=3")
    windows.save(MEMO, b"A memo")
    firm = SmbFirm(tmp_path, share, closely=False)
    firm.night()
    asked = counted(monkeypatch)
    assert taken(firm) == 0
    assert asked == ["Letter.docx"]
    assert LETTER + ":Zone.Identifier" in firm.rows()


def test_a_folder_of_more_names_than_two_answers_hold_is_listed_once_and_whole(
    share: Share,
) -> None:
    names = {f"{number:04} {'long name ' * 6}.txt" for number in range(1500)}
    for name in names:
        share.write(f"Scans/{name}", b"")
    source = share.source(streams=False, closely=False)
    found = [each.native_id.decode() for each in source.scan()]
    assert len(found) == len(names) + 2
    assert {*found} == {".", "Scans", *(f"Scans/{name}" for name in names)}
