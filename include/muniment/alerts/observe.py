"""Observe: the facts, read from stores with read access and no key.

Reads the ends of commits, checkpoints and evidence only (see `newest`). A store that does not answer is a
fact, not an error: what lies in it is then undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from muniment.alerts.deadlines import Done
from muniment.alerts.facts import (
    Discovered,
    Drilled,
    Failure,
    Proven,
    SourceFacts,
    SuspicionFacts,
    WatchedSource,
)
from muniment.alerts.newest import newest_checkpoint, newest_commits, newest_entries
from muniment.errors import StoreError
from muniment.evidence.discovery import DISCOVERY, DiscoveryEnded, WorkstationsSeen
from muniment.evidence.drill_history import YEAR, last_drilled, past_drills
from muniment.evidence.drills import DrillAnswered, DrillFinished, held
from muniment.evidence.events import (
    CHECKS,
    DRILLS,
    VERIFICATION_ENDED,
    VERIFICATIONS,
    CheckEnded,
    RunEnded,
    RunFailed,
    RunStarted,
)
from muniment.evidence.releases import OpenReview, streams_at, waiting
from muniment.model.drill import Scenario
from muniment.model.item import Completeness
from muniment.vault import names
from muniment.vault.documents import Commit, EvidenceEntry
from muniment.vault.evidence import append, worker_stream
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import sources_in
from muniment.vault.resolve import Resolved, resolve_signed
from muniment.vault.suspicion import Clearing, load_clearings
from muniment.vault.vault import Vault

RUNS = 8
"""Newest commits of a source that are looked at: five successes for the usual time, and failures between."""
FAILURE_TOLD = "run.failure_told"
"""Event of `worker-<source>` about a run: the worker told people itself. Facts: `channels`, `code`."""
SUSPICION_TOLD = "run.suspicion_told"
"""The same of a snapshot that looks like an attack. Facts: `channels`, `seq`."""
VERIFICATION = (VERIFICATIONS, VERIFICATION_ENDED, "good")
CHECK = (CHECKS, CheckEnded.event, "good")
"""Stream, event, and the fact that says whether it was good."""
WATCH_RAN = "watch.ran"

Heads = Mapping[str, tuple[int, str]]
"""Source -> (seq, digest) of its newest trusted commit."""


@dataclass
class Observed:
    """What one store says."""

    sources: list[SourceFacts] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    began: datetime | None = None
    checkpoint: Proven | None = None
    mark: str = ""
    verification: Proven | None = None
    check: Proven | None = None
    drill: Proven | None = None
    drill_open: Proven | None = None
    reviews: tuple[OpenReview, ...] = ()
    drilled: Drilled | None = None
    discovered: Discovered | None = None
    watch_at: datetime | None = None


def observe(
    vault: Vault, watched: Iterable[WatchedSource], *, home: bool = True, known: Heads | None = None
) -> Observed:
    """Looks at one store.

    Args:
        watched: the sources that should be in it.
        home: whether evidence of the firm and checkpoints are looked for in it.
        known: newest commits that were seen before, to notice a store that was set back.

    Raises StoreError, TrustError when the store as a whole says nothing.
    """
    store, trust = vault.store, vault.trust
    seen = Observed(findings=list(trust.findings))
    clearings = load_clearings(vault)
    for each in watched:
        seen.sources.append(_source(vault, each, clearings, seen))
    seen.began = trust.documents[0].value.created_at if any(seen.heads) else None
    checkpoints = newest_checkpoint(store, trust)
    seen.findings += checkpoints.findings
    if checkpoints.objects:
        newest = checkpoints.objects[-1]
        seen.checkpoint = Proven(newest.value.at, True, newest.name)
        seen.mark = newest.digest[:32]
        seen.findings += _missing(
            vault, {s: (h.seq, h.digest) for s, h in newest.value.heads.items()}, "D121"
        )
    seen.findings += _missing(vault, known or {}, "D120")
    if home:
        seen.verification = _proven(vault, *VERIFICATION)
        seen.check = _proven(vault, *CHECK)
        seen.drill, seen.drill_open, seen.drilled = _drills(vault)
        seen.reviews = open_reviews(vault)
        seen.discovered = _discovered(vault)
        seen.watch_at = newest_watch(vault)
    seen.findings = list({(f.code, f.object): f for f in seen.findings}.values())
    return seen


# -- a source --------------------------------------------------------------------------------------


def _source(
    vault: Vault, watched: WatchedSource, clearings: Sequence[Clearing], seen: Observed
) -> SourceFacts:
    try:
        commits = newest_commits(vault.store, vault.trust, watched.source, RUNS)
        runs = tuple(map(_done, commits.objects))
        facts = _since_success(vault, watched, runs)
    except StoreError:
        return SourceFacts(watched, readable=False)
    seen.findings += commits.findings
    if commits.objects:
        newest = commits.objects[-1]
        seen.heads[watched.source] = (newest.value.seq, newest.digest)
    mine = [c for c in clearings if c.source == watched.source]
    return replace(
        facts,
        suspicion=_suspicion(commits.objects, {(c.seq, c.commit) for c in mine}),
        cleared=frozenset(c.seq for c in mine),
    )


def _suspicion(
    commits: Sequence[Resolved[Commit]], cleared: Set[tuple[int, str]]
) -> SuspicionFacts | None:
    """The oldest suspicion that is open, as the newest commits say; one that is older than these is named by those
    that follow it."""
    found: SuspicionFacts | None = None
    for resolved in reversed(commits):
        commit, guard = resolved.value, resolved.value.guard
        if guard is None:
            continue
        clean = guard.last_clean.seq if guard.last_clean else 0
        if guard.suspicious and (commit.seq, resolved.digest) not in cleared:
            first = guard.signs[0] if guard.signs else None
            found = SuspicionFacts(
                commit.seq, commit.ended_at, tuple(s.signal for s in guard.signs),
                first.count if first else 0, first.of if first else 0, clean, resolved.name,
            )  # fmt: skip
        since = guard.since
        if since and (since.seq, since.digest) not in cleared:
            name = names.commit(commit.source, since.seq)
            found = SuspicionFacts(since.seq, commit.ended_at, (), last_clean=clean, ref=name)
    return found


def _done(resolved: Resolved[Commit]) -> Done:
    commit = resolved.value
    return Done(
        commit.seq,
        resolved.digest,
        commit.started_at,
        commit.ended_at,
        commit.completeness is not Completeness.INCOMPLETE,
        commit.next_due,
    )


def _since_success(vault: Vault, watched: WatchedSource, runs: tuple[Done, ...]) -> SourceFacts:
    """With what the worker said since the last success: one failure for each run, whoever said it twice."""
    since = max((r.ended_at for r in runs if r.success), default=None)
    found = newest_entries(
        vault.store,
        vault.trust,
        worker_stream(watched.source),
        lambda entry: since is not None and entry.at <= since,
        limit=100,
    )
    told: tuple[str, ...] = ()
    told_anomaly: tuple[str, ...] = ()
    code = ""
    began: dict[str, datetime] = {}
    failures: dict[str, Failure] = {}
    for resolved in found.objects:
        entry, run = resolved.value, resolved.value.subject
        if since is not None and entry.at <= since:
            continue
        if entry.event == RunStarted.event:
            began[run] = entry.at
        elif entry.event == RunEnded.event:
            began.pop(run, None)
        elif entry.event == RunFailed.event:
            began.pop(run, None)
            said = str(entry.facts.get("code") or "")
            failures[run] = Failure(run, entry.at, said, ref=resolved.name)
        elif entry.event == FAILURE_TOLD:
            told = tuple(str(entry.facts.get("channels") or "").split())
            code = str(entry.facts.get("code") or "")
        elif entry.event == SUSPICION_TOLD:
            told_anomaly = tuple(str(entry.facts.get("channels") or "").split())
    running = max(began.values(), default=None)
    return SourceFacts(
        watched, runs, tuple(failures.values()), told, running, code, told_anomaly=told_anomaly
    )


# -- the rest --------------------------------------------------------------------------------------


def _proven(vault: Vault, stream: str, event: str, good: str) -> Proven | None:
    entries = newest_entries(
        vault.store, vault.trust, stream, lambda entry: entry.event == event, limit=50
    )
    for resolved in reversed(entries.objects):
        if resolved.value.event == event:
            facts = resolved.value.facts
            codes = str(facts.get("codes") or "")
            return Proven(resolved.value.at, facts.get(good) is True, resolved.name, codes)
    return None


def _drills(vault: Vault) -> tuple[Proven | None, Proven | None, Drilled]:
    """The newest drill that counts - answered, or failed without a question - the newest whose restore
    waits for an answer, and what was drilled within the year."""
    answered: set[str] = set()
    after = vault.clock.now() - YEAR

    def is_last(entry: EvidenceEntry) -> bool:
        if entry.event == DrillAnswered.event:
            answered.add(entry.subject)
        counts = entry.event == DrillFinished.event and entry.subject in answered
        return counts and entry.at < after

    entries = newest_entries(vault.store, vault.trust, DRILLS, is_last, limit=1_000)
    past = past_drills(r.value for r in entries.objects)
    kits = [d.at for d in past if d.held and d.scenario == Scenario.RECOVERY_KIT]
    names_of = {
        r.value.subject: r.name for r in entries.objects if r.value.event == DrillFinished.event
    }
    drills = [d for d in held(r.value for r in entries.objects) if d.finished]
    counts = [d for d in drills if d.answer or not d.whole]
    waits = [d for d in drills if d.whole and not d.answer]
    return (
        Proven(counts[-1].at, counts[-1].passed, names_of[counts[-1].drill_id]) if counts else None,
        Proven(waits[-1].at, True, names_of[waits[-1].drill_id]) if waits else None,
        Drilled(last_drilled(past), max(kits, default=None)),
    )


def _discovered(vault: Vault) -> Discovered | None:
    """The newest discovery; workstations of an earlier one where it could not judge them."""
    seen: set[str] = set()

    def is_last(entry: EvidenceEntry) -> bool:
        seen.add(entry.event)
        return {DiscoveryEnded.event, WorkstationsSeen.event} <= seen

    found = newest_entries(vault.store, vault.trust, DISCOVERY, is_last, limit=20)
    ended = [r for r in found.objects if r.value.event == DiscoveryEnded.event]
    stations = [r for r in found.objects if r.value.event == WorkstationsSeen.event]
    if not ended:
        return None
    newest, at_risk = ended[-1], stations[-1] if stations else None
    return Discovered(
        newest.value.at, DiscoveryEnded.of(newest.value), newest.name,
        WorkstationsSeen.of(at_risk.value) if at_risk else None, at_risk.name if at_risk else "",
    )  # fmt: skip


def open_reviews(vault: Vault) -> tuple[OpenReview, ...]:
    """Of the last two years: a review stays open until somebody gives it."""
    now = vault.clock.now()
    found = [
        resolved.value
        for stream in streams_at(now)
        for resolved in newest_entries(vault.store, vault.trust, stream, lambda _: False).objects
    ]
    return waiting(found, now).reviews


def _missing(vault: Vault, heads: Heads, code: str) -> list[Finding]:
    """Commits that are known to have been there and are not."""
    findings = []
    for source, (seq, digest) in heads.items():
        name = names.commit(source, seq)
        commits = _digests_at(vault, source, seq)
        if not any(found.startswith(digest) for found in commits):
            what = "a commit that was there is not in the store"
            findings.append(Finding(code, Severity.DAMAGE, name, what, (source,), (seq,)))
    return findings


def _digests_at(vault: Vault, source: str, seq: int) -> list[str]:
    """Digests of the versions that lie under a commit's name; who signed them is not asked."""
    name = names.commit(source, seq)
    found = resolve_signed(vault.store, name, lambda _, data: data)
    return [resolved.digest for resolved in found.objects]


def watch_stream(at: datetime) -> str:
    """One stream a month: the end of a stream is found by a listing of it, which must stay short."""
    return f"operations-watch-{at:%Y-%m}"


def newest_watch(vault: Vault) -> datetime | None:
    """When `{firm}__watch` last ran to its end, as it says itself; None before the first time."""
    now = vault.clock.now()
    for month in (now, now.replace(day=1) - timedelta(days=1)):
        entries = newest_entries(vault.store, vault.trust, watch_stream(month), _is_watch, limit=20)
        for resolved in reversed(entries.objects):
            if _is_watch(resolved.value):
                return resolved.value.at
    return None


def _is_watch(entry: EvidenceEntry) -> bool:
    return entry.event == WATCH_RAN


def record_watch(vault: Vault, facts: Mapping[str, str | int | bool]) -> str:
    """Says that a watch ran to its end. Returns the entry's digest."""
    return append(vault, watch_stream(vault.clock.now()), WATCH_RAN, facts=facts).digest


def sources_without_documents(
    vault: Vault, watched: Mapping[str, WatchedSource]
) -> list[WatchedSource]:
    """For a watcher who has no inventory: what the evidence says is watched; where it says nothing, each
    source that ever committed, by the next due time in its commits."""
    if watched:
        return list(watched.values())
    return [WatchedSource(source, None, "UTC") for source in sources_in(vault.store)]
