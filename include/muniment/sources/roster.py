"""Roster: what a vendor shows of a firm - people, mailboxes, drives, sites, cabinets - to be held against the inventory.

Nouns
- Thing: one of them, and whether the source whose account lists it backs it up.
- Device: a computer that a person works on, and when it was last heard of.
- Usage: when a person's own drive at the vendor was last used.

Names and addresses stand in it: it is sealed wherever it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from msgspec import convert, field, to_builtins

from muniment.model.value import Value


class ThingKind(StrEnum):
    """What may need protection of its own."""

    USER = "user"
    MAILBOX = "mailbox"
    DRIVE = "drive"
    SITE = "site"
    CABINET = "cabinet"
    ACCOUNT = "account"


LEFT_OUT = "left out by firm.yaml"
NO_SERVICE = "this service is not backed up"
NOT_SHOWN = "the application may not see it"
NOT_CHOSEN = "not among the cabinets of firm.yaml"
"""Why a source does not take a thing."""


class Thing(Value, frozen=True):
    """`native_id` is the vendor's. `taken`: the source backs it up; `why` says why not. `enabled` is None where that
    means nothing; `purpose` of a user is what the vendor calls its mailbox (`user`, `shared`, `room`), or `user` where it has a
    licence, empty where nobody can tell; `guest` is somebody of another firm."""

    kind: ThingKind
    native_id: str
    name: str = ""
    addresses: tuple[str, ...] = ()
    taken: bool = True
    why: str = ""
    enabled: bool | None = None
    purpose: str = ""
    guest: bool = False


class Device(Value, frozen=True):
    """`owner` is an address, in small letters; empty where nobody is named. `seen_at` is ISO 8601 or empty."""

    native_id: str
    name: str
    owner: str = ""
    system: str = ""
    seen_at: str = ""


class Usage(Value, frozen=True):
    """`last_active` is a date, ISO 8601, or empty: never."""

    owner: str
    last_active: str = ""
    files: int = 0


class Roster(Value, frozen=True):
    """`tenant` is the same for all sources over one account. `unasked` are words for what the account may not list:
    of that nothing is known. `devices` and `usage` are None where they cannot be had."""

    tenant: str
    things: tuple[Thing, ...] = ()
    unasked: tuple[str, ...] = ()
    devices: tuple[Device, ...] | None = None
    usage: tuple[Usage, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = to_builtins(self)
        return found

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Roster:
        """Inverse of `as_dict`, also after a way through JSON. Raises ValueError for what is none."""
        return convert(value, cls)


class Answers(Value, frozen=True):
    """What became of asking every source: rosters by source, and the codes of errors of those that did not answer."""

    rosters: Mapping[str, Roster] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Rostered(Protocol):
    """A source whose vendor lists what there is."""

    def roster(self) -> Roster:
        """Asks the vendor. Raises SourceRefused, SourceRestricted, SourceUnavailable."""
        ...


def addresses(found: Iterable[object]) -> tuple[str, ...]:
    """Those that are any, in small letters, each once."""
    return tuple(
        dict.fromkeys(str(one).strip().lower() for one in found if one and "@" in str(one))
    )
