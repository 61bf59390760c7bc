"""Plan: list the source, hold it against the state, and cut what changed into shards.

Nothing is read but the listing, and what that brings. What the listing could not see keeps its earlier
rows; a source that is gone, empty, or another one than last time is refused, so that it never looks like
a deletion.
"""

from __future__ import annotations

import hmac
from functools import partial

from muniment.backup.believe import believable
from muniment.backup.difference import Difference, difference
from muniment.backup.known import IDENTITY_FACT, KnownState
from muniment.backup.run import BackupRun
from muniment.backup.shards import cut, within_limit
from muniment.backup.work import Plan
from muniment.clock import to_text
from muniment.errors import ClockError, SourceMissing
from muniment.sources.base import SourceHealth
from muniment.vault.state import State

_MATTER_FACT = "matter:"


def make_plan(run: BackupRun) -> Plan:
    """Writes plan and work into staging; returns the plan.

    Raises:
        SourceMissing, SourceSuspect: the source is not to be believed; nothing is recorded.
        ClockError: times of this run could not be evidence.
        SignatureError: nobody would believe what this worker signs.
        StagingError, StoreError, VaultError: as they say.
    """
    run.require_entitled()
    clock = run.vault.clock
    started = clock.now()
    offset = _clock_offset(run)
    health = run.source.probe()
    head = run.history.head
    state = run.vault.state(run.history) if head else State()
    _same_source(run, health, state)
    known = KnownState(run, state, health.identity)
    found = _held_against(run, state, health, known)
    believable(run.options, state, found, by_kind=health.by_kind)
    busy_until = health.bulk_from if health.bulk_from and health.bulk_from > started else None
    taken, deferred = within_limit(found.work, run.options, busy=busy_until is not None)
    shards = list(cut(found.work, taken, run.options))
    facts = {IDENTITY_FACT: health.identity}
    matters = _new_matters(run, state, facts)
    plan = Plan(
        run_id=run.run_id,
        source=run.source_id,
        seq=run.history.next_seq,
        parent_seq=head.seq if head else 0,
        parent=head.digest if head else None,
        started_at=to_text(started),
        scanned_at=to_text(clock.now()),
        clock_offset_ms=offset,
        shards=tuple(ref for ref, _ in shards),
        deferred_items=deferred,
        gone=tuple(found.gone) if not deferred else (),
        seen=found.seen,
        source_bytes=found.source_bytes,
        facts=facts,
        matters=matters,
        memory=known.remembered if not deferred else {},
        next_not_before=to_text(busy_until) if busy_until is not None else "",
        signs=_signs(run, state, found),
    )
    for ref, places in shards:
        run.leave_work(ref.shard, "work", partial(found.work.pick, places))
    if not run.in_one_process:
        found.work.drop()
    with run.staging.writer(run.staging.folder / "plan") as out:
        out.write(plan.to_bytes())
    # Where the later stages run in this process, they need not load them again.
    run.plan, run.state = plan, state
    return plan


def _held_against(
    run: BackupRun, state: State, health: SourceHealth, known: KnownState
) -> Difference:
    """The listing beside the state; what it could not see is written down."""
    # What is brought is of no use to anybody before the plan is written: a plan begins anew.
    brought = run.brought_writer()
    try:
        with run.staging.writer(run.staging.folder / "skipped") as out:
            found = difference(
                run, state, run.source.scan(known), health, run.history.retention, brought,
                lambda untaken: out.write(untaken.line()),
            )  # fmt: skip
        brought.close()
    finally:
        brought.abort()
    return found


def _signs(run: BackupRun, state: State, found: Difference) -> dict[str, int]:
    """Of all that was found, also where a run takes only a part: the next one no longer sees what is gone."""
    if run.options.guard is None or not (found.work or found.gone):
        return {}
    from muniment.backup.guard.habits import Habits
    from muniment.backup.guard.signs import name_signs

    known = Habits.of(state.facts).extensions
    signs = name_signs(run, state, found.work, found.gone, found.content_seen, known)
    signs.accepted = int(run.options.accept_mass_deletion)
    return signs.as_dict()


# -- may it be believed? -------------------------------------------------------------------------


def _clock_offset(run: BackupRun) -> int | None:
    theirs = run.vault.store.now()
    if theirs is None:
        return None
    offset = run.vault.clock.now() - theirs
    if abs(offset) > run.options.clock_tolerance:
        raise ClockError(
            f"this machine's clock is {abs(int(offset.total_seconds()))} seconds "
            f"{'ahead of' if offset.total_seconds() > 0 else 'behind'} the store's",
            to=run.vault.store.label,
        )
    return int(offset.total_seconds() * 1000)


def _same_source(run: BackupRun, health: SourceHealth, state: State) -> None:
    before = state.facts.get(IDENTITY_FACT)
    if before and before != health.identity and not run.options.accept_mass_deletion:
        raise SourceMissing(
            "another file system or system lies where this source was",
            to=run.source_id,
            todo="Mount the right one, or give consent for the right account, and clear this task. If "
            "the source really moved, run once with `--accept-mass-deletion`.",
        )


def _new_matters(
    run: BackupRun, state: State, facts: dict[str, str]
) -> tuple[tuple[str, str, str], ...]:
    """Matters whose number or title the snapshots do not know yet; remembers them by a MAC."""
    new = []
    for matter, (number, title) in sorted(run.named.items()):
        mark = hmac.digest(run.matter_mark_key, f"{number}\x00{title}".encode(), "sha256")[:8].hex()
        key = _MATTER_FACT + matter
        if state.facts.get(key) != mark:
            facts[key] = mark
            new.append((matter, number, title))
    return tuple(new)
