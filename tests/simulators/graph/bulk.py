"""Many messages at little cost: for a tenant of a million.

A row of them is a few numbers and tells the rest when it is asked; their letters are ninety-seven, told apart by subject and
Message-ID. A change puts a usual row in the place of such a one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.simulators.clio.store import Ref, Row, Store

if TYPE_CHECKING:
    from tests.simulators.graph.founding import Founding
    from tests.simulators.graph.letters import Letter

FIRST = 1 << 32  # numbers of letters from here on are of the many
KINDS = 97
IN_A_FOLDER = 20_000
NAMES = (
    "createdDateTime", "lastModifiedDateTime", "receivedDateTime", "sentDateTime", "_folder", "_letter", "_moves",
    "_version", "_properties", "isRead", "isDraft", "categories", "flag",
)  # fmt: skip
SAME: dict[str, Any] = {
    "_moves": 0, "_version": 1, "_properties": (), "isRead": True, "isDraft": False, "categories": (), "flag": "notFlagged",
}  # fmt: skip


class Plain(Mapping[str, Any]):
    """The row of a message that nobody changed yet."""

    __slots__ = ("folder", "number")

    def __init__(self, folder: Ref, number: int) -> None:
        self.folder = folder
        self.number = number

    def __getitem__(self, name: str) -> Any:
        if name in SAME:
            return SAME[name]
        if name == "_folder":
            return self.folder
        if name == "_letter":
            return FIRST + self.number
        if name in NAMES:
            minutes = self.number % 500_000
            day, left = divmod(minutes, 1440)
            month, day = divmod(day, 28)
            return f"{2024 + month // 12}-{month % 12 + 1:02d}-{day + 1:02d}T{left // 60:02d}:{left % 60:02d}:00Z"
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


class TenantStore(Store):
    """The store of Clio's simulator, which looks at the one reference of such a row alone and copies none for the past."""

    def _link(self, collection: str, id_: int, row: Row) -> None:
        if type(row) is Plain:
            self._referrers[(collection, "_folder", row.folder)].add(id_)
        else:
            super()._link(collection, id_, row)

    def _unlink(self, collection: str, id_: int, row: Row) -> None:
        if type(row) is Plain:
            self._referrers[(collection, "_folder", row.folder)].discard(id_)
        else:
            super()._unlink(collection, id_, row)

    def as_of(self, sequence: int) -> Store:
        past = TenantStore()
        for change in self.changes[:sequence]:
            if change.row is None:
                past.remove(change.at, change.collection, change.id, change.action)
            else:
                past.put(change.at, change.collection, change.id, change.row, change.action)  # type: ignore[arg-type]
        return past


def letter(base: Letter, number: int) -> Letter:
    return replace(
        base, subject=f"{base.subject} {number}", message_id=f"<bulk.{number}@clients.example>"
    )


def found(firm: Founding, count: int) -> None:
    """Spreads `count` messages over folders named Bulk, mailbox after mailbox."""
    world = firm.world
    made = place = 0
    while made < count:
        user = firm.boxes[place % len(firm.boxes)]
        root = next(one for one in world.rows_of("folders", "_user", user) if world.row(one)["_known"] == "msgfolderroot")  # fmt: skip
        folder = firm.folder(user, root, f"Bulk {place // len(firm.boxes)}")
        at = world.clock.tick()
        for _ in range(min(IN_A_FOLDER, count - made)):
            ref = Ref("messages", world.store.new_id("messages"))
            world.found(at, ref, Plain(folder, made), folder)
            made += 1
        place += 1
