"""Entra's token endpoint, as far as an application without a user needs it.

microsoft365.md: msal - the discovery document, client_credentials with a secret or with a signed assertion (PS256 with
x5t#S256, RS256 with x5t), a scope that must end with /.default; the roles of the application stand in the token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.simulators.clio.messages import Request, Response
from tests.simulators.graph.answers import answer

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# microsoft365.md: Permissions
READS = (
    "User.Read.All", "Mail.Read", "MailboxSettings.Read", "Calendars.Read", "Contacts.Read", "Files.Read.All",
    "Sites.Read.All", "Group.Read.All", "Organization.Read.All", "DeviceManagementManagedDevices.Read.All",
)  # fmt: skip
OPTIONAL = ("MailboxItem.Export.All", "MailboxFolder.Read.All", "Reports.Read.All")
WRITES = (
    "User.Read.All", "Mail.ReadWrite", "Calendars.ReadWrite", "Contacts.ReadWrite", "Files.ReadWrite.All",
    "Sites.Read.All", "MailboxItem.ImportExport.All",
)  # fmt: skip


@dataclass
class Application:
    client_id: str
    name: str
    roles: tuple[str, ...]
    secret: str
    certificate: x509.Certificate | None = None


@dataclass
class Token:
    application: Application
    roles: frozenset[str]
    expires: float  # by the moved clock
    revoked: bool = False


@dataclass
class Entra:
    """`moved` is how far a test moved on the clock that tokens end by; `base` is known once it listens."""

    tenant: str
    seed: int
    applications: dict[str, Application] = field(default_factory=dict)
    base: str = ""
    lifetime: int = 3_599
    moved: float = 0.0
    refusals: list[str] = field(default_factory=list)
    issued: int = 0

    def __post_init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self._lock = threading.Lock()
        self._key = ec.generate_private_key(ec.SECP256R1())

    def now(self) -> float:
        return time.time() + self.moved

    # -- what Graph asks -------------------------------------------------------------------------
    def token(self, text: str) -> Token | None:
        """None where it is unknown, over or revoked."""
        held = self.tokens.get(text)
        return held if held and not held.revoked and self.now() < held.expires else None

    def end(self, text: str | None = None) -> None:
        for one in [self.tokens[text]] if text in self.tokens else list(self.tokens.values()):
            one.revoked = True

    # -- requests --------------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/", 1)
        tenant, rest = parts[0], parts[1] if len(parts) > 1 else ""
        if (tenant, rest) == ("common", "discovery/instance"):
            host = self.base.removeprefix("https://")
            where = f"{self.base}/{self.tenant}/v2.0/.well-known/openid-configuration"
            known = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
            return answer(200, {"tenant_discovery_endpoint": where, "api-version": "1.1", "metadata": known})  # fmt: skip
        if tenant.lower() not in (self.tenant, "specimenlaw.example", "specimenlaw.onmicrosoft.example"):  # fmt: skip
            return self._refuse(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.")
        if rest == "v2.0/.well-known/openid-configuration" and request.method == "GET":
            return answer(200, self._discovery(tenant))
        if rest == "oauth2/v2.0/token" and request.method == "POST":
            return self._token(request, tenant)
        return self._refuse(404, "invalid_request", 90014, "There is nothing at this address.")

    def _discovery(self, tenant: str) -> dict[str, Any]:
        return {
            "token_endpoint": f"{self.base}/{tenant}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "authorization_endpoint": f"{self.base}/{tenant}/oauth2/v2.0/authorize",
            "issuer": f"{self.base}/{self.tenant}/v2.0",
            "response_types_supported": ["code", "token"],
            "tenant_region_scope": "NA",
        }

    def _token(self, request: Request, tenant: str) -> Response:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):  # fmt: skip
            return self._refuse(400, "invalid_request", 900144, "The body must be a form.")
        form = request.form()
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                return self._refuse(400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")  # fmt: skip
        if form["grant_type"] != "client_credentials":
            return self._refuse(400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{form['grant_type']}'.")  # fmt: skip
        application = self.applications.get(form["client_id"])
        if application is None:
            return self._refuse(400, "unauthorized_client", 700016, f"Application with identifier '{form['client_id']}' was not found in the directory.")  # fmt: skip
        refused = self._identify(application, form, tenant)
        if refused is not None:
            return refused
        if not form["scope"].endswith("/.default"):
            # microsoft365.md: msal - a wrong scope is refused by the service alone
            return self._refuse(400, "invalid_scope", 1002012, f"The provided value for scope {form['scope']} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.")  # fmt: skip
        resource = form["scope"].removesuffix("/.default")
        if resource.rstrip("/") not in (
            "https://graph.microsoft.com",
            "https://graph.microsoft.us",
        ):
            return self._refuse(400, "invalid_resource", 500011, f"The resource principal named {resource} was not found in the tenant.")  # fmt: skip
        return answer(
            200,
            {
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "ext_expires_in": self.lifetime,
                "access_token": self.give(application),
            },
        )

    def give(self, application: Application) -> str:
        now = int(self.now())
        with self._lock:
            self.issued += 1
            number = self.issued
        claims = {
            "aud": "https://graph.microsoft.com", "iss": f"https://sts.windows.net/{self.tenant}/",
            "iat": now, "nbf": now, "exp": now + self.lifetime, "appid": application.client_id,
            "app_displayname": application.name, "idtyp": "app", "roles": list(application.roles),
            "tid": self.tenant, "oid": application.client_id[::-1], "sub": application.client_id[::-1],
            "uti": f"{self.seed}-{number}", "ver": "1.0",
        }  # fmt: skip
        text = jwt.encode(claims, self._key, "ES256")
        self.tokens[text] = Token(application, frozenset(application.roles), now + self.lifetime)
        return text

    def _identify(self, application: Application, form: dict[str, str], tenant: str) -> Response | None:  # fmt: skip
        if "client_secret" in form:
            if form["client_secret"] == application.secret:
                return None
            return self._refuse(401, "invalid_client", 7000215, "Invalid client secret provided.")
        if form.get("client_assertion_type") != ASSERTION or not form.get("client_assertion"):
            return self._refuse(401, "invalid_client", 7000216, "'client_assertion' or 'client_secret' is required.")  # fmt: skip
        wrong = self._assertion(application, form["client_assertion"], tenant)
        return wrong and self._refuse(401, "invalid_client", 700027, wrong)

    def _assertion(self, application: Application, text: str, tenant: str) -> str | None:
        """What is wrong with a signed assertion; None where nothing is."""
        certificate = application.certificate
        if certificate is None:
            return "The certificate with identifier used to sign the client assertion is not registered on application."
        der = certificate.public_bytes(serialization.Encoding.DER)
        try:
            head = jwt.get_unverified_header(text)
            # microsoft365.md: msal - PS256 comes with x5t#S256, RS256 with x5t
            named = {
                "PS256": ("x5t#S256", hashlib.sha256(der)),
                "RS256": ("x5t", hashlib.sha1(der, usedforsecurity=False)),
            }.get(head.get("alg", ""))
            if named is None:
                return "The algorithm of the client assertion is not allowed."
            mark = base64.urlsafe_b64encode(named[1].digest()).decode().rstrip("=")
            if str(head.get(named[0], "")).rstrip("=") != mark:
                return "The certificate with identifier used to sign the client assertion is not registered on application."
            jwt.decode(
                text, certificate.public_key(), [head["alg"]],  # type: ignore[arg-type]
                audience=[f"{self.base}/{tenant}/oauth2/v2.0/token", f"{self.base}/{self.tenant}/v2.0"],
                issuer=application.client_id, subject=application.client_id,
                options={"require": ["aud", "iss", "sub", "exp", "jti"]},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            return f"Client assertion failed signature validation or is not within its valid time range: {error}"
        return None

    def _refuse(self, status: int, error: str, code: int, message: str) -> Response:
        self.refusals.append(f"AADSTS{code}")
        body = {
            "error": error, "error_description": f"AADSTS{code}: {message}", "error_codes": [code],
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()),
            "trace_id": "00000000-0000-4000-8000-000000000000",
            "correlation_id": "00000000-0000-4000-8000-000000000000",
            "error_uri": f"{self.base}/error?code={code}",
        }  # fmt: skip
        return Response(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def certified(folder: Path, seed: int) -> tuple[x509.Certificate, Path, Path]:
    """A self-signed certificate of an application, and the files of it and of its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"application {seed}")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, private = folder / "application.pem", folder / "application.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made, certificate, private
