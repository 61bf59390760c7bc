"""Oddities: the names and shapes that a real share has and that careless programs lose.

All lie where a client's USB stick was copied to, and in a few firm-wide places. What the file
system refuses is recorded as refused, not left out in silence.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

from .matters import Matter
from .share import Share

STICK = b"Received from client/USB stick"

_NAMES: tuple[bytes, ...] = (
    "Café receipts (composed).txt".encode(),
    unicodedata.normalize("NFD", "Café receipts (composed).txt").encode(),
    "Verträge und Anhänge – Übersicht.txt".encode(),
    "契約書 最終版.txt".encode(),
    "עדות.txt".encode(),
    "👍 signed!! 🖋️.txt".encode(),
    b"con.txt",
    b"AUX",
    b"trailing dot.",
    b"trailing dots...",
    b"trailing space ",
    b"  leading spaces.txt",
    b"'single' quotes.txt",
    b'"double" quotes.txt',
    b"O'Rourke's list.txt",
    b"back\\slash.txt",
    b"colon: and | pipe.txt",
    b"question? star*.txt",
    b"percent %41 %00.txt",
    b"$(dollar) `tick` ;semicolon & ampersand.txt",
    b"-rf",
    b"--help.txt",
    b"~$open document.docx",
    b".hidden",
    b"...",
    b"two\nlines.txt",
    b"tab\there.txt",
    b"bell\x07.txt",
    "zero\u200bwidth and right\u202eto left.txt".encode(),
    "Schriftsatz M\xfcller.txt".encode("latin-1"),
    b"\xff\xfe broken.txt",
    b"Thumbs.db",
    b"same name.txt",
    b"Same Name.TXT",
    (b"Notes on the telephone call with opposing counsel about the production of documents, "
     b"the protective order, the second set of interrogatories, the adjourned deposition of the "
     b"warehouse manager and what was agreed (draft).txt"),
    "é".encode() * 125 + b".txt",
)  # fmt: skip

FILES, HARD_LINKS = len(_NAMES) + 3, 3
"""How many files `write` and `link` add, when nothing is refused."""


def write(share: Share, story: Matter, at: datetime) -> None:
    """Odd names, empty files, empty folders and a deep folder, in the story's matter."""
    stick = story.folder + b"/" + STICK
    matter = story.number
    for number, name in enumerate(_NAMES):
        content = b"" if number % 9 == 8 else b"%d. Copied as it was: %r\n" % (number, name)
        share.try_put(stick + b"/" + name, content, at - timedelta(days=37 * number), matter)
    for name in (b"Empty folder", b"Nested/empty/folders", "Ordner für später".encode()):
        share.folder(stick + b"/" + name, matter, at)
    share.put(stick + b"/Empty folder.txt", b"", "other", at, matter=matter)
    deep = stick + b"/" + b"/".join(b"Level %d of the old archive" % level for level in range(24))
    share.put(deep + b"/at the bottom.txt", b"Found.\n", "txt", at, matter=matter)
    oldest = datetime(1996, 2, 29, 23, 59, 58, tzinfo=UTC)
    share.put(stick + b"/LETTER1.WPD", b"\xffWPC" + bytes(600), "other", oldest, matter=matter)
    share.folder(b"Matters/To be sorted", None, at)


def link(share: Share, story: Matter, matters: tuple[Matter, ...], at: datetime) -> None:
    """Symlinks (inwards, to a folder, dangling, outwards) and hard links over matters."""
    files = sorted(
        path
        for path, entry in share.files_of(story.number)
        if entry.format == "pdf" and not path.startswith(story.folder + b"/" + STICK)
    )
    first, second = files[0], files[-1]
    inside = first[len(story.folder) + 1 :]
    share.symlink(story.folder + b"/Latest filing.pdf", inside, story.number, at)
    for matter in (story, matters[-1]):
        target = b"../" + matter.folder
        share.symlink(b"Active matters/" + matter.number.encode(), target, None, at)
    share.symlink(b"Templates/Old letterhead.docx", b"../Archive/letterhead 2009.docx", None, at)
    share.symlink(b"Accounting/Bank exports", b"/srv/elsewhere/bank exports", None, at)
    share.hard_link(story.folder + b"/Billing/Filed copy.pdf", first, story.number, at)
    share.hard_link(b"Scans/To be filed/Filed copy of a filing.pdf", second, None, at)
    other = matters[-1]
    share.hard_link(other.folder + b"/Research/From a related matter.pdf", second, other.number, at)
