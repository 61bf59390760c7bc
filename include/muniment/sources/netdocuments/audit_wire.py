"""Questions of the audit of a repository: one request each, JSON as the standard library reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from muniment.sources.web.audit_wire import AuditWire
from muniment.sources.web.budget import Budget

HEADERS = {"Accept": "application/json"}
AGAIN = 3
"""How often something is asked for that is no JSON: a page of a portal in between, or XML."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Questions:
    wire: AuditWire
    budget: Budget

    def ask(self, path: str, *ids: str, **query: str) -> tuple[int, Any]:
        """Status and what was answered; each `{}` of `path` is one of `ids`, and `_` begins an option that `$` begins at
        the vendor. Raises NoMore, SourceUnavailable, SourceRefused."""
        asked = path.format(*(quote(one, safe="") for one in ids))
        pairs = [(f"${k[1:]}" if k.startswith("_") else k, value) for k, value in query.items()]
        for _ in range(AGAIN):
            answer = self.wire.ask(asked, pairs, budget=self.budget)
            if answer.status_code != 200:
                return answer.status_code, None
            try:
                return 200, json.loads(answer.content)
            except ValueError:
                continue
        raise self.wire.unavailable("its answers are no JSON")

    def object(self, path: str, *ids: str, **query: str) -> Row | None:
        """An object with keys; None where there is none."""
        status, held = self.ask(path, *ids, **query)
        return held if status == 200 and isinstance(held, dict) and held else None

    def rows(self, path: str, *ids: str, **query: str) -> list[Row] | None:
        """A list of objects; None where there is none."""
        status, held = self.ask(path, *ids, **query)
        return _rows(held) if status == 200 and isinstance(held, list) else None

    def search(self, cabinet: str, q: str, top: int, order: str = "lastMod desc") -> tuple[list[Row], int | None, bool]:  # fmt: skip
        """A page of rows, the vendor's count of all of them, and whether it may be asked for so."""
        status, held = self.ask(
            "v1/Search/{}", cabinet, q=q, _orderby=order, _top=str(top), _select="standardAttributes",
            _inlinecount="allpages",
        )  # fmt: skip
        if status != 200 or not isinstance(held, dict):
            return [], None, False
        told = held.get("standardList")
        count = str(held.get("count"))
        number = int(count) if count.isdigit() else None
        return _rows(told) if isinstance(told, list) else [], number, True

    def digest(self, path: str, *ids: str, size: int) -> tuple[bytes, int] | None:
        """SHA-256 and size of a file; None where it cannot be had. It comes from the API's own host, whole."""
        asked = path.format(*(quote(one, safe="") for one in ids))
        answer = self.wire.ask(asked, budget=self.budget)
        if answer.status_code != 200 or answer.headers.get("Content-Type", "").startswith("text/html"):  # fmt: skip
            return None
        # A body without a byte is also what an account sees that is mapped to nobody.
        content = answer.content
        return None if not content and size else (sha256(content).digest(), len(content))


def _rows(held: Iterable[Any]) -> list[Row]:
    return [one for one in held if isinstance(one, dict)]
