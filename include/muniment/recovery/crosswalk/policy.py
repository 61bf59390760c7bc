"""Policy: who may receive what, by the walls that a firm noted and those of its documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from muniment.clock import from_text
from muniment.config.issues import FIRM_YAML
from muniment.config.load import FirmConfig
from muniment.config.matter_policy import MatterPolicies, MatterPolicy, policies_by_id
from muniment.config.schema import validated
from muniment.config.yaml_text import parse
from muniment.errors import MunimentError, WalledOff
from muniment.evidence.configuration import CHANGED, document_of
from muniment.evidence.events import CONFIGURATION
from muniment.model.item import Row
from muniment.recovery.crosswalk.joined import Joined
from muniment.recovery.crosswalk.walls import UNKNOWN_WALLS, Walls, may_receive
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Filter, nothing_withheld
from muniment.vault import names
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream, open_detail
from muniment.vault.vault import Vault

_LACKING = frozenset({"D126", "D134", "T221", "T250"})
"""Findings after which an entry may be missing from the stream. What a stranger laid beside it or on top of it
takes nothing away, or whoever may write to the store could stop every restore."""


# -- walls -------------------------------------------------------------------------------------------


class WallBook:
    """All walls that a firm ever noted, and those of the documents at hand."""

    def __init__(self, vault: Vault, config: FirmConfig | None) -> None:
        self._vault = vault
        stream = load_stream(vault.store, vault.trust, CONFIGURATION)
        self._noted = sorted(stream.events(CHANGED), key=lambda e: (e.at, e.seq))
        self._whole = not any(finding.code in _LACKING for finding in stream.findings)
        self._config = config
        self._read: dict[int, Walls] = {}

    def now(self) -> list[Walls]:
        """Those of the documents at hand *and* of the last noted ones: who edits a wall away waits for the next
        checkpoint, which records that."""
        found = [self._of(self._config.firm.matters)] if self._config else []
        found += [self._opened(e) for e in self._noted[-1:]]
        return [*found, *self._broken()]

    def at(self, moments: Iterable[datetime]) -> list[Walls]:
        """Those in force at each of these times; before anything was noted, the first that were."""
        entries: dict[int, EvidenceEntry] = {}
        for moment in moments:
            earlier = [e for e in self._noted if e.at <= moment] or self._noted[:1]
            entries |= {e.seq: e for e in earlier[-1:]}
        return [*(self._opened(e) for e in entries.values()), *self._broken()]

    def ever(self) -> list[Walls]:
        return [*self.now(), *(self._opened(e) for e in self._noted)]

    def _broken(self) -> list[Walls]:
        return [] if self._whole else [UNKNOWN_WALLS]

    def _opened(self, entry: EvidenceEntry) -> Walls:
        if entry.seq not in self._read:
            try:
                data = parse(document_of(open_detail(self._vault, entry), FIRM_YAML)).data
                policies = validated(MatterPolicies, data.get("matters") or ())
                self._read[entry.seq] = self._of(policies)
            except (MunimentError, ValueError, KeyError, OSError, EOFError):
                self._read[entry.seq] = UNKNOWN_WALLS
        return self._read[entry.seq]

    def _of(self, policies: Sequence[MatterPolicy]) -> Walls:
        if not policies:
            return Walls({})
        key = self._vault.keyring.id_key(names.MATTERS_ID_KEY)
        return Walls(
            {
                matter: frozenset(who for policy in mine for who in policy.walled_from)
                for matter, mine in policies_by_id(policies, key).items()
            }
        )


def require_may_receive(
    book: WallBook, joined: Joined, plan: RestorePlan, people: Sequence[str]
) -> None:
    """For a restore of a matter. Raises WalledOff, which names the opaque id alone."""
    times = [from_text(choice.taken_at) for choice in plan.choices]
    ids = (*joined.ids, *joined.doubtful)
    verdict = may_receive(people, ids, book.now(), book.at(times))
    if not verdict.allowed:
        raise WalledOff(f"this matter is not given: {verdict.why}", to=joined.matter)


def withholding(book: WallBook, people: Sequence[str]) -> Filter:
    """For a restore that is no matter's (a path, an item, a source): withholds every item of a walled matter.

    It is asked before snapshots are chosen, so every wall that ever stood counts.
    """
    ever = book.ever()
    verdicts: dict[str, str] = {}

    def reason(row: Row) -> str:
        if row.matter not in verdicts:
            verdict = may_receive(people, (row.matter,), ever, ())
            verdicts[row.matter] = "" if verdict.allowed else "walled off"
        return verdicts[row.matter]

    return reason


class Entitlement:
    """What these people may have of one restore. `joined` is None where it is not a matter that was asked for.

    `people` are ids of firm.yaml; an empty one is somebody whom nobody knows, who passes no wall.
    """

    def __init__(
        self, vault: Vault, config: FirmConfig | None, joined: Joined | None, people: Sequence[str]
    ) -> None:
        self._vault = vault
        self._config = config
        self._joined = joined
        self._people = people

    @cached_property
    def _book(self) -> WallBook:
        return WallBook(self._vault, self._config)

    @cached_property
    def withhold(self) -> Filter:
        """For planning and performing. Of a restore by path, item or source what is walled off is left out; a matter
        is given as a whole or refused."""
        if self._joined is not None:
            return nothing_withheld
        if not any(walls.by_matter or not walls.known for walls in self._book.ever()):
            return nothing_withheld
        return withholding(self._book, self._people)

    def require(self, plan: RestorePlan) -> None:
        """Raises WalledOff."""
        if self._joined is not None:
            require_may_receive(self._book, self._joined, plan, self._people)
