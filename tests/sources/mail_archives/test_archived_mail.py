"""Archives of e-mail in a vault: a matter's messages come out of them, and what is wrong is said: one test a failure."""

from __future__ import annotations

import email
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from muniment.errors import ItemUnreadable, SourceMissing
from muniment.ids import matter_id
from muniment.recovery.selection import Scope, Selection
from muniment.sources.causes import (
    CHANGED_WHILE_READ,
    DAMAGED,
    LOCKED,
    NO_READER,
    PERMISSION_DENIED,
)
from muniment.sources.mail_archives import source as module
from muniment.sources.mail_archives.archive import ArchiveUnreadable
from muniment.sources.tree.tree import Tree
from muniment.vault import names
from tests.support.mail_firm import RULES, MailFirm, letter, wishes
from tests.support.third_party_mail import PST, third_party

LETTERS = (
    letter("Offer", to="Bob <bob@client.example>"),
    letter("[2024-0200] Hearing"),
    letter("Lunch"),
)


@pytest.fixture
def firm(tmp_path: Path) -> MailFirm:
    """Three messages in an mbox: one is a matter's by its address, one by its subject, one nobody's."""
    firm = MailFirm(tmp_path)
    firm.box("Old/Inbox.mbox", *LETTERS)
    (firm.share / "notes.txt").write_text("no archive")
    assert firm.back_up().completeness == "complete"
    return firm


def given(firm: MailFirm, matter: str, into: Path) -> dict[str, bytes]:
    """What a matter gives back: path -> content."""
    opaque = matter_id(firm.vault().keyring.id_key(names.MATTERS_ID_KEY), matter)
    _, report = firm.restore(into, Selection(Scope.MATTER, opaque))
    assert report.whole
    root = into / "files"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


# -- a good night ------------------------------------------------------------------------------------


def test_a_matter_s_messages_come_out_as_files_and_no_others(
    firm: MailFirm, tmp_path: Path
) -> None:
    found = given(firm, "2024-0113", tmp_path / "one")
    [(name, content)] = [f for f in found.items() if f[0].endswith(".eml")]
    assert name.startswith("files/Offer [")
    assert email.message_from_bytes(content)["To"] == "Bob <bob@client.example>"
    assert content.rstrip(b"\n") == LETTERS[0].as_bytes().rstrip(b"\n")
    assert [n for n in given(firm, "2024-0200", tmp_path / "two") if "Hearing" in n]


def test_the_archive_comes_back_byte_for_byte_and_each_message_has_its_row(
    firm: MailFirm, tmp_path: Path
) -> None:
    firm.restore(tmp_path / "back")
    root = tmp_path / "back/files"
    live = firm.share / "Old/Inbox.mbox"
    assert (root / "Old/Inbox.mbox").read_bytes() == live.read_bytes()
    assert (root / "notes.txt").read_text() == "no archive"
    told = [json.loads(p.read_text()) for p in root.glob("archived_messages/*/*.json")]
    assert {t["subject"] for t in told} == {"Offer", "[2024-0200] Hearing", "Lunch"}
    [offer] = [t for t in told if t["subject"] == "Offer"]
    assert (offer["archive"], offer["to"], offer["date"]) == (
        "Old/Inbox.mbox", ["bob@client.example"], "2026-03-02T09:00:00Z",
    )  # fmt: skip
    assert offer["made"] is False
    assert (firm.subjects(), firm.subjects("archived_mime")) == (3, 2)


def test_a_third_party_s_pst_is_indexed_and_a_matter_s_mail_is_put_together(tmp_path: Path) -> None:
    firm = MailFirm(tmp_path)
    (firm.share / "Archive").mkdir()
    shutil.copy(third_party(PST), firm.share / "Archive/lokay.pst")
    firm.wishes = wishes(({"folder": "**/TW-Commercial Group", "matter": "2001-0042"},))
    assert firm.back_up().completeness == "complete"
    assert firm.subjects() == 71
    found = given(firm, "2001-0042", tmp_path / "back")
    copies = [email.message_from_bytes(c) for n, c in found.items() if n.endswith(".eml")]
    told = [json.loads(c) for n, c in found.items() if n.startswith("archived_messages/")]
    assert 0 < len(copies) == len(told) < 71
    digests = {
        hashlib.sha256(part.get_payload(decode=True)).hexdigest()
        for each in copies for part in each.walk() if part.get_content_disposition() == "attachment"
    }  # fmt: skip
    assert digests == {a["sha256"] for row in told for a in row["attachments"]}
    assert all(row["made"] for row in told)
    firm.restore(tmp_path / "whole")
    folder = "lokay.pst/Top of Personal Folders/lokay-m/MLOKAY (Non-Privileged)/TW-Commercial Group"
    placed = (tmp_path / "whole/files/files" / folder).iterdir()
    assert len(list(placed)) == len(copies)


def test_what_is_known_is_neither_watched_nor_read(
    firm: MailFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm.watched.slept = 0

    def opened(*_: object) -> None:
        raise AssertionError("an archive was opened that is as it was")

    monkeypatch.setattr(module, "open_archive", opened)
    outcome = firm.back_up()
    assert (outcome.completeness, outcome.counts["read_bytes"], firm.watched.slept) == (
        "complete",
        0,
        0,
    )
    assert firm.subjects() == 3


def test_a_message_more_costs_a_message(firm: MailFirm) -> None:
    firm.box("Old/Inbox.mbox", *LETTERS, letter("[2024-0200] Judgment"))
    outcome = firm.back_up()
    assert outcome.completeness == "complete"
    # The container, a row and a copy of the new message, and the archive's own row.
    assert (outcome.counts["added"], outcome.counts["removed"]) == (2, 0)
    assert (firm.subjects(), firm.subjects("archived_mime")) == (4, 3)


def test_a_message_that_was_deleted_is_gone_from_the_next_snapshot_alone(firm: MailFirm) -> None:
    firm.box("Old/Inbox.mbox", *LETTERS[1:])
    assert firm.back_up().counts["removed"] == 2
    assert firm.subjects() == 2


def test_other_rules_give_messages_to_other_matters(firm: MailFirm, tmp_path: Path) -> None:
    firm.wishes = wishes((*RULES, {"subject": "Lunch", "matter": "2024-0300"}))
    assert firm.back_up().completeness == "complete"
    assert [n for n in given(firm, "2024-0300", tmp_path / "back") if "Lunch" in n]
    firm.wishes = wishes(())
    assert firm.back_up().completeness == "complete"
    assert (firm.subjects(), firm.subjects("archived_mime")) == (3, 0)


def test_all_messages_may_be_kept_as_files_and_none_may_be_looked_at(firm: MailFirm) -> None:
    firm.wishes = wishes(everything=True)
    firm.back_up()
    assert firm.subjects("archived_mime") == 3
    firm.wishes = wishes(index=False)
    assert firm.back_up().completeness == "complete"
    assert firm.subjects() == 0 and firm.rows()["file"]


# -- what goes wrong ---------------------------------------------------------------------------------


def test_an_archive_that_a_program_holds_is_not_taken_and_its_messages_stay(
    firm: MailFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm.box("Old/Inbox.mbox", letter("new"))

    def held(self: Tree, native_id: bytes) -> object:
        raise ItemUnreadable(LOCKED)

    monkeypatch.setattr(Tree, "file", held)
    assert firm.back_up().completeness == "incomplete"
    assert firm.problems() == {("file", "Old/Inbox.mbox"): LOCKED}
    assert (firm.subjects(), firm.subjects("archived_mime")) == (3, 2)
    accepted = firm.back_up(accepted=lambda kind, path, cause, matter: cause == LOCKED)
    assert accepted.completeness == "complete_with_exceptions"
    monkeypatch.undo()
    assert firm.back_up().completeness == "complete"
    assert firm.subjects() == 1


def test_an_archive_that_grows_while_it_is_watched_is_not_taken(firm: MailFirm) -> None:
    path = firm.box("Old/Inbox.mbox", *LETTERS, letter("new"))
    firm.watched.meanwhile = lambda: path.write_bytes(path.read_bytes() + b"\nmore")
    assert firm.back_up().completeness == "incomplete"
    assert firm.problems() == {("file", "Old/Inbox.mbox"): CHANGED_WHILE_READ}
    assert firm.subjects() == 3


def test_an_archive_that_changes_while_it_is_indexed_is_not_taken(
    firm: MailFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = firm.box("Old/Inbox.mbox", *LETTERS, letter("new"))
    real = module.MailArchiveSource._indexed

    def written_to(self: module.MailArchiveSource, *args: object) -> object:
        found = real(self, *args)  # type: ignore[arg-type]
        path.write_bytes(path.read_bytes() + b"\nmore")
        return found

    monkeypatch.setattr(module.MailArchiveSource, "_indexed", written_to)
    assert firm.back_up().completeness == "incomplete"
    assert firm.problems() == {("file", "Old/Inbox.mbox"): CHANGED_WHILE_READ}
    assert firm.subjects() == 3


def test_a_damaged_archive_is_taken_and_told(firm: MailFirm, tmp_path: Path) -> None:
    (firm.share / "Old/broken.pst").write_bytes(b"!BDN" + os.urandom(5000))
    assert firm.back_up().completeness == "incomplete"
    assert firm.problems() == {("mail_archive", "Old/broken.pst"): DAMAGED}
    firm.restore(tmp_path / "back")
    assert (tmp_path / "back/files/Old/broken.pst").stat().st_size == 5004


def test_without_a_reader_an_archive_is_taken_and_told(
    firm: MailFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    (firm.share / "mail.pst").write_bytes(b"!BDN" + bytes(600))

    def lacking(format_: str, file: object) -> None:
        raise ArchiveUnreadable(NO_READER)

    monkeypatch.setattr(module, "open_archive", lacking)
    assert firm.back_up().completeness == "incomplete"
    assert firm.problems() == {("mail_archive", "mail.pst"): NO_READER}
    assert firm.subjects() == 3


def test_a_message_that_cannot_be_read_is_told_and_the_others_are_there(
    firm: MailFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.sources.mail_archives import mbox

    firm.box("Old/Inbox.mbox", *LETTERS, letter("long", text="x" * 5000))
    monkeypatch.setattr(mbox, "LARGEST", 3000)
    assert firm.back_up().completeness == "incomplete"
    [((kind, _), cause)] = firm.problems().items()
    assert (kind, cause) == ("archived_message", "too large for this way")
    assert firm.subjects() == 3


def test_a_folder_that_cannot_be_looked_into_loses_no_message(
    firm: MailFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.sources.base import Skipped

    real = Tree.scan

    def denied(self: Tree, *args: object) -> object:
        for each in real(self):
            if not each.native_id.startswith(b"Old"):
                yield each
        yield Skipped("dir", b"Old", PERMISSION_DENIED, subtree=True)

    monkeypatch.setattr(Tree, "scan", denied)
    assert firm.back_up().completeness == "incomplete"
    assert (firm.subjects(), firm.subjects("archived_mime")) == (3, 2)


def test_a_share_that_is_not_mounted_is_missing(firm: MailFirm) -> None:
    firm.share.rename(firm.share.with_name("elsewhere"))
    with pytest.raises(SourceMissing):
        firm.back_up()


def test_after_an_incomplete_run_nothing_is_taken_for_known(firm: MailFirm) -> None:
    """The archive changed, and one of its rows did not get into the snapshot."""
    from muniment.backup.commit import commit_snapshot
    from muniment.backup.plan import make_plan

    firm.box("Old/Inbox.mbox", *LETTERS, letter("[2024-0200] Judgment"))
    time.sleep(0.03)
    run = firm.run()
    make_plan(run)
    assert commit_snapshot(run, []).completeness == "incomplete"
    firm.tomorrow()
    assert firm.back_up().completeness == "complete"
    assert (firm.subjects(), firm.subjects("archived_mime")) == (4, 3)
