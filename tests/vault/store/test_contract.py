"""Every store, and every decorator of one, keeps the Store contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.vault.store.base import Store
from muniment.vault.store.decorators import CountingStore, RetryingStore
from muniment.vault.store.local import LocalStore
from tests.contracts.store_contract import (
    Intruder,
    LockingStoreContract,
    StoreContract,
    VersionedStoreContract,
)
from tests.support.fake_stores import FailingStore, UnsyncedStore, VersionedStore, seeded
from tests.support.s3_server import S3Place


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore.create(tmp_path / "vault")


class TestS3Store(LockingStoreContract):
    """On the real server."""

    @pytest.fixture
    def store(self, s3_place: S3Place) -> Store:
        return s3_place.store()

    @pytest.fixture
    def intruder(self, s3_place: S3Place) -> Intruder:
        return s3_place


class TestVersionedStore(LockingStoreContract):
    """The model that the fast tests use instead of S3."""

    @pytest.fixture
    def store(self) -> Store:
        return VersionedStore()

    @pytest.fixture
    def intruder(self, store: VersionedStore) -> Intruder:
        return store


class TestRetryingStoreOverFaults(VersionedStoreContract):
    """One call in five fails, and nobody notices."""

    @pytest.fixture
    def memory(self) -> VersionedStore:
        return VersionedStore()

    @pytest.fixture
    def store(self, memory: VersionedStore) -> Store:
        failing = FailingStore(memory, seeded(7, 0.2))
        return RetryingStore(failing, attempts=12, sleep=lambda seconds: None)

    @pytest.fixture
    def intruder(self, memory: VersionedStore) -> Intruder:
        return memory


class TestCountingStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return CountingStore(LocalStore.create(tmp_path / "vault"))


class TestUnsyncedStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return UnsyncedStore(LocalStore.create(tmp_path / "vault"))
