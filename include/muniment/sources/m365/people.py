"""People: the users of a tenant, each of whom may have a mailbox and a drive.

Never filtered by licence or by `accountEnabled`: shared and room mailboxes are disabled users without one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from muniment.model.item import Observed
from muniment.sources.m365 import naming
from muniment.sources.m365.items import Shown, row_of
from muniment.sources.m365.rounds import rows
from muniment.sources.m365.transport import Transport

SELECT = (
    "id,displayName,givenName,surname,userPrincipalName,mail,accountEnabled,assignedLicenses,userType,jobTitle,"
    "department,proxyAddresses"
)


@dataclass(frozen=True, slots=True)
class Person:
    """A user; `name` is what folders of a restore are called by."""

    id: str
    name: str
    addresses: tuple[str, ...]
    row: Shown

    @property
    def item(self) -> Observed:
        return row_of(naming.USER, (self.id,), self.row, place={"name": self.name})


def people(directory: Transport, left_out: Collection[str] = ()) -> Iterator[Person]:
    """Each user once, but for those whose id or address is in `left_out`."""
    seen: set[str] = set()
    unwanted = {one.lower() for one in left_out}
    for row in rows(directory, "users", (("$select", SELECT), ("$top", "999"))):
        id_ = row.get("id")
        if not naming.is_id(id_) or id_ in seen:
            continue
        seen.add(str(id_))
        person = _person(row)
        if not unwanted & {person.id.lower(), *person.addresses}:
            yield person


def _person(row: Shown) -> Person:
    held = [row.get("userPrincipalName"), row.get("mail")]
    held += [str(one).partition(":")[2] for one in row.get("proxyAddresses") or ()]
    addresses = tuple(dict.fromkeys(str(one).lower() for one in held if one))
    name = str(row.get("userPrincipalName") or row.get("displayName") or row["id"])
    return Person(str(row["id"]), name, addresses, row)
