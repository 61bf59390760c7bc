"""Need: what a restore must find before it begins - permissions, mailboxes, drives - looked at before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muniment.errors import SourceRefused, WalledOff, WriteBackRefused
from muniment.recovery.m365_back import shown
from muniment.recovery.m365_back.fate import why_not
from muniment.recovery.m365_back.old import Old, Snapshot
from muniment.recovery.m365_back.standing import Standing
from muniment.recovery.m365_back.walled import Wall
from muniment.sources.m365.client import Client
from muniment.sources.m365.identity import roles_of
from muniment.sources.m365.rights import CALENDARS, CONTACTS, MAIL, ONEDRIVE
from muniment.sources.m365.write_rights import write_rights_of

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Need:
    """Of one source: services that are written, whose mailboxes, which drives; ids only."""

    services: tuple[str, ...]
    users: tuple[str, ...]
    drives: tuple[str, ...]

    def require(self, client: Client, source: str, stand_in: str, wall: Wall) -> str:
        """The id of the stand-in; empty where nobody was named. Raises WriteBackRefused, WalledOff, SourceUnavailable."""
        self._require_rights(client, source)
        standing = Standing(client)
        found = self._stand_in(standing, source, stand_in, wall)
        gone = [user for user in self.users if not standing.has_mailbox(user)]
        lost = [drive for drive in self.drives if standing.drive(drive) is None]
        if gone and not found:
            raise _gone("mailbox", gone, source)
        if lost and (not found or not standing.drive_of(found)):
            raise _gone("drive", lost, source)
        return found

    def _require_rights(self, client: Client, source: str) -> None:
        try:
            token = client.access.current().tokens.access
        except SourceRefused as error:
            raise WriteBackRefused(error.what, to=f"source {source}", todo=error.todo) from None
        rights = write_rights_of(roles_of(token), self.services)
        if rights.sending:
            raise WriteBackRefused(
                f"the application that may write could also send mail ({', '.join(rights.sending)})",
                to=f"source {source}",
                safe="Nothing was written.",
                todo="In Entra, take that permission from it: a restore sends nothing. A new token lacks it within an hour.",
            )
        if rights.missing:
            raise WriteBackRefused(
                f"the application that may write lacks the permissions {', '.join(rights.missing)}",
                to=f"source {source}",
                todo="In Entra, add them (type: application) and grant administrator's consent; docs/M365.md, 'Back into the tenant'.",
            )

    @staticmethod
    def _stand_in(standing: Standing, source: str, stand_in: str, wall: Wall) -> str:
        if not stand_in:
            return ""
        found = standing.person(stand_in)
        if not found or not standing.has_mailbox(found):
            raise WriteBackRefused(
                f"the {shown(stand_in)} that was named is none of the tenant's",
                to=f"source {source}",
                todo="Name the address, or the object id, of somebody who has a mailbox.",
            )
        if wall.addresses & standing.addresses(found):
            raise WalledOff(
                "this matter is not written into the mailbox that was named: its owner is walled off",
                to=f"source {source}, {shown(stand_in)}",
            )
        return found


def need_of(snapshot: Snapshot, *, walled: bool) -> Need:
    def given(held: Iterable[Old]) -> list[Old]:
        return [old for old in held if not why_not(old, snapshot, walled=walled)]

    messages, items = given(snapshot.messages), given(snapshot.items.values())
    services = (
        (MAIL, messages), (CALENDARS, snapshot.events), (CONTACTS, snapshot.contacts), (ONEDRIVE, items)
    )  # fmt: skip
    users = {old.owner for old in (*messages, *snapshot.events, *snapshot.contacts)}
    return Need(
        tuple(name for name, held in services if held),
        tuple(sorted(users)),
        tuple(sorted({old.owner for old in items})),
    )


def _gone(what: str, ids: list[str], source: str) -> WriteBackRefused:
    named = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")  # fmt: skip
    plural = f"{len(ids)} {'mailboxes' if what == 'mailbox' else 'drives'} are" if len(ids) > 1 else f"a {what} is"  # fmt: skip
    return WriteBackRefused(
        f"{plural} gone from which something of this matter came",
        to=f"source {source}, {named}",
        todo="Name who takes it instead: `--mailbox ADDRESS`, in Airflow the field *Mailbox*. It must have a OneDrive where files come too.",
    )
