"""Stores: a destination of firm.yaml, opened with the credential of an Airflow connection; and what such a
connection says of a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muniment.airflow.database_login import DATABASE_TYPES, database_login_of
from muniment.airflow.smb_login import smb_login_of
from muniment.config.firm import Destination
from muniment.config.smb import SMB
from muniment.errors import ConfigError
from muniment.vault.store.base import Store
from muniment.vault.store.open import FileDestination, open_store
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import S3Credential, make_client
from muniment.wiring import store_settings

if TYPE_CHECKING:
    from muniment.wiring_clio import Login
    from muniment.wiring_databases import Login as DatabaseLogin
    from muniment.wiring_m365 import Login as M365Login
    from muniment.wiring_netdocuments import Login as NetDocumentsLogin
    from muniment.wiring_smb import Login as SmbLogin

CLIO = "clio"
"""The connection type of a Clio application."""
M365 = "m365"
"""The connection type of an application in a Microsoft 365 tenant."""
NETDOCUMENTS = "netdocuments"
"""The connection type of a NetDocuments application."""


def open_destination(
    destination: Destination, url: str, credential: S3Credential | None = None
) -> Store:
    """The store at `url` (the destination's, or that of its matter keys); nothing is asked of it yet.

    A folder needs no connection. For S3 the connection (type `aws`) gives the credential, also one
    that is renewed while the task runs (an assumed role, an instance profile); endpoint and region
    of firm.yaml win over the connection's. A role's own `credential` wins over the connection;
    without either boto3's own search applies.

    Raises ConfigError when there is no such connection.
    """
    place = store_settings(destination, url)
    if isinstance(place, FileDestination) or credential is not None:
        return open_store(place, credential)
    # Importing the hook takes seconds, which neither parsing nor a folder should pay.
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    _require_connection(destination, url)
    hook = S3Hook(aws_conn_id=destination.connection)
    session = hook.get_session(region_name=place.settings.region)
    verify = hook.conn_config.verify
    settings = replace(
        place.settings,
        endpoint=place.settings.endpoint or hook.conn_config.get_service_endpoint_url("s3"),
        region=place.settings.region or session.region_name,
        # A CA file. `false` is not taken over: verification is never off.
        verify=Path(verify) if isinstance(verify, str) else None,
    )
    return S3Store(make_client(settings, session=session), place.bucket, place.prefix)


def _require_connection(destination: Destination, url: str) -> None:
    """The hook would take whatever credential the machine has in place of a missing connection."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        BaseHook.get_connection(str(destination.connection))
    except AirflowNotFoundException:
        raise ConfigError(
            "Airflow has no connection of the name that firm.yaml gives to the store",
            to=f"connection {destination.connection}, store {url}",
            todo="Make it (Admin, Connections, type Amazon Web Services; or in the secrets backend) "
            "with the worker's access key, or correct the destination's `connection` in firm.yaml. "
            "Then clear this task.",
        ) from None


def source_login(
    connection: str, system: str
) -> Login | M365Login | NetDocumentsLogin | DatabaseLogin | SmbLogin | None:
    """What an Airflow connection says of the application that reads a source of `system`; None where Airflow has
    no such connection: then firm.yaml says it.

    Raises ConfigError for a connection of another type, or with a region or cloud that does not exist.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = BaseHook.get_connection(connection)
    except AirflowNotFoundException:
        return None
    if system in DATABASE_TYPES:
        return database_login_of(found, connection, system)
    if system == SMB:
        return smb_login_of(found, connection)
    kinds: dict[str, tuple[str, str, str, Callable[[Any, str], Any]]] = {
        M365: (M365, "application of a tenant", "Microsoft 365", m365_login_of),
        NETDOCUMENTS: (NETDOCUMENTS, "NetDocuments application", "NetDocuments", netdocuments_login_of),
    }  # fmt: skip
    clio = (CLIO, "Clio application", "Clio Manage", login_of)
    wanted, what, form, read = kinds.get(system, clio)
    if found.conn_type != wanted:
        raise ConfigError(
            f"the Airflow connection is of the type `{found.conn_type}`, and no {what}",
            to=f"connection {connection}",
            todo=f"Give it the type `Muniment: {form}`, or name another one in the inventory's column"
            " `connection`. Then clear this task.",
        )
    held: Login | M365Login | NetDocumentsLogin = read(found, connection)
    return held


def netdocuments_login_of(found: Any, connection: str) -> NetDocumentsLogin:
    """What the form of a NetDocuments connection holds. Raises ConfigError."""
    from muniment.wiring_netdocuments import Login

    try:
        extra = found.extra_dejson
    except ValueError:
        extra = {}
    said = {
        name: str(extra.get(name) or "").strip() for name in ("repository_id", "cabinets", "ca")
    }
    cabinets = tuple(one.strip().upper() for one in said["cabinets"].split(",") if one.strip())
    wrong = [one for one in cabinets if not one.startswith("NG-")]
    if wrong or (said["repository_id"] and not said["repository_id"].upper().startswith("CA-")):
        raise ConfigError(
            "the Airflow connection names a repository or cabinet by something that is no id",
            to=f"connection {connection}",
            todo="A repository's id begins with CA-, a cabinet's with NG-; both stand in the administration pages.",
        )
    return Login(
        (found.login or "").strip(), (found.password or "").strip(), (found.host or "").strip(), said["repository_id"],
        cabinets, Path(said["ca"]) if said["ca"] else None, connection,
    )  # fmt: skip


def m365_login_of(found: Any, connection: str) -> M365Login:
    """What the form of a Microsoft 365 connection holds. Raises ConfigError."""
    from muniment.sources.m365.cloud import CLOUDS
    from muniment.wiring_m365 import Login

    try:
        extra = found.extra_dejson
    except ValueError:
        extra = {}
    said = {
        name: str(extra.get(name) or "").strip() for name in ("tenant_id", "certificate", "cloud")
    }
    if said["cloud"] and said["cloud"] not in CLOUDS:
        raise ConfigError(
            "the Airflow connection names a cloud that Microsoft does not have",
            to=f"connection {connection}",
            todo=f"Choose one of {', '.join(CLOUDS)} in its form.",
        )
    return Login(
        (found.login or "").strip(), (found.password or "").strip(), said["certificate"], said["tenant_id"],
        said["cloud"], connection,
    )  # fmt: skip


def login_of(found: Any, connection: str) -> Login:
    """What the form of a Clio connection holds. Raises ConfigError."""
    from muniment.sources.clio.place import HOSTS
    from muniment.wiring_clio import Login

    try:
        extra = found.extra_dejson
    except ValueError:
        extra = {}
    region = str(extra.get("region") or "").strip()
    if region and region not in HOSTS:
        raise ConfigError(
            "the Airflow connection names a region that Clio does not have",
            to=f"connection {connection}",
            todo=f"Choose one of {', '.join(HOSTS)} in its form.",
        )
    ca = str(extra.get("ca") or "").strip()
    return Login(
        (found.login or "").strip(),
        (found.password or "").strip(),
        region,
        (found.host or "").strip(),
        Path(ca) if ca else None,
        connection,
    )
