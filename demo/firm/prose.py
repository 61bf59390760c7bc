"""Legal prose by the page: plausible sentences in five registers, about one matter.

A matter has a bank of sentences that its documents share, as pleadings and letters of one case do;
each paragraph adds one sentence that stands nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from random import Random

from . import words
from .chance import stream
from .matters import Matter, Practice


class Register(StrEnum):
    LETTER = "letter"
    PLEADING = "pleading"
    CONTRACT = "contract"
    MEMO = "memo"
    MAIL = "mail"


_TOPICS = {
    Practice.LITIGATION: (
        "the delivery of damaged goods", "the alleged breach of the supply agreement",
        "the collision at the loading dock", "the unpaid overtime claims", "the spoliation letter",
        "the deposition of the warehouse manager", "the missing dispatch records",
    ),
    Practice.REAL_ESTATE: (
        "the title commitment", "the boundary survey", "the environmental report", "the escrow",
        "the easement along the north line", "the estoppel certificates", "the closing conditions",
    ),
    Practice.ESTATE: (
        "the residuary clause", "the appointment of the executor", "the inventory of assets",
        "the specific bequests", "the tax election", "the trust for the minor children",
    ),
    Practice.CORPORATE: (
        "the disclosure schedules", "the working capital adjustment", "the board consent",
        "the indemnity basket", "the non-competition covenant", "the preferred stock terms",
    ),
    Practice.FAMILY: (
        "the parenting schedule", "the valuation of the family home", "the support calculation",
        "the pension division order", "the mediation session", "the exchange of disclosures",
    ),
    Practice.INTELLECTUAL_PROPERTY: (
        "the office action", "the prior art of record", "the amended claims", "the licence back",
        "the assignment from the inventors", "the priority date",
    ),
}  # fmt: skip

_VERBS = ("submits", "maintains", "denies", "alleges", "has confirmed", "does not dispute", "shows")
_REASONS = (
    "the record contains no evidence to the contrary",
    "the parties agreed otherwise in writing",
    "notice was given within the period allowed",
    "performance had become commercially impracticable",
    "the documents produced on {date} establish the opposite",
    "no reasonable reader would understand the clause in that way",
    "the amount of {amount} was tendered and refused",
)
_DUTIES = (
    "deliver a true and complete copy of every document concerning {topic}",
    "pay {amount} within thirty (30) days after written demand",
    "maintain insurance in an amount of not less than {amount}",
    "keep confidential everything disclosed in connection with {topic}",
    "indemnify and hold harmless the other party against any claim arising out of {topic}",
    "cure any default within fifteen (15) business days of notice",
)
_SENTENCES = {
    Register.LETTER: (
        "We write on behalf of our client, {client}, concerning {topic}.",
        "Please let us have your position on {topic} no later than {date}.",
        "Our client {verb} that {reason}.",
        "Enclosed you will find the correspondence of {date}, which speaks for itself.",
        "Should {other} remain unwilling to discuss {topic}, we are instructed to proceed.",
        "Nothing in this letter waives any right or privilege, all of which are reserved.",
        "A cheque in the amount of {amount} has been placed in our trust account.",
    ),
    Register.PLEADING: (
        "{client} {verb} that {reason}.",
        "On or about {date}, {other} was informed of {topic} and took no step to respond.",
        "{other} {verb} each and every allegation except as expressly admitted herein.",
        "The damages sustained exceed {amount}, exclusive of interest and costs.",
        "This Court has jurisdiction over the subject matter and over the parties.",
        "The motion concerning {topic} was argued before the Honorable {judge} on {date}.",
        "A protective order is warranted because {reason}.",
        "The burden of proof as to {topic} rests upon {other}, and it has not been carried.",
    ),
    Register.CONTRACT: (
        "{client} shall {duty}.",
        "{other} shall {duty}, provided that {reason}.",
        "The representations concerning {topic} survive the closing for twenty-four (24) months.",
        "Neither party may assign this agreement without the prior written consent of the other.",
        "The consideration is {amount}, payable in immediately available funds on {date}.",
        "Any dispute about {topic} is submitted to mediation in {town} before suit is brought.",
        "Time is of the essence with respect to {topic}.",
    ),
    Register.MEMO: (
        "The question is whether {client} may recover for {topic}.",
        "The better view is that it may, because {reason}.",
        "Judge {judge} has been cautious about {topic}; see the ruling of {date}.",
        "Exposure is estimated at {amount}, before fees.",
        "The file does not yet contain anything on {topic}; a paralegal will ask for it.",
        "Two lines of authority exist on {topic}, and only the older one helps us.",
    ),
    Register.MAIL: (
        "Attached is the latest on {topic}.",
        "Can we speak about {topic} before {date}?",
        "I reviewed this with {client} and we are fine with {amount}.",
        "Opposing counsel called about {topic} again; {reason}, they say.",
        "Please file this under the matter and calendar {date}.",
        "Thanks, received. I will turn to {topic} this afternoon.",
    ),
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_BANK = 90


class Prose:
    """What is said in one matter (or, without one, in the firm's own papers)."""

    def __init__(self, seed: int, matter: Matter | None, last_day: date) -> None:
        self._seed = seed
        self._name = matter.number if matter else "firm"
        self._first = matter.opened if matter else date(2018, 1, 2)
        self._days = max(1, (last_day - self._first).days)
        self._client = matter.client if matter else "the Firm"
        self._other = matter.other if matter else "the vendor"
        self._topics = _TOPICS[matter.practice if matter else Practice.CORPORATE]
        self._banks: dict[Register, list[str]] = {}

    def _slots(self, rng: Random) -> dict[str, str]:
        # Tens of thousands of sentences are made: `random()` is several times faster than `choice`.
        pick = rng.random
        day = self._first + timedelta(days=int(pick() * self._days))
        return {
            "client": self._client,
            "other": self._other,
            "topic": self._topics[int(pick() * len(self._topics))],
            "verb": _VERBS[int(pick() * len(_VERBS))],
            "date": f"{_MONTHS[day.month - 1]} {day.day}, {day.year}",
            "amount": f"${4 + int(pick() * 9800) * 50:,}.00",
            "judge": words.JUDGES[int(pick() * len(words.JUDGES))],
            "town": words.TOWNS[int(pick() * len(words.TOWNS))],
        }

    def sentence(self, register: Register, rng: Random) -> str:
        """One new sentence."""
        slots = self._slots(rng)
        pick, known = rng.random, _SENTENCES[register]
        slots["reason"] = _REASONS[int(pick() * len(_REASONS))].format_map(slots)
        slots["duty"] = _DUTIES[int(pick() * len(_DUTIES))].format_map(slots)
        text = known[int(pick() * len(known))].format_map(slots)
        return text[0].upper() + text[1:]

    def _bank(self, register: Register) -> list[str]:
        if register not in self._banks:
            # A stream of its own: which register is asked for first must not matter.
            rng = stream(self._seed, "prose", self._name, register)
            self._banks[register] = [self.sentence(register, rng) for _ in range(_BANK)]
        return self._banks[register]

    def paragraph(self, register: Register, rng: Random) -> str:
        """Three to seven sentences of the matter's bank and one new one."""
        known = rng.sample(self._bank(register), rng.randrange(3, 8))
        return " ".join((*known, self.sentence(register, rng)))

    def paragraphs(self, register: Register, rng: Random, count: int) -> list[str]:
        return [self.paragraph(register, rng) for _ in range(count)]


@cache
def _breaks(width: int) -> re.Pattern[str]:
    return re.compile(rf"(.{{1,{width}}})(?:\s+|$)|(\S+)\s*")


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters, broken at spaces; longer words stand alone."""
    return [line or word for line, word in _breaks(width).findall(text)]


def page_lines(paragraphs: Sequence[str], width: int) -> list[str]:
    """Paragraphs as lines with a blank one between."""
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += wrapped(paragraph, width)
        lines.append("")
    return lines
