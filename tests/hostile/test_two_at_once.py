"""Two workers with keys of their own back up one source at the same time, with clocks that differ."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from muniment.backup import pipeline
from muniment.backup.commit import Outcome
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.config.matters import MatterRules
from muniment.errors import ClockError, CommitConflict
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.vault.setup import PublicSigner, add_signer
from muniment.vault.signing import Signer
from muniment.vault.store.base import Store
from muniment.vault.vault import Vault
from tests.hostile.looking import same_again
from tests.support.practice import RULE, Practice


class WithClock:
    """A store that knows the time, as S3 does."""

    def __init__(self, inner: Store, clock: FixedClock) -> None:
        self._inner = inner
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def now(self) -> datetime:
        return self._clock.now()


class Worker:
    """A machine with an identity, a signing key, a staging folder and a clock of its own."""

    def __init__(self, practice: Practice, name: str, ahead: timedelta = timedelta()) -> None:
        self.practice = practice
        self.name = name
        self.ahead = ahead
        self.signer = Signer.generate()
        self.runs = 0
        add_signer(
            practice.vault("escrow"), practice.keys.root, PublicSigner("worker", self.signer.public)
        )

    def run(self, **options: Any) -> BackupRun:
        practice = self.practice
        assert isinstance(practice.clock, FixedClock)
        vault = Vault(
            WithClock(practice.store, practice.clock),  # type: ignore[arg-type]
            practice.pin,
            identities=[practice.keys.worker],
            signer=self.signer,
            clock=FixedClock(practice.clock.now() + self.ahead),
        )
        self.runs += 1
        return BackupRun(
            vault,
            practice.source(),
            practice.folder / f"staging-{self.name}",
            f"{self.name}-{self.runs}",
            assign=MatterRules.compile([RULE], "files").match,
            options=BackupOptions(**options),
        )

    def back_up(self, **options: Any) -> Outcome:
        self.practice.let_settle()
        outcome = back_up(self.run(**options))
        assert isinstance(self.practice.clock, FixedClock)
        self.practice.clock.advance(timedelta(minutes=1))
        return outcome


def signers(practice: Practice) -> list[str]:
    return [r.signer for r in practice.vault().history("files").trusted]


def test_of_two_workers_at_once_one_wins_and_the_other_says_so_and_nothing_is_lost(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have listed, read and uploaded before either commits; between the two listings somebody
    writes a document that only the second one saw."""
    workers = [Worker(practice, "north"), Worker(practice, "south")]
    workers[0].back_up()
    practice.write("Office/both.txt", "both see it")
    together = threading.Barrier(2)
    commit = pipeline.commit_snapshot
    second_may_list = threading.Event()
    monkeypatch.setattr(
        pipeline, "commit_snapshot", lambda run, done: (together.wait(30), commit(run, done))[1]
    )
    plan = pipeline.make_plan

    def planned(run: BackupRun) -> Any:
        if run.run_id.startswith("south"):
            assert second_may_list.wait(30)
            practice.write("Office/late.txt", "only the second sees it")
            practice.let_settle()
        made = plan(run)
        second_may_list.set()
        return made

    monkeypatch.setattr(pipeline, "make_plan", planned)
    practice.let_settle()

    def attempt(worker: Worker) -> Outcome | CommitConflict:
        try:
            return back_up(worker.run())
        except CommitConflict as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, workers))
    monkeypatch.undo()

    conflicts = [o for o in outcomes if isinstance(o, CommitConflict)]
    winners = [o for o in outcomes if isinstance(o, Outcome)]
    assert len(conflicts) == len(winners) == 1
    assert winners[0].completeness == "complete" and winners[0].seq == 2
    assert "another run committed snapshot 2 of this source first" in str(conflicts[0])
    assert conflicts[0].todo and conflicts[0].safe
    history = practice.vault().history("files")
    assert [r.seq for r in history.trusted] == [1, 2] and not history.findings
    loser = workers[outcomes.index(conflicts[0])]

    following = loser.back_up()

    assert (following.seq, following.completeness) == (3, "complete")
    same_again(practice)
    assert signers(practice)[-1] == loser.signer.keyid


def test_two_workers_take_turns_and_each_knows_what_the_other_did(practice: Practice) -> None:
    north, south = Worker(practice, "north"), Worker(practice, "south")
    north.back_up()
    practice.write("Office/a.txt", "a")
    assert south.back_up().counts["added"] == 1
    practice.write("Office/b.txt", "b")
    (practice.share / "Office/a.txt").unlink()
    outcome = north.back_up()
    assert (outcome.counts["added"], outcome.counts["removed"]) == (1, 1)
    assert south.back_up().counts["read_bytes"] == 0
    same_again(practice)
    keys = [north.signer.keyid, south.signer.keyid]
    assert signers(practice) == keys * 2


@pytest.mark.parametrize("hours", [1, -1], ids=["an hour ahead", "an hour behind"])
def test_a_worker_whose_clock_is_outside_the_tolerance_commits_nothing_and_the_other_goes_on(
    practice: Practice, hours: int
) -> None:
    right, wrong = Worker(practice, "right"), Worker(practice, "wrong", timedelta(hours=hours))
    right.back_up()
    practice.write("Office/new.txt", "x")

    with pytest.raises(ClockError, match=r"3600 seconds (ahead of|behind) the store's"):
        wrong.back_up()

    assert len(signers(practice)) == 1
    outcome = right.back_up()
    assert (outcome.seq, outcome.completeness) == (2, "complete")
    same_again(practice)


@pytest.mark.parametrize("hours", [1, -1], ids=["an hour ahead", "an hour behind"])
def test_a_clock_inside_the_tolerance_is_written_down_and_hides_no_snapshot(
    practice: Practice, hours: int
) -> None:
    """A firm may allow two hours. The newest snapshot is the newest, whatever its clock said; order is
    that of the chain, and the difference stands in the commit."""
    right, wrong = Worker(practice, "right"), Worker(practice, "wrong", timedelta(hours=hours))
    allowed = {"clock_tolerance": timedelta(hours=2)}
    right.back_up(**allowed)
    practice.write("Office/new.txt", "x")
    assert wrong.back_up(**allowed).completeness == "complete"

    record = practice.vault().history("files").at(2)
    assert record.commit.clock_offset_ms == hours * 3_600_000
    plan = make_restore_plan(practice.vault(), Selection(Scope.SOURCE))
    assert plan.choices[0].seq == 2
    same_again(practice, "now")

    practice.write("Office/newer.txt", "y")
    assert right.back_up(**allowed).counts["added"] == 1
    assert make_restore_plan(practice.vault(), Selection(Scope.SOURCE)).choices[0].seq == 3
    same_again(practice, "later")
    assert wrong.back_up(**allowed).counts["read_bytes"] == 0


def test_the_digest_of_a_plan_of_the_newest_is_the_same_when_it_is_made_again(
    practice: Practice,
) -> None:
    """Also where the newest snapshot says that it ended after now."""
    Worker(practice, "ahead", timedelta(minutes=4)).back_up()
    vault, selection = practice.vault(), Selection(Scope.SOURCE)
    plan = make_restore_plan(vault, selection)
    again = make_restore_plan(vault, selection, datetime.fromisoformat(plan.as_of))
    assert again.digest == plan.digest
    assert plan.choices[0].taken_at <= plan.as_of
