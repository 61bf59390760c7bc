"""Which problems of a run are accepted, so that it may still count as complete.

Invariants: an item of a matter is never excepted (no source tells yet which matters are closed, so
every matter counts as active); an exception counts from the day it was accepted to its last day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from muniment.config.patterns import compile_pattern
from muniment.config.policy import AcceptedException

Accepted = Callable[[str, bytes, str, str], bool]
"""(kind, native id, cause, matter id) -> is this problem an accepted exception?"""


def accepted_on(exceptions: Sequence[AcceptedException], source_id: str, on: date) -> Accepted:
    """The rule for one source on one day (the day on the firm's calendar)."""
    by_cause: dict[str, list[re.Pattern[bytes]]] = {}
    for exception in exceptions:
        if exception.source == source_id and exception.in_force(on):
            by_cause.setdefault(exception.cause, []).append(compile_pattern(exception.pattern))

    def accepted(kind: str, native_id: bytes, cause: str, matter: str) -> bool:
        if matter:
            return False
        return any(pattern.fullmatch(native_id) for pattern in by_cause.get(cause, ()))

    return accepted
