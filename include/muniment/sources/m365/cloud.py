"""Cloud: where a tenant lives. Sign-in, Graph and scope belong together, so there is one choice and no address.

Source: Microsoft, "National cloud deployments" and MSAL's own table of authorities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from muniment.sources.web.place import Place

VERSION = "v1.0"

CLOUDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "global": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        "usgov": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        "usgov-dod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        "china": ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    }
)  # fmt: skip
"""Name -> where applications sign in, and Graph."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant in its cloud. `login` and `graph` are other addresses than the cloud's, for tests."""

    id: str
    cloud: str = "global"
    ca: Path | None = None
    login: str = ""
    graph: str = ""

    @property
    def authority(self) -> str:
        return f"{self.login or CLOUDS[self.cloud][0]}/{self.id}"

    @property
    def resource(self) -> str:
        """What a token is for. Always the cloud's, wherever it is asked."""
        return CLOUDS[self.cloud][1]

    @property
    def place(self) -> Place:
        graph = self.graph or self.resource
        return Place(self.login or CLOUDS[self.cloud][0], f"{graph}/{VERSION}", self.ca)

    @property
    def elsewhere(self) -> bool:
        """Is it asked at an address that is none of Microsoft's?"""
        return bool(self.login)
