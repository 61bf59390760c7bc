"""The guard: what contents and names say, what is judged, and what a suspicion stops."""

from __future__ import annotations

import io
import os
import random
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.backup.guard.contents import Look, Sampled, is_random, look
from muniment.backup.guard.habits import Day, Habits
from muniment.backup.guard.judge import Sign, judge
from muniment.backup.guard.limits import Limits
from muniment.backup.guard.names import extension_of, known_notes, without_suffixes
from muniment.backup.guard.signs import ContentSigns, NameSigns
from muniment.clock import FixedClock
from muniment.errors import SuspicionOpen
from muniment.evidence.events import ANOMALIES, AnomalyCleared, write
from muniment.vault.bases import rebase
from muniment.vault.history import History
from muniment.vault.retention import RetentionOffice, held_names
from muniment.vault.suspicion import Conclusion, last_clean_moment, suspicions
from tests.backup.test_api_backup import Firm
from tests.support.practice import Practice, tree

RNG = random.Random(5)
TEXT = b"On or before Friday, counsel shall file the brief. " * 60


def office(parts: int = 6) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(parts):
            archive.writestr(f"word/part{number}.xml", TEXT + str(number).encode())
    return out.getvalue()


PDF = b"%PDF-1.7\n" + RNG.randbytes(3000) + b"\nstartxref\n9\n%%EOF\n"


def archive(kind: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{kind}") as tar:  # type: ignore[call-overload]
        member = tarfile.TarInfo("a.txt")
        member.size = len(TEXT)
        tar.addfile(member, io.BytesIO(TEXT))
    return out.getvalue()


# -- contents --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "extension"),
    [
        (TEXT, b"txt"),
        (TEXT.decode().encode("utf-16"), b"txt"),
        ("Der Kläger beantragt, die Beklagte zu verurteilen. ".encode("latin-1") * 40, b"txt"),
        ("Истец просит суд обязать ответчика возместить. ".encode() * 40, b"txt"),
        (office(), b"docx"),
        (office(1), b"xlsx"),
        (b"\xd0\xcf\x11\xe0" + RNG.randbytes(2000), b"docx"),  # under a password
        (PDF, b"pdf"),
        (b"junk before it" + PDF, b"pdf"),
        (b"\xff\xd8\xff\xe0" + RNG.randbytes(2000), b"jpg"),
        (b"\x89PNG" + RNG.randbytes(2000), b"jpg"),  # called otherwise than it is
        (b"<html><table>" + TEXT, b"xls"),  # as many programs export it
        (archive("gz"), b"tgz"),
        (archive(""), b"tar"),
        (b"\0\0\0\x20ftypheic" + RNG.randbytes(2000), b"heic"),
        (RNG.randbytes(2000), b"gpg"),  # meant to be
        (RNG.randbytes(200), b"docx"),  # too small to say
        (b"", b"docx"),
    ],
)
def test_what_is_in_good_form_is_let_through(content: bytes, extension: bytes) -> None:
    assert look(content, extension) is Look.FIT


@pytest.mark.parametrize(
    ("content", "extension", "expected"),
    [
        (RNG.randbytes(3000), b"docx", Look.UNFIT),
        (RNG.randbytes(3000), b"pdf", Look.UNFIT),
        (b"bm90IGEgZG9jdW1lbnQ" * 50, b"docx", Look.UNFIT),
        (RNG.randbytes(3000), b"txt", Look.RANDOM),
        (RNG.randbytes(3000), b"locked", Look.RANDOM),
        (TEXT[:1500] + RNG.randbytes(2000) + TEXT[:1500], b"txt", Look.RANDOM),
        (bytes(3000), b"docx", Look.BLANK),
        (bytes(3000), b"txt", Look.BLANK),
        (office()[: len(office()) // 2], b"docx", Look.TORN),
        (office()[:64] + RNG.randbytes(len(office()) - 64), b"docx", Look.TORN),
        (PDF[:1500], b"pdf", Look.TORN),
    ],
)
def test_what_is_in_no_form_is_seen(content: bytes, extension: bytes, expected: Look) -> None:
    assert look(content, extension) is expected


def test_an_archive_whose_entries_are_gone_is_torn_though_its_ends_stand() -> None:
    whole = office()
    second = whole.index(b"PK\x03\x04", 10)
    broken = whole[:second] + RNG.randbytes(4) + whole[second + 4 :]
    assert look(broken, b"docx") is Look.TORN


def test_random_bytes_are_told_from_text_in_any_block_of_a_kilobyte() -> None:
    assert all(is_random(RNG.randbytes(size)) for size in (256, 512, 1024) for _ in range(200))
    assert not any(is_random(TEXT[n : n + 1024]) for n in range(1000))


@pytest.mark.parametrize("place", [0, 7, 30])
def test_of_what_comes_in_pieces_three_places_are_looked_at(place: int) -> None:
    pieces = [TEXT * 20] * 31
    sampled = Sampled()
    for number, piece in enumerate(pieces):
        sampled.add(RNG.randbytes(len(piece)) if number >= place else piece)
    assert sampled.look(b"txt") is Look.RANDOM
    plain = Sampled()
    for piece in pieces:
        plain.add(piece)
    assert plain.look(b"txt") is Look.FIT


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        b"HOW_TO_DECRYPT.txt", b"How To Restore Your Files.txt", b"RECOVER-FILES.txt", b"RESTORE_FILES.txt",
        b"akira_readme.txt", b"cAcTuS.readme.txt", b"README.BlackSuit.txt", b"!!!READ_ME_MEDUSA!!!.txt",
        b"readme_for_unlock.txt", b"UNLOCK_MY_FILES.txt", b"RECOVER-htx6180-DATA.txt", b"R3ADM3.txt",
        b"instructions_read_me.txt", b"Look at this instruction.txt", b"HOW_RETURN_YOUR_DATA.TXT", b"HELP_DECRYPT.html",
        b"_READ_THIS_FILE_HBE8_.hta", b"AAA_READ_AAA.TXT", b"@Please_Read_Me@.txt", b"RECOVERY_DARKBIT.txt",
        b"RESTORE-FILES-Q7ILknn7k.txt", b"RESTORE-FILES-Q7x.txt", b"README_TO_DECRYPT.txt", b"FILES ENCRYPTED.txt", b"CriticalBreachDetected.pdf",
    ],
)  # fmt: skip
def test_names_of_ransom_notes_are_known(name: bytes) -> None:
    assert known_notes().about(b"Matters/2024-0113/" + name, extension_of(name)) == "surely"


@pytest.mark.parametrize(
    "name",
    [
        b"letter.docx", b"Motion to restore.docx", b"Motion to recover costs.pdf", b"recovery plan.pdf",
        b"Instructions to counsel.pdf", b"Data room index.txt", b"files.txt", b"Encrypted mail policy.pdf",
        b"Return of service.pdf", b"back file list.txt", b"Helpful notes.txt", b"how to file an appeal.pdf",
    ],
)  # fmt: skip
def test_names_of_an_office_are_no_ransom_notes(name: bytes) -> None:
    assert known_notes().about(name, extension_of(name)) != "surely"


def test_a_name_loses_its_endings_one_by_one() -> None:
    shorter = list(without_suffixes(b"A/x.docx.id-1.mail@x.cc.eight"))
    assert shorter == [
        b"A/x.docx.id-1.mail@x.cc", b"A/x.docx.id-1.mail@x", b"A/x.docx.id-1", b"A/x.docx",
    ]  # fmt: skip
    assert list(without_suffixes(b"A.b/name")) == []


# -- the judge -------------------------------------------------------------------------------------

LIMITS = Limits()


def signals(
    names: NameSigns, contents: ContentSigns, habits: Habits | None = None, *, first: bool = False
) -> list[str]:
    return [s.signal for s in judge(9, names, contents, habits or Habits(), LIMITS, first=first)]


def test_limits_are_passed_by_number_share_and_habit_together() -> None:
    names = NameSigns(items=1000, changed=60)
    assert signals(names, ContentSigns(looked_changed=60, wrong_changed=20)) == ["overwritten"]
    assert signals(names, ContentSigns(looked_changed=60, wrong_changed=19)) == []
    assert signals(names, ContentSigns(looked_changed=81, wrong_changed=20)) == []
    busy = Habits((Day(seq=1, wrong_changed=7),))
    assert signals(names, ContentSigns(looked_changed=60, wrong_changed=20), busy) == []
    assert signals(names, ContentSigns(looked_changed=60, wrong_changed=21), busy) == [
        "overwritten"
    ]


def test_a_deletion_counts_without_what_was_moved() -> None:
    names = NameSigns(items=800, new=0, gone=200)
    assert signals(names, ContentSigns()) == ["deleted"]
    accepted = NameSigns(items=800, gone=200, accepted=1)
    assert signals(accepted, ContentSigns()) == []
    moved = NameSigns(items=1000, new=200, gone=200)
    assert signals(moved, ContentSigns(moved=200)) == []


def test_the_rate_of_changes_is_held_against_what_is_usual() -> None:
    names, rewritten = NameSigns(items=1000, changed=300), ContentSigns(rewritten=300)
    assert signals(names, rewritten) == []
    usual = Habits(tuple(Day(seq=n, rewritten=20) for n in range(1, 7)))
    assert signals(names, rewritten, usual) == ["changed"]
    busy = Habits(tuple(Day(seq=n, rewritten=100) for n in range(1, 7)))
    assert signals(names, rewritten, busy) == []
    assert signals(names, ContentSigns(rewritten=500)) == ["changed"]


def test_a_first_run_is_judged_by_what_nobody_can_read() -> None:
    names = NameSigns(items=1000, new=1000)
    assert signals(names, ContentSigns(looked_new=900, wrong_new=500), first=True) == ["unreadable"]
    assert signals(names, ContentSigns(looked_new=900, wrong_new=400), first=True) == []


def test_a_slow_attack_is_added_up_and_says_when_it_began() -> None:
    days = tuple(
        Day(seq=n, looked_changed=40, wrong_changed=8 if n > 4 else 0) for n in range(1, 9)
    )
    found = judge(
        9, NameSigns(items=1000, changed=40), ContentSigns(looked_changed=40, wrong_changed=8),
        Habits(days), LIMITS, first=False,
    )  # fmt: skip
    assert found == (Sign("slowly", 40, 360, begins=5),)


def test_what_another_version_remembered_is_no_habit() -> None:
    assert Habits.of({"guard:runs": "[[1,2]]", "guard:extensions": "{}"}).days == (Day(1, 2),)
    assert Habits.of({"guard:runs": "{", "guard:extensions": "[]"}) == Habits()


# -- whole runs ------------------------------------------------------------------------------------


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path, clock=FixedClock(datetime.now(UTC)))
    for number in range(100):
        practice.write(
            f"Matters/2024-{number % 10:04d} X/letter {number}.txt", TEXT + b"%d" % number
        )
    practice.back_up()
    return practice


def encrypt_some(practice: Practice, count: int = 25) -> None:
    for path in sorted(practice.share.rglob("*.txt"))[:count]:
        path.write_bytes(os.urandom(2000))


def history(practice: Practice) -> History:
    return practice.vault("nobody").history("files")


def cleared(practice: Practice, seq: int, conclusion: Conclusion) -> None:
    found = history(practice)
    assert found.head is not None
    event = AnomalyCleared(
        "files", seq, found.at(seq).digest, found.head.seq, conclusion, "partner"
    )
    write(practice.vault("operations"), ANOMALIES, event)


def test_an_attack_is_flagged_in_the_signed_commit_and_names_the_last_clean_snapshot(
    practice: Practice, tmp_path: Path
) -> None:
    before = tree(practice.share)
    clean = practice.back_up()
    encrypt_some(practice)
    outcome = practice.back_up()

    assert (outcome.suspicious, outcome.last_clean, outcome.completeness) == (True, 2, "complete")
    guard = history(practice).at(3).commit.guard
    assert guard is not None and guard.suspicious
    assert [(s.signal, s.count, s.of) for s in guard.signs] == [("overwritten", 25, 25)]
    assert guard.last_clean is not None and guard.last_clean.digest == clean.digest
    # The spoiled bytes are kept too: it may have been meant.
    practice.restore(tmp_path / "newest")
    assert tree(tmp_path / "newest/files") == tree(practice.share)
    moment = last_clean_moment(practice.vault("nobody"))
    practice.restore(tmp_path / "clean", as_of=moment)
    assert tree(tmp_path / "clean/files") == before


def test_a_day_without_change_asks_nothing_and_writes_nothing_for_it(practice: Practice) -> None:
    before = history(practice).at(1).commit.state
    outcome = practice.back_up()
    commit = history(practice).at(2).commit
    assert before.objects and commit.state.objects == ()
    assert commit.guard is None and "guard" not in commit.to_payload()
    assert not outcome.suspicious and outcome.last_clean is None


def test_what_follows_a_suspicious_snapshot_is_not_clean_until_somebody_says_so(
    practice: Practice,
) -> None:
    encrypt_some(practice)
    practice.back_up()
    practice.back_up()
    found = suspicions(practice.vault("nobody"), history(practice))
    assert (set(found.tainted), [r.seq for r in found.open]) == ({2, 3}, [2])
    assert found.last_clean is not None and found.last_clean.seq == 1
    guard = history(practice).at(3).commit.guard
    assert guard is not None and not guard.suspicious and guard.since is not None
    assert guard.since.seq == 2

    cleared(practice, 2, Conclusion.ATTACK)
    practice.back_up()
    found = suspicions(practice.vault("nobody"), history(practice))
    assert (set(found.tainted), found.open) == ({2, 3}, ())
    assert found.last_clean is not None and found.last_clean.seq == 4
    assert history(practice).at(4).commit.guard is None


def test_what_was_meant_is_clean_again(practice: Practice) -> None:
    encrypt_some(practice)
    practice.back_up()
    cleared(practice, 2, Conclusion.EXPECTED)
    found = suspicions(practice.vault("nobody"), history(practice))
    assert (set(found.tainted), found.open) == (set(), ())


def test_a_clearing_of_another_commit_clears_nothing(practice: Practice) -> None:
    encrypt_some(practice)
    practice.back_up()
    event = AnomalyCleared("files", 2, "0" * 64, 2, Conclusion.EXPECTED, "partner")
    write(practice.vault("operations"), ANOMALIES, event)
    assert suspicions(practice.vault("nobody"), history(practice)).open


def test_while_a_suspicion_is_open_nothing_is_forgotten_and_nothing_forgotten_is_deleted(
    practice: Practice, tmp_path: Path
) -> None:
    assert isinstance(practice.clock, FixedClock)
    practice.write("draft.txt", TEXT + b"a draft")
    practice.back_up()
    (practice.share / "draft.txt").unlink()
    practice.back_up()
    office = RetentionOffice(practice.vault("retention"))
    found = history(practice)
    assert found.head is not None
    rebase(practice.vault("operations"), found, found.head, practice.staging)
    two = found.at(2)
    office.forget([(two, "expired"), (found.at(1), "expired")])
    practice.clock.advance(timedelta(days=8))
    assert office.condemn(office.plan_condemn()) is not None
    going = set(practice.vault("nobody").retention().condemned)
    assert any(name.startswith("packs/") for name in going)

    encrypt_some(practice)
    practice.back_up()
    practice.clock.advance(timedelta(days=8))
    office = RetentionOffice(practice.vault("retention"))
    with pytest.raises(SuspicionOpen, match="the last clean one is 3"):
        office.forget([(history(practice).at(3), "expired")])
    assert going <= held_names(practice.vault("retention"), [history(practice)])
    assert office.sweep() == []
    assert set(practice.vault("nobody").retention().condemned) == going
    assert {v.name for v in practice.store.list("packs/")} >= {n for n in going if "packs" in n}

    cleared(practice, 4, Conclusion.ATTACK)
    assert set(office.sweep()) == going
    practice.restore(tmp_path / "back", as_of=last_clean_moment(practice.vault("nobody")))


def test_a_source_whose_guard_is_off_is_not_asked(practice: Practice) -> None:
    encrypt_some(practice)
    assert not practice.back_up(guard=None).suspicious


def test_a_program_whose_files_look_like_nothing_is_a_habit(practice: Practice) -> None:
    for number in range(40):
        practice.write(f"Accounts/{number}.tmx", os.urandom(1500))
    assert not practice.back_up().suspicious
    for number in range(40):
        practice.write(f"Accounts/{number}.tmx", os.urandom(1500))
    assert not practice.back_up().suspicious


def test_the_state_holds_no_extension_by_name(practice: Practice) -> None:
    practice.write("Accounts/1.verysecret", os.urandom(1500))
    practice.back_up()
    vault = practice.vault("worker")
    facts = vault.state(vault.history("files")).facts
    assert len(Habits.of(facts).days) == 2
    assert "verysecret" not in str(facts)


def test_a_large_file_is_looked_at_in_places(practice: Practice) -> None:
    for number in range(20):
        practice.write(f"Dumps/{number}.txt", TEXT)
    practice.back_up()
    for number in range(19):
        practice.write(f"Dumps/{number}.txt", os.urandom(2000))
    practice.write("Dumps/19.txt", os.urandom(33 << 20))
    assert [s["signal"] for s in practice.back_up().signs] == ["overwritten"]


def test_an_api_is_judged_by_how_much_of_it_changed(tmp_path: Path) -> None:
    firm = Firm(tmp_path)
    rows = [firm.api.add("notes", b"note %d" % n) for n in range(300)]
    firm.back_up()
    for day in range(5):
        firm.api.change(rows[day], b"another %d" % day)
        assert not firm.back_up().suspicious
    for row in rows[:200]:
        firm.api.change(row, os.urandom(900))
    assert [s["signal"] for s in firm.back_up().signs] == ["changed"]
