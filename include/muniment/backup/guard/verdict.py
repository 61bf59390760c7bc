"""Verdict: what `commit` needs of the guard, in one piece: what the commit says of an attack."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from muniment.backup.run import BackupRun
from muniment.backup.work import Plan, ShardResult
from muniment.errors import StagingGone
from muniment.vault.documents import GuardOfCommit, Head, SignOfAttack
from muniment.vault.state import State
from muniment.vault.suspicion import suspicions

if TYPE_CHECKING:
    from muniment.backup.guard.judge import Sign


def guarded(
    run: BackupRun, plan: Plan, before: State, results: Mapping[str, ShardResult]
) -> tuple[GuardOfCommit | None, dict[str, str]]:
    """What the commit says of an attack, none on a normal day; and the source's habits with this run, unless it
    is suspicious. A run in which nothing changed has nothing to judge and nothing to remember."""
    signs, remembered = _judged(run, plan, before, results)
    earlier = suspicions(run.vault, run.history)
    if not signs and not earlier.open:
        return None, remembered
    begins = min((sign.begins for sign in signs if sign.begins), default=0)
    first = earlier.open[0] if earlier.open else None
    clean = earlier.clean_before(begins or plan.seq)
    guard = GuardOfCommit(
        suspicious=bool(signs),
        signs=tuple(SignOfAttack(signal=s.signal, count=s.count, of=s.of) for s in signs),
        begins=begins or None,
        since=Head(seq=first.seq, digest=first.digest) if first else None,
        last_clean=Head(seq=clean.seq, digest=clean.digest) if clean else None,
    )
    return guard, remembered


def _judged(
    run: BackupRun, plan: Plan, before: State, results: Mapping[str, ShardResult]
) -> tuple[tuple[Sign, ...], dict[str, str]]:
    if run.options.guard is None or not plan.signs:
        return (), {}
    # Loaded where something changed: most nights nothing did.
    from muniment.backup.guard.habits import Day, Habits
    from muniment.backup.guard.judge import judge
    from muniment.backup.guard.signs import ContentSigns, NameSigns

    signs, contents = NameSigns.of(plan.signs), ContentSigns()
    for ref in plan.shards:
        if ref.shard in results:
            # Not there where the guard was turned on since, or the program was replaced under a run.
            with suppress(StagingGone):
                data = run.staging.read(run.staging.shard(ref.shard) / "signs")
                contents.add(ContentSigns.from_bytes(data))
    habits = Habits.of(before.facts)
    first = not plan.parent_seq
    found = judge(plan.seq, signs, contents, habits, run.options.guard, first=first)
    return found, {} if found else habits.after(Day.of(plan.seq, signs, contents), contents)
