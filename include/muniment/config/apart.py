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
    """Raises ConfigError when a source and its store lie in one another, or staging and any source
    of the firm: what one run writes there another would back up."""
    destination = config.destination(row)
    stores = {"url": destination.url, "matter_keys": destination.matter_keys or ""}
    for key, url in stores.items():
        store = store_folder(url)
        if store is not None and row.folder is not None and nested(row.folder, store):
            raise _overlap(config, row, f"destinations.{row.destination}.{key}")
    for other in (row, *config.protected):
        if other.folder is not None and nested(other.folder, config.firm.staging):
            raise _overlap(config, other, "staging")


def _overlap(config: FirmConfig, row: InventoryRow, key: str) -> ConfigError:
    return ConfigError(
        f"a source and the folder of {key} lie in one another",
        to=f"firm {config.firm_id}, inventory.csv, row {row.row}, column location; firm.yaml, "
        f"key {key}",
        todo="Choose an empty folder outside every source: what lies in a source is backed up, and "
        "what dead runs leave in staging is removed.",
    )


def require_outside(config: FirmConfig, folder: Path, *, sources_off: bool = False) -> None:
    """Raises TargetUnusable when what is delivered to `folder`/<source> would lie in a source or in a
    store of this firm.

    With `sources_off` no source is looked at, and only its name compared: a file server that hangs must
    not stop a restore.
    """
    for row in config.protected:
        source = row.folder
        if source is None:
            continue
        if sources_off:
            named = Path(os.path.abspath(source))
            real = Path(os.path.realpath(folder))
            wrong = real.is_relative_to(named) or named.is_relative_to(real / row.source_id)
        else:
            wrong = inside(folder, source) or nested(folder / row.source_id, source)
        if wrong:
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
