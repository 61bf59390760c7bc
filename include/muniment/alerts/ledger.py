"""Ledgers: where a book is kept.

The firm's own is the evidence stream `operations-alerts`: signed, chained, append-only; Airflow's database
may be lost. A watcher outside has only read access to the store, so he keeps a file; and a watch whose store
is away keeps one until it is back.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from muniment.alerts.book import Book
from muniment.alerts.lines import event_of, facts_of
from muniment.alerts.model import Event, Happened
from muniment.alerts.newest import newest_entries
from muniment.errors import StagingError
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import append
from muniment.vault.finding import Finding
from muniment.vault.vault import Vault

STREAM = "operations-alerts"
SUMMARY_EVERY = 100
"""Events after which the whole book is written as one entry, so that nobody reads further back."""


class Ledger(Protocol):
    """A book that is kept somewhere. One writer at a time."""

    book: Book

    def append(self, event: Event) -> str:
        """Keeps an event and applies it; returns a reference to where it stands."""
        ...

    def close(self) -> None:
        """Called at the end of a watch."""
        ...


class EvidenceLedger:
    """In the vault. Reading needs no key; writing needs the operations signer."""

    def __init__(self, vault: Vault) -> None:
        """Raises StoreError, TrustError."""
        self._vault = vault
        found = newest_entries(vault.store, vault.trust, STREAM, _is_summary)
        self.findings: list[Finding] = found.findings
        self.book = Book()
        self._since_summary = 0
        self._alone = True
        self._tip = found.objects[-1].digest if found.objects else None
        for resolved in found.objects:
            self._take(resolved.value)

    def _take(self, entry: EvidenceEntry) -> None:
        if _is_summary(entry):
            self.book = Book.from_text(str(entry.facts["book"]))
            self._since_summary = 0
            return
        self._since_summary += 1
        try:
            event = event_of(entry.event, entry.subject, entry.at, entry.facts)
        except (ValueError, KeyError):
            # A word of a later version: what it means it says to that one.
            return
        self.book.apply([event])

    def append(self, event: Event) -> str:
        written = append(
            self._vault,
            STREAM,
            event.happened.value,
            subject=event.key,
            facts=facts_of(event),
            at=event.at,
        )
        # Who wrote in between (the canary does) is not in this book.
        self._alone = self._alone and written.value.parent == self._tip
        self._tip = written.digest
        self.book.apply([event])
        self._since_summary += 1
        return written.name

    def close(self) -> None:
        if self._since_summary < SUMMARY_EVERY or not self._alone:
            return
        facts = {"book": self.book.to_text(), "after": self._tip}
        append(self._vault, STREAM, Happened.STATE.value, facts=facts)
        self._since_summary = 0


def _is_summary(entry: EvidenceEntry) -> bool:
    """Does it stand for all that was written before it? One that another writer got ahead of does not,
    and is passed over."""
    if entry.event != Happened.STATE or entry.parent != entry.facts.get("after"):
        return False
    try:
        Book.from_text(str(entry.facts.get("book")))
    except ValueError:
        return False
    return True


class FileLedger:
    """In a file of mode 0600: the book as JSON, replaced as a whole and durable after every event."""

    def __init__(self, path: Path) -> None:
        """Raises StagingError when the file cannot be read or is no book."""
        self.path = path
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            self.book = Book.from_text(text) if text.strip() else Book()
        except (OSError, ValueError) as error:
            raise StagingError(
                f"the file in which the watch remembers what it told cannot be read ({type(error).__name__})",
                to=str(path),
                todo="Move the file away: the watch then begins anew, and may tell something twice.",
            ) from None

    @property
    def empty(self) -> bool:
        """Is nothing open and nothing left to tell?"""
        return not self.book.open and not self.book.waiting

    def append(self, event: Event) -> str:
        self.book.apply([event])
        self._write()
        return str(self.path)

    def close(self) -> None:
        self._write()

    def _write(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self.path.with_name(self.path.name + ".new")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(self.book.to_text() + "\n")
                out.flush()
                os.fsync(out.fileno())
            os.replace(beside, self.path)
        except OSError as error:
            raise StagingError(
                f"the file in which the watch remembers what it told cannot be written ({error.strerror})",
                to=str(self.path),
                todo="Free space, or name another file with --state.",
            ) from None


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Gives True to one process at a time: two watchers that overlap would tell everything twice."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(
        path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
