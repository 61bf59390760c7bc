"""Which files are one set, and what a set lacks, by the names that each product gives them."""

from __future__ import annotations

import pytest

from muniment.config.vendor_backup import SetPart
from muniment.model.item import Fingerprint
from muniment.sources.causes import LOCKED, SET_INCOMPLETE
from muniment.sources.vendor_backups.lists import named_in
from muniment.sources.vendor_backups.products import Rules, own, preset
from muniment.sources.vendor_backups.sets import Sets

HOUR = 3600 * 10**9

VEEAM = {
    "Daily/ServersD2026-03-01T220000_1A2B.vbk": 100,
    "Daily/ServersD2026-03-02T220000_3C4D.vib": 5,
    "Daily/Servers.vbm": 1,
}
ACRONIS = {"SRV1.tibx": 12, "SRV1-0001.tibx": 80, "SRV2.tibx": 70}
QUICKBOOKS = {
    "Firm LLC (Backup Mar 01,2026  01 00 AM).QBB": 9,
    "Firm LLC (Backup Mar 02,2026  01 00 AM).QBB": 9,
    "SBU_0_Other Mar 02,2026  01 00 AM.QBB": 9,
    "SBU_1_Other.qbb": 9,
}
TABS3 = {"STBACK.ARQ": 9, "STBACK.BAK": 8, "gls/G001BACK.ARQ": 7}
HOTBACKUP = {
    "Recent/26030201/HBRESTORE.EXE": 1,
    "Recent/26030201/T3CLIENT.DAT": 5,
    "Archive/26020101/hbrestore.exe": 1,
    "Archive/26020101/T3CLIENT.DAT": 5,
}
PCLAW = {
    "2026-03-02/PCLaw.cf": 1,
    "2026-03-02/Data/DynData/GL.DAT": 5,
    "2026-03-02/Data/StatData/RATES.DAT": 3,
}


def sets(rules: Rules, files: dict[str, int], **times: int) -> Sets:
    prints = {
        path.encode(): Fingerprint(size, times.get(path.rpartition(".")[2], 5) * HOUR)
        for path, size in files.items()
    }
    return Sets.of(rules, prints, {})


@pytest.mark.parametrize(
    ("product", "files", "found"),
    [
        ("veeam", VEEAM, {("Daily", ""): 3}),
        ("acronis", ACRONIS, {("SRV1", ""): 2, ("SRV2", ""): 1}),
        (
            "quickbooks",
            QUICKBOOKS,
            {("Firm LLC", name[:-4]): 1 for name in QUICKBOOKS if "Firm" in name}
            | {("Other", name[:-4]): 1 for name in QUICKBOOKS if "Other" in name},
        ),
        ("tabs3", TABS3, {("STBACK", "ARQ"): 1, ("STBACK", "BAK"): 1, ("gls/G001BACK", "ARQ"): 1}),
        ("tabs3", HOTBACKUP, {("", "Recent/26030201"): 2, ("", "Archive/26020101"): 2}),
        ("pclaw", PCLAW, {("", "2026-03-02/"): 3}),
    ],
)
def test_the_files_of_a_set_are_known_by_their_names(
    product: str, files: dict[str, int], found: dict[tuple[str, str], int]
) -> None:
    seen = sets(preset(product), files)  # type: ignore[arg-type]
    assert {
        (job.decode(), name.decode()): len(each.files) for (job, name), each in seen.found.items()
    } == found
    assert not any(each.flaw() for each in seen.found.values())
    assert not list(seen.loose())


@pytest.mark.parametrize(
    ("product", "files", "without"),
    [
        ("veeam", VEEAM, "Daily/Servers.vbm"),
        ("veeam", VEEAM, "Daily/ServersD2026-03-01T220000_1A2B.vbk"),
        ("acronis", ACRONIS, "SRV1.tibx"),
        ("tabs3", HOTBACKUP, "Recent/26030201/HBRESTORE.EXE"),
        ("pclaw", PCLAW, "2026-03-02/PCLaw.cf"),
        ("pclaw", PCLAW, "2026-03-02/Data/StatData/RATES.DAT"),
    ],
)
@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_set_that_lacks_a_part_or_has_an_empty_one_is_not_whole(
    product: str, files: dict[str, int], without: str, how: str
) -> None:
    left = {k: v for k, v in files.items() if k != without} | (
        {without: 0} if how == "empty" else {}
    )
    flaws = [each.flaw() for each in sets(preset(product), left).found.values()]  # type: ignore[arg-type]
    assert flaws.count(SET_INCOMPLETE) == 1


def test_metadata_that_are_older_than_what_they_describe_are_those_of_an_earlier_backup() -> None:
    assert not any(s.flaw() for s in sets(preset("veeam"), VEEAM, vib=6, vbm=6).found.values())
    (late,) = sets(preset("veeam"), VEEAM, vib=30, vbm=6).found.values()
    assert late.flaw() == SET_INCOMPLETE


def test_a_file_that_cannot_be_looked_at_says_why_its_set_is_not_taken() -> None:
    seen = Sets.of(preset("quickbooks"), {}, {b"Firm.qbb": LOCKED})
    assert [each.flaw() for each in seen.found.values()] == [LOCKED]


def test_of_each_machine_the_newest_full_backup_is_weighed() -> None:
    files = {
        "J/DCD2026-02-22T220000_1.vbk": 40, "J/DCD2026-03-01T220000_2.vbk": 44,
        "J/FSD2026-03-01T230000_3.vbk": 500, "J/J.vbm": 1, "J/FSD2026-03-02T220000_4.vib": 9,
    }  # fmt: skip
    prints = {p.encode(): Fingerprint(size, n * HOUR) for n, (p, size) in enumerate(files.items())}
    (found,) = Sets.of(preset("veeam"), prints, {}).found.values()
    assert found.weight == 44 + 500


def test_what_shows_that_a_set_is_being_written_marks_that_set_alone() -> None:
    files = {"Firm (Backup Mar 02,2026  01 00 AM).QBB": 5, "Other.qbb": 5, "Other.qbb.tmp": 1}
    seen = sets(preset("quickbooks"), files)
    assert {k[0]: s.unfinished for k, s in seen.found.items()} == {b"Firm": False, b"Other": True}
    chain = sets(preset("veeam"), {**VEEAM, "Daily/session.lck": 0, "Weekly/W.vbk": 5})
    assert {k[0]: s.unfinished for k, s in chain.found.items()} == {
        b"Daily": True,
        b"Weekly": False,
    }


OWN = (
    SetPart(pattern="{job}/{set}.bak"),
    SetPart(pattern="{job}/{set}.sha256", manifest=True),
    SetPart(pattern="{job}/{set}.log", needed=False),
)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (b"%s  Monday.bak\n%s *extra.dat\n" % (b"0" * 64, b"1" * 64), True),
        (b"SHA256 (monday.BAK) = %s\n" % (b"0" * 64), True),
        (b"# parts\nMonday.bak\r\nextra.dat\r\n", True),
        (b"Monday.bak\nnot-there.dat\n", False),
        (b"../elsewhere/Monday.bak\n", False),
        (b"", False),
    ],
)
def test_a_list_of_parts_says_what_has_to_be_there(text: bytes, whole: bool) -> None:
    prints = {
        b"Books/" + name: Fingerprint(9, HOUR) for name in (b"Monday.bak", b"Monday.sha256", b"extra.dat")
    }  # fmt: skip

    def read(path: bytes) -> frozenset[bytes] | None:
        try:
            return named_in(text, b"Books")
        except ValueError:
            return None

    (found,) = Sets.of(own("other", OWN), prints, {}, read).found.values()
    assert (found.flaw() == "") == whole
