"""The simulator as a child process, for tests.

with running(seed=7, matters=12) as netdocuments:
    netdocuments.get("/v1/User/cabinets")
    netdocuments.control("clock", seconds=60)
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

from tests.simulators.common.running import Child, child

DOCUMENTS = "not =11(ndws OR ndfld OR ndflt OR ndsq OR ndcs)"


class Running(Child):
    """`told` is the line the program printed."""

    @property
    def api(self) -> str:
        return str(self.told["api"])

    @property
    def token(self) -> str:
        return str(self.told["access_token"])

    @property
    def cabinet(self) -> str:
        """The one with clients and matters."""
        return str(self.told["cabinets"]["Firm Documents"])

    def request(
        self, method: str, path: str, *parts: str, token: str | None = None, headers: dict[str, str] | None = None,
        body: Any = None, files: Any = None, json: Any = None, **query: Any,
    ) -> requests.Response:  # fmt: skip
        """A call of the API; each `{}` of `path` is one of `parts`, percent-encoded. Redirects are not followed."""
        sent = {
            "Authorization": f"Bearer {self.token if token is None else token}",
            "Accept": "application/json",
        } | (headers or {})
        url = path if path.startswith("https://") else f"{self.api}{path.format(*(quote(one, safe='') for one in parts))}"  # fmt: skip
        return self.session.request(
            method, url, params=query or None, headers=sent, data=body, files=files, json=json, allow_redirects=False, timeout=30
        )  # fmt: skip

    def get(self, path: str, *parts: str, **query: Any) -> requests.Response:
        return self.request("GET", path, *parts, **query)

    def search(self, q: str = DOCUMENTS, select: str = "standardAttributes", **query: Any) -> list[dict[str, Any]]:  # fmt: skip
        """All pages of a search of one cabinet, following the skip tokens."""
        asked = {"cabinets": self.cabinet, "q": q, "select": select, "top": 500} | query
        found: list[dict[str, Any]] = []
        while True:
            answer = self.get("/v2/Search", **asked)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["Results"]
            if not page.get("SkipToken"):
                return found
            asked["skiptoken"] = page["SkipToken"]

    def sign_in(self, prefix: str = "reading_", scope: str = "read") -> requests.Response:
        """By client_credentials, for the service account of one of the applications."""
        name = f"{self.told[f'{prefix}client_id']}|{self.told['repository']}"
        coded = base64.b64encode(f"{name}:{self.told[f'{prefix}client_secret']}".encode()).decode()
        return self.session.post(
            f"{self.api}/v1/OAuth", data={"grant_type": "client_credentials", "scope": scope},
            headers={"Authorization": f"Basic {coded}", "Accept": "application/json"}, timeout=30,
        )  # fmt: skip

    def renew(self) -> str:
        """A new token of the backup user, as from a person's consent."""
        granted = self.control("tokens", grant=self.told["backup_user"])
        self.told |= granted
        return str(granted["access_token"])


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Running]:
    """Options are those of the program, with `_` for `-`; a value of True is a bare flag."""
    with child("tests.simulators.netdocuments", Running, options) as made:
        yield made
