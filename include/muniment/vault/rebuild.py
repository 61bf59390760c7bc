"""Rebuild: a source's state, made anew from its rows.

For the day on which no worker can open the state any more (the worker was replaced) or it is damaged.
Operations signs it beside a base, so that a worker believes it: state is sealed, not signed, and a
planted one would make a backup skip what changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from muniment.ids import ItemIds, parent_id
from muniment.model.item import Fingerprint
from muniment.vault import names
from muniment.vault.bases import rebase
from muniment.vault.documents import StateOfCommit
from muniment.vault.history import BaseRecord, CommitRecord, History
from muniment.vault.rows import Snapshot
from muniment.vault.sealed_file import SealedFileWriter
from muniment.vault.state import StateDelta, StateEntry, remembered
from muniment.vault.vault import Vault, state_object


def rebuild_state(
    vault: Vault, history: History, record: CommitRecord, staging: Path
) -> BaseRecord:
    """Writes a base that covers `record`, with a whole state beside it, sealed to the present holders.

    Rows hold no inodes and no change times, so the next run reads every item of a tree once more and finds
    its bytes in the vault: nothing is uploaded again. Rows of an API hold all there is to compare. Needs an identity that opens every row.
    """
    snapshot = vault.snapshot(history, record)
    ids = ItemIds(vault.keyring.id_key(f"id-{history.source}"), history.source)
    entries = list(_entries(snapshot, ids))
    with SealedFileWriter(staging, vault.state_recipients(), level=1) as out:
        StateDelta.of(entries, [], {}).write_to(out.write)
        file = out.close()
    vault.put_sealed(names.state(history.source, file.digest), file)
    file.path.unlink(missing_ok=True)
    state = StateOfCommit(kind="base", objects=(state_object(file),))
    return rebase(vault, history, record, staging, state=state)


def _entries(snapshot: Snapshot, ids: ItemIds) -> Iterator[StateEntry]:
    for row in snapshot.items.values():
        yield StateEntry(
            row.item_id,
            row.kind,
            remembered(Fingerprint(row.size, row.mtime_ns, 0, 0, 0, row.version)),
            row.matter,
            row.digest,
            row.parts,
            # Of an API too, where no item stands for the folder.
            parent_id(ids, row.native_id),
        )
