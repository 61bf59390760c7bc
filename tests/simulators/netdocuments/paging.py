"""Pages of a list: tops, skips, tokens. platform.yaml: paging.

A token is a place in a list that goes on changing: what comes or goes before it shifts the rest, and a client that
only follows tokens repeats a row or never sees one. That is the worst a vendor may do; `skip_token` of the settings
gives lists that stand still instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from tests.simulators.netdocuments.errors import bad_request
from tests.simulators.netdocuments.world import World

T = TypeVar("T")


@dataclass
class Page(Generic[T]):
    """`token` is None on the last page."""

    rows: list[T]
    token: str | None
    total: int


@dataclass
class _Token:
    asked: str
    place: int
    made: datetime
    kept: Sequence[Any] | None


class Pages:
    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens: dict[str, _Token] = {}

    def page(
        self, asked: str, rows: Callable[[], Sequence[T]], top: int, skip: int, token: str | None
    ) -> Page[T]:  # fmt: skip
        """`asked` is the question without its place. Raises ApiError (400) for a token of another question."""
        settings = self._world.settings
        held: Sequence[T]
        if token is None:
            held, place = rows(), skip
        else:
            known = self._tokens.get(token)
            if known is None or known.asked != asked or self._old(known):
                raise bad_request("The skip token is unknown here", "InvalidSkipToken")
            held, place = rows() if known.kept is None else known.kept, known.place
        found = list(held[place : place + top])
        more = len(held) > place + top
        if settings.full_page_goes_on:
            more = more or len(found) == top
        following = None
        if more:
            kept = list(held) if settings.skip_token == "snapshot" else None
            following = self._token(_Token(asked, place + len(found), self._world.clock.now(), kept))  # fmt: skip
        return Page(found, following, len(held))

    def _old(self, token: _Token) -> bool:
        lasts = self._world.settings.skip_token_seconds
        return lasts is not None and self._world.clock.now() - token.made > timedelta(seconds=lasts)

    def _token(self, token: _Token) -> str:
        """The same place of the same question has the same token, so that a page may be asked for again."""
        words = f"{self._world.seed}/{token.asked}/{token.place}"
        if token.kept is not None:
            words += f"/{len(self._tokens)}"
        name = f"ST-{hashlib.sha256(words.encode()).hexdigest()[:24]}"
        self._tokens[name] = token
        return name
