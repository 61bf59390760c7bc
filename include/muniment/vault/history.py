"""History: the commits and bases of one source, which of them are trusted, and what each needs.

Invariants: a commit is trusted if an entitled, not revoked signer signed it for its name and its
parent is the last trusted commit before it; untrusted ones are shown, never followed, never
dropped; a snapshot is usable if every object it needs is in the store.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from msgspec import field

from muniment.errors import (
    FormatError,
    IntegrityError,
    NothingToRestore,
    VaultError,
)
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.checkpoint_log import REVOKED
from muniment.vault.documents import Base, Commit, Head, PackObject, SnapshotObject
from muniment.vault.finding import Finding, Severity
from muniment.vault.resolve import resolve_signed
from muniment.vault.retention_log import RetentionLog
from muniment.vault.signing import verified
from muniment.vault.store.base import Store
from muniment.vault.trust import Trust

LAST_SEQ = 99_999_999
"""Eight digits (docs/FORMAT.md, section 1)."""


class CommitRecord(Value, frozen=True):
    """A commit as found. `untrusted` is empty, or says why it is not believed."""

    commit: Commit
    digest: str
    name: str
    signer: str
    untrusted: str = ""

    @property
    def seq(self) -> int:
        return self.commit.seq


class BaseRecord(Value, frozen=True):
    base: Base
    digest: str
    name: str


class Chain(Value, frozen=True):
    """What a snapshot is read from: the newest usable base, then the deltas after it, in order."""

    base: BaseRecord | None
    commits: tuple[CommitRecord, ...]

    def snapshots(self) -> Iterator[SnapshotObject]:
        if self.base:
            yield from self.base.base.snapshots
        for record in self.commits:
            yield from record.commit.snapshots

    def packs(self) -> dict[str, PackObject]:
        """Every pack that a row of this chain may name, by digest."""
        found: dict[str, PackObject] = {}
        if self.base:
            found.update((p.pack, p) for p in self.base.base.packs)
        for record in self.commits:
            found.update((p.pack, p) for p in record.commit.packs)
        return found

    def needs(self, source: str) -> set[str]:
        """Names of all objects that the snapshot needs."""
        needed = {names.snapshot(source, s.snapshot) for s in self.snapshots()}
        return needed | {names.pack(digest) for digest in self.packs()}


class History(Value, frozen=True):
    source: str
    records: tuple[CommitRecord, ...] = ()
    bases: tuple[BaseRecord, ...] = ()
    findings: tuple[Finding, ...] = ()
    retention: RetentionLog = field(default_factory=RetentionLog)
    taken: frozenset[int] = frozenset()
    """Every seq that any object, true or not, stands under."""

    @property
    def trusted(self) -> tuple[CommitRecord, ...]:
        return tuple(r for r in self.records if not r.untrusted)

    @property
    def head(self) -> CommitRecord | None:
        trusted = self.trusted
        return trusted[-1] if trusted else None

    @property
    def next_seq(self) -> int:
        """The first free one above the head: whoever may write commits may also take numbers, up to
        the last one there is. Raises VaultError when a believed commit has that."""
        head = self.head
        seq = head.seq + 1 if head else 1
        while seq in self.taken:
            seq += 1
        if seq > LAST_SEQ:
            raise VaultError(
                "a commit of this source has the last number there is, so no other can follow it",
                to=names.commit(self.source, LAST_SEQ),
                todo="No honest worker makes such a commit. Revoke its signer and trust it up to the "
                "commit before: `muniment keys revoke-signer`.",
            )
        return seq

    @property
    def live(self) -> tuple[CommitRecord, ...]:
        """Restore points: trusted and not forgotten."""
        return tuple(
            r
            for r in self.trusted
            if (self.source, r.seq, r.digest) not in self.retention.forgotten
        )

    def at(self, seq: int) -> CommitRecord:
        for record in self.records:
            if record.seq == seq:
                return record
        raise NothingToRestore(f"there is no snapshot {seq} of this source", to=self.source)

    def as_of(self, at: datetime) -> CommitRecord:
        """The newest live snapshot that *ended* at or before `at`. Raises NothingToRestore."""
        candidates = [r for r in self.live if r.commit.ended_at <= at]
        if not candidates:
            raise NothingToRestore("there is no snapshot at or before this time", to=self.source)
        return max(candidates, key=lambda r: r.seq)

    def chain(self, record: CommitRecord, present: set[str] | None = None) -> Chain:
        """What `record` is read from. With `present` (names in the store) a base whose objects
        are gone is passed over for an older one, or for the first commit."""
        options = self.chains(record)
        if present is not None:
            for option in options:
                if option.needs(self.source) <= present:
                    return option
        return options[0]

    def chains(self, record: CommitRecord) -> list[Chain]:
        """Every way in which `record` can be read, the shortest first. They say the same."""
        trusted = [r for r in self.trusted if r.seq <= record.seq]
        options: list[Chain] = []
        for base in sorted(self.bases, key=lambda b: -b.base.covers.seq):
            covers = base.base.covers
            if any(r.seq == covers.seq and r.digest == covers.digest for r in trusted):
                rest = tuple(r for r in trusted if r.seq > covers.seq)
                if _unbroken(rest, covers.digest):
                    options.append(Chain(base, rest))
        if _unbroken(trusted, None) or not options:
            options.append(Chain(None, tuple(trusted)))
        return options

    def packs(self, record: CommitRecord) -> dict[str, PackObject]:
        """Every pack that a row of this snapshot may name, whichever way its rows are read."""
        found: dict[str, PackObject] = {}
        for chain in self.chains(record):
            found.update(chain.packs())
        return found

    def next_commits_after(self, record: CommitRecord) -> tuple[CommitRecord, ...]:
        return tuple(r for r in self.trusted if r.seq > record.seq)


def _unbroken(commits: Sequence[CommitRecord], start: str | None) -> bool:
    """Does each commit name the one before it as its parent?"""
    parent = start
    for record in commits:
        if record.commit.parent != parent:
            return False
        parent = record.digest
    return True


def sources_in(store: Store) -> list[str]:
    """The sources that have ever committed here, sorted."""
    found = set()
    for version in store.list("commits/"):
        parts = names.commit_parts(version.name)
        if parts:
            found.add(parts[0])
    return sorted(found)


def commit_acceptor(trust: Trust, source: str) -> Callable[[str, bytes], tuple[Commit, str]]:
    """For `resolve_signed`: a commit signed for its name and vault, and the key id of its signer."""
    publics = trust.publics("worker", source)

    def accept(name: str, data: bytes) -> tuple[Commit, str]:
        payload, keyid = verified(data, "commit", publics)
        commit = Commit.from_payload(payload)
        if commit.vault_id != trust.pin.vault_id:
            raise FormatError("the commit belongs to another vault")
        if names.commit_parts(name) != (commit.source, commit.seq):
            raise FormatError("the commit lies under another commit's name")
        return commit, keyid

    return accept


def beyond_revocation(trust: Trust, commit: Commit, digest: str, keyid: str) -> str:
    """Why a commit of a signer who was revoked since is not believed; empty for one that is."""
    entry = trust.signer(keyid)
    if entry and entry.revoked:
        limit = entry.revoked.trusted.get(commit.source)
        if limit is None or commit.seq > limit.seq:
            return "signed by a revoked signer after the last commit that is trusted"
        if commit.seq == limit.seq and digest != limit.digest:
            return "signed by a revoked signer and not the commit that root trusted"
    return ""


def load_history(
    store: Store,
    trust: Trust,
    source: str,
    retention: RetentionLog | None = None,
    *,
    after: Head | None = None,
) -> History:
    """Reads all commits and bases of a source and judges them (FORMAT, section 13).

    Args:
        after: a commit that is known to be trusted; only what follows it is read. Such a history tells
            what happened since; snapshots cannot be read by it.
    """
    accept = commit_acceptor(trust, source)
    above = names.commit(source, after.seq) if after else ""
    found = resolve_signed(store, f"commits/{source}/", accept, lenient=trust.lenient, above=above)
    findings = list(found.findings)
    bases, base_findings = _load_bases(store, trust, source, after.seq if after else 0)
    findings.extend(base_findings)
    vouched = {(b.base.covers.seq, b.base.covers.digest) for b in bases}
    records: list[CommitRecord] = []
    last = after.digest if after else None
    for resolved in sorted(found.objects, key=lambda r: r.value[0].seq):
        commit, keyid = resolved.value
        reason = _distrust(trust, commit, resolved.digest, keyid, last, vouched)
        record = CommitRecord(commit, resolved.digest, resolved.name, keyid, reason)
        records.append(record)
        if reason:
            code = "T221" if "revoked" in reason else "T220"
            findings.append(
                Finding(code, Severity.TAMPERING, resolved.name, reason, (source,), (commit.seq,))
            )
        else:
            last = record.digest
    taken = {parts[1] for parts in map(names.commit_parts, found.names) if parts is not None}
    findings.extend(_gaps(source, records, taken, after))
    return History(
        source,
        tuple(records),
        bases,
        tuple(findings),
        retention or RetentionLog(),
        frozenset(taken),
    )


def _distrust(
    trust: Trust,
    commit: Commit,
    digest: str,
    keyid: str,
    last: str | None,
    vouched: set[tuple[int, str]],
) -> str:
    if reason := beyond_revocation(trust, commit, digest, keyid):
        return reason
    if commit.parent != last and (commit.seq, digest) not in vouched:
        # A base that operations signed for exactly this commit heals a gap before it: what the
        # commit stands for is then known without the commits that are lost.
        return "its parent is not the last trusted commit: one is missing, or it was grafted"
    return ""


def _gaps(
    source: str, records: list[CommitRecord], taken: set[int], after: Head | None
) -> Iterator[Finding]:
    """Sequence numbers without a valid commit. A run of missing numbers is one finding: the thief of a
    worker may leave a hundred million of them.

    Where the commits around a number are linked to each other nothing is lost: what lies under it was
    put there by somebody else, or the writer passed it over.
    """
    invalid = sorted(taken - {r.seq for r in records})
    before, last = (after.seq, after.digest) if after else (0, None)
    for record in records:
        linked = record.commit.parent == last
        here = invalid[bisect_left(invalid, before) : bisect_left(invalid, record.seq)]
        for seq in here:
            yield _gap(source, seq, Severity.TAMPERING if linked else Severity.DAMAGE)
        missing = record.seq - before - 1 - len(here)
        if missing:
            first = next(s for s in range(before + 1, record.seq) if s not in taken)
            yield _missing(source, first, missing, linked)
        before, last = record.seq, last if record.untrusted else record.digest
    for seq in invalid[bisect_left(invalid, before) :]:
        yield _gap(source, seq, Severity.DAMAGE)


def _gap(source: str, seq: int, severity: Severity) -> Finding:
    what = "no version of the commit is validly signed"
    return Finding("D110", severity, names.commit(source, seq), what, (source,), (seq,))


def _missing(source: str, first: int, count: int, linked: bool) -> Finding:
    what = "the commit is missing" if count == 1 else f"{count:,} commits from here on are missing"
    if linked:
        what += "; the next one follows the one before, so nothing is lost"
    severity = Severity.WARNING if linked else Severity.DAMAGE
    return Finding("D110", severity, names.commit(source, first), what, (source,), (first,))


def _load_bases(
    store: Store, trust: Trust, source: str, after: int = 0
) -> tuple[tuple[BaseRecord, ...], list[Finding]]:
    publics = trust.publics("operations")

    def accept(name: str, data: bytes) -> tuple[Base, str]:
        payload, keyid = verified(data, "base", publics)
        base = Base.from_payload(payload)
        parts = names.base_parts(name)
        if base.vault_id != trust.pin.vault_id or parts is None:
            raise FormatError("the base belongs elsewhere")
        if (base.source, base.covers.seq) != parts[:2]:
            raise FormatError("the base lies under another base's name")
        return base, keyid

    # Names go on with a dash, which stands before a full stop.
    above = f"bases/{source}/{after:08d}." if after else ""
    found = resolve_signed(store, f"bases/{source}/", accept, lenient=trust.lenient, above=above)
    findings = list(found.findings)
    bases = []
    for resolved in found.objects:
        if names.content_digest(resolved.name) != bytes.fromhex(resolved.digest):
            findings.append(
                Finding(
                    "T240",
                    Severity.TAMPERING,
                    resolved.name,
                    "the base does not have the digest in its name",
                )
            )
            continue
        base, keyid = resolved.value
        if not trust.stands(keyid, resolved.digest):
            findings.append(
                Finding("T221", Severity.TAMPERING, resolved.name, REVOKED.format("base"))
            )
            continue
        bases.append(BaseRecord(base, resolved.digest, resolved.name))
    return tuple(sorted(bases, key=lambda b: b.base.covers.seq)), findings


def require_usable(history: History, record: CommitRecord, present: set[str]) -> Chain:
    """The chain of a snapshot all of whose objects are present. Raises IntegrityError."""
    chain = history.chain(record, present)
    missing = sorted(chain.needs(history.source) - present)
    if missing:
        raise IntegrityError(
            f"{len(missing)} objects that snapshot {record.seq} needs are not in the store",
            to=missing[0],
        )
    return chain
