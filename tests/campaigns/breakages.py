"""Breakages: faults put into the engine on purpose, to see that the crash campaign finds them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import muniment.backup.pipeline
import muniment.vault.store.local
from muniment.vault.retention import RetentionOffice
from muniment.vault.store.local import LocalStore

pipeline: Any = muniment.backup.pipeline
local: Any = muniment.vault.store.local


def break_on_purpose(what: str) -> None:
    if what == "folders are not flushed":
        local._flush_folder = lambda folder: None
    elif what == "files are not flushed":
        local._flush = lambda descriptor: None
    elif what == "the commit goes first":
        store = pipeline._store
        later: list[tuple[Any, Any]] = []
        commit = pipeline.commit_snapshot

        def put_off(run: Any, result: Any) -> Any:
            later.append((run, result))
            return result

        def commit_first(run: Any, results: Any) -> Any:
            outcome = commit(run, results)
            for one in later:
                store(*one)
            return outcome

        pipeline._store, pipeline.commit_snapshot = put_off, commit_first
    elif what == "written in place":
        local.LocalStore._link = _copy_in_place
    elif what == "what is needed is swept too":
        setattr(RetentionOffice, "sweep", _sweep_too_much)  # noqa: B010
    elif what == "staging is left to itself":
        pipeline.clean_abandoned = lambda root: []
    elif what:
        raise ValueError(what)


def _copy_in_place(store: LocalStore, temporary: Path, final: Path, name: str) -> None:
    """As a program does that knows no temporary files."""
    descriptor = os.open(final, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    local._flush_folder(final.parent)
    os.write(descriptor, temporary.read_bytes())
    os.fsync(descriptor)
    os.close(descriptor)


def _sweep_too_much(office: RetentionOffice) -> list[str]:
    """What is condemned is deleted at once, whatever its date, and what is needed with it."""
    store = office._vault.store
    gone = sorted(office._vault.retention().condemned)
    for name in [*gone, next(store.list("packs/")).name]:
        store.delete_version(name, "")
    return gone
