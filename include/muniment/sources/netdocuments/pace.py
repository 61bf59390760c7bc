"""Pace: the requests a minute that we allow ourselves.

The vendor publishes no number and tells none in its answers; what it does when there are too many is 429 or 503. So
the number is the firm's setting, and all processes of this machine keep to it together. A twentieth is left
free: where a minute begins, the vendor and we do not agree to the millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muniment.clock import Waiting
from muniment.sources.web.budget import Budget

A_MINUTE = 240
"""Four requests a second: what the description of the API takes for careful."""
FREE = 0.05


class Pace(Budget):
    """The share of one account; see `Budget`."""

    def __init__(
        self, folder: Path, account: str, clock: Waiting, *, a_minute: int = A_MINUTE
    ) -> None:
        super().__init__(folder, account, clock, vendor="netdocuments", told=lambda headers: None)
        self._limit = max(1, int(a_minute * (1 - FREE)))

    @contextmanager
    def _account(self) -> Iterator[Any]:
        with super()._account() as held:
            held.limit = self._limit
            yield held
