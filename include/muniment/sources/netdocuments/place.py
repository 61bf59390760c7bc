"""Place: at which hosts the vendor answers for a firm. A repository lives in one region, and a token of one region is
refused by the others; so both hosts are free text, and the regions below are only the known ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from muniment.sources.web import place as web

HOSTS = (
    "https://api.vault.netvoyage.com", "https://api.eu.netdocuments.com", "https://api.de.netdocuments.com",
    "https://api.au.netdocuments.com",
)  # fmt: skip
"""The API's hosts that the vendor has published; each is `api.` and the login host."""


@dataclass(frozen=True, slots=True)
class Place(web.Place):
    """`app` is the login host, `api` the API's."""


def place_of(api: str, login: str = "", ca: Path | None = None) -> Place:
    """The hosts of a firm. Without `login` it is that of the API without its `api.`."""
    host = _host(api)
    return Place(_host(login) if login else host.replace("://api.", "://", 1), host, ca)


def _host(text: str) -> str:
    """Scheme and host of what a person wrote: a bare name is a host that is reached by TLS."""
    text = text.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    return f"https://{parts.netloc}"
