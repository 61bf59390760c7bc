from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import (
    FormatError,
    IntegrityError,
    NoKey,
    SealError,
    StoreUnavailable,
    VaultError,
)
from muniment.model.item import Part
from muniment.vault import names, pack_reader, pack_writer
from muniment.vault.age import Identity, seal
from muniment.vault.documents import PackObject
from muniment.vault.frame_cache import FrameCache
from muniment.vault.frames import MAX_FRAME, MAX_PACK, MAX_SEALED, FrameCompressor
from muniment.vault.pack_reader import BATCH_BYTES, REQUEST_BYTES, PartReader, batches
from muniment.vault.store.base import ObjectHead, Store
from muniment.vault.store.decorators import CountingStore, _Decorator
from muniment.vault.store.local import LocalStore
from tests.support.fake_stores import FailingStore, VersionedStore, of_kind
from tests.support.packs import KEY_ID, Packs, framed, noise, prose, sha256, tar_of

CONTENTS = [b"", b"a", prose(1, 300_000), noise(2, 9_000_000), prose(3, 511), noise(4, 512)]


@pytest.fixture
def local(tmp_path: Path) -> Packs:
    return Packs(LocalStore.create(tmp_path / "store"), tmp_path / "staging")


@pytest.fixture
def versioned(tmp_path: Path) -> tuple[Packs, VersionedStore]:
    store = VersionedStore()
    return Packs(store, tmp_path / "staging"), store


def counting(packs: Packs) -> tuple[PartReader, CountingStore]:
    store = CountingStore(packs.store)
    return packs.reader(store), store


# -- reading ---------------------------------------------------------------------------------------


def test_parts_come_back_as_they_were(local: Packs) -> None:
    parts = local.add(CONTENTS)
    reader = local.reader()
    assert [reader.read(part) for part in parts] == CONTENTS
    assert list(reader.content(parts)) == CONTENTS
    found = {part.digest: data for part, data in reader.read_many(parts)}
    assert found == {sha256(c): c for c in CONTENTS}


def test_content_of_no_parts_is_nothing(local: Packs) -> None:
    assert list(local.reader().content([])) == []
    assert list(local.reader().read_many([])) == []


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 9)), max_size=12), max_size=4),
    st.integers(0, 2**32),
    st.sampled_from([0, 3000, 1 << 20]),
)
def test_any_members_of_any_packs_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    shapes: list[list[tuple[int, int]]],
    seed: int,
    cache_bytes: int,
) -> None:
    packs = Packs(VersionedStore(), tmp_path_factory.mktemp("staging"))
    wanted: list[tuple[Part, bytes]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_writer, "FRAME", 4096)
        patch.setattr(pack_reader, "REQUEST_BYTES", 9000)
        patch.setattr(pack_reader, "BATCH_BYTES", 20_000)
        patch.setattr(pack_reader, "GAP_BYTES", 1000)
        for shape in shapes:
            contents = [noise(number, size) for size, number in shape]
            wanted += zip(packs.add(contents), contents, strict=True)
        Random(seed).shuffle(wanted)
        reader = packs.reader(cache_bytes=cache_bytes)
        assert list(reader.content([part for part, _ in wanted])) == [data for _, data in wanted]
        many = list(reader.read_many(part for part, _ in wanted))
    assert len(many) == len(wanted)
    assert all(sha256(data) == part.digest for part, data in many)
    places = [(p.pack, p.segments[0].frame_offset if p.segments else 0) for p, _ in many]
    assert places == sorted(places)


def test_a_pack_by_an_independent_hand_is_read(local: Packs) -> None:
    """Frames cut anywhere, also through a header."""
    contents = [b"first" * 100, b"second" * 100]
    stream = tar_of(contents)
    pieces = [FrameCompressor().compress(stream[i : i + 700]) for i in range(0, len(stream), 700)]
    pack = local.put_plain(b"".join(pieces))
    offsets = [sum(map(len, pieces[:i])) for i in range(len(pieces))]
    segments = ((offsets[0], len(pieces[0]), 512, 188), (offsets[1], len(pieces[1]), 0, 312))
    part = local.part(pack, sha256(contents[0]), *segments)
    assert local.reader().read(part) == contents[0]


def test_segments_of_no_bytes_are_no_reason_to_read(local: Packs) -> None:
    pack = local.put_plain(framed(tar_of([b""])))
    reader, store = counting(local)
    assert reader.read(local.part(pack, sha256(b""), (10**15, 5, 0, 0))) == b""
    assert store.received_bytes < 8192


# -- few requests ----------------------------------------------------------------------------------


def test_a_pack_is_opened_once_and_a_frame_is_fetched_once(local: Packs) -> None:
    parts = local.add([prose(seed, 50_000) for seed in range(60)])
    frames = {p.segments[0].frame_offset for p in parts}
    reader, store = counting(local)
    for part in parts:
        reader.read(part)
    for part in reversed(parts):
        reader.read(part)
    assert len(frames) == 1
    assert store.requests == {"head": 1, "get": 2}  # its header, its frame


def test_frames_that_lie_together_come_together(local: Packs) -> None:
    contents = [prose(seed, 1 << 20) for seed in range(31)]
    parts = local.add(contents)
    frames = {p.segments[0].frame_offset for p in parts}
    (pack,) = local.listed.values()
    reader, store = counting(local)
    assert [data for _, data in reader.read_many(reversed(parts))] == contents
    assert len(frames) >= 7
    assert store.requests["get"] - 1 < len(frames) // 2
    assert store.received_bytes < pack.size * 1.05 + 8192


def test_one_small_item_costs_one_frame(local: Packs) -> None:
    parts = local.add([noise(seed, 1 << 20) for seed in range(31)])
    reader, store = counting(local)
    reader.read(parts[15])
    assert store.received_bytes < (6 << 20) + 8192
    assert store.requests["get"] == 2


def test_a_batch_stays_within_a_request_and_what_may_be_held() -> None:
    size = 1 << 20
    parts = [
        Part(b"", b"p", KEY_ID, (pack_writer.Segment(n * size, size, 0, size),)) for n in range(50)
    ]
    found = list(batches(parts))
    assert [p for batch in found for p in batch.parts] == parts
    assert all(b.length <= REQUEST_BYTES and b.size <= BATCH_BYTES for b in found)
    assert len(found) < 10
    far = [replace(parts[0]), replace(parts[40])]
    assert len(list(batches(far))) == 2


def test_the_rest_is_not_read_when_the_caller_has_enough(local: Packs) -> None:
    parts = [
        p for n in range(6) for p in local.add([noise(100 * n + i, 1 << 20) for i in range(20)])
    ]
    reader, store = counting(local)
    rows = reader.read_many(parts)
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert store.received_bytes < sum(p.size for p in local.listed.values()) // 2


# -- several threads -------------------------------------------------------------------------------


class MeetingStore(_Decorator):
    """Lets no ranged read of a pack go on before a second thread is at work on the same reader."""

    def __init__(self, inner: Store, arrived: threading.Event) -> None:
        super().__init__(inner)
        self.arrived = arrived
        self.frames = 0

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        if name.startswith("packs/") and start:
            self.frames += 1
            self.arrived.wait(30)
        return self.inner.get(name, version=version, start=start, length=length)


def test_two_threads_that_want_one_frame_fetch_it_once(local: Packs) -> None:
    contents = [prose(seed, 100_000) for seed in range(20)]
    parts = local.add(contents)
    arrived = threading.Event()
    store = MeetingStore(local.store, arrived)
    reader = local.reader(store)

    def second() -> bytes:
        arrived.set()
        return reader.read(parts[1])

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(reader.read, parts[0])
        two = pool.submit(second)
        assert (one.result(), two.result()) == (contents[0], contents[1])
    assert store.frames == 1


def test_four_threads_read_what_one_would(local: Packs) -> None:
    contents = [noise(seed, 200_000) for seed in range(80)]
    parts = [p for n in range(0, 80, 20) for p in local.add(contents[n : n + 20])]
    wanted = {p.digest: c for p, c in zip(parts, contents, strict=True)}
    reader = local.reader(cache_bytes=8 << 20)

    def work(seed: int) -> int:
        mine = Random(seed).sample(parts, len(parts))
        read = [reader.read(part) == wanted[part.digest] for part in mine]
        many = [data == wanted[part.digest] for part, data in reader.read_many(mine[:30])]
        return sum(read) + sum(many)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [110] * 4


def test_a_failed_load_reaches_all_who_wait_and_is_tried_again_by_the_next() -> None:
    cache = FrameCache(100)
    key = ("p", "", 0, 1)
    waiting, go = threading.Event(), threading.Event()

    def fails() -> bytes:
        waiting.set()
        go.wait(30)
        raise StoreUnavailable("no answer")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, key, fails)
        waiting.wait(30)
        second = pool.submit(cache.get, key, lambda: b"never called, or called after the failure")
        go.set()
        with pytest.raises(StoreUnavailable):
            first.result()
        # The second either waited for the first and shares its error, or came after it.
        assert isinstance(second.exception(), StoreUnavailable | None)
    assert cache.get(("p", "", 0, 2), lambda: b"now") == b"now"


def test_the_cache_is_bounded_in_bytes() -> None:
    cache = FrameCache(100)
    loads: list[int] = []

    def load(number: int, size: int) -> Callable[[], bytes]:
        return lambda: loads.append(number) or bytes(size)  # type: ignore[func-returns-value]

    for number in (1, 2, 1, 3, 1, 2):
        cache.get(("p", "", number, 0), load(number, 40))
    assert loads == [1, 2, 3, 2]
    cache.get(("p", "", 9, 0), load(9, 101))
    cache.get(("p", "", 9, 0), load(9, 101))
    assert loads == [1, 2, 3, 2, 9, 9]


# -- damage ----------------------------------------------------------------------------------------


def test_wrong_bytes_are_never_given(versioned: tuple[Packs, VersionedStore]) -> None:
    packs, store = versioned
    contents = [prose(seed, 900) for seed in range(5)]
    parts = packs.add(contents)
    (pack,) = packs.listed.values()
    name = names.pack(pack.pack)
    original = store.get(name)
    for at in range(0, pack.size, 3):
        store.corrupt(name, lambda _, at=at: original[:at] + bytes([original[at] ^ 4]) + original[at + 1 :])  # fmt: skip
        with pytest.raises(VaultError) as caught:
            packs.reader().read(parts[2])
        assert caught.value.to == name
    store.corrupt(name, lambda _: original)
    assert packs.reader().read(parts[2]) == contents[2]


def test_damage_elsewhere_in_a_pack_leaves_the_other_parts_readable(local: Packs) -> None:
    contents = [noise(seed, 1 << 20) for seed in range(20)]
    parts = local.add(contents)
    (pack,) = local.listed.values()
    file = Path(local.store.root) / names.pack(pack.pack)  # type: ignore[attr-defined]
    data = bytearray(file.read_bytes())
    data[10 << 20] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)
    reader = local.reader()
    good, bad, places = [], [], set()
    for part, content in zip(parts, contents, strict=True):
        try:
            data = reader.read(part)
        except SealError as error:
            bad.append(part)
            places.add(error.to)
        else:
            assert data == content
            good.append(part)
    assert 1 <= len(bad) <= 6
    assert places == {names.pack(pack.pack)}
    with pytest.raises(SealError):
        list(reader.content([good[0], bad[0], good[-1]]))
    with pytest.raises(SealError):
        list(reader.read_many(parts))


@pytest.mark.parametrize("keep", [0, 10, 300, -1, -70_000])
def test_a_torn_pack_is_an_error_of_the_pack(local: Packs, keep: int) -> None:
    parts = local.add([noise(1, 200_000)])
    (pack,) = local.listed.values()
    file = Path(local.store.root) / names.pack(pack.pack)  # type: ignore[attr-defined]
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(IntegrityError, match="size") as caught:
        local.reader().read(parts[0])
    assert caught.value.to == names.pack(pack.pack)


def test_a_pack_that_goes_while_it_is_read_is_an_error_of_the_pack(local: Packs) -> None:
    parts = local.add([noise(seed, 3 << 20) for seed in range(3)])
    (pack,) = local.listed.values()
    reader = local.reader()
    reader.read(parts[0])
    (Path(local.store.root) / names.pack(pack.pack)).unlink()  # type: ignore[attr-defined]
    with pytest.raises(IntegrityError, match="not in the store"):
        reader.read(parts[2])
    with pytest.raises(IntegrityError, match="not in the store"):
        local.reader().read(parts[2])


def test_a_pack_that_no_commit_lists_is_not_read(local: Packs) -> None:
    (part,) = local.add([b"x"])
    local.listed.clear()
    with pytest.raises(IntegrityError, match="no commit"):
        local.reader().read(part)


def test_a_store_that_does_not_answer_is_not_called_damage(local: Packs) -> None:
    (part,) = local.add([b"x"])
    failing = FailingStore(local.store, of_kind("get", "packs/"))
    reader = PartReader(failing, local.keyring(), local.listed)
    with pytest.raises(StoreUnavailable):
        reader.read(part)
    assert reader.read(part) == b"x"


def test_without_the_key_it_says_so(local: Packs) -> None:
    (part,) = local.add([b"x"])
    stranger = PartReader(local.store, local.keyring(Identity.generate()), local.listed)
    with pytest.raises(NoKey):
        stranger.read(part)


def test_an_intact_pack_under_another_key_is_not_taken_for_a_missing_key(local: Packs) -> None:
    pack = local.put(seal(framed(tar_of([b"x"])), [Identity.generate().recipient]))
    with pytest.raises(SealError, match="not sealed to the key") as caught:
        local.reader().read(local.part(pack, sha256(b"x"), (0, 10, 0, 1)))
    assert not isinstance(caught.value, NoKey)


# -- versions that somebody put beside the true one ------------------------------------------------


class WithoutChecksums(_Decorator):
    """A versioned store that shows no checksum, as objects written by other tools have none."""

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        return replace(self.inner.head(name, version=version), sha256=None)


def planted(packs: Packs, store: VersionedStore, false: bytes) -> None:
    """The false version is older than the true one: the worst case for choosing by age."""
    (pack,) = packs.listed.values()
    name = names.pack(pack.pack)
    true = store.get(name)
    store.lose(name)
    store.put_on_top(name, false)
    store.put_on_top(name, true)
    store.leave_delete_marker(name)


@pytest.mark.parametrize("kind", ["noise", "wrong bytes, well sealed", "one byte", "other key"])
@pytest.mark.parametrize("checksums", [True, False])
def test_a_planted_version_of_the_right_size_does_not_stop_a_restore(
    versioned: tuple[Packs, VersionedStore], kind: str, checksums: bool
) -> None:
    packs, store = versioned
    contents = [noise(seed, 300_000) for seed in range(4)]
    parts = packs.add(contents)
    (pack,) = packs.listed.values()
    true = store.get(names.pack(pack.pack))
    plain = framed(tar_of([noise(seed + 50, 300_000) for seed in range(4)]), 1 << 30)
    other = Identity.generate().recipient
    false = {
        "noise": noise(9, len(true)),
        "wrong bytes, well sealed": seal(plain, [packs.identity.recipient]),
        "one byte": true[:-5] + bytes([true[-5] ^ 1]) + true[-4:],
        "other key": seal(plain, [other]),
    }[kind][: len(true)].ljust(len(true), b"\0")
    assert len(false) == pack.size
    planted(packs, store, false)
    reader = packs.reader(store if checksums else WithoutChecksums(store))
    assert [reader.read(part) for part in parts] == contents
    assert list(reader.content(parts)) == contents
    assert [data for _, data in reader.read_many(parts)] == contents


def test_where_only_false_versions_exist_the_digest_catches_them(
    versioned: tuple[Packs, VersionedStore],
) -> None:
    packs, store = versioned
    parts = packs.add([noise(1, 5000)])
    (pack,) = packs.listed.values()
    name = names.pack(pack.pack)
    other = seal(framed(tar_of([noise(2, 5000)])), [packs.identity.recipient])
    store.lose(name)
    store.put_on_top(name, other[: pack.size].ljust(pack.size, b"\0"))
    counted = CountingStore(WithoutChecksums(store))
    reader = packs.reader(counted)
    for _ in range(5):
        with pytest.raises(VaultError) as caught:
            reader.read(parts[0])
        assert caught.value.to == name


def test_versions_are_hashed_once_a_pack_not_once_a_part(
    versioned: tuple[Packs, VersionedStore],
) -> None:
    """Rows that lie about a good pack cost one search."""
    packs, store = versioned
    parts = packs.add([noise(seed, 200_000) for seed in range(10)])
    (pack,) = packs.listed.values()
    counted = CountingStore(store)
    reader = packs.reader(counted)
    for part in parts:
        with pytest.raises(IntegrityError):
            reader.read(replace(part, digest=sha256(b"something else")))
    assert counted.received_bytes < 3 * pack.size


# -- rows and packs that want our memory -----------------------------------------------------------


def test_a_frame_that_is_a_bomb_is_refused(local: Packs) -> None:
    bomb = FrameCompressor(1).compress(bytes(MAX_FRAME + 1))
    pack = local.put_plain(bomb)
    part = local.part(pack, sha256(b"x"), (0, len(bomb), 0, 1))
    with pytest.raises(FormatError, match="larger than a frame may be"):
        local.reader().read(part)


def test_many_bombs_in_one_batch_do_not_add_up(local: Packs) -> None:
    """Each frame within its limit, 64 of them in one request: 4 GiB if one opened them all."""
    frame = FrameCompressor(1).compress(bytes(64 << 20))
    pack = local.put_plain(frame * 64)
    parts = [local.part(pack, sha256(b"\0"), (n * len(frame), len(frame), 0, 1)) for n in range(64)]
    tracemalloc.start()
    try:
        assert len(list(local.reader().content(parts))) == 64
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * MAX_FRAME


@pytest.mark.parametrize(
    "segment",
    [
        (-1, 10, 0, 1),
        (0, -10, 0, 1),
        (0, 10, -1, 1),
        (0, 10, 5, -5),
        (0, 1 << 40, 0, 1),
        (0, 10, 0, MAX_FRAME + 1),
        (0, 10, MAX_FRAME, 1),
        (1 << 62, 10, 0, 1),
        (0, 1 << 20, 0, 1),
        (1, 40, 0, 1),
        (0, 10, 0, 1),
    ],
)
def test_a_row_that_names_an_impossible_place_is_refused(
    local: Packs, segment: tuple[int, int, int, int]
) -> None:
    pack = local.put_plain(framed(tar_of([prose(1, 5000)])))
    for read in (
        lambda reader, part: reader.read(part),
        lambda reader, part: list(reader.content([part])),
        lambda reader, part: list(reader.read_many([part, part])),
    ):
        with pytest.raises(FormatError) as caught:
            read(local.reader(), local.part(pack, sha256(b"x"), segment))
        assert caught.value.to == names.pack(pack.pack)


def test_bytes_outside_of_the_decompressed_frame_are_refused(local: Packs) -> None:
    frame = framed(tar_of([b"x"]))
    pack = local.put_plain(frame)
    with pytest.raises(FormatError, match="outside of a frame"):
        local.reader().read(local.part(pack, sha256(b"x"), (0, len(frame), 2000, 500)))


def test_a_part_that_repeats_a_frame_beyond_all_limits_is_refused(local: Packs) -> None:
    frame = FrameCompressor(1).compress(bytes(32 << 20))
    pack = local.put_plain(frame)
    segments = [(0, len(frame), 0, 32 << 20)] * (MAX_PACK // (32 << 20) + 1)
    with pytest.raises(FormatError, match="larger than a pack"):
        local.reader().read(local.part(pack, sha256(b"x"), *segments))


def test_a_pack_that_is_listed_as_too_large_is_not_opened(local: Packs) -> None:
    (part,) = local.add([b"x"])
    (pack,) = local.listed.values()
    local.listed[pack.pack] = PackObject(pack=pack.pack, key_id=KEY_ID, size=MAX_SEALED + 1)
    with pytest.raises(FormatError, match="larger than a pack"):
        local.reader().read(part)


def test_memory_of_a_bulk_read_does_not_grow_with_it(tmp_path: Path) -> None:
    packs = Packs(LocalStore.create(tmp_path / "store"), tmp_path / "staging")
    parts = [
        p for n in range(8) for p in packs.add([noise(32 * n + i, 1 << 20) for i in range(28)])
    ]
    reader = packs.reader(cache_bytes=16 << 20)
    tracemalloc.start()
    try:
        total = sum(len(data) for _, data in reader.read_many(parts))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 8 * 28 << 20
    assert peak < 120 << 20
