"""Bases: merging a source's base and deltas into a new base, outside the commit chain.

Written by operations after the weekly verification. It races nobody: a base says which commit it
covers, and readers who do not find it valid read the deltas instead.
"""

from __future__ import annotations

from pathlib import Path

from muniment.ids import sha256_hex
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.documents import Base, Head, PackObject, StateOfCommit
from muniment.vault.history import BaseRecord, CommitRecord, History
from muniment.vault.snapshots import RowsWriter, load_snapshot
from muniment.vault.store.decorators import put_or_same
from muniment.vault.vault import Vault

MAX_DELTAS = 30
"""A base is due at this many deltas: restores stay short, and a rebase stays a weekly matter."""

MAX_DELTA_SHARE = 0.25
"""... or when the deltas have this share of the base's rows."""

ALARM_DELTAS = 60
"""A verification fails above this: rebase has not run for weeks."""


class Due(Value, frozen=True):
    """Whether a base is due, and why."""

    due: bool
    reason: str


def base_due(history: History) -> Due:
    """Pure: looks at rows and deltas since the newest base that covers a trusted commit."""
    head = history.head
    if head is None:
        return Due(False, "nothing is committed yet")
    chain = history.chain(head)
    deltas = len(chain.commits)
    if deltas > MAX_DELTAS:
        return Due(True, f"{deltas} deltas since the last base")
    if chain.base is None:
        first, later = chain.commits[:1], chain.commits[1:]
        base_rows = sum(s.rows for r in first for s in r.commit.snapshots)
    else:
        base_rows, later = chain.base.base.rows, chain.commits
    delta_rows = sum(s.rows for r in later for s in r.commit.snapshots)
    if delta_rows > MAX_DELTA_SHARE * max(base_rows, 1):
        return Due(True, f"deltas hold {delta_rows} rows, the base {base_rows}")
    return Due(False, f"{deltas} deltas, {delta_rows} of {base_rows} rows")


def rebase(
    vault: Vault,
    history: History,
    record: CommitRecord,
    staging: Path,
    *,
    state: StateOfCommit | None = None,
) -> BaseRecord:
    """Writes a base that covers `record`. Needs an identity that opens every row of it.

    `state` is a rebuilt state of the same snapshot, which the base then vouches for.

    Rows of a keyed matter that stay closed to operations are carried over as the objects they are.
    """
    chain = vault.usable_chain(history, record)
    snapshot = load_snapshot(vault.store, vault.keyring, vault.vault_id, history, chain)
    recipients = {e.key_id: e.recipient for e in vault.trust.newest.epochs}
    recipients |= {m.key_id: m.recipient for m in vault.trust.newest.matters}
    epoch = vault.trust.epoch(record.commit.retention_class).key_id
    keyed = {names.matter_of_key(m.key_id): m.key_id for m in vault.trust.newest.matters}
    packs = chain.packs()
    named: set[str] = set()
    with RowsWriter(staging, vault.vault_id, history.source, recipients) as writer:
        for matter in snapshot.matters.values():
            writer.add(keyed.get(matter.matter_id, epoch), matter)
        for row in sorted(snapshot.items.values(), key=lambda r: (r.matter, r.native_id)):
            named.update(part.pack.hex() for part in row.parts)
            came = snapshot.keyed.get(row.item_id, epoch)
            # A row stays with its bytes: under a key that operations cannot open nobody would see any
            # more which packs it needs. What has none goes to its matter's key.
            writer.add(came if row.parts else keyed.get(row.matter, came), row)
        for problem in snapshot.problems.values():
            writer.add(snapshot.keyed.get(problem.item_id, epoch), problem)
        written = writer.close()
    carried = [
        described for described in chain.snapshots() if described.key_id in snapshot.sealed_away
    ]
    if carried:
        # What cannot be opened cannot be merged: these objects, and every pack sealed to their
        # keys, stay needed as they are, in their order; and first, since they end their own rows of
        # what is under another key by now.
        named.update(d for d, p in packs.items() if p.key_id in snapshot.sealed_away)
    for rows in written:
        vault.put_sealed(names.snapshot(history.source, rows.object.snapshot), rows.file)
        rows.file.path.unlink(missing_ok=True)
    base = Base(
        vault_id=vault.vault_id,
        source=history.source,
        covers=Head(seq=record.seq, digest=record.digest),
        created_at=vault.clock.now(),
        snapshots=(*carried, *(w.object for w in written)),
        packs=tuple(
            PackObject(pack=p.pack, key_id=p.key_id, size=p.size, head=p.head, md5=p.md5)
            for digest, p in sorted(packs.items())
            if digest in named
        ),
        rows=sum(w.object.rows for w in written),
        state=state,
    )
    data = vault.signer.sign("base", base.to_payload())
    digest = sha256_hex(data)
    name = names.base(history.source, record.seq, digest)
    put_or_same(vault.store, name, data, sha256=bytes.fromhex(digest))
    return BaseRecord(base, digest, name)
