"""put_or_same under every fault, retries that end, and counters that count."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.errors import (
    ChecksumMismatch,
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoreUnavailable,
)
from muniment.vault.store.base import Store, opened
from muniment.vault.store.decorators import (
    CountingStore,
    ReadOnlyStore,
    RetryingStore,
    put_or_same,
    stored_digest,
)
from muniment.vault.store.local import LocalStore
from tests.support.fake_stores import (
    FailingStore,
    HangingStore,
    LaggingStore,
    LostAnswerStore,
    LyingStore,
    TearingStore,
    UnsyncedStore,
    VersionedStore,
    at_calls,
    digest,
    of_kind,
    put,
    seeded,
)

COMMIT = "commits/files/00000001.json"
PACK = f"packs/ab/{digest(b'pack').hex()}"


@pytest.fixture(params=["folder", "versions"])
def inner(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return LocalStore.create(tmp_path / "v") if request.param == "folder" else VersionedStore()


def same(store: Store, name: str, data: bytes) -> str:
    return put_or_same(store, name, data, sha256=digest(data))


# -- put_or_same -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [COMMIT, PACK])
def test_a_put_whose_answer_was_lost_is_success(inner: Store, name: str) -> None:
    store = LostAnswerStore(inner, of_kind("put"))
    same(store, name, b"pack")
    assert store.faults == 1
    assert inner.get(name) == b"pack"


@pytest.mark.parametrize("name", [COMMIT, PACK])
def test_a_put_that_never_arrived_stays_a_failure(inner: Store, name: str) -> None:
    store = FailingStore(inner, of_kind("put"))
    with pytest.raises(StoreUnavailable):
        same(store, name, b"pack")
    assert list(inner.list()) == []
    same(store, name, b"pack")


def test_a_lost_answer_does_not_make_anothers_commit_ours(inner: Store) -> None:
    put(inner, COMMIT, b"theirs")
    store = FailingStore(inner, of_kind("put"))
    with pytest.raises(ObjectExists):
        same(store, COMMIT, b"ours")


def test_a_torn_object_under_the_name_is_not_success(inner: Store) -> None:
    store = TearingStore(inner, of_kind("put"))
    put(store, PACK, b"pack")
    with pytest.raises(ObjectExists):
        same(inner, PACK, b"pack")


def test_changed_bytes_of_the_same_size_are_not_success(inner: Store) -> None:
    store = LyingStore(inner, of_kind("put"), change=True)
    put(store, PACK, b"pack")
    with pytest.raises(ObjectExists):
        same(inner, PACK, b"pack")


def test_a_store_that_lies_about_success_is_found_by_reading(inner: Store) -> None:
    store = LyingStore(inner, of_kind("put"))
    same(store, PACK, b"pack")
    with pytest.raises(ObjectMissing):
        stored_digest(store, PACK)


def test_a_listing_that_lags_does_not_make_a_put_fail() -> None:
    store = LaggingStore(VersionedStore(), lag=10)
    assert same(store, COMMIT, b"ours")


def test_a_longer_name_with_the_same_beginning_is_not_looked_at(inner: Store) -> None:
    put(inner, COMMIT + "x", b"ours")
    store = FailingStore(inner, of_kind("put"))
    with pytest.raises(StoreUnavailable):
        same(store, COMMIT, b"ours")


def test_the_read_back_may_fail_as_well(inner: Store) -> None:
    store = FailingStore(LostAnswerStore(inner, of_kind("put")), of_kind("list", times=1))
    with pytest.raises(StoreUnavailable):
        same(store, COMMIT, b"ours")
    same(store, COMMIT, b"ours")


def test_a_put_that_hangs_and_one_that_is_repeated_leave_one_object() -> None:
    """The first writer's machine gave up; its request lands after the second one's."""
    memory = VersionedStore()
    hanging = HangingStore(memory, of_kind("put"))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(same, hanging, COMMIT, b"ours")
        assert hanging.waiting.wait(30)
        same(memory, COMMIT, b"ours")
        hanging.release.set()
        assert first.result(30)
    assert len(list(memory.list())) == 1


@given(seed=st.integers(0, 10_000), writers=st.integers(2, 4))
def test_whatever_fails_and_whenever_one_commit_is_true(seed: int, writers: int) -> None:
    """Model: each writer repeats until it is told won or lost; one wins, and its bytes are first."""
    memory = VersionedStore()
    outcome: dict[int, str] = {}
    stores = [
        LostAnswerStore(FailingStore(memory, seeded(seed + n, 0.3)), seeded(seed * 7 + n, 0.3))
        for n in range(writers)
    ]
    while len(outcome) < writers:
        for number, store in enumerate(stores):
            if number in outcome:
                continue
            try:
                same(store, COMMIT, b"writer %d" % number)
                outcome[number] = "won"
            except ObjectExists:
                outcome[number] = "lost"
            except StoreUnavailable:
                continue
    winners = [number for number, what in outcome.items() if what == "won"]
    assert len(winners) == 1
    (only,) = memory.list()
    assert memory.get(COMMIT, version=only.version) == b"writer %d" % winners[0]


# -- RetryingStore -----------------------------------------------------------------------------


class Waits:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def test_waits_grow_and_are_bounded(inner: Store) -> None:
    waits = Waits()
    store = RetryingStore(
        FailingStore(inner, seeded(1, 1.1)),
        attempts=7,
        first_wait=1,
        longest_wait=10,
        sleep=waits,
        share=lambda: 1.0,
    )
    with pytest.raises(StoreUnavailable):
        store.get(PACK)
    assert waits.seconds == [1, 2, 4, 8, 10, 10]


def test_a_wait_is_a_random_share(inner: Store) -> None:
    waits = Waits()
    store = RetryingStore(FailingStore(inner, at_calls(0)), sleep=waits, share=lambda: 0.25)
    put(store, PACK, b"pack")
    assert waits.seconds == [0.125]


def test_what_lies_open_is_opened_anew_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = LocalStore.create(tmp_path / "v")
    put(inner, PACK, b"pack")
    reading, opening, waits = os.preadv, os.open, Waits()
    descriptors: list[int] = []
    failures = [errno.ESTALE, errno.ESTALE]

    def read(descriptor: int, rooms: list[memoryview], start: int) -> int:
        if failures and descriptors:
            raise OSError(failures.pop(), "the share went away")
        return reading(descriptor, rooms, start)

    def noted(path: Path, flags: int) -> int:
        descriptors.append(opening(path, flags))
        return descriptors[-1]

    monkeypatch.setattr("muniment.vault.store.local.os.preadv", read)
    monkeypatch.setattr("muniment.vault.store.local.os.open", noted)
    lies_open = opened(ReadOnlyStore(RetryingStore(inner, sleep=waits)), PACK)
    assert lies_open is not None
    with lies_open as ask:
        assert bytes(ask(memoryview(bytearray(3)), 1)) == b"ack"
        assert bytes(ask(memoryview(bytearray(3)), 0)) == b"pac"
    assert (len(descriptors), len(waits.seconds)) == (3, 2)
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


@pytest.mark.parametrize("error", [StoreDenied, ObjectMissing, ObjectExists])
def test_what_will_not_pass_is_not_repeated(inner: Store, error: type[StoreDenied]) -> None:
    waits = Waits()
    failing = FailingStore(inner, seeded(1, 1.1), lambda name: error("no", to=name))
    with pytest.raises(error):
        RetryingStore(failing, sleep=waits).get(PACK)
    assert (waits.seconds, failing.calls) == ([], 1)


def test_its_own_lost_put_is_success_and_anothers_is_not(inner: Store) -> None:
    store = RetryingStore(LostAnswerStore(inner, of_kind("put")), sleep=Waits())
    put(store, COMMIT, b"ours")
    with pytest.raises(ObjectExists):
        put(store, COMMIT, b"ours")
    with pytest.raises(ObjectExists):
        put(RetryingStore(FailingStore(inner, of_kind("put")), sleep=Waits()), COMMIT, b"other")


def test_bytes_damaged_on_the_way_are_sent_again(inner: Store) -> None:
    failing = FailingStore(
        inner, of_kind("put"), lambda name: ChecksumMismatch("on the way", to=name)
    )
    put(RetryingStore(failing, sleep=Waits()), PACK, b"pack")
    assert inner.get(PACK) == b"pack"


def test_bytes_that_never_had_the_digest_are_sent_once(inner: Store) -> None:
    counting = CountingStore(inner)
    with pytest.raises(ChecksumMismatch):
        RetryingStore(counting, sleep=Waits()).put(PACK, b"other", sha256=digest(b"pack"))
    assert counting.requests["put"] == 1


def test_a_listing_goes_on_where_it_broke() -> None:
    memory = VersionedStore()
    for number in range(6):
        put(memory, f"a/{number}", b"x")
        memory.put_on_top(f"a/{number}", b"y")
    wanted = [(v.name, v.version) for v in memory.list()]

    class Breaking(CountingStore):
        def list(self, prefix: str = ""):  # type: ignore[no-untyped-def]
            self._count("list")
            stop = 3 * self.requests["list"]
            for number, each in enumerate(super().list(prefix)):
                if number == stop:
                    raise StoreUnavailable("broke", to=prefix)
                yield each

    waits = Waits()
    store = RetryingStore(Breaking(memory), sleep=waits)
    assert [(v.name, v.version) for v in store.list()] == wanted
    assert waits.seconds


def test_a_listing_that_never_gets_further_fails(inner: Store) -> None:
    put(inner, "a", b"x")
    waits = Waits()
    with pytest.raises(StoreUnavailable):
        list(RetryingStore(FailingStore(inner, seeded(1, 1.1)), sleep=waits, attempts=4).list())
    assert len(waits.seconds) == 3


# -- CountingStore, ReadOnlyStore, fakes -------------------------------------------------------


def test_requests_and_bytes_are_counted_over_threads(inner: Store) -> None:
    store = CountingStore(inner)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put(store, f"packs/{n}", b"x" * 10), range(50)))
        list(pool.map(lambda n: store.get(f"packs/{n}", length=4), range(50)))
    list(store.list())
    store.head("packs/1")
    assert store.requests == {"put": 50, "get": 50, "list": 1, "head": 1}
    assert (store.sent_bytes, store.received_bytes) == (500, 200)


def test_a_store_opened_for_reading_changes_nothing(inner: Store) -> None:
    version = put(inner, "a", b"x")
    store = ReadOnlyStore(inner)
    assert store.get("a") == b"x"
    for attempt in (
        lambda: put(store, "b", b"x"),
        lambda: store.delete_version("a", version),
        lambda: store.retain_until("a", datetime.now(UTC)),
        lambda: store.legal_hold("a", True),
    ):
        with pytest.raises(StoreDenied):
            attempt()
    assert [v.name for v in inner.list()] == ["a"]


def test_a_power_cut_takes_what_was_not_synced(inner: Store) -> None:
    store = UnsyncedStore(inner)
    put(store, "a", b"x")
    store.sync()
    put(store, "b", b"y")
    assert store.power_cut() == ["b"]
    assert [v.name for v in inner.list()] == ["a"]


def test_seeded_faults_are_the_same_for_the_same_seed() -> None:
    def faults(seed: int) -> list[bool]:
        choice = seeded(seed, 0.5)
        return [choice(n, "get", "a") for n in range(50)]

    assert faults(3) == faults(3)
    assert faults(3) != faults(4)


def test_the_model_is_one_store_for_many_threads() -> None:
    memory = VersionedStore()
    barrier = threading.Barrier(4)

    def write(number: int) -> None:
        barrier.wait()
        for n in range(100):
            put(memory, f"{number}/{n:03d}", b"x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    listed = list(memory.list())
    assert len({v.version for v in listed}) == 400
    assert [v.name for v in listed] == sorted(v.name for v in listed)
