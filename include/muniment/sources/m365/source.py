"""M365Source: a firm's tenant at Microsoft 365, to be backed up.

Algorithm: the rights in the application's token are looked at; then every user is listed, and of each what the
services in `services` have. Rows come whole with their listing; bytes are fetched later, one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from muniment.errors import ItemUnreadable, SourceRestricted
from muniment.model.item import NO_MATTER, Fingerprint, Observed
from muniment.sources.base import FIRST_TIME, Known, Listed, SourceHealth
from muniment.sources.causes import DAMAGED, NOT_AN_ID, PERMISSION_DENIED, VANISHED
from muniment.sources.m365 import calendars, contacts, coverage, naming
from muniment.sources.m365.audit import M365Audit
from muniment.sources.m365.audit_look import Scope
from muniment.sources.m365.client import Client
from muniment.sources.m365.drives import BELOW, Reading, of_person, of_sites
from muniment.sources.m365.files_opened import open_file
from muniment.sources.m365.identity import roles_of
from muniment.sources.m365.items import ASKED, Shown, message_of, mime_of, unassigned
from muniment.sources.m365.mailbox import Mailbox, Rules
from muniment.sources.m365.pace import Pace
from muniment.sources.m365.people import Person, people
from muniment.sources.m365.rights import (
    CALENDARS,
    CONTACTS,
    MAIL,
    ONEDRIVE,
    REPORTS,
    SERVICES,
    SHAREPOINT,
    Rights,
    rights_of,
)
from muniment.sources.m365.roster import TenantRoster
from muniment.sources.m365.rounds import OUT_OF_PLACE, Closed, NoMailbox, NotThere, asked
from muniment.sources.m365.transport import UNREADABLE
from muniment.sources.roster import Roster
from muniment.sources.web.opened import Opened, Streamed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a tenant is backed up. `left_out` are users by id or address; `every` is how often all is
    compared; `versions` how many older ones of a file are kept."""

    services: tuple[str, ...] = SERVICES
    left_out: Collection[str] = ()
    every: timedelta = timedelta(days=7)
    versions: int = 0


class M365Source:
    """A Source over one application."""

    system = "m365"

    def __init__(
        self, source_id: str, client: Client, *, choice: Choice | None = None, rules: Rules | None = None
    ) -> None:  # fmt: skip
        self.source_id = source_id
        self._client = client
        self._choice = choice or Choice()
        self._rules = rules or Rules(unassigned)

    @property
    def client(self) -> Client:
        """What asks the tenant, for who looks at one account of it."""
        return self._client

    # -- is it there? ------------------------------------------------------------------------------

    def probe(self) -> SourceHealth:
        """One request. Raises SourceRefused, SourceRestricted, SourceUnavailable."""
        rights = self.rights()
        rights.require(self.source_id)
        if rights.writing:
            log.warning(
                "The backup application of %s could write (%s): give it reading permissions only",
                self.source_id, ", ".join(rights.writing),
            )  # fmt: skip
        directory = self._client.directory
        with self._of_all():
            asked(directory, "users", (("$select", "id"), ("$top", "1")))
        facts = {"cloud": self._client.tenant.cloud, "roles": ", ".join(rights.roles)}
        if rights.writing:
            facts["could_write"] = ", ".join(rights.writing)
        return SourceHealth(f"m365:{self._client.tenant.id.lower()}", by_kind=True, facts=facts)

    def rights(self) -> Rights:
        """What the token says. Raises SourceRefused, SourceUnavailable."""
        token = self._client.access.current().tokens.access
        return rights_of(roles_of(token), self._choice.services)

    def auditor(self) -> M365Audit:
        """Who looks at the same tenant by another way."""
        client = self._client

        def pace(path: str) -> Pace:
            first, _, rest = path.partition("/")
            if first in ("drives", "sites") or rest.endswith("/drives"):
                return client.files.pace
            return client.outlook(rest.partition("/")[0]).pace if rest else client.directory.pace

        left_out = tuple(one.lower() for one in self._choice.left_out)
        scope = Scope(self._choice.services, left_out, self._choice.versions)
        where = client.tenant.place
        return M365Audit(where, client.access, pace, client.clock, self.source_id, scope)

    def roster(self) -> Roster:
        """Who and what there is, to be held against the inventory. Raises SourceRefused, SourceRestricted,
        SourceUnavailable."""
        choice = self._choice
        with self._of_all():
            asked_for = TenantRoster(
                self._client, self.rights().roles, choice.services, choice.left_out
            )
            return asked_for.taken()

    # -- what is there? ----------------------------------------------------------------------------

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        """Everybody, and what belongs to them. Raises SourceRefused, SourceRestricted, SourceUnavailable."""
        with self._of_all():
            yield from self._scan(known)

    @contextmanager
    def _of_all(self) -> Iterator[None]:
        """What is asked of the whole tenant has to be there."""
        try:
            yield
        except Closed:
            raise SourceRestricted(
                "the application may not list the users, or the sites, of the tenant (403)",
                to=f"source {self.source_id}",
                todo="In Entra, grant it the permissions that docs/M365.md lists, with administrator's consent.",
            ) from None
        except OUT_OF_PLACE:
            raise self._client.directory.unavailable("a list of the tenant is not there") from None

    def _scan(self, known: Known) -> Iterator[Listed]:
        self.rights().require(self.source_id)
        choice, now = self._choice, self._client.clock.now()
        reading = Reading(
            self._client.files, self._rules, known, now, choice.every, choice.versions
        )
        drives: set[str] = set()
        everybody: dict[str, Person] = {}
        for person in people(self._client.directory, choice.left_out):
            everybody[person.name.lower()] = person
            yield person.item
            yield from self._of(person, known, now)
            if ONEDRIVE in choice.services:
                yield from of_person(reading, person, drives)
        if SHAREPOINT in choice.services:
            yield from of_sites(reading, drives)
        if MAIL in choice.services:
            yield from self._archives(everybody)

    def _archives(self, everybody: Mapping[str, Person]) -> Iterator[Listed]:
        """Who has a mailbox that this connector cannot have."""
        may_ask = REPORTS in self.rights().roles
        yield from coverage.archives(self._client.directory if may_ask else None, everybody)

    def _of(self, person: Person, known: Known, now: datetime) -> Iterator[Listed]:
        outlook, choice = self._client.outlook(person.id), self._choice
        if MAIL in choice.services:
            yield from Mailbox(outlook, person, self._rules, known, now, choice.every).listed()
        if CALENDARS in choice.services:
            yield from calendars.Calendars(outlook, person, self._rules, known).listed()
        if CONTACTS in choice.services:
            yield from contacts.Contacts(outlook, person, self._rules, known).listed()

    # -- one item ----------------------------------------------------------------------------------

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[Opened]:
        """With `listed` by one request, without it the row that describes it is asked for first.

        Raises:
            FileNotFoundError: it is gone.
            ItemUnreadable: no id of this source; or this one cannot be had.
            SourceUnavailable, SourceRefused, SourceRestricted.
        """
        ids = naming.ids_of(kind, native_id) if kind in naming.PLACES else None
        if ids is None:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        try:
            if kind in (*BELOW, naming.DRIVE, naming.SITE):
                yield open_file(self._client.files, kind, ids, listed)
            else:
                yield self._opened(kind, ids, listed)
        except (NotThere, NoMailbox):
            raise FileNotFoundError(VANISHED) from None
        except Closed:
            raise ItemUnreadable(PERMISSION_DENIED, to=self.source_id) from None

    def _opened(self, kind: str, ids: tuple[str, ...], listed: Fingerprint | None) -> Opened:
        if kind == naming.USER:
            return self._user(ids[0])
        if kind == naming.COVERAGE:
            told = self._archives({p.name.lower(): p for p in people(self._client.directory)})
            return Opened(next(one for one in told if isinstance(one, Observed)))
        if kind == naming.FOLDER:
            return self._folder(*ids)
        outlook = self._client.outlook(ids[0])
        if kind in contacts.KINDS:
            return Opened(contacts.opened(outlook, kind, ids))
        if kind == naming.EVENT_ATTACHMENT:
            observed = None if listed is not None else calendars.opened(outlook, kind, ids)
            if observed is not None and observed.brought and observed.brought.content is not None:
                return Opened(observed)
            content = calendars.attached_bytes(outlook, ids[0], ids[1], ids[2])
            return Streamed(observed, listed, iter([content]))
        if kind in calendars.KINDS:
            return Opened(calendars.opened(outlook, kind, ids))
        row = None if listed is not None and kind == naming.MIME else self._message(*ids)
        if row is None:
            return Streamed(None, listed, iter([self._mime(*ids)]))
        message = message_of(ids[0], row, NO_MATTER)
        if kind == naming.MESSAGE:
            return Opened(message)
        return Streamed(mime_of(ids[0], row, message, None, None), listed, iter([self._mime(*ids)]))

    def _user(self, id_: str) -> Opened:
        for person in people(self._client.directory, self._choice.left_out):
            if person.id == id_:
                return Opened(person.item)
        raise FileNotFoundError(VANISHED)

    def _folder(self, user: str, folder: str) -> Opened:
        from muniment.sources.m365.folders import folders_of

        person = Person(user, user, (), {"id": user})
        for item in folders_of(self._client.outlook(user), person).items(unassigned):
            if item.native_id == naming.native(naming.FOLDER, user, folder):
                return Opened(item)
        raise FileNotFoundError(VANISHED)

    def _message(self, user: str, id_: str) -> Shown:
        row = asked(self._client.outlook(user), f"users/{user}/messages/{id_}", ASKED)
        return {name: value for name, value in row.items() if name != "@odata.context"}

    def _mime(self, user: str, id_: str) -> bytes:
        """The bytes as the vendor gives them, in one answer."""
        outlook = self._client.outlook(user)
        path = f"users/{user}/messages/{id_}/$value"
        answer = outlook.get(path)
        if answer.status == 200:
            return answer.body
        if answer.status == 404:
            raise FileNotFoundError(VANISHED)
        if answer.status == UNREADABLE:
            raise ItemUnreadable(DAMAGED, to=self.source_id)
        if answer.status == 403:
            raise ItemUnreadable(PERMISSION_DENIED, to=self.source_id)
        raise outlook.unexpected(answer, "a message")
