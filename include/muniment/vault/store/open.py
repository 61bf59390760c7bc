"""Opening a store from the URL in firm.yaml, without Airflow.

Forms: `file:///mnt/vault`, and `s3://bucket/prefix` with, for servers other than AWS,
`?endpoint=https://...&region=...&verify=/path/ca.pem&path_style=true`. A URL never carries a
credential: it stands in a file that everybody may read.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import field

from muniment.errors import BadObjectName, ConfigError
from muniment.model.value import Value
from muniment.vault.store.base import Store
from muniment.vault.store.local import LocalStore
from muniment.vault.store.payload import check_name
from muniment.vault.store.s3_client import S3Credential, S3Settings, make_client

_FORMS = "`file:///folder` or `s3://bucket/prefix?endpoint=...&region=...`"
_OPTIONS = {"endpoint", "region", "verify", "path_style"}


class FileDestination(Value, frozen=True):
    """A folder."""

    folder: Path


class S3Destination(Value, frozen=True):
    """A bucket, or a prefix (without slashes at its ends) of one."""

    bucket: str
    prefix: str = ""
    settings: S3Settings = field(default_factory=S3Settings)


Destination = FileDestination | S3Destination


def parse_destination(url: str) -> Destination:
    """Raises ConfigError that says what the URL should look like."""
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        has_credential = parts.username is not None or parts.password is not None
    except ValueError:
        raise ConfigError(f"a destination is {_FORMS}", to="destination") from None
    if has_credential:
        # Not repeated: the error ends in logs.
        raise ConfigError("a destination must not carry a credential", to="destination")
    options = dict(given)
    if parts.fragment or len(options) != len(given):
        raise ConfigError(f"a destination is {_FORMS}", to="destination")
    if parts.scheme == "file":
        return _folder(parts.netloc, unquote(parts.path), options)
    if parts.scheme == "s3" and parts.netloc:
        return _bucket(parts.netloc, unquote(parts.path).strip("/"), options)
    raise ConfigError(f"a destination is {_FORMS}", to="destination")


def _folder(host: str, path: str, options: dict[str, str]) -> FileDestination:
    if host not in ("", "localhost") or not path.startswith("/") or path == "/" or options:
        raise ConfigError(
            "a folder is given by its absolute path: `file:///mnt/vault`", to="destination"
        )
    return FileDestination(Path(path))


def _bucket(bucket: str, prefix: str, options: dict[str, str]) -> S3Destination:
    if unknown := sorted(set(options) - _OPTIONS):
        raise ConfigError(f"a destination knows no option {unknown[0]!r}", to="destination")
    if prefix:
        try:
            check_name(prefix)
        except BadObjectName as error:
            raise ConfigError("the prefix cannot be part of a name", to=prefix) from error
    endpoint = options.get("endpoint")
    if endpoint is not None:
        if not endpoint.startswith(("https://", "http://")):
            raise ConfigError("an endpoint begins with https:// (or http://)", to="destination")
        if "@" in endpoint:
            raise ConfigError("an endpoint must not carry a credential", to="destination")
    path_style = options.get("path_style")
    if path_style not in (None, "true", "false"):
        raise ConfigError("path_style is true or false", to="destination")
    settings = S3Settings(
        endpoint=endpoint,
        region=options.get("region"),
        verify=Path(options["verify"]) if "verify" in options else None,
        path_style=None if path_style is None else path_style == "true",
    )
    return S3Destination(bucket, prefix, settings)


def open_store(url: str | Destination, credential: S3Credential | None = None) -> Store:
    """The store at a destination. Nothing is asked of it yet.

    Without `credential` S3 takes what boto3 finds: environment, profile or the machine's role.
    """
    destination = parse_destination(url) if isinstance(url, str) else url
    if isinstance(destination, FileDestination):
        return LocalStore(destination.folder)
    # Its errors bring botocore and urllib3, which no local store should pay for.
    from muniment.vault.store.s3 import S3Store

    client = make_client(destination.settings, credential)
    return S3Store(client, destination.bucket, destination.prefix)
