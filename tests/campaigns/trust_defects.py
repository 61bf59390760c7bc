"""Defects of trust books, by seed: each is planted in clean books of a firm and must be found by its class.

The first eleven are those of the list that the product's facts give; seven more make its eighteen. The rest see
to it that every expectation is killed by something. A defect of class copy or ledger is planted in the restored
books, beside the tables as they were backed up: it must count as damage. A finding is planted in both: it must be
found, and count as nothing else. A seed without a defect must give no alarm of any class.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from muniment.assurance.trust_books.catalogue import Class, catalogue
from muniment.assurance.trust_books.columns import Books, books_from_columns, books_from_csv
from muniment.assurance.trust_books.conduct import Rules
from muniment.assurance.trust_books.judge import Given, Judged, judge
from tests.campaign import Case, table
from tests.support.trust_ledgers import (
    SMALL,
    THREE_HUNDRED,
    TODAY,
    TWENTY,
    Size,
    Tables,
    as_clio_tells,
    as_csv,
    cents,
    clean,
    money,
)

PIECE = 20
MOST = 20.0
"""Seconds of processor in which the books of the largest firm must be reconciled."""
RULES = Rules(firm_money=Decimal("500.00"))
Plant = Callable[[random.Random, Tables], None]


@dataclass(frozen=True)
class Defect:
    """`found_by` must all fail. On what Clio tells, only `on_clio` of them can."""

    name: str
    plant: Plant
    found_by: tuple[str, ...]
    on_clio: tuple[str, ...]
    only: bool = False
    """Nothing else of the classes copy and ledger may find it."""
    misconduct: str = ""
    """How the firm itself has to misbehave: see `clean`."""

    @property
    def is_finding(self) -> bool:
        return all(catalogue()[one].class_ is Class.FINDING for one in self.found_by)


# -- tools ---------------------------------------------------------------------------------------


def entries(tables: Tables) -> dict[str, list]:
    return tables["trust_transaction"]


def some(rng: random.Random, tables: Tables, **cells: object) -> int:
    """An entry with these cells, not among the first or last of the books."""
    held = entries(tables)
    count = len(held["amount"])
    wanted = [
        n
        for n in range(count // 10, count - count // 10)
        if all(held[name][n] == value for name, value in cells.items())
    ]
    return rng.choice(wanted)


def pay(rng: random.Random, tables: Tables) -> int:
    return some(rng, tables, type="disbursement", ledger_kind="client", voided_on=None)


def remove(columns: dict[str, list], at: Iterable[int]) -> None:
    gone = set(at)
    for name, values in columns.items():
        columns[name] = [value for n, value in enumerate(values) if n not in gone]


# -- the eleven ----------------------------------------------------------------------------------


def lost(rng: random.Random, tables: Tables) -> None:
    remove(entries(tables), [pay(rng, tables)])


def doubled(rng: random.Random, tables: Tables) -> None:
    at = pay(rng, tables)
    for values in entries(tables).values():
        values.insert(at, values[at])


def one_cent(rng: random.Random, tables: Tables) -> None:
    held, at = entries(tables)["amount"], pay(rng, tables)
    held[at] = money(cents(held[at]) - 1)


def moved_inside(rng: random.Random, tables: Tables) -> None:
    held, matters = entries(tables), tables["matter"]
    at = pay(rng, tables)
    held["matter_id"][at] = next(
        m for m, c in zip(matters["matter_id"], matters["client_id"], strict=True)
        if c == held["client_id"][at] and m != held["matter_id"][at]
    )  # fmt: skip


def moved_abroad(rng: random.Random, tables: Tables) -> None:
    held, at = entries(tables), pay(rng, tables)
    held["client_id"][at] = next(
        c for c in tables["client"]["client_id"] if c != held["client_id"][at]
    )


def matter_gone(rng: random.Random, tables: Tables) -> None:
    matter = entries(tables)["matter_id"][pay(rng, tables)]
    remove(tables["matter"], [tables["matter"]["matter_id"].index(matter)])


def tail_cut(rng: random.Random, tables: Tables) -> None:
    """And all that the source said of it edited to match."""
    held = entries(tables)
    account = tables["trust_account"]["account_id"][0]
    last = max(tables["reconciliation"]["period_end"])
    gone = [
        n for n, (a, day) in enumerate(zip(held["account_id"], held["entry_date"], strict=True))
        if a == account and day >= f"{last[:8]}20"
    ]  # fmt: skip
    sums: dict[tuple[str, str], int] = {}
    for n in gone:
        key = held["client_id"][n], held["matter_id"][n]
        sums[key] = sums.get(key, 0) + cents(held["amount"][n])
    ids = {held["transaction_id"][n] for n in gone}
    remove(held, gone)
    accounts, balances = tables["trust_account"], tables["matter_trust_balance"]
    accounts["reported_transaction_count"][0] -= len(gone)
    accounts["reported_balance"][0] = money(
        cents(accounts["reported_balance"][0]) - sum(sums.values())
    )
    for n, key in enumerate(zip(balances["client_id"], balances["matter_id"], strict=True)):
        if balances["account_id"][n] == account and key in sums:
            balances["balance"][n] = money(cents(balances["balance"][n]) - sums[key])
    report = tables["evidence_report"]
    remove(report, [n for n, id_ in enumerate(report["transaction_id"]) if id_ in ids])


def no_matter(rng: random.Random, tables: Tables) -> None:
    entries(tables)["matter_id"][pay(rng, tables)] = None


def reconciliation_edited(rng: random.Random, tables: Tables) -> None:
    held = tables["reconciliation"]["journal_balance"]
    at = rng.randrange(len(held))
    held[at] = money(cents(held[at]) + 100)


def statement_unlinked(rng: random.Random, tables: Tables) -> None:
    held = tables["bank_statement"]["opening_balance"]
    at = rng.randrange(4, len(held))
    held[at] = money(cents(held[at]) + 1)


def through_a_float(rng: random.Random, tables: Tables) -> None:
    held, at = entries(tables)["amount"], pay(rng, tables)
    held[at] += "00000000001"


# -- seven more ----------------------------------------------------------------------------------


def account_gone(rng: random.Random, tables: Tables) -> None:
    """With everything that is on it."""
    account = tables["trust_account"]["account_id"][-1]
    ids = {
        id_ for id_, a in zip(entries(tables)["transaction_id"], entries(tables)["account_id"], strict=True)
        if a == account
    }  # fmt: skip
    for columns in tables.values():
        if "account_id" in columns:
            remove(columns, [n for n, a in enumerate(columns["account_id"]) if a == account])
    report = tables["evidence_report"]
    remove(report, [n for n, id_ in enumerate(report["transaction_id"]) if id_ in ids])


def rewritten(rng: random.Random, tables: Tables) -> None:
    entries(tables)["purpose"][pay(rng, tables)] = "Something else"


def back_dated(rng: random.Random, tables: Tables) -> None:
    held = entries(tables)["entry_date"]
    wanted = [n for n in range(len(held) // 10, len(held)) if held[n][8:] > "10"]
    at = rng.choice(wanted)
    held[at] = f"{held[at][:8]}01"


def half_a_transfer(rng: random.Random, tables: Tables) -> None:
    held = entries(tables)
    wanted = [n for n, pair in enumerate(held["transfer_pair_id"]) if pair is not None]
    held["transfer_pair_id"][rng.choice(wanted)] = "T0"


def reversed_twice(rng: random.Random, tables: Tables) -> None:
    held = entries(tables)
    of = next(id_ for id_ in held["reverses_transaction_id"] if id_ is not None)
    at = some(rng, tables, type="deposit", reverses_transaction_id=None, ledger_kind="client")
    held["reverses_transaction_id"][at] = of


def client_balance_edited(rng: random.Random, tables: Tables) -> None:
    held = tables["reconciliation_client_balance"]["balance"]
    at = rng.randrange(len(held))
    held[at] = money(cents(held[at]) + 1)


def sign_turned(rng: random.Random, tables: Tables) -> None:
    held, at = entries(tables)["amount"], pay(rng, tables)
    held[at] = held[at].removeprefix("-")


# -- so that every expectation is killed ----------------------------------------------------------


def report_edited(rng: random.Random, tables: Tables) -> None:
    held = tables["evidence_report"]["funds_in"]
    held[rng.randrange(len(held))] = "0.37"


def no_such_ledger(rng: random.Random, tables: Tables) -> None:
    entries(tables)["ledger_kind"][pay(rng, tables)] = "house"


def adjusted_edited(rng: random.Random, tables: Tables) -> None:
    held = tables["reconciliation"]["adjusted_bank_balance"]
    at = rng.randrange(len(held))
    held[at] = money(cents(held[at]) - 1)


def other_currency(rng: random.Random, tables: Tables) -> None:
    entries(tables)["currency"][pay(rng, tables)] = "CAD"


def nothing(rng: random.Random, tables: Tables) -> None:
    """The firm misbehaves by itself."""


def check_twice(rng: random.Random, tables: Tables) -> None:
    held = entries(tables)
    wanted = [
        n for n, number in enumerate(held["check_number"]) if number and not held["voided_on"][n]
    ]
    one, other = rng.sample([n for n in wanted if held["account_id"][n] == "9000"], 2)
    held["check_number"][one] = held["check_number"][other]


def check_left_out(rng: random.Random, tables: Tables) -> None:
    held = entries(tables)
    at = max(
        n
        for n, number in enumerate(held["check_number"])
        if number and not held["reverses_transaction_id"][n]
    )
    held["check_number"][at] = str(int(held["check_number"][at]) + 2)


def never_cleared(rng: random.Random, tables: Tables) -> None:
    """The first money of a ledger that was spent."""
    held = entries(tables)
    spent = [
        key for key in zip(held["account_id"], held["matter_id"], held["type"], strict=True)
        if key[2] == "disbursement" and key[1] is not None
    ]  # fmt: skip
    account, matter, _ = rng.choice(spent)
    for n in range(len(held["amount"])):
        if (held["account_id"][n], held["matter_id"][n], held["type"][n]) == (
            account,
            matter,
            "deposit",
        ):
            held["cleared_on"][n] = None


def to_cash(rng: random.Random, tables: Tables) -> None:
    entries(tables)["payor_payee"][pay(rng, tables)] = "CASH"


def no_purpose(rng: random.Random, tables: Tables) -> None:
    entries(tables)["purpose"][pay(rng, tables)] = None


def wire_by_nobody(rng: random.Random, tables: Tables) -> None:
    entries(tables)["authorised_by"][some(rng, tables, method="wire")] = None


def month_not_reconciled(rng: random.Random, tables: Tables) -> None:
    held = tables["reconciliation"]
    account, end = held["account_id"][0], sorted(set(held["period_end"]))[3]
    for name in ("reconciliation", "reconciliation_client_balance"):
        columns = tables[name]
        remove(columns, [
            n for n, key in enumerate(zip(columns["account_id"], columns["period_end"], strict=True))
            if key == (account, end)
        ])  # fmt: skip


def reviewed_by_its_maker(rng: random.Random, tables: Tables) -> None:
    held = tables["reconciliation"]["reviewed_by"]
    held[rng.randrange(len(held))] = "Bookkeeper"


def stale_check(rng: random.Random, tables: Tables) -> None:
    held = entries(tables)
    held["cleared_on"][some(rng, tables, method="check", type="disbursement", voided_on=None)] = (
        None
    )


def closed_with_money(rng: random.Random, tables: Tables) -> None:
    held = tables["matter_trust_balance"]
    matter = next(m for m, b in zip(held["matter_id"], held["balance"], strict=True) if cents(b))
    tables["matter"]["status"][tables["matter"]["matter_id"].index(matter)] = "Closed"


def fee_on_a_client(rng: random.Random, tables: Tables) -> None:
    entries(tables)["purpose"][pay(rng, tables)] = "Monthly service charge"


def between_clients(rng: random.Random, tables: Tables) -> None:
    held = entries(tables)
    sides: dict[str, list[int]] = {}
    for n, pair in enumerate(held["transfer_pair_id"]):
        if pair is not None:
            sides.setdefault(pair, []).append(n)
    two = [s for s in sides.values() if held["client_id"][s[0]] != held["client_id"][s[1]]]
    for n in rng.choice(two):
        held["authorised_by"][n] = None


_LOST = ("TX-01", "TX-02", "TX-14", "TX-15", "TX-16", "TX-21", "TX-22")
_LOST_CLIO = ("TX-01", "TX-02", "TX-14", "TX-15", "TX-21", "TX-22")
_CENT = ("TX-02", "TX-14", "TX-15", "TX-21", "TX-22")
DEFECTS: tuple[Defect, ...] = (
    Defect("a row is lost", lost, _LOST, _LOST_CLIO),
    Defect("a row is doubled", doubled, ("TX-11", *_LOST), ("TX-11", *_LOST_CLIO)),
    Defect("an amount is one cent less", one_cent, _CENT, _CENT),
    Defect("a row moves to another matter of its client", moved_inside, ("TX-03", "TX-15", "TX-22"), ("TX-03", "TX-15", "TX-22")),
    Defect("a row moves to another client", moved_abroad, ("TX-12", "TX-15", "TX-22"), ("TX-12", "TX-15", "TX-22")),
    Defect("a matter is gone", matter_gone, ("TX-12",), ("TX-12",), only=True),
    Defect("the tail is cut and all totals are edited", tail_cut, ("TX-21", "TX-22"), ("TX-21", "TX-22")),
    Defect("a row has no matter", no_matter, ("TX-15", "TX-22", "TX-34"), ("TX-15", "TX-22", "TX-34")),
    Defect("a reconciliation is edited", reconciliation_edited, ("TX-21", "TX-31"), ("TX-21", "TX-31")),
    Defect("a statement does not follow the one before", statement_unlinked, ("TX-24",), ("TX-24",), only=True),
    Defect("an amount went through a float", through_a_float, ("TX-13",), ("TX-13",)),
    Defect("an account is gone with all that was on it", account_gone, ("TX-05",), ("TX-05",)),
    Defect("an old row says something else", rewritten, ("TX-06",), ("TX-06",)),
    Defect("a row is back-dated", back_dated, ("TX-06", "TX-17"), ("TX-06", "TX-17")),
    Defect("one side of a transfer is lost", half_a_transfer, ("TX-18",), ()),
    Defect("a row is reversed twice", reversed_twice, ("TX-19",), ()),
    Defect("a client balance of a reconciliation is edited", client_balance_edited, ("TX-22",), ("TX-22",), only=True),
    Defect("a sign is turned", sign_turned, ("TX-02", "TX-03", "TX-13", "TX-14", "TX-15", "TX-21", "TX-22"), _CENT),
    Defect("a line of the source's report is another", report_edited, ("TX-04",), ("TX-04",)),
    Defect("a row is on no ledger", no_such_ledger, ("TX-20",), ("TX-20",)),
    Defect("an adjusted balance is edited", adjusted_edited, ("TX-23", "TX-31"), ("TX-23", "TX-31")),
    Defect("a row is in another currency", other_currency, ("TX-13",), ("TX-13",), only=True),
    Defect("a ledger is overdrawn", nothing, ("TX-32",), ("TX-32",), misconduct="overdraw"),
    Defect("an account is overdrawn", nothing, ("TX-32", "TX-33"), ("TX-32", "TX-33"), misconduct="bounce"),
    Defect("too much of the firm's own money", nothing, ("TX-45",), ("TX-45",), misconduct="own money"),
    Defect("a check number is used twice", check_twice, ("TX-35",), ()),
    Defect("a check number is left out", check_left_out, ("TX-36",), ()),
    Defect("money is spent that never cleared", never_cleared, ("TX-37",), ()),
    Defect("a payment to cash", to_cash, ("TX-38",), ("TX-38",)),
    Defect("a payment without a purpose", no_purpose, ("TX-39",), ("TX-39",)),
    Defect("a wire that nobody authorised", wire_by_nobody, ("TX-40",), ()),
    Defect("a month is not reconciled", month_not_reconciled, ("TX-41",), ("TX-41",)),
    Defect("a reconciliation is reviewed by its maker", reviewed_by_its_maker, ("TX-42",), ("TX-42",)),
    Defect("a check is outstanding for years", stale_check, ("TX-43",), ()),
    Defect("a closed matter has money", closed_with_money, ("TX-44",), ("TX-44",)),
    Defect("a bank's fee on a client's ledger", fee_on_a_client, ("TX-46",), ("TX-46",)),
    Defect("money of one client becomes another's", between_clients, ("TX-47",), ()),
)  # fmt: skip
EIGHTEEN = DEFECTS[:18]


# -- a case --------------------------------------------------------------------------------------


def copied(tables: Tables) -> Tables:
    return {name: {c: list(values) for c, values in held.items()} for name, held in tables.items()}


def judged(system: str, now: Books, kept: Books, before: Books) -> Judged:
    return judge(Given(system, now, TODAY, kept, before, RULES), findings=True)


def failing(found: Judged) -> set[str]:
    return {one.id for one in found.verdicts if not one.holds}


def try_defect(defect: Defect, seed: int, size: Size, *, clio: bool) -> tuple[set[str], list[str]]:
    """What failed, and what is wrong with that."""
    true = clean(seed, size, defect.misconduct)
    planted = copied(true)
    defect.plant(random.Random(f"{seed}/{defect.name}"), planted)
    told = as_clio_tells if clio else lambda tables: tables
    now, kept = books_from_columns(told(planted)), books_from_columns(told(true))
    found = judged(
        "clio-trust" if clio else "ledger", now, now if defect.is_finding else kept, kept
    )
    failed = failing(found)
    wanted = set(defect.on_clio if clio else defect.found_by)
    wrong = [f"{id_} does not find it" for id_ in sorted(wanted - failed)]
    arithmetic = {
        i for i in failed if catalogue()[i].class_ is not Class.FINDING and catalogue()[i].fails
    }
    if defect.only and arithmetic - wanted:
        wrong.append(f"also {', '.join(sorted(arithmetic - wanted))}")
    fails = {i for i in wanted if catalogue()[i].fails}
    if defect.is_finding:
        if found.damage:
            wrong.append(f"a finding counts as damage: {', '.join(found.damage)}")
    elif fails - found.damage.keys():
        wrong.append(f"no damage: {', '.join(sorted(fails - found.damage.keys()))}")
    if not defect.is_finding and wanted and not found.damage and fails:
        wrong.append("the verification would be green")
    return failed, wrong


@dataclass(frozen=True)
class Took:
    """Seconds of processor: to read the restored books, those as they were backed up and those of before, and to judge
    them; and all of it by the clock."""

    reading: float
    judging: float
    clock: float

    @property
    def whole(self) -> float:
        return self.reading + self.judging


def try_clean(seed: int, size: Size) -> tuple[Took, list[str]]:
    """What it took, and what gave an alarm."""
    parts = {name: as_csv(held) for name, held in clean(seed, size).items()}
    clock, began = time.monotonic(), time.process_time()
    # Three times, as the weekly look has them: what one has worked out must not be a gift to the others.
    now, kept, before = (books_from_csv(parts) for _ in range(3))
    read = time.process_time()
    found = judged("ledger", now, kept, before)
    spent = Took(read - began, time.process_time() - read, time.monotonic() - clock)
    alarms = [f"{one.id} in {one.count} places" for one in found.verdicts if not one.holds]
    alarms += [f"{one.id} is not judged: {one.reasons[0]}" for one in found.verdicts if one.reasons]
    return spent, alarms


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    """Every seed plants one defect twice: in a 20-lawyer firm's books, and in those as Clio tells them. The last
    two of every round are clean: a firm of 20, and one of 300."""
    import pyarrow.csv  # noqa: F401  Its import is no part of what is measured.

    for seed in seeds:
        kind = seed % (len(DEFECTS) + 2)
        if kind >= len(DEFECTS):
            size = TWENTY if kind == len(DEFECTS) else THREE_HUNDRED
            spent, alarms = try_clean(seed, size)
            row = {
                "defect": "none", "entries": size.entries, "seconds": round(spent.whole, 1),
                "reading": round(spent.reading, 1), "judging": round(spent.judging, 1), "clock": round(spent.clock, 1),
            }  # fmt: skip
            if spent.whole >= MOST:
                alarms.append(
                    f"it took {spent.whole:.1f} s of processor, and {MOST:.0f} are promised"
                )
            yield Case(seed, row, tuple(alarms))
            continue
        defect = DEFECTS[kind]
        began = time.process_time()
        failed, wrong = try_defect(defect, seed, TWENTY, clio=False)
        told, wrong_there = try_defect(defect, seed, TWENTY, clio=True)
        row = {
            "defect": defect.name, "entries": TWENTY.entries, "seconds": round(time.process_time() - began, 1),
            "found_by": sorted(failed), "on_clio": sorted(told), "eighteen": defect in EIGHTEEN,
        }  # fmt: skip
        yield Case(seed, row, (*wrong, *(f"as Clio tells it: {one}" for one in wrong_there)))


def summary(cases: Iterable[Case]) -> str:
    held = list(cases)
    rows = [("defect", "found by", "as Clio tells it")]
    seen: dict[str, Case] = {}
    for case in held:
        seen.setdefault(str(case.row["defect"]), case)
    for name, case in seen.items():
        if name != "none":
            clio = " ".join(case.row["on_clio"]) or "cannot be seen"
            rows.append((name, " ".join(case.row["found_by"]), clio))
    lines = [table(rows)]
    for entries_ in (TWENTY.entries, THREE_HUNDRED.entries):
        mine = [c for c in held if c.row["defect"] == "none" and c.row["entries"] == entries_]
        if mine:
            worst = max((c.row for c in mine), key=lambda row: row["seconds"])
            alarms = sum(bool(c.wrong) for c in mine)
            lines.append(
                f"clean, {entries_:,} entries: {len(mine)} firms, {alarms} alarms; at most {worst['seconds']} s of processor "
                f"({worst['reading']} to read them three times, {worst['judging']} to judge), {worst['clock']} s by the clock"
            )
    return "\n".join(lines)


__all__ = [
    "DEFECTS",
    "EIGHTEEN",
    "SMALL",
    "Defect",
    "failing",
    "judged",
    "run",
    "summary",
    "try_clean",
    "try_defect",
]
