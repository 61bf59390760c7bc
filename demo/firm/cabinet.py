"""Cabinet: which folders a matter has, and which documents lie in them.

Decides names, kinds and days of all ordinary documents; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from .documents import FORMATS, Brief, Make
from .matters import Matter, Practice
from .prose import Register


@dataclass(frozen=True, slots=True)
class Drawer:
    """A kind of folder: makes with their weights, the tone, and titles of what is in it."""

    makes: tuple[tuple[Make, int], ...]
    register: Register
    titles: tuple[str, ...]


_M = Make
_CORRESPONDENCE = Drawer(
    ((_M.MAIL, 62), (_M.TYPED, 22), (_M.SCANNED, 6), (_M.PRINTED, 10)),
    Register.LETTER,
    ("Letter to opposing counsel", "Letter to client", "Status update", "Engagement letter",
     "Request for extension", "Settlement proposal", "Notice of change of address",
     "Réponse à la lettre de mise en demeure", "Follow-up after call", "Transmittal"),
)  # fmt: skip
_DRAFTS = Drawer(
    ((_M.TYPED, 88), (_M.NOTE, 12)),
    Register.CONTRACT,
    ("Agreement", "Agreement - redline", "Brief", "Stipulation", "Declaration", "Release",
     "Term sheet", "Side letter", "Outline", "Proposed order"),
)  # fmt: skip
_BILLING = Drawer(
    ((_M.TIME_SHEET, 34), (_M.LEDGER, 26), (_M.PRINTED, 34), (_M.SCANNED, 6)),
    Register.LETTER,
    ("Invoice", "Trust ledger", "Time", "Expense receipts", "Retainer statement", "Pre-bill"),
)
_RESEARCH = Drawer(
    ((_M.PRINTED, 48), (_M.TYPED, 32), (_M.NOTE, 16), (_M.SCREENSHOT, 4)),
    Register.MEMO,
    ("Memo on limitation periods", "Memo on damages", "Case digest", "Notes from library",
     "Statute history", "Expert search", "Memo on jurisdiction"),
)  # fmt: skip
_PLEADINGS = Drawer(
    ((_M.PRINTED, 66), (_M.TYPED, 24), (_M.SCANNED, 10)),
    Register.PLEADING,
    ("Complaint", "Answer", "Motion to compel", "Motion for summary judgment", "Opposition",
     "Reply brief", "Notice of hearing", "Proposed order", "Affidavit of service", "Stipulation"),
)  # fmt: skip
_DISCOVERY = Drawer(
    ((_M.SCANNED, 22), (_M.PRINTED, 22), (_M.PAGE_IMAGE, 12), (_M.PHOTOGRAPH, 10), (_M.NOTE, 10),
     (_M.LEDGER, 8), (_M.SNAPSHOT, 4), (_M.SCREENSHOT, 4), (_M.MAIL, 8)),
    Register.PLEADING,
    ("Interrogatories", "Responses to requests", "Deposition transcript", "Exhibit A", "Exhibit B",
     "Privilege log", "Site photograph", "Bank statement", "Dispatch record", "Phone record"),
)  # fmt: skip
_INSTRUMENTS = Drawer(
    ((_M.TYPED, 40), (_M.PRINTED, 34), (_M.SCANNED, 20), (_M.PHOTOGRAPH, 6)),
    Register.CONTRACT,
    ("Deed", "Certificate", "Schedule", "Signed original", "Consent", "Power of attorney",
     "Inventory", "Disclosure statement", "Survey", "Valuation", "Closing binder"),
)  # fmt: skip

_FOLDERS: dict[Practice, dict[str, tuple[Drawer, int]]] = {
    Practice.LITIGATION: {
        "Pleadings": (_PLEADINGS, 22),
        "Discovery": (_DISCOVERY, 22),
        "Discovery/Depositions": (_DISCOVERY, 6),
    },
    Practice.REAL_ESTATE: {
        "Title and survey": (_INSTRUMENTS, 20),
        "Closing": (_INSTRUMENTS, 24),
    },
    Practice.ESTATE: {
        "Wills and trusts": (_INSTRUMENTS, 26),
        "Probate": (_PLEADINGS, 16),
        "Assets": (_INSTRUMENTS, 8),
    },
    Practice.CORPORATE: {
        "Board": (_INSTRUMENTS, 14),
        "Agreements": (_DRAFTS, 20),
        "Due diligence/Data room": (_DISCOVERY, 14),
    },
    Practice.FAMILY: {
        "Pleadings": (_PLEADINGS, 20),
        "Financial disclosure": (_DISCOVERY, 18),
    },
    Practice.INTELLECTUAL_PROPERTY: {
        "Prosecution": (_PLEADINGS, 24),
        "Prior art": (_DISCOVERY, 16),
        "Drawings": (_INSTRUMENTS, 8),
    },
}
_EVERY_MATTER = {
    "Correspondence": (_CORRESPONDENCE, 30),
    "Drafts": (_DRAFTS, 22),
    "Billing": (_BILLING, 10),
    "Research": (_RESEARCH, 10),
}
_FIRM = {
    "Templates": (_DRAFTS, 12),
    "Templates/Pleading forms": (_DRAFTS, 10),
    "Accounting": (_BILLING, 22),
    "Accounting/Statements": (_BILLING, 14),
    "HR": (_CORRESPONDENCE, 12),
    "HR/Reviews (confidential)": (_INSTRUMENTS, 8),
    "Marketing": (_RESEARCH, 10),
    "Scans/To be filed": (_DISCOVERY, 12),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A document that is to be written: where, and what about."""

    path: bytes
    brief: Brief


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the share, what belongs in it, and how much of its matter's paper it gets."""

    path: bytes
    drawer: Drawer
    weight: int
    matter: Matter | None


def folders(matter: Matter | None) -> list[Folder]:
    """The ordinary folders of a matter, or the firm's own that belong to none."""
    drawers = _FIRM if matter is None else _EVERY_MATTER | _FOLDERS[matter.practice]
    base = matter.folder + b"/" if matter else b""
    return [
        Folder(base + name.encode(), drawer, weight, matter)
        for name, (drawer, weight) in drawers.items()
    ]


def moment(rng: Random, first: date, last: date) -> datetime:
    """A moment in office hours between two days, both included."""
    day = first + timedelta(days=rng.randrange((last - first).days + 1))
    seconds = rng.randrange(8 * 3600, 19 * 3600)
    return datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)


def _name(title: str, make: Make, at: datetime, rng: Random) -> str:
    if make is Make.PHOTOGRAPH:
        return f"IMG_{rng.randrange(10_000):04d}.jpg"
    ending = f".{FORMATS[make]}"
    style = rng.random()
    if style < 0.45:
        return f"{at:%Y-%m-%d} {title}{ending}"
    if style < 0.6:
        return f"{title} v{rng.randrange(1, 9)}{ending}"
    if style < 0.7:
        return f"{title} (final){ending}"
    if style < 0.8:
        return f"{title.upper()}{ending.upper()}"
    return f"{title} {at:%b %Y}{ending}"


class Names:
    """Hands out each path once; the second asker gets ` (2)` as from a file manager.

    Names that differ only in case count as one: many file systems cannot hold both.
    """

    def __init__(self, taken: Sequence[bytes] = ()) -> None:
        self._taken = {path.lower() for path in taken}

    def free(self, folder: bytes, name: str) -> bytes:
        stem, dot, ending = name.rpartition(".")
        path, count = folder + b"/" + name.encode(), 2
        while path.lower() in self._taken:
            path = folder + b"/" + f"{stem} ({count}){dot}{ending}".encode()
            count += 1
        self._taken.add(path.lower())
        return path


def place(
    rng: Random, names: Names, folder: Folder, at: datetime, make: Make | None = None
) -> Place:
    """One document for this folder, of the given make or of one that is usual there."""
    drawer = folder.drawer
    if make is None:
        make = rng.choices([m for m, _ in drawer.makes], [weight for _, weight in drawer.makes])[0]
    title = rng.choice(drawer.titles)
    path = names.free(folder.path, _name(title, make, at, rng))
    key = path.decode("utf-8", "surrogateescape")
    return Place(path, Brief(make, drawer.register, title, folder.matter, at, key))


def fill(
    rng: Random, names: Names, matter: Matter | None, count: int, last_day: date
) -> Iterator[Place]:
    """`count` documents for one matter, or for the firm's own folders."""
    usual = folders(matter)
    first = matter.opened if matter else date(2011, 4, 1)
    last = matter.closed if matter else last_day
    for folder in rng.choices(usual, [folder.weight for folder in usual], k=count):
        yield place(rng, names, folder, moment(rng, first, last))


def one_of_each(rng: Random, names: Names, matter: Matter) -> Iterator[Place]:
    """A document of every make, so that the smallest firm has every format."""
    for make in Make:
        folder = next(f for f in folders(matter) if make in dict(f.drawer.makes))
        yield place(rng, names, folder, moment(rng, matter.opened, matter.closed), make)
