"""ApiSourceContract: what every source must do that is an API, besides what every source must do."""

from __future__ import annotations

from collections.abc import Iterable

from muniment.model.item import Fingerprint, Named, Observed
from muniment.sources.base import Gone, Listed, Same, Skipped
from tests.contracts.source_contract import SourceContract, World, content_of


class Remembered:
    """`Known` of what an earlier listing said, as a run that took all of it would leave it."""

    whole = False

    def __init__(self, listing: Iterable[Listed], memory: dict[str, str] | None = None) -> None:
        self.items = {
            (item.kind, item.native_id): item for item in listing if isinstance(item, Observed)
        }
        self.memory = dict(memory or {})
        self.history = dict(memory or {})
        self.remembered: dict[str, str] = {}
        self.notes: dict[tuple[str, bytes, str], bytes] = {}

    def find(self, kind: str, native_id: bytes, named: Named | None = None) -> Fingerprint | None:
        item = self.items.get((kind, native_id))
        if item is None or (named is not None and item.named_by != named):
            return None
        return item.fingerprint

    def below(self, native_id: bytes) -> int:
        return sum(n.rpartition(b"/")[0] == native_id for _, n in self.items)

    def remember(self, key: str, value: str) -> None:
        self.remembered[key] = value

    def note(self, kind: str, native_id: bytes, tag: str) -> bytes | None:
        return self.notes.get((kind, native_id, tag))

    def keep_note(self, kind: str, native_id: bytes, tag: str, note: bytes) -> None:
        self.notes[kind, native_id, tag] = note

    def after(self, listing: Iterable[Listed]) -> dict[tuple[str, bytes], Observed]:
        """What there is after a listing that was made with this knowledge."""
        found: dict[tuple[str, bytes], Observed] = {}
        same: dict[tuple[str, bytes], Observed] = {}
        gone: set[tuple[str, bytes]] = set()
        for item in listing:
            key = (item.kind, item.native_id)
            if isinstance(item, Observed):
                assert key not in found, "listed twice"
                found[key] = item
            elif isinstance(item, Same) and not item.native_id:
                same |= {k: i for k, i in self.items.items() if k[0] == item.kind}
            elif isinstance(item, Same) and item.below:
                same |= {k: i for k, i in self.items.items() if _above(k[1]) == item.native_id}
            elif isinstance(item, Same):
                assert key in self.items, "said to be the same, and not known"
                same[key] = self.items[key]
            elif isinstance(item, Gone):
                gone.add(key)
            else:
                assert isinstance(item, Skipped)
        return {k: i for k, i in same.items() if k not in gone} | found


def _above(native_id: bytes) -> bytes:
    return native_id.rpartition(b"/")[0]


class ApiSourceContract(SourceContract):
    def test_a_listing_brings_what_opening_would_give(self, world: World) -> None:
        world.add("letter", b"Dear Sir")
        source = world.source()
        for item in source.scan():
            assert isinstance(item, Observed) and item.brought is not None
            with source.open(item.kind, item.native_id) as reader:
                description = reader.describe()
                assert description.has_content
                assert description.fidelity == item.brought.fidelity
                assert description.metadata == item.brought.metadata
                if item.brought.content is not None:
                    assert content_of(reader) == item.brought.content

    def test_every_item_says_which_matter_it_is_of_or_that_it_is_of_none(
        self, world: World
    ) -> None:
        world.add("letter", b"Dear Sir")
        assert all(i.named_by is not None for i in world.source().scan() if isinstance(i, Observed))

    def test_a_native_id_is_no_name_and_no_tag_is(self, world: World) -> None:
        world.add("secretname", b"secretcontent")
        for item in world.source().scan():
            assert isinstance(item, Observed)
            told = f"{item.kind} {item.native_id!r} {item.fingerprint.tag}"
            assert "secret" not in told

    def test_native_ids_are_unique_over_all_kinds(self, world: World) -> None:
        for number in range(3):
            world.add(f"item {number}", b"x")
        ids = [i.native_id for i in world.source().scan()]
        assert len(ids) == len(set(ids))

    def test_no_item_lies_below_another(self, world: World) -> None:
        """Or whoever recovers by hand could not write both as files."""
        world.add("letter", b"x")
        ids = {item.native_id for item in world.source().scan()}
        folders = {_above(each) for each in ids} | {_above(_above(each)) for each in ids}
        assert not ids & folders

    def test_asking_for_changes_gives_what_asking_for_everything_gives(self, world: World) -> None:
        items = [world.add(f"item {n}", b"%d" % n) for n in range(6)]
        known = Remembered(world.source().scan())
        world.settle()
        world.change(items[1][1], b"changed")
        world.remove(items[2][1])
        world.add("new", b"new")
        assert known.after(world.source().scan(known)) == Remembered(world.source().scan()).items

    def test_what_it_remembers_makes_no_difference_to_what_it_says(self, world: World) -> None:
        items = [world.add(f"item {n}", b"%d" % n) for n in range(4)]
        first = Remembered([])
        known = Remembered(world.source().scan(first), first.remembered)
        known.memory = dict(first.remembered)
        world.settle()
        world.change(items[0][1], b"changed")
        world.remove(items[3][1])
        whole = Remembered(world.source().scan()).items
        assert known.after(world.source().scan(known)) == whole
        known.memory = {}
        assert known.after(world.source().scan(known)) == whole

    def test_nothing_is_the_same_where_everything_is_asked_for(self, world: World) -> None:
        world.add("letter", b"x")
        known = Remembered(world.source().scan())
        known.whole = True
        assert not any(isinstance(i, Same) for i in world.source().scan(known))
