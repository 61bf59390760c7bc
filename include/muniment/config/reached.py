"""How a system is reached, as far as all that are reached alike say it: where a secret is kept, and addresses with TLS.

Invariant: no secret stands in firm.yaml, and one that was written there by mistake is not told back.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from muniment.config.schema import AfterValidator
from muniment.config.values import absolute

ENVIRONMENT = "env:"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")


def _secret_reference(value: str) -> str:
    if value.startswith(ENVIRONMENT):
        if not _VARIABLE.fullmatch(value.removeprefix(ENVIRONMENT)):
            raise ValueError("names no variable after `env:`; write env:EXAMPLE_CLIO_SECRET")
        return value
    if value.startswith("secret:"):
        name = value.removeprefix("secret:")
        if not name or "/" in name or name in (".", ".."):
            raise ValueError("has no plain name after `secret:`; write secret:clio")
        return value
    try:
        absolute(Path(value))
    except ValueError:
        # A secret that was written here itself must not be told back.
        raise ValueError(
            "is not where a secret is kept; write an absolute path, secret:clio or"
            " env:EXAMPLE_CLIO_SECRET, and never the secret itself"
        ) from None
    return value


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme == "https" and parts.hostname and not parts.query and not parts.username
    except ValueError:
        good = False
    if not good:
        raise ValueError("is no address with TLS; write https://app.clio.com")
    return value.rstrip("/")


def _redirect(value: str) -> str:
    try:
        parts = urlsplit(value)
        own = parts.hostname in ("127.0.0.1", "localhost") and parts.port
        good = parts.scheme == "https" or (parts.scheme == "http" and own)
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            "is no address that a browser may be sent back to; write http://127.0.0.1:8917/clio"
        )
    return value


SecretReference = Annotated[str, AfterValidator(_secret_reference)]
"""Where a secret is kept: an absolute path, `secret:<name>` or `env:<VARIABLE>`."""
Address = Annotated[str, AfterValidator(_address)]
"""One with TLS, without a slash at its end."""
Redirect = Annotated[str, AfterValidator(_redirect)]
"""Where a browser is sent back to after consent."""
