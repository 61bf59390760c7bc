"""A folder with e-mail archives keeps the contract of sources, and what it knows saves reading."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.clock import SystemClock
from muniment.sources.mail_archives.source import MailArchiveSource, Wishes
from muniment.sources.tree.reader import TICK_NS
from muniment.sources.tree.tree import Tree
from tests.contracts.api_source_contract import Remembered
from tests.contracts.source_contract import SourceContract
from tests.support.mail_firm import letter, wishes


class Impatient(SystemClock):
    def sleep(self, seconds: float) -> None:
        """Nobody writes meanwhile."""


class Share:
    """A folder with messages, each a file, as those who save them see it."""

    def __init__(self, root: Path, made_of: Wishes) -> None:
        self.root = root
        self.made_of = made_of
        root.mkdir()

    def source(self) -> MailArchiveSource:
        return MailArchiveSource(Tree("mail", self.root), Impatient(), self.made_of)

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        folder = self.root / "a folder"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.eml").write_bytes(content)
        return "file", f"a folder/{name}.eml".encode()

    def change(self, native_id: bytes, content: bytes) -> None:
        (self.root / os.fsdecode(native_id)).write_bytes(content)

    def remove(self, native_id: bytes) -> None:
        (self.root / os.fsdecode(native_id)).unlink()

    def settle(self) -> None:
        time.sleep(1.5 * TICK_NS / 1e9)

    def take_away(self) -> None:
        self.root.rename(self.root.with_name("moved away"))


class TestMailArchiveSource(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Share:
        return Share(tmp_path / "mail", Wishes(everything=True, settle=timedelta(minutes=1)))


def test_asking_for_changes_gives_what_asking_for_everything_gives(tmp_path: Path) -> None:
    share = Share(tmp_path / "mail", wishes())
    files = [share.add(f"{n}", letter(f"[2024-011{n}] x").as_bytes()) for n in range(4)]
    first = Remembered([])
    known = Remembered(share.source().scan(first))
    known.memory = known.history = dict(first.remembered)
    share.settle()
    share.change(files[0][1], letter("[2024-0999] moved").as_bytes())
    share.remove(files[1][1])
    share.add("new", letter("new").as_bytes())
    whole = Remembered(share.source().scan()).items
    assert known.after(share.source().scan(known)) == whole
    # Without a word on what was usual everything is read again, and nothing is said otherwise.
    known.history = {}
    assert known.after(share.source().scan(known)) == whole


def test_a_tag_and_an_id_name_nobody(tmp_path: Path) -> None:
    share = Share(tmp_path / "mail", wishes())
    share.add("secretname", letter("[2024-0113] secretsubject").as_bytes())
    for each in share.source().scan():
        if each.kind not in ("file", "dir"):
            assert (
                "secret" not in f"{each.kind} {each.native_id!r} {getattr(each, 'fingerprint', '')}"
            )
