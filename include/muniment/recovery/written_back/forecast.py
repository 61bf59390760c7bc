"""Forecast: what will be written into a vendor's system, by kind, before anything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Forecast:
    """`written` counts by kind; `beside` by (kind, why not): that is in the delivery alone."""

    written: tuple[tuple[str, int], ...]
    beside: tuple[tuple[str, str, int], ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "written": dict(self.written),
            "beside": [
                {"kind": kind, "why": why, "items": count} for kind, why, count in self.beside
            ],
        }


def forecast_of(fates: Iterable[tuple[str, str]]) -> Forecast:
    """`fates` are (kind, why not) of each item; what is written has no why."""
    written: Counter[str] = Counter()
    beside: Counter[tuple[str, str]] = Counter()
    for kind, why in fates:
        if why:
            beside[kind, why] += 1
        else:
            written[kind] += 1
    return Forecast(
        tuple(sorted(written.items())),
        tuple((kind, why, count) for (kind, why), count in sorted(beside.items())),
    )
