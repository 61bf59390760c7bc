"""The simulator as a child process, for tests.

with running(seed=7, users=3) as graph:
    graph.get(f"users/{user}/mailFolders")
    graph.control("day", number=1)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.simulators.common.running import Child, child

IMMUTABLE = 'IdType="ImmutableId"'


@dataclass
class Running(Child):
    """`told` is the line the program printed; `application` is whose token goes with each request."""

    application: str = "backup"
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tokens = {name: one["access_token"] for name, one in self.told["applications"].items()}

    @property
    def users(self) -> dict[str, str]:
        """Ids by kind: member, localized, disabled, shared, room, guest, on premises, unlicensed."""
        held: dict[str, str] = self.told["users"]
        return held

    def url(self, path: str) -> str:
        return path if path.startswith("https://") else f"{self.told['graph']}/{path}"

    def request(
        self, method: str, path: str, *, app: str | None = None, token: str | None = None, prefer: str = "",
        headers: dict[str, str] | None = None, json: Any = None, data: bytes | None = None, **query: Any,
    ) -> requests.Response:  # fmt: skip
        """A call of Graph; `path` may be a whole URL. In the names of options `_` at the start stands for `$`."""
        sent = {"Authorization": f"Bearer {token or self.tokens[app or self.application]}"}
        sent |= ({"Prefer": prefer} if prefer else {}) | (headers or {})
        asked = {f"${k[1:]}" if k.startswith("_") else k: v for k, v in query.items()}
        return self.session.request(
            method, self.url(path), params=asked or None, headers=sent, json=json, data=data,
            allow_redirects=False, timeout=30,
        )  # fmt: skip

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.request("GET", path, **query)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        found, _ = self.round(path, **query)
        return found

    def round(self, path: str, **query: Any) -> tuple[list[dict[str, Any]], str | None]:
        """All pages of a list or of a delta round, and its deltaLink."""
        found: list[dict[str, Any]] = []
        kept = {k: v for k, v in query.items() if k in ("prefer", "app", "token", "headers")}
        answer = self.get(path, **query)
        while True:
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["value"]
            if "@odata.nextLink" not in page:
                return found, page.get("@odata.deltaLink")
            answer = self.get(page["@odata.nextLink"], **kept)


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Running]:
    """Options are those of the program, with `_` for `-`; a value of True is a bare flag."""
    with child("tests.simulators.graph", Running, options) as made:
        yield made
