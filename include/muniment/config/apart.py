"""Apart: a source, its store and staging are three places, and a restore goes to a fourth.

A store in a source would be backed up into itself, staging in one would be too, a source in staging
would be removed with what dead runs left, and a restore into a source would overwrite what people work
on. Links are followed: what counts is where things really lie.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from muniment.config.inventory import InventoryRow
from muniment.config.load import FirmConfig
from muniment.errors import ConfigError, TargetUnusable


def inside(one: Path, other: Path) -> bool:
    """Is `one` the folder `other`, or below it?"""
    a, b = os.path.realpath(one), os.path.realpath(other)
    return a == b or a.startswith(b.rstrip("/") + "/")


def nested(one: Path, other: Path) -> bool:
    return inside(one, other) or inside(other, one)


def store_folder(url: str) -> Path | None:
    """The folder of a `file:` destination."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def require_apart(config: FirmConfig, row: InventoryRow) -> None:
    """Raises ConfigError when a source and its store or staging lie in one another."""
    source = Path(row.location)
    destination = config.destination(row)
    places = {
        "staging": config.firm.staging,
        f"destinations.{row.destination}.url": store_folder(destination.url),
        f"destinations.{row.destination}.matter_keys": store_folder(destination.matter_keys or ""),
    }
    for key, place in places.items():
        if place is not None and nested(source, place):
            raise ConfigError(
                f"the source and the folder of {key} lie in one another",
                to=f"firm {config.firm_id}, inventory.csv, row {row.row}, column location; "
                f"firm.yaml, key {key}",
                todo="Choose a folder outside every source, and empty: what lies in a source is "
                "backed up, and what dead runs leave in staging is removed.",
            )


def require_outside(config: FirmConfig, folder: Path) -> None:
    """Raises TargetUnusable when what is delivered to `folder`/<source> would lie in a source or in a
    store of this firm."""
    for row in config.protected:
        source = Path(row.location)
        if inside(folder, source) or nested(folder / row.source_id, source):
            raise _refused(f"the folder lies in the source {row.source_id}, or it in the folder")
    for name, destination in config.firm.destinations.items():
        for url in (destination.url, destination.matter_keys or ""):
            store = store_folder(url)
            if store is not None and inside(folder, store):
                raise _refused(f"the folder lies in the store of the destination {name}")


def _refused(what: str) -> TargetUnusable:
    return TargetUnusable(
        what,
        to="the folder that was named to deliver to",
        todo="Choose a folder outside every source and store, and copy from there what is wanted.",
    )
