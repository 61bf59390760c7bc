"""Dump: the practice system's database as `pg_dump` writes it, today and tomorrow.

Plain SQL that PostgreSQL 13 and newer takes with `psql -f`. Rows lie in order of their id. A new
dump repeats nearly all of the old one: reconciliation fills `cleared_on` in a few runs of
neighbouring rows, and new rows stand at the end of the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from . import words
from .chance import stream
from .matters import Matter, Practice
from .share import Share

PATH = b"Accounting/practice-2024.sql"
_LEDGER = "COPY public.trust_ledger "
_LEDGER_ROW, _TIME_ROW = 85, 82
"""Bytes of a row, near enough to hit the wanted size."""

_HEAD = """\
--
-- PostgreSQL database dump
--
-- Dumped from database version 16.4
-- Dumped by pg_dump version 16.4
-- Started on {at:%Y-%m-%d %H:%M:%S} UTC

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET client_min_messages = warning;
SET row_security = off;

CREATE TABLE public.clients (
    id integer NOT NULL,
    name text NOT NULL,
    city text NOT NULL
);

CREATE TABLE public.matters (
    id integer NOT NULL,
    number text NOT NULL,
    title text NOT NULL,
    client_id integer NOT NULL,
    practice text NOT NULL,
    opened_on date NOT NULL,
    closed_on date
);

CREATE TABLE public.time_entries (
    id bigint NOT NULL,
    matter_id integer NOT NULL,
    worked_on date NOT NULL,
    timekeeper text NOT NULL,
    minutes integer NOT NULL,
    rate_cents integer NOT NULL,
    narrative text NOT NULL
);

CREATE TABLE public.trust_ledger (
    id bigint NOT NULL,
    matter_id integer NOT NULL,
    entered_on date NOT NULL,
    kind text NOT NULL,
    payee text NOT NULL,
    amount_cents bigint NOT NULL,
    balance_cents bigint NOT NULL,
    reference text NOT NULL,
    cleared_on date,
    CONSTRAINT trust_is_never_overdrawn CHECK ((balance_cents >= 0))
);

"""
_TAIL = """\
ALTER TABLE ONLY public.clients
    ADD CONSTRAINT clients_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.matters
    ADD CONSTRAINT matters_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.matters
    ADD CONSTRAINT matters_number_key UNIQUE (number);
ALTER TABLE ONLY public.time_entries
    ADD CONSTRAINT time_entries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.trust_ledger
    ADD CONSTRAINT trust_ledger_pkey PRIMARY KEY (id);
CREATE INDEX trust_ledger_matter ON public.trust_ledger USING btree (matter_id, id);
ALTER TABLE ONLY public.matters
    ADD CONSTRAINT matters_client_fkey FOREIGN KEY (client_id) REFERENCES public.clients(id);
ALTER TABLE ONLY public.time_entries
    ADD CONSTRAINT time_entries_matter_fkey FOREIGN KEY (matter_id) REFERENCES public.matters(id);
ALTER TABLE ONLY public.trust_ledger
    ADD CONSTRAINT trust_ledger_matter_fkey FOREIGN KEY (matter_id) REFERENCES public.matters(id);

--
-- PostgreSQL database dump complete
--

"""
_NARRATIVES = (
    "Review documents produced by the other side", "Telephone conference with client",
    "Draft letter to opposing counsel", "Prepare for hearing", "Attend hearing", "Legal research",
    "Revise agreement", "Correspondence with court", "Meet with expert", "Organise exhibits",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewDump:
    """What differs between two dumps."""

    rows_added: int
    rows_changed: int


def _matter_rows(matters: Sequence[Matter], total: int, rng: Random) -> Iterator[str]:
    """The share's matters, then the firm's older ones, whose paper has long been destroyed."""
    for place, matter in enumerate(matters, start=1):
        yield (
            f"{place}\t{matter.number}\t{matter.title}\t{place}\t{matter.practice}\t"
            f"{matter.opened}\t{matter.closed}\n"
        )
    practices = list(Practice)
    for place in range(len(matters) + 1, total + 1):
        year = 1995 + place % 20
        surname = rng.choice(words.SURNAMES)
        yield (
            f"{place}\t{year}-{1000 + place:05d}\tRe {surname}\t{place}\t{rng.choice(practices)}\t"
            f"{year}-03-{1 + place % 28:02d}\t{year + 1}-{1 + place % 12:02d}-15\n"
        )


def _client_rows(matters: Sequence[Matter], total: int, rng: Random) -> Iterator[str]:
    for place in range(1, total + 1):
        known = place <= len(matters)
        name = matters[place - 1].client if known else f"Client {place:05d}"
        yield f"{place}\t{name}\t{rng.choice(words.TOWNS)}\n"


def _time_rows(count: int, total: int, rng: Random) -> Iterator[str]:
    first, staff = date(2012, 1, 2), [" ".join(name) for name in words.STAFF]
    days = [str(first + timedelta(days=day)) for day in range(4700)]
    pick = rng.random
    for number in range(1, count + 1):
        yield (
            f"{number}\t{1 + int(pick() * total)}\t{days[number * 4690 // (count + 1)]}\t"
            f"{staff[int(pick() * 12)]}\t{6 * (1 + int(pick() * 50))}\t"
            f"{1000 * (18 + int(pick() * 40))}\t{_NARRATIVES[int(pick() * 10)]} "
            f"({int(pick() * 1e9):09d})\n"
        )


class _Trust:
    """Ledger rows in order; knows each matter's balance, so that none goes below zero."""

    def __init__(self, rng: Random, total: int, balances: Mapping[int, int] | None = None) -> None:
        self._pick = rng.random
        self._total = total
        self._payees = [f"{a} {b}" for a in words.GIVEN for b in words.SURNAMES]
        self._balances = dict(balances or {})

    def row(self, number: int, day: str, cleared: str) -> str:
        pick = self._pick
        matter = 1 + int(pick() * self._total)
        balance = self._balances.get(matter, 0)
        if balance and pick() < 0.62:
            kind, amount = "disbursement", -1 - int(pick() * balance)
        else:
            kind, amount = "deposit", 5_000 + int(pick() * 4_000_000)
        self._balances[matter] = balance = balance + amount
        payee = self._payees[int(pick() * len(self._payees))]
        return (
            f"{number}\t{matter}\t{day}\t{kind}\t{payee}\t{amount}\t{balance}\t"
            f"TR-{int(pick() * 1e8):08d}\t{cleared}\n"
        )


def _ledger_rows(count: int, trust: _Trust) -> Iterator[str]:
    first = date(2012, 1, 2)
    days = [str(first + timedelta(days=day)) for day in range(4750)]
    for number in range(1, count + 1):
        place = number * 4690 // (count + 1)
        # The last twentieth waits for the bank's statement.
        yield trust.row(number, days[place], days[place + 9] if number * 20 < count * 19 else r"\N")


def write(
    share: Share,
    matters: Sequence[Matter],
    seed: int,
    size: int,
    at: datetime,
    progress: Callable[[int, int], None],
) -> None:
    """A dump of about `size` bytes."""
    rng = stream(seed, "dump")
    total = max(len(matters), size // 10_000)
    left = size - total * 70
    ledger, times = left * 7 // 10 // _LEDGER_ROW, left * 3 // 10 // _TIME_ROW
    tables: tuple[tuple[str, Iterator[str]], ...] = (
        ("clients (id, name, city)", _client_rows(matters, total, rng)),
        (
            "matters (id, number, title, client_id, practice, opened_on, closed_on)",
            _matter_rows(matters, total, rng),
        ),
        (
            "time_entries (id, matter_id, worked_on, timekeeper, minutes, rate_cents, narrative)",
            _time_rows(times, total, rng),
        ),
        (
            "trust_ledger (id, matter_id, entered_on, kind, payee, amount_cents, balance_cents, "
            "reference, cleared_on)",
            _ledger_rows(ledger, _Trust(rng, total)),
        ),
    )
    with share.large(PATH, "sql", at) as file:
        file.write(_HEAD.format(at=at).encode())
        for table, rows in tables:
            file.write(f"COPY public.{table} FROM stdin;\n".encode())
            for row in rows:
                file.write(row.encode())
            file.write(b"\\.\n\n")
            progress(min(file.written, size), size)
        file.write(_TAIL.encode())


def write_again(share: Share, seed: int, at: datetime) -> NewDump:
    """Replaces the dump by the next night's: a bank statement reconciled, a day's rows added."""
    rng = stream(seed, "next dump")
    head, start, rest = share.read(PATH).decode().partition(_LEDGER)
    columns, _, rest = rest.partition("\n")
    body, end, tail = rest.partition("\\.\n")
    rows = body.splitlines(keepends=True)
    day = f"{at:%Y-%m-%d}"
    changed = _reconcile(rows, day, rng)
    balances = {}
    for row in rows:
        _, matter, _, _, _, _, balance, _ = row.split("\t", 7)
        balances[int(matter)] = int(balance)
    trust = _Trust(rng, max(balances), balances)
    added = max(3, len(rows) // 1000)
    rows += [trust.row(len(rows) + 1 + number, day, r"\N") for number in range(added)]
    head = re.sub("(?<=-- Started on ).*", f"{at:%Y-%m-%d %H:%M:%S} UTC", head, count=1)
    text = "".join((head, start, columns, "\n", *rows, end, tail))
    share.save_over(PATH, text.encode(), at)
    return NewDump(rows_added=added, rows_changed=changed)


def _reconcile(rows: list[str], day: str, rng: Random) -> int:
    """Marks runs of neighbouring rows as cleared, in place. Gives back how many."""
    changed = 0
    waiting = len(rows) - len(rows) // 20
    for _ in range(3):
        first = rng.randrange(waiting, len(rows))
        for place in range(first, min(len(rows), first + max(4, len(rows) // 1500))):
            if rows[place].endswith("\\N\n"):
                rows[place] = f"{rows[place][:-3]}{day}\n"
                changed += 1
    return changed
