"""Settings of a watcher outside Airflow: where his alerts go, in one file of mode 0600.

firm: example              # how notices name the firm
owner: technician          # an id, for alerts that belong to no source
smtp: {host: mail.example.net, port: 587, login: watch, password: "...",
       from: watch@provider.example, to: [technician@provider.example]}
webhook: {url: "https://...", secret: "..."}
heartbeat: {url: "https://..."}     # this watcher's own sign of life
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml

from muniment.alerts.channels import Channel
from muniment.alerts.heartbeat import Heartbeat
from muniment.alerts.mail import MailChannel, MailSettings
from muniment.alerts.webhook import WebhookChannel, WebhookSettings
from muniment.config import schema
from muniment.config.keyfiles import read_key_file
from muniment.config.schema import AfterValidator, Field
from muniment.config.values import EMail, FilePath, Id, Model, OneOrMany, absolute
from muniment.errors import ConfigError

File = Annotated[FilePath, AfterValidator(absolute)]


class SmtpPart(Model):
    """A mail server."""

    host: str = Field(min_length=1)
    sender: EMail = Field(alias="from")
    to: Annotated[tuple[EMail, ...], OneOrMany] = Field(min_length=1)
    port: int = Field(587, ge=1, le=65_535)
    login: str = ""
    password: str = ""
    escalate_to: Annotated[tuple[EMail, ...], OneOrMany] = ()
    ca_file: File | None = None
    plain: bool = False


class WebhookPart(Model):
    """A receiver of signed JSON."""

    url: str
    secret: str = Field(min_length=1)
    ca_file: File | None = None


class HeartbeatPart(Model):
    """Somebody who tells when this watcher is silent."""

    url: str
    method: Literal["post", "get"] = "post"
    ca_file: File | None = None


class NotifySettings(Model):
    """The whole file."""

    firm: Id | None = None
    owner: str = ""
    smtp: SmtpPart | None = None
    webhook: WebhookPart | None = None
    heartbeat: HeartbeatPart | None = None

    def channels(self) -> list[Channel]:
        """Raises ConfigError for an address that is none."""
        found: list[Channel] = []
        if self.smtp:
            found.append(MailChannel(MailSettings(**self.smtp.model_dump())))
        if self.webhook:
            found.append(WebhookChannel(WebhookSettings(**self.webhook.model_dump())))
        return found

    def sign_of_life(self) -> Heartbeat | None:
        return Heartbeat(**self.heartbeat.model_dump()) if self.heartbeat else None


def read_settings(path: Path) -> NotifySettings:
    """Raises KeyFileError for a file that others can read, ConfigError for one that says nothing."""
    text = read_key_file(path)
    try:
        data: Any = yaml.safe_load(text)
        return NotifySettings.model_validate(data)
    except yaml.YAMLError:
        problem = "it is no YAML"
    except ValueError as error:
        first = schema.mistakes(error)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        problem = f"{where}: {first['msg']}"
    raise ConfigError(
        f"the settings of the watch cannot be used: {problem}",
        to=str(path),
        todo="docs/ALERTS.md shows such a file.",
    )
