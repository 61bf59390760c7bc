"""Drills: what a recovery drill leaves in the evidence, from the draw until nothing of it is left.

Nouns
- Drill: a restore for practice, timed from its request until it could be used, looked at by a lawyer, and
  removed. It is *held* when the lawyer answered, whatever the answer.

All four entries of a drill lie in `operations-drills` under its id. What was drawn is written before
anything is restored, so a drill that ends badly is not drawn again until it ends well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from muniment.clock import to_text
from muniment.evidence.events import reading
from muniment.model.drill import Answer
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import Facts

ALLOWED = timedelta(hours=4)
"""From the request until it is usable: less than this (docs/KPIS.md)."""
PHASES = ("waiting", "draw", "prepare", "restore", "verify", "between")
"""What the time of a drill is made of: until the first task began, four steps of work, and what Airflow
took between them. Seconds; their sum is `elapsed_seconds`."""


@dataclass(frozen=True, slots=True)
class DrillStarted:
    """`seed` and `drawn_at` draw the same again from the same snapshots; `scope` and `value` are the
    selection (opaque ids), `as_of` the moment that is restored; `also` are (source, item id) of sources whose
    turn it is too."""

    event: ClassVar[str] = "drill.started"
    drill_id: str
    scenario: str
    seed: int
    focus: str
    scope: str
    value: str
    sources: tuple[str, ...]
    as_of: datetime
    requested_at: datetime
    also: tuple[tuple[str, str], ...] = ()

    @property
    def subject(self) -> str:
        return self.drill_id

    def facts(self) -> Facts:
        also = " ".join(f"{source}:{item}" for source, item in self.also)
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "focus": self.focus,
            "scope": self.scope,
            "value": self.value,
            "sources": " ".join(self.sources),
            "as_of": to_text(self.as_of),
            "requested_at": to_text(self.requested_at),
            **({"also": also} if also else {}),
        }

    @classmethod
    def of(cls, entry: EvidenceEntry) -> DrillStarted:
        known = reading(entry)
        return cls(
            drill_id=entry.subject,
            scenario=known.text("scenario"),
            seed=int(known.number("seed") or 0),
            focus=known.text("focus"),
            scope=known.text("scope"),
            value=known.text("value"),
            sources=known.words("sources"),
            as_of=known.time("as_of") or entry.at,
            requested_at=known.time("requested_at") or entry.at,
            also=tuple((s, i) for s, _, i in (w.rpartition(":") for w in known.words("also"))),
        )


@dataclass(frozen=True, slots=True)
class DrillFinished:
    """`elapsed_seconds` from the request until it could be looked at; `whole`: all of the plan came back
    and was verified. Without `sources` it proves none. `counts` are whole numbers, `phases` seconds."""

    event: ClassVar[str] = "drill.finished"
    drill_id: str
    scenario: str
    sources: tuple[str, ...]
    whole: bool
    elapsed_seconds: float
    phases: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    plan_digest: str = ""
    code: str = ""
    """Of the error (docs/ERRORS.md) that ended it."""

    @property
    def subject(self) -> str:
        return self.drill_id

    @property
    def in_time(self) -> bool:
        return self.elapsed_seconds < ALLOWED.total_seconds()

    def facts(self) -> Facts:
        return {
            "scenario": self.scenario,
            "sources": " ".join(self.sources),
            "whole": self.whole,
            "elapsed_seconds": self.elapsed_seconds,
            "allowed_seconds": ALLOWED.total_seconds(),
            **({"plan_digest": self.plan_digest} if self.plan_digest else {}),
            **({"code": self.code} if self.code else {}),
            **{f"phase.{name}": round(value, 1) for name, value in self.phases.items()},
            **{f"count.{name}": value for name, value in self.counts.items()},
        }


@dataclass(frozen=True, slots=True)
class DrillAnswered:
    """`answer` is `yes`, `partly` or `no`, by whom of `people`, and through which door (`airflow`, `cli`).
    Remarks are sealed."""

    event: ClassVar[str] = "drill.answered"
    drill_id: str
    answer: str
    answered_by: str = ""
    door: str = ""

    @property
    def subject(self) -> str:
        return self.drill_id

    def facts(self) -> Facts:
        return {
            "answer": self.answer,
            **({"answered_by": self.answered_by} if self.answered_by else {}),
            **({"door": self.door} if self.door else {}),
        }


@dataclass(frozen=True, slots=True)
class DrillWiped:
    """`how` is what was done (`deleted`), `medium` where it had lain (`memory`, `encrypted volume`,
    `disk`); `left` counts what could not be removed."""

    event: ClassVar[str] = "drill.wiped"
    drill_id: str
    how: str
    medium: str
    files: int
    bytes: int
    left: int

    @property
    def subject(self) -> str:
        return self.drill_id

    def facts(self) -> Facts:
        return {
            "how": self.how,
            "medium": self.medium,
            "files": self.files,
            "bytes": self.bytes,
            "left": self.left,
        }


@dataclass(frozen=True, slots=True)
class Held:
    """A drill as its entries tell it. `answer` is empty while nobody answered; `at` is when its restore
    ended, or when it was drawn while that has not."""

    drill_id: str
    at: datetime
    finished: bool = False
    whole: bool = False
    in_time: bool = False
    answer: str = ""

    @property
    def passed(self) -> bool:
        """KPIS.md: whole, in time, and usable."""
        return self.whole and self.in_time and self.answer == Answer.YES


def held(entries: Iterable[EvidenceEntry]) -> list[Held]:
    """The drills that these entries tell of, by when their restore ended."""
    found: dict[str, Held] = {}
    answers: dict[str, str] = {}
    for entry in entries:
        known = reading(entry)
        if entry.event == DrillStarted.event:
            found.setdefault(entry.subject, Held(entry.subject, entry.at))
        elif entry.event == DrillFinished.event:
            seconds = float(known.number("elapsed_seconds") or 0)
            in_time = seconds < ALLOWED.total_seconds()
            found[entry.subject] = Held(entry.subject, entry.at, True, known.flag("whole"), in_time)
        elif entry.event == DrillAnswered.event:
            answers[entry.subject] = known.text("answer")
    complete = (
        Held(d.drill_id, d.at, d.finished, d.whole, d.in_time, answers.get(d.drill_id, ""))
        for d in found.values()
    )
    return sorted(complete, key=lambda d: d.at)
