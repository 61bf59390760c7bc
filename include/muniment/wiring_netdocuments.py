"""Wiring of NetDocuments: from `sources.<id>.netdocuments` of firm.yaml to a client, and to the place of its token.

The token is sealed to the worker, whether a service account got it or a person's consent. Address, repository,
application and secret come from the Airflow connection of the inventory row where there is one (`login`), else from
firm.yaml. Where both name a repository it must be the same.

Writing back has an application and a token of its own (`restore_client`), sealed to who restores and never to the worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from muniment.clock import Waiting
from muniment.config.inventory import InventoryRow
from muniment.config.keyfiles import read_secret
from muniment.config.load import FirmConfig
from muniment.config.netdocuments import NetDocumentsOptions, NetDocumentsRestore
from muniment.errors import ConfigError, KeyFileError, SealError, WriteBackRefused
from muniment.recovery.written_back.files import alone
from muniment.sources.base import Source
from muniment.sources.netdocuments.asking import Rhythm
from muniment.sources.netdocuments.client import Client, Queries, connect, oauth_of
from muniment.sources.netdocuments.oauth import OAuth
from muniment.sources.netdocuments.place import Place, place_of
from muniment.sources.netdocuments.source import NetDocumentsSource
from muniment.sources.web.oauth import Application
from muniment.sources.web.tokens import FileTokenStore, TokenStore
from muniment.vault.age import Identity, Recipient, open_sealed, seal

FOLDER = "netdocuments"
"""Below the configured `state`."""


@dataclass(frozen=True, slots=True)
class Login:
    """What an Airflow connection of type `netdocuments` holds; empty parts are looked for in firm.yaml."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    api: str = ""
    repository: str = ""
    cabinets: tuple[str, ...] = ()
    ca: Path | None = None
    connection: str = ""


def netdocuments_options(config: FirmConfig, source_id: str) -> NetDocumentsOptions:
    """Raises ConfigError where firm.yaml says nothing of the repository."""
    found = config.options(source_id).netdocuments
    if found is None:
        raise ConfigError(
            "firm.yaml does not say how this NetDocuments repository is reached",
            to=_at(config, source_id),
            todo="Add it; docs/NETDOCUMENTS.md has an example.",
        )
    return found


def netdocuments_place(config: FirmConfig, source_id: str, login: Login | None = None) -> Place:
    """Raises ConfigError where no address is named."""
    options, login = netdocuments_options(config, source_id), login or Login()
    api = options.api or login.api
    if not api:
        raise _missing(config, source_id, "address of the API", "api", login)
    return place_of(api, options.login or "", options.ca or login.ca)


def netdocuments_repository(config: FirmConfig, source_id: str, login: Login | None = None) -> str:
    """Empty where nobody names one. Raises ConfigError where firm.yaml and connection name two."""
    options, login = netdocuments_options(config, source_id), login or Login()
    if options.repository and login.repository and options.repository != login.repository.upper():
        raise ConfigError(
            f"firm.yaml says the repository `{options.repository}`, and the Airflow connection `{login.repository}`",
            to=f"connection {login.connection}",
            todo="Correct the one that is wrong, or take `repository` out of firm.yaml; then clear this task.",
        )
    return options.repository or login.repository.upper()


def netdocuments_oauth(
    config: FirmConfig, source_id: str, clock: Waiting, login: Login | None = None
) -> OAuth:
    """Raises ConfigError, KeyFileError where something is nowhere to be found."""
    options, login = netdocuments_options(config, source_id), login or Login()
    client_id, secret = login.client_id or options.client_id, login.client_secret
    if not secret and options.client_secret is not None:
        secret = read_secret(options.client_secret)
    if not client_id:
        raise _missing(config, source_id, "application's id", "client_id", login)
    if not secret:
        raise _missing(config, source_id, "application's secret", "client_secret", login)
    repository = netdocuments_repository(config, source_id, login)
    service = options.grant == "service account"
    if service and not repository:
        raise _missing(config, source_id, "repository", "repository", login)
    place = netdocuments_place(config, source_id, login)
    application = Application(client_id, secret, options.redirect_uri)
    return oauth_of(place, application, clock, source_id, options.scope, repository if service else "")  # fmt: skip


def token_store(
    config: FirmConfig, source_id: str, *, recipients: Sequence[Recipient] = (), identities: Sequence[Identity] = ()
) -> FileTokenStore:  # fmt: skip
    """The place of the token that a source uses, its own or another source's. With recipients alone a consent can be put
    there, with identities it can be used."""
    options = netdocuments_options(config, source_id)
    sealed_to = list(recipients) or [one.recipient for one in identities]

    def opening(data: bytes) -> bytes:
        if not identities:
            raise KeyFileError(
                "the token is sealed to the worker, whose identity is not at hand",
                to=f"source {source_id}",
                todo="Run this on the machine of the backup worker.",
            )
        return open_sealed(data, identities)

    folder = options.state / config.firm_id / FOLDER
    name = f"{options.consent or source_id}.token"
    return FileTokenStore(folder / name, lambda data: seal(data, sealed_to), opening)


def netdocuments_client(
    config: FirmConfig,
    source_id: str,
    store: TokenStore,
    clock: Waiting,
    *,
    login: Login | None = None,
) -> Client:
    """Everything that reads the repository. Asks nothing of the vendor yet."""
    options, login = netdocuments_options(config, source_id), login or Login()
    told = options.queries
    return connect(
        netdocuments_place(config, source_id, login),
        netdocuments_oauth(config, source_id, clock, login),
        store,
        options.state / config.firm_id / FOLDER,
        clock,
        source_id=source_id,
        account=f"{config.firm_id}/{options.consent or source_id}",
        repository=netdocuments_repository(config, source_id, login),
        cabinets=options.cabinets or login.cabinets,
        queries=Queries(told.containers, told.documents, told.changed, told.order),
        a_minute=options.requests_per_minute,
    )


def netdocuments_source(
    config: FirmConfig, row: InventoryRow, identities: Sequence[Identity], clock: Waiting, *, login: Login | None = None
) -> Source:  # fmt: skip
    """The source of an inventory row of the system `netdocuments`. Raises ConfigError, KeyFileError."""
    source_id = row.source_id
    options = netdocuments_options(config, source_id)
    if config.options(source_id).exclude:
        raise ConfigError(
            "`exclude` leaves out paths of a file share, and a repository has none",
            to=f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.exclude",
            todo=f"Remove the key; cabinets are chosen by sources.{source_id}.netdocuments.cabinets.",
        )
    store = token_store(config, source_id, identities=identities)
    client = netdocuments_client(config, source_id, store, clock, login=login)
    rhythm = Rhythm(whole=options.full_compare, overlap=options.overlap, listing=options.listing)
    return NetDocumentsSource(source_id, client, parts=options.details, rhythm=rhythm)


# -- writing back --------------------------------------------------------------------------------------


def restore_store(
    config: FirmConfig, source_id: str, recipients: Sequence[str], identities: Sequence[Identity] = ()
) -> FileTokenStore:  # fmt: skip
    """The place of the token that may write. `recipients` are those who restore (operations, escrow), never the worker.
    Raises WriteBackRefused where firm.yaml has no application that may write."""
    options = netdocuments_options(config, source_id)

    def opening(data: bytes) -> bytes:
        try:
            return open_sealed(data, identities)
        except SealError:
            raise WriteBackRefused(
                "the token that may write is sealed to keys that are not at hand",
                to=f"source {source_id}",
                safe="Nothing was written.",
                todo="Restore with operations' keys or an identity from the safe. Where those were replaced since, "
                f"remove {folder / name}: a service account signs in anew, and a person's consent is given by "
                f"`muniment consent {source_id} --for restore`.",
            ) from None

    folder = _restore_folder(config, source_id, options)
    name = f"{options.consent or source_id}.restore.token"
    sealed_to = [Recipient.parse(one) for one in recipients]
    return FileTokenStore(folder / name, lambda data: seal(data, sealed_to), opening)


@contextmanager
def restore_alone(config: FirmConfig, source_id: str) -> Iterator[None]:
    """Keeps every other restore on this machine from writing into the repository. Raises TargetUnusable."""
    options = netdocuments_options(config, source_id)
    folder = _restore_folder(config, source_id, options)
    with alone(folder / f"{options.consent or source_id}.restore.lock", source_id):
        yield


def restore_oauth(config: FirmConfig, source_id: str, clock: Waiting) -> OAuth:
    """Of the application that may write. A restore does not read the Airflow connection of the backup."""
    options = netdocuments_options(config, source_id)
    given = _restore(config, source_id, options)
    application = Application(given.client_id, read_secret(given.client_secret), options.redirect_uri)  # fmt: skip
    repository = netdocuments_repository(config, source_id)
    service = given.grant == "service account"
    if service and not repository:
        raise _missing(config, source_id, "repository", "repository", Login())
    place = netdocuments_place(config, source_id)
    return oauth_of(place, application, clock, source_id, given.scope, repository if service else "")  # fmt: skip


def restore_client(config: FirmConfig, source_id: str, store: TokenStore, clock: Waiting) -> Client:
    """Everything that reads and writes the repository by the application that may. Asks nothing of the vendor yet."""
    options, oauth = netdocuments_options(config, source_id), restore_oauth(config, source_id, clock)  # fmt: skip
    told = options.queries
    return connect(
        netdocuments_place(config, source_id),
        oauth,
        store,
        _restore_folder(config, source_id, options),
        clock,
        source_id=source_id,
        account=f"{config.firm_id}/{options.consent or source_id}/restore",
        repository=netdocuments_repository(config, source_id),
        cabinets=options.cabinets,
        queries=Queries(told.containers, told.documents, told.changed, told.order),
        a_minute=options.requests_per_minute,
    )


def _restore_folder(config: FirmConfig, source_id: str, options: NetDocumentsOptions) -> Path:
    given = _restore(config, source_id, options)
    return (given.state or options.state) / config.firm_id / FOLDER


def _restore(config: FirmConfig, source_id: str, options: NetDocumentsOptions) -> NetDocumentsRestore:  # fmt: skip
    if options.restore is not None:
        return options.restore
    raise WriteBackRefused(
        "firm.yaml names no application that may write into this repository",
        to=f"{_at(config, source_id)}.restore",
        safe="Nothing was written.",
        todo="Register an application that may write, name it there, and have it mapped to an account;"
        " docs/NETDOCUMENTS.md, 'Back into NetDocuments'.",
    )


def _at(config: FirmConfig, source_id: str) -> str:
    return f"firm {config.firm_id}, firm.yaml, key sources.{source_id}.netdocuments"


def _missing(config: FirmConfig, source_id: str, what: str, key: str, login: Login) -> ConfigError:
    named = f"; connection {login.connection} of Airflow" if login.connection else ""
    return ConfigError(
        f"the {what} is nowhere to be found",
        to=f"{_at(config, source_id)}.{key}{named}",
        todo="Give it in firm.yaml, or make the Airflow connection that the inventory row names (type"
        " `Muniment: NetDocuments`). Outside of Airflow only firm.yaml counts.",
    )
