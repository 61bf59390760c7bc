"""Originals: the ledger of a period, read from commits and entries of evidence themselves.

Anchors say where in each numbered series a period begins, so that a month is read without the years before
it. An anchor is the last of the objects that no later period needs: for commits and workers' streams the
last one before the first run that is not decided yet, for the streams of operations the last entry of the
period before. Numbers, and not times, decide to which period an entry belongs: one that was written late
with an early time is counted later, and never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from muniment.evidence.configuration import Timeline
from muniment.evidence.events import ALERTS, DRILLS, RESTORES, VERIFICATIONS
from muniment.evidence.expected import expected_runs, undecided_from
from muniment.evidence.ledger import Ledger, happened
from muniment.evidence.runs import Run, attempts_of, judge
from muniment.vault.documents import EvidenceEntry, Head
from muniment.vault.evidence import load_stream, worker_stream
from muniment.vault.finding import Finding
from muniment.vault.history import CommitRecord, load_history
from muniment.vault.resolve import Resolved
from muniment.vault.vault import Vault

STREAMS = (RESTORES, VERIFICATIONS, DRILLS, ALERTS)
"""The streams of operations that KPIs are made of."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Anchors:
    """After which commit of each source and which entry of each stream a period begins."""

    commits: Mapping[str, Head] = field(default_factory=dict)
    entries: Mapping[str, Head] = field(default_factory=dict)


class Originals:
    """Everything after `begin`, where the anchors are set; read when it is first needed and once."""

    def __init__(
        self, vault: Vault, timeline: Timeline, begin: datetime, anchors: Anchors | None = None
    ) -> None:
        self._vault = vault
        self._timeline = timeline
        self._begin = begin
        self._from = anchors or Anchors()
        self._commits: dict[str, tuple[CommitRecord, ...]] = {}
        self._entries: dict[str, tuple[Resolved[EvidenceEntry], ...]] = {}
        self.findings: list[Finding] = []

    # -- reading -----------------------------------------------------------------------------------

    def commits(self, source: str) -> tuple[CommitRecord, ...]:
        if source not in self._commits:
            after = self._from.commits.get(source)
            store, trust = self._vault.store, self._vault.trust
            history = load_history(store, trust, source, after=after)
            self.findings += history.findings
            self._commits[source] = history.records
        return self._commits[source]

    def entries(self, stream: str) -> tuple[Resolved[EvidenceEntry], ...]:
        if stream not in self._entries:
            after = self._from.entries.get(stream)
            found = load_stream(self._vault.store, self._vault.trust, stream, after)
            self.findings += found.findings
            self._entries[stream] = found.entries
        return self._entries[stream]

    # -- periods -----------------------------------------------------------------------------------

    def ledger(self, after: datetime, until: datetime, *, to_the_end: bool = False) -> Ledger:
        """What was decided after `after` and until `until`, as it was known at `until`.

        Args:
            after: `begin`, or the end of another period since.
            to_the_end: the last period: entries whose clock ran ahead are counted too.
        """
        expected = expected_runs(self._timeline, after, until)
        runs: list[Run] = []
        for source in sorted({run.source for run in expected}):
            mine = [run for run in expected if run.source == source]
            judged = judge(mine, attempts_of(self.commits(source), (), until))
            if not all(run.result.success for run in judged):
                # Only then is it asked what the workers said of runs without a commit.
                said = [e.value for e in self.entries(worker_stream(source))]
                judged = judge(mine, attempts_of(self.commits(source), said, until))
            runs += judged
        entries: list[EvidenceEntry] = []
        for stream in STREAMS:
            found = self.entries(stream)
            # Whatever follows an anchor was not counted yet, also what bears an earlier time.
            start = 0 if after == self._begin else _cut(found, lambda e: e.value.at <= after)
            end = len(found) if to_the_end else _cut(found, lambda e: e.value.at <= until)
            entries += [e.value for e in found[start:end]]
        return (Ledger(runs=tuple(runs)) + happened(entries)).in_order()

    def anchors(self, until: datetime) -> Anchors:
        """Where the period after `until` begins."""
        commits, entries = dict(self._from.commits), dict(self._from.entries)
        for source in sorted(
            {s for p in self._timeline.periods for s in p.configuration.schedules}
        ):
            begins = undecided_from(self._timeline, until, source)
            trusted = [r for r in self.commits(source) if not r.untrusted]
            before = _cut(trusted, partial(_over, begins, until))
            if before:
                commits[source] = Head(
                    seq=trusted[before - 1].seq, digest=trusted[before - 1].digest
                )
            self._anchor(entries, worker_stream(source), begins, strictly=True)
        for stream in STREAMS:
            self._anchor(entries, stream, until)
        return Anchors(commits, entries)

    def _anchor(
        self, entries: dict[str, Head], stream: str, at: datetime, *, strictly: bool = False
    ) -> None:
        found = self.entries(stream)
        cut = _cut(found, lambda e: e.value.at < at or (e.value.at == at and not strictly))
        if cut:
            last = found[cut - 1]
            entries[stream] = Head(seq=last.value.seq, digest=last.digest)


def _over(begins: datetime, until: datetime, record: CommitRecord) -> bool:
    return record.commit.started_at < begins and record.commit.ended_at <= until


def _cut(found: Sequence[T], belongs: Callable[[T], bool]) -> int:
    """How many of the first ones belong to what came before."""
    return next((n for n, each in enumerate(found) if not belongs(each)), len(found))
