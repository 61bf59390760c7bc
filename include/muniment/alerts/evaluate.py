"""Evaluate: what is wrong now, from facts and nothing else.

Every limit stands here with its reason. A limit that is passed gives one condition; there is one key for
each thing that a person would mend, so that a run that failed, then is late, then is beyond what may be
lost stays one alert.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from muniment.alerts.deadlines import deadline
from muniment.alerts.evaluate_discovery import uncovered, workstations
from muniment.alerts.facts import Facts, Proven, SourceFacts
from muniment.alerts.model import Cause, Condition, Numbers, Severity
from muniment.alerts.reconcile import Judgement
from muniment.clock import to_text
from muniment.config.inventory_reader import TRUST_RPO
from muniment.evidence.drill_history import YEAR
from muniment.vault.finding import Finding
from muniment.vault.finding import Severity as Found

VERIFY_EVERY = timedelta(days=8)
"""A week, and a day to mend one that failed."""
DRILL_EVERY = timedelta(days=93)
"""The longest quarter, and a day."""
DRILL_WAITS = timedelta(days=3)
"""Plaintext lies in the sandbox until the partner answers."""
CHECK_EVERY = timedelta(hours=26)
"""A day, and two hours; as checkpoints, whose DAG it is a part of."""
CHECKPOINT_EVERY = timedelta(hours=26)
"""A day, and two hours for the night on which the clocks change and for a slow run."""
CANARY_EVERY = timedelta(days=8)
"""A week, and a day."""
CHANNEL_DOWN = timedelta(hours=24)
"""A channel that took nothing for a day is told through the others."""
WATCH_SILENT = timedelta(minutes=50)
"""The watch runs every 30 minutes; with a look every five minutes from outside, a scheduler that died
is told within the hour."""
LOCK_ENDS = timedelta(days=7)
"""A missed weekly run of the lock keeper, and a week in which to notice."""
INCOMPLETE_RUNS = 3
"""So many runs in a row without a success, and it is no passing trouble."""


def evaluate(facts: Facts) -> Judgement:
    """Conditions in the order in which they are found, and what could not be decided."""
    conditions = [
        *_stores(facts),
        *(c for source in facts.sources if source.readable for c in _source(source, facts.now)),
        *(c for source in facts.sources if source.readable for c in _anomaly(source)),
        *_configuration(facts),
        *_papers(facts),
        *_proofs(facts),
        *_reviews(facts),
        *_undrilled(facts),
        *uncovered(facts),
        *workstations(facts),
        *_findings(facts),
        *_channels(facts),
        *_locks(facts),
        *_watch(facts),
    ]
    undecided = {
        f"{kind}:{s.watched.source}"
        for s in facts.sources
        if not s.readable
        for kind in ("backup", "anomaly")
    }
    if not facts.home_readable:
        undecided |= {
            "verification",
            "drill",
            "drill:open",
            "drill:kit",
            "undrilled:",
            "check",
            "checkpoint",
            "watch",
            "canary",
            "papers:",
            "release:",
            "discovery",
            "discovery:",
            "departed:",
            "workstations",
        }
    if facts.papers is None:
        undecided.add("papers:")
    if facts.findings is None:
        undecided.add("vault:")
    if facts.locks is None:
        undecided.add("locks")
    if facts.canary is None:
        undecided.add("canary")
    return Judgement(tuple(conditions), frozenset(undecided))


# -- sources ---------------------------------------------------------------------------------------


def _source(facts: SourceFacts, now: datetime) -> Iterator[Condition]:
    """One condition at most: a source is backed up as promised, or it is not."""
    watched, runs = facts.watched, facts.runs
    good = [r for r in runs if r.success]
    last = max(good, key=lambda r: r.started_at, default=None)
    since = watched.known_since or now
    promised = deadline(watched.schedule, watched.zone, runs, since, trust=watched.trust)
    late = promised is not None and promised.missed(now)
    failures = [f for f in facts.failures if last is None or f.at > last.ended_at]
    bad_runs = [r for r in runs if not r.success and (last is None or r.seq > last.seq)]
    # Client money: so long after the last good snapshot somebody is told, whatever row and schedule allow,
    # and however well every other source does. From its end, so that a slow run is not told every night.
    trust_due = (last.ended_at if last else since) + TRUST_RPO
    bare = watched.trust and now > trust_due
    rpo = min(watched.rpo or TRUST_RPO, TRUST_RPO) if watched.trust else watched.rpo
    beyond = rpo is not None and now - (last.started_at if last else since) > rpo
    # One failed run commits nothing, or an incomplete snapshot, and is said by its worker as well.
    times = max(len({f.run for f in failures}), len(bad_runs))
    if not (late or bare or failures or bad_runs or (beyond and promised is None)):
        return
    due = promised.due if promised and late else trust_due if bare else None
    if failures and not bad_runs:
        cause = Cause.FAILED
    elif bad_runs:
        cause = Cause.INCOMPLETE
    else:
        cause = Cause.LATE if last else Cause.NEVER_RUN
    severity = Severity.WARNING
    if late or watched.critical or times >= INCOMPLETE_RUNS:
        severity = Severity.SERIOUS
    if watched.trust or (beyond and watched.critical):
        severity = Severity.CRITICAL
    yield Condition(
        key=f"backup:{watched.source}",
        cause=cause,
        severity=severity,
        subject=watched.source,
        owner=watched.owner,
        since=due,
        at_once=watched.trust,
        numbers={
            "times": times,
            "code": failures[-1].code if failures else facts.code,
            "due": to_text(due) if due else "",
            "last_good": to_text(last.ended_at) if last else "",
            "began": to_text(facts.began) if facts.began else "",
            "beyond_rpo": beyond,
        },
        refs=tuple(f.ref for f in failures[-3:] if f.ref),
    )


def _anomaly(facts: SourceFacts) -> Iterator[Condition]:
    """Critical and at once, whoever owns it: every hour counts, and the managing partner decides."""
    found = facts.suspicion
    if found is None:
        return
    yield Condition(
        f"anomaly:{facts.watched.source}", Cause.ANOMALY, Severity.CRITICAL, facts.watched.source,
        facts.watched.owner, since=found.at, at_once=True,
        numbers={
            "seq": found.seq, "signals": " ".join(found.signals), "count": found.count, "of": found.of,
            "last_clean": found.last_clean or "none",
        },
        refs=(found.ref,) if found.ref else (),
    )  # fmt: skip


def _configuration(facts: Facts) -> Iterator[Condition]:
    for subject in facts.configuration:
        yield Condition(
            f"configuration:{subject}",
            Cause.CONFIGURATION,
            Severity.SERIOUS,
            subject,
            facts.owner,
        )


def _papers(facts: Facts) -> Iterator[Condition]:
    """Serious and never more: a paper that stays away for months must not make every heartbeat say
    `fail`, which would hide a scheduler that died."""
    for seen in facts.papers or ():
        for (account, month), late in seen.late(facts.now).items():
            yield Condition(
                f"papers:{account}:{month}", Cause.TRUST_PAPERS_OVERDUE, Severity.SERIOUS,
                f"{account}, {month}", seen.owner or facts.owner, since=min(d.late for d in late),
                numbers={
                    "papers": ", ".join(sorted(d.paper for d in late)),
                    "due": to_text(min(d.due for d in late)), "source": seen.source,
                },
            )  # fmt: skip


# -- what must be repeated -------------------------------------------------------------------------


def _proofs(facts: Facts) -> Iterator[Condition]:
    if facts.began is None or not facts.home_readable:
        return
    for key, proven, every, failed, overdue, severity in (
        ("verification", facts.verification, VERIFY_EVERY,
         Cause.VERIFICATION_FAILED, Cause.VERIFICATION_OVERDUE, Severity.SERIOUS),
        ("drill", facts.drill, DRILL_EVERY,
         Cause.DRILL_FAILED, Cause.DRILL_OVERDUE, Severity.WARNING),
        ("checkpoint", facts.checkpoint, CHECKPOINT_EVERY,
         None, Cause.CHECKPOINT_OVERDUE, Severity.WARNING),
        ("check", facts.check, CHECK_EVERY,
         Cause.CHECK_FAILED, Cause.CHECK_OVERDUE, Severity.WARNING),
    ):  # fmt: skip
        if key == "check" and proven is None:
            # Who works without Airflow checks by `muniment check`, which signs nothing.
            continue
        yield from _proof(facts, key, proven, every, failed, overdue, severity)
    waits = facts.drill_open
    if waits is not None and facts.now - waits.at > DRILL_WAITS:
        yield Condition(
            "drill:open", Cause.DRILL_OPEN, Severity.WARNING, owner=facts.owner,
            since=waits.at + DRILL_WAITS, refs=(waits.ref,),
            numbers={"last": to_text(waits.at), "days": (facts.now - waits.at).days},
        )  # fmt: skip


def _reviews(facts: Facts) -> Iterator[Condition]:
    """Told at once and to the managing partner, whoever the two are."""
    for one in facts.reviews:
        yield Condition(
            f"release:{one.nonce[:16]}", Cause.GLASS_BROKEN, Severity.SERIOUS, owner=facts.owner,
            since=one.at, at_once=True,
            numbers={"run": one.run_id, "people": " and ".join(one.persons), "due": to_text(one.due)},
        )  # fmt: skip


def _undrilled(facts: Facts) -> Iterator[Condition]:
    """What no drill gave back within a year: a source, and anything from the recovery kit alone."""
    if facts.began is None or not facts.home_readable or facts.drilled is None:
        return
    for each in facts.sources:
        watched = each.watched
        last = facts.drilled.sources.get(watched.source)
        # A source without a snapshot has other worries.
        since = last or watched.known_since
        if each.readable and each.runs and since and facts.now - since > YEAR:
            yield Condition(
                f"undrilled:{watched.source}", Cause.DRILL_SOURCE_OVERDUE, Severity.WARNING,
                subject=watched.source, owner=watched.owner or facts.owner, since=since + YEAR,
                numbers={"last": to_text(last) if last else "", "days": (facts.now - since).days},
            )  # fmt: skip
    since = facts.drilled.kit or facts.began
    if facts.now - since > YEAR:
        kit = facts.drilled.kit
        yield Condition(
            "drill:kit", Cause.DRILL_KIT_OVERDUE, Severity.WARNING, owner=facts.owner,
            since=since + YEAR,
            numbers={"last": to_text(kit) if kit else "", "days": (facts.now - since).days},
        )  # fmt: skip


def _proof(
    facts: Facts,
    key: str,
    proven: Proven | None,
    every: timedelta,
    failed: Cause | None,
    overdue: Cause,
    severity: Severity,
) -> Iterator[Condition]:
    last = proven.at if proven else facts.began
    assert last is not None
    refs = (proven.ref,) if proven and proven.ref else ()
    numbers: Numbers = {
        "last": to_text(proven.at) if proven else "",
        "days": (facts.now - last).days,
        "codes": proven.codes if proven else "",
    }
    if proven and not proven.good and failed:
        # Damage of what is stored is told to those above at once.
        worst = failed is Cause.CHECK_FAILED
        yield Condition(
            key, failed, Severity.CRITICAL if worst else Severity.SERIOUS, owner=facts.owner,
            since=last, at_once=worst, numbers=numbers, refs=refs,
        )  # fmt: skip
    elif facts.now - last > every:
        # Twice the time without a proof is no forgotten week any more.
        worse = Severity.SERIOUS if facts.now - last > 2 * every else severity
        yield Condition(
            key, overdue, worse, owner=facts.owner, since=last + every, numbers=numbers, refs=refs
        )


# -- the vault -------------------------------------------------------------------------------------


def _stores(facts: Facts) -> Iterator[Condition]:
    for name, code in facts.unreachable.items():
        yield Condition(
            f"store:{name}", Cause.STORE_UNREACHABLE, Severity.SERIOUS, name, facts.owner,
            numbers={"code": code},
        )  # fmt: skip
    for name, code in facts.untrusted.items():
        yield Condition(
            f"store:{name}", Cause.TRUST_BROKEN, Severity.CRITICAL, name, facts.owner,
            at_once=True, numbers={"code": code},
        )  # fmt: skip


_OF_FINDING = {
    Found.DAMAGE: ("vault:damage", Cause.DAMAGE),
    Found.TAMPERING: ("vault:tampering", Cause.TAMPERING),
}
SET_BACK_CODES = frozenset({"D120", "D121", "D125"})
"""Findings that say: what was there is gone."""


def _findings(facts: Facts) -> Iterator[Condition]:
    groups: dict[tuple[str, Cause], list[Finding]] = {}
    for finding in facts.findings or ():
        if finding.code in SET_BACK_CODES:
            groups.setdefault(("vault:set_back", Cause.SET_BACK), []).append(finding)
        elif finding.severity in _OF_FINDING:
            groups.setdefault(_OF_FINDING[finding.severity], []).append(finding)
    for (key, cause), found in groups.items():
        yield Condition(
            key, cause, Severity.CRITICAL, owner=facts.owner, at_once=True,
            numbers={"findings": len(found), "codes": " ".join(sorted({f.code for f in found}))},
            refs=tuple(sorted({f.object for f in found})[:5]),
        )  # fmt: skip


def _locks(facts: Facts) -> Iterator[Condition]:
    if facts.locks and facts.locks.objects and facts.locks.earliest - facts.now < LOCK_ENDS:
        yield Condition(
            "locks", Cause.LOCK_ENDING, Severity.SERIOUS, owner=facts.owner,
            since=facts.locks.earliest,
            numbers={"objects": facts.locks.objects, "earliest": to_text(facts.locks.earliest)},
        )  # fmt: skip


# -- the alarm itself ------------------------------------------------------------------------------


def _channels(facts: Facts) -> Iterator[Condition]:
    for channel in facts.channels:
        # A notice may wait for a channel that takes the others: it refuses this one.
        since = min((t for t in (channel.failing_since, channel.oldest) if t), default=None)
        if since is not None and facts.now - since > CHANNEL_DOWN:
            yield Condition(
                f"channel:{channel.name}", Cause.CHANNEL_DOWN, Severity.SERIOUS, channel.name,
                facts.owner, since=since, at_once=True,
                numbers={
                    "pending": channel.pending, "attempts": channel.attempts,
                    "cause": channel.cause,
                },
            )  # fmt: skip
    canary = facts.canary
    if canary is not None:
        last = canary.arrived_at or canary.expected_since
        if facts.now - last > CANARY_EVERY:
            yield Condition(
                "canary", Cause.CANARY_LOST, Severity.SERIOUS, owner=facts.owner,
                since=last + CANARY_EVERY, at_once=True,
                numbers={"last": to_text(canary.arrived_at) if canary.arrived_at else ""},
            )  # fmt: skip


def _watch(facts: Facts) -> Iterator[Condition]:
    if not facts.outside or not facts.home_readable:
        return
    last = facts.watch_at or facts.began
    if last is not None and facts.now - last > WATCH_SILENT:
        yield Condition(
            "watch", Cause.WATCH_SILENT, Severity.CRITICAL, owner=facts.owner,
            since=last + WATCH_SILENT, at_once=True,
            numbers={
                "last": to_text(facts.watch_at) if facts.watch_at else "",
                "minutes": int((facts.now - last).total_seconds() // 60),
            },
        )  # fmt: skip
