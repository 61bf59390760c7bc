"""Webhook: one POST of JSON a notice, signed.

`Muniment-Signature: v1=<hex>` is HMAC-SHA256 under the shared secret over `<timestamp>.<body>`, the
timestamp being the `Muniment-Timestamp` header in seconds since 1970. A receiver compares in constant
time, refuses what is older than five minutes, and takes a `Muniment-Notice` that it knows for a repeat.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from muniment.alerts.mail import LOOPBACK, TIMEOUT
from muniment.alerts.model import Event
from muniment.alerts.words import safe_ref, subject_of, text_of
from muniment.clock import to_text
from muniment.errors import ConfigError, DeliveryError, NoticeRefused

VERSION = 1


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    url: str
    secret: str
    ca_file: Path | None = None
    timeout: float = TIMEOUT


class WebhookChannel:
    """To a ticket or chat system, or anything that takes JSON."""

    name = "webhook"
    batch = 1

    def __init__(self, settings: WebhookSettings) -> None:
        require_https(settings.url, "the webhook")
        if not settings.secret:
            raise ConfigError(
                "the webhook has no secret, so its receiver could not tell our notices from others",
                todo="Put the shared secret into the connection's password.",
            )
        self._settings = settings

    def deliver(self, firm: str, notices: Sequence[Event], at: datetime) -> str:
        # Importing it takes a tenth of a second, which a look without channels should not pay.
        import requests

        [event] = notices
        body = json.dumps(document(event, firm), separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": event.notice_id,
            "Muniment-Notice": event.notice_id,
            **signature(self._settings.secret, body, at),
        }
        try:
            answer = requests.post(
                self._settings.url,
                data=body,
                headers=headers,
                timeout=self._settings.timeout,
                allow_redirects=False,
                verify=str(self._settings.ca_file) if self._settings.ca_file else True,
            )
        except requests.RequestException as error:
            raise DeliveryError(f"no connection, {type(error).__name__}") from None
        if answer.status_code in (400, 409, 413, 422):
            raise NoticeRefused(f"refused, {answer.status_code}")
        if not 200 <= answer.status_code < 300:
            raise DeliveryError(f"refused, {answer.status_code}")
        return f"accepted, {answer.status_code}"


def signature(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    """The two headers of a signed body."""
    timestamp = str(int(at.timestamp()))
    digest = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256")
    return {"Muniment-Timestamp": timestamp, "Muniment-Signature": f"v1={digest.hex()}"}


def document(event: Event, firm: str) -> Mapping[str, Any]:
    """What is sent; docs/ALERTS.md describes each key."""
    alert = event.alert
    assert alert is not None
    text = text_of(alert)
    return {
        "version": VERSION,
        "notice": event.notice_id,
        "event": event.happened.value,
        "at": to_text(event.at),
        "firm": firm,
        "alert": alert.key,
        "cause": alert.cause.value,
        "severity": alert.severity.word,
        "subject": alert.subject,
        "owner": alert.owner,
        "opened_at": to_text(alert.opened_at),
        "escalated": alert.escalated,
        "days_open": alert.level,
        "title": subject_of(event, firm),
        "what": text.what,
        "safe": text.safe,
        "todo": text.todo,
        "numbers": dict(alert.numbers),
        "evidence": [safe_ref(ref) for ref in alert.refs],
    }


def require_https(url: str, what: str) -> None:
    """Raises ConfigError for an address that is no https (http is for this machine only)."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        good = good and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            f"the address of {what} is no https address",
            todo="Write it in full, beginning with https://, without user and password.",
        )
