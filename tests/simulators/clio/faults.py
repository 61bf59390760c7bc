"""What goes wrong on demand, each by name, decided by the seed.

A fault looks at the requests whose `METHOD path?query` its pattern finds. It lets the first `after` of them pass
and then strikes with `chance`, at most `times` times. Whether it strikes depends on the seed, the request and how
often that same request came before - not on what other requests came between, so two clients at once do not
change what each of them meets.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Which side of the simulator meets a fault, and what it does.
NAMES = {
    "rate_limited": "429 with Retry-After (option seconds)",
    "server_error": "a 5xx page as of a proxy (option status: 500, 502, 503, 504)",
    "revoked": "the token is revoked before the request",
    "expired": "the access token expires before the request",
    "torn_body": "the connection ends in the middle of the body",
    "slow_body": "the body comes in drops (option seconds)",
    "slow_answer": "the answer comes late (option seconds)",
    "deleted_between": "the row is deleted before it is shown, changed or downloaded",
    "shifting_rows": "before a further page of a list, one row goes and one comes",
    "duplicates": "a further page (page_token) repeats the last row of the page before",
    "lost_row": "a page leaves out a row",
    "wrong_balance": "the first balance of a page is wrong (option by)",
    "foreign_next": "meta.paging.next leads to another host",
    "no_next": "meta.paging.next is missing though there is more",
    "upload_timeout": "UploadTimeoutError once the client says the bytes are there",
    "delete_conflict": "409 on DELETE",
    "expired_link": "the storage host refuses a good link with 403",
    "short_file": "the storage host sends fewer bytes than the version's size, with a length to match",
}


@dataclass
class Fault:
    """`times` None is without end. `struck` counts what it did."""

    number: int
    name: str
    pattern: re.Pattern[str]
    after: int = 0
    times: int | None = None
    chance: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    struck: int = 0


class FaultPlan:
    """`names` are the faults there are, each with what it does."""

    def __init__(self, seed: int, names: Mapping[str, str] = NAMES) -> None:
        self.seed = seed
        self._names = names
        self._faults: dict[int, Fault] = {}
        self._number = 0
        self._often: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()
        self.log: list[tuple[str, str]] = []

    def add(
        self, name: str, pattern: str = "", *, after: int = 0, times: int | None = None, chance: float = 1.0, **options: Any
    ) -> int:  # fmt: skip
        """The number to take it back with. Raises KeyError for an unknown name, re.error for a bad pattern."""
        if name not in self._names:
            raise KeyError(name)
        with self._lock:
            self._number += 1
            self._faults[self._number] = Fault(
                self._number, name, re.compile(pattern), after, times, chance, options
            )
            return self._number

    def remove(self, number: int | None = None) -> None:
        """Takes back one fault, or all."""
        with self._lock:
            if number is None:
                self._faults.clear()
            else:
                self._faults.pop(number, None)

    def standing(self) -> list[Fault]:
        with self._lock:
            return list(self._faults.values())

    def strike(self, request: str) -> dict[str, Fault]:
        """The faults that strike a request, by name."""
        hit: dict[str, Fault] = {}
        with self._lock:
            for fault in self._faults.values():
                if not fault.pattern.search(request):
                    continue
                fault.seen += 1
                often = self._often[(fault.number, request)]
                self._often[(fault.number, request)] += 1
                if fault.seen <= fault.after or (
                    fault.times is not None and fault.struck >= fault.times
                ):
                    continue
                if _lot(self.seed, fault.name, request, often) < fault.chance:
                    fault.struck += 1
                    hit[fault.name] = fault
                    self.log.append((fault.name, request))
        return hit


def _lot(seed: int, *words: object) -> float:
    digest = hashlib.sha256(repr((seed, words)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


# A plan of everyday trouble: what a night's backup should bear without anyone noticing.
WEATHER: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("rate_limited", r"^GET /api/", 0.02, {"seconds": 1}),
    ("server_error", r"^GET /api/", 0.02, {"status": 503}),
    ("torn_body", r"^GET /", 0.01, {}),
    ("expired_link", r"^GET /files/", 0.02, {}),
)


def weather(plan: FaultPlan) -> list[int]:
    return [
        plan.add(name, pattern, chance=chance, **options)
        for name, pattern, chance, options in WEATHER
    ]
