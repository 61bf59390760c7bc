"""Retention: forgetting, condemning, sweeping - in two phases, with every reason printed.

Safety is the sweeper's: before each delete it reads all commits and bases again, and what has been
named since is reprieved. It holds the only delete credential and no key that opens anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from muniment.errors import MunimentError, ObjectMissing, SuspicionOpen, VaultError
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.documents import RetentionCommit, RetentionEntry, RetentionObject
from muniment.vault.history import CommitRecord, History, sources_in
from muniment.vault.suspicion import suspicions
from muniment.vault.vault import Vault

GRACE = timedelta(days=7)
"""Between condemned and swept: longer than the longest run (72 hours) plus a long weekend."""


class Condemned(Value, frozen=True):
    """An object version that nothing live needs, and why it goes."""

    name: str
    version: str
    not_before: datetime
    reason: str


def needed_names(histories: Iterable[History], present: dict[str, set[str]]) -> set[str]:
    """Everything that a live snapshot needs, keyless: an upper bound, never too little.

    A snapshot none of whose chains is complete keeps all of them: damage is no reason to delete.
    """
    needed: set[str] = set()
    for history in histories:
        here = present[history.source]
        for record in history.live:
            chain = history.chain(record, here)
            if chain.needs(history.source) <= here:
                needed |= chain.needs(history.source)
            else:
                needed |= history.chain(record).needs(history.source)
                needed |= _whole(history, record)
    return needed


def _whole(history: History, record: CommitRecord) -> set[str]:
    everything: set[str] = set()
    for other in history.trusted:
        if other.seq <= record.seq:
            everything |= {
                names.snapshot(history.source, s.snapshot) for s in other.commit.snapshots
            }
            everything |= {names.pack(p.pack) for p in other.commit.packs}
    return everything


def held_names(vault: Vault, histories: Iterable[History]) -> set[str]:
    """What forgotten snapshots of a source under suspicion need: it stays until a person has looked, for one of
    them may be the last that is whole. An upper bound, as `needed_names` is."""
    held: set[str] = set()
    for history in histories:
        if not suspicions(vault, history).open:
            continue
        for record in history.trusted:
            held |= history.chain(record).needs(history.source)
            held |= _whole(history, record)
    return held


def require_no_suspicion(vault: Vault, history: History) -> None:
    """Raises SuspicionOpen where nothing of this source may be forgotten now."""
    found = suspicions(vault, history)
    if found.open:
        clean = found.last_clean
        raise SuspicionOpen(
            f"snapshot {found.open[0].seq} looks like an attack, and nobody has cleared it; "
            + (f"the last clean one is {clean.seq}" if clean else "no clean one is left"),
            to=history.source,
        )


class RetentionOffice:
    """Performs what a person approved: forget, condemn, sweep."""

    def __init__(self, vault: Vault, grace: timedelta = GRACE) -> None:
        self._vault = vault.strictly()
        self._grace = grace

    def forget(self, commits: Iterable[tuple[CommitRecord, str]]) -> RetentionEntry:
        """Signs that these snapshots are no longer restore points. `(record, reason)` each.

        Raises VaultError for the newest snapshot of a source: the next run builds on it, and rows of
        what never changes are in no later one. Raises SuspicionOpen where a snapshot of the source looks
        like an attack and nobody has cleared it.
        """
        chosen = list(commits)
        for source in sorted({record.commit.source for record, _ in chosen}):
            history = self._vault.history(source)
            require_no_suspicion(self._vault, history)
            newest = history.live[-1:]
            if any(record.digest == n.digest for record, _ in chosen for n in newest):
                raise VaultError(
                    "the newest restorable snapshot of a source cannot be forgotten",
                    to=f"{source}/{newest[0].seq}",
                    safe="Nothing was forgotten.",
                    todo="Make a newer snapshot first. A source that ended keeps its last one.",
                )
        listed = tuple(
            RetentionCommit(source=r.commit.source, seq=r.seq, digest=r.digest, reason=reason)
            for r, reason in chosen
        )
        return self._append("forget", commits=listed)

    def plan_condemn(self) -> list[Condemned]:
        """What nothing live needs and is not condemned yet. Changes nothing."""
        vault = self._vault
        histories = self._histories()
        present = {h.source: vault.present(h.source) for h in histories}
        needed = needed_names(histories, present) | held_names(vault, histories)
        known = vault.retention().condemned
        earliest = vault.clock.now() + self._grace
        found = []
        for prefix in ("packs/", "snapshots/"):
            for version in vault.store.list(prefix):
                if version.name in needed or version.delete_marker or version.name in known:
                    continue
                if not self._settled(version.written_at):
                    continue
                lock = vault.store.head(version.name, version=version.version or None).locked_until
                not_before = max(earliest, lock) if lock else earliest
                reason = "no live snapshot names it"
                found.append(Condemned(version.name, version.version, not_before, reason))
        return found

    def _settled(self, written_at: datetime) -> bool:
        """Objects younger than the grace may belong to a run that has not committed yet."""
        return written_at + self._grace <= self._vault.clock.now()

    def condemn(self, planned: Iterable[Condemned]) -> RetentionEntry | None:
        objects = tuple(
            RetentionObject(name=c.name, version=c.version, not_before=c.not_before)
            for c in planned
        )
        return self._append("condemn", objects=objects) if objects else None

    def sweep(self, before_each: Callable[[str], None] = lambda name: None) -> list[str]:
        """Deletes what is condemned, due, unlocked and still needed by nothing; names of it.

        Anything that a commit or base names since is reprieved and reported in the log; what a source under
        suspicion may need stays condemned and is left alone until that is cleared. The names
        are logged as swept *before* the first delete, so that a commit planned meanwhile reads
        them as gone; a crash in between leaves orphans that the next sweep deletes.
        """
        vault = self._vault
        now = vault.clock.now()
        log = vault.retention()
        due = sorted(name for name, not_before in log.condemned.items() if not_before <= now)
        histories = self._histories()
        held = held_names(vault, histories)
        due = [name for name in due if name not in held]
        leftovers = sorted(log.swept - held)
        needed = self._needed(histories) if due else set()
        reprieved = [name for name in due if name in needed]
        if reprieved:
            self._append("reprieve", objects=tuple(RetentionObject(name=n) for n in reprieved))
        going = [name for name in due if name not in reprieved]
        if going:
            self._append("swept", objects=tuple(RetentionObject(name=n) for n in going))
        deleted = []
        for name in [*leftovers, *going]:
            before_each(name)
            histories = self._histories()
            if name in held_names(vault, histories):
                continue
            if name in self._needed(histories):
                self._append("reprieve", objects=(RetentionObject(name=name),))
                continue
            if self._delete(name):
                deleted.append(name)
        return deleted

    def _histories(self) -> list[History]:
        return [self._vault.history(source) for source in sources_in(self._vault.store)]

    def _needed(self, histories: Iterable[History]) -> set[str]:
        present = self._vault.present
        histories = list(histories)
        return needed_names(histories, {h.source: present(h.source) for h in histories})

    def _delete(self, name: str) -> bool:
        gone = False
        for version in list(self._vault.store.list(name)):
            if version.name != name:
                continue
            try:
                self._vault.store.delete_version(name, version.version)
                gone = True
            except ObjectMissing:
                continue
            except MunimentError:
                # Still locked or held: it stays until the lock ends, and the next sweep tries again.
                return False
        return gone

    def _append(
        self,
        action: str,
        commits: tuple[RetentionCommit, ...] = (),
        objects: tuple[RetentionObject, ...] = (),
    ) -> RetentionEntry:
        vault = self._vault
        head = vault.retention().head
        taken = {v.name for v in vault.store.list("retention/")}
        entry = RetentionEntry.from_plain(
            {
                "vault_id": vault.vault_id,
                "number": names.first_free(
                    names.retention, head.value.number if head else 0, taken
                ),
                "parent": head.digest if head else None,
                "at": vault.clock.now(),
                "action": action,
                "commits": commits,
                "objects": objects,
            }
        )
        data = vault.signer.sign("retention", entry.to_payload())
        vault.put_signed(names.retention(entry.number), data)
        return entry
