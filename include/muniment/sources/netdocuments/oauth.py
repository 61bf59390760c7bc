"""OAuth at NetDocuments: a service account that signs in by itself, or a person's consent.

A service account (client credentials) needs nobody: the repository's administrator maps the application to an
account, once. Where that is not mapped, signing in works all the same and everything comes back empty; see `reading`.
A person's consent is renewed by a refresh token that lives forty days from its last use.
"""

from __future__ import annotations

from datetime import timedelta

from requests.auth import HTTPBasicAuth

from muniment.clock import Waiting
from muniment.errors import SourceRefused
from muniment.sources.netdocuments.place import Place
from muniment.sources.web import oauth as web
from muniment.sources.web.oauth import ATTEMPTS, Application
from muniment.sources.web.tokens import Access, Held, TokenConflict, Tokens

PAGE, TOKEN = "/neWeb2/OAuth.aspx", "/v1/OAuth"
LIFETIME = 2700
"""Seconds that an access token is good, where the answer does not say: the shortest that is told of."""


class OAuth(web.OAuth):
    """A person's consent for one application at one place. `source_id` is for errors."""

    def __init__(
        self, place: Place, application: Application, clock: Waiting, source_id: str, scope: str
    ) -> None:
        grant = web.Grant(
            "NetDocuments",
            f"{place.app}{PAGE}",
            f"{place.api}{TOKEN}",
            place.verify,
            "NetDocuments does not know this application in this region, or not for this repository",
            "Compare API address, repository id, client id and client secret with the vendor's developer page.",
            LIFETIME,
            {"scope": scope},
        )
        super().__init__(grant, application, clock, source_id)
        # The token endpoint speaks XML too, unless it is asked.
        self._session.headers["Accept"] = "application/json"


class ServiceAccount(OAuth):
    """The application's own account in one repository."""

    def __init__(
        self, place: Place, application: Application, clock: Waiting, source_id: str, scope: str, repository: str
    ) -> None:  # fmt: skip
        super().__init__(place, application, clock, source_id, scope)
        self._scope = scope
        name = f"{application.client_id}|{repository}"
        self._session.auth = HTTPBasicAuth(name, application.client_secret)

    def _known(self) -> dict[str, str]:
        """Key and secret stand in the header, and in no other place."""
        return {}

    def sign_in(self, held: Tokens | None = None, attempts: int = ATTEMPTS) -> Tokens:
        """Raises SourceRefused, SourceUnavailable."""
        form = {"grant_type": "client_credentials", "scope": self._scope}
        answer = self._post(form, attempts)
        try:
            seconds = int(answer.get("expires_in") or LIFETIME)
            return Tokens(str(answer["access_token"]), "", self._clock.now() + timedelta(seconds=seconds))  # fmt: skip
        except (KeyError, TypeError, ValueError):
            raise self._refused("the vendor's answer holds no token") from None

    def prove(self) -> None:
        """Whether the vendor lets the application in. Raises SourceRefused, SourceUnavailable."""
        self.sign_in(attempts=1)

    def _refused(self, what: str, todo: str = "") -> SourceRefused:
        again = "See that the application may sign in by client credentials; docs/NETDOCUMENTS.md."
        return SourceRefused(what, to=f"source {self._source_id}", todo=todo or again)


class ServiceAccess(Access):
    """The access token of a service account: where there is none, it signs in."""

    def _loaded(self) -> Held:
        held = self._store.load()
        if held is not None:
            return held
        try:
            return self._store.swap(0, self._renewed(Tokens("", "", self._clock.now())))
        except TokenConflict:
            # Another process was faster; one token for all is what the vendor counts by.
            return super()._loaded()
