"""Tally: how much each source has of each matter in one snapshot; with names for who may read them, and by opaque ids from
the state for who may not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import field

from muniment.errors import MunimentError, SealError
from muniment.model.item import Completeness, Row
from muniment.model.matter import UNASSIGNED, MatterName
from muniment.model.value import Mutable
from muniment.recovery.crosswalk.naming import READERS
from muniment.recovery.selected import open_rows
from muniment.vault import names
from muniment.vault.history import CommitRecord, History
from muniment.vault.vault import Vault

LEDGER_KINDS = frozenset(
    {"bank_transactions", "trust_line_items", "trust_requests", "trust_table", "ledger_report"}
)
"""Kinds of items that hold client money, or what was worked out of it."""

_OWN = frozenset(READERS)
"""The row that stands for a matter is not yet something that its naming source has of it."""


class Share(Mutable):
    """What one source has of one matter. `bytes` and `newest_ns` (nanoseconds since 1970) are 0 where only the state was
    at hand; `ledger` items hold client money."""

    items: int = 0
    bytes: int = 0
    newest_ns: int = 0
    ledger: int = 0
    own_row: bool = False

    def count(self, kind: str, size: int = 0, changed_ns: int = 0) -> None:
        self.items += 1
        self.bytes += size
        self.newest_ns = max(self.newest_ns, changed_ns)
        self.ledger += kind in LEDGER_KINDS
        self.own_row = self.own_row or kind in _OWN


class Tally(Mutable):
    """One source as of a time. `last_good` is the newest snapshot by then that counts as success; `shares` by opaque id
    of the matter, empty for the unassigned, None where nothing opens here; `closed` are matters whose own keys do not."""

    source: str
    record: CommitRecord
    last_good: CommitRecord | None
    unassigned: int
    shares: dict[str, Share] | None = None
    names: dict[str, MatterName] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    clients: dict[str, Row] = field(default_factory=dict)


def tally(vault: Vault, history: History, moment: datetime) -> Tally:
    """The newest snapshot that had ended by then.

    Raises NothingToRestore where there is none, IntegrityError where its rows are not whole, StoreError.
    """
    record = history.as_of(moment)
    good = [
        r
        for r in history.live
        if r.seq <= record.seq and r.commit.completeness is not Completeness.INCOMPLETE
    ]
    found = Tally(
        history.source, record, good[-1] if good else None, record.commit.counts.unassigned
    )
    try:
        snapshot = open_rows(vault, history, record, ())
    except SealError:
        found.shares = _from_state(vault, history, record)
        return found
    found.shares = {}
    for row in snapshot.items.values():
        if row.kind != "dir":
            share = found.shares.setdefault(row.matter, Share())
            share.count(row.kind, row.size, row.mtime_ns)
        if row.kind == "contacts":
            found.clients[row.native_id.decode("ascii", "replace")] = row
    found.names = snapshot.matters
    found.closed = frozenset(filter(None, map(names.matter_of_key, snapshot.sealed_away)))
    return found


def _from_state(vault: Vault, history: History, record: CommitRecord) -> dict[str, Share] | None:
    """A worker's key opens the state, which has ids and no name."""
    try:
        state = vault.state(history, record.seq)
    except MunimentError:
        return None
    shares: dict[str, Share] = {}
    for row in range(len(state)):
        kind = state.kind(row)
        if kind != "dir":
            print_ = state.fingerprint(row)
            shares.setdefault(state.matter(row), Share()).count(kind, print_.size, print_.mtime_ns)
    return shares


def assigned(shares: Mapping[str, Share]) -> dict[str, Share]:
    return {matter: share for matter, share in shares.items() if matter != UNASSIGNED}
