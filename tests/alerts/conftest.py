"""Sinks for alerts, and a firm that is watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from muniment.alerts.mail import MailChannel, MailSettings
from tests.support.sinks import LOGIN, PASSWORD, Certificates, HttpSink, MailSink


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def mail_sink(certificates: Certificates) -> Iterator[MailSink]:
    sink = MailSink(certificates).start()
    yield sink
    sink.stop()


@pytest.fixture
def http_sink() -> Iterator[HttpSink]:
    sink = HttpSink().start()
    yield sink
    sink.stop()


def mail_settings(sink: MailSink, **changed: object) -> MailSettings:
    settings: dict[str, object] = {
        "host": "localhost",
        "port": sink.port,
        "login": LOGIN,
        "password": PASSWORD,
        "sender": "watch@provider.example",
        "to": ("technician@provider.example",),
        "escalate_to": ("partner@firm.example",),
        "ca_file": sink.certificates.ca_file,
        "timeout": 10.0,
    }
    return MailSettings(**{**settings, **changed})  # type: ignore[arg-type]


def mail_channel(sink: MailSink, **changed: object) -> MailChannel:
    return MailChannel(mail_settings(sink, **changed))


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    return tmp_path / "notify.yaml"
