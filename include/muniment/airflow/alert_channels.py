"""Alert channels: the ways to people that firm.yaml names, with the secrets of Airflow's connections."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muniment.alerts.channels import Channel
from muniment.alerts.heartbeat import Heartbeat
from muniment.alerts.mail import MailChannel, MailSettings, a_word
from muniment.alerts.webhook import WebhookChannel, WebhookSettings
from muniment.config.firm import Firm, Smtp
from muniment.config.load import FirmConfig
from muniment.errors import ConfigError, DeliveryError


def channels_of(config: FirmConfig) -> list[Channel]:
    """The firm's channels, none where firm.yaml names none.

    Raises ConfigError when a connection is missing or says too little.
    """
    alerts = config.firm.alerts
    found: list[Channel] = []
    if alerts.smtp:
        found.append(MailChannel(_mail(config, alerts.smtp)))
    if alerts.webhook:
        connection = _connection(config, alerts.webhook.connection)
        settings = WebhookSettings(
            _address(connection), connection.password or "", _ca_file(connection)
        )
        found.append(WebhookChannel(settings))
    return found


def tell_trust_lawyer(config: FirmConfig, at: datetime) -> str:
    """Mails the trust lawyer that there is a sealed report, and nothing else; says what the server answered,
    empty where firm.yaml does not want it. Raises ConfigError, DeliveryError, NoticeRefused."""
    firm = config.firm
    person = firm.people.get(firm.roles.trust_lawyer or "")
    if not firm.trust_books.mail or firm.alerts.smtp is None or person is None:
        return ""
    settings = _mail(config, firm.alerts.smtp)
    text = (
        "A sealed report on the trust books is in the vault. It says whether anything was found; this mail "
        "does not, and is the same every time.\n\nOpen it with your own identity:\n"
        "    muniment trust findings --identity FILE"
    )
    word = a_word(
        settings, person.email, f"[{config.firm_id}] Trust books: a sealed report", text, at
    )
    return MailChannel(settings).send(word)


def mail_to(config: FirmConfig, people: Iterable[str], subject: str, text: str) -> list[str]:
    """Mails these ids of `people` one by one; returns those whose mail was taken. Nobody where firm.yaml names no
    mail server. Raises ConfigError as `channels_of` does, DeliveryError, NoticeRefused where nobody's was taken."""
    firm = config.firm
    if firm.alerts.smtp is None:
        return []
    settings = _mail(config, firm.alerts.smtp)
    taken, failed = [], None
    for who in people:
        if who not in firm.people:
            continue
        word = a_word(settings, firm.people[who].email, subject, text, datetime.now(UTC))
        try:
            MailChannel(settings).send(word)
            taken.append(who)
        except DeliveryError as error:
            failed = error
    if failed is not None and not taken:
        raise failed
    return taken


def heartbeat_of(config: FirmConfig) -> Heartbeat | None:
    """The receiver of the firm's sign of life. Raises ConfigError as `channels_of` does."""
    part = config.firm.alerts.heartbeat
    if part is None:
        return None
    connection = _connection(config, part.connection)
    secret = connection.password or ""
    url = secret if "://" in secret else _address(connection)
    return Heartbeat(url, part.method, _ca_file(connection))


def owner_of(config: FirmConfig, named: str = "") -> str:
    """The id of `people` who answers: the one that is named, else the first technician, else the
    managing partner."""
    firm = config.firm
    if named in firm.people:
        return named
    return firm.roles.technicians[0] if firm.roles.technicians else firm.roles.managing_partner


def _mail(config: FirmConfig, part: Smtp) -> MailSettings:
    connection = _connection(config, part.connection)
    firm = config.firm
    extra = connection.extra_dejson
    return MailSettings(
        host=connection.host or "",
        port=connection.port or 587,
        login=connection.login or "",
        password=connection.password or "",
        sender=part.sender,
        to=_addresses(firm, part.to),
        escalate_to=_addresses(firm, part.escalate_to or (firm.roles.managing_partner,)),
        ca_file=_ca_file(connection),
        plain=bool(extra.get("disable_tls")),
    )


def _addresses(firm: Firm, people: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(firm.people[who].email for who in people if who in firm.people)


def _connection(config: FirmConfig, name: str) -> Any:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        raise ConfigError(
            "Airflow has no connection of the name that firm.yaml gives to an alert channel",
            to=f"firm {config.firm_id}, connection {name}",
            todo="Make it (Admin, Connections; or in the secrets backend) as docs/ALERTS.md says, or "
            "correct `alerts` in firm.yaml.",
        ) from None


def _address(connection: Any) -> str:
    host = connection.host or ""
    if "://" in host:
        return str(host)
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'https'}://{host}{port}"


def _ca_file(connection: Any) -> Path | None:
    named = connection.extra_dejson.get("ca_file")
    return Path(named) if named else None
