"""The pre-flight probe: does this store keep its promises, tried and not configured?

Nouns
- Probe object: `probe/<time>-<random>`, a few bytes. It stays until its lock ends; a later probe
  then removes it.
- Control: the deletion of something that is not locked. Only a credential that passes it proves
  that a refused deletion was the lock's doing and not its own policy's.

Invariants
- Nothing but probe objects is touched.
- A store counts as ENFORCED only when the lock is there to see, the deletion of the locked version
  and a shorter lock were both refused, and so were a taken name and wrong bytes.
- What can be removed is removed: the probe leaves locked objects only, or says what it left.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Protocol, runtime_checkable

from msgspec import field

from muniment.clock import Clock, SystemClock, to_text
from muniment.errors import (
    ChecksumMismatch,
    ConfigError,
    LockNotEnforced,
    ObjectExists,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from muniment.model.value import Mutable, Value
from muniment.vault.store.base import Store
from muniment.vault.store.policies import PROBE_PREFIX

PROBE_LOCK = timedelta(days=1)
"""The lock where the bucket gives none by itself: the shortest that outlives a slow clock."""


class Verdict(StrEnum):
    ENFORCED = "ENFORCED"
    NOT_ENFORCED = "NOT ENFORCED"


@runtime_checkable
class Attackable(Protocol):
    """A store whose locks can be attacked. Both raise StoreDenied where the lock holds."""

    def attack_lock(self, name: str, version: str, until: datetime) -> None: ...

    def attack_version(self, name: str, version: str) -> None: ...


class ProbeCheck(Value, frozen=True):
    """One thing that was tried. `what` says what came of it, without names of clients."""

    name: str
    passed: bool
    what: str


class ProbeResult(Value, frozen=True):
    """What the probe found; evidence.

    `can_delete`: did this credential remove something that was not locked? None: there was nothing
    to try it on. `left` are the probe objects that stay.
    """

    store: str
    at: datetime
    checks: tuple[ProbeCheck, ...]
    can_delete: bool | None
    locked_until: datetime | None
    left: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        good = all(check.passed for check in self.checks)
        return Verdict.ENFORCED if good else Verdict.NOT_ENFORCED

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        failed = [check.what for check in self.checks if not check.passed]
        if failed:
            return "; ".join(failed)
        if self.can_delete:
            return "a credential that may delete could neither delete nor unlock a locked object"
        return (
            "the lock is there, and this credential could neither delete nor unlock; whether the "
            "lock or its policy refused it shows with the retention credential"
        )

    def as_dict(self) -> dict[str, object]:
        return {
            "store": self.store,
            "at": to_text(self.at),
            "verdict": self.verdict.value,
            "reason": self.reason,
            "can_delete": self.can_delete,
            "locked_until": to_text(self.locked_until) if self.locked_until else None,
            "checks": [[check.name, check.passed, check.what] for check in self.checks],
            "left": list(self.left),
        }

    def require(self) -> None:
        """Raises LockNotEnforced unless the verdict is ENFORCED."""
        if self.verdict is not Verdict.ENFORCED:
            raise LockNotEnforced(self.reason, to=self.store)


class _Probe(Mutable):
    store: Store
    now: datetime
    checks: list[ProbeCheck] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    can_delete: bool | None = None

    def note(self, name: str, passed: bool, good: str, bad: str) -> bool:
        self.checks.append(ProbeCheck(name, passed, good if passed else bad))
        return passed

    def new_name(self) -> str:
        return f"{PROBE_PREFIX}{self.now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"

    def put(self, name: str, data: bytes, claimed: bytes | None = None) -> str:
        return self.store.put(name, data, sha256=sha256(claimed or data).digest())

    def remove(self, name: str, version: str) -> bool:
        """Also says whether this credential can delete what nothing locks."""
        try:
            self.store.delete_version(name, version)
        except StoreDenied:
            self.left.append(name)
            return False
        return True


def probe(store: Store, clock: Clock | None = None) -> ProbeResult:
    """Tries the store with the credential it was opened with; takes some ten requests.

    Raises StoreDenied when the credential may not even write a probe object, StoreUnavailable.
    """
    at = (clock or SystemClock()).now()
    run = _Probe(store, store.now() or at)
    _clean(run)
    name = run.new_name()
    version = run.put(name, b"locked probe " + secrets.token_bytes(8))
    _try_taken_name(run, name)
    _try_wrong_bytes(run)
    locked_until = _lock(run, name, version)
    if locked_until is None:
        run.can_delete = run.remove(name, version)
    else:
        _attack(run, name, version, locked_until)
    return ProbeResult(
        store=store.label,
        at=at,
        checks=tuple(run.checks),
        can_delete=run.can_delete,
        locked_until=locked_until,
        left=tuple(run.left),
    )


def _clean(run: _Probe) -> None:
    """Removes earlier probes whose lock has ended: the control."""
    for each in list(run.store.list(PROBE_PREFIX)):
        if not each.delete_marker:
            lock = run.store.head(each.name, version=each.version or None).locked_until
            if lock is not None and lock > run.now:
                continue
        if run.remove(each.name, each.version):
            run.can_delete = True
        else:
            run.can_delete = False
            return


def _try_taken_name(run: _Probe, name: str) -> None:
    refused = _refuses(ObjectExists, lambda: run.put(name, b"a second writer"))
    run.note(
        "put if absent",
        refused,
        "a taken name was refused",
        "the store let a second writer take a taken name",
    )


def _try_wrong_bytes(run: _Probe) -> None:
    name = run.new_name()
    try:
        version = run.put(name, b"what arrived", claimed=b"what was sent")
    except ChecksumMismatch:
        refused = True
    except StoreUnavailable:
        raise
    except StoreError:
        refused = False
    else:
        refused = False
        run.remove(name, version)
    run.note(
        "checksum",
        refused,
        "bytes with another SHA-256 were refused",
        "the store accepted bytes that do not have the SHA-256 they were sent with",
    )


def _lock(run: _Probe, name: str, version: str) -> datetime | None:
    """The end of the lock that the probe object has, given by the bucket or by us."""
    store = run.store
    kept = [v for v in store.list(name) if v.name == name and v.version == version and version]
    run.note(
        "versions",
        store.has_versions and bool(kept),
        "versions are kept",
        "the store keeps no versions",
    )
    try:
        lock = store.head(name, version=version or None).locked_until
        if lock is None:
            # Whole seconds: some servers keep no fractions.
            until = (run.now + PROBE_LOCK).replace(microsecond=0) + timedelta(seconds=1)
            store.retain_until(name, until, version=version or None)
            lock = store.head(name, version=version or None).locked_until
    except (LockNotEnforced, StoreDenied) as error:
        run.note("lock", False, "", f"no lock: {error.what}")
        return None
    locked = lock is not None and lock > run.now
    run.note("lock", locked, "a lock is on the object", "the store shows no lock on the object")
    return lock if locked else None


def _attack(run: _Probe, name: str, version: str, locked_until: datetime) -> None:
    store = _innermost(run.store)
    if not isinstance(store, Attackable):
        run.note("attack", False, "", "this kind of store cannot be tried")
        return
    shorter = max(run.now + timedelta(minutes=1), locked_until - PROBE_LOCK)
    kept = _refuses(StoreDenied, lambda: store.attack_lock(name, version, shorter))
    run.note("shorten", kept, "a shorter lock was refused", "the lock could be shortened")
    refused = _refuses(StoreDenied, lambda: store.attack_version(name, version))
    there = any(v.name == name and v.version == version for v in store.list(name))
    run.note(
        "delete",
        refused and there,
        "the deletion of a locked version was refused",
        "a locked version could be deleted",
    )
    if there:
        run.left.append(name)


def _innermost(store: Store) -> Store:
    """Through decorators: an attack is not to be retried, nor refused on this side."""
    while isinstance(inner := getattr(store, "inner", None), Store):
        store = inner
    return store


def _refuses(kind: type[StoreError], attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except kind:
        return True
    except StoreUnavailable:
        raise
    except StoreError:
        return False
    return False


def require_separate_account(destination: str, sources: Iterable[tuple[str, str]]) -> None:
    """A destination in a source's own account falls with it: refused.

    `destination` is an account (an AWS account number, a tenant id, a host's name), `sources` are
    (source id, account) pairs; an empty account is unknown and passes. Raises ConfigError.
    """
    wanted = destination.strip().casefold()
    for source, account in sources:
        if wanted and account.strip().casefold() == wanted:
            raise ConfigError(
                "the destination is in the same account as a source",
                to=source,
                todo="Give the vault an account of its own, with other administrators.",
            )
