"""Papers: which papers of trust accounts are in the vault, and what is said of it where no key is.

Names of files stand in sealed rows, so only who holds a key that opens them can look. `{firm}__watch` does,
and signs what it found as evidence: account ids, months, kinds of paper and times, no name of a file. A
watcher outside judges by that statement and his own clock.

Invariants: a paper is there when a good snapshot has it, not when the folder has it; a statement lists
what was missing in one commit, up to the month that ran, so that it stays true as time goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from muniment.clock import from_text, to_text
from muniment.config.papers import Due, TrustPapers, due_papers
from muniment.ids import sha256_hex
from muniment.model.item import Completeness
from muniment.vault.history import CommitRecord
from muniment.vault.vault import Vault

UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart")
"""Endings of files that are still on their way."""

Place = tuple[str, str, str]
"""Month, account, and the path below the account's folder."""


def place_of(path: bytes) -> Place | None:
    """Where a file of the upload folder lies, by `<year>-<month>/<account>/...`; None for one that lies
    elsewhere, is hidden, or is not whole yet."""
    parts = path.decode("utf-8", "replace").split("/")
    name = parts[-1]
    if len(parts) < 3 or name.startswith((".", "~$")) or name.casefold().endswith(UNFINISHED):
        return None
    return parts[0], parts[1].casefold(), "/".join(parts[2:])


def missing(
    paths: Iterable[bytes], settings: TrustPapers, zone: str, now: datetime
) -> tuple[Due, ...]:
    """The papers up to the running month that none of these files is. Pure.

    Args:
        paths: of files that are not empty, below the root of the upload folder.
    """
    by_folder: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        place = place_of(path)
        if place is not None:
            by_folder.setdefault(place[:2], []).append(place[2])
    return tuple(
        due
        for due in due_papers(settings, zone, now)
        if not any(
            settings.papers[due.paper].is_called(path)
            for path in by_folder.get((due.month, due.account), ())
        )
    )


@dataclass(frozen=True, slots=True)
class PapersSeen:
    """A statement: what was missing in the commit `seq`, `digest` (0 and empty: there was none).

    `stamp` is of all that it was made from: while that is the same, so is the statement.
    """

    source: str
    seq: int
    digest: str
    stamp: str
    owner: str = ""
    missing: tuple[Due, ...] = ()

    def late(self, now: datetime) -> dict[tuple[str, str], list[Due]]:
        """What is overdue, by account and month."""
        found: dict[tuple[str, str], list[Due]] = {}
        for each in self.missing:
            if now > each.late:
                found.setdefault((each.account, each.month), []).append(each)
        return found

    def as_facts(self) -> dict[str, str | int]:
        facts: dict[str, str | int] = {
            "seq": self.seq,
            "digest": self.digest,
            "stamp": self.stamp,
            "owner": self.owner,
        }
        for each in self.missing:
            key = f"{each.account}.{each.month}.{each.paper}"
            facts[key] = f"{to_text(each.due)} {to_text(each.late)}"
        return facts

    @classmethod
    def from_facts(cls, source: str, facts: Mapping[str, object]) -> PapersSeen:
        """What a later version says besides is passed over."""
        gone = []
        for key, value in facts.items():
            with suppress(ValueError):
                account, month, paper = key.split(".")
                due, late = str(value).split()
                gone.append(Due(account, month, paper, from_text(due), from_text(late)))
        seq = facts.get("seq")
        return cls(
            source,
            seq if isinstance(seq, int) else 0,
            str(facts.get("digest") or ""),
            str(facts.get("stamp") or ""),
            str(facts.get("owner") or ""),
            tuple(gone),
        )


def see_papers(
    vault: Vault,
    settings: TrustPapers,
    zone: str,
    owner: str,
    newest: str,
    before: PapersSeen | None,
) -> PapersSeen:
    """Looks into the newest good snapshot.

    Args:
        newest: digest of the newest good commit as the watch found it, empty where it found none.
        before: the last statement, which is given back where nothing changed: rows need not be read.

    Raises NoKey where the rows cannot be opened; StoreError, VaultError.
    """
    now = vault.clock.now()
    month = f"{now.astimezone(ZoneInfo(zone)):%Y-%m}"
    said = "\n".join((repr(settings), zone, owner, newest, month))
    stamp = sha256_hex(said.encode())[:16]
    if before is not None and (before.source, before.stamp) == (settings.source, stamp):
        return before
    record, paths = papers_in(vault, settings.source)
    return PapersSeen(
        settings.source,
        record.seq if record else 0,
        record.digest if record else "",
        stamp,
        owner,
        missing(paths, settings, zone, now),
    )


def papers_in(vault: Vault, source: str) -> tuple[CommitRecord | None, list[bytes]]:
    """The newest good snapshot and the paths of its files that are not empty; None and nothing before
    the first. Raises as `see_papers`."""
    history = vault.history(source)
    good = [r for r in history.live if r.commit.completeness is not Completeness.INCOMPLETE]
    if not good:
        return None, []
    snapshot = vault.snapshot(history, good[-1])
    rows = snapshot.items.values()
    return good[-1], [row.native_id for row in rows if row.kind == "file" and row.size]
