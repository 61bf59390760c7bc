"""Opened: a practice that another process set up, from its folder and its keys."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from muniment.clock import FixedClock
from muniment.vault.age import Identity
from muniment.vault.signing import Signer
from muniment.vault.store.local import LocalStore
from muniment.vault.trust import Pin
from tests.support.practice import Keys, Practice


class Opened(Practice):
    """A practice that was set up elsewhere: a copy of its store, its share, its keys."""

    def __init__(self, folder: Path, share: Path, keys: Keys, pin: Pin, at: datetime) -> None:
        self.folder = folder
        self.share = share
        self.staging = folder / "staging"
        self.store = LocalStore(folder / "store")
        self.matter_keys = None
        self.clock = FixedClock(at)
        self.keys = keys
        self.pin = pin
        self._runs = itertools.count(1)


def keys_to_text(keys: Keys, pin: Pin) -> str:
    """For another process. They are made for one test and open nothing else."""
    values = {
        name: value.pem().decode() if isinstance(value, Signer) else str(value)
        for name, value in vars(keys).items()
    }
    return json.dumps({**values, "vault_id": pin.vault_id, "root_public": pin.root_public.hex()})


def keys_of_text(text: str) -> tuple[Keys, Pin]:
    values = json.loads(text)
    pin = Pin(values.pop("vault_id"), bytes.fromhex(values.pop("root_public")))
    read: dict[str, Any] = {
        name: Identity.parse(value) if value.startswith("AGE-") else Signer.from_pem(value)
        for name, value in values.items()
    }
    return Keys(**read), pin
