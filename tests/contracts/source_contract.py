"""SourceContract: what every source must do. A test class inherits it and gives a `world` fixture:
the system behind the source, so that items can be made, changed and taken away behind its back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Protocol

import pytest

from muniment.errors import ItemUnreadable, SourceError, SourceMissing
from muniment.model.item import Observed
from muniment.sources.base import ItemReader, Skipped, Source
from muniment.sources.causes import CAUSES

LARGE = 3_000_001
"""Bytes: more than one read gives, and no round number."""


class World(Protocol):
    """The system behind a source, as whoever works in it sees it."""

    def source(self) -> Source:
        """A source over it, freshly made."""
        ...

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        """Makes an item with content; its kind and native id."""
        ...

    def change(self, native_id: bytes, content: bytes) -> None: ...

    def remove(self, native_id: bytes) -> None: ...

    def settle(self) -> None:
        """Lets time pass until what was done can be told from what is done next."""
        ...

    def take_away(self) -> None:
        """The whole system is gone: unmounted, switched off, moved."""
        ...


def content_of(reader: ItemReader, size: int = 1 << 20) -> bytes:
    return b"".join(iter(lambda: reader.read(size), b""))


def observed(source: Source) -> dict[tuple[str, bytes], Observed]:
    found: dict[tuple[str, bytes], Observed] = {}
    for item in source.scan():
        if isinstance(item, Observed):
            assert (item.kind, item.native_id) not in found, "listed twice"
            found[item.kind, item.native_id] = item
    return found


class SourceContract:
    missing: type[SourceError] = SourceMissing
    """What it raises when the whole system is gone: a vendor that lets nobody in refuses."""

    @pytest.fixture
    def world(self) -> World:
        raise NotImplementedError

    # -- listing ---------------------------------------------------------------------------------

    def test_what_was_added_is_listed_once(self, world: World) -> None:
        added = {world.add(f"item {number}", b"x" * number) for number in range(5)}
        assert added <= set(observed(world.source()))

    def test_a_listing_can_be_repeated(self, world: World) -> None:
        world.add("one", b"1")
        world.add("two", b"2")
        source = world.source()
        first = observed(source)
        assert observed(source) == first
        assert observed(world.source()) == first

    def test_what_was_removed_is_not_listed(self, world: World) -> None:
        kept, gone = world.add("kept", b"1"), world.add("gone", b"2")
        world.remove(gone[1])
        found = observed(world.source())
        assert kept in found and gone not in found

    def test_a_change_shows_in_the_listing(self, world: World) -> None:
        item = world.add("letter", b"Dear Sir")
        before = observed(world.source())[item].fingerprint
        world.settle()
        world.change(item[1], b"Dear Madam")
        assert observed(world.source())[item].fingerprint != before

    def test_reading_does_not_show_in_the_listing(self, world: World) -> None:
        item = world.add("letter", b"Dear Sir")
        world.settle()
        source = world.source()
        before = observed(source)[item]
        with source.open(*item) as reader:
            reader.describe()
            content_of(reader)
        assert observed(source)[item] == before

    # -- reading ---------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, 4096, 65_536, LARGE])
    def test_open_gives_what_was_put_there(self, world: World, size: int) -> None:
        content = (sha256(b"seed").digest() * (size // 32 + 1))[:size]
        item = world.add("letter", content)
        with world.source().open(*item) as reader:
            description = reader.describe()
            assert description.has_content
            assert description.fingerprint.size == size
            assert content_of(reader) == content
            assert reader.read(1) == b"", "the end stays the end"
            assert reader.settled()

    def test_open_describes_what_the_listing_showed(self, world: World) -> None:
        item = world.add("letter", b"Dear Sir")
        world.settle()
        source = world.source()
        listed = observed(source)[item]
        with source.open(*item) as reader:
            assert listed.fingerprint.admits(reader.describe().fingerprint)

    def test_small_reads_give_the_same_bytes(self, world: World) -> None:
        content = bytes(range(256)) * 40
        item = world.add("letter", content)
        with world.source().open(*item) as reader:
            reader.describe()
            assert content_of(reader, 777) == content

    def test_metadata_survive_json_and_what_has_no_content_reads_as_nothing(
        self, world: World
    ) -> None:
        """Of everything that is listed. Both at once: every item is opened for it."""
        world.add("letter", b"Dear Sir")
        source = world.source()
        for kind, native_id in observed(source):
            with source.open(kind, native_id) as reader:
                description = reader.describe()
                metadata = description.metadata
                assert json.loads(json.dumps(metadata)) == metadata
                if not description.has_content:
                    assert reader.settled()

    def test_an_item_can_be_opened_again(self, world: World) -> None:
        item = world.add("letter", b"Dear Sir")
        source = world.source()
        for _ in range(3):
            with source.open(*item) as reader:
                reader.describe()
                assert content_of(reader) == b"Dear Sir"

    def test_a_change_while_it_is_read_is_noticed(self, world: World) -> None:
        item = world.add("letter", b"a" * LARGE)
        world.settle()
        with world.source().open(*item) as reader:
            reader.describe()
            reader.read(1000)
            world.change(item[1], b"b" * LARGE)
            content_of(reader)
            assert not reader.settled()

    def test_threads_may_read_different_items(self, world: World) -> None:
        items = {world.add(f"item {n}", b"%d" % n * 1000): b"%d" % n * 1000 for n in range(40)}
        source = world.source()

        def read(item: tuple[str, bytes]) -> bytes:
            with source.open(*item) as reader:
                reader.describe()
                return content_of(reader)

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read, items)) == list(items.values())

    # -- what is not there -----------------------------------------------------------------------

    def test_an_item_that_vanished_says_so_without_its_name(self, world: World) -> None:
        kind, native_id = world.add("secret name", b"x")
        source = world.source()
        observed(source)
        world.remove(native_id)
        with pytest.raises(FileNotFoundError) as caught, source.open(kind, native_id):
            pass
        assert "secret" not in str(caught.value)

    def test_an_id_that_never_was_is_an_error_of_the_item(self, world: World) -> None:
        kind, _ = world.add("letter", b"x")
        refused = (FileNotFoundError, ItemUnreadable)
        with pytest.raises(refused), world.source().open(kind, b"there is no such id"):
            pass

    @pytest.mark.parametrize("native_id", [b"", b"\0", b"..", b"../../etc/passwd", b"/etc/passwd"])
    def test_an_id_that_cannot_be_is_refused(self, world: World, native_id: bytes) -> None:
        kind, _ = world.add("letter", b"x")
        with pytest.raises(ItemUnreadable) as caught, world.source().open(kind, native_id):
            pass
        assert caught.value.what in CAUSES

    def test_a_kind_that_the_source_does_not_have_is_refused(self, world: World) -> None:
        _, native_id = world.add("letter", b"x")
        with pytest.raises(ItemUnreadable) as caught, world.source().open("no kind", native_id):
            pass
        assert caught.value.what in CAUSES

    # -- the whole system ------------------------------------------------------------------------

    def test_its_identity_stays_the_same(self, world: World) -> None:
        before = world.source().probe().identity
        world.add("letter", b"x")
        source = world.source()
        assert source.probe().identity == before
        assert source.probe().identity == before

    def test_a_system_that_is_gone_is_missing_and_never_empty(self, world: World) -> None:
        item = world.add("letter", b"x")
        source = world.source()
        source.probe()
        world.take_away()
        with pytest.raises(self.missing):
            source.probe()
        with pytest.raises(self.missing):
            list(source.scan())
        for reopened in (source, world.source()):
            with pytest.raises(self.missing), reopened.open(*item):
                pass

    def test_a_system_that_goes_away_during_a_listing_is_missing(self, world: World) -> None:
        for number in range(3):
            world.add(f"item {number}", b"x")
        listing: Iterator[Observed | Skipped] = world.source().scan()
        next(listing)
        world.take_away()
        with pytest.raises(self.missing):
            list(listing)
