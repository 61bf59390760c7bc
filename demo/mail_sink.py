"""The firm's mail server in the demonstration: takes mail on loopback and keeps each as a file.

A real SMTP server as a process of its own (`python -m demo.mail_sink FOLDER`). It asks for STARTTLS, with a
certificate of its own, and for a login, so that an alert goes the way it goes at a firm; it sends
nothing on to anybody. The folder holds `settings.json` (0600), the certificate, and `mails/`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import secrets
import signal
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from muniment.embedded.airflow import free_port
from muniment.embedded.processes import Child, ProcessSet
from muniment.errors import EmbeddedError

_NAME = "mail"
_LOGIN = "backup"
_VALID = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it was taken; `at` is when, in seconds since 1970, by the clock of this machine."""

    file: Path
    at: float
    subject: str
    to: Sequence[str]
    lines: Sequence[str]


class MailSink:
    """One server over one folder. Another program with the same folder sees and stops the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._settings = folder / "settings.json"
        self._processes = ProcessSet(folder)

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def inbox(self) -> Path:
        return self.folder / "mails"

    def start(self, timeout: float = 30.0) -> None:
        """Starts it, if it does not run. Raises EmbeddedError when it does not greet in time."""
        if self._processes.running():
            return
        self.inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._settings.exists():
            _make_certificate(self.certificate, self.folder / "key.pem")
            made = {"port": free_port(0), "password": secrets.token_urlsafe(18)}
            _write_private(self._settings, json.dumps(made).encode())
        command = [sys.executable, "-m", "demo.mail_sink", str(self.folder)]
        repository = Path(__file__).resolve().parents[1]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self._processes.start(Child(_NAME, command, environment, repository, patience=5.0))
        deadline = time.monotonic() + timeout
        while not self._greets():
            if self._processes.fallen() or time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The mail server does not answer. Its last words:\n{self._processes.tail(_NAME)}",
                    to=str(self._processes.log(_NAME)),
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it; does nothing when it does not run. The mails stay."""
        self._processes.stop()

    def connection(self) -> str:
        """The Airflow connection of it, for `AIRFLOW_CONN_...`."""
        kept = _kept(self._settings)
        return json.dumps(
            {
                "conn_type": "smtp",
                "host": "localhost",
                "port": kept["port"],
                "login": _LOGIN,
                "password": kept["password"],
                "extra": {"ca_file": str(self.certificate)},
            }
        )

    def mails(self) -> list[Mail]:
        """What was taken so far, the oldest first."""
        return [_read(file) for file in sorted(self.inbox.glob("*.eml"))]

    def wait_for(self, words: str, after: float, timeout: float) -> Mail:
        """The first mail taken after that time whose subject has these words.

        Raises EmbeddedError when none came in `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            for mail in self.mails():
                if mail.at > after and words in mail.subject:
                    return mail
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"No mail about “{words}” came in {timeout:.0f} s.", to=str(self.inbox)
                )
            time.sleep(0.2)

    def _greets(self) -> bool:
        with suppress(OSError):
            address = ("127.0.0.1", int(_kept(self._settings)["port"]))
            with socket.create_connection(address, timeout=2) as trial:
                return trial.recv(3) == b"220"
        return False


def _read(file: Path) -> Mail:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    text = body.get_content() if body else ""
    return Mail(
        file,
        file.stat().st_mtime,
        str(message["Subject"] or ""),
        tuple(str(value) for value in message.get_all("Delivered-To", [])),
        tuple(line.rstrip() for line in text.splitlines()),
    )


# -- the server's own process ----------------------------------------------------------------------


class _Keeper:
    """Keeps each mail, with the addresses it was really delivered to in front, as mail servers do."""

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox
        self._count = len(list(inbox.glob("*.eml")))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._count += 1
        head = "".join(f"Delivered-To: {address}\r\n" for address in envelope.rcpt_tos)
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        _write_private(self._inbox / f"{self._count:03d}.eml", head.encode() + data)
        return "250 taken"


def serve(folder: Path) -> None:
    """Takes mail until SIGTERM."""
    kept = _kept(folder / "settings.json")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    expected = (_LOGIN.encode(), str(kept["password"]).encode())

    def known(server: Any, session: Any, envelope: Any, mechanism: Any, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == expected
        return AuthResult(success=good, handled=False)

    keeper = _Keeper(folder / "mails")

    def session() -> SMTP:
        return SMTP(
            keeper,
            hostname="localhost",
            ident="Muniment demonstration",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=known,
            loop=asyncio.get_running_loop(),
        )

    async def until_stopped() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        server = await loop.create_server(session, "127.0.0.1", int(kept["port"]))
        await stopped.wait()
        server.close()

    asyncio.run(until_stopped())


# -- files -----------------------------------------------------------------------------------------


def _kept(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def _write_private(file: Path, data: bytes) -> None:
    """Whole or not at all: somebody may be looking for it."""
    new = file.with_name(f".{file.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
    os.replace(new, file)


def _make_certificate(certificate: Path, key: Path) -> None:
    """For localhost, signed by itself: it is its own authority (RFC 5280), and nobody else's."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Muniment demonstration")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    now = datetime.now(UTC)
    public = private.public_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    _write_private(
        key,
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    _write_private(certificate, made.public_bytes(pem))


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
