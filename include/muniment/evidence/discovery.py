"""Discovery: what stands in the evidence of a look at vendors, of accounts that ended, and of workstations.

Nouns
- Seen: a worker asked a vendor what there is; the roster is sealed in its entry.
- Ended: all of them were held against the inventory. What nothing covers has an opaque id (`mailbox-7F3K2QXA`);
  its name is sealed.

Of a source that did not answer, what was said of it before goes on.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from msgspec import field

from muniment.clock import from_text, to_text
from muniment.evidence.events import reading
from muniment.model.value import Value
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import Facts

DISCOVERY = "operations-discovery"
UNCOVERED, DISABLED, GONE = "uncovered", "disabled", "gone"
"""What is wrong with a thing: no row of the inventory covers it; it is an account that was disabled, or that went, without
a certificate."""
_MOST = 400
"""Ids of one list that stand in an entry."""


class RosterSeen(Value, frozen=True):
    """`counts` by kind. The roster is the sealed detail (`packed`)."""

    event: ClassVar[str] = "roster.seen"
    run_id: str
    source: str
    counts: Mapping[str, int]

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"source": self.source, **{f"count.{k}": v for k, v in self.counts.items()}}


class DiscoveryEnded(Value, frozen=True):
    """By source: `uncovered`, `disabled`, `gone` (opaque ids), `failed` (codes of errors), `unasked` (words)."""

    event: ClassVar[str] = "discovery.ended"
    run_id: str
    things: int
    uncovered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    disabled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    unasked: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return self.run_id

    @property
    def good(self) -> bool:
        return not (self.uncovered or self.disabled or self.gone or self.failed)

    def facts(self) -> Facts:
        found: dict[str, str | int | float | bool | None] = {
            "good": self.good,
            "things": self.things,
        }
        for word, lists in ((UNCOVERED, self.uncovered), (DISABLED, self.disabled), (GONE, self.gone)):  # fmt: skip
            for source, ids in lists.items():
                found[f"{word}.{source}"] = " ".join(ids[:_MOST])
                found[f"{word}_count.{source}"] = len(ids)
        found |= {f"failed.{source}": code for source, code in self.failed.items()}
        found |= {f"unasked.{source}": words for source, words in self.unasked.items()}
        return found

    @classmethod
    def of(cls, entry: EvidenceEntry) -> DiscoveryEnded:
        known = reading(entry)

        def lists(word: str) -> dict[str, tuple[str, ...]]:
            return {s: tuple(str(v).split()) for s, v in known.under(word).items() if v}

        return cls(
            entry.subject, int(known.number("things") or 0), lists(UNCOVERED), lists(DISABLED), lists(GONE),
            {s: str(v) for s, v in known.under("failed").items()},
            {s: str(v) for s, v in known.under("unasked").items()},
        )  # fmt: skip


class Risk(Value, frozen=True):
    """What a person works on cannot be shown to be backed up, and why (`codes`, docs/DISCOVERY.md). `owner` is an id of
    `people`: who has to mend it, by `due`."""

    person: str
    since: datetime
    due: datetime
    owner: str
    codes: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join((to_text(self.since), to_text(self.due), self.owner or "-", *self.codes))

    @classmethod
    def parse(cls, person: str, text: str) -> Risk:
        """Inverse of `text`. Raises ValueError."""
        since, due, owner, *codes = text.split()
        return cls(person, from_text(since), from_text(due), "" if owner == "-" else owner, tuple(codes))  # fmt: skip


class WorkstationsSeen(Value, frozen=True):
    """One risk a person. `devices` and `persons` are how many were judged."""

    event: ClassVar[str] = "workstations.seen"
    run_id: str
    devices: int
    persons: int
    risks: tuple[Risk, ...] = ()

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {
            "devices": self.devices,
            "persons": self.persons,
            "at_risk": len(self.risks),
            **{f"risk.{risk.person}": risk.text for risk in self.risks},
        }

    @classmethod
    def of(cls, entry: EvidenceEntry) -> WorkstationsSeen:
        known = reading(entry)
        risks = []
        for person, text in known.under("risk").items():
            try:
                risks.append(Risk.parse(person, str(text)))
            except ValueError:
                continue
        return cls(
            entry.subject, int(known.number("devices") or 0), int(known.number("persons") or 0),
            tuple(risks),
        )  # fmt: skip


# -- sealed details ----------------------------------------------------------------------------------


def packed(value: Mapping[str, Any]) -> dict[str, str]:
    """A detail that may be large: JSON, compressed. To be sealed."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return {"json.gz": base64.b64encode(gzip.compress(data, mtime=0)).decode()}


def unpacked(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of `packed`; empty for a detail of another form."""
    text = detail.get("json.gz")
    if not isinstance(text, str):
        return {}
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(text)))
    return found


def newest(entries: Iterable[EvidenceEntry], event: str) -> EvidenceEntry | None:
    """The last entry of this kind."""
    found = None
    for entry in entries:
        if entry.event == event:
            found = entry
    return found


CATALOGUE: Mapping[str, str] = {
    RosterSeen.event: "a worker asked a vendor what there is",
    DiscoveryEnded.event: "what vendors show was held against the inventory",
    WorkstationsSeen.event: "whose computers cannot be shown to be backed up",
}
"""Event -> what it says."""
