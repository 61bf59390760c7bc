"""Rights: what the application may do, as its token says, beside what it should.

A backup application reads. One that could also write would let whoever steals the worker alter the firm's
mail, so it is told; what is missing stops the run, for it would be silently incomplete.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from muniment.errors import SourceRestricted

MAIL, CALENDARS, CONTACTS, ONEDRIVE, SHAREPOINT = (
    "mail",
    "calendars",
    "contacts",
    "onedrive",
    "sharepoint",
)
SERVICES = (MAIL, CALENDARS, CONTACTS, ONEDRIVE, SHAREPOINT)

_PEOPLE = ("User.Read.All", "Directory.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        MAIL: (_PEOPLE, ("Mail.Read", "Mail.ReadWrite")),
        CALENDARS: (_PEOPLE, ("Calendars.Read", "Calendars.ReadWrite")),
        CONTACTS: (_PEOPLE, ("Contacts.Read", "Contacts.ReadWrite")),
        ONEDRIVE: (_PEOPLE, ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.FullControl.All")),
        SHAREPOINT: (("Sites.Read.All", "Sites.ReadWrite.All", "Sites.FullControl.All"), ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.FullControl.All")),
    }
)  # fmt: skip
"""Service -> roles, one of each tuple; the first is the one to give. Mail.ReadBasic has no bodies."""

REPORTS = "Reports.Read.All"
"""With it the vendor's own report says who has an archive mailbox."""

_WRITES = frozenset(
    {"ReadWrite", "Write", "Send", "FullControl", "Manage", "ImportExport", "Create"}
)


@dataclass(frozen=True, slots=True)
class Rights:
    """`missing` are the roles to give, `writing` those by which the application could change something."""

    roles: tuple[str, ...]
    missing: tuple[str, ...]
    writing: tuple[str, ...]

    def require(self, source_id: str) -> None:
        """Raises SourceRestricted."""
        if self.missing:
            raise SourceRestricted(
                f"the application lacks the permissions {', '.join(self.missing)}",
                to=f"source {source_id}",
                todo="In Entra, add them to the application (type: application, not delegated) and grant"
                " administrator's consent; a new token has them within an hour.",
            )


def rights_of(roles: Collection[str], services: Iterable[str]) -> Rights:
    """What a token's roles are worth for what is to be backed up."""
    wanted = [choice for service in services for choice in NEEDED[service]]
    missing = [choice[0] for choice in wanted if not set(choice) & set(roles)]
    writing = [role for role in roles if _WRITES & set(role.split("."))]
    return Rights(tuple(sorted(roles)), tuple(dict.fromkeys(missing)), tuple(sorted(writing)))
