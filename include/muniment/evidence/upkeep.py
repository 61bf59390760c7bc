"""Upkeep: what operations does for the evidence every day, cheap when there is nothing to do."""

from __future__ import annotations

from dataclasses import dataclass

from muniment.config.load import FirmConfig
from muniment.evidence.configuration import note_configuration
from muniment.evidence.rollup import write_rollups
from muniment.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Kept:
    """`noted`: another configuration is in force and was noted; `months` were rolled up."""

    noted: bool
    months: tuple[str, ...]


def destinations_of(config: FirmConfig) -> list[str]:
    """The firm's first destination, where its own evidence lies, and every other that a source uses."""
    first = next(iter(config.firm.destinations))
    return list(dict.fromkeys([first, *(row.destination for row in config.protected)]))


def keep_up(vault: Vault, config: FirmConfig, destination: str) -> Kept:
    """Notes the configuration, rolls up the months that are over. Called before a checkpoint, which then
    covers it. Raises StoreError, VaultError, SignatureError."""
    noted = note_configuration(vault, config, destination)
    return Kept(noted, tuple(write_rollups(vault)))
