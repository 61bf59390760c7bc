"""Wiring of Windows file servers: from location, connection and `sources.<id>.smb` of firm.yaml to a source.

User and password come from the Airflow connection of the inventory row where there is one (`login`), else from firm.yaml,
which names where the password is kept.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from muniment.clock import Waiting
from muniment.config.inventory import InventoryRow
from muniment.config.keyfiles import read_secret
from muniment.config.load import FirmConfig
from muniment.config.patterns import compile_patterns
from muniment.config.smb import SmbAccount, SmbOptions, SmbRestore, parse_unc
from muniment.errors import ConfigError
from muniment.sources.smb.place import PORT, Account, Place

if TYPE_CHECKING:
    from muniment.sources.smb.source import SmbSource
    from muniment.sources.smb.target import SmbTarget


@dataclass(frozen=True, slots=True)
class Login:
    """What an Airflow connection of a file share holds; empty parts are looked for in firm.yaml."""

    user: str = ""
    password: str = field(default="", repr=False)
    domain: str = ""
    port: int = 0
    connection: str = ""


def smb_source(
    config: FirmConfig, row: InventoryRow, clock: Waiting, *, login: Login | None = None
) -> SmbSource:
    """Raises ConfigError, KeyFileError."""
    from muniment.sources.smb.source import Reading, SmbSource

    options = config.options(row.source_id)
    given = options.smb or SmbOptions()
    reading = Reading(
        exclude=compile_patterns(options.exclude),
        sentinel=os.fsencode(options.sentinel) if options.sentinel else None,
        connections=given.connections,
        streams=given.streams,
        closely=given.look_closely,
        closely_every=given.look_closely_every,
        shadow_copy=given.shadow_copy,
        shadow_age=given.shadow_copy_age,
    )
    return SmbSource(
        row.source_id,
        place_of(config, row, given, login),
        account_of(given, login, given.encrypt, _where(config, row, "smb")),
        reading,
        clock,
    )


def smb_target(
    config: FirmConfig,
    row: InventoryRow,
    clock: Waiting,
    folder: str,
    *,
    restore_id: str = "",
) -> SmbTarget:
    """A new folder on a share: that of firm.yaml's `smb.restore`, or of the source. Raises ConfigError, KeyFileError."""
    from muniment.sources.smb.target import SmbTarget

    place, given = restore_place(config, row)
    encrypt = (config.options(row.source_id).smb or SmbOptions()).encrypt
    account = account_of(given, None, encrypt, _where(config, row, "smb.restore"))
    inner = "/".join(part for part in (place.folder, folder) if part)
    return SmbTarget(
        row.source_id, Place(place.server, place.share, inner, place.port), account, clock, restore_id
    )  # fmt: skip


def restore_place(config: FirmConfig, row: InventoryRow) -> tuple[Place, SmbRestore]:
    """Below which place new folders are made, and by whom. Raises ConfigError where nobody may."""
    given = config.options(row.source_id).smb or SmbOptions()
    if given.restore is None:
        raise ConfigError(
            "nobody is named who may write back onto a share",
            to=_where(config, row, "smb.restore"),
            todo="Give `user` and `password` of an account that may write, and best a `location` that no source reads; or"
            " restore into a folder of this machine.",
        )
    place = place_of(config, row, given, None)
    named = parse_unc(given.restore.location)
    server, share, above = named or (place.server, place.share, "")
    return Place(server, share, above, place.port), given.restore


def place_of(
    config: FirmConfig, row: InventoryRow, given: SmbOptions, login: Login | None
) -> Place:
    found = parse_unc(row.location)
    if found is None:
        raise ConfigError(
            "the location is no share of a file server",
            to=f"firm {config.firm_id}, inventory.csv, row {row.row}, column location",
            todo=r"Write server and share: \\fileserver\Matters.",
        )
    server, share, folder = found
    port = given.port or (login.port if login else 0) or PORT
    return Place(server, share, folder, port)


def account_of(given: SmbAccount, login: Login | None, encrypt: bool, where: str) -> Account:
    """Raises ConfigError, KeyFileError where a part of it is nowhere to be found."""
    held = login or Login()
    password = held.password
    if not password and given.password is not None:
        password = read_secret(given.password)
    user = given.user or held.user
    if not user or not password:
        missing = "password" if user else "user"
        raise ConfigError(
            f"the {missing} for the file server is nowhere to be found",
            to=where,
            todo="Give it in firm.yaml (of the password only where it is kept), or make the Airflow connection that the"
            " inventory row names. Outside of Airflow only firm.yaml counts; docs/SMB.md.",
        )
    return Account(user, password, given.domain or held.domain, encrypt)


def _where(config: FirmConfig, row: InventoryRow, key: str) -> str:
    where = f"firm {config.firm_id}, firm.yaml, key sources.{row.source_id}.{key}"
    return where + (f"; connection {row.connection} of Airflow" if row.connection else "")
