"""Roster of a tenant: users, who has a mailbox or a drive, sites; managed devices, and who uses OneDrive.

Each right that the application lacks costs the part that needs it, and is said; nothing is guessed. A drive that is backed
up is told without asking whether there is one. One request for each mailbox a day, and one for each user whose drive nobody backs up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from muniment.sources.m365 import naming
from muniment.sources.m365.client import Client
from muniment.sources.m365.people import Person, people
from muniment.sources.m365.reports import lines_of
from muniment.sources.m365.rights import MAIL, ONEDRIVE, SHAREPOINT
from muniment.sources.m365.rounds import Closed, Locked, NoMailbox, NotThere, asked, rows
from muniment.sources.m365.transport import Transport
from muniment.sources.roster import (
    LEFT_OUT,
    NO_SERVICE,
    NOT_SHOWN,
    Device,
    Roster,
    Thing,
    ThingKind,
    Usage,
)

SETTINGS = "MailboxSettings.Read"
DEVICES = "DeviceManagementManagedDevices.Read.All"
REPORTS = "Reports.Read.All"
_SITES = ("Sites.Read.All", "Sites.ReadWrite.All", "Sites.FullControl.All")
_FILES = ("Files.Read.All", "Files.ReadWrite.All", *_SITES)
_MAIL = ("Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic.All")
_USAGE = "reports/getOneDriveUsageAccountDetail(period='D30')"
_OF_DEVICES = "id,deviceName,userPrincipalName,operatingSystem,lastSyncDateTime"


class TenantRoster:
    """One look at a tenant. `services` and `left_out` are what the source backs up."""

    def __init__(
        self, client: Client, roles: Collection[str], services: Sequence[str], left_out: Collection[str]
    ) -> None:  # fmt: skip
        self._client = client
        self._roles = set(roles)
        self._services = services
        self._left_out = {one.lower() for one in left_out}

    def taken(self) -> Roster:
        """Raises SourceUnavailable, SourceRefused."""
        unasked: list[str] = []
        things = [thing for one in people(self._client.directory) for thing in self._of(one)]
        things += self._sites(unasked)
        if not self._may(SETTINGS):
            unasked.append("purpose of mailboxes")
        if not self._may(*_MAIL) and not self._may(SETTINGS):
            unasked.append("mailboxes")
        if ONEDRIVE not in self._services and not self._may(*_FILES):
            unasked.append("drives")
        devices, usage = self._devices(), self._usage()
        unasked += ["devices"] if devices is None else []
        unasked += ["use of OneDrive"] if usage is None else []
        tenant = f"m365:{self._client.tenant.id.lower()}"
        return Roster(tenant, tuple(things), tuple(unasked), devices, usage)

    def _may(self, *roles: str) -> bool:
        return bool(self._roles & set(roles))

    # -- people ------------------------------------------------------------------------------------

    def _of(self, person: Person) -> Iterator[Thing]:
        out = bool(self._left_out & {person.id.lower(), *person.addresses})
        guest = str(person.row.get("userType") or "").lower() == "guest"
        purpose, mailbox = ("", None) if guest else self._mailbox(person.id)
        if not purpose and not guest and person.row.get("assignedLicenses"):
            # Where nobody may ask, or there is no mailbox: shared and room mailboxes need no licence, people do.
            purpose = "user"
        why = LEFT_OUT if out else ""
        enabled = person.row.get("accountEnabled")
        yield Thing(
            ThingKind.USER, person.id, person.name, person.addresses, not out, why,
            enabled if isinstance(enabled, bool) else None, purpose, guest,
        )  # fmt: skip
        if guest:
            return
        if mailbox is not None:
            why = LEFT_OUT if out else self._why(MAIL) or mailbox
            yield Thing(ThingKind.MAILBOX, person.id, person.name, person.addresses, not why, why)
        why = LEFT_OUT if out else self._why(ONEDRIVE)
        if not why or (self._may(*_FILES) and self._has_drive(person.id)):
            yield Thing(ThingKind.DRIVE, person.id, person.name, person.addresses, not why, why)

    def _why(self, service: str) -> str:
        return "" if service in self._services else NO_SERVICE

    def _mailbox(self, user: str) -> tuple[str, str | None]:
        """What the vendor calls it, and why it cannot be read: empty where it can, None where there is none, or
        where nobody may ask."""
        outlook = self._client.outlook(user)
        try:
            if self._may(SETTINGS):
                told = asked(outlook, f"users/{user}/mailboxSettings")
                return str(told.get("userPurpose") or ""), ""
            if self._may(*_MAIL):
                asked(outlook, f"users/{user}/mailFolders/inbox", (("$select", "id"),))
                return "", ""
        except (NoMailbox, NotThere):
            return "", None
        except Closed:
            return "", NOT_SHOWN
        return "", None

    def _has_drive(self, user: str) -> bool:
        try:
            return next(iter(rows(self._client.files, f"users/{user}/drives")), None) is not None
        except NotThere:
            return False
        except (Closed, Locked):
            return True

    # -- sites -------------------------------------------------------------------------------------

    def _sites(self, unasked: list[str]) -> Iterator[Thing]:
        why = self._why(SHAREPOINT)
        if not self._may(*_SITES):
            unasked.append("sites")
            return
        seen: set[str] = set()
        for row in rows(self._client.files, "sites", (("search", "*"),)):
            id_ = row.get("id")
            if naming.is_id(id_) and id_ not in seen:
                seen.add(str(id_))
                name = str(row.get("webUrl") or row.get("displayName") or row.get("name") or id_)
                yield Thing(ThingKind.SITE, str(id_), name, (), not why, why)

    # -- workstations ------------------------------------------------------------------------------

    def _devices(self) -> tuple[Device, ...] | None:
        if not self._may(DEVICES):
            return None
        try:
            return tuple(devices(self._client.directory))
        except (Closed, NotThere):
            return None

    def _usage(self) -> tuple[Usage, ...] | None:
        return usage(self._client.directory) if self._may(REPORTS) else None


def devices(directory: Transport) -> Iterator[Device]:
    """Every managed device. Raises Closed, NotThere, SourceUnavailable."""
    path = "deviceManagement/managedDevices"
    for row in rows(directory, path, (("$select", _OF_DEVICES),)):
        yield Device(
            str(row.get("id") or ""),
            str(row.get("deviceName") or ""),
            str(row.get("userPrincipalName") or "").lower(),
            str(row.get("operatingSystem") or ""),
            str(row.get("lastSyncDateTime") or ""),
        )


def usage(directory: Transport) -> tuple[Usage, ...] | None:
    """Who used OneDrive in the last 30 days, as the vendor's report has it; None where there is none, or where it
    conceals names."""
    lines = lines_of(directory, _USAGE)
    if lines is None:
        return None
    told = [
        Usage(
            str(line.get("Owner Principal Name") or "").lower(),
            str(line.get("Last Activity Date") or ""),
            int(count) if (count := str(line.get("File Count") or "")).isdigit() else 0,
        )
        for line in lines
        if str(line.get("Is Deleted")).lower() != "true"
    ]
    named = [one for one in told if "@" in one.owner]
    return tuple(named) if named or not told else None
