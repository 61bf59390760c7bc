"""Suspicion: which snapshots look like an attack, whether a person has looked, and which is the last clean one.

Nouns
    Suspicious   a snapshot whose signed commit says so.
    Clearing     a signed entry of evidence by operations, about one suspicious snapshot: it was harmless, or it was
                 an attack that is over. A worker cannot sign one.
    Tainted      suspicious or after a suspicious one, and not cleared: what was spoiled is in all of them.

Invariants
- While a suspicion is open nothing of its source is forgotten, and nothing that was forgotten of it is
  deleted.
- A snapshot that holds an attack is never clean again; a harmless one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from muniment.errors import NothingToRestore
from muniment.model.value import Value
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream
from muniment.vault.history import LAST_SEQ, CommitRecord, History, sources_in
from muniment.vault.vault import Vault

STREAM = "operations-anomalies"
CLEARED = "anomaly.cleared"


class Conclusion(StrEnum):
    """What a person found. A code, because evidence stands in the clear."""

    EXPECTED = "expected"
    """Somebody meant it: a conversion, a clean-up, a program that rewrites everything."""
    FALSE_ALARM = "false_alarm"
    """Nothing happened that anybody can see."""
    ATTACK = "attack"
    """It was one; it is over, and the source is mended."""

    @property
    def harmless(self) -> bool:
        return self is not Conclusion.ATTACK


class Clearing(Value, frozen=True):
    """About snapshot `seq` of `source`, whose commit has `commit` as its digest. What was attacked is in the
    snapshots up to `through`."""

    source: str
    seq: int
    commit: str
    through: int
    conclusion: Conclusion
    by: str
    at: datetime


class Suspicions(Value, frozen=True):
    """Of one source. `open` are suspicious and not cleared, oldest first; `tainted` the seqs of all snapshots
    that are not clean, cleared ones of an attack included; `clean` what can be restored and is, oldest first."""

    open: tuple[CommitRecord, ...] = ()
    tainted: frozenset[int] = frozenset()
    clean: tuple[CommitRecord, ...] = ()

    @property
    def last_clean(self) -> CommitRecord | None:
        return self.clean[-1] if self.clean else None

    def clean_before(self, seq: int) -> CommitRecord | None:
        """The newest clean one before snapshot `seq`."""
        return next((r for r in reversed(self.clean) if r.seq < seq), None)


def load_clearings(vault: Vault) -> tuple[Clearing, ...]:
    """Needs no key. What is not signed by operations, or cannot be read, clears nothing."""
    stream = load_stream(vault.store, vault.trust, STREAM)
    found = (_clearing(entry) for entry in stream.events(CLEARED))
    return tuple(each for each in found if each is not None)


def _clearing(entry: EvidenceEntry) -> Clearing | None:
    facts = entry.facts
    try:
        return Clearing(
            entry.subject, int(str(facts["seq"])), str(facts["commit"]), int(str(facts["through"])),
            Conclusion(str(facts["conclusion"])), str(facts["by"]), entry.at,
        )  # fmt: skip
    except (KeyError, ValueError):
        return None


def judged(history: History, clearings: Iterable[Clearing]) -> Suspicions:
    """Pure. Commits of a signer who was revoked before them say nothing here either."""
    cleared = {(c.seq, c.commit): c for c in clearings if c.source == history.source}
    waiting: list[CommitRecord] = []
    spoiled: list[tuple[int, int]] = []
    for record in history.trusted:
        guard = record.commit.guard
        if guard is None or not guard.suspicious:
            continue
        clearing = cleared.get((record.seq, record.digest))
        if clearing is None:
            waiting.append(record)
            spoiled.append((guard.begins or record.seq, LAST_SEQ))
        elif not clearing.conclusion.harmless:
            spoiled.append((guard.begins or record.seq, clearing.through))
    tainted = frozenset(
        r.seq for r in history.trusted if any(first <= r.seq <= last for first, last in spoiled)
    )
    clean = tuple(r for r in history.live if r.seq not in tainted)
    return Suspicions(tuple(waiting), tainted, clean)


def suspicions(vault: Vault, history: History) -> Suspicions:
    """Reads evidence only where a commit says that something is suspicious: nearly never."""
    if not any(r.commit.guard is not None and r.commit.guard.suspicious for r in history.trusted):
        return Suspicions(clean=history.live)
    return judged(history, load_clearings(vault))


def last_clean_moment(vault: Vault, sources: Sequence[str] = ()) -> datetime | None:
    """The latest moment as of which no source is tainted: the end of the last clean snapshot of the one whose
    is oldest. None where none is tainted, and the newest of all will do.

    Raises NothingToRestore for a source that has no clean snapshot any more.
    """
    ends = []
    for source in sources or sources_in(vault.store):
        history = vault.history(source)
        found = suspicions(vault, history)
        if not history.live or history.live[-1].seq not in found.tainted:
            continue
        if found.last_clean is None:
            raise NothingToRestore(
                "no snapshot of this source is free of suspicion",
                to=source,
                todo="See `muniment anomaly show`. Choose a snapshot by its time, or restore the other "
                "sources alone (`--from`).",
            )
        ends.append(found.last_clean.commit.ended_at)
    return min(ends, default=None)
