"""Audit: a second look at a vendor's system, by another way than the one that made the backup.

A connector that asks for the wrong page, forgets a deletion or mixes two versions up would say the same again
when it is asked again. So who audits asks the vendor in words of its own: totals, rows in another order and in pages
of another size, single rows, bytes. It shares no code with the connector that lists, pages, remembers,
downloads or chooses fields; only the consent and the budget of requests.

Nouns
- Held: what the vault says that there is, and what it says is gone. Witness: one item as the vendor shows it
  now. Told: what the vendor tells of a whole collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from muniment.model.item import Row


@dataclass(frozen=True, slots=True)
class Held:
    """Native ids by kind. `gone` were in the snapshot before this one, and are not in this one."""

    there: Mapping[str, Sequence[bytes]] = field(repr=False)
    gone: Mapping[str, Sequence[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Witness:
    """One item as the vendor shows it, or (`there` is False) does not.

    `created_ns` and `touched_ns` are nanoseconds since 1970, 0 where the vendor does not tell. `body` is a row,
    `digest` and `size` are of bytes. `matter` is the native id of the row of its matter, b"" for none, None
    where that is not known; `name` is what the vendor calls that matter, where it was seen. Where matters have no rows
    of their own, `belongs` is what the item itself calls its matter, `client/matter` or the matter alone, empty for none,
    None where that is not known.
    `versions` are how a version mark may begin that is still this one's, of items whose row keeps a mark.
    `about` is what the vendor keeps of an item beside its content, by its words in the row's metadata; None where that was
    not looked at.
    `settled` says that nobody touched it since the backup, of an item whose time of change the vault does not keep.
    """

    kind: str
    native_id: bytes = field(repr=False)
    there: bool = True
    created_ns: int = 0
    touched_ns: int = 0
    body: bytes | None = field(default=None, repr=False)
    about: Mapping[str, Any] | None = field(default=None, repr=False)
    digest: bytes | None = None
    size: int | None = None
    matter: bytes | None = field(default=None, repr=False)
    name: str = field(default="", repr=False)
    belongs: str | None = field(default=None, repr=False)
    settled: bool = False
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """Of one kind: how many there are now, how many of them were created, and touched, since the backup.
    None where the vendor does not say. `refused` says that the vendor does not show it to this user."""

    kind: str
    total: int | None = None
    created: int | None = None
    touched: int | None = None
    refused: bool = False


@dataclass(slots=True)
class Testimony:
    """All that was seen. `unseen` counts what the bound on requests, or the vendor, did not let one look at."""

    witnesses: list[Witness] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    requests: int = 0
    unseen: int = 0


class Compared(StrEnum):
    SAME = "same"
    DRIFTED = "drifted"
    """Only what the vendor works out, or takes from other rows: that changes without a sign."""
    LATE = "late"
    """Only what the connector may have as it was some time ago, because nothing tells that it changed."""
    CHANGED = "changed"
    """Changed since the backup, as the connector says too when it is asked now."""
    DIFFERS = "differs"


class Auditor(Protocol):
    """The second look at one kind of source."""

    def ask(self, held: Held, since: datetime, seed: int) -> Testimony:
        """Looks. `since` is when the backup began, `seed` draws the sample. The number of requests is bounded.

        Raises SourceUnavailable, SourceRefused where the vendor cannot be asked at all.
        """
        ...

    def compare(self, witness: Witness, restored: bytes) -> Compared:
        """The vendor's row against a restored one, digit by digit and character by character."""
        ...


@runtime_checkable
class Describing(Protocol):
    """An Auditor that looks at what is kept beside content."""

    def described(self, witness: Witness, row: Row) -> Compared:
        """What the vendor keeps of an item beside its content, against the snapshot's row of it. `SAME`, `CHANGED` or
        `DIFFERS`."""
        ...


@runtime_checkable
class Audited(Protocol):
    """A source that brings an auditor of itself."""

    def auditor(self) -> Auditor: ...
