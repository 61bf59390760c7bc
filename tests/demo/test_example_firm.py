"""The example firm is what it says: repeatable, and true to its truth, also after days of work."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo import firm
from demo.firm import oddities


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, firm.Truth]:
    """The small firm, which no test of this module changes."""
    root = tmp_path_factory.mktemp("firm") / "share"
    return root, firm.small(root, seed=7)


def only(root: Path, truth: firm.Truth, kind: str) -> Path:
    """The one file of this format."""
    (path,) = (path for path, entry in truth.files() if entry.format == kind)
    return root / _path(path)


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


# -- the same again ------------------------------------------------------------------------------


def test_the_same_seed_writes_the_same_share_to_the_byte_and_the_nanosecond(
    share: tuple[Path, firm.Truth], tmp_path: Path
) -> None:
    _, first = share
    second = firm.small(tmp_path / "again", seed=7)
    assert second.digest() == first.digest()
    assert first.compare(tmp_path / "again").identical


def test_another_seed_writes_another_firm(share: tuple[Path, firm.Truth], tmp_path: Path) -> None:
    other = firm.small(tmp_path / "other", seed=8)
    assert other.digest() != share[1].digest()
    assert other.matters != share[1].matters


def test_the_same_day_of_work_changes_the_share_in_the_same_way(tmp_path: Path) -> None:
    ends = []
    for name in ("one", "two"):
        truth = firm.small(tmp_path / name)
        ends.append(firm.work_a_day(tmp_path / name, seed=3, truth=truth))
    assert ends[0][0].digest() == ends[1][0].digest()
    assert ends[0][1] == ends[1][1]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        firm.small(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


# -- the truth -----------------------------------------------------------------------------------


def test_the_truth_is_what_lies_on_the_disk(share: tuple[Path, firm.Truth]) -> None:
    root, truth = share
    found = truth.compare(root)
    assert found.identical, (found.missing, found.changed, found.extra)
    assert found.same == len(truth.entries)


def test_a_saved_truth_comes_back_the_same(share: tuple[Path, firm.Truth], tmp_path: Path) -> None:
    share[1].save(tmp_path / "truth.json")
    assert firm.Truth.load(tmp_path / "truth.json") == share[1]


def test_the_comparison_sees_each_kind_of_difference(tmp_path: Path) -> None:
    root = tmp_path / "share"
    truth = firm.small(root)
    files = [path for path, entry in sorted(truth.files()) if entry.format == "docx"]
    content, time, mode, gone = (root / _path(path) for path in files[:4])
    kept = content.stat()
    raw = bytearray(content.read_bytes())
    raw[100] ^= 1
    content.write_bytes(raw)
    _set_time(content, kept.st_mtime_ns)
    _set_time(time, 0)
    mode.chmod(0o600)
    folder = gone.parent.stat()
    gone.unlink()
    _set_time(gone.parent, folder.st_mtime_ns)
    link = next(path for path, entry in truth.entries.items() if entry.kind == "symlink")
    (root / _path(link)).unlink()
    (root / _path(link)).symlink_to("elsewhere")
    (root / "new.txt").write_text("new")
    found = truth.compare(root)
    assert found.missing == (files[3],)
    assert found.extra == (b"new.txt",)
    expected = {files[0]: "content", files[1]: "time", files[2]: "mode", link: "target"}
    assert {path: why for path, why in found.changed.items() if path in expected} == expected


def _set_time(path: Path, mtime_ns: int) -> None:
    os.utime(path, ns=(mtime_ns, mtime_ns))


def test_one_matter_can_be_compared_alone(share: tuple[Path, firm.Truth]) -> None:
    root, truth = share
    matter = truth.of_matter(firm.STORY_MATTER)
    found = truth.compare(root, matter)
    assert not found.missing and not found.changed
    assert found.same == len(matter)
    assert set(found.extra) == truth.entries.keys() - matter.keys() - {b"Matters"}


def test_only_what_lies_in_a_matters_folder_belongs_to_a_matter(
    share: tuple[Path, firm.Truth],
) -> None:
    _, truth = share
    numbers = dict(truth.matters)
    assert len(numbers) == 6
    for path, entry in truth.entries.items():
        found = re.match(rb"Matters/(\d{4}-\d{4}) ", path)
        assert entry.matter == (found[1].decode() if found else None), path
    assert {entry.matter for entry in truth.entries.values()} == {*numbers, None}


# -- what a real share has -----------------------------------------------------------------------


def test_the_share_has_the_names_and_shapes_that_programs_lose(
    share: tuple[Path, firm.Truth],
) -> None:
    _, truth = share
    stick = b"/" + oddities.STICK + b"/"
    names = {path.partition(stick)[2] for path in [*truth.entries, *truth.refused] if stick in path}
    text = "Café receipts (composed).txt"
    assert {unicodedata.normalize(form, text).encode() for form in ("NFC", "NFD")} <= names
    assert {b"con.txt", b"trailing dots...", b"  leading spaces.txt", b"two\nlines.txt"} <= names
    assert {b"O'Rourke's list.txt", b'"double" quotes.txt', b"\xff\xfe broken.txt"} <= names
    assert any(len(name) > 200 and b"/" not in name for name in names)
    assert max(path.count(b"/") for path in truth.entries) > 24
    folders = {path for path, entry in truth.entries.items() if entry.kind == "directory"}
    assert folders - {path.rpartition(b"/")[0] for path in truth.entries}, "no empty folder"
    assert [path for path, entry in truth.files() if entry.size == 0], "no empty file"
    assert not all(unicodedata.is_normalized("NFC", _path(path)) for path in folders)


def test_there_are_links_inwards_outwards_dangling_and_hard(
    share: tuple[Path, firm.Truth],
) -> None:
    root, truth = share
    targets = [entry.target for entry in truth.entries.values() if entry.kind == "symlink"]
    assert any(target.startswith(b"/") for target in targets)
    links = [root / _path(p) for p, entry in truth.entries.items() if entry.kind == "symlink"]
    assert {link.exists() for link in links} == {True, False}
    linked = [(path, entry) for path, entry in truth.files() if entry.same_as]
    assert len(linked) == oddities.HARD_LINKS
    for path, entry in linked:
        assert (root / _path(path)).samefile(root / _path(entry.same_as))
        assert entry.sha256 == truth.entries[entry.same_as].sha256


def test_times_are_spread_over_years_and_end_on_the_last_day(
    share: tuple[Path, firm.Truth],
) -> None:
    _, truth = share
    days = [datetime.fromtimestamp(e.mtime_ns // 10**9, UTC).date() for _, e in truth.files()]
    assert len({day.year for day in days}) > 5
    assert max(days) == truth.as_of == firm.LAST_DAY


def test_the_firm_grows_with_the_scale_and_a_tenth_of_it_are_duplicates(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    truth = firm.write(tmp_path / "share", scale=0.1, progress=lambda *step: seen.append(step))
    formats = truth.formats()
    assert sum(count for count, _ in formats.values()) == 300 + len((".mbox", ".sql"))
    assert formats["mbox"][1] == pytest.approx(15_000_000, rel=0.1)
    assert formats["sql"][1] == pytest.approx(4_000_000, rel=0.1)
    contents = Counter(e.sha256 for _, e in truth.files() if e.size and not e.same_as)
    assert 0.04 < (contents.total() - len(contents)) / contents.total() < 0.16
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages == ["documents", "mailbox", "database dump"]
    assert all(0 <= done <= total for _, done, total in seen)


# -- a day of work -------------------------------------------------------------------------------


def test_after_each_day_of_work_the_truth_is_what_lies_on_the_disk(tmp_path: Path) -> None:
    truth = firm.small(tmp_path / "share")
    weekdays = []
    for seed in range(4):
        truth, day = firm.work_a_day(tmp_path / "share", seed=seed, truth=truth)
        found = truth.compare(tmp_path / "share")
        assert found.identical, (found.missing, found.changed, found.extra)
        assert day.edited and day.added and day.deleted and day.renamed
        assert day.mails_appended and day.dump_rows_added
        weekdays.append(day.day.strftime("%a"))
    assert weekdays == ["Mon", "Tue", "Wed", "Thu"]


def test_a_day_of_work_does_what_its_summary_says(tmp_path: Path) -> None:
    root = tmp_path / "share"
    before = firm.small(root)
    box, dump = only(root, before, "mbox"), only(root, before, "sql")
    old_box, old_dump, inode = box.read_bytes(), dump.read_bytes(), box.stat().st_ino
    after, day = firm.work_a_day(root, seed=7, truth=before)

    files = [sum(1 for _ in truth.files()) for truth in (before, after)]
    assert files[1] - files[0] == day.added - day.deleted
    kept = before.entries.keys() & after.entries.keys()
    assert sum(before.entries[p].sha256 != after.entries[p].sha256 for p in kept) > 2
    assert sum(b"/Archived " in path for path, _ in after.files()) == day.moved
    renamed = after.of_matter(day.renamed_matter)
    assert not renamed.keys() & before.entries.keys()
    assert sum(entry.kind == "file" for entry in renamed.values()) == day.renamed
    assert dict(before.matters).keys() == dict(after.matters).keys()
    assert dict(before.matters)[day.renamed_matter] != dict(after.matters)[day.renamed_matter]

    new_box = box.read_bytes()
    assert box.stat().st_ino == inode, "the mailbox is used in place"
    flags = sum(a != b for a, b in zip(old_box, new_box, strict=False))
    assert flags == day.mails_read
    assert new_box[len(old_box) :].count(b"\nX-Mozilla-Status:") == day.mails_appended

    old_rows = set(old_dump.splitlines())
    new_rows = set(dump.read_bytes().splitlines())
    assert len(new_rows - old_rows) == day.dump_rows_added + day.dump_rows_changed + len(["date"])


def test_the_storys_matter_loses_a_folder_on_the_first_day(tmp_path: Path) -> None:
    root = tmp_path / "share"
    before = firm.small(root)
    after, _ = firm.work_a_day(root, seed=7, truth=before)
    story = before.of_matter(firm.STORY_MATTER)
    lost = {path for path in story if b"/" + firm.LOST_FOLDER in path}
    assert lost and not lost & after.entries.keys()
    assert [path for path, entry in story.items() if after.entries.get(path, entry) != entry]
