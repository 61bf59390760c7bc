"""Workstations: whose computers cannot be shown to be backed up. Pure functions, and the reader of an RMM tool's file.

A computer is shown to be backed up by one of three things: a remote management tool that names a good backup of it; a row
of the inventory that names it and says who backs it up; or its owner's OneDrive, which is used and backed up, where the
firm says that its policy sends the folders of every computer there. What none of them shows is a risk of the person who
works on it, with an owner and a day by which it has to be mended.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from muniment.assurance.discovery import WORKSTATION, Accepts
from muniment.clock import from_text
from muniment.config.inventory import InventoryRow
from muniment.config.workstations import RmmColumns, Workstations
from muniment.errors import ConfigError
from muniment.evidence.discovery import Risk
from muniment.ids import thing_id
from muniment.model.value import Value
from muniment.sources.roster import Device, Roster, Thing, ThingKind, Usage

ONEDRIVE_ACTIVE = timedelta(days=30)
"""How long ago a OneDrive that is in use was last used."""
PERSON = "person"
LARGEST = 32 << 20
"""Bytes of an RMM tool's file."""
_TELEPHONES = ("ios", "ipados", "android")
_DATES = ("%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")

NOT_BACKED_UP, NO_DEVICE = "not_backed_up", "no_device"
ONEDRIVE_UNUSED, ONEDRIVE_NOT_BACKED_UP = "onedrive_unused", "onedrive_not_backed_up"
ONEDRIVE_UNKNOWN, FOLDERS_ELSEWHERE = "onedrive_unknown", "folders_elsewhere"


class Backed(Value, frozen=True):
    """A computer in an RMM tool's file. `at` is when its last backup ended well, None for never; `person` an address or
    empty."""

    device: str
    person: str
    at: datetime | None


class Person(Value, frozen=True):
    """Who works on something: what is judged of them. `shown` says that a computer is shown to be backed up."""

    id: str
    address: str
    devices: tuple[tuple[str, bool], ...]
    codes: tuple[str, ...]


# -- an RMM tool's file ------------------------------------------------------------------------------


def read_rmm(path: Path, columns: RmmColumns) -> tuple[tuple[Backed, ...], datetime]:
    """The computers in the file, and when it was written.

    Raises ConfigError for a file that is not there, too large, no CSV, or lacks the column of computers or of backups.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _unusable(f"the file cannot be read ({error.strerror})") from None
    if len(data) > LARGEST:
        raise _unusable("the file is too large to be a list of computers")
    written = datetime.fromtimestamp(status.st_mtime, UTC)
    return tuple(parse_rmm(data, columns)), written


def parse_rmm(data: bytes, columns: RmmColumns) -> Iterable[Backed]:
    """Comma, semicolon or tabulator between the columns; UTF-8, or what Excel makes of it. Raises ConfigError."""
    text = _decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = {str(name).strip().casefold(): name for name in lines.fieldnames or ()}
    missing = [c for c in (columns.device, columns.backed_up) if c.casefold() not in names]
    if missing:
        raise _unusable(f"it has no column {' and no column '.join(missing)}")
    found = []
    try:
        for line in lines:

            def cell(column: str, line: Mapping[str, str] = line) -> str:
                return str(line.get(names.get(column.casefold(), ""), "") or "").strip()

            if cell(columns.device):
                at = _moment(cell(columns.backed_up))
                found.append(Backed(cell(columns.device), cell(columns.person).lower(), at))
    except csv.Error:
        raise _unusable("it is no CSV file") from None
    return found


def _decoded(data: bytes) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):  # fmt: skip
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unusable("its text is in no encoding that is known")


def _moment(text: str) -> datetime | None:
    """A time without a zone is taken for UTC: half a day is less than any limit here. What is none counts as never."""
    try:
        return from_text(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        for form in _DATES:
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _unusable(what: str) -> ConfigError:
    return ConfigError(
        f"the list of computers of the remote management tool is of no use: {what}",
        to="firm.yaml, key workstations.rmm",
        safe="Backups are not touched by it. Until it can be read, no computer counts as backed up by that tool.",
        todo="Export it again, or correct workstations.rmm and workstations.columns (docs/DISCOVERY.md).",
    )


# -- judging -----------------------------------------------------------------------------------------


def persons(
    rosters: Mapping[str, Roster],
    rmm: Sequence[Backed] | None,
    rows: Iterable[InventoryRow],
    settings: Workstations,
    key: bytes,
    now: datetime,
) -> list[Person]:
    """Everybody who works on something, with what shows or does not show that it is backed up; sorted by id.

    Args:
        rmm: None where there is no such file, or it is too old.
    """
    named = _named_in(rows)
    backed = {
        one.device.casefold()
        for one in rmm or ()
        if one.at is not None and now - one.at <= settings.within
    }
    owned: dict[str, dict[str, bool]] = {}
    for name, owner in _devices(rosters, rmm):
        shown = name.casefold() in backed | named
        mine = owned.setdefault(owner, {})
        mine[name] = mine.get(name, False) or shown
    people = _people(rosters)
    drives = {a for _, t in _things(rosters, ThingKind.DRIVE) if t.taken for a in t.addresses}
    usage = _usage(rosters)
    found = []
    for address in sorted({*owned, *people}):
        tenant, thing = people.get(address, ("", None))
        held = owned.get(address, {}) if thing is None else _of(thing, owned)
        if thing is not None and address != _first(thing):
            continue
        id_ = (
            thing_id(key, tenant, ThingKind.USER, thing.native_id)
            if thing
            else thing_id(key, "", PERSON, address)
        )
        lacking = _onedrive(thing.addresses if thing else (address,), drives, usage, settings, now)
        codes: list[str] = []
        if not lacking:
            held = dict.fromkeys(held, True)
        if not held:
            codes = [NO_DEVICE, *lacking] if lacking else []
        elif not all(held.values()):
            codes = [NOT_BACKED_UP, *lacking]
        found.append(Person(id_, address, tuple(sorted(held.items())), tuple(codes)))
    return sorted(found, key=lambda one: one.id)


def risks(
    judged: Iterable[Person],
    before: Mapping[str, Risk],
    accepts: Accepts,
    source: str,
    owner: str,
    due_within: timedelta,
    now: datetime,
) -> tuple[Risk, ...]:
    """One for each person of whom something cannot be shown; how long it is known goes on from `before`.

    Args:
        source: under whose id `exceptions` of firm.yaml accept.
    """
    found = []
    for person in judged:
        thing = Thing(ThingKind.USER, person.id, person.address)
        if not person.codes or accepts(source, thing, WORKSTATION):
            continue
        known = before.get(person.id)
        since = known.since if known else now
        found.append(Risk(person.id, since, since + due_within, owner, person.codes))
    return tuple(found)


def _onedrive(
    addresses: Sequence[str],
    drives: set[str],
    usage: Mapping[str, Usage] | None,
    settings: Workstations,
    now: datetime,
) -> tuple[str, ...]:
    """What is lacking for a OneDrive to count; empty where nothing is."""
    lacking = [] if settings.folders_in_onedrive else [FOLDERS_ELSEWHERE]
    if not drives & set(addresses):
        lacking.append(ONEDRIVE_NOT_BACKED_UP)
    if usage is None:
        lacking.append(ONEDRIVE_UNKNOWN)
    elif not any(_active(usage.get(address), now) for address in addresses):
        lacking.append(ONEDRIVE_UNUSED)
    return tuple(lacking)


def _active(used: Usage | None, now: datetime) -> bool:
    try:
        last = date.fromisoformat(used.last_active) if used else None
    except ValueError:
        last = None
    return last is not None and now.date() - last <= ONEDRIVE_ACTIVE


def _devices(
    rosters: Mapping[str, Roster], rmm: Sequence[Backed] | None
) -> Iterable[tuple[str, str]]:
    """(name, owner's address) of each computer, as the tenant and the RMM tool have it; no telephones."""
    told: dict[str, str] = {}
    for roster in rosters.values():
        for device in roster.devices or ():
            if _is_computer(device):
                told[device.name] = device.owner
    by_name = {name.casefold(): name for name in told}
    for one in rmm or ():
        name = by_name.setdefault(one.device.casefold(), one.device)
        told[name] = told.get(name) or one.person
    return told.items()


def _is_computer(device: Device) -> bool:
    return device.system.strip().lower() not in _TELEPHONES


def _things(rosters: Mapping[str, Roster], kind: ThingKind) -> Iterable[tuple[str, Thing]]:
    return [(r.tenant, t) for r in rosters.values() for t in r.things if t.kind is kind]


def _people(rosters: Mapping[str, Roster]) -> dict[str, tuple[str, Thing]]:
    """By address: the enabled accounts of people, who work on something."""
    return {
        address: (tenant, thing)
        for tenant, thing in _things(rosters, ThingKind.USER)
        if thing.enabled and not thing.guest and thing.purpose in ("user", "linked")
        for address in thing.addresses
    }


def _of(thing: Thing, owned: Mapping[str, Mapping[str, bool]]) -> dict[str, bool]:
    return {name: shown for a in thing.addresses for name, shown in owned.get(a, {}).items()}


def _first(thing: Thing) -> str:
    return thing.addresses[0]


def _usage(rosters: Mapping[str, Roster]) -> dict[str, Usage] | None:
    told = [roster.usage for roster in rosters.values() if roster.usage is not None]
    return {one.owner: one for usage in told for one in usage} if told else None


def _named_in(rows: Iterable[InventoryRow]) -> set[str]:
    """Names of computers in the location of rows of workstations that somebody backs up."""
    return {
        word.casefold()
        for row in rows
        if row.workstation and row.backup_method.covers
        for word in re.split(r"[\s,;]+", row.location)
        if word
    }
