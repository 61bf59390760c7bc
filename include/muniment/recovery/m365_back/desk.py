"""Desk: what everything that gives back has at hand, and how something is made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from muniment.ids import sha256_hex
from muniment.model.item import Row
from muniment.recovery.m365_back.old import Key, Old, key_of
from muniment.recovery.m365_back.standing import Standing
from muniment.recovery.written_back.journal import Journal
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.m365.client import Client
from muniment.sources.m365.transport import Transport
from muniment.sources.m365.writing import Content, Refusal, Writer
from muniment.sources.web.changes import Unanswered

TRIES = 6
"""How often something is sent of which the tenant shows each time that it was not made."""

MADE_AND_GONE = "this restore made it, and it is gone since: begin anew, into another folder"
FULL = "no room is left in the mailbox or drive"
PLACE_GONE = "the new folder that it belongs in is gone: begin anew, into another folder"

Bytes = Callable[[Row], Iterator[bytes]]
"""The proven bytes of an item, from the beginning."""
Find = Callable[[bool], str]
"""The id of what may have been made before; empty where nothing was. Whether it may be a moment old."""


@dataclass
class Desk:
    """`base` is what all marks of a restore have in common. `full` are mailboxes and drives that took nothing more."""

    client: Client
    journal: Journal
    base: str
    content: Bytes
    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.writer = Writer(self.client)
        self.standing = Standing(self.client)

    def mark(self, *words: str) -> str:
        """32 hexadecimal digits, the same for the same thing in the same restore."""
        return sha256_hex(repr((self.base, *words)).encode())[:32]

    def bytes_of(self, row: Row) -> Content:
        return Content(row.size, lambda: self.content(row))

    # -- once --------------------------------------------------------------------------------------
    def once(
        self, transport: Transport, key: Key, find: Find, make: Callable[[], str], *, search: bool
    ) -> tuple[str, bool]:
        """The id of what stands for a key, and whether it was made here and now. `search`: it may have been made by a run that left no
        journal. Raises Refusal, SourceError."""
        for attempt in range(TRIES):
            sent = self.journal.asked[key] > 0
            if (sent or search) and (found := find(sent)):
                self.journal.stands(key, found, made=True)
                return found, False
            if attempt:
                transport.pause(attempt - 1)
            self.journal.asks(key)
            try:
                new = make()
            except Unanswered:
                continue
            self.journal.stands(key, new, made=True)
            return new, True
        raise transport.unavailable("what is asked for is never made")

    # -- outcomes ----------------------------------------------------------------------------------
    def told(self, row: Row, status: Status, *, new: str = "", why: str = "") -> Outcome:
        kind, old = key_of(row)
        made = Outcome(kind, old, row.item_id.hex(), status, new, why)
        self.outcomes[kind, old] = made
        return made

    def failed(self, old: Old, why: str) -> None:
        self.told(old.row, Status.FAILED, new=self.journal.new(old.key), why=why)

    def no_room(self, old: Old, why: str, *, meant: bool) -> None:
        """`meant`: there is to be none."""
        if meant:
            self.told(old.row, Status.BESIDE, why=why)
        else:
            self.failed(old, why)

    def refused(self, old: Old, refusal: Refusal, place: str) -> None:
        """`place` is the mailbox or drive it was to go into."""
        if refusal.full:
            self.full.add(place)
            self.failed(old, FULL)
        elif refusal.gone:
            self.failed(old, PLACE_GONE)
        else:
            self.failed(old, f"Microsoft refuses it ({refusal})")
