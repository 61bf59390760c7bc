"""The probe tells a store that keeps its promises from one that says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from muniment.errors import ConfigError, LockNotEnforced, StoreDenied, StoreUnavailable
from muniment.vault.store.base import Store
from muniment.vault.store.decorators import CountingStore, RetryingStore
from muniment.vault.store.local import LocalStore
from muniment.vault.store.policies import PROBE_PREFIX
from muniment.vault.store.probe import ProbeResult, Verdict, probe, require_separate_account
from muniment.vault.store.s3 import S3Store
from tests.support.fake_stores import START, FailingStore, VersionedStore, digest, put, seeded
from tests.support.s3_server import S3Place, S3Server


def checks(result: ProbeResult) -> dict[str, bool]:
    return {check.name: check.passed for check in result.checks}


def probes(store: Store) -> list[str]:
    return [each.name for each in store.list(PROBE_PREFIX)]


# -- the real server ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["admin", "worker", "files_worker", "operations", "retention"])
def test_a_locked_bucket_is_enforced_against_every_role(
    locked_s3_place: S3Place, role: str
) -> None:
    store = locked_s3_place.store(role)
    result = probe(store)
    assert result.verdict is Verdict.ENFORCED, result.reason
    assert all(checks(result).values())
    assert result.locked_until is not None and result.locked_until > datetime.now(UTC)
    # Nothing was there to prove that this credential could delete anything at all.
    assert result.can_delete is None
    assert "retention credential" in result.reason
    assert list(result.left) == probes(store)
    result.require()


def test_a_decorated_store_is_attacked_behind_its_decorators(locked_s3_place: S3Place) -> None:
    result = probe(RetryingStore(CountingStore(locked_s3_place.store("worker"))))
    assert result.verdict is Verdict.ENFORCED, result.reason


def test_a_role_that_may_not_write_is_told_so(locked_s3_place: S3Place) -> None:
    with pytest.raises(StoreDenied):
        probe(locked_s3_place.store("lock_keeper"))


def test_without_a_default_lock_an_admin_locks_the_probe_himself(s3_place: S3Place) -> None:
    result = probe(s3_place.store())
    assert result.verdict is Verdict.ENFORCED, result.reason


def test_without_a_default_lock_a_worker_is_not_protected(s3_place: S3Place) -> None:
    result = probe(s3_place.store("worker"))
    assert result.verdict is Verdict.NOT_ENFORCED
    assert "no lock" in result.reason
    assert result.can_delete is False
    # It may not delete, so this one stays, and the result says so.
    assert list(result.left) == probes(s3_place.store())
    with pytest.raises(LockNotEnforced):
        result.require()


def test_without_a_default_lock_retention_leaves_no_stray(s3_place: S3Place) -> None:
    result = probe(s3_place.store("retention"))
    assert result.verdict is Verdict.NOT_ENFORCED
    assert result.can_delete is True
    assert probes(s3_place.store()) == []


def test_a_credential_that_removed_an_old_probe_proves_that_the_lock_refused(
    s3_place: S3Place,
) -> None:
    put(s3_place.store(), f"{PROBE_PREFIX}20250101T000000Z-00000000", b"an old, unlocked probe")
    result = probe(s3_place.store())
    assert result.can_delete is True
    assert result.verdict is Verdict.ENFORCED
    assert "could neither delete nor unlock" in result.reason
    assert list(result.left) == probes(s3_place.store())


def test_a_bucket_that_takes_locks_without_object_lock_is_caught(s3_server: S3Server) -> None:
    """SeaweedFS accepts a retention on a bucket without Object Lock, and then deletes."""
    client = s3_server.client("admin")
    client.create_bucket(Bucket="versions-only")
    client.put_bucket_versioning(
        Bucket="versions-only", VersioningConfiguration={"Status": "Enabled"}
    )
    store = S3Store(client, "versions-only")
    result = probe(store)
    assert result.verdict is Verdict.NOT_ENFORCED
    assert probes(store) == []


# -- stores that break one promise each --------------------------------------------------------


class ForgetsLocks(VersionedStore):
    def delete_version(self, name: str, version: str) -> None:
        self.corrupt_lock(name, version)
        super().delete_version(name, version)

    def corrupt_lock(self, name: str, version: str) -> None:
        self._find(name, version).locked_until = None


class Shortens(VersionedStore):
    def attack_lock(self, name: str, version: str, until: datetime) -> None:
        self._find(name, version).locked_until = until


class BelievesAnything(VersionedStore):
    def put(self, name: str, data: bytes | Path, *, sha256: bytes) -> str:
        assert isinstance(data, bytes)
        return super().put(name, data, sha256=digest(data))


class Overwrites(VersionedStore):
    def put(self, name: str, data: bytes | Path, *, sha256: bytes) -> str:
        assert isinstance(data, bytes)
        if digest(data) != sha256:
            return super().put(name, data, sha256=sha256)
        return self.put_on_top(name, data)


class SaysLocked(VersionedStore):
    """Takes every lock and shows none."""

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None: ...


@pytest.mark.parametrize(
    ("store", "broken"),
    [
        (ForgetsLocks(), "delete"),
        (Shortens(), "shorten"),
        (BelievesAnything(), "checksum"),
        (Overwrites(), "put if absent"),
        (SaysLocked(), "lock"),
    ],
)
def test_each_broken_promise_is_named(store: VersionedStore, broken: str) -> None:
    result = probe(store, FixedClock(START))
    assert [name for name, passed in checks(result).items() if not passed] == [broken]
    assert result.verdict is Verdict.NOT_ENFORCED
    assert result.reason
    with pytest.raises(LockNotEnforced):
        result.require()


def test_an_honest_store_is_enforced_and_cleaned_up_later() -> None:
    clock = FixedClock(START)
    store = VersionedStore(clock)
    put(store, "packs/ab/one", b"untouched")
    first = probe(store, clock)
    assert first.verdict is Verdict.ENFORCED
    assert probes(store) == list(first.left) and len(first.left) == 1
    clock.advance(timedelta(days=30))
    second = probe(store, clock)
    assert second.can_delete is True
    assert second.verdict is Verdict.ENFORCED
    assert probes(store) == list(second.left) != list(first.left)
    assert store.get("packs/ab/one") == b"untouched"


def test_a_folder_is_not_enforced_and_left_clean(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path / "vault")
    result = probe(store)
    assert result.verdict is Verdict.NOT_ENFORCED
    assert checks(result)["put if absent"] and checks(result)["checksum"]
    assert not checks(result)["versions"]
    assert probes(store) == []


def test_a_store_that_is_down_gets_no_verdict() -> None:
    store = FailingStore(VersionedStore(), seeded(1, 1.1))
    with pytest.raises(StoreUnavailable):
        probe(store)


def test_a_result_is_evidence() -> None:
    result = probe(VersionedStore(), FixedClock(START)).as_dict()
    assert result["verdict"] == "ENFORCED"
    assert result["at"] == "2026-01-05T02:00:00Z"
    assert isinstance(result["checks"], list) and len(result["checks"]) == 6


# -- accounts ----------------------------------------------------------------------------------


def test_a_destination_in_a_sources_account_is_refused() -> None:
    with pytest.raises(ConfigError, match="same account") as caught:
        require_separate_account(" 111122223333", [("mail", ""), ("files", "111122223333")])
    assert caught.value.to == "files"


@pytest.mark.parametrize("sources", [[], [("files", "444455556666")], [("files", "")]])
def test_other_and_unknown_accounts_pass(sources: list[tuple[str, str]]) -> None:
    require_separate_account("111122223333", sources)
    require_separate_account("", sources)
