"""Habits: what earlier runs of a source showed, kept in its state, which is sealed and names nothing.

Only runs that raised no suspicion are remembered: an attack that was seen does not become a habit. A state that
was rebuilt has none; the source is then judged as a fresh one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field

from muniment.backup.guard.signs import MOST_EXTENSIONS, ContentSigns, NameSigns

RUNS = 30
"""A month of nightly runs: what happens every month is a habit."""

FACT_RUNS, FACT_EXTENSIONS = "guard:runs", "guard:extensions"

_HABITUAL_LOOKED, _HABITUAL_SHARE = 10, 0.3


@dataclass(frozen=True, slots=True)
class Day:
    """One run in numbers of items, and the number of its snapshot; see `signs`."""

    seq: int = 0
    items: int = 0
    rewritten: int = 0
    deleted: int = 0
    looked_changed: int = 0
    wrong_changed: int = 0
    wrong_exchanged: int = 0
    suffixed: int = 0
    emptied: int = 0

    @classmethod
    def of(cls, seq: int, names: NameSigns, contents: ContentSigns) -> Day:
        return cls(
            seq,
            names.items,
            contents.rewritten,
            deleted(names, contents),
            contents.looked_changed,
            contents.wrong_changed,
            min(names.exchanged, contents.wrong_new),
            names.suffixed,
            names.emptied,
        )

    @property
    def spoiled(self) -> int:
        """What was in good form and is in no form now."""
        return self.wrong_changed + self.wrong_exchanged + self.emptied


def deleted(names: NameSigns, contents: ContentSigns) -> int:
    """What is gone, without what is there under another name: with the same bytes, or exchanged for others;
    nothing where a person said that it is meant."""
    if names.accepted:
        return 0
    return max(0, names.gone - names.renamed - max(contents.moved, names.exchanged))


@dataclass(frozen=True)
class Habits:
    """`days` oldest first, without those in which nothing changed; `extensions`: mark -> wrong, looked at."""

    days: tuple[Day, ...] = ()
    extensions: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Mapping[str, str]) -> Habits:
        """From the facts of a state; what another version wrote is none."""
        try:
            days = tuple(Day(*map(int, each)) for each in json.loads(facts.get(FACT_RUNS, "[]")))
            said = json.loads(facts.get(FACT_EXTENSIONS, "{}")).items()
            return cls(days, {str(mark): (int(w), int(n)) for mark, (w, n) in said})
        except (ValueError, TypeError, AttributeError):
            return cls()

    @property
    def habitual(self) -> frozenset[str]:
        """Marks of extensions whose contents look wrong here every day: a program's own format."""
        return frozenset(
            mark
            for mark, (wrong, looked) in self.extensions.items()
            if looked >= _HABITUAL_LOOKED and wrong >= _HABITUAL_SHARE * looked
        )

    def most(self, what: str) -> int:
        return max((getattr(day, what) for day in self.days), default=0)

    def after(self, day: Day, contents: ContentSigns) -> dict[str, str]:
        """The facts with one more run."""
        days: Sequence[Day] = [*self.days, day][-RUNS:]
        extensions = dict(self.extensions)
        for mark, (wrong, looked) in contents.extensions.items():
            before = extensions.get(mark, (0, 0))
            extensions[mark] = (before[0] + wrong, before[1] + looked)
        kept = sorted(extensions.items(), key=lambda e: (-e[1][1], e[0]))[:MOST_EXTENSIONS]
        encode = json.JSONEncoder(separators=(",", ":")).encode
        return {
            FACT_RUNS: encode([astuple(day) for day in days]),
            FACT_EXTENSIONS: encode(dict(sorted(kept))),
        }
