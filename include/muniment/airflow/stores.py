"""Stores: a destination of firm.yaml, opened with the credential of an Airflow connection."""

from __future__ import annotations

from dataclasses import replace

from muniment.config.firm import Destination
from muniment.vault.store.base import Store
from muniment.vault.store.open import FileDestination, open_store
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import S3Credential, make_client
from muniment.wiring import store_settings


def open_destination(
    destination: Destination, url: str, credential: S3Credential | None = None
) -> Store:
    """The store at `url` (the destination's, or that of its matter keys); nothing is asked of it yet.

    A folder needs no connection. For S3 the connection (type `aws`) gives the credential, also one
    that is renewed while the task runs (an assumed role, an instance profile); endpoint and region
    of firm.yaml win over the connection's. A role's own `credential` wins over the connection;
    without either boto3's own search applies.

    Raises AirflowNotFoundException when there is no such connection.
    """
    place = store_settings(destination, url)
    if isinstance(place, FileDestination) or credential is not None:
        return open_store(place, credential)
    # Importing the hook takes seconds, which neither parsing nor a folder should pay.
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    hook = S3Hook(aws_conn_id=destination.connection)
    session = hook.get_session(region_name=place.settings.region)
    settings = replace(
        place.settings,
        endpoint=place.settings.endpoint or hook.conn_config.get_service_endpoint_url("s3"),
        region=place.settings.region or session.region_name,
    )
    return S3Store(make_client(settings, session=session), place.bucket, place.prefix)
