"""Session: what one call was told, and the vault, keys and stores that follow from it.

There are two ways in. With a firm's folder (`--firm`) everything follows from its configuration.
Without one, `--store`, `--vault-id` and `--root-key` come from the key card and `--identity` from
the safe: recovery from nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field

from muniment.cli.screen import Screen
from muniment.clock import Clock, SystemClock, Waiting
from muniment.errors import ConfigError, KeyFileError, TargetUnusable
from muniment.model.value import Mutable, Value

if TYPE_CHECKING:
    from muniment.config.load import FirmConfig
    from muniment.sources.files import FileTarget
    from muniment.vault.age import Identity
    from muniment.vault.signing import Signer
    from muniment.vault.store.base import Store
    from muniment.vault.trust import Pin
    from muniment.vault.vault import Vault
    from muniment.wiring import Wiring

READING_ROLE = "operations"


class Given(Value, frozen=True):
    """The global options as they were typed."""

    firm: Path | None = None
    destination: str = ""
    store: str = ""
    vault_id: str = ""
    root_key: str = ""
    matter_keys: str = ""
    role: str = ""
    identities: tuple[Path, ...] = ()
    passphrase_file: Path | None = None


class Session(Mutable, dict=True):
    """One call of `muniment`. Everything is made when it is first asked for."""

    screen: Screen
    given: Given = field(default_factory=Given)
    clock: Clock = field(default_factory=SystemClock)

    @property
    def waiting(self) -> Waiting:
        """The clock, where somebody has to be waited for."""
        return self.clock if isinstance(self.clock, Waiting) else SystemClock()

    # -- the firm ----------------------------------------------------------------------------------

    @property
    def has_firm(self) -> bool:
        return self.given.firm is not None

    @cached_property
    def firm(self) -> FirmConfig:
        """Raises ConfigError without a firm's folder, or with a bad one."""
        from muniment.config.load import load_firm

        if self.given.firm is None:
            raise ConfigError(
                "this needs the firm's folder (firm.yaml and inventory.csv)",
                todo="Name it with --firm, or set MUNIMENT_FIRM.",
            )
        return load_firm(self.given.firm.resolve())

    @cached_property
    def wiring(self) -> Wiring:
        from muniment.cli.stores import open_destination
        from muniment.wiring import Wiring

        return Wiring(self.firm, open_destination, self.clock)

    @property
    def reading_destination(self) -> str:
        """The name of the destination that is read from."""
        return self.given.destination or next(iter(self.firm.firm.destinations), "")

    @property
    def destination(self) -> str | None:
        """The destination of firm.yaml that was named; None for its first."""
        return self.given.destination or None

    @cached_property
    def zone(self) -> tzinfo:
        """The firm's time zone, else this machine's."""
        from zoneinfo import ZoneInfo

        if self.has_firm:
            return ZoneInfo(self.firm.firm.time_zone)
        zone = datetime.now().astimezone().tzinfo
        assert zone is not None
        return zone

    # -- the vault ---------------------------------------------------------------------------------

    @cached_property
    def pin(self) -> Pin:
        """Vault id and root key: typed from the key card, else pinned in firm.yaml."""
        from muniment.vault.trust import Pin

        if self.given.vault_id or self.given.root_key:
            return Pin(
                _hex(self.given.vault_id, 32, "--vault-id"),
                bytes.fromhex(_hex(self.given.root_key, 64, "--root-key")),
            )
        pinned = self.firm.firm.pinned()
        return Pin(pinned.vault_id, bytes.fromhex(pinned.root_public))

    @cached_property
    def identities(self) -> list[Identity]:
        """What the files of `--identity` hold; passphrases are asked for."""
        return [
            identity for path in self.given.identities for identity in self._identities_in(path)
        ]

    def _identities_in(self, path: Path) -> list[Identity]:
        from muniment.cli.keyfiles import read_identities

        return read_identities(path, self.passphrase)

    def passphrase(self, path: Path) -> str:
        """From `--passphrase-file`, else typed. Raises KeyFileError when nobody can be asked."""
        from muniment.config.keyfiles import read_key_file

        if self.given.passphrase_file is not None:
            return read_key_file(self.given.passphrase_file).strip("\r\n")
        typed = self.screen.secret(f"Passphrase of {path.name}: ")
        if not typed:
            raise KeyFileError(
                "the file is under a passphrase and nobody could be asked for it",
                to=str(path),
                todo="Run this in a terminal, or give --passphrase-file FILE (mode 0600).",
            )
        return typed

    def keyless(self) -> Vault:
        """The vault as somebody without any key sees it."""
        return self._vault_with([])

    def reading(self) -> Vault:
        """The vault for reading rows and packs: with `--identity`, else with the role's keys."""
        if self.given.identities:
            return self._vault_with(self.identities)
        if not self.has_firm:
            raise KeyFileError(
                "no identity was named that opens the vault",
                to="--identity",
                todo="Give --identity FILE: an escrow identity from the safe, or operations'.",
            )
        return self.acting(self.given.role or READING_ROLE)

    def looking(self) -> Vault:
        """For answers that keys make richer and that are given without too."""
        if not self.given.identities and not self.has_firm:
            return self.keyless()
        try:
            return self.reading()
        except KeyFileError:
            if self.given.identities or self.given.role:
                raise
            return self.keyless()

    def acting(self, role: str) -> Vault:
        """The vault for a role that signs. Raises KeyFileError where its key files are not."""
        if not self.has_firm:
            raise ConfigError(
                f"this is done in the role {role}, whose keys the firm's folder names",
                todo="Name the folder with --firm, on the machine of that role.",
            )
        return self.wiring.vault(role, self.destination)

    def changing_keys(self, root: Signer) -> Vault:
        """The vault for what root signs, opened with `--identity` or operations' keys."""
        vault = self.reading() if self.given.identities or self.has_firm else self.keyless()
        if root.public != vault.pin.root_public:
            raise KeyFileError(
                "this is not the root key of this vault",
                to="--root",
                todo="Compare its fingerprint with the key card.",
            )
        return vault

    def _vault_with(self, identities: Sequence[Identity]) -> Vault:
        from muniment.vault.vault import Vault

        return Vault(
            self.store,
            self.pin,
            identities=identities,
            matter_keys=self.matter_key_store,
            clock=self.clock,
        )

    @cached_property
    def store(self) -> Store:
        """`--store`, else the firm's destination. Raises ConfigError."""
        from muniment.cli.stores import open_url

        if self.given.store:
            return open_url(self.given.store)
        if self.has_firm:
            return self.wiring.store(self.destination, self.store_role())
        raise ConfigError(
            "it was not said where the vault is",
            todo="Name the firm's folder with --firm; or, from the key card, --store, --vault-id and "
            "--root-key.",
        )

    @cached_property
    def matter_key_store(self) -> Store | None:
        from muniment.cli.stores import open_url

        if self.given.matter_keys:
            return open_url(self.given.matter_keys)
        if not self.has_firm or self.given.store:
            return None
        return self.wiring.matter_key_store(self.destination, self.store_role())

    def store_role(self, *preferred: str) -> str:
        """Whose access key to the store is used where no role acts: the one that was named, else
        the first that firm.yaml names and this user can read; empty when there is none."""
        from muniment.config.keyfiles import locate

        if self.given.role:
            return self.given.role
        for role in (*preferred, "operations", "worker", "retention"):
            part = getattr(self.firm.firm.keys, role, None)
            reference = getattr(part, "store", None)
            if reference and os.access(locate(reference), os.R_OK):
                return role
        return ""

    # -- targets -----------------------------------------------------------------------------------

    def target(
        self,
        source: str,
        folder: Path,
        *,
        overwrite: bool,
        restore_id: str,
        sources_off: bool = False,
    ) -> FileTarget:
        """Where a restore of a source delivers to: `folder`/<source>, which is made. With `sources_off` no
        source is touched, not even to see where it lies.

        Raises TargetUnusable.
        """
        from muniment.sources.files import FileTarget

        self.require_outside(folder, sources_off=sources_off)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise TargetUnusable(
                f"the folder cannot be made ({error.strerror})", to=str(folder)
            ) from None
        return FileTarget(folder / source, overwrite=overwrite, restore_id=restore_id)

    def require_outside(self, folder: Path, *, sources_off: bool = False) -> None:
        """Raises TargetUnusable for a folder in a source or a store of the firm at hand."""
        from muniment.config.apart import require_outside

        if self.has_firm:
            require_outside(self.firm, folder, sources_off=sources_off)


def _hex(text: str, length: int, option: str) -> str:
    value = "".join(text.split()).lower()
    if len(value) != length or set(value) - set("0123456789abcdef"):
        raise ConfigError(
            f"{option} is not {length} hex characters",
            to=option,
            todo="Copy it from the key card; spaces do not matter.",
        )
    return value
