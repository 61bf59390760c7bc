"""Opening stores without Airflow.

A credential for S3 comes from the file that `MUNIMENT_S3_CREDENTIAL` names (mode 0600, see
`muniment.vault.store.s3_client`), else from where boto3 looks: environment, profile, machine role.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muniment.config.firm import Destination
    from muniment.vault.store.base import Store
    from muniment.vault.store.s3_client import S3Credential

CREDENTIAL_FILE = "MUNIMENT_S3_CREDENTIAL"


def credential() -> S3Credential | None:
    """Raises KeyFileError when the named file is unreadable, or readable to others."""
    from muniment.vault.store.s3_client import S3Credential

    named = os.environ.get(CREDENTIAL_FILE)
    return S3Credential.from_file(Path(named)) if named else None


def open_destination(
    destination: Destination, url: str, given: S3Credential | None = None
) -> Store:
    """For `Wiring`: the store at `url` with the endpoint and region of its destination."""
    from muniment.vault.store.open import open_store
    from muniment.wiring import store_settings

    return open_store(store_settings(destination, url), given or _for(url))


def open_url(url: str) -> Store:
    """A store by an address that says all (see `muniment.vault.store.open`)."""
    from muniment.vault.store.decorators import RetryingStore
    from muniment.vault.store.open import open_store

    return RetryingStore(open_store(url, _for(url)))


def _for(url: str) -> S3Credential | None:
    return credential() if url.startswith("s3:") else None
