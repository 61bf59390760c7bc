"""State: what the next run of a source needs so that it need not read everything again.

Held by item id (an HMAC), numbers, digests and locations: it names nothing. Sealed to worker,
operations and escrow. It can be rebuilt from rows (`muniment rebuild-state`), so its inner form is
private to `state_table` and `state_file`; the version in it says which reader it takes.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from muniment.model.item import Fingerprint, Part
from muniment.model.value import Value
from muniment.vault.state_file import read_table, write_table
from muniment.vault.state_joining import joined
from muniment.vault.state_members import Members
from muniment.vault.state_records import Records
from muniment.vault.state_table import NO_PACK, SEVERAL, Place, Table
from muniment.vault.state_writer import TableWriter

__all__ = ["SEVERAL", "Place", "State", "StateDelta", "StateEntry", "TableWriter", "remembered"]


class StateEntry(Value, frozen=True):
    """What is remembered of one item. `matter` is the opaque id its row carries; `parent` the item
    id of its folder (b"" at the top), so that what lies below an unreadable folder is known
    without a name."""

    item_id: bytes
    kind: str
    fingerprint: Fingerprint
    matter: str
    digest: bytes
    parts: tuple[Part, ...]
    parent: bytes = b""


def remembered(print_: Fingerprint) -> Fingerprint:
    """A fingerprint as the state holds it, whose times are 64-bit numbers of nanoseconds: 1677 to 2262.

    ext4, XFS and memory hold other times, and Windows begins to count in 1601. They are folded: two
    of them look the same only if they are 585 years apart. Rows hold every time as it is.
    """
    times = (_folded(print_.mtime_ns), _folded(print_.ctime_ns))
    if times == (print_.mtime_ns, print_.ctime_ns):
        return print_
    return print_._replace(mtime_ns=times[0], ctime_ns=times[1])


def _folded(ns: int) -> int:
    return (ns + (1 << 63)) % (1 << 64) - (1 << 63)


class StateDelta:
    """Changed entries, vanished ids, and facts: what one run adds to the state."""

    def __init__(self, table: Table, facts: Mapping[str, str]) -> None:
        self.table = table
        self.facts = dict(facts)

    @classmethod
    def of(
        cls, entries: Iterable[StateEntry], gone: Iterable[bytes], facts: Mapping[str, str]
    ) -> StateDelta:
        """Raises ValueError for ids and digests of another length than they have."""
        writer = TableWriter()
        for e in entries:
            writer.add(
                e.item_id, e.kind, e.fingerprint, e.matter, e.parent, e.digest, e.parts
            )  # fmt: skip
        for item_id in gone:
            writer.add_gone(item_id)
        return cls(writer.finish(), facts)

    @classmethod
    def joined(cls, deltas: Iterable[StateDelta], about: int = 0) -> StateDelta:
        """Deltas, oldest first, as one, of `about` so many entries. Each is taken when its turn comes."""
        facts = dict[str, str]()

        def tables() -> Iterator[Table]:
            for delta in deltas:
                facts.update(delta.facts)
                yield delta.table

        return cls(joined(tables(), about), facts)

    @property
    def packs(self) -> list[Place]:
        """(key id, pack) of all packs that are named in it."""
        return self.table.packs.values[1:]

    def __len__(self) -> int:
        """How many entries and vanished ids there are."""
        return len(self.table)

    def write_to(self, write: Callable[[bytes], object]) -> None:
        write_table(self.table, self.facts, write)

    @classmethod
    def read(cls, pieces: Iterable[bytes]) -> StateDelta:
        """From a file that comes in pieces. Raises FormatError."""
        return cls(*read_table(pieces))

    def to_bytes(self) -> bytes:
        out = io.BytesIO()
        self.write_to(out.write)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> StateDelta:
        """Raises FormatError."""
        return cls.read([data])


class State:
    """The state of a source after one commit, and a cursor of the source's own. Never changed.

    An item is an entry, made when it is asked for; or a row number, which is cheap and holds for this
    state only. `facts` holds small strings the source wants back next time (the file system's
    identity).
    """

    def __init__(self, table: Table | None = None, facts: Mapping[str, str] | None = None) -> None:
        self._table = table or Table()
        self.facts = dict(facts or {})
        n = self._table.numbers
        self._prints = (
            n["size"], n["mtime_ns"], n["ctime_ns"], n["inode"], n["tag"],
            self._table.tags,
        )  # fmt: skip

    @classmethod
    def after_all(cls, deltas: Iterable[StateDelta]) -> State:
        """What all deltas, oldest first, come to. The first may be a whole state."""
        coming = iter(deltas)
        first = next(coming, None)
        if first is None:
            return cls()
        # The later ones among themselves first: the whole, which may be large, is copied once.
        return cls().after(first).after(StateDelta.joined(coming))

    def after(self, delta: StateDelta) -> State:
        """The state with what `delta` adds and takes away."""
        table = self._table
        if len(delta):
            table = table.merged(delta.table, keep_gone=False)
        return State(table, {**self.facts, **delta.facts})

    def turned_into(self, delta: StateDelta) -> State:
        """The same, and this state is of no use afterwards: of a million items one is what a process may hold."""
        table, facts = self._table, {**self.facts, **delta.facts}
        self.__dict__.clear()
        State.__init__(self)
        if len(delta):
            table = table.merged(delta.table, keep_gone=False, taking_apart=True)
        return State(table, facts)

    def as_base(self) -> StateDelta:
        """All of it as one delta to nothing."""
        return StateDelta(self._table.compact(), self.facts)

    # -- entries -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[StateEntry]:
        return map(self.entry, range(len(self)))

    def find(self, item_id: bytes) -> StateEntry | None:
        row = self._table.find(item_id)
        return None if row < 0 else self.entry(row)

    def entry(self, row: int) -> StateEntry:
        table, numbers = self._table, self._table.numbers
        strings = table.strings.values
        return StateEntry(
            table.id(row),
            strings[numbers["kind"][row]],
            table.fingerprint(row),
            strings[numbers["matter"][row]],
            table.digest(row),
            table.parts(row),
            table.parents.values[numbers["parent"][row]],
        )

    # -- rows --------------------------------------------------------------------------------------

    def row(self, item_id: bytes) -> int:
        """The row of an item, -1 for one that is not here."""
        return self._table.find(item_id)

    def finder(self) -> Callable[[bytes], int]:
        """`row`, for a million questions."""
        return self._table.finder()

    def id(self, row: int) -> bytes:
        return self._table.id(row)

    def fingerprint(self, row: int) -> Fingerprint:
        return self._table.fingerprint(row)

    def says(self, row: int, print_: Fingerprint, *, inodes: bool) -> bool:
        """Is this the fingerprint that is remembered? The device does not count, and inodes only if
        they are to. A million of these are asked every day, so nothing is made for an answer."""
        size, mtime_ns, ctime_ns, inode, _, tag = print_
        sizes, mtimes, ctimes, all_inodes, tags, texts = self._prints
        return (
            sizes[row] == size
            and mtimes[row] == mtime_ns
            and ctimes[row] == ctime_ns
            and (texts[tags[row]] == tag if tag else not tags[row])
            and (not inodes or all_inodes[row] == inode)
        )

    def records(self, *, inodes: bool) -> Records:
        """What `says` and `matter` compare, for a million questions; `inodes` as there."""
        return Records(self._table, inodes=inodes)

    def matter_numbers(self) -> dict[str, int]:
        """The number that each matter has in `records`."""
        return {text: number for number, text in enumerate(self._table.strings.values)}

    def kind(self, row: int) -> str:
        return self._table.strings.values[self._table.numbers["kind"][row]]

    def matter(self, row: int) -> str:
        return self._table.strings.values[self._table.numbers["matter"][row]]

    def parent(self, row: int) -> bytes:
        return self._table.parents.values[self._table.numbers["parent"][row]]

    def pack_number(self, row: int) -> int:
        """The number of the pack that an item lies in; `SEVERAL` for one in several parts. It holds for this state only."""
        return self._table.numbers["pack"][row]

    @property
    def pack_numbers(self) -> Sequence[int]:
        """The same of all rows."""
        return self._table.numbers["pack"]

    def places(self, row: int) -> Iterable[Place]:
        """(key id, pack) of the parts of an item, each once."""
        return self._table.places(row)

    @property
    def packs(self) -> set[bytes]:
        """Packs that parts of items lie in, and perhaps some in which none lies any more."""
        return {pack for _, pack in self._table.packs.values[1:]}

    @cached_property
    def children(self) -> Mapping[bytes, int]:
        """How many items lie directly below each folder, by the folder's item id."""
        parents = self._table.parents.values
        counts = Counter(self._table.numbers["parent"])
        return {parents[number]: count for number, count in counts.items()}

    # -- all of them -------------------------------------------------------------------------------

    def matters_in_packs(self) -> Iterator[tuple[str, Place]]:
        """Which matter has bytes in which pack; each pair at least once."""
        table, numbers = self._table, self._table.numbers
        strings = table.strings.values
        for matter, pack in set(zip(numbers["matter"], numbers["pack"], strict=True)):
            if NO_PACK < pack < len(table.packs):
                yield strings[matter], table.packs.values[pack]
        for item_id in table.several:
            row = table.find(item_id)
            for place in table.places(row):
                yield self.matter(row), place

    @cached_property
    def members(self) -> Members:
        """Where each member already lies: for de-duplication."""
        return Members(self._table)

    def unassigned(self) -> int:
        """How many items with content are under no matter."""
        matters = self._table.numbers["matter"]
        return sum(
            1 for row, matter in enumerate(matters) if not matter and self._table.digest(row)
        )
