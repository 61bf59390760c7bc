"""Fields: what is asked for of a row, and what the vendor refuses to show.

Some fields depend on the firm's plan or region, and the vendor refuses a whole request because of one name
that it does not know. That one is left out, and told; never silently.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from muniment.sources.clio.table import Resource
from muniment.sources.clio.transport import Transport
from muniment.sources.web.budget import Priority
from muniment.sources.web.wire import Answer

KEYS = ("id", "etag")
_WORD = re.compile(r"[A-Za-z0-9_]+")

Pairs = list[tuple[str, str]]


class Asking:
    """Requests that name fields. `left_out` holds (collection, field), `field.inner` for one in another."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.left_out: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def ask(
        self, resource: Resource, path: str, asked: Pairs, fields: Sequence[str],
        priority: Priority | None, *, ok: tuple[int, ...] = (),
    ) -> Any:  # fmt: skip
        """The first page of a list, or one row, as it came; None for a status in `ok`.

        `path` is below the API's root. Raises SourceError for any other answer.
        """
        while True:
            shown = list(self._shown(resource, fields))
            query = [*asked, ("fields", ",".join(shown))]
            answer, held = self.transport.json(path, query, priority=priority)
            if held is not None:
                return held
            if answer.status in ok:
                return None
            if answer.status != 400 or not self._leave_out(resource, shown, answer):
                raise self.transport.unexpected(answer, resource.name)

    def _shown(self, resource: Resource, fields: Sequence[str]) -> Iterator[str]:
        for one in fields:
            name, inner = _split(one)
            if (resource.name, name) in self.left_out:
                continue
            kept = [it for it in inner if (resource.name, f"{name}.{it}") not in self.left_out]
            if kept or not inner:
                yield f"{name}{{{','.join(kept)}}}" if inner else name

    def _leave_out(self, resource: Resource, shown: Sequence[str], answer: Answer) -> bool:
        """Of a request that was refused because of a field: notes which. Some depend on plan or region."""
        try:
            words = set(_WORD.findall(str(answer.json()["error"]["message"])))
        except (ValueError, TypeError, KeyError):
            return False
        unknown = _unknown(shown, words)
        # Two at most, or the message is about something else.
        if not 0 < len(unknown) <= 2:
            return False
        with self._lock:
            self.left_out |= {(resource.name, one) for one in unknown}
        return True


def _split(field: str) -> tuple[str, list[str]]:
    """`client{id,name}` as name and what is asked of the object in it."""
    name, _, inner = field.partition("{")
    return name, inner.rstrip("}").split(",") if inner else []


def _unknown(shown: Sequence[str], words: set[str]) -> list[str]:
    """Which fields a refusal names: `name`, or `name.inner` for one inside another."""
    parts = dict(map(_split, shown))
    named = [name for name in parts if name in words and name not in KEYS]
    inside = [
        f"{name}.{it}"
        for name in (named or parts)
        for it in parts[name]
        if it in words and it not in KEYS
    ]
    return inside or named
