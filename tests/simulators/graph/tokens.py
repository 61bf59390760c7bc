"""The tokens of delta rounds and of pages: opaque, signed, and the only place where a round is remembered.

A round that begins tells every row, page by page, and then a deltaLink as of its beginning; a later round tells what
changed since, in the order of the last change of each row. So whatever happens during a round is told by it or by the next.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from typing import Any

from tests.simulators.graph.errors import GraphError, bad_request
from tests.simulators.graph.world import World


class Tokens:
    """`forget` ends every token of a kind that was given until now, as the vendor may at any time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = hashlib.sha256(f"graph tokens {world.seed}".encode()).digest()
        self._forgotten: Counter[str] = Counter()
        self.code: str | None = None  # of the refusal, where a test wants another

    def forget(self, kind: str, place: str = "") -> None:
        self._forgotten[f"{kind}/{place}" if place else kind] += 1

    def _generation(self, kind: str, place: str) -> int:
        return self._forgotten[kind] + self._forgotten[f"{kind}/{place}"]

    def write(self, kind: str, **values: Any) -> str:
        place = str(values.get("c", ""))
        now = int(self._world.clock.now().timestamp())
        held = values | {"k": kind, "g": self._generation(kind, place), "t": now}
        body = base64.urlsafe_b64encode(json.dumps(held, sort_keys=True).encode()).decode()
        return f"{body.rstrip('=')}.{self._mark(body.rstrip('='))}"

    def _mark(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()[:20]

    def read(self, kind: str, text: str | None) -> dict[str, Any]:
        """Raises GraphError for one that is not the vendor's, not of this place, or forgotten."""
        body, _, mark = (text or "").rpartition(".")
        if not hmac.compare_digest(mark, self._mark(body)):
            raise bad_request("The token is not valid.", "SyncStateInvalid")
        held: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if held["k"] != kind:
            raise bad_request("The token is of another resource.", "SyncStateInvalid")
        age = self._world.clock.now().timestamp() - held["t"]
        old = kind in ("users", "sites") and age > self._world.settings.directory_token_seconds
        if old or held["g"] != self._generation(kind, str(held.get("c", ""))):
            raise self.gone(kind)
        return held

    def gone(self, kind: str, location: str = "") -> GraphError:
        """microsoft365.md: Mail - expired token: 410 and one of several codes"""
        if kind == "items":
            code = self.code or "resyncChangesApplyDifferences"
            return GraphError(410, code, "Resync required. Replace any local items with the server's version.", {"Location": location} if location else {})  # fmt: skip
        if kind in ("users", "sites"):
            return GraphError(410, self.code or "resyncRequired", "Resync is required.")
        return GraphError(410, self.code or "syncStateNotFound", "The sync state generation is not found.")  # fmt: skip
