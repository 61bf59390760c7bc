"""Figures: what a firm uploads for computing beside its bank statements and reconciliations, as CSV.

`<year>-<month>/<account>/figures/` of the upload folder holds `bank.csv`, `reconciliation.csv` and `clients.csv`
(docs/TRUST_PAPERS.md has their columns). They are read out of the newest good snapshot of the folder. What
cannot be read is told by month and line, without what stands there, and is then not judged.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from muniment.alerts.papers import missing, place_of
from muniment.assurance.trust_books.columns import (
    CLIENT_BALANCES,
    PAPER_COLUMNS,
    RECONCILIATIONS,
    STATEMENTS,
    Values,
)
from muniment.config.papers import TrustPapers, due_papers
from muniment.model.item import Completeness
from muniment.sources.clio.trust.tables import Kind
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault

FILES: Mapping[str, str] = {
    "figures/bank.csv": STATEMENTS,
    "figures/reconciliation.csv": RECONCILIATIONS,
    "figures/clients.csv": CLIENT_BALANCES,
}
"""Path below the account's folder -> table."""
NO_PAPERS = "firm.yaml has no trust_papers"
RECONCILED = "reconciliation"
LARGEST = 32 << 20
"""Bytes. A list of a hundred thousand ledgers is smaller."""

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{2})?")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    STATEMENTS: ("period_end", "opening_balance", "closing_balance"),
    RECONCILIATIONS: ("period_end", "journal_balance", "client_ledger_total"),
    CLIENT_BALANCES: ("balance",),
}
_NUMBER = "matter_number"
"""In clients.csv: in place of matter_id, as the books show it to people."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`tables` as `books_of` takes them. `unread` says what was not judged because of what; `unsigned` is
    account -> months whose signed reconciliation is overdue."""

    tables: Mapping[str, Mapping[str, Values]] = field(repr=False)
    unread: tuple[str, ...] = ()
    unsigned: Mapping[str, list[str]] = field(default_factory=dict)


class Unreadable(Exception):
    """A file of figures is not as it should be; says line and column."""


def figures_in(
    vault: Vault, settings: TrustPapers, zone: str, matters: Mapping[str, tuple[str, str | None]]
) -> Figures:
    """Of the newest good snapshot of the upload folder.

    Args:
        matters: number of a matter -> its id and its client's, as the books have them.

    Raises NoKey, StoreError, VaultError where the snapshot cannot be read.
    """
    history = vault.history(settings.source)
    good = [r for r in history.live if r.commit.completeness is not Completeness.INCOMPLETE]
    if not good:
        return Figures({}, (f"{settings.source} has no good snapshot",))
    rows = [r for r in vault.snapshot(history, good[-1]).items.values() if r.kind == "file"]
    reader = PartReader(vault.store, vault.keyring, history.packs(good[-1]))
    files: dict[bytes, bytes] = {}
    for row in rows:
        place = place_of(row.native_id)
        if place is not None and place[2].casefold() in FILES and 0 < row.size <= LARGEST:
            files[row.native_id] = b"".join(reader.content(row.parts))
    now = vault.clock.now()
    paths = [row.native_id for row in rows if row.size]
    return read_figures(files, paths, settings, zone, now, matters)


def read_figures(
    files: Mapping[bytes, bytes],
    paths: Iterable[bytes],
    settings: TrustPapers,
    zone: str,
    now: datetime,
    matters: Mapping[str, tuple[str, str | None]],
) -> Figures:
    """Pure. `files` are those of figures, `paths` all that are not empty."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in PAPER_COLUMNS}
    unread: list[str] = []
    there: set[tuple[str, str, str]] = set()
    for path, data in sorted(files.items()):
        place = place_of(path)
        assert place is not None
        month, folder, file = place[0], place[1], place[2].casefold()
        if folder not in settings.accounts:
            continue
        account = settings.account(folder).books
        if account is None:
            continue
        try:
            rows = list(_rows(FILES[file], data, account, month, matters))
        except Unreadable as error:
            unread.append(f"{folder} {month}: {file} cannot be read: {error}")
            continue
        found[FILES[file]] += rows
        there.add((folder, month, file))
    _dated(found)
    unread += _lacking(settings, zone, now, there)
    tables = {
        name: {column: [row.get(column) for row in rows] for column in PAPER_COLUMNS[name]}
        for name, rows in found.items()
    }
    unsigned: dict[str, list[str]] = defaultdict(list)
    for due in missing(paths, settings, zone, now):
        if due.paper == RECONCILED and now > due.late:
            unsigned[settings.account(due.account).books or due.account].append(due.month)
    return Figures(tables, tuple(unread), unsigned)


def _rows(
    table: str,
    data: bytes,
    account: str,
    month: str,
    matters: Mapping[str, tuple[str, str | None]],
) -> Iterator[dict[str, Any]]:
    kinds = PAPER_COLUMNS[table]
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        heading = [name.strip().casefold() for name in lines.fieldnames or ()]
        lines.fieldnames = heading
        gone = [name for name in _NEEDED[table] if name not in heading]
        if gone:
            raise Unreadable(f"it has no column {', '.join(gone)}")
        for number, line in enumerate(lines, 2):
            if not any(line.values()):
                continue
            row: dict[str, Any] = {"account_id": account, "month": month}
            for name, kind in kinds.items():
                if name in heading and name != "account_id":
                    row[name] = _value(kind, line[name], f"line {number}, column {name}")
            if table == CLIENT_BALANCES:
                _resolve(row, (line.get(_NUMBER) or "").strip(), matters, number)
            elif row["period_end"] is None or row["period_end"][:7] != month:
                raise Unreadable(f"line {number}: period_end is no day of {month}")
            yield row
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable("it is no CSV in UTF-8") from None


def _value(kind: Kind, text: str | None, where: str) -> str | None:
    text = (text or "").strip()
    if not text:
        return None
    if kind is Kind.MONEY:
        plain = text.replace(",", "")
        if not _AMOUNT.fullmatch(plain):
            raise Unreadable(f"{where} is no amount such as -1234.50")
        return plain if "." in plain else f"{plain}.00"
    if kind is Kind.DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise Unreadable(f"{where} is no day such as 2026-03-31") from None
    return text


def _resolve(
    row: dict[str, Any],
    number: str,
    matters: Mapping[str, tuple[str, str | None]],
    line: int,
) -> None:
    """Fills in ids from a matter's number, and the client from the matter."""
    if number:
        if number not in matters:
            raise Unreadable(f"line {line}: the books have no matter of that number")
        row["matter_id"], row["client_id"] = matters[number]
    elif row.get("matter_id") and not row.get("client_id"):
        clients = dict(matters.values())
        row["client_id"] = clients.get(row["matter_id"])


def _dated(found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Client balances are those of their month's reconciliation."""
    ends = {(r["account_id"], r["month"]): r["period_end"] for r in found[RECONCILIATIONS]}
    for row in found[CLIENT_BALANCES]:
        row["period_end"] = row.get("period_end") or ends.get((row["account_id"], row["month"]))


def _lacking(
    settings: TrustPapers, zone: str, now: datetime, there: set[tuple[str, str, str]]
) -> Iterator[str]:
    """Months whose papers are due and whose figures nobody uploaded, by account and file."""
    months: dict[str, list[str]] = defaultdict(list)
    for due in due_papers(settings, zone, now):
        if now > due.due and due.month not in months[due.account]:
            months[due.account].append(due.month)
    for account, listed in months.items():
        if settings.account(account).books is None:
            yield f"{account}: firm.yaml does not say which account of the books it is"
            continue
        for file in FILES:
            gone = [month for month in listed if (account, month, file) not in there]
            if gone:
                what = file.removeprefix("figures/").removesuffix(".csv")
                yield f"{account}: no {what} figures uploaded for {in_runs(gone)}"


def in_runs(months: Sequence[str]) -> str:
    """`2026-01 to 2026-03, 2026-05`: months in order, runs of them joined."""
    from muniment.config.papers import next_month

    runs: list[list[str]] = []
    for month in months:
        if runs and next_month(runs[-1][-1]) == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
