"""Papers: which records of trust accounts come as files into the upload folder, and by when.

The folder of a source with the system `trust-papers` holds `<year>-<month>/<account>/...`. No API has a
bank statement, a check image or a signed reconciliation; rules on trust accounts want each of them kept
for every month (docs/TRUST_PAPERS.md names them).

Invariants: a month is due when it is over, at the end of a day on the firm's clocks; an account's id says
nothing of clients or banks, because it stands in alerts and evidence in the clear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from muniment.config.schema import AfterValidator, Field, model_validator
from muniment.config.values import Duration, Id, Model, OneOrMany, SourceId, Table, Text
from muniment.model.value import Value

TRUST_PAPERS = "trust-papers"
"""The system of the inventory row."""
LONGEST_GRACE = timedelta(days=60)

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_WORD = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _month(value: str) -> str:
    if not _MONTH.fullmatch(value):
        raise ValueError("is no month; write year-month, such as 2026-03")
    return value


def words_in(text: str) -> frozenset[str]:
    """The words of a name: runs of letters, in small ones. `BankStatement_03` has `bank`, `statement`."""
    return frozenset(word.casefold() for word in _WORD.findall(_HUMP.sub(" ", text)))


def _words(value: str) -> str:
    if not words_in(value):
        raise ValueError("has no word in it; write one or more, such as signed reconciliation")
    return value


Month = Annotated[Text, AfterValidator(_month)]
Words = Annotated[Text, AfterValidator(_words)]


class Paper(Model):
    """A kind of paper, how its file is known, and when it is due."""

    names: Annotated[tuple[Words, ...], OneOrMany] = Field(
        min_length=1,
        description="A file is this paper if the words of one of these stand in its name, or in the"
        " names of its folders below the account's, in any order. Capital letters do not matter.",
        examples=[["statement", "statements"]],
    )
    without: Annotated[tuple[Words, ...], OneOrMany] = Field(
        (),
        description="Not if one of these stands there too.",
        examples=[["draft", "unsigned"]],
    )
    due_day: int = Field(
        15,
        ge=1,
        le=120,
        description="It is due at the end of this day after the month's last: 15 is the 15th of the next"
        " month.",
    )

    def is_called(self, path: str) -> bool:
        """Is a file with this path (below the account's folder) this paper, by its words?"""
        there = words_in(path)
        return any(words_in(name) <= there for name in self.names) and not any(
            words_in(name) <= there for name in self.without
        )


def usual_papers() -> dict[str, Paper]:
    """Statement, check images and the signed three-way reconciliation, this with its grace before the 25th
    of the Law Society of Ontario (By-Law 9) and the thirty days of North Carolina (Rule 1.15-3)."""
    return {
        "statement": Paper(names=("statement", "statements")),
        "checks": Paper(names=("check", "checks", "cheque", "cheques")),
        "reconciliation": Paper(
            names=("signed reconciliation", "signed reconciliations"),
            without=("unsigned", "not signed", "draft"),
            due_day=20,
        ),
    }


class TrustAccount(Model):
    """A trust account. The key in `accounts` is its folder's name and stands in alerts: no name of a
    client, no number of a bank."""

    first_month: Month | None = Field(
        None,
        description="Since when, where that is later than for the others.",
        examples=["2026-09"],
    )
    last_month: Month | None = Field(
        None, description="The last month for which papers are due, once it is closed."
    )
    books: Text | None = Field(
        None,
        description="The account's id in the trust books, by which uploaded figures are held against them.",
        examples=["7654321"],
    )
    papers: Annotated[tuple[Id, ...], OneOrMany] = Field(
        (),
        description="Which of `papers` are due for it. Without it: all.",
        examples=[["statement", "reconciliation"]],
    )


class TrustPapers(Model):
    """Papers of trust accounts that must be in the vault every month; see docs/TRUST_PAPERS.md."""

    source: SourceId = Field(
        description="The source_id of the upload folder; its system is `trust-papers`.",
        examples=["trust-papers"],
    )
    first_month: Month = Field(
        description="The first month whose papers are due.", examples=["2026-03"]
    )
    grace: Duration = Field(
        timedelta(days=3),
        ge=timedelta(0),
        le=LONGEST_GRACE,
        description="So long after the due day nobody is told yet.",
    )
    accounts: Annotated[Mapping[Id, TrustAccount | None], Table] = Field(
        min_length=1, description="Trust accounts by id, an opaque one: it stands in alerts."
    )
    papers: Annotated[Mapping[Id, Paper], Table] = Field(
        default_factory=usual_papers,
        min_length=1,
        description="What is due for each account and month. Without it: `statement`, `checks` (both due on"
        " the 15th) and `reconciliation`, signed (the 20th).",
    )

    @model_validator(mode="after")
    def _known_papers(self) -> TrustPapers:
        for account in self.accounts.values():
            if account is not None and set(account.papers) - set(self.papers):
                raise ValueError(
                    f"names a paper that is none of: {', '.join(self.papers)}; write one of them, or"
                    " add it to `papers`"
                )
        return self

    def account(self, name: str) -> TrustAccount:
        """An account whose key stands alone has everything as usual."""
        return self.accounts[name] or TrustAccount()


class Due(Value, frozen=True):
    """A paper that has to come: due at `due`, told when it is missing after `late`. Times in UTC."""

    account: str
    month: str
    paper: str
    due: datetime
    late: datetime


def due_papers(settings: TrustPapers, zone: str, now: datetime) -> Iterator[Due]:
    """Every paper of every month up to the one that runs, oldest month first."""
    running = f"{now.astimezone(ZoneInfo(zone)):%Y-%m}"
    month = settings.first_month
    while month <= running:
        for name in settings.accounts:
            account = settings.account(name)
            first, last = account.first_month or month, account.last_month or month
            if not first <= month <= last:
                continue
            for paper in account.papers or settings.papers:
                due = _end_of_day(month, settings.papers[paper].due_day, zone)
                yield Due(name, month, paper, due, due + settings.grace)
        month = next_month(month)


def next_month(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def _end_of_day(month: str, day: int, zone: str) -> datetime:
    """When day `day` after the month is over."""
    following = next_month(month)
    first = datetime(int(following[:4]), int(following[5:]), 1).date()  # noqa: DTZ001
    return datetime.combine(first + timedelta(days=day), time(), ZoneInfo(zone)).astimezone(UTC)
