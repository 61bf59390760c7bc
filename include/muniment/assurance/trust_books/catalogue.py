"""Catalogue: the expectations of `expectations.toml` as values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path


class Class(StrEnum):
    COPY = "copy"
    LEDGER = "ledger"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Expectation:
    """`fails`: where it does not hold, a run is red. `lacking` is system -> why it is not judged there."""

    id: str
    class_: Class
    means: str
    fails: bool
    lacking: Mapping[str, str]


@cache
def catalogue() -> Mapping[str, Expectation]:
    """Every expectation by its id, in the order of the file."""
    path = Path(__file__).with_name("expectations.toml")
    with path.open("rb") as file:
        held = tomllib.load(file)
    return {
        id_: Expectation(
            id_,
            Class(one["class"]),
            one["means"],
            one.get("effect") == "fails",
            one.get("lacking", {}),
        )
        for id_, one in held.items()
    }
