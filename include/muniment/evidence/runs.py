"""Runs: what became of each expected run.

A run is *logical*: however often it was retried, cleared or run again by hand before the next was due, it
counts once, by the best that came of it. Only a trusted commit is a success, and nothing at all is a
failure: `never_started`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from muniment.evidence.events import RunFailed, RunStarted, reading
from muniment.evidence.expected import Expected
from muniment.model.item import Completeness
from muniment.vault.documents import EvidenceEntry
from muniment.vault.history import CommitRecord


class Result(StrEnum):
    """What became of an expected run, best first. The first two are successes."""

    COMPLETE = "complete"
    WITH_EXCEPTIONS = "complete_with_exceptions"
    LATE = "late"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    NEVER_STARTED = "never_started"

    @property
    def success(self) -> bool:
        return self in (Result.COMPLETE, Result.WITH_EXCEPTIONS)


@dataclass(frozen=True, slots=True)
class Run:
    """An expected run that is decided. `decided_at` is its deadline; `failed_at` is when it could first be
    known that it failed, None for a success: what time to detect is counted from. `excepted` is how many
    items accepted exceptions cover."""

    source: str
    due: datetime
    decided_at: datetime
    result: Result
    failed_at: datetime | None = None
    seq: int | None = None
    excepted: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, as its commit or its evidence tells it. `ended_at` is None where only its start is known;
    `completeness` is None where it left no trusted commit."""

    started_at: datetime
    ended_at: datetime | None = None
    completeness: Completeness | None = None
    seq: int | None = None
    excepted: int = 0


def attempts_of(
    commits: Iterable[CommitRecord], entries: Iterable[EvidenceEntry], known_until: datetime
) -> list[Attempt]:
    """Everything that a source tried, by start, as it was known at `known_until`.

    A commit that is not trusted is a failed try: something ran, and nothing of it can be restored.
    """
    found = []
    for record in commits:
        commit = record.commit
        if commit.ended_at > known_until:
            continue
        trusted = not record.untrusted
        excepted = sum(e.count for e in commit.exceptions if e.accepted)
        found.append(
            Attempt(
                commit.started_at,
                commit.ended_at,
                commit.completeness if trusted else None,
                record.seq if trusted else None,
                excepted,
            )
        )
    for entry in entries:
        if entry.at > known_until:
            continue
        if entry.event == RunStarted.event:
            found.append(Attempt(entry.at))
        elif entry.event == RunFailed.event:
            found.append(Attempt(reading(entry).time("started_at") or entry.at, entry.at))
    return sorted(found, key=lambda a: a.started_at)


def judge(expected: Iterable[Expected], attempts: Sequence[Attempt]) -> list[Run]:
    """What became of each expected run of one source. `attempts` are in order of their start."""
    starts = [a.started_at for a in attempts]
    return [
        _judged(run, attempts[bisect_left(starts, run.begins) : bisect_left(starts, run.ends)])
        for run in expected
    ]


def _judged(run: Expected, tries: Sequence[Attempt]) -> Run:
    for wanted, result in (
        (Completeness.COMPLETE, Result.COMPLETE),
        (Completeness.WITH_EXCEPTIONS, Result.WITH_EXCEPTIONS),
    ):
        for attempt in tries:
            in_time = attempt.ended_at is not None and attempt.ended_at <= run.deadline
            if attempt.completeness is wanted and in_time:
                return Run(
                    run.source, run.due, run.deadline, result, None, attempt.seq, attempt.excepted
                )
    result, failed_at, seq = _failure(run, tries)
    return Run(run.source, run.due, run.deadline, result, min(failed_at, run.deadline), seq)


def _failure(run: Expected, tries: Sequence[Attempt]) -> tuple[Result, datetime, int | None]:
    for attempt in tries:
        if attempt.completeness not in (None, Completeness.INCOMPLETE):
            return Result.LATE, run.deadline, attempt.seq
    # One that was killed says nothing of its end: it counts from its start.
    first = min((a.ended_at for a in tries if a.ended_at), default=run.due)
    for attempt in tries:
        if attempt.completeness is Completeness.INCOMPLETE:
            return Result.INCOMPLETE, first, attempt.seq
    if tries:
        known = any(a.ended_at for a in tries)
        return Result.FAILED, first if known else tries[0].started_at, None
    return Result.NEVER_STARTED, run.due, None
