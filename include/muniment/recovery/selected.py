"""Selected: the rows of a snapshot that are wanted, read by whichever way is whole; and what is newer
and not believed.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from muniment.errors import (
    IntegrityError,
    MunimentError,
    NoKey,
    ObjectUnreadable,
    StoreDenied,
    StoreUnavailable,
    TrustError,
)
from muniment.recovery.selection import (
    Filter,
    Matching,
    Scope,
    Selected,
    Selection,
    in_order,
    matching,
    nothing_withheld,
    select,
)
from muniment.vault import names
from muniment.vault.checkpoint_log import newest_checkpoint
from muniment.vault.history import LAST_SEQ, CommitRecord, History
from muniment.vault.pack_reader import KEPT_BYTES, PartReader
from muniment.vault.rows import Snapshot
from muniment.vault.snapshots import load_snapshot
from muniment.vault.vault import Vault

_SHOWN = 100
"""Commits that are named as not believed: a thief may leave any number."""


class AtHand:
    """Rows that a plan was made from, and the reader that proved them with the content it kept, for who performs it in
    the same process: what stands under a commit's digest does not change.

    They are given out once, so that they are not held longer than they are used. Of all sources together no more content
    is held than one reader keeps.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, Selection], tuple[Matching, PartReader]] = {}

    def keep(
        self,
        source: str,
        record: CommitRecord,
        selection: Selection,
        found: Matching,
        reader: PartReader,
    ) -> None:
        held = sum(other.kept_bytes for _, other in self._found.values())
        if held + reader.kept_bytes > KEPT_BYTES:
            reader.let_go()
        self._found[source, record.digest, selection] = found, reader

    def take(
        self, source: str, record: CommitRecord, selection: Selection
    ) -> tuple[Matching | None, PartReader | None]:
        return self._found.pop((source, record.digest, selection), (None, None))


def load_selected(
    vault: Vault,
    history: History,
    record: CommitRecord,
    selection: Selection,
    withhold: Filter = nothing_withheld,
) -> tuple[Selected, tuple[str, ...]]:
    """The rows of one snapshot that match, and the key ids whose rows stay closed here.

    Raises as `load_matching` does.
    """
    found = load_matching(vault, history, record, selection)
    return select(found, withhold), found.sealed_away


def load_matching(
    vault: Vault, history: History, record: CommitRecord, selection: Selection
) -> Matching:
    """Raises NoKey when none of the rows opens, IntegrityError and its like when none of the ways to
    read them is whole, StoreError when the store does not answer."""
    snapshot = open_rows(vault, history, record, selection.matters)
    epochs = [key_id for key_id in snapshot.sealed_away if not names.matter_of_key(key_id)]
    if epochs and selection.scope is Scope.SOURCE:
        raise NoKey(
            "the rows of this snapshot stay closed, but for matters under keys of their own",
            to=f"{history.source}: {', '.join(sorted(epochs))}",
        )
    found = matching(snapshot, selection)
    if not selection.related:
        return found
    from muniment.recovery.related import refer, related

    if refer(found.rows):
        everything = open_rows(vault, history, record, ())
        named = related(vault, history, record, everything, found.rows)
        found = replace(found, rows=in_order([*found.rows, *named]))
    return found


def open_rows(
    vault: Vault, history: History, record: CommitRecord, matters: tuple[str, ...]
) -> Snapshot:
    """The rows (of a matter, or all) by the first way whose objects are there and whole: they all say the same.

    Packs are not asked for here: one that is lost must not send back in time who asks for nothing in
    it. `prove` asks for those that are needed.
    """
    present = {
        v.name for v in vault.store.list(f"snapshots/{history.source}/") if not v.delete_marker
    }
    problem: MunimentError | None = None
    for chain in history.chains(record):
        needed = {names.snapshot(history.source, s.snapshot) for s in chain.snapshots()}
        if not needed <= present:
            lost = min(needed - present)
            problem = problem or IntegrityError("an object of rows is not in the store", to=lost)
            continue
        try:
            return load_snapshot(
                vault.store, vault.keyring, vault.vault_id, history, chain, matters=matters
            )
        except MunimentError as error:
            if is_silence(error):
                raise
            problem = problem or error
    assert problem is not None  # there is always a way
    raise problem


def is_silence(error: MunimentError) -> bool:
    """A store that is away, or refuses, is no damage: an older snapshot would be a loss that nobody has
    to bear."""
    return isinstance(error, StoreDenied | StoreUnavailable) and not isinstance(
        error, ObjectUnreadable
    )


def not_believed(history: History, head: int, when: datetime) -> list[tuple[int, str]]:
    """Commits after `head`, the newest that can be taken, of which no version is true or that are not
    trusted: (seq, why), newest first.

    One that ended after `when` is not missed; one that cannot be read does not say when it ended.
    """
    later = min((r.seq for r in history.records if r.commit.ended_at > when), default=LAST_SEQ + 1)
    records = {r.seq: r for r in history.records}
    passed = []
    for seq in sorted(history.taken, reverse=True):
        record = records.get(seq)
        if head < seq < later and (record is None or record.untrusted):
            why = record.untrusted if record else "no version of the commit is validly signed"
            passed.append((seq, why))
    return passed[:_SHOWN]


def require_documents(vault: Vault) -> None:
    """Raises TrustError when a vault document is gone in which a signer may have been revoked."""
    newest = newest_checkpoint(vault.store, vault.trust)
    if newest and newest.vault_document.number > vault.trust.newest.number:
        raise TrustError(
            "a checkpoint names a newer vault document than the store has: a signer may be revoked in "
            "it, whose commits would be believed here",
            to=names.vault_document(newest.vault_document.number),
            todo="Copy the document back from the second destination or the recovery kit. By hand, "
            "with `recover.py`, a restore is possible without; then judge yourself what is true.",
        )
