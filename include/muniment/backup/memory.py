"""Memory: what is free in this process goes back to the system between the stages of a run.

What one stage used stays with the C library in pieces, between what still stands, and the large columns of a state do not fit
into them: a first backup of 100,000 messages in one process would hold a fifth more than it needs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Some milliseconds. Does nothing where the C library is not GNU's."""
    _trim()(0)


@cache
def _trim() -> Callable[[int], int]:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return lambda left: 0
    return trim
