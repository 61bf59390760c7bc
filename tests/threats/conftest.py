"""The practice firm on the real S3 server: each role with its own credential, under the shipped
policies, in a bucket that locks every new object."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from muniment.sources.files import FileSource
from muniment.vault.store.base import Store
from muniment.vault.vault import Vault
from tests.support.practice import Practice
from tests.support.s3_server import FILES_WORKER, FREE, S3Place, S3Server

ROLE = {
    "worker": FILES_WORKER,
    "operations": "operations",
    "escrow": "operations",
    "retention": "retention",
    "nobody": "operations",
}
"""Whose store credential each holder of keys has; an escrow restores from operations' machine."""


class GuardedPractice(Practice):
    """`place` is the vault's, `keys_place` that of the matter keys, which is never locked.

    Time is the server's, or no backup would run; it moves by seconds.
    """

    def __init__(
        self, folder: Path, place: S3Place, keys_place: S3Place, sources: Sequence[str] = ("files",)
    ) -> None:
        self.place = place
        self.keys_place = keys_place
        super().__init__(
            folder,
            place.store("operations"),
            clock=FixedClock(datetime.now(UTC)),
            matter_keys=keys_place.store("admin"),
            sources=sources,
        )

    def vault(self, role: str = "operations", store: Store | None = None) -> Vault:
        return super().vault(role, store if store is not None else self.place.store(ROLE[role]))

    def source(self, source_id: str = "files") -> FileSource:
        return FileSource(source_id, self.share)

    def tomorrow(self) -> None:
        assert isinstance(self.clock, FixedClock)
        self.clock.advance(timedelta(seconds=5))

    def names(self, prefix: str = "") -> list[str]:
        return sorted({v.name for v in self.place.store().list(prefix)})


@pytest.fixture
def guarded(tmp_path: Path, s3_server: S3Server, locked_s3_place: S3Place) -> GuardedPractice:
    """A firm with nothing backed up yet."""
    return GuardedPractice(tmp_path, locked_s3_place, s3_server.place(FREE))
