"""Presence: every object that a live snapshot or the next run needs is there, and is what it was.

Without a key: from the listing (there, of its size), from what the store recorded (the checksum), and, in
rotation, from the bytes themselves. What nothing needs is read back too: rubbish under a name that
promises something else was put there by somebody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from muniment.assurance.rotation import Rotation
from muniment.errors import MunimentError, ObjectMissing
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import Chain, History
from muniment.vault.store.base import ObjectVersion
from muniment.vault.vault import Vault

Listing = Mapping[str, list[ObjectVersion]]

_WINDOW = 4 << 20
_PARALLEL = 8
_READERS = 4


class Wanted(Value, frozen=True):
    """An object that live snapshots need: its size, and which snapshots need it."""

    size: int
    source: str
    seqs: tuple[int, ...]
    what: str

    @property
    def the(self) -> str:
        return {
            "rows": "a snapshot's object of rows",
            "pack": "a pack",
            "state": "a state object",
        }[self.what]


def present_names(listing: Listing) -> set[str]:
    return {
        name for name, versions in listing.items() if any(not v.delete_marker for v in versions)
    }


def wanted_objects(
    vault: Vault, histories: Iterable[History], present: set[str]
) -> dict[str, Wanted]:
    """Every object that a live snapshot, or the next run, needs."""
    wanted: dict[str, Wanted] = {}

    def want(name: str, size: int, source: str, seqs: tuple[int, ...], what: str) -> None:
        before = wanted.get(name)
        merged = tuple(sorted({*(before.seqs if before else ()), *seqs}))
        wanted[name] = Wanted(size, source, merged, what)

    for history in histories:
        for record in history.live:
            for chain in _chains(history.chains(record), history.source, present):
                for snapshot in chain.snapshots():
                    name = names.snapshot(history.source, snapshot.snapshot)
                    want(name, snapshot.size, history.source, (record.seq,), "rows")
                for pack in chain.packs().values():
                    want(names.pack(pack.pack), pack.size, history.source, (record.seq,), "pack")
        for state in vault.state_objects(history):
            name = names.state(history.source, state.state)
            want(name, state.size, history.source, (), "state")
    return wanted


def _chains(options: list[Chain], source: str, present: set[str]) -> Iterator[Chain]:
    """The shortest way to read a snapshot; where something of it is gone also the one that is used
    instead, so that the loss is told and what is left is watched."""
    yield options[0]
    if not options[0].needs(source) <= present:
        yield from (o for o in options[1:] if o.needs(source) <= present)


def presence(vault: Vault, wanted: Mapping[str, Wanted], listing: Listing) -> list[Finding]:
    """Presence, size, and the checksum that the store recorded."""

    def look(entry: tuple[str, Wanted]) -> Finding | None:
        name, want = entry
        versions = [v for v in listing.get(name, []) if not v.delete_marker]
        if not versions:
            return damage("D130", name, want, f"{want.the} is not in the store")
        fitting = [v for v in versions if v.size == want.size]
        if not fitting:
            return damage("D131", name, want, f"{want.the} does not have its size")
        digest = names.content_digest(name)
        for version in fitting:
            try:
                head = vault.store.head(name, version=version.version or None)
            except ObjectMissing:
                continue
            if head.sha256 is None or head.sha256 == digest:
                return None
        return damage("D132", name, want, f"{want.the} does not have the checksum in its name")

    with ThreadPoolExecutor(_PARALLEL) as pool:
        return [f for f in pool.map(look, wanted.items()) if f is not None]


def damage(code: str, name: str, want: Wanted, what: str) -> Finding:
    if want.what == "state":
        what += "; restores are unharmed, the next backup needs `muniment rebuild-state`"
    return Finding(code, Severity.DAMAGE, name, what, (want.source,), want.seqs)


# -- the bytes -------------------------------------------------------------------------------------


class ReadBack(Value, frozen=True):
    findings: list[Finding]
    objects: int
    bytes: int


def read_back(
    vault: Vault,
    wanted: Mapping[str, Wanted],
    listing: Listing,
    rotation: Rotation,
    hurt: set[str],
) -> ReadBack:
    """Reads and hashes: packs in rotation, rows and state always (they are small). `hurt` are known to
    be damaged already."""

    def turn(name: str) -> bool:
        digest = names.content_digest(name)
        if name in hurt or digest is None or name.startswith("bases/"):
            return False
        return not name.startswith("packs/") or rotation.has(digest)

    due = [name for name in present_names(listing) if turn(name)]
    with ThreadPoolExecutor(_READERS) as pool:
        results = list(pool.map(lambda n: _read(vault, n, wanted.get(n), listing[n]), sorted(due)))
    return ReadBack(
        [finding for finding, _ in results if finding],
        len(due),
        sum(size for _, size in results),
    )


def _read(
    vault: Vault, name: str, want: Wanted | None, versions: list[ObjectVersion]
) -> tuple[Finding | None, int]:
    digest = names.content_digest(name)
    unreadable = ""
    size = 0
    for version in versions:
        if version.delete_marker or (want is not None and version.size != want.size):
            continue
        size += version.size
        try:
            if _hash(vault, name, version) == digest:
                return None, size
        except MunimentError as error:
            unreadable = error.what
    if want is None:
        what = f"its bytes are not those in its name, and nothing needs it{unreadable and ': '}"
        return Finding("W301", Severity.WARNING, name, what + unreadable), size
    if unreadable:
        return damage("D134", name, want, f"{want.the} cannot be read: {unreadable}"), size
    return damage("D133", name, want, f"the bytes of {want.the} are not those in its name"), size


def _hash(vault: Vault, name: str, version: ObjectVersion) -> bytes:
    total = hashlib.sha256()
    for start in range(0, version.size, _WINDOW):
        total.update(
            vault.store.get(name, version=version.version or None, start=start, length=_WINDOW)
        )
    return total.digest()
