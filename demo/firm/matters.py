"""Matters: the cases of the example firm, and how each one's folder is named.

Invariants: numbers are `YYYY-NNNN` and unique; the folder is `Matters/{number} {title}`; the first
matter is always `STORY_MATTER`, so that a tutorial can name it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from . import words
from .chance import stream

STORY_MATTER = "2024-0113"
"""Alvarez v. Northgate Logistics: the matter that the demonstration loses and gives back."""


class Practice(StrEnum):
    LITIGATION = "litigation"
    REAL_ESTATE = "real estate"
    ESTATE = "estate"
    CORPORATE = "corporate"
    FAMILY = "family"
    INTELLECTUAL_PROPERTY = "intellectual property"


_SHARE_OF_WORK = {
    Practice.LITIGATION: 36,
    Practice.REAL_ESTATE: 18,
    Practice.ESTATE: 16,
    Practice.CORPORATE: 14,
    Practice.FAMILY: 10,
    Practice.INTELLECTUAL_PROPERTY: 6,
}


@dataclass(frozen=True, slots=True)
class Matter:
    """One case. `title` is as typed; `folder` is the path in the share, which may be decomposed."""

    number: str
    title: str
    practice: Practice
    client: str
    other: str
    opened: date
    closed: date
    folder: bytes


def _person(rng: Random) -> str:
    return f"{rng.choice(words.GIVEN)} {rng.choice(words.SURNAMES)}"


def _company(rng: Random) -> str:
    return f"{rng.choice(words.COMPANY_NAMES)} {rng.choice(words.COMPANY_TRADES)}"


def _parties(practice: Practice, rng: Random) -> tuple[str, str, str]:
    """Client, other side and title of a new matter."""
    person, company = _person(rng), _company(rng)
    surname = person.split(" ", 1)[1]
    if practice is Practice.LITIGATION:
        other = _company(rng) if rng.random() < 0.6 else _person(rng)
        style = rng.choice(("{} v. {}", "{} v. {}", "{} v. {} et al."))
        if rng.random() < 0.6:
            return person, other, style.format(surname, other)
        return company, other, style.format(company, other)
    if practice is Practice.REAL_ESTATE:
        place = f"{rng.randrange(2, 980)} {rng.choice(words.STREETS)}"
        verb = rng.choice(("Purchase of", "Sale of", "Lease of", "Refinancing of"))
        return person, company, f"{verb} {place}"
    if practice is Practice.ESTATE:
        style = rng.choice(("Estate of {}", "{} Family Trust", "Guardianship of {}", "Will of {}"))
        return person, _person(rng), style.format(surname if "Trust" in style else person)
    if practice is Practice.CORPORATE:
        other = _company(rng)
        deal = rng.choice(
            ("{0} - Series B financing", "{0} - Acquisition of {1}", "Formation of {0}",
             "{0} - General corporate", "{0} - Supply agreement with {1}")
        )  # fmt: skip
        return company, other, deal.format(company, other)
    if practice is Practice.FAMILY:
        given = rng.choice(words.GIVEN)
        style = rng.choice(("Marriage of {}", "{} Custody", "Adoption of {}", "{} v. {}"))
        return person, f"{given} {surname}", style.format(surname, surname)
    invention = rng.choice(words.INVENTIONS).capitalize()
    style = rng.choice(("{} - {} patent application", "{} - {} opposition"))
    return company, _company(rng), style.format(company, invention)


def folder_name(number: str, title: str, *, decomposed: bool = False) -> bytes:
    """`Matters/{number} {title}` as raw bytes; decomposed as a Mac writes it (Unicode NFD)."""
    form = unicodedata.normalize("NFD" if decomposed else "NFC", title)
    return f"Matters/{number} {form}".encode()


def _matter(seed: int, place: int, last_day: date, taken: set[str]) -> Matter:
    rng = stream(seed, "matter", place)
    practice = rng.choices(list(_SHARE_OF_WORK), list(_SHARE_OF_WORK.values()))[0]
    client, other, title = _parties(practice, rng)
    opened = last_day - timedelta(days=rng.randrange(60, 3600))
    number = STORY_MATTER
    while number in taken:
        number = f"{opened.year}-{rng.randrange(1, 420):04d}"
    length = timedelta(days=rng.randrange(90, 1100))
    closed = min(last_day, opened + length)
    folder = folder_name(number, title)
    return Matter(number, title, practice, client, other, opened, closed, folder)


def draw(seed: int, count: int, last_day: date) -> tuple[Matter, ...]:
    """`count` matters: the story's first, one whose folder a Mac named, the others by number."""
    title = "Alvarez v. Northgate Logistics"
    story = Matter(
        number=STORY_MATTER,
        title=title,
        practice=Practice.LITIGATION,
        client="Maria Alvarez",
        other="Northgate Logistics",
        opened=date(2024, 2, 20),
        closed=last_day,
        folder=folder_name(STORY_MATTER, title),
    )
    title = "Estate of Zoë Engström"
    from_a_mac = Matter(
        number="2023-0088",
        title=title,
        practice=Practice.ESTATE,
        client="Zoë Engström",
        other="Björn Engström",
        opened=date(2023, 3, 13),
        closed=date(2025, 6, 30),
        folder=folder_name("2023-0088", title, decomposed=True),
    )
    others: list[Matter] = []
    taken = {story.number, from_a_mac.number}
    for place in range(count - 2):
        others.append(_matter(seed, place, last_day, taken))
        taken.add(others[-1].number)
    return (story, *sorted((from_a_mac, *others), key=lambda matter: matter.number))
