"""Mail: notices over SMTP, always under TLS (RFC 8314: port 465 at once, else STARTTLS, RFC 3207).

The login is never sent before TLS stands and the server's certificate is checked. Plain SMTP is spoken
only with a relay on this machine, and only when told so.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from muniment.alerts.model import Event
from muniment.alerts.words import lines_of, subject_of
from muniment.errors import DeliveryError, NoticeRefused
from muniment.ids import sha256_hex

IMPLICIT_TLS_PORT = 465
TIMEOUT = 20.0
"""Seconds for each answer of the server: a watch has other channels to serve."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """`to` are addresses; `escalate_to` hear of alerts that nobody mended, and of trust data at once.
    `ca_file` replaces the system's authorities. `plain` is for a relay on this machine."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    login: str = ""
    password: str = ""
    escalate_to: tuple[str, ...] = ()
    ca_file: Path | None = None
    plain: bool = False
    timeout: float = TIMEOUT


class MailChannel:
    """All that waits goes in one mail, so that a bad night is not forty of them."""

    name = "smtp"
    batch = 50

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def deliver(self, firm: str, notices: Sequence[Event], at: datetime) -> str:
        return self.send(compose(self._settings, firm, notices, at))

    def send(self, message: EmailMessage) -> str:
        """Raises DeliveryError, NoticeRefused."""
        try:
            with self._connected() as server:
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise NoticeRefused(f"recipients refused, {_codes(error.recipients)}") from None
        except smtplib.SMTPDataError as error:
            kind = NoticeRefused if error.smtp_code >= 500 else DeliveryError
            raise kind(f"mail refused, {error.smtp_code}") from None
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryError(f"login refused, {error.smtp_code}") from None
        except ssl.SSLError:
            raise DeliveryError("no TLS with a certificate that is trusted") from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"server refused, {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"no connection, {type(error).__name__}") from None
        if refused:
            # Somebody has it. The others are a matter of the address, which no retry mends.
            return f"accepted, {len(refused)} of {len(message.get_all('To', []))} refused"
        return "accepted, 250"

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.plain and settings.host not in LOOPBACK:
            raise DeliveryError("plain SMTP is for a relay on this machine only")
        context = ssl.create_default_context(
            cafile=str(settings.ca_file) if settings.ca_file else None
        )
        if settings.port == IMPLICIT_TLS_PORT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        try:
            if settings.port != IMPLICIT_TLS_PORT and not settings.plain:
                server.starttls(context=context)
            if settings.login:
                server.login(settings.login, settings.password)
        except BaseException:
            server.close()
            raise
        return server


def a_word(settings: MailSettings, to: str, subject: str, text: str, at: datetime) -> EmailMessage:
    """A mail to one person that is no alert."""
    message = EmailMessage()
    message["Subject"] = _one_line(subject)
    message["From"] = settings.sender
    message["To"] = to
    message["Date"] = format_datetime(at)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{text}\n")
    return message


def compose(
    settings: MailSettings, firm: str, notices: Sequence[Event], at: datetime
) -> EmailMessage:
    """One mail of all notices, the worst named in the subject."""
    first = max(notices, key=lambda e: e.alert.severity.value if e.alert else 0)
    more = f" (and {len(notices) - 1} more)" if len(notices) > 1 else ""
    domain = settings.sender.rpartition("@")[2]
    ids = "-".join(e.notice_id for e in notices)
    people = [*settings.to]
    if any(e.alert and e.alert.escalated for e in notices):
        people += [a for a in settings.escalate_to if a not in people]
    message = EmailMessage()
    message["Subject"] = _one_line(subject_of(first, firm) + more)
    message["From"] = settings.sender
    message["To"] = ", ".join(people)
    message["Date"] = format_datetime(at)
    # The same mail sent again has the same id, and one alert's mails are one thread.
    message["Message-ID"] = f"<{sha256_hex(ids.encode())[:32]}@{domain}>"
    if len(notices) == 1:
        message["References"] = f"<{sha256_hex(f'{firm} {first.key}'.encode())[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Muniment-Notices"] = " ".join(e.notice_id for e in notices)
    body = "\n\n".join("\n".join(lines_of(event, firm)) for event in notices)
    message.set_content(body + "\n\nMuniment. What each alert means: docs/ALERTS.md\n")
    return message


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _codes(recipients: dict[str, tuple[int, bytes]]) -> str:
    return " ".join(sorted({str(code) for code, _ in recipients.values()}))
