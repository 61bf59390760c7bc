"""Past: all that is known of a firm, from the roll-ups and from what came after the newest of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add

from muniment.config.load import FirmConfig
from muniment.evidence.configuration import Configuration, load_timeline
from muniment.evidence.events import ExceptionAccepted
from muniment.evidence.ledger import Ledger
from muniment.evidence.originals import Originals
from muniment.evidence.rollup import Rollups, load_rollups
from muniment.vault.finding import Finding
from muniment.vault.vault import Vault


@dataclass(frozen=True)
class Past:
    """The ledger from the first day on, and how matters stand at `at`.

    `present` is the configuration in force; `noted` is False where nobody noted one and the firm's present
    documents stand in; `months` counts those that roll-ups told of; `findings` say what of the evidence
    is not believed, so that the numbers may be short of it.
    """

    at: datetime
    began: datetime | None
    present: Configuration
    ledger: Ledger
    exceptions: tuple[ExceptionAccepted, ...] = ()
    noted: bool = True
    findings: tuple[Finding, ...] = ()
    months: int = 0

    def __add__(self, other: Past) -> Past:
        """Of two destinations of one firm: each source is backed up to one of them."""
        mine, theirs = self.present, other.present
        return Past(
            max(self.at, other.at),
            min((b for b in (self.began, other.began) if b), default=None),
            Configuration(
                mine.zone,
                {**mine.schedules, **theirs.schedules},
                mine.trust | theirs.trust,
                mine.unusable | theirs.unusable,
                {**mine.restore_seconds, **theirs.restore_seconds},
                mine.digests,
            ),
            self.ledger + other.ledger,
            tuple(dict.fromkeys((*self.exceptions, *other.exceptions))),
            self.noted and other.noted,
            (*self.findings, *other.findings),
            self.months + other.months,
        )


def look_back(
    vault: Vault,
    config: FirmConfig | None = None,
    destination: str = "",
    *,
    rollups: bool = True,
) -> Past:
    """The past of one vault. Needs no key.

    Args:
        config, destination: what is taken for the inventory where none was ever noted.
        rollups: False reads the originals of every month.

    Raises StoreError, TrustError.
    """
    timeline = load_timeline(vault, config, destination)
    now = vault.clock.now()
    present = timeline.at(now) or Configuration("UTC")
    if timeline.began is None:
        return Past(now, None, present, Ledger(), findings=timeline.findings)
    there = load_rollups(vault, timeline) if rollups else Rollups()
    begin = there.until or timeline.began
    anchors = there.months[-1].anchors if there.months else None
    originals = Originals(vault, timeline, begin, anchors)
    rest = originals.ledger(begin, now, to_the_end=True)
    return Past(
        now,
        timeline.began,
        present,
        reduce(add, (rollup.ledger for rollup in there.months), Ledger()) + rest,
        timeline.exceptions,
        timeline.noted,
        (*timeline.findings, *there.findings, *originals.findings),
        len(there.months),
    )
