"""StoreContract: what every store must do. A test class inherits it and gives a `store` fixture.

Stores with versions also inherit VersionedStoreContract, those with locks LockingStoreContract;
their `intruder` fixture writes past the contract (`put_on_top`, `leave_delete_marker`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import pytest

from muniment.errors import (
    BadObjectName,
    ChecksumMismatch,
    MunimentError,
    ObjectExists,
    ObjectMissing,
    StagingError,
    StoreDenied,
)
from muniment.vault.store.base import ObjectVersion, Store, opened
from muniment.vault.store.decorators import (
    ReadOnlyStore,
    RetryingStore,
    put_or_same,
    stored_digest,
)
from muniment.vault.store.local import LocalStore
from muniment.vault.store.payload import WINDOW

BAD_NAMES = ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".a", "a/.b", "a b", "ä", "a\x00"]
BAD_NAMES += ["a\n", "a/" * 500 + "a", "x" * 256]
WRITERS = 8
RACES = 50


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


def put(store: Store, name: str, data: bytes) -> str:
    return store.put(name, data, sha256=digest(data))


def names(store: Store, prefix: str = "") -> list[str]:
    return [each.name for each in store.list(prefix)]


def race(store: Store, write: Callable[[Store, int, int], object]) -> list[list[object]]:
    """For each of `RACES` names the answers of `WRITERS` threads that begin together.

    All names at once: SeaweedFS lets the losers of a name wait for seconds.
    """
    barriers = [threading.Barrier(WRITERS) for _ in range(RACES)]

    def one(writer: int, number: int) -> object:
        barriers[number].wait()
        try:
            return write(store, writer, number)
        except MunimentError as error:
            return error

    with ThreadPoolExecutor(WRITERS * RACES) as pool:
        jobs = [
            [pool.submit(one, writer, number) for writer in range(WRITERS)]
            for number in range(RACES)
        ]
        return [[job.result() for job in each] for each in jobs]


class Intruder(Protocol):
    """Holds a write credential and does not keep to the rules."""

    def put_on_top(self, name: str, data: bytes) -> str: ...

    def leave_delete_marker(self, name: str) -> str: ...


class StoreContract:
    """Every store. The class' `store` fixture gives an empty one."""

    # -- put and get -----------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, 5000, WINDOW, WINDOW + 1])
    def test_what_is_put_is_got(self, store: Store, size: int) -> None:
        data = bytes(i * 7 % 251 for i in range(5000)) * (size // 5000 + 1)
        put(store, "packs/ab/one", data[:size])
        assert store.get("packs/ab/one") == data[:size]

    def test_a_file_is_put_as_its_bytes(self, store: Store, tmp_path: Path) -> None:
        file = tmp_path / "staged"
        file.write_bytes(b"abc" * 3_000_000)
        store.put("packs/ab/file", file, sha256=digest(file.read_bytes()))
        assert store.get("packs/ab/file") == file.read_bytes()
        assert file.exists()

    def test_a_staged_file_that_is_gone_is_this_machines_fault(
        self, store: Store, tmp_path: Path
    ) -> None:
        with pytest.raises(StagingError):
            store.put("packs/ab/file", tmp_path / "gone", sha256=digest(b""))
        assert names(store) == []

    def test_a_taken_name_is_refused_and_keeps_its_bytes(self, store: Store) -> None:
        put(store, "commits/files/1", b"first")
        with pytest.raises(ObjectExists):
            put(store, "commits/files/1", b"second")
        with pytest.raises(ObjectExists):
            put(store, "commits/files/1", b"first")
        assert store.get("commits/files/1") == b"first"
        assert len(list(store.list("commits/"))) == 1

    def test_bytes_with_another_digest_never_become_visible(self, store: Store) -> None:
        with pytest.raises(ChecksumMismatch):
            store.put("packs/ab/torn", b"what arrived", sha256=digest(b"what was meant"))
        assert names(store) == []
        put(store, "packs/ab/torn", b"what was meant")
        assert store.get("packs/ab/torn") == b"what was meant"

    @pytest.mark.parametrize(
        "name",
        BAD_NAMES,
    )
    def test_a_name_that_means_something_else_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(BadObjectName):
            put(store, name, b"x")
        assert names(store) == []

    @pytest.mark.parametrize(
        ("start", "length", "wanted"),
        [
            (0, None, b"0123456789"),
            (3, None, b"3456789"),
            (3, 4, b"3456"),
            (8, 10, b"89"),
            (10, None, b""),
            (10, 5, b""),
            (99, None, b""),
            (99, 5, b""),
            (4, 0, b""),
        ],
    )
    def test_a_range_gives_what_there_is(
        self, store: Store, start: int, length: int | None, wanted: bytes
    ) -> None:
        put(store, "packs/ab/digits", b"0123456789")
        assert store.get("packs/ab/digits", start=start, length=length) == wanted

    @pytest.mark.parametrize("wrap", [lambda store: store, RetryingStore, ReadOnlyStore])
    def test_an_object_that_lies_open_gives_what_ranges_give(
        self, store: Store, wrap: Callable[[Store], Store]
    ) -> None:
        put(store, "packs/ab/digits", b"0123456789")
        lies_open = opened(wrap(store), "packs/ab/digits")
        # Across a network each read asks anew.
        assert (lies_open is not None) == isinstance(store, LocalStore)
        if lies_open is None:
            return
        with lies_open as read:
            for start, size in ((0, 4), (8, 4), (3, 4), (0, 10), (0, 11), (10, 3), (12, 3), (0, 0)):
                room = memoryview(bytearray(b"-" * 20))
                found = read(room[:size], start)
                assert bytes(found) == b"0123456789"[start : start + size]
                assert bytes(room) == bytes(found) + b"-" * (20 - len(found))

    @pytest.mark.parametrize("name", ["packs/ab/two", "packs/ab"])
    def test_what_is_not_there_is_not_opened(self, store: Store, name: str) -> None:
        put(store, "packs/ab/one", b"x")
        lies_open = opened(RetryingStore(store), name)
        if lies_open is not None:
            with pytest.raises(ObjectMissing), lies_open as read:
                read(memoryview(bytearray(4)), 0)

    def test_a_range_of_an_empty_object_is_empty(self, store: Store) -> None:
        put(store, "packs/ab/empty", b"")
        assert store.get("packs/ab/empty", start=0, length=10) == b""

    @pytest.mark.parametrize("length", [None, 0, 5])
    def test_what_is_not_there_is_missing(self, store: Store, length: int | None) -> None:
        put(store, "packs/ab/one", b"x")
        for name in ("packs/ab/two", "packs/ab", "packs/ab/one/more", "other/one"):
            with pytest.raises(ObjectMissing):
                store.get(name, length=length)
            with pytest.raises(ObjectMissing):
                store.head(name)

    def test_a_version_that_never_was_is_missing(self, store: Store) -> None:
        put(store, "packs/ab/one", b"x")
        with pytest.raises(ObjectMissing):
            store.get("packs/ab/one", version="0123456789abcdef0123456789abcdef")
        with pytest.raises(ObjectMissing):
            store.head("packs/ab/one", version="0123456789abcdef0123456789abcdef")

    # -- head ------------------------------------------------------------------------------------

    def test_a_head_tells_the_truth_or_nothing(self, store: Store) -> None:
        version = put(store, "packs/ab/one", b"some bytes")
        head = store.head("packs/ab/one")
        assert (head.name, head.version, head.size) == ("packs/ab/one", version, 10)
        assert head.sha256 in (None, digest(b"some bytes"))
        assert head.written_at.tzinfo is not None
        assert not head.legal_hold

    def test_the_stored_digest_is_that_of_the_bytes(self, store: Store) -> None:
        data = b"0123456789abcdef" * (WINDOW // 16) + b"more"
        put(store, "packs/ab/large", data)
        assert stored_digest(store, "packs/ab/large") == digest(data)
        put(store, "packs/ab/empty", b"")
        assert stored_digest(store, "packs/ab/empty") == digest(b"")
        with pytest.raises(ObjectMissing):
            stored_digest(store, "packs/ab/none")

    # -- list ------------------------------------------------------------------------------------

    def test_a_listing_is_in_the_order_of_names(self, store: Store) -> None:
        # "-" and "." sort before "/", "0" after it: where folders mislead.
        wanted = ["RECOVER.txt", "a-b", "a.b", "a/b", "a/c/d", "a0", "a_", "b/a", "keys/id-x/1"]
        wanted += ["keys/id/1", "z"]
        for name in reversed(wanted):
            put(store, name, name.encode())
        assert names(store) == sorted(wanted)

    @pytest.mark.parametrize("prefix", ["a", "a/", "a/b", "a/b-", "a/b/c1", "b", "c", "a/b/c1/no"])
    def test_a_prefix_is_a_prefix_of_the_text(self, store: Store, prefix: str) -> None:
        every = ["a/b-x", "a/b/c1", "a/b/c2", "a/bc", "ab", "b"]
        for name in every:
            put(store, name, b"x")
        assert names(store, prefix) == [n for n in every if n.startswith(prefix)]

    def test_a_listing_shows_size_time_and_version(self, store: Store) -> None:
        version = put(store, "a/b", b"12345")
        (shown,) = store.list()
        head = store.head("a/b")
        assert shown == ObjectVersion("a/b", version, 5, shown.written_at, latest=True)
        assert abs(shown.written_at - head.written_at) < timedelta(seconds=2)

    def test_an_empty_store_lists_nothing(self, store: Store) -> None:
        assert names(store) == []
        assert names(store, "packs/") == []

    # -- deletion --------------------------------------------------------------------------------

    def test_a_deleted_version_is_gone_and_its_name_is_free(self, store: Store) -> None:
        version = put(store, "packs/ab/one", b"x")
        put(store, "packs/ab/two", b"y")
        store.delete_version("packs/ab/one", version)
        assert names(store) == ["packs/ab/two"]
        with pytest.raises(ObjectMissing):
            store.get("packs/ab/one")
        put(store, "packs/ab/one", b"z")
        assert store.get("packs/ab/one") == b"z"

    def test_deleting_again_is_no_error(self, store: Store) -> None:
        version = put(store, "packs/ab/one", b"x")
        store.delete_version("packs/ab/one", version)
        store.delete_version("packs/ab/one", version)

    # -- many at once ----------------------------------------------------------------------------

    def test_of_writers_that_race_for_a_name_exactly_one_wins(self, store: Store) -> None:
        def write(store: Store, writer: int, number: int) -> str:
            put(store, f"commits/files/{number:08d}.json", b"writer %d" % writer)
            return "won"

        for number, answers in enumerate(race(store, write)):
            assert answers.count("won") == 1
            assert all(a == "won" or isinstance(a, ObjectExists) for a in answers)
            winner = answers.index("won")
            name = f"commits/files/{number:08d}.json"
            assert store.get(name) == b"writer %d" % winner
            assert len(list(store.list(name))) == 1

    def test_writers_that_race_with_the_same_bytes_all_succeed(self, store: Store) -> None:
        def write(store: Store, writer: int, number: int) -> str:
            data = b"content %d" % number
            put_or_same(store, f"packs/ab/{digest(data).hex()}", data, sha256=digest(data))
            return "done"

        assert all(answers == ["done"] * WRITERS for answers in race(store, write))
        assert len(list(store.list("packs/"))) == RACES

    # -- put_or_same -----------------------------------------------------------------------------

    def test_the_same_bytes_again_are_success(self, store: Store) -> None:
        version = put_or_same(store, "commits/files/1", b"bytes", sha256=digest(b"bytes"))
        again = put_or_same(store, "commits/files/1", b"bytes", sha256=digest(b"bytes"))
        assert again == version

    def test_other_bytes_under_the_name_are_refused(self, store: Store) -> None:
        put(store, "commits/files/1", b"bytes")
        for other in (b"other", b"longer bytes"):
            with pytest.raises(ObjectExists):
                put_or_same(store, "commits/files/1", other, sha256=digest(other))

    def test_a_store_has_a_label_without_secrets(self, store: Store) -> None:
        assert "://" in store.label
        assert "secret" not in store.label.lower()

    def test_the_clock_of_a_store_is_aware_or_none(self, store: Store) -> None:
        now = store.now()
        assert now is None or now.tzinfo is not None


class VersionedStoreContract(StoreContract):
    """Stores that keep what is overwritten or deleted. Also wants an `intruder` fixture."""

    def test_every_version_is_listed_oldest_first(self, store: Store, intruder: Intruder) -> None:
        wanted = [put(store, "a/b", b"0")]
        wanted += [intruder.put_on_top("a/b", b"%d" % n) for n in range(1, 8)]
        listed = list(store.list("a/b"))
        assert [each.version for each in listed] == wanted
        assert [store.get("a/b", version=v) for v in wanted] == [b"%d" % n for n in range(8)]
        assert [each.latest for each in listed] == [False] * 7 + [True]
        assert store.get("a/b") == b"7"

    def test_a_delete_marker_hides_and_loses_nothing(
        self, store: Store, intruder: Intruder
    ) -> None:
        version = put(store, "a/b", b"true")
        marker = intruder.leave_delete_marker("a/b")
        with pytest.raises(ObjectMissing):
            store.get("a/b")
        with pytest.raises(ObjectMissing):
            store.head("a/b")
        with pytest.raises(ObjectMissing):
            store.head("a/b", version=marker)
        assert store.get("a/b", version=version) == b"true"
        first, last = store.list("a/b")
        assert (first.version, first.delete_marker, first.latest) == (version, False, False)
        assert (last.version, last.delete_marker, last.latest) == (marker, True, True)
        store.delete_version("a/b", marker)
        assert store.get("a/b") == b"true"

    def test_only_the_named_version_is_deleted(self, store: Store, intruder: Intruder) -> None:
        first = put(store, "a/b", b"1")
        second = intruder.put_on_top("a/b", b"2")
        store.delete_version("a/b", first)
        assert [each.version for each in store.list("a/b")] == [second]

    def test_a_name_is_won_once_even_on_top_of_a_delete_marker(
        self, store: Store, intruder: Intruder
    ) -> None:
        put(store, "commits/files/1", b"the true commit")
        intruder.leave_delete_marker("commits/files/1")
        with pytest.raises(ObjectExists):
            put_or_same(store, "commits/files/1", b"a late one", sha256=digest(b"a late one"))

    def test_the_true_bytes_of_a_content_name_may_lie_anywhere(
        self, store: Store, intruder: Intruder
    ) -> None:
        name = f"packs/ab/{digest(b'pack').hex()}"
        intruder.put_on_top(name, b"junk")
        true = intruder.put_on_top(name, b"pack")
        intruder.put_on_top(name, b"more")
        assert put_or_same(store, name, b"pack", sha256=digest(b"pack")) == true

    def test_junk_before_a_contended_name_is_not_success(
        self, store: Store, intruder: Intruder
    ) -> None:
        intruder.put_on_top("commits/files/1", b"junk")
        intruder.put_on_top("commits/files/1", b"mine")
        with pytest.raises(ObjectExists):
            put_or_same(store, "commits/files/1", b"mine", sha256=digest(b"mine"))

    def test_a_version_is_read_by_ranges(self, store: Store, intruder: Intruder) -> None:
        version = put(store, "a/b", b"0123456789")
        intruder.put_on_top("a/b", b"on top")
        assert store.get("a/b", version=version, start=2, length=3) == b"234"
        assert store.head("a/b", version=version).size == 10


class LockingStoreContract(VersionedStoreContract):
    """Stores that enforce retention locks and legal holds."""

    def test_a_locked_version_cannot_be_deleted(self, store: Store) -> None:
        version = put(store, "packs/ab/one", b"x")
        until = _day(store, 2)
        store.retain_until("packs/ab/one", until, version=version)
        assert store.head("packs/ab/one").locked_until == until
        with pytest.raises(StoreDenied):
            store.delete_version("packs/ab/one", version)
        assert store.get("packs/ab/one") == b"x"

    def test_a_lock_is_extended_and_never_shortened(self, store: Store) -> None:
        version = put(store, "packs/ab/one", b"x")
        store.retain_until("packs/ab/one", _day(store, 2), version=version)
        store.retain_until("packs/ab/one", _day(store, 4), version=version)
        assert store.head("packs/ab/one").locked_until == _day(store, 4)
        store.retain_until("packs/ab/one", _day(store, 1), version=version)
        assert store.head("packs/ab/one").locked_until == _day(store, 4)

    def test_a_legal_hold_keeps_a_version_until_it_is_lifted(self, store: Store) -> None:
        version = put(store, "packs/ab/one", b"x")
        store.legal_hold("packs/ab/one", True, version=version)
        assert store.head("packs/ab/one").legal_hold
        with pytest.raises(StoreDenied):
            store.delete_version("packs/ab/one", version)
        store.legal_hold("packs/ab/one", False, version=version)
        assert not store.head("packs/ab/one").legal_hold
        store.delete_version("packs/ab/one", version)
        assert names(store) == []

    def test_a_lock_of_a_covered_version_holds(self, store: Store, intruder: Intruder) -> None:
        version = put(store, "packs/ab/one", b"true")
        store.retain_until("packs/ab/one", _day(store, 2), version=version)
        intruder.put_on_top("packs/ab/one", b"junk")
        intruder.leave_delete_marker("packs/ab/one")
        with pytest.raises(StoreDenied):
            store.delete_version("packs/ab/one", version)
        assert store.head("packs/ab/one", version=version).locked_until == _day(store, 2)

    def test_a_lock_on_nothing_is_an_error(self, store: Store) -> None:
        with pytest.raises(ObjectMissing):
            store.retain_until("packs/ab/none", _day(store, 2))
        with pytest.raises(ObjectMissing):
            store.legal_hold("packs/ab/none", True)


def _day(store: Store, days: int) -> datetime:
    """Midnight, so that no fraction of a second is lost on the way."""
    now = store.now() or datetime.now(UTC)
    return (now + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
