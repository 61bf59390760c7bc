"""Sinks: a mail server and an HTTP receiver of their own, that keep what they get and can be told to fail."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from muniment.embedded.airflow import free_port

LOGIN, PASSWORD = "watch", "a secret of the mail server"


@dataclass
class Certificates:
    """A certificate authority of the test's own, for localhost."""

    folder: Path

    def __post_init__(self) -> None:
        authority = trustme.CA()
        self.ca_file = self.folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.context)


class MailSink:
    """A real SMTP server: STARTTLS and login required. `mails` are what it accepted."""

    def __init__(self, certificates: Certificates, port: int = 0) -> None:
        self.certificates = certificates
        self.port = port or free_port(0)
        self.mails: list[Message] = []
        self.recipients: list[list[str]] = []
        self.refuse = ""
        self._controller: Controller | None = None

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return self.refuse
        assert session.ssl is not None
        assert session.authenticated
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"

    def start(self) -> MailSink:
        def known(
            server: Any, session: Any, envelope: Any, mechanism: Any, data: Any
        ) -> AuthResult:
            good = isinstance(data, LoginPassword) and (
                data.login == LOGIN.encode() and data.password == PASSWORD.encode()
            )
            return AuthResult(success=good, handled=good)

        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self.certificates.context,
            require_starttls=True,
            auth_required=True,
            authenticator=known,
        )
        self._controller.start()
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


@dataclass
class Got:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class HttpSink:
    """Keeps every request; answers with `status`, or with the next of `then` while there are some."""

    status: int = 200
    then: list[int] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)

    def start(self) -> HttpSink:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                sink.got.append(Got(self.path, dict(self.headers), body))
                self.send_response(sink.then.pop(0) if sink.then else sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.got]
