"""Usual: what sets of a job weighed before, as a source remembers it from run to run. Pure.

A job is known by a digest: what a run remembers names nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from statistics import median

KEPT = 7
"""Sets of which the weight is remembered: a week of daily ones."""

_KEY = "job:"


def mark_of(job: bytes) -> str:
    return sha256(job).hexdigest()[:16]


def key_of(job: bytes) -> str:
    return _KEY + mark_of(job)


def known_jobs(history: Mapping[str, str]) -> dict[str, list[tuple[int, int]]]:
    """Mark of each job -> (time, weight) of its sets, oldest first."""
    found = {}
    for key, value in history.items():
        if key.startswith(_KEY):
            pairs = (pair.split(":") for pair in value.split())
            found[key.removeprefix(_KEY)] = [(int(made), int(weight)) for made, weight in pairs]
    return found


def usual(before: list[tuple[int, int]]) -> float:
    """The weight in the middle; 0 where nothing is known."""
    return median(weight for _, weight in before) if before else 0.0


def after(before: list[tuple[int, int]], made_ns: int, weight: int) -> str:
    """What is remembered when the newest set is this one."""
    kept = [pair for pair in before if pair[0] != made_ns]
    return told([*kept, (made_ns, weight)])


def told(pairs: list[tuple[int, int]]) -> str:
    return " ".join(f"{made}:{weight}" for made, weight in pairs[-KEPT:])
