"""Places: where sources, stores and staging lie, as `doctor` judges it: apart, private, on which disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.cli import words
from muniment.cli.checkup import State, Symptom
from muniment.config.apart import nested, store_folder

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.config.firm import Destination

LITTLE_SPACE = 5_000_000_000
"""Staging below this: two shards being written and uploaded may fill it."""


def account(session: Session, about: str, destination: Destination) -> Iterator[Symptom]:
    """Is the store apart from the sources: another account, another folder, another disk?"""
    folder = store_folder(destination.url)
    if folder is None:
        yield _account_named(about, destination)
        return
    sources = {r.source_id: r.folder for r in session.firm.protected if r.folder is not None}
    within = [source for source, place in sources.items() if nested(place, folder)]
    if within:
        what = f"the vault and a source lie in one another: {', '.join(within)}"
        yield Symptom(about, State.BAD, what, "Choose a folder on another disk or machine.")
        return
    yield Symptom(about, State.GOOD, "the vault's folder and the sources are apart")
    beside = [source for source, place in sources.items() if same_disk(place, folder)]
    if beside:
        yield Symptom(
            about,
            State.WARNING,
            f"it lies on the same disk as the source {', '.join(beside)}: one failure takes both",
            "Choose another disk, or better another building: an S3 store with Object Lock.",
        )


def _account_named(about: str, destination: Destination) -> Symptom:
    if destination.account:
        return Symptom(about, State.GOOD, "the owning account is named and no source is in it")
    return Symptom(
        about,
        State.WARNING,
        "firm.yaml does not say which account owns the store",
        f"Set destinations.{about.split()[-1]}.account: then a source in the same account is refused.",
    )


def staging(session: Session) -> Iterator[Symptom]:
    """Can staging be written, is it private, near, large enough, and nothing else's?"""
    folder = session.firm.firm.staging
    folders = {r.source_id: r.folder for r in session.firm.protected if r.folder is not None}
    within = [source for source, place in folders.items() if nested(place, folder)]
    if within:
        what = f"staging and a source lie in one another: {', '.join(within)}"
        yield Symptom("staging", State.BAD, what, "Choose an empty folder outside every source.")
        return
    existing = next((p for p in (folder, *folder.parents) if p.exists()), Path("/"))
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Symptom(
            "staging", State.BAD, "this user cannot write it", f"`chown` or create {folder}."
        )
        return
    if existing == folder and folder.stat().st_mode & 0o077:
        yield Symptom(
            "staging", State.WARNING, "others can look into it", f"`chmod 0700 {folder}`."
        )
    yield _space(existing)
    yield from _neighbours(session, existing)


def _space(existing: Path) -> Symptom:
    free = shutil.disk_usage(existing).free
    if free >= LITTLE_SPACE:
        return Symptom("staging", State.GOOD, f"{words.size(free)} are free")
    return Symptom(
        "staging",
        State.WARNING,
        f"only {words.size(free)} are free",
        f"Free space, or point `staging` elsewhere; {words.size(LITTLE_SPACE)} at least.",
    )


def _neighbours(session: Session, existing: Path) -> Iterator[Symptom]:
    from muniment.sources.tree.place import mount_of

    for name, destination in session.firm.firm.destinations.items():
        store = store_folder(destination.url)
        if store is not None and same_disk(store, existing):
            yield Symptom(
                "staging",
                State.WARNING,
                f"it lies on the same disk as the destination {name}: each pack is there twice, and a "
                "store that is full leaves no room to work",
                "Point `staging` at another disk.",
            )
    mount = mount_of(os.fsencode(existing))
    if mount.remote:
        yield Symptom(
            "staging",
            State.WARNING,
            f"it lies on a network file system ({mount.type})",
            "A local disk is faster and cannot be cut off in the middle of a run.",
        )


def same_disk(one: Path, other: Path) -> bool:
    """False where that cannot be known."""
    try:
        return one.stat().st_dev == other.stat().st_dev
    except OSError:
        return False
