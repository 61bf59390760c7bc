"""Identity: the firm's application in Entra, its tokens, and the roles that stand in them.

Nothing but an access token for an hour is ever held, and only in memory: an application needs no consent to
be kept. `msal` signs the assertion (PS256, the certificate's own digest) and holds itself back where Entra
refuses, so it is asked again only when a token ended or was refused.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import msal
import requests

from muniment.clock import Clock
from muniment.errors import SourceRefused, SourceUnavailable
from muniment.sources.m365.cloud import Tenant
from muniment.sources.web.place import UNTRUSTED, UNTRUSTED_TODO
from muniment.sources.web.tokens import Access, Held, HeldTokens, Tokens

SIGN_IN = (10.0, 30.0)
"""Seconds to connect, and to wait for an answer."""

_REASONS: Mapping[int, str] = {
    7000215: "the client secret is wrong; its value is wanted, and not its id",
    7000222: "the client secret has ended; make a new one in Entra, better a certificate",
    700027: "the certificate is not the one that is registered for the application, or has ended",
    700016: "the tenant has no such application; look at client id and tenant",
    90002: "there is no such tenant in this cloud; look at tenant and cloud",
    7000112: "the application is disabled in the tenant",
    1002012: "the scope is not one that an application may ask for",
}
"""AADSTS codes that somebody can do something about."""


@dataclass(frozen=True, slots=True)
class Application:
    """The registration by which the tenant is read: one of `secret`, `certificate` (PEM, key and certificate) or
    `managed` ("system", or the client id of a user-assigned identity)."""

    client_id: str
    secret: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    managed: str = ""


class SignIn(Protocol):
    """What gives tokens: `{"access_token", "expires_in"}` or `{"error", "error_codes"}`."""

    def __call__(self) -> Mapping[str, Any]: ...


class Http:
    """What msal asks with. Verification is said with each request: a session's own would give way to
    REQUESTS_CA_BUNDLE of the environment."""

    def __init__(self, verify: str | bool) -> None:
        self._session = requests.Session()
        self._verify = verify

    def get(self, url: str, **more: Any) -> requests.Response:
        return self._asked("GET", url, more)

    def post(self, url: str, **more: Any) -> requests.Response:
        return self._asked("POST", url, more)

    def _asked(self, method: str, url: str, more: dict[str, Any]) -> requests.Response:
        wanted = {
            name: more[name] for name in ("params", "data", "headers", "json") if name in more
        }
        return self._session.request(
            method, url, timeout=SIGN_IN, verify=self._verify, allow_redirects=False, **wanted
        )

    def close(self) -> None:
        self._session.close()


def sign_in(tenant: Tenant, application: Application, http: Any = None) -> SignIn:
    """Asks for nothing yet. `http` stands in for what msal asks with, in tests."""
    asking = http or Http(tenant.place.verify)
    if application.managed:
        return _managed(tenant, application.managed, asking)
    credential: Any = application.secret
    if application.certificate:
        key, certificate = _parts(application.certificate)
        # Without a thumbprint msal signs with PS256 and names the certificate by SHA-256.
        credential = {"private_key": key, "public_certificate": certificate}
    held_back: dict[str, Any] = {}

    def ask() -> Mapping[str, Any]:
        # Made anew each time: a token that was refused must not come from msal's cache.
        made = msal.ConfidentialClientApplication(
            application.client_id, client_credential=credential, authority=tenant.authority,
            http_client=asking, http_cache=held_back,
            instance_discovery=False if tenant.elsewhere else None,
        )  # fmt: skip
        found: Mapping[str, Any] = made.acquire_token_for_client([f"{tenant.resource}/.default"])
        return found

    return ask


def _managed(tenant: Tenant, which: str, http: Any) -> SignIn:
    """The identity of the Azure machine that this runs on."""
    who = (
        msal.SystemAssignedManagedIdentity()
        if which == "system"
        else msal.UserAssignedManagedIdentity(client_id=which)
    )

    def ask() -> Mapping[str, Any]:
        made = msal.ManagedIdentityClient(who, http_client=http)
        found: Mapping[str, Any] = made.acquire_token_for_client(resource=tenant.resource)
        return found

    return ask


def _parts(pem: str) -> tuple[str, str]:
    """Private key and certificate of one PEM file."""
    begin = pem.find("-----BEGIN CERTIFICATE-----")
    key = pem.find("-----BEGIN ")
    while key == begin and key >= 0:
        key = pem.find("-----BEGIN ", key + 1)
    keys = pem[key:] if key > begin else pem[:begin]
    end = keys.find("-----END ")
    stop = keys.find("\n", end)
    return keys[: stop + 1 if stop > 0 else len(keys)], pem[begin:] if key < begin else pem[
        begin:key
    ]


class AppAccess(Access):
    """The current token of an application, for any number of threads."""

    def __init__(self, ask: SignIn, tenant: Tenant, clock: Clock, source_id: str) -> None:
        super().__init__(HeldTokens(), lambda old: self._fresh(), clock, source_id)
        self._ask = ask
        self._tenant = tenant
        self._now = clock.now
        self._source = source_id

    def _loaded(self) -> Held:
        return self._store.load() or self._store.swap(0, self._fresh())

    def _fresh(self) -> Tokens:
        to = f"source {self._source}"
        try:
            told = self._ask()
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in repr(error):
                raise SourceRefused(UNTRUSTED, to=to, todo=UNTRUSTED_TODO) from None
            raise SourceUnavailable("Entra cannot be reached", to=to) from None
        except requests.exceptions.RequestException:
            raise SourceUnavailable("Entra cannot be reached", to=to) from None
        except json.JSONDecodeError:
            # A page of a proxy, which passes.
            raise SourceUnavailable("Entra's answers are no JSON", to=to) from None
        except ValueError:
            raise SourceRefused(
                "the application cannot sign in: its certificate, or the tenant's name, cannot be read",
                to=to,
                todo="Look at `certificate` (a PEM file with key and certificate) and `tenant` of the source.",
            ) from None
        except Exception as error:
            # msal has errors of its own for what Entra answers with 5xx; their text names the tenant.
            raise SourceUnavailable(
                f"Entra gives no token ({type(error).__name__})", to=to
            ) from None
        if "access_token" not in told:
            raise self._refused(told, to)
        ends = self._now() + timedelta(seconds=int(told.get("expires_in") or 0))
        return Tokens(str(told["access_token"]), "", ends)

    def _refused(self, told: Mapping[str, Any], to: str) -> SourceRefused:
        codes = [code for code in told.get("error_codes") or () if isinstance(code, int)]
        known = next((_REASONS[code] for code in codes if code in _REASONS), "")
        named = f" (AADSTS{codes[0]})" if codes else ""
        return SourceRefused(
            f"Entra refuses the application{named}" + (f": {known}" if known else ""),
            to=to,
            todo="Look at client id, certificate or secret, tenant and cloud of the source; docs/M365.md, 'The application'.",
        )


def roles_of(token: str) -> frozenset[str]:
    """The application permissions that stand in a token of Entra; empty where it cannot be read."""
    try:
        part = token.split(".")[1]
        held = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return frozenset(str(role) for role in held.get("roles") or ())
    except (IndexError, ValueError, binascii.Error, AttributeError, TypeError):
        return frozenset()
