"""Workday: what one day of work does to the share.

People save documents again, file new ones and mails, delete some, move a folder, rename a matter's
folder; the ledger grows, the mailbox is used in place, the night's dump replaces the last. And in
the story's matter somebody deletes a whole folder: what the demonstration gives back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

from . import cabinet, dump, mailbox, matters, oddities
from .build import LAST_DAY, put
from .chance import stream
from .documents import Brief, Composer, Make, ledger_rows
from .formats import sheet, word
from .matters import STORY_MATTER, Matter, folder_name
from .prose import Register
from .share import Share
from .size import SMALL, Size
from .truth import DIRECTORY, Truth

LOST_FOLDER = b"Research"
"""Of the story's matter: gone at the end of the first day of work."""

_EDITED, _ADDED, _DELETED = 0.010, 0.005, 0.002
_EDITABLE = ("docx", "xlsx", "txt", "pdf")
_SUFFIXES = (" (consolidated)", " - on appeal", " - reopened")


@dataclass(frozen=True, slots=True)
class DayOfWork:
    """What the day came to, in numbers."""

    day: date
    edited: int
    added: int
    deleted: int
    moved: int
    renamed_matter: str
    """The number of the matter whose folder has a new title; its files keep their names in it."""
    renamed: int
    """Files whose path changed with that folder."""
    mails_appended: int
    mails_read: int
    dump_rows_added: int
    dump_rows_changed: int


def next_working_day(day: date) -> date:
    """The next Monday to Friday."""
    day += timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


def work_a_day(root: Path, *, seed: int, truth: Truth) -> tuple[Truth, DayOfWork]:
    """Changes the share as the next working day would; gives the truth of that evening.

    Args:
        truth: of the share as it is now; it is not changed. Work one day after the other by
            handing in what the last call gave back.
    """
    return _Day(root, seed, truth).work()


class _Day:
    def __init__(self, root: Path, seed: int, truth: Truth) -> None:
        self._day = next_working_day(truth.as_of)
        self._seed, self._truth = seed, truth
        self._share = Share(root, truth)
        files = sum(1 for _ in truth.files())
        size = SMALL if files < 2 * SMALL.documents else Size.scaled(1.0)
        self._files = files
        self._composer = Composer(truth.seed, size, self._day)
        self._cast = _cast(truth)
        self._names = cabinet.Names(tuple(truth.entries))
        self._evening = datetime.combine(self._day, time(18), UTC)

    def _chance(self, *labels: object) -> Random:
        return stream(self._seed, "day", self._day, *labels)

    def work(self) -> tuple[Truth, DayOfWork]:
        edited = self._edit()
        added = self._add()
        deleted = self._delete()
        moved = self._move_a_folder()
        mailer = mailbox.Mailer(self._seed, self._composer, self._cast, f"{self._day}")
        size = self._truth.entries[mailbox.PATH].size
        appended, read = mailbox.use(
            self._share,
            mailer,
            self._seed,
            mails=max(3, size // 12_000_000),
            reads=max(5, size // 3_000_000),
            at=self._evening,
        )
        new_dump = dump.write_again(self._share, self._seed, self._evening)
        matter, renamed = self._rename_a_matter()
        titles = dict(self._truth.matters) | {matter.number: matter.title}
        truth = self._share.close(self._truth.seed, self._day, list(titles.items()), self._evening)
        summary = DayOfWork(
            day=self._day,
            edited=edited,
            added=added,
            deleted=deleted,
            moved=moved,
            renamed_matter=matter.number,
            renamed=renamed,
            mails_appended=appended,
            mails_read=read,
            dump_rows_added=new_dump.rows_added,
            dump_rows_changed=new_dump.rows_changed,
        )
        return truth, summary

    def _documents(self, matter: str | None) -> list[bytes]:
        """Documents that people work on: one name, an office format, not the client's stick."""
        return sorted(
            path
            for path, entry in self._share.files_of(matter)
            if entry.format in _EDITABLE and b"/" + oddities.STICK + b"/" not in path
        )

    def _choose(self, count: int, from_story: int, *labels: object) -> list[bytes]:
        rng = self._chance(*labels)
        story = self._documents(STORY_MATTER)
        others = [
            path
            for matter in (*self._cast[1:], None)
            for path in self._documents(matter.number if matter else None)
        ]
        from_story = min(from_story, len(story))
        return rng.sample(story, from_story) + rng.sample(
            others, min(len(others), max(1, count - from_story))
        )

    def _edit(self) -> int:
        chosen = self._choose(max(6, round(self._files * _EDITED)), 3, "edit")
        for place, path in enumerate(chosen):
            rng = self._chance("edit", place)
            self._edit_one(path, cabinet.moment(rng, self._day, self._day), rng)
        return len(chosen)

    def _edit_one(self, path: bytes, at: datetime, rng: Random) -> None:
        entry = self._share.entries[path]
        title = path.rpartition(b"/")[2].decode("utf-8", "replace").rpartition(".")[0]
        matter = next((m for m in self._cast if m.number == entry.matter), None)
        key = f"{self._day}/{path.decode('utf-8', 'surrogateescape')}"
        brief = Brief(Make.PRINTED, Register.LETTER, title, matter, at, key)
        said = self._composer.paragraphs(brief, rng, rng.randrange(1, 4))
        author = "Grace Whitfield"
        content = self._share.read(path)
        if entry.format == "docx":
            content = word.saved_again(content, said, author=author, title=title, at=at)
            self._share.save_over(path, content, at)
        elif entry.format == "xlsx":
            rows = _more_rows(content, at.date(), said, rng)
            content = sheet.with_rows(content, rows, author=author, title=title, at=at)
            self._share.save_over(path, content, at)
        elif entry.format == "txt":
            self._share.write_in_place(path, content + "\n".join(("", *said, "")).encode(), at)
        else:
            self._share.save_over(path, self._composer.compose(brief, rng), at)

    def _add(self) -> int:
        count = max(4, round(self._files * _ADDED))
        for place in range(count):
            rng = self._chance("add", place)
            matter = self._cast[0] if place == 0 else rng.choice(self._cast)
            folder = rng.choice(cabinet.folders(matter))
            at = cabinet.moment(rng, self._day, self._day)
            new = cabinet.place(rng, self._names, folder, at, None if place % 2 else Make.MAIL)
            put(self._share, new, self._composer.compose(new.brief, rng))
        return count

    def _delete(self) -> int:
        chosen = self._choose(max(3, round(self._files * _DELETED)), 1, "delete")
        lost = self._cast[0].folder + b"/" + LOST_FOLDER
        for path in chosen:
            self._share.remove(path)
        if lost not in self._truth.entries or lost not in self._share.entries:
            return len(chosen)
        return len(chosen) + self._share.remove_folder(lost)

    def _move_a_folder(self) -> int:
        """The fullest folder inside a matter's folder goes to an archive in the same matter."""
        count = Counter[bytes]()
        for path, entry in self._share.entries.items():
            parts = path.split(b"/")
            if entry.matter and len(parts) > 4 and entry.kind != DIRECTORY:
                count[b"/".join(parts[:4])] += 1
        folders = [
            (files, path)
            for path, files in sorted(count.items())
            if b"/Archived " not in path and not path.endswith(b"/" + oddities.STICK)
        ]
        if not folders:
            return 0
        _, old = max(folders)
        matter = self._share.entries[old].matter
        above = b"/".join(old.split(b"/")[:2]) + f"/Archived {self._day}".encode()
        self._share.folder(above, matter, self._evening)
        return self._share.move(old, above + b"/" + old.rpartition(b"/")[2])

    def _rename_a_matter(self) -> tuple[Matter, int]:
        rng = self._chance("rename")
        plain = [m for m in self._cast[1:] if not m.title.endswith(_SUFFIXES)] or self._cast[1:]
        matter = rng.choice(plain)
        title = matter.title + rng.choice(_SUFFIXES)
        after = replace(matter, title=title, folder=folder_name(matter.number, title))
        return after, self._share.move(matter.folder, after.folder)


def _cast(truth: Truth) -> Sequence[Matter]:
    """The matters with today's titles and folders."""
    titles = dict(truth.matters)
    folders = {
        entry.matter: path
        for path, entry in truth.entries.items()
        if entry.matter and path.count(b"/") == 1
    }
    return [
        replace(matter, title=titles[matter.number], folder=folders[matter.number])
        for matter in matters.draw(truth.seed, len(titles), LAST_DAY)
    ]


def _more_rows(
    content: bytes, day: date, said: list[str], rng: Random
) -> list[tuple[sheet.Cell, ...]]:
    """A few rows that go on where a ledger or a time sheet ends."""
    last = sheet.last_row(content)
    if last[1] in ("Deposit", "Disbursement"):
        return ledger_rows(rng, day, day, rng.randrange(1, 5), int(last[4]))
    rate = int(last[3])
    return [(day, last[1], 6 * step, rate, 6 * step * rate // 60, said[0]) for step in (2, 5)]
