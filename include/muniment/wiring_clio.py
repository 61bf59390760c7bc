"""Wiring of Clio: from `sources.<id>.clio` of firm.yaml to a client, and to the place of its consent.

A consent is sealed to the worker: whoever gives it needs the worker's recipient, whoever uses it the
worker's identity. The application's key, secret and region come from the Airflow connection of the inventory
row where there is one (`login`), else from firm.yaml. Where both say a region it must be the same: a token of
one region is refused by the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from muniment.clock import Waiting
from muniment.config.clio import ClioOptions, ClioRestore
from muniment.config.inventory import InventoryRow
from muniment.config.keyfiles import read_secret
from muniment.config.load import FirmConfig
from muniment.errors import ConfigError, KeyFileError, SealError, WriteBackRefused
from muniment.recovery.written_back.files import alone
from muniment.sources.base import Source
from muniment.sources.clio.asking import Rhythm
from muniment.sources.clio.client import Client, connect
from muniment.sources.clio.oauth import OAuth
from muniment.sources.clio.place import PeakHours, Place, place_of
from muniment.sources.clio.source import ClioSource
from muniment.sources.clio.trust.source import ClioTrustSource
from muniment.sources.web.budget import Priority
from muniment.sources.web.oauth import Application
from muniment.sources.web.tokens import FileTokenStore, TokenStore
from muniment.vault.age import Identity, Recipient, open_sealed, seal

FOLDER = "clio"
"""Below the configured `state`."""


@dataclass(frozen=True, slots=True)
class Login:
    """What an Airflow connection of type `clio` holds; empty parts are looked for in firm.yaml.

    `connection` is its name. `host` is another address than the region's, `ca` the file with the certificate
    authority of a proxy that opens TLS.
    """

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    region: str = ""
    host: str = ""
    ca: Path | None = None
    connection: str = ""

    @property
    def place(self) -> Place:
        return place_of(self.region or "us", self.host, self.ca)


def clio_options(config: FirmConfig, source_id: str) -> ClioOptions:
    """Raises ConfigError where firm.yaml says nothing of the account."""
    found = config.options(source_id).clio
    if found is None:
        raise ConfigError(
            "firm.yaml does not say how this Clio account is reached",
            to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.clio",
            todo="Add it; docs/CLIO.md has an example.",
        )
    return found


def connection_of(config: FirmConfig, source_id: str) -> str:
    """The Airflow connection that the source's inventory row names; empty where it names none."""
    return next((row.connection for row in config.rows if row.source_id == source_id), "")


def clio_place(options: ClioOptions, login: Login | None = None) -> Place:
    """Raises ConfigError where firm.yaml and connection name different regions."""
    login = login or Login()
    if login.region and "region" in options.model_fields_set and login.region != options.region:
        raise ConfigError(
            f"firm.yaml says the region `{options.region}`, and the Airflow connection `{login.region}`",
            to=f"connection {login.connection}",
            todo="Correct the one that is wrong, or take `region` out of firm.yaml; then clear this task.",
        )
    return place_of(
        login.region or options.region, options.host or login.host, options.ca or login.ca
    )


def clio_application(config: FirmConfig, source_id: str, login: Login | None = None) -> Application:
    """Raises ConfigError, KeyFileError where key or secret are nowhere to be found."""
    options = clio_options(config, source_id)
    login = login or Login()
    client_id = login.client_id or options.client_id
    secret = login.client_secret
    if not secret and options.client_secret is not None:
        secret = read_secret(options.client_secret)
    if not client_id or not secret:
        connection = connection_of(config, source_id)
        named = f"; connection {connection} of Airflow" if connection else ""
        raise ConfigError(
            f"the application's {'secret' if client_id else 'key'} is nowhere to be found",
            to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.clio{named}",
            todo="Give client_id and client_secret in firm.yaml, or make the Airflow connection that the"
            " inventory row names (type `Muniment: Clio Manage`). Outside of Airflow only firm.yaml counts.",
        )
    return Application(client_id, secret, options.redirect_uri)


def token_store(
    config: FirmConfig,
    source_id: str,
    *,
    recipients: Sequence[Recipient] = (),
    identities: Sequence[Identity] = (),
) -> FileTokenStore:
    """The place of the consent that a source uses, its own or another source's.

    With recipients alone a consent can be put there, with identities it can be used.
    """
    options = clio_options(config, source_id)
    sealed_to = list(recipients) or [one.recipient for one in identities]

    def sealing(data: bytes) -> bytes:
        return seal(data, sealed_to)

    def opening(data: bytes) -> bytes:
        if not identities:
            raise KeyFileError(
                "the consent is sealed to the worker, whose identity is not at hand",
                to=f"source {source_id}",
                todo="Run this on the machine of the backup worker.",
            )
        return open_sealed(data, identities)

    name = f"{options.consent or source_id}.token"
    return FileTokenStore(_folder(config, options) / name, sealing, opening)


def clio_oauth(
    config: FirmConfig, source_id: str, clock: Waiting, login: Login | None = None
) -> OAuth:
    place = clio_place(clio_options(config, source_id), login)
    return OAuth(place, clio_application(config, source_id, login), clock, source_id)


def clio_client(
    config: FirmConfig,
    source_id: str,
    store: TokenStore,
    clock: Waiting,
    *,
    priority: Priority = Priority.ROUTINE,
    login: Login | None = None,
) -> Client:
    """Everything that reads the account. Asks nothing of the vendor yet."""
    options = clio_options(config, source_id)
    peak = options.peak
    return connect(
        clio_place(options, login),
        clio_application(config, source_id, login),
        store,
        _folder(config, options),
        clock,
        source_id=source_id,
        account=f"{config.firm_id}/{options.consent or source_id}",
        priority=priority,
        version=options.api_version,
        peak=PeakHours(ZoneInfo(peak.time_zone), peak.first_hour, peak.last_hour) if peak else None,
        first_load_off_peak=options.first_load == "off peak",
    )


def clio_source(
    config: FirmConfig,
    row: InventoryRow,
    identities: Sequence[Identity],
    clock: Waiting,
    *,
    login: Login | None = None,
) -> Source:
    """The source of an inventory row of the system `clio` or `clio-trust`. Raises ConfigError, KeyFileError."""
    source_id = row.source_id
    options = clio_options(config, source_id)
    if config.options(source_id).exclude:
        raise ConfigError(
            "an account at Clio is backed up as a whole, and `exclude` leaves out paths of a file share",
            to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.exclude",
            todo="Remove the key.",
        )
    trust = row.system == "clio-trust"
    store = token_store(config, source_id, identities=identities)
    priority = Priority.TRUST if trust else Priority.ROUTINE
    client = clio_client(config, source_id, store, clock, priority=priority, login=login)
    if trust:
        every = options.full_compare if options.ledger_reports else None
        return ClioTrustSource(source_id, client, ledgers_every=every)
    return ClioSource(
        source_id, client, rhythm=Rhythm(whole=options.full_compare, overlap=options.overlap)
    )


# -- writing back --------------------------------------------------------------------------------------


def restore_store(
    config: FirmConfig,
    source_id: str,
    recipients: Sequence[str],
    identities: Sequence[Identity] = (),
) -> FileTokenStore:
    """The place of the consent to write. `recipients` are those who restore (operations, escrow), never the worker.
    Raises WriteBackRefused where firm.yaml has no application that may write."""
    options = clio_options(config, source_id)

    def opening(data: bytes) -> bytes:
        try:
            return open_sealed(data, identities)
        except SealError:
            raise WriteBackRefused(
                "the consent to write is sealed to keys that are not at hand",
                to=f"source {source_id}",
                safe="Nothing was written.",
                todo="Restore with operations' keys or an identity from the safe. Where those were replaced since, "
                f"have consent given again: `muniment consent {source_id} --for restore`.",
            ) from None

    folder = _restore_folder(config, source_id, options)
    name = f"{options.consent or source_id}.restore.token"
    sealed_to = [Recipient.parse(one) for one in recipients]
    return FileTokenStore(folder / name, lambda data: seal(data, sealed_to), opening)


@contextmanager
def restore_alone(config: FirmConfig, source_id: str) -> Iterator[None]:
    """Keeps every other restore on this machine from writing into the account: two at once, into two folders, could
    each make the same matter. Raises TargetUnusable."""
    options = clio_options(config, source_id)
    folder = _restore_folder(config, source_id, options)
    with alone(folder / f"{options.consent or source_id}.restore.lock", source_id):
        yield


def _restore_folder(config: FirmConfig, source_id: str, options: ClioOptions) -> Path:
    given = _restore(config, source_id, options)
    return (given.state or options.state) / config.firm_id / FOLDER


def restore_oauth(config: FirmConfig, source_id: str, clock: Waiting) -> OAuth:
    options = clio_options(config, source_id)
    return OAuth(clio_place(options), _restore_application(config, source_id), clock, source_id)


def restore_client(config: FirmConfig, source_id: str, store: TokenStore, clock: Waiting) -> Client:
    """Everything that reads and writes the account under the consent to write. Asks nothing of the vendor yet."""
    options = clio_options(config, source_id)
    return connect(
        clio_place(options),
        _restore_application(config, source_id),
        store,
        _restore_folder(config, source_id, options),
        clock,
        source_id=source_id,
        account=f"{config.firm_id}/{options.consent or source_id}/restore",
        version=options.api_version,
    )


def _restore_application(config: FirmConfig, source_id: str) -> Application:
    options = clio_options(config, source_id)
    given = _restore(config, source_id, options)
    return Application(given.client_id, read_secret(given.client_secret), options.redirect_uri)


def _restore(config: FirmConfig, source_id: str, options: ClioOptions) -> ClioRestore:
    if options.restore is not None:
        return options.restore
    raise WriteBackRefused(
        "firm.yaml names no application that may write into this account",
        to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.clio.restore",
        safe="Nothing was written.",
        todo="Register an application that may write, name it there, and give consent: "
        f"`muniment consent {source_id} --for restore`; docs/CLIO.md, 'Back into Clio'.",
    )


def _folder(config: FirmConfig, options: ClioOptions) -> Path:
    return options.state / config.firm_id / FOLDER
