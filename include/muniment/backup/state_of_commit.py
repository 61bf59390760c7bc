"""State of a commit: what the worker remembers of the source, as its changes or as a new whole."""

from __future__ import annotations

from pathlib import Path

from muniment.backup.run import BackupRun
from muniment.backup.work import Plan
from muniment.vault import names
from muniment.vault.documents import StateObject, StateOfCommit
from muniment.vault.sealed_file import SealedFileWriter
from muniment.vault.state import State, StateDelta
from muniment.vault.vault import state_object

STATE_DELTAS = 30
STATE_DELTA_SHARE = 0.25
"""The worker merges its state at this many deltas, or when they have this share of its entries."""


def write_state(
    run: BackupRun, plan: Plan, folder: Path, after: State, delta: StateDelta
) -> StateOfCommit:
    """Uploads the state of this commit: the changes, or all of it when a merge is due."""
    entries = len(delta)
    deltas = 1
    for record in reversed(run.history.trusted):
        if record.commit.state.kind == "base":
            break
        deltas += 1
        entries += record.commit.counts.added + record.commit.counts.changed
    due = (
        not plan.parent_seq
        or deltas > STATE_DELTAS
        or entries > STATE_DELTA_SHARE * max(len(after), 1)
    )
    if not due and not len(delta) and not _new_facts(delta):
        return StateOfCommit(kind="delta", objects=())
    with SealedFileWriter(folder, run.vault.state_recipients(), level=1) as out:
        (after.as_base() if due else delta).write_to(out.write)
        file = out.close()
    run.vault.put_sealed(names.state(run.source_id, file.digest), file)
    objects: tuple[StateObject, ...] = (state_object(file),)
    return StateOfCommit(kind="base" if due else "delta", objects=objects)


def _new_facts(delta: StateDelta) -> bool:
    # The plan keeps only facts that changed, besides the identity, which never changes without a
    # new base.
    return any(not key.startswith("identity") for key in delta.facts)
