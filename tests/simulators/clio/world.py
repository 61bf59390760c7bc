"""One firm: its rows, its money, its files, its time - and the ways to change them that keep all in step."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.simulators.clio import trust
from tests.simulators.clio.clock import Clock, stamp
from tests.simulators.clio.files import Files, Papers
from tests.simulators.clio.store import Ref, Row, Store, etag_of
from tests.simulators.clio.trust import Ledger


@dataclass
class Settings:
    """What the description leaves open, as a setting; README.md says which and why."""

    page_token_seconds: float | None = (
        None  # platform.yaml: could_not_confirm - page_token lifetime
    )
    download_seconds: float = 300  # platform.yaml: downloads.location_ttl
    upload_seconds: float = 600  # platform.yaml: uploads.put_url_ttl - assume 10 minutes
    trash_days: int = 30  # platform.yaml: deletions.soft_deleted_visible.documents
    send_records: bool = True  # platform.yaml: pagination.total
    offset_limit: int = 10_000  # platform.yaml: pagination.offset.max_records
    quiet_nested_changes: bool = (
        False  # platform.yaml: could_not_confirm - updated_since for nested changes
    )
    part_bytes: int = 5_000_000  # platform.yaml: uploads.multipart.part_min_mb
    report_polls: int = 2  # how often a report is asked after before it is ready


@dataclass(frozen=True)
class View:
    """The firm at one moment."""

    store: Store
    ledger: Ledger


@dataclass
class World:
    """All changes hold `lock`; a reader holds it while it collects rows."""

    seed: int
    clock: Clock = field(default_factory=Clock)
    settings: Settings = field(default_factory=Settings)
    store: Store = field(default_factory=Store)
    ledger: Ledger = field(default_factory=Ledger)
    lock: threading.RLock = field(default_factory=threading.RLock)
    papers: Papers | None = None

    def __post_init__(self) -> None:
        self.next_purge = self.clock.now()
        self.files = Files(self.seed, self.papers)
        self._entered = datetime.min.replace(tzinfo=UTC)

    def view(self, sequence: int | None = None) -> View:
        """The firm now, or right after change `sequence`."""
        with self.lock:
            if sequence is None or sequence >= self.store.sequence:
                return View(self.store, self.ledger)
            return View(self.store.as_of(sequence), self.ledger.as_of(sequence))

    # -- rows ------------------------------------------------------------------------------------
    def create(self, collection: str, at: datetime | None = None, /, **values: Any) -> Ref:
        with self.lock:
            moment = at or self.clock.tick()
            id_ = self.store.new_id(collection)
            row: dict[str, Any] = {
                "id": id_,
                "etag": etag_of(collection, id_, f"{self.seed}/1"),
                "_version": 1,
                "created_at": stamp(moment),
                "updated_at": stamp(moment),
                **values,
            }
            self.store.put(moment, collection, id_, row, "created")
            return Ref(collection, id_)

    def change(
        self, ref: Ref, /, *, at: datetime | None = None, quiet: bool = False, **values: Any
    ) -> Row:
        """Puts `values` into the row. A quiet change moves neither etag nor updated_at."""
        with self.lock:
            moment = at or self.clock.tick()
            before = self.store.at(ref)
            assert before is not None, ref
            row = {**before, **values}
            if not quiet:
                row["_version"] = before["_version"] + 1
                row["etag"] = etag_of(ref.collection, ref.id, f"{self.seed}/{row['_version']}")
                row["updated_at"] = stamp(moment)
            self.store.put(moment, ref.collection, ref.id, row, "changed")
            return row

    def delete(self, ref: Ref, /, at: datetime | None = None) -> None:
        with self.lock:
            self.store.remove(at or self.clock.tick(), ref.collection, ref.id)

    def part(self, kind: str, at: datetime | None = None, /, **values: Any) -> dict[str, Any]:
        """An object that lives inside a row, such as an address: with id, etag and times of its own."""
        with self.lock:
            moment = at or self.clock.now()
            id_ = self.store.new_id(kind)
            return {
                "id": id_,
                "etag": etag_of(kind, id_, f"{self.seed}/1"),
                "created_at": stamp(moment),
                "updated_at": stamp(moment),
                **values,
            }

    def row(self, ref: Ref) -> Row:
        row = self.store.at(ref)
        assert row is not None, ref
        return row

    # -- money -----------------------------------------------------------------------------------
    def transact(
        self,
        account: Ref,
        amount: int,
        at: datetime | None = None,
        /,
        *,
        client: Ref | None = None,
        matter: Ref | None = None,
        **values: Any,
    ) -> Ref:
        """Funds into (cents, positive) or out of an account: a row of the API and two legs in the ledger.

        Raises Overdrawn where a trust account's client or matter would fall below zero.
        """
        with self.lock:
            row = {"bank_account": account, "client": client, "matter": matter}
            self._refuse_overdraft(account, trust.book_of(row), amount)
            bank = self.row(account)
            moment = at or self.clock.tick()
            # Ids are given out as rows are made; a founding row of an earlier day is one entered late.
            self._entered = max(moment, self._entered)
            made = self.create(
                "bank_transactions",
                self._entered,
                **row,
                **_amounts(amount),
                **{
                    "bank_account_id": account.id,
                    "date": stamp(moment)[:10],
                    "currency": bank["currency"],
                    "currency_id": bank["currency_id"],
                    "exchange_rate": 1.0,
                    "clio_payments_transaction": False,
                    "read_only_confirmation": False,
                    # platform.yaml: trust_accounting.checks.running - here the balance at the row.
                    "current_account_balance": trust.dollars(self.ledger.held(account.id) + amount),
                    "_reconciled": False,
                }
                | values,
            )
            self.ledger.post(self.store.sequence, made.id, trust.book_of(row), amount)
            return made

    def _refuse_overdraft(self, account: Ref, book: trust.Book, amount: int) -> None:
        if self.row(account)["type"] == "Trust" and self.ledger.owed(book) + amount < 0:
            raise Overdrawn(f"{book.owner} {book.id} does not hold that much in trust")

    def amend(self, transaction: Ref, /, *, quiet: bool = False, **values: Any) -> Row:
        """Changes a bank transaction; where money or owner change, the ledger reverses and posts anew."""
        with self.lock:
            before = self.row(transaction)
            after = {**before, **values}
            old = trust.cents(before["funds_in"]) - trust.cents(before["funds_out"])
            new = trust.cents(after["funds_in"]) - trust.cents(after["funds_out"])
            book, new_book = trust.book_of(before), trust.book_of(after)
            if (book, old) != (new_book, new):
                self._refuse_overdraft(
                    before["bank_account"], book, -old + (new if book == new_book else 0)
                )
                if book != new_book:
                    self._refuse_overdraft(after["bank_account"], new_book, new)
            row = self.change(transaction, quiet=quiet, **values)
            if (book, old) != (new_book, new):
                self.ledger.reverse(self.store.sequence, transaction.id)
                self.ledger.post(self.store.sequence, transaction.id, new_book, new)
            return row

    def detach(self, transaction: Ref, /, *, quiet: bool = False) -> None:
        """Takes the matter off a bank transaction: its funds are then its client's, at no matter."""
        with self.lock:
            row = self.row(transaction)
            amount = trust.cents(row["funds_in"]) - trust.cents(row["funds_out"])
            after = self.change(transaction, quiet=quiet, matter=None)
            self.ledger.reverse(self.store.sequence, transaction.id)
            self.ledger.post(self.store.sequence, transaction.id, trust.book_of(after), amount)

    def strike(self, transaction: Ref) -> None:
        """Deletes a bank transaction. Raises Overdrawn where the funds have already been spent."""
        with self.lock:
            row = self.row(transaction)
            amount = trust.cents(row["funds_in"]) - trust.cents(row["funds_out"])
            self._refuse_overdraft(row["bank_account"], trust.book_of(row), -amount)
            self.delete(transaction)
            self.ledger.reverse(self.store.sequence, transaction.id)


class Overdrawn(Exception):
    """Client money may not be used for another client. platform.yaml: trust_accounting.checks.no_negative"""


def _amounts(amount: int) -> dict[str, Any]:
    """examples.json: trust_ledger_rows - the amount is positive both ways."""
    return {
        "amount": trust.dollars(abs(amount)),
        "funds_in": trust.dollars(max(amount, 0)),
        "funds_out": trust.dollars(max(-amount, 0)),
        "type": "asset" if amount >= 0 else "liability",
    }
