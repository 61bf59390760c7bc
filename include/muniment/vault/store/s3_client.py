"""S3 clients for who has no Airflow at hand: the command line, the recovery kit, tests.

Sources of a credential, in this order: what is given here, a file of two `key=value` lines (mode
0600), then whatever boto3 finds (environment, profile, instance role).
"""

from __future__ import annotations

import stat
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muniment.errors import KeyFileError
from muniment.model.value import Hidden, Value

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.loaders import Loader
    from botocore.session import Session as BotocoreSession
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
"""Without a byte for so long a connection counts as hung; a whole pack may take longer."""

ATTEMPTS = 4
"""Of one request, with botocore's back-off; `RetryingStore` waits out longer faults."""

CONNECTIONS = 32
"""Above the threads of a run and its resolver, so that none waits for a connection."""


class S3Credential(Hidden, frozen=True):
    """An access key. Its text never shows the secret."""

    access_key: str
    secret_key: str
    session_token: str | None = None

    @classmethod
    def from_file(cls, path: Path) -> S3Credential:
        """Reads `aws_access_key_id=...` and `aws_secret_access_key=...` (and perhaps
        `aws_session_token=...`), one a line. Raises KeyFileError."""
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyFileError("the credential file cannot be read", to=str(path)) from error
        if mode & 0o077:
            raise KeyFileError("the credential file is readable to others", to=str(path))
        pairs = (line.partition("=") for line in text.splitlines())
        values = {name.strip().lower(): value.strip() for name, _, value in pairs}
        try:
            return cls(
                values["aws_access_key_id"],
                values["aws_secret_access_key"],
                values.get("aws_session_token"),
            )
        except KeyError as error:
            raise KeyFileError(f"the credential file has no {error}", to=str(path)) from None


class S3Settings(Value, frozen=True):
    """How to reach a server. Without `endpoint` it is AWS in `region`.

    `verify` is a CA file where the server's certificate comes from the firm's own authority; there
    is no way to turn verification off. `path_style` is what most servers other than AWS want.
    """

    endpoint: str | None = None
    region: str | None = None
    verify: Path | None = None
    path_style: bool | None = None
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    attempts: int = ATTEMPTS


def make_client(
    settings: S3Settings,
    credential: S3Credential | None = None,
    session: Session | None = None,
) -> S3Client:
    """A client that S3Store can use from several threads at a time.

    `session` brings a credential that renews itself (an assumed role) in place of `credential`.
    """
    # Importing botocore takes a third of a second, which no local store should pay.
    from botocore.config import Config

    path_style = settings.path_style
    if path_style is None:
        path_style = settings.endpoint is not None
    config = Config(
        connect_timeout=settings.connect_seconds,
        read_timeout=settings.read_seconds,
        retries={"mode": "standard", "total_max_attempts": settings.attempts},
        max_pool_connections=CONNECTIONS,
        s3={"addressing_style": "path" if path_style else "auto"},
        # Every put carries its own SHA-256, and every read is hashed by who asked for it.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    make: Any = session.client if session else _own_session().create_client
    client: S3Client = make(
        "s3",
        endpoint_url=settings.endpoint,
        # Servers other than AWS take any region, but a signature needs one.
        region_name=settings.region or ("us-east-1" if settings.endpoint else None),
        verify=str(settings.verify) if settings.verify else None,
        aws_access_key_id=credential.access_key if credential else None,
        aws_secret_access_key=credential.secret_key if credential else None,
        aws_session_token=credential.session_token if credential else None,
        config=config,
    )
    return client


def _own_session() -> BotocoreSession:
    """A session for one client: boto3's default one may not be made by two threads at a time."""
    import botocore.session

    made = botocore.session.Session()
    made.register_component("data_loader", _loader())
    made.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    return made


@cache
def _loader() -> Loader:
    """The description of S3, read once: it is two megabytes of JSON."""
    from botocore.loaders import create_loader

    return create_loader()


def _moment(text: str) -> datetime:
    """What S3 writes into lists; botocore's parser of any time whatever is most of what a long list costs."""
    from botocore.utils import parse_timestamp

    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return parse_timestamp(text)
    return moment if moment.tzinfo else parse_timestamp(text)
