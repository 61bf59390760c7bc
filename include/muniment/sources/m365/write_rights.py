"""Write rights: what the application of a restore must be able to do, and what it must not.

It makes what was lost anew, and nothing else. One that can send mail is refused: what it cannot do, no mistake does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from muniment.sources.m365.rights import CALENDARS, CONTACTS, MAIL, ONEDRIVE

_PEOPLE = ("User.Read.All", "Directory.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        MAIL: ("Mail.ReadWrite",),
        CALENDARS: ("Calendars.ReadWrite",),
        CONTACTS: ("Contacts.ReadWrite",),
        ONEDRIVE: ("Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.Selected"),
    }
)  # fmt: skip
"""Service -> roles, one of them; the first is the one to give. Files of drives and libraries are one service here."""

_SENDS = ("Mail.Send",)
_TOO_MANY = ("Sites.FullControl.All", "Sites.Manage.All", "Directory.ReadWrite.All", "User.ReadWrite.All", "MailboxSettings.ReadWrite")  # fmt: skip


@dataclass(frozen=True, slots=True)
class WriteRights:
    """`missing` are the roles to give, `sending` those that must be taken away, `unneeded` those that should."""

    missing: tuple[str, ...]
    sending: tuple[str, ...]
    unneeded: tuple[str, ...]


def write_rights_of(roles: Collection[str], services: Iterable[str]) -> WriteRights:
    """What a token's roles are worth for what is to be written."""
    held = set(roles)
    wanted = [_PEOPLE, *(NEEDED[service] for service in services)]
    missing = tuple(dict.fromkeys(choice[0] for choice in wanted if not held & set(choice)))
    sending = tuple(sorted(one for one in held if one in _SENDS or one.startswith("Mail.Send.")))
    return WriteRights(missing, sending, tuple(sorted(held & set(_TOO_MANY))))
