"""The simulator as a child process, for tests.

with running(seed=7, matters=12) as clio:
    clio.get("matters.json", limit=2)
    clio.control("clock", seconds=60)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import requests

from tests.simulators.common.running import Child, child


class Running(Child):
    """`told` is the line the program printed."""

    @property
    def api(self) -> str:
        return str(self.told["api"])

    @property
    def token(self) -> str:
        return str(self.told["access_token"])

    def request(
        self, method: str, path: str, *, token: str | None = None, headers: dict[str, str] | None = None,
        json: Any = None, **query: Any,
    ) -> requests.Response:  # fmt: skip
        """A call of the API; `path` may be a whole URL. Redirects are not followed."""
        sent = {"Authorization": f"Bearer {self.token if token is None else token}"} | (
            headers or {}
        )
        url = path if path.startswith("https://") else f"{self.api}/{path}"
        return self.session.request(
            method,
            url,
            params=query or None,
            headers=sent,
            json=json,
            allow_redirects=False,
            timeout=30,
        )

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.request("GET", path, **query)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All pages of a list, following meta.paging.next."""
        found: list[dict[str, Any]] = []
        answer = self.get(path, **query)
        while True:
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["data"]
            following = page["meta"]["paging"].get("next")
            if following is None:
                return found
            answer = self.get(following)

    def unlimited(self) -> None:
        self.control("limits", peak=0, off_peak=0)


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Running]:
    """Options are those of the program, with `_` for `-`; a value of True is a bare flag."""
    with child("tests.simulators.clio", Running, options) as made:
        yield made
