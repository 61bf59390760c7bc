"""OAuth: the page on which a person consents, the code that comes back, and renewal (RFC 6749).

The authorization code grant: one person consents once in a browser, and the refresh token serves from then on
until it is revoked. When an answer brings a new one, that one counts.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import requests

from muniment.clock import Waiting
from muniment.errors import SourceRefused, SourceUnavailable
from muniment.sources.web.exact import parse
from muniment.sources.web.place import UNTRUSTED, UNTRUSTED_TODO
from muniment.sources.web.tokens import Tokens
from muniment.sources.web.wire import nothing

ATTEMPTS = 6
TIMEOUT = (10, 60)


@dataclass(frozen=True, slots=True)
class Application:
    """What a vendor's developer page gives out."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """How one vendor gives consent at one place. `vendor` is its name in errors.

    `page` and `token` are the URLs that a person, and then we, go to; `more` is what the page wants to hear beyond
    the standard. `unknown` says that the vendor does not know the application, `unknown_todo` what to do about it.
    `lifetime` is how many seconds an access token is good, where an answer does not say.
    """

    vendor: str
    page: str
    token: str
    verify: str | bool
    unknown: str
    unknown_todo: str
    lifetime: int
    more: Mapping[str, str] = field(default_factory=dict)


class OAuth:
    """One application at one place. `source_id` is for errors."""

    def __init__(
        self, grant: Grant, application: Application, clock: Waiting, source_id: str
    ) -> None:
        self._grant = grant
        self._application = application
        self._clock = clock
        self._source_id = source_id
        self._session = requests.Session()
        self._session.auth = nothing

    def page(self, state: str) -> str:
        """The URL at which a person consents. `state` comes back with the code."""
        asked = {
            "response_type": "code",
            "client_id": self._application.client_id,
            "redirect_uri": self._application.redirect_uri,
            "state": state,
            **self._grant.more,
        }
        return f"{self._grant.page}?{urlencode(asked)}"

    def exchange(self, code: str) -> Tokens:
        """The tokens for a code; it can be used once. Raises SourceRefused, SourceUnavailable."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._application.redirect_uri,
        }
        return self._tokens(self._post(form, attempts=1), None)

    def prove(self) -> None:
        """Whether the vendor knows the application, without anybody's consent: a code that nobody was given is
        refused as such (`invalid_grant`, RFC 6749, 5.2) only to an application whose key and secret are right.

        Raises SourceRefused where they are not, or the answer says neither; SourceUnavailable.
        """
        form = {
            "grant_type": "authorization_code",
            "code": secrets.token_urlsafe(24),
            "redirect_uri": self._application.redirect_uri,
        }
        status, held = self._answer(form, attempts=1)
        if not (isinstance(held, dict) and held.get("error") == "invalid_grant"):
            self._judged(status, held)

    def refresh(self, held: Tokens) -> Tokens:
        """Raises SourceRefused when the consent has ended, SourceUnavailable."""
        form = {"grant_type": "refresh_token", "refresh_token": held.refresh}
        return self._tokens(self._post(form, attempts=ATTEMPTS), held.refresh)

    def _tokens(self, answer: dict[str, Any], old: str | None) -> Tokens:
        try:
            access = str(answer["access_token"])
            refresh = str(answer.get("refresh_token") or old or "")
            seconds = int(answer.get("expires_in") or self._grant.lifetime)
        except (KeyError, TypeError, ValueError):
            raise self._refused("the vendor's answer holds no token") from None
        if not refresh:
            raise self._refused("the vendor gave no refresh token")
        return Tokens(access, refresh, self._clock.now() + timedelta(seconds=seconds))

    def _post(self, form: dict[str, str], attempts: int) -> dict[str, Any]:
        return self._judged(*self._answer(form, attempts))

    def _answer(self, form: dict[str, str], attempts: int) -> tuple[int, Any]:
        """Status and JSON. Raises SourceUnavailable; SourceRefused where the other side is not to be trusted."""
        known = self._known()
        why = "the connection failed"
        for attempt in range(attempts):
            if attempt:
                self._clock.sleep(2.0**attempt)
            try:
                answer = self._session.post(
                    self._grant.token,
                    data=form | known,
                    timeout=TIMEOUT,
                    verify=self._grant.verify,
                    allow_redirects=False,
                )
                held = parse(answer.content)
            except requests.exceptions.SSLError as error:
                if "CERTIFICATE_VERIFY_FAILED" in repr(error):
                    raise self._refused(UNTRUSTED, UNTRUSTED_TODO) from None
                continue
            except (requests.RequestException, OSError):
                continue
            except ValueError:
                why = f"it answered {answer.status_code}, and no JSON"
                continue
            if answer.status_code == 429 or answer.status_code >= 500:
                why = f"it answered {answer.status_code}"
                continue
            return answer.status_code, held
        raise SourceUnavailable(
            f"{self._grant.vendor} gives out no token: {why}", to=f"source {self._source_id}"
        ) from None

    def _known(self) -> dict[str, str]:
        """What a request says of the application."""
        return {
            "client_id": self._application.client_id,
            "client_secret": self._application.client_secret,
        }

    def _judged(self, status: int, held: Any) -> dict[str, Any]:
        if status == 200 and isinstance(held, dict):
            return held
        error = held.get("error") if isinstance(held, dict) else None
        if error == "invalid_grant":
            raise self._refused("the consent was revoked, or it has ended")
        if status == 401 or error in ("invalid_client", "unauthorized_client"):
            raise self._refused(self._grant.unknown, self._grant.unknown_todo)
        raise self._refused(f"{self._grant.vendor} gives out no token and answers {status}")

    def _refused(self, what: str, todo: str = "") -> SourceRefused:
        again = f"Have the backup user give consent again: `muniment consent {self._source_id}`."
        return SourceRefused(what, to=f"source {self._source_id}", todo=todo or again)
