"""Looking: what a restore gave back, beside what was on the share; and a source that is interfered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muniment.backup.commit import Outcome
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.model.item import Fingerprint
from muniment.recovery.perform import RestoreReport
from muniment.sources.base import FIRST_TIME, Description, ItemReader, Known
from muniment.sources.files import FileSource
from tests.support.file_trees import picture
from tests.support.practice import Practice


def same_again(practice: Practice, name: str = "back", **options: Any) -> RestoreReport:
    """Restores the newest snapshot and holds it, in every respect, against the share."""
    into = practice.folder / name
    _, report = practice.restore(into, **options)
    assert report.whole, report.failures
    assert not report.differences
    assert picture(into / "files") == picture(practice.share)
    return report


def causes(outcome: Outcome) -> dict[str, int]:
    return {c["cause"]: c["count"] for c in outcome.causes}


class Meddled(FileSource):
    """A share on which somebody works while it is backed up.

    `when` is called with (moment, native id, reader number): `listed` once, after the listing and
    before the first item is opened; `described` when an item was opened; `read` after each piece.
    """

    def __init__(self, root: Path, when: Callable[[str, bytes], None]) -> None:
        super().__init__("files", root)
        self._when = when

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Any]:
        yield from super().scan(known)
        self._when("listed", b"")

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[ItemReader]:
        with super().open(kind, native_id) as reader:
            yield _MeddledReader(reader, native_id, self._when)


class _MeddledReader:
    def __init__(
        self, reader: ItemReader, native_id: bytes, when: Callable[[str, bytes], None]
    ) -> None:
        self._reader = reader
        self._native_id = native_id
        self._when = when

    def describe(self) -> Description:
        found = self._reader.describe()
        self._when("described", self._native_id)
        return found

    def read(self, size: int) -> bytes:
        data = self._reader.read(size)
        self._when("read", self._native_id)
        return data

    def settled(self) -> bool:
        return self._reader.settled()


def back_up_meddled(
    practice: Practice, when: Callable[[str, bytes], None], **options: Any
) -> Outcome:
    """A backup during which `when` happens."""
    practice.let_settle()
    run = practice.run(options=BackupOptions(**options))
    run.source = Meddled(practice.share, when)
    outcome = back_up(run)
    practice.tomorrow()
    return outcome
