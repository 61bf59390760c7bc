"""Survey: what is right and wrong with the sets of a folder, job by job. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from muniment.clock import to_text
from muniment.sources.causes import (
    SET_MISSING,
    SET_SHRUNKEN,
    SET_TOO_OLD,
    SET_UNFINISHED,
)
from muniment.sources.vendor_backups.sets import BackupSet, Sets, newest
from muniment.sources.vendor_backups.usual import known_jobs, mark_of, usual

AHEAD = timedelta(days=1)
"""So far a server's clock may be ahead. What is dated later says nothing of how new it is."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What is asked of a folder besides that its sets are whole. `shrink` is a share, `smallest` bytes; `jobs` how many
    have to be there, None for as many as before."""

    fresh: timedelta
    shrink: float
    smallest: int = 1
    jobs: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its sets, newest first, with what is wrong with each (empty: it is whole)."""

    name: bytes
    sets: tuple[tuple[BackupSet, str], ...]

    @property
    def newest(self) -> BackupSet | None:
        """Its newest whole set."""
        return newest(each for each, flaw in self.sets if not flaw)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a job as a whole. `about` is a path, or says which job by its mark."""

    about: bytes
    cause: str


def surveyed(sets: Sets, flaws: Mapping[tuple[bytes, bytes], str]) -> list[Job]:
    """`flaws`: what was found by looking twice, by the set's key; the rest is asked here."""
    jobs = []
    for name, found in sorted(sets.jobs().items()):
        judged = []
        for each in sorted(found, key=lambda s: (s.made_ns, s.name), reverse=True):
            flaw = SET_UNFINISHED if each.unfinished else ""
            judged.append((each, flaw or flaws.get((each.job, each.name), "") or each.flaw()))
        jobs.append(Job(name, tuple(judged)))
    return jobs


def troubles(
    jobs: list[Job], demands: Demands, history: Mapping[str, str], now: datetime, *, all_seen: bool
) -> Iterator[Trouble]:
    """What is wrong besides sets that are not whole. Without `all_seen` no job is missed: it may lie where nobody
    could look."""
    before = known_jobs(history)
    for job in jobs:
        best = job.newest
        if best is None:
            continue
        age = now - _moment(best.made_ns)
        if age > demands.fresh or age < -AHEAD:
            yield Trouble(best.path, SET_TOO_OLD)
        least = max(
            usual(before.get(mark_of(job.name), [])) * (1 - demands.shrink), demands.smallest
        )
        if best.weight < least:
            yield Trouble(best.path, SET_SHRUNKEN)
    if not all_seen:
        return
    if demands.jobs is None:
        there = {mark_of(job.name) for job in jobs}
        for mark in sorted(before.keys() - there):
            yield Trouble(b"jobs/" + mark.encode(), SET_MISSING)
    elif len(jobs) < demands.jobs:
        yield Trouble(b"jobs", SET_MISSING)


def _moment(ns: int) -> datetime:
    try:
        return datetime.fromtimestamp(ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.min.replace(tzinfo=UTC)


def record(product: str, jobs: list[Job], found: list[Trouble]) -> bytes:
    """What a snapshot says of the folder's sets, for people: the same bytes as long as nothing changes."""
    wrong: dict[bytes, list[str]] = {}
    for trouble in found:
        wrong.setdefault(trouble.about, []).append(trouble.cause)
    told = {
        "product": product,
        "jobs": [
            {
                "job": _text(job.name),
                "mark": mark_of(job.name),
                "sets": [
                    {
                        "set": _text(each.name),
                        "path": _text(each.path),
                        "made": to_text(_moment(each.made_ns)),
                        "files": len(each.files),
                        "bytes": each.size,
                        "state": flaw or "whole",
                        "but": wrong.get(each.path, []),
                    }
                    for each, flaw in job.sets
                ],
            }
            for job in jobs
        ],
        "missing": [_text(t.about) for t in found if t.cause == SET_MISSING],
    }
    return json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n"


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
