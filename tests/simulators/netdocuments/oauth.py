"""Consent, service accounts, tokens, and their end. platform.yaml: oauth."""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from tests.simulators.clio.clock import Clock
from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments.answers import Answer, written
from tests.simulators.netdocuments.errors import unauthorized

PAGE, TOKEN = "/neWeb2/OAuth.aspx", "/v1/OAuth"  # platform.yaml: oauth.authorize, oauth.token
CODE_SECONDS = 120  # platform.yaml: oauth.code_grant - code_lifetime: about 2 minutes
REFRESH = timedelta(days=40)  # platform.yaml: oauth.refresh_token.lifetime_days
# platform.yaml: oauth.scopes; datatables_full: oauth.client_credentials
SCOPES = frozenset(
    ("read", "organize", "edit", "delete_doc", "delete_container", "lookup", "admin", "full", "datatables_full")
)  # fmt: skip


@dataclass(frozen=True)
class Application:
    """platform.yaml: oauth.app_registration. `scopes` are those it may ask for."""

    client_id: str
    client_secret: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str] = SCOPES


@dataclass
class Grant:
    """One consent, or one service account's sign-in, to one application. `user` None is an unmapped account."""

    application: Application
    scopes: frozenset[str]
    user: Ref | None = None
    service: bool = False
    refresh: dict[str, datetime] = field(default_factory=dict)  # and when each was last used
    rotated: bool = False


@dataclass
class Access:
    grant: Grant
    made: datetime
    used: datetime


@dataclass
class _Code:
    grant: Grant
    redirect_uri: str
    until: datetime


class OAuth:
    """`service` says which user stands for an application's service account: the repository administrator maps it.
    platform.yaml: oauth.client_credentials.needs"""

    def __init__(
        self, seed: int, clock: Clock, repository: str, region: str, *applications: Application
    ) -> None:
        self.applications = {one.client_id: one for one in applications}
        self.service: dict[str, Ref] = {}
        self.users: dict[str, Ref] = {}
        self.disabled: set[str] = set()  # applications that were switched off
        # platform.yaml: oauth.access_token_lifetime - 45-90 minutes of inactivity, 24-48 h even when active
        self.idle_seconds = 3600
        self.hard_seconds = 86_400
        self.rotate = "never"  # never, once or always: platform.yaml: could_not_confirm
        self.region = region
        self._repository = repository
        self._clock = clock
        self._seed = seed
        self._made = 0
        self._access: dict[str, Access] = {}
        self._grants: list[Grant] = []
        self._codes: dict[str, _Code] = {}
        self._lock = threading.RLock()

    def _token(self, kind: str) -> str:
        self._made += 1
        digest = hashlib.sha256(f"{self._seed}/{kind}/{self._made}".encode()).hexdigest()
        return f"{kind}-{digest[:40]}"

    # -- what the API asks -------------------------------------------------------------------------
    def grant_of(self, token: str, region: str) -> tuple[Grant, Ref | None]:
        """Whose token it is; None where the service account is mapped to nobody. Raises ApiError (401) for a token
        that is unknown, ended, too long unused, or of another region (platform.yaml: hosts.rule)."""
        now = self._clock.now()
        with self._lock:
            held = self._access.get(token)
            if held is None or region != self.region:
                raise unauthorized()
            if held.grant.application.client_id in self.disabled:
                raise unauthorized()
            idle, hard = timedelta(seconds=self.idle_seconds), timedelta(seconds=self.hard_seconds)
            if now - held.used >= idle or now - held.made >= hard:
                del self._access[token]
                raise unauthorized()
            held.used = now
            grant = held.grant
            user = self.service.get(grant.application.client_id) if grant.service else grant.user
            return grant, user

    # -- what a test does --------------------------------------------------------------------------
    def grant(self, user: Ref, client_id: str, scope: str = "full") -> tuple[str, str]:
        """Consent without the page: access and refresh token."""
        with self._lock:
            made = Grant(self.applications[client_id], frozenset(scope.split()), user)
            return self._new_access(made), self._new_refresh(made)

    def _new_access(self, grant: Grant) -> str:
        token = self._token("AT")
        if not any(one is grant for one in self._grants):
            self._grants.append(grant)
        self._access[token] = Access(grant, self._clock.now(), self._clock.now())
        return token

    def _new_refresh(self, grant: Grant) -> str:
        token = self._token("RT")
        grant.refresh[token] = self._clock.now()
        return token

    def revoke(self, token: str | None = None) -> None:
        """Ends the consent behind an access or refresh token, or all."""
        with self._lock:
            known = self._access.get(token or "")
            for grant in list(self._grants):
                if token is None or token in grant.refresh or (known and known.grant is grant):
                    self._grants.remove(grant)
            self._access = {
                one: held
                for one, held in self._access.items()
                if any(held.grant is grant for grant in self._grants)
            }

    def end(self, token: str, switch_off: bool) -> None:
        """Revokes the consent behind a token, and switches its application off if so wished."""
        with self._lock:
            held = self._access.get(token)
            if switch_off and held is not None:
                self.disabled.add(held.grant.application.client_id)
            self.revoke(token)

    def expire(self, token: str | None = None) -> None:
        """Ends the access token, or all; refresh tokens stay good."""
        with self._lock:
            for held in list(self._access):
                if token in (None, held):
                    del self._access[held]

    # -- the page on the login host ------------------------------------------------------------------
    def page(self, request: Request) -> Response:
        if request.path != PAGE or request.method not in ("GET", "POST"):
            return _page("Not found", "<p>There is no such page.</p>", 404)
        asked = dict(request.query) if request.method == "GET" else request.form()
        with self._lock:
            wrong = self._wrong(asked)
            if wrong:
                return _page("Authorization refused", f"<p>{html.escape(wrong)}</p>", 400)
            return self._ask(asked) if request.method == "GET" else self._decide(asked)

    def _wrong(self, asked: dict[str, str]) -> str | None:
        """What is wrong with a request for consent; None where nothing is."""
        application = self.applications.get(asked.get("client_id", ""))
        if application is None:
            return "invalid_client"
        if asked.get("response_type") != "code":
            return "unsupported_response_type"
        if asked.get("redirect_uri") not in application.redirect_uris:
            return "invalid_redirect_uri"
        return None if _allowed(application, asked.get("scope", "")) else "invalid_scope"

    def _ask(self, asked: dict[str, str]) -> Response:
        kept = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        people = "".join(f"<option>{html.escape(name)}</option>" for name in self.users)
        return _page(
            "Allow access",
            f'<form method="post" action="{PAGE}">{kept}<select name="user">{people}</select>'
            '<button name="decision" value="allow">Allow</button>'
            '<button name="decision" value="deny">Deny</button></form>',
        )

    def _decide(self, asked: dict[str, str]) -> Response:
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("decision") != "allow":
            return _to(asked["redirect_uri"], {"error": "access_denied"} | state)
        user = self.users.get(asked.get("user", ""))
        if user is None:
            return _page("Authorization refused", "<p>There is no such user.</p>", 400)
        application = self.applications[asked["client_id"]]
        made = Grant(application, _allowed(application, asked["scope"]), user)
        code = self._token("code")
        until = self._clock.now() + timedelta(seconds=CODE_SECONDS)
        self._codes[code] = _Code(made, asked["redirect_uri"], until)
        return _to(asked["redirect_uri"], {"code": code} | state)

    # -- the token endpoint on the API host ----------------------------------------------------------
    def token(self, request: Request) -> Response:
        if request.method != "POST":
            return _refused(request, "invalid_request", 405)
        kind = request.headers.get("content-type", "")
        if not kind.startswith("application/x-www-form-urlencoded"):
            return _refused(request, "invalid_request", 400)
        asked = request.form()
        with self._lock:
            grant_type = asked.get("grant_type")
            if grant_type == "client_credentials":
                return self._from_credentials(request, asked)
            application = self._client(request, asked)
            if application is None:
                return _refused(request, "invalid_client", 401)
            if grant_type == "authorization_code":
                return self._from_code(request, asked, application)
            if grant_type == "refresh_token":
                return self._from_refresh(request, asked, application)
        return _refused(request, "unsupported_grant_type", 400)

    def _client(self, request: Request, asked: dict[str, str]) -> Application | None:
        """platform.yaml: oauth.code_grant - in the body, or by HTTP Basic"""
        name, secret = _basic(request) or (
            asked.get("client_id", ""),
            asked.get("client_secret", ""),
        )
        found = self._application(name, request.region)
        return found if found is not None and found.client_secret == secret else None

    def _application(self, name: str, region: str) -> Application | None:
        """None for one that is unknown, switched off or of another region."""
        known = region == self.region and name not in self.disabled
        return self.applications.get(name) if known else None

    def _from_credentials(self, request: Request, asked: dict[str, str]) -> Response:
        """platform.yaml: oauth.client_credentials.header - `client|repository:secret` by Basic, and no other way.
        An account that nobody mapped signs in as well, and then sees nothing."""
        given = _basic(request) or ("", "")
        name, bar, repository = given[0].partition("|")
        application = self._application(name, request.region)
        known = application is not None and bar and repository == self._repository
        if application is None or not known or application.client_secret != given[1]:
            return _refused(request, "invalid_client", 401)
        scopes = _allowed(application, asked.get("scope", ""))
        if not scopes:
            return _refused(request, "invalid_scope", 400)
        # examples.json: token_client_credentials - without a refresh token
        access = self._new_access(Grant(application, scopes, service=True))
        return self._tokens(request, access, None)

    def _from_code(
        self, request: Request, asked: dict[str, str], application: Application
    ) -> Response:
        code = self._codes.pop(asked.get("code", ""), None)  # once
        if (
            code is None
            or code.until <= self._clock.now()
            or code.redirect_uri != asked.get("redirect_uri")
            or code.grant.application != application
        ):
            return _refused(request, "invalid_grant", 400)
        return self._tokens(request, self._new_access(code.grant), self._new_refresh(code.grant))

    def _from_refresh(
        self, request: Request, asked: dict[str, str], application: Application
    ) -> Response:
        old, now = asked.get("refresh_token", ""), self._clock.now()
        grant = self._grant_behind(old)
        if grant is None or grant.application != application or now - grant.refresh[old] >= REFRESH:
            return _refused(request, "invalid_grant", 400)
        told = old  # examples.json: token_refresh - the same one comes back
        grant.refresh[old] = now  # platform.yaml: oauth.refresh_token.renewed_on_use
        if self.rotate == "always" or (self.rotate == "once" and not grant.rotated):
            grant.rotated = True
            del grant.refresh[old]
            told = self._new_refresh(grant)
        return self._tokens(request, self._new_access(grant), told)

    def _grant_behind(self, refresh: str) -> Grant | None:
        return next((one for one in self._grants if refresh in one.refresh), None)

    def _tokens(self, request: Request, access: str, refresh: str | None) -> Response:
        """platform.yaml: oauth.token_response.expires_in_type - a text"""
        body = {"access_token": access, "token_type": "Bearer", "expires_in": str(self.idle_seconds)}  # fmt: skip
        if refresh is not None:
            body["refresh_token"] = refresh
        return written(Answer(body, "OAuthResponse", headers={"Cache-Control": "no-store"}), request)  # fmt: skip


def _allowed(application: Application, scope: str) -> frozenset[str]:
    """What is asked for; nothing where a word of it is unknown or not the application's to ask."""
    asked = frozenset(scope.split())
    return asked if asked <= application.scopes else frozenset()


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, coded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return name, secret


def _refused(request: Request, error: str, status: int) -> Response:
    return written(Answer({"error": error}, "OAuthError", status=status), request)


def _page(title: str, body: str, status: int = 200) -> Response:
    text = f"<!doctype html><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>{body}"
    return Response(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def _to(uri: str, query: dict[str, str]) -> Response:
    return Response(302, {"Location": f"{uri}{'&' if '?' in uri else '?'}{urlencode(query)}"})
