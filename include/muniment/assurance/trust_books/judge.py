"""Judge: holds books against every expectation of the catalogue. Pure functions over what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from muniment.assurance.trust_books import arithmetic, conduct, copies, ties
from muniment.assurance.trust_books.catalogue import Class, Expectation, catalogue
from muniment.assurance.trust_books.columns import RECONCILIATIONS, TRANSACTIONS, Books
from muniment.assurance.trust_books.conduct import Rules
from muniment.assurance.trust_books.figures import NO_PAPERS, Figures
from muniment.assurance.trust_books.verdicts import (
    Found,
    Origin,
    Outcome,
    Verdict,
    not_judged,
    verdict,
)

RECORDED = ("account_running_balance", "ledger_running_balance")
"""Columns that were worked out when the books were backed up, where the source has none of its own."""
INTRINSIC = frozenset({"TX-12", "TX-13"})
"""Rules that one entry breaks by itself, so that the entry in the live source says where it comes from."""
LOOKED_UP = 25
"""How many entries the live source is asked for at most."""

Same = Callable[[str], bool | None]
"""Does the live source have this entry as it was restored? None: nobody can tell."""


@dataclass(frozen=True)
class Given:
    """What is judged.

    Args:
        system: of the inventory row, by which the catalogue says what cannot be told.
        now: the restored books; `kept`: the tables that were made when they were backed up, None where
            there are none; `before`: those of an earlier snapshot, None where there is none.
        today: a day (ISO 8601) by which ages count.
        reports: how often the source's own reports differ, where its reconciler held them against the right
            rows already; None: judge the lines that the books have.
    """

    system: str
    now: Books
    today: str
    kept: Books | None = None
    before: Books | None = None
    rules: Rules = field(default_factory=Rules)
    figures: Figures | None = None
    reports: int | None = None
    same: Same | None = None


Judge = Callable[[Given, Books], Found]

_ALWAYS: Mapping[str, Judge] = {
    "TX-01": lambda given, books: copies.counts(books),
    "TX-02": lambda given, books: copies.balances(books),
    "TX-03": lambda given, books: copies.owners(books),
    "TX-11": lambda given, books: arithmetic.ids(books),
    "TX-12": lambda given, books: arithmetic.references(books),
    "TX-13": lambda given, books: arithmetic.amounts(books),
    "TX-14": lambda given, books: arithmetic.account_balances(books),
    "TX-15": lambda given, books: arithmetic.ledger_balances(books),
    "TX-16": lambda given, books: arithmetic.numbers(books),
    "TX-17": lambda given, books: arithmetic.back_dated(books, _floor(given.rules.back_dated)),
    "TX-18": lambda given, books: arithmetic.transfers(books),
    "TX-19": lambda given, books: arithmetic.reversals(books),
    "TX-20": lambda given, books: arithmetic.parts(books),
    "TX-32": lambda given, books: conduct.ledgers_below_zero(books),
    "TX-33": lambda given, books: conduct.accounts_below_zero(books),
    "TX-34": lambda given, books: conduct.unnamed(books, given.today),
    "TX-35": lambda given, books: conduct.check_numbers_twice(books),
    "TX-36": lambda given, books: conduct.check_numbers_missing(books),
    "TX-37": lambda given, books: conduct.before_cleared(books),
    "TX-38": lambda given, books: conduct.cash(books),
    "TX-39": lambda given, books: conduct.blanks(books),
    "TX-40": lambda given, books: conduct.electronic(books),
    "TX-43": lambda given, books: conduct.stale_checks(books, given.today, given.rules.stale_check),
    "TX-44": lambda given, books: conduct.closed_with_money(books),
    "TX-45": lambda given, books: conduct.firm_money(books, given.rules),
    "TX-46": lambda given, books: conduct.fees(books),
    "TX-47": lambda given, books: conduct.between_clients(books),
}  # fmt: skip
_UPLOADED: Mapping[str, Judge] = {
    "TX-21": lambda given, books: ties.journals(books),
    "TX-22": lambda given, books: ties.clients(books),
    "TX-23": lambda given, books: ties.adjusted(books),
    "TX-24": lambda given, books: ties.statements(books),
    "TX-31": lambda given, books: ties.three_way(books),
    "TX-41": lambda given, books: ties.every_month(books, given.figures.unsigned if given.figures else None),
    "TX-42": lambda given, books: ties.in_time(books, given.rules.reconciled),
}  # fmt: skip
"""Rules over what an accounting system seldom has, and a firm uploads."""


@dataclass(frozen=True, slots=True)
class Judged:
    """All verdicts, in the order of the catalogue. Findings are there only where somebody may see them."""

    verdicts: tuple[Verdict, ...]

    def of(self, id_: str) -> Verdict:
        return next(one for one in self.verdicts if one.id == id_)

    def failed(self, class_: Class) -> Iterator[Verdict]:
        rules = catalogue()
        for one in self.verdicts:
            if rules[one.id].class_ is class_ and rules[one.id].fails and not one.holds:
                yield one

    @property
    def damage(self) -> dict[str, int]:
        """Expectation -> in how many places the copy is not what the source said, or the books were damaged
        since. What counts here makes a verification red."""
        found = {one.id: one.count for one in self.failed(Class.COPY)}
        found |= {one.id: one.damaged() for one in self.failed(Class.LEDGER)}
        return {id_: count for id_, count in found.items() if count}

    @property
    def anomalies(self) -> dict[str, int]:
        """Expectation -> in how many places the source's own books do not add up."""
        found = {one.id: one.count - one.damaged() for one in self.failed(Class.LEDGER)}
        return {id_: count for id_, count in found.items() if count}

    @property
    def unjudged(self) -> dict[str, tuple[str, ...]]:
        """Expectation of the classes copy and ledger -> why it, or a part of it, was not judged."""
        rules = catalogue()
        return {
            one.id: one.reasons
            for one in self.verdicts
            if one.reasons and rules[one.id].class_ is not Class.FINDING
        }


def judge(given: Given, *, findings: bool) -> Judged:
    """Args: findings: whether the class of that name is judged at all; without anybody who may see what
    comes of it, it is not."""
    now = _as_recorded(given.now, given.kept)
    made = []
    for rule in catalogue().values():
        if rule.class_ is Class.FINDING and not findings:
            continue
        one = _one(given, rule, now)
        if rule.class_ is Class.LEDGER and one.outcome is Outcome.FAILS:
            one = _with_origins(given, rule, one)
        made.append(one)
    return Judged(tuple(made))


def _one(given: Given, rule: Expectation, books: Books) -> Verdict:
    why = rule.lacking.get(given.system)
    if why is not None:
        return not_judged(rule.id, [why])
    if rule.id in ("TX-04", "TX-05", "TX-06"):
        return _copy(given, rule.id, books)
    if rule.id in _ALWAYS:
        return verdict(rule.id, _ALWAYS[rule.id](given, books))
    unread = list(given.figures.unread) if given.figures else []
    if not books.rows(RECONCILIATIONS):
        if given.figures is None:
            return not_judged(rule.id, [NO_PAPERS])
        if rule.id not in ("TX-24", "TX-41"):
            return not_judged(rule.id, unread or ["no reconciliation was uploaded"])
    found = _UPLOADED[rule.id](given, books)
    # TX-41 asks for the signed paper, whose absence it tells itself.
    found.unjudged += unread if rule.id != "TX-41" else []
    return verdict(rule.id, found)


def _copy(given: Given, id_: str, books: Books) -> Verdict:
    if id_ == "TX-04":
        if given.reports is None:
            return verdict(id_, copies.reports(books))
        found = Found(of=1)
        for n in range(given.reports):
            found.add(f"report, place {n + 1}")
        return verdict(id_, found)
    if given.before is None:
        return not_judged(id_, ["there is no earlier good snapshot"])
    made = copies.accounts if id_ == "TX-05" else copies.amendments
    return verdict(id_, made(books, given.before))


def _as_recorded(now: Books, kept: Books | None) -> Books:
    """The restored books with the running balances that were worked out when they were backed up. Worked out
    anew from the same entries they would always agree."""
    if kept is None:
        return now
    place = {id_: n for n, id_ in enumerate(kept.entry("transaction_id"))}
    at = [place.get(id_) for id_ in now.entry("transaction_id")]
    shift = 10 ** (now.places - kept.places) if now.places >= kept.places else 1
    held = dict(now.tables.get(TRANSACTIONS, {}))
    for name in RECORDED:
        told = kept.entry(name)
        held[name] = [None if n is None or told[n] is None else told[n] * shift for n in at]
    return replace(now, tables={**now.tables, TRANSACTIONS: held})


def _with_origins(given: Given, rule: Expectation, one: Verdict) -> Verdict:
    """Says of every place whether the books had it when they were backed up."""
    if given.kept is None:
        return one
    then = _one(given, rule, given.kept)
    there = {place.where for place in then.places}
    places, asked = [], 0
    for place in one.places:
        origin = Origin.SOURCE if place.where in there else Origin.RESTORE
        if origin is Origin.RESTORE and place.entry and given.same and rule.id in INTRINSIC:
            if asked < LOOKED_UP and given.same(place.entry):
                origin = Origin.SOURCE
            asked += 1
        places.append(replace(place, origin=origin))
    from_source = sum(place.origin is Origin.SOURCE for place in places)
    if one.count > len(places):
        # Not all are kept: of the others only their number can be compared.
        from_source = min(then.count, one.count - len(places) + from_source)
    return replace(one, places=tuple(places), from_source=from_source)


def _floor(days: int) -> Callable[[str], str]:
    def earlier(day: str) -> str:
        return (date.fromisoformat(day) - timedelta(days=days)).isoformat() if days else day

    return earlier
