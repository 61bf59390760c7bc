"""Client: all that reads one NetDocuments repository, put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from muniment.clock import Waiting
from muniment.sources.netdocuments.oauth import OAuth, ServiceAccess, ServiceAccount
from muniment.sources.netdocuments.pace import A_MINUTE, Pace
from muniment.sources.netdocuments.place import Place
from muniment.sources.netdocuments.reading import TOP, Reader
from muniment.sources.netdocuments.transport import Transport
from muniment.sources.web.budget import Priority
from muniment.sources.web.oauth import Application
from muniment.sources.web.tokens import Access, TokenStore
from muniment.sources.web.wire import Patience

SCOPE = "read admin"


@dataclass(frozen=True, slots=True)
class Queries:
    """The vendor's search language, as settings: its numbers of fields are documented by nobody for every repository.

    `changed` holds `{from}` and `{to}`, days since 1899-12-30. `order` is empty for the vendor's own.
    """

    containers: str = "=11(ndws OR ndfld OR ndflt OR ndsq OR ndcs)"
    documents: str = "not =11(ndws OR ndfld OR ndflt OR ndsq OR ndcs)"
    changed: str = "=7(^{from}-{to})"
    order: str = "7|asc"


@dataclass(frozen=True, slots=True)
class Client:
    """`repository` may be empty where the account sees but one; `cabinets` empty for all that it sees."""

    reader: Reader
    repository: str = ""
    cabinets: tuple[str, ...] = ()
    queries: Queries = field(default_factory=Queries)

    @property
    def transport(self) -> Transport:
        return self.reader.transport


def oauth_of(
    place: Place, application: Application, clock: Waiting, source_id: str, scope: str, repository: str
) -> OAuth:  # fmt: skip
    """That of a service account in a repository, or where `repository` is empty that of a person's consent."""
    if repository:
        return ServiceAccount(place, application, clock, source_id, scope, repository)
    return OAuth(place, application, clock, source_id, scope)


def connect(
    place: Place, oauth: OAuth, store: TokenStore, state: Path, clock: Waiting, *, source_id: str, account: str,
    repository: str = "", cabinets: tuple[str, ...] = (), queries: Queries | None = None, a_minute: int = A_MINUTE,
    priority: Priority = Priority.ROUTINE, patience: Patience | None = None, top: int = TOP,
) -> Client:  # fmt: skip
    """Asks nothing of the vendor yet. `account` is the same for all who share a token, and `state` the folder in which
    they count their requests."""
    access: Access
    if isinstance(oauth, ServiceAccount):
        access = ServiceAccess(store, oauth.sign_in, clock, source_id)
    else:
        access = Access(store, oauth.refresh, clock, source_id)
    pace = Pace(state, account, clock, a_minute=a_minute)
    transport = Transport(
        place, access, pace, clock, source_id=source_id, priority=priority, patience=patience
    )
    return Client(Reader(transport, top), repository, cabinets, queries or Queries())
