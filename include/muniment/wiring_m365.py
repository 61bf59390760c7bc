"""Wiring of Microsoft 365: from `sources.<id>.m365` of firm.yaml to a client and a source.

Writing back has a registration of its own (`restore_client`), which stands in firm.yaml alone.

Tenant, application and secret come from the Airflow connection of the inventory row where there is one (`login`), else
from firm.yaml. There is no consent to keep: an application signs in for itself, with a certificate, a secret, or
as the Azure machine that it runs on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from muniment.clock import SystemClock, Waiting
from muniment.config.inventory import InventoryRow
from muniment.config.keyfiles import locate, read_key_file, read_secret
from muniment.config.load import FirmConfig
from muniment.config.m365 import M365Options, M365Restore
from muniment.config.mail_rules import MailRules
from muniment.config.reached import ENVIRONMENT
from muniment.errors import ConfigError, WriteBackRefused
from muniment.model.item import NO_MATTER, Named
from muniment.recovery.written_back.files import alone
from muniment.sources.base import Source
from muniment.sources.m365.client import Client, Rates
from muniment.sources.m365.cloud import Tenant
from muniment.sources.m365.identity import AppAccess, Application, roles_of, sign_in
from muniment.sources.m365.items import Clues, short
from muniment.sources.m365.mailbox import Rules
from muniment.sources.m365.rights import SERVICES, Rights, rights_of
from muniment.sources.m365.source import Choice, M365Source

FOLDER = "m365"
"""Below the configured `state`."""


@dataclass(frozen=True, slots=True)
class Login:
    """What an Airflow connection of type `m365` holds; empty parts are looked for in firm.yaml."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    certificate: str = ""
    tenant: str = ""
    cloud: str = ""
    connection: str = ""


def m365_options(config: FirmConfig, source_id: str) -> M365Options:
    """Raises ConfigError where firm.yaml says nothing of the tenant."""
    found = config.options(source_id).m365
    if found is None:
        raise ConfigError(
            "firm.yaml does not say how this tenant is reached",
            to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.m365",
            todo="Add it; docs/M365.md has an example.",
        )
    return found


def m365_tenant(config: FirmConfig, source_id: str, login: Login | None = None) -> Tenant:
    """Raises ConfigError where no tenant is named, or firm.yaml and connection name different clouds."""
    options, login = m365_options(config, source_id), login or Login()
    if login.cloud and "cloud" in options.model_fields_set and login.cloud != options.cloud:
        raise ConfigError(
            f"firm.yaml says the cloud `{options.cloud}`, and the Airflow connection `{login.cloud}`",
            to=f"connection {login.connection}",
            todo="Correct the one that is wrong, or take `cloud` out of firm.yaml; then clear this task.",
        )
    tenant = login.tenant or options.tenant
    if not tenant:
        raise _missing(config, source_id, "tenant", "tenant")
    cloud = login.cloud or options.cloud
    return Tenant(tenant, cloud, options.ca, options.login or "", options.graph or "")


def m365_application(config: FirmConfig, source_id: str, login: Login | None = None) -> Application:
    """Raises ConfigError, KeyFileError where id or credential are nowhere to be found."""
    options, login = m365_options(config, source_id), login or Login()
    if options.managed_identity and not login.client_secret and not login.certificate:
        return Application("", managed=options.managed_identity)
    client_id = login.client_id or options.client_id
    if not client_id:
        raise _missing(config, source_id, "application's client id", "client_id")
    certificate = login.certificate or options.certificate or ""
    if login.client_secret:
        return Application(client_id, secret=login.client_secret)
    if certificate:
        return Application(client_id, certificate=_pem(certificate))
    if options.client_secret:
        return Application(client_id, secret=read_secret(options.client_secret))
    raise _missing(config, source_id, "application's certificate or secret", "certificate")


def m365_client(
    config: FirmConfig, source_id: str, clock: Waiting, *, login: Login | None = None
) -> Client:
    """Everything that reads the tenant. Asks nothing of the vendor yet."""
    options = m365_options(config, source_id)
    tenant, application = m365_tenant(config, source_id, login), m365_application(config, source_id, login)  # fmt: skip
    account = f"{config.firm_id}/{tenant.id.lower()}/{application.client_id or application.managed}"
    return Client(
        tenant, sign_in(tenant, application), options.state / config.firm_id / FOLDER, clock, source_id,
        account, rates=Rates(at_once=options.at_once),
    )  # fmt: skip


def m365_source(
    config: FirmConfig, row: InventoryRow, clock: Waiting, *, login: Login | None = None
) -> Source:
    """The source of an inventory row of the system `m365`. Raises ConfigError, KeyFileError."""
    source_id = row.source_id
    options = m365_options(config, source_id)
    if config.options(source_id).exclude:
        raise ConfigError(
            "`exclude` leaves out paths of a file share, and a tenant has none",
            to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.exclude",
            todo=f"Remove the key; users are left out by sources.{source_id}.m365.leave_out.",
        )
    client = m365_client(config, source_id, clock, login=login)
    choice = Choice(options.services, options.leave_out, options.full_compare, options.versions)
    return M365Source(source_id, client, choice=choice, rules=rules_of(options))


def rules_of(options: M365Options) -> Rules:
    """What names a matter in this tenant."""
    rules = MailRules(options.matters)

    def assign(clues: Clues) -> Named:
        found = rules.match(
            folder=clues.folder, categories=clues.categories, subject=clues.subject, addresses=clues.addresses
        )  # fmt: skip
        return Named(found.number.encode(), found.title) if found is not None else NO_MATTER

    return Rules(assign, rules.mark, rules.by_folder)


# -- writing back --------------------------------------------------------------------------------------


def restore_client(config: FirmConfig, source_id: str, clock: Waiting) -> Client:
    """Everything that reads and writes the tenant by the registration that may. Asks nothing of the vendor yet. A restore does not
    read the Airflow connection of the backup.

    Raises WriteBackRefused where firm.yaml names no such registration, ConfigError, KeyFileError.
    """
    given = _restore(config, source_id)
    tenant = m365_tenant(config, source_id)
    if given.certificate:
        application = Application(given.client_id, certificate=_pem(given.certificate))
    else:
        application = Application(given.client_id, secret=read_secret(str(given.client_secret)))
    account = f"{config.firm_id}/{tenant.id.lower()}/{given.client_id}"
    options = m365_options(config, source_id)
    return Client(
        tenant, sign_in(tenant, application), _restore_folder(config, source_id), clock, source_id, account,
        rates=Rates(at_once=options.at_once),
    )  # fmt: skip


@contextmanager
def restore_alone(config: FirmConfig, source_id: str) -> Iterator[None]:
    """Keeps every other restore on this machine from writing into the tenant. Raises TargetUnusable."""
    name = short(m365_tenant(config, source_id).id.lower())
    with alone(_restore_folder(config, source_id) / f"{name}.restore.lock", source_id):
        yield


def _restore_folder(config: FirmConfig, source_id: str) -> Path:
    given = _restore(config, source_id)
    return (given.state or m365_options(config, source_id).state) / config.firm_id / FOLDER


def _restore(config: FirmConfig, source_id: str) -> M365Restore:
    options = m365_options(config, source_id)
    if options.restore is not None:
        return options.restore
    raise WriteBackRefused(
        "firm.yaml names no registration that may write into this tenant",
        to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.m365.restore",
        safe="Nothing was written.",
        todo="Register an application that may write and name it there; docs/M365.md, 'Back into the tenant'.",
    )


def rights_by_login(login: Login) -> Rights:
    """What the application of a connection may do, of all that can be backed up. Raises ConfigError, KeyFileError,
    SourceRefused, SourceUnavailable."""
    if not login.client_secret and not login.certificate:
        raise ConfigError(
            "the connection has neither a secret nor a certificate",
            to=f"connection {login.connection}",
            todo="Give one of them in its form.",
        )
    certificate = _pem(login.certificate) if not login.client_secret else ""
    application = Application(login.client_id, login.client_secret, certificate)
    tenant = Tenant(login.tenant, login.cloud or "global")
    access = AppAccess(sign_in(tenant, application), tenant, SystemClock(), login.connection)
    return rights_of(roles_of(access.current().tokens.access), SERVICES)


def _pem(reference: str) -> str:
    """Key and certificate, which are more than one word."""
    if reference.startswith(ENVIRONMENT):
        return read_secret(reference)
    return read_key_file(locate(reference))


def _missing(config: FirmConfig, source_id: str, what: str, key: str) -> ConfigError:
    return ConfigError(
        f"the {what} is nowhere to be found",
        to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.m365.{key}",
        todo="Give it in firm.yaml, or make the Airflow connection that the inventory row names (type"
        " `Muniment: Microsoft 365`). Outside of Airflow only firm.yaml counts.",
    )
