"""Planted: a fault of a connector, put in while it backs a firm up, and what a campaign of them comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.campaign import Case

Made = Callable[[Any], Any]
Patches = Callable[[], list[Any]]


@dataclass(frozen=True)
class Fault:
    """`when` is from which of three runs on; `mode` how the last two runs ask; `vendor` what the vendor does besides."""

    name: str
    kind: str
    patches: Patches
    when: int = 1
    mode: str = ""
    vendor: str = ""

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for patch in self.patches():
                stack.enter_context(patch)
            yield


def swap(owner: Any, name: str, made: Made) -> Any:
    """Puts `made(real)` in the place of a function."""
    return mock.patch.object(owner, name, made(getattr(owner, name)))


def put(owner: Any, name: str, value: Any) -> Any:
    """Puts another value in the place of one."""
    return mock.patch.object(owner, name, value)


def case_of(seed: int, fault: Fault | None, found: list[str]) -> Case:
    """A fault has to be found, and a true copy to be let through."""
    row = {
        "fault": fault.name if fault else "none",
        "class": fault.kind if fault else "clean",
        "found": ", ".join(found),
    }
    wrong = [f"alarm: {one}" for one in found] if fault is None else []
    if fault and not found:
        wrong = ["not found"]
    return Case(seed, row, tuple(wrong))


def summary(cases: Sequence[Case]) -> str:
    lines = []
    of = Counter(str(c.row["class"]) for c in cases)
    found = Counter(str(c.row["class"]) for c in cases if c.row["found"])
    for kind in (k for k in of if k != "clean"):
        lines.append(f"{kind}: {found[kind]} of {of[kind]} found")
    total = sum(v for k, v in of.items() if k != "clean")
    if total:
        share = sum(v for k, v in found.items() if k != "clean") / total
        lines.append(f"faults found: {share:.1%} of {total}")
    lines.append(f"clean firms with an alarm: {found['clean']} of {of['clean']}")
    return "\n".join(lines)
