"""The proof before a restore: a frame that is wrong anywhere is refused, also where the bytes that are wanted of it
are right; and what was proven is what is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.errors import FormatError, SealError, StoreUnavailable
from muniment.model.item import Part
from muniment.recovery import selected
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selected import AtHand
from muniment.recovery.selection import Scope, Selection, matching
from muniment.sources.files import FileTarget
from muniment.vault import names, pack_reader
from muniment.vault.frames import MAX_FRAME, FrameCompressor
from muniment.vault.store.base import Store
from muniment.vault.store.decorators import _Decorator
from muniment.vault.store.local import LocalStore
from tests.hostile.forging import Thief, same_bytes
from tests.support.packs import Packs, noise, sha256
from tests.support.practice import Practice, tree

WANTED = 10
"""Zeros at the beginning of every frame here: they are all that a row wants, and are as it says."""

MIB = 1 << 20
DECLARED = slice(5, 13)
"""Where a frame of `same_bytes` says how much it holds: eight bytes (RFC 8878, section 3.1.1.1.4)."""


def says(frame: bytes, size: int) -> bytes:
    return frame[: DECLARED.start] + size.to_bytes(8, "little") + frame[DECLARED.stop :]


REFUSED: dict[str, bytes] = {
    "says nothing of its size, and holds more than a frame may": same_bytes(
        MAX_FRAME + MIB, declared=False
    ),
    "says more than a frame may hold": says(same_bytes(MIB, declared=True), MAX_FRAME + 1),
    "says less than it holds": says(same_bytes(MIB, declared=True), MIB - 1),
    "says just what is wanted": says(same_bytes(MIB, declared=True), WANTED),
    "says nothing at all and holds much": says(same_bytes(MIB, declared=True), 0),
    "says more than it holds": says(same_bytes(MIB, declared=True), MIB + 1),
    "ends before its last block": same_bytes(MIB, declared=True)[:-4],
    "ends within a block": FrameCompressor().compress(bytes(WANTED) + noise(1, MIB))[:-1],
    "has a wrong block after the first": same_bytes(MIB, declared=True)[:-4] + b"\x07\0\0\0",
    "has something behind it": same_bytes(MIB, declared=True) + b"\0",
    "has another frame behind it": same_bytes(MIB, declared=True) * 2,
}

TAKEN: dict[str, bytes] = {
    "says what it holds": same_bytes(MIB, declared=True),
    "says nothing of its size, and is one that a frame may have": same_bytes(MIB, declared=False),
}


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path / "firm")
    practice.write("Office/letter.txt", "Dear counsel")
    return practice


@pytest.fixture
def packs(tmp_path: Path) -> Packs:
    return Packs(LocalStore.create(tmp_path / "store"), tmp_path / "staging")


def wanted_of(packs: Packs, frame: bytes) -> Part:
    pack = packs.put_plain(frame)
    return packs.part(pack, sha256(bytes(WANTED)), (0, len(frame), 0, WANTED))


@pytest.mark.parametrize("frame", REFUSED.values(), ids=list(REFUSED))
def test_a_frame_that_is_not_what_it_says_is_refused_though_its_beginning_is_right(
    packs: Packs, frame: bytes
) -> None:
    part = wanted_of(packs, frame)
    with pytest.raises(FormatError):
        packs.reader().prove([part])


@pytest.mark.parametrize("frame", TAKEN.values(), ids=list(TAKEN))
def test_a_frame_within_the_format_is_proven(packs: Packs, frame: bytes) -> None:
    reader = packs.reader()
    reader.prove([part := wanted_of(packs, frame)])
    assert reader.read(part) == bytes(WANTED)


def test_damage_behind_what_is_wanted_of_a_frame_is_found(packs: Packs) -> None:
    """Chunks of 64 KiB are sealed one by one: those with the wanted bytes open, others do not."""
    first, *_ = packs.add([noise(1, WANTED), noise(2, 3 * MIB)])
    (pack,) = packs.listed.values()
    assert isinstance(packs.store, LocalStore)
    file = Path(packs.store.root) / names.pack(pack.pack)
    damaged = bytearray(file.read_bytes())
    damaged[2 * MIB] ^= 1
    file.chmod(0o600)
    file.write_bytes(damaged)

    with pytest.raises(SealError):
        packs.reader().prove([first])


@pytest.mark.parametrize("name", ["says nothing of its size, and holds more than a frame may",
                                  "says less than it holds", "says more than it holds"])  # fmt: skip
def test_a_snapshot_with_such_a_frame_is_passed_over_before_anything_is_written(
    practice: Practice, name: str
) -> None:
    practice.back_up()
    thief = Thief(practice)
    frame = REFUSED[name]
    part = thief.part(thief.pack(frame), sha256(bytes(WANTED)), (0, len(frame), 0, WANTED))
    thief.commit([thief.row(b"Office/bomb.txt", part, size=WANTED)])

    plan = make_restore_plan(practice.vault(), Selection(Scope.SOURCE))

    (choice,) = plan.choices
    assert choice.seq == 1
    assert [(seq, re.match(r"M3\d\d ", why) is not None) for seq, why in choice.passed_over] == [
        (2, True)
    ]


# -- what was proven is what is given --------------------------------------------------------------


class Closing(_Decorator):
    """A store that gives no packs once it is closed."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.closed = False
        self.asked = 0

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        if name.startswith("packs/"):
            self.asked += 1
            if self.closed:
                raise StoreUnavailable("no answer", to=name)
        return self.inner.get(name, version=version, start=start, length=length)


def test_what_was_proven_is_given_without_asking_again(packs: Packs) -> None:
    contents = [noise(n, 70_000) for n in range(30)]
    parts = packs.add(contents)
    store = Closing(packs.store)
    reader = packs.reader(store)
    reader.prove(parts)
    store.closed = True

    assert [reader.read(part) for part in parts] == contents
    assert [b"".join(reader.content([part])) for part in parts] == contents
    assert b"".join(reader.content(parts)) == b"".join(contents)
    reader.let_go()
    with pytest.raises(StoreUnavailable):
        reader.read(parts[0])


def test_what_is_large_altogether_is_proven_and_not_kept(
    packs: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [noise(n, 70_000) for n in range(30)]
    parts = packs.add(contents)
    monkeypatch.setattr(pack_reader, "KEPT_BYTES", 29 * 70_000)
    store = Closing(packs.store)
    reader = packs.reader(store)
    reader.prove(parts)
    proven = store.asked

    assert not reader.kept_bytes
    assert [reader.read(part) for part in parts] == contents
    assert store.asked > proven


@pytest.fixture
def restored(practice: Practice, tmp_path: Path) -> Callable[[Store, bool], Path]:
    """Plans, spoils the store between plan and delivery if told to, and delivers."""

    def restore(store: Store, spoiled: bool) -> Path:
        vault, selection, at_hand = practice.vault(store=store), Selection(Scope.SOURCE), AtHand()
        plan = make_restore_plan(vault, selection, at_hand=at_hand)
        if spoiled:
            for pack in (practice.folder / "store/packs").rglob("*"):
                if pack.is_file():
                    pack.unlink()
        to = tmp_path / "back"
        report = perform(
            vault, plan, selection, lambda _: FileTarget(to, restore_id="x"), at_hand=at_hand
        )
        assert report.whole
        return to

    return restore


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_small_restore_gives_what_its_plan_proved(
    practice: Practice, restored: Callable[[Store, bool], Path], spoiled: bool
) -> None:
    """A pack that goes in the minute between plan and delivery costs nothing that was proven."""
    practice.write("Office/second.bin", noise(3, 300_000))
    practice.back_up()

    assert tree(restored(practice.store, spoiled)) == tree(practice.share)


def test_all_sources_together_hold_no_more_than_one_reader_keeps(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.back_up()
    record = practice.vault().history("files").live[-1]
    selection = Selection(Scope.SOURCE)
    packs = Packs(LocalStore.create(tmp_path / "store"), tmp_path / "staging")
    readers = [packs.reader() for _ in range(3)]
    for number, reader in enumerate(readers):
        reader.prove(packs.add([noise(number, 1_000)]))
    monkeypatch.setattr(selected, "KEPT_BYTES", 2_500)
    at_hand = AtHand()
    snapshot = practice.vault().snapshot(practice.vault().history("files"), record)
    found = matching(snapshot, selection)
    for number, reader in enumerate(readers):
        at_hand.keep(f"source-{number}", record, selection, found, reader)

    assert [reader.kept_bytes for reader in readers] == [1_000, 1_000, 0]
    assert at_hand.take("source-2", record, selection) == (found, readers[2])
    assert at_hand.take("source-2", record, selection) == (None, None)
