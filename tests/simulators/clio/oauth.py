"""Consent, tokens, and their end. platform.yaml: oauth.

One firm user consents once on a page; the code is exchanged for an access token of 30 days and a refresh token
that never ends, is used again and does not rotate - unless the simulator is told to rotate it, as a client has to
bear that too (platform.yaml: oauth.refresh_token.rule).
"""

from __future__ import annotations

import hashlib
import html
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from tests.simulators.clio.clock import Clock
from tests.simulators.clio.errors import ApiError, unauthorized
from tests.simulators.clio.messages import Request, Response, answer
from tests.simulators.clio.store import Ref

ACCESS_SECONDS = 2_592_000  # platform.yaml: oauth.access_token_lifetime_s
CODE_SECONDS = 600  # assumed


@dataclass(frozen=True)
class Application:
    """A developer application; it belongs to one region (platform.yaml: hosts.note)."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    region: str
    may_write: bool = True  # platform.yaml: oauth.scopes - chosen on the developer application


@dataclass
class Grant:
    """One user's consent to one application."""

    user: Ref
    application: Application
    refresh: set[str] = field(default_factory=set)
    access: dict[str, datetime] = field(default_factory=dict)
    rotated: bool = False


@dataclass
class _Code:
    user: Ref
    application: Application
    redirect_uri: str
    until: datetime


class OAuth:
    def __init__(
        self, seed: int, clock: Clock, application: Application, *others: Application
    ) -> None:
        self.application = application
        self._applications = {one.client_id: one for one in (application, *others)}
        self.access_seconds = ACCESS_SECONDS
        self.rotate = "never"  # never, once or always
        self.users: dict[int, str] = {}
        self.grants: list[Grant] = []
        self._clock = clock
        self._seed = seed
        self._made = 0
        self._codes: dict[str, _Code] = {}
        self._lock = threading.RLock()

    def _token(self, kind: str) -> str:
        self._made += 1
        digest = hashlib.sha256(f"{self._seed}/{kind}/{self._made}".encode()).hexdigest()
        return f"{kind}-{digest[:40]}"

    # -- what the API asks -------------------------------------------------------------------------
    def user_of(self, token: str, region: str) -> Ref:
        """Raises ApiError (401) for a token that is unknown, expired, revoked or of another region."""
        with self._lock:
            if region == self.application.region:
                for grant in self.grants:
                    until = grant.access.get(token)
                    if until is not None and until > self._clock.now():
                        return grant.user
        raise unauthorized()

    def may_write(self, token: str) -> bool:
        with self._lock:
            return any(g.application.may_write for g in self.grants if token in g.access)

    # -- what a test does --------------------------------------------------------------------------
    def grant(self, user: Ref, client_id: str = "") -> tuple[str, str]:
        """Consent without the page, to one application: access and refresh token."""
        with self._lock:
            made = Grant(user, self._applications.get(client_id, self.application))
            self.grants.append(made)
            refresh = self._token("RT")
            made.refresh.add(refresh)
            return self._access(made), refresh

    def _access(self, grant: Grant) -> str:
        token = self._token("AT")
        grant.access[token] = self._clock.now() + timedelta(seconds=self.access_seconds)
        return token

    def revoke(self, token: str | None = None) -> None:
        """Ends the grant of a token, or all."""
        with self._lock:
            self.grants = [
                grant
                for grant in self.grants
                if token is not None and token not in grant.access and token not in grant.refresh
            ]

    def expire(self, token: str | None = None) -> None:
        """Ends the access token, or all; refresh tokens stay good."""
        with self._lock:
            for grant in self.grants:
                for held in list(grant.access):
                    if token in (None, held):
                        del grant.access[held]

    # -- the pages ---------------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        routes = {
            ("GET", "/oauth/authorize"): self._page,
            ("POST", "/oauth/authorize"): self._decide,
            ("GET", "/oauth/approval"): self._approval,
            ("POST", "/oauth/token"): self._exchange,
            ("POST", "/oauth/deauthorize"): self._deauthorize,
        }
        route = routes.get((request.method, request.path))
        if route is None:
            return _page("Not found", "<p>There is no such page.</p>", 404)
        with self._lock:
            return route(request)

    def _known(self, asked: dict[str, str], request: Request) -> str | None:
        """What is wrong with a request for consent; None where nothing is."""
        if asked.get("response_type") != "code":
            return (
                "unsupported_response_type"  # platform.yaml: oauth.grant - authorization_code only
            )
        application = self._applications.get(asked.get("client_id", ""))
        if application is None or request.region != application.region:
            return "invalid_client"
        allowed = (*application.redirect_uris, f"{request.base}/oauth/approval")
        return None if asked.get("redirect_uri") in allowed else "invalid_redirect_uri"

    def _page(self, request: Request) -> Response:
        asked = dict(request.query)
        wrong = self._known(asked, request)
        if wrong is not None:
            return _page("Authorization refused", f"<p>{wrong}</p>", 401)
        kept = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        people = "".join(
            f'<option value="{id_}">{html.escape(n)}</option>' for id_, n in self.users.items()
        )
        return _page(
            "Authorize the application",
            f'<form method="post" action="/oauth/authorize">{kept}<select name="user_id">{people}</select>'
            '<button name="decision" value="allow">Allow Access</button>'
            '<button name="decision" value="deny">Deny</button></form>',
        )

    def _decide(self, request: Request) -> Response:
        asked = request.form()
        wrong = self._known(asked, request)
        if wrong is not None:
            return _page("Authorization refused", f"<p>{wrong}</p>", 401)
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("decision") != "allow":
            if asked.get("redirect_on_decline") != "true":
                return _page("Declined", "<p>The application was not authorized.</p>")
            return _to(asked["redirect_uri"], {"error": "access_denied"} | state)
        user = int(asked["user_id"]) if asked.get("user_id", "").isdigit() else 0
        if user not in self.users:
            return _page("Authorization refused", "<p>There is no such user.</p>", 422)
        code = self._token("code")
        until = self._clock.now() + timedelta(seconds=CODE_SECONDS)
        application = self._applications[asked["client_id"]]
        self._codes[code] = _Code(Ref("users", user), application, asked["redirect_uri"], until)
        return _to(asked["redirect_uri"], {"code": code} | state)

    def _approval(self, request: Request) -> Response:
        """platform.yaml: oauth.approval_page - out of band, for desktop applications"""
        return _page(f"Success code={request.one('code')}", "<p>You may close this page.</p>")

    def _exchange(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return _refused("invalid_request", "The body is form-encoded", 400)
        asked = request.form()
        application = self._applications.get(asked.get("client_id", ""))
        if (
            application is None
            or asked.get("client_secret") != application.client_secret
            or request.region != application.region
        ):
            return _refused("invalid_client", "Client authentication failed", 401)
        if asked.get("grant_type") == "authorization_code":
            return self._from_code(asked)
        if asked.get("grant_type") == "refresh_token":
            return self._from_refresh(asked)
        return _refused("unsupported_grant_type", "Use authorization_code or refresh_token", 400)

    def _from_code(self, asked: dict[str, str]) -> Response:
        code = self._codes.pop(asked.get("code", ""), None)  # once
        if (
            code is None
            or code.until <= self._clock.now()
            or code.redirect_uri != asked.get("redirect_uri")
            or code.application.client_id != asked.get("client_id")
        ):
            return _invalid_grant()
        access, refresh = self.grant(code.user, code.application.client_id)
        return _tokens(access, self.access_seconds, refresh)

    def _from_refresh(self, asked: dict[str, str]) -> Response:
        old = asked.get("refresh_token", "")
        grant = next((one for one in self.grants if old in one.refresh), None)
        if grant is None or grant.application.client_id != asked.get("client_id"):
            return _invalid_grant()
        fresh = None
        if self.rotate == "always" or (self.rotate == "once" and not grant.rotated):
            grant.rotated = True
            grant.refresh.discard(old)
            fresh = self._token("RT")
            grant.refresh.add(fresh)
        # examples.json: refresh_response - without rotation there is no refresh_token in the answer
        return _tokens(self._access(grant), self.access_seconds, fresh)

    def _deauthorize(self, request: Request) -> Response:
        """platform.yaml: oauth.deauthorize - with the access token as Bearer"""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            self.user_of(token, request.region)
        except ApiError:
            return _refused("invalid_token", "The access token is not valid", 401)
        self.revoke(token)
        return answer(200, {})


def _tokens(access: str, seconds: int, refresh: str | None) -> Response:
    body = {"access_token": access, "token_type": "bearer", "expires_in": seconds}
    if refresh is not None:
        body["refresh_token"] = refresh
    return answer(200, body, {"Cache-Control": "no-store"})


def _refused(error: str, description: str, status: int) -> Response:
    """platform.yaml: errors.oauth_body"""
    return answer(status, {"error": error, "error_description": description})


def _invalid_grant() -> Response:
    """examples.json: oauth_error"""
    return _refused(
        "invalid_grant", "The provided authorization grant is invalid, expired, or revoked", 400
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    text = f"<!doctype html><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>{body}"
    return Response(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def _to(uri: str, query: dict[str, str]) -> Response:
    return Response(302, {"Location": f"{uri}{'&' if '?' in uri else '?'}{urlencode(query)}"})
