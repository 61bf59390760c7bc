"""Account: what one user of a tenant has, as the vendor lists it plainly, without a delta.

It is asked for twice: before a departure, so that people know what they decide about, and after the backup, to see whether
the vault lacks any of it. Forwarding that an administrator set on the mailbox (`ForwardingSmtpAddress`), delegates with full
access and legal holds are in no interface of Graph: a person has to look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import convert, field, to_builtins

from muniment.errors import ConfigError
from muniment.model.value import Value
from muniment.sources.m365 import naming
from muniment.sources.m365.client import Client
from muniment.sources.m365.items import Shown, moment
from muniment.sources.m365.people import Person, people
from muniment.sources.m365.roster import DEVICES, SETTINGS, devices
from muniment.sources.m365.rounds import Closed, Locked, NoMailbox, NotThere, asked, rows
from muniment.sources.m365.transport import Transport

PURGED = "recoverableitemsdeletions"
_IDS = (("$select", "id,createdDateTime"), ("$top", "500"))
_FORWARDS = ("forwardTo", "forwardAsAttachmentTo", "redirectTo")
_WRITES = frozenset({"write", "delegateWithoutPrivateEventAccess", "delegateWithPrivateEventAccess"})  # fmt: skip


class Entry(NamedTuple):
    """Something that the account has: its kind and native id as in a snapshot, and when it was made, in nanoseconds since
    1970; 0 where the vendor does not say."""

    kind: str
    native_id: bytes
    created_ns: int


class Rule(Value, frozen=True):
    """A rule of the inbox that sends mail on, and to whom."""

    name: str
    to: tuple[str, ...]
    enabled: bool


class Delegate(Value, frozen=True):
    """Somebody who may write in the calendar."""

    address: str
    role: str


class Account(Value, frozen=True):
    """`unasked` are words for what the application may not list. Names stand in it: to be sealed."""

    id: str
    name: str
    addresses: tuple[str, ...]
    enabled: bool | None
    purpose: str
    drives: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    delegates: tuple[Delegate, ...] = ()
    devices: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = to_builtins(self)
        return found

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Account:
        """Inverse of `as_dict`. Raises ValueError."""
        return convert(value, cls)

    def told(self) -> dict[str, int]:
        """What may be said in the clear: numbers."""
        return {
            **self.counts,
            "forwarding_rules": len(self.rules),
            "delegates": len(self.delegates),
            "devices": len(self.devices),
        }


def find(client: Client, wanted: str) -> Person:
    """The user with this address or id. Raises ConfigError where there is none, SourceUnavailable."""
    sought = wanted.strip().lower()
    for person in people(client.directory):
        if sought and sought in (person.id.lower(), *person.addresses):
            return person
    raise ConfigError(
        "no user of the tenant has this address or id",
        to=f"source {client.source_id}",
        safe="Nothing was read and nothing was changed.",
        todo="Trigger it again with an address of the user as Entra has it. Of an account that was deleted nothing can be"
        " read any more: have it restored in Entra first (30 days).",
    )


def inventory(client: Client, roles: Collection[str], person: Person) -> Account:
    """Everything that the account has, counted. Raises SourceUnavailable."""
    outlook, unasked = client.outlook(person.id), []
    purpose, rules = "", tuple[Rule, ...]()
    if SETTINGS in roles:
        try:
            purpose = str(asked(outlook, f"users/{person.id}/mailboxSettings").get("userPurpose") or "")  # fmt: skip
            rules = tuple(_rules(outlook, person.id))
        except (NoMailbox, NotThere):
            pass
        except Closed:
            unasked.append("rules")
    else:
        unasked.append("rules")
    held = drives_of(client, person.id)
    mine: tuple[str, ...] = ()
    if DEVICES in roles:
        mine = tuple(d.name for d in devices(client.directory) if d.owner in person.addresses)
    else:
        unasked.append("devices")
    counts = Counter(entry.kind for entry in listed(client, person.id, held))
    enabled = person.row.get("accountEnabled")
    return Account(
        person.id, person.name, person.addresses, enabled if isinstance(enabled, bool) else None, purpose,
        held, dict(sorted(counts.items())), rules, tuple(_delegates(outlook, person.id)), mine, tuple(unasked),
    )  # fmt: skip


def drives_of(client: Client, user: str) -> tuple[str, ...]:
    """Ids of the user's drives; none is no failure."""
    try:
        found = [str(one["id"]) for one in rows(client.files, f"users/{user}/drives") if naming.is_id(one.get("id"))]  # fmt: skip
    except (NotThere, Closed, Locked):
        return ()
    return tuple(dict.fromkeys(found))


def _rules(outlook: Transport, user: str) -> Iterator[Rule]:
    for row in rows(outlook, f"users/{user}/mailFolders/inbox/messageRules"):
        actions = row.get("actions") or {}
        to = [_address(one) for name in _FORWARDS for one in actions.get(name) or ()]
        if to:
            yield Rule(str(row.get("displayName") or ""), tuple(to), row.get("isEnabled") is not False)  # fmt: skip


def _address(one: Mapping[str, Any]) -> str:
    return str((one.get("emailAddress") or {}).get("address") or "").lower()


def _delegates(outlook: Transport, user: str) -> Iterator[Delegate]:
    try:
        for row in rows(outlook, f"users/{user}/calendar/calendarPermissions"):
            if row.get("role") in _WRITES:
                yield Delegate(_address(row), str(row["role"]))
    except (NoMailbox, NotThere, Closed):
        return


# -- plain lists -------------------------------------------------------------------------------------


def listed(client: Client, user: str, drives: Collection[str]) -> Iterator[Entry]:
    """Messages, events, contacts and files, each once or more often. Raises SourceUnavailable; a mailbox or drive that may
    not be looked into has nothing here."""
    outlook = client.outlook(user)
    yield from _quiet(_messages(outlook, user))
    yield from _quiet(_events(outlook, user))
    yield from _quiet(_contacts(outlook, user))
    for drive in drives:
        yield from _quiet(_files(client.files, drive))


def _quiet(found: Iterator[Entry]) -> Iterator[Entry]:
    try:
        yield from found
    except (NoMailbox, NotThere, Closed, Locked):
        return


def _entry(kind: str, owner: str, row: Shown) -> Iterator[Entry]:
    id_ = row.get("id")
    if naming.is_id(id_):
        made = moment(row.get("createdDateTime"))
        yield Entry(kind, naming.native(kind, owner, str(id_)), made)


def _messages(outlook: Transport, user: str) -> Iterator[Entry]:
    for path in (f"users/{user}/messages", f"users/{user}/mailFolders/{PURGED}/messages"):
        try:
            for row in rows(outlook, path, _IDS):
                for kind in (naming.MESSAGE, naming.MIME):
                    yield from _entry(kind, user, row)
        except NotThere:
            continue


def _events(outlook: Transport, user: str) -> Iterator[Entry]:
    for calendar in list(rows(outlook, f"users/{user}/calendars", (("$select", "id"),))):
        path = f"users/{user}/calendars/{calendar['id']}/events"
        for row in rows(outlook, path, _IDS):
            yield from _entry(naming.EVENT, user, row)


def _contacts(outlook: Transport, user: str) -> Iterator[Entry]:
    waiting = [f"users/{user}/contactFolders"]
    folders = [f"users/{user}/contacts"]
    while waiting:
        for row in list(rows(outlook, waiting.pop())):
            place = f"users/{user}/contactFolders/{row['id']}"
            folders.append(f"{place}/contacts")
            waiting.append(f"{place}/childFolders")
    for path in folders:
        try:
            for row in rows(outlook, path, _IDS):
                yield from _entry(naming.CONTACT, user, row)
        except NotThere:
            continue


def _files(files: Transport, drive: str) -> Iterator[Entry]:
    waiting = [f"drives/{drive}/root/children"]
    while waiting:
        try:
            found = list(rows(files, waiting.pop(), (("$top", "200"),)))
        except NotThere:
            continue
        for row in found:
            yield from _entry(naming.DRIVE_ITEM, drive, row)
            if "file" in row and not {"remoteItem", "package", "malware"} & row.keys():
                yield from _entry(naming.FILE, drive, row)
            if "folder" in row and "remoteItem" not in row and naming.is_id(row.get("id")):
                waiting.append(f"drives/{drive}/items/{row['id']}/children")
