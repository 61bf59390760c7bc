"""Roll-ups and the proof of the evidence: what lies, what is late, what a thief wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from muniment.assurance.check import check
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.errors import FormatError, SignatureError
from muniment.evidence.configuration import load_timeline
from muniment.evidence.events import (
    RESTORES,
    ROLLUPS,
    RestoreEnded,
    RunStarted,
    write,
)
from muniment.evidence.ledger import Ledger
from muniment.evidence.past import look_back
from muniment.evidence.recording import recorded_run, restore_ended, run_started
from muniment.evidence.rollup import SETTLE, Rollup, load_rollups, write_rollups
from muniment.evidence.runs import Result
from muniment.evidence.upkeep import keep_up
from muniment.evidence.verify import verify_evidence
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.documents import Head
from muniment.vault.evidence import append, load_stream, worker_stream
from muniment.vault.setup import PublicSigner, add_signer, revoke_signer
from muniment.vault.signing import Signer
from tests.support.fake_stores import VersionedStore
from tests.support.firms import cells, loaded
from tests.support.practice import MONDAY, Practice
from tests.support.year import Share


class Office:
    """A firm whose share is backed up every night, day after day."""

    def __init__(self, practice: Practice, folder: Path) -> None:
        self.practice = practice
        folder.mkdir()
        self.config = loaded(folder, rows=(cells("files"),))
        self.clock = practice.clock
        assert isinstance(self.clock, FixedClock)
        self.share = Share("files", self.clock)
        keep_up(practice.vault(), self.config, "main")

    def nights(self, count: int, *, upkeep: bool = False) -> None:
        assert isinstance(self.clock, FixedClock)
        for _ in range(count):
            # 02:00 in New York is 07:00 or 06:00 in Greenwich.
            self.clock.advance(timedelta(days=1))
            self.back_up()
            if upkeep:
                keep_up(self.practice.vault(), self.config, "main")

    def back_up(self) -> None:
        run = BackupRun(
            self.practice.vault("worker"), self.share, self.practice.staging,
            f"run-{self.clock.now():%m%d%H%M%S}", options=BackupOptions(threads=1),
        )  # fmt: skip
        with recorded_run(run.vault, "files", run.run_id, self.config.digests) as outcomes:
            outcomes.append(back_up(run))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    clock = FixedClock(MONDAY.replace(hour=7, minute=10))
    practice = Practice(tmp_path / "firm", VersionedStore(clock), clock=clock)
    return Office(practice, tmp_path / "documents")


def months(office: Office) -> list[str]:
    vault = office.practice.vault("nobody")
    return [r.month for r in load_rollups(vault, load_timeline(vault)).months]


def test_a_month_is_rolled_up_when_it_is_over_and_once(office: Office) -> None:
    office.nights(70, upkeep=True)
    assert months(office) == ["2026-03", "2026-04"]
    stream = load_stream(office.practice.store, office.practice.vault().trust, ROLLUPS)
    assert [e.subject for e in stream.events()] == ["2026-03", "2026-04"]
    first, second = (Rollup.of(e) for e in stream.events())
    assert first.until == second.since == datetime.fromisoformat("2026-04-01T04:00:00+00:00")
    assert next(e.at for e in stream.events()) >= first.until + SETTLE
    assert Ledger.from_text(first.ledger.to_text()) == first.ledger


def test_nobody_rolled_up_for_months_and_then_all_of_them_are(office: Office) -> None:
    office.nights(100)
    assert write_rollups(office.practice.vault()) == ["2026-03", "2026-04", "2026-05"]
    assert write_rollups(office.practice.vault()) == []
    vault = office.practice.vault("nobody")
    assert look_back(vault).ledger == look_back(vault, rollups=False).ledger


def test_a_roll_up_that_lies_is_found_and_the_originals_are_still_there(office: Office) -> None:
    office.nights(35)
    vault = office.practice.vault()
    write_rollups(vault)
    [true] = load_rollups(vault, load_timeline(vault)).months
    better = tuple(replace(r, result=Result.COMPLETE, failed_at=None) for r in true.ledger.runs)
    office.share.away = True
    write(vault, ROLLUPS, replace(true, ledger=replace(true.ledger, runs=better[:-1])))
    report = verify_evidence(office.practice.vault("nobody"))
    assert [f.code for f in report.findings] == ["T253"] and not report.good
    lied, honest = look_back(vault), look_back(vault, rollups=False)
    assert len(honest.ledger.runs) == len(lied.ledger.runs) + 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda facts: facts | {"ledger": "{"},
        lambda facts: facts | {"since": "soon"},
        lambda facts: facts | {"commits.files": "twelve"},
        lambda facts: facts | {"ledger": '{"runs":[{"source":1}]}'},
        lambda facts: facts | {"until": "2026-04-02T04:00:00Z"},
    ],
)
def test_a_roll_up_that_cannot_be_read_or_is_of_another_time_is_passed_over(
    office: Office, spoil: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    office.nights(35)
    vault = office.practice.vault()
    write_rollups(vault)
    [true] = load_rollups(vault, load_timeline(vault)).months
    append(vault, ROLLUPS, "rollup", subject="2026-03", facts=spoil(dict(true.facts())))  # type: ignore[arg-type]
    assert months(office) == []
    past = look_back(vault)
    assert past.months == 0 and past.ledger == look_back(vault, rollups=False).ledger
    # The next upkeep writes it anew, and the newest counts.
    assert write_rollups(vault) == ["2026-03"]
    assert months(office) == ["2026-03"]


def test_an_entry_that_came_late_with_an_early_time_is_counted_and_told(office: Office) -> None:
    office.nights(35)
    vault = office.practice.vault()
    write_rollups(vault)
    asked = MONDAY + timedelta(days=3)
    event = RestoreEnded("late", "matter", asked, "0" * 64, ("files",), True, 1, 1)
    append(
        vault,
        RESTORES,
        event.event,
        subject="late",
        facts=event.facts(),
        at=asked + timedelta(hours=1),
    )
    assert [r.restore_id for r in look_back(vault).ledger.restores] == ["late"]
    assert {f.code for f in verify_evidence(vault).findings} == {"T253"}


def test_what_a_thief_of_the_worker_signed_counts_no_more_in_any_month(office: Office) -> None:
    office.nights(20)
    practice = office.practice
    good = practice.vault().history("files").head
    assert good is not None
    stolen_at = practice.clock.now() + timedelta(hours=1)
    write_checkpoint(practice.vault())
    office.nights(20, upkeep=True)
    vault = practice.vault("nobody")
    assert months(office) == ["2026-03"]
    assert all(r.result.success for r in look_back(vault).ledger.runs)

    thief = practice.keys.worker_signer
    trusted = {"files": Head(seq=good.seq, digest=good.digest)}
    revoke_signer(
        practice.vault("escrow"), practice.keys.root, thief.keyid, trusted, since=stolen_at
    )
    # The roll-up was written before root said so: it is passed over, then written anew.
    assert months(office) == []
    before = look_back(practice.vault("nobody")).ledger
    assert write_rollups(practice.vault()) == ["2026-03"]
    after = look_back(practice.vault("nobody"))
    assert after.months == 1 and after.ledger == before
    results = [r.result for r in after.ledger.runs]
    assert results[:18] == [Result.COMPLETE] * 18
    assert set(results[21:]) == {Result.FAILED}


def test_a_revoked_signers_evidence_counts_up_to_the_last_checkpoint_before(
    office: Office,
) -> None:
    practice = office.practice
    office.nights(3)
    write_checkpoint(practice.vault())
    office.nights(1)
    vault = practice.vault("escrow")
    stream = worker_stream("files")
    before = [e.digest for e in load_stream(practice.store, vault.trust, stream).entries]
    assert isinstance(office.clock, FixedClock)
    head = practice.vault().history("files").head
    assert head is not None
    trusted = {"files": Head(seq=head.seq, digest=head.digest)}
    thief = practice.keys.worker_signer
    revoke_signer(vault, practice.keys.root, thief.keyid, trusted)
    practice.keys.worker_signer = Signer.generate()
    add_signer(
        practice.vault("escrow"), practice.keys.root,
        PublicSigner("worker", practice.keys.worker_signer.public),
    )  # fmt: skip
    trust = practice.vault("nobody").trust
    found = load_stream(practice.store, trust, stream)
    # Two entries a night: six stand, the two since the checkpoint do not.
    assert [e.digest for e in found.entries] == before[:6]
    assert {f.code for f in found.findings} == {"T221"}

    # The successor goes on after the last that stands; what the thief adds is told and left out.
    office.nights(1)
    practice.keys.worker_signer, new = thief, practice.keys.worker_signer
    with pytest.raises(SignatureError):
        office.back_up()
    with pytest.raises(SignatureError):
        write(practice.vault("worker"), stream, RunStarted("thief", "files"))
    append(practice.vault("worker"), stream, "run.started", subject="thief")
    practice.keys.worker_signer = new
    office.nights(1)
    trust = practice.vault("nobody").trust
    found = load_stream(practice.store, trust, stream)
    assert [e.digest for e in found.entries[:6]] == before[:6]
    assert [e.value.event for e in found.entries[6:]] == ["run.started", "run.ended"] * 2
    assert {f.code for f in found.findings} == {"T221"}


def test_a_signer_of_another_role_leaves_no_entry_that_looks_like_tampering(
    office: Office,
) -> None:
    practice = office.practice
    event = RestoreEnded("r", "matter", MONDAY, "0" * 64, ("files",), True, 1, 1)
    for role in ("worker", "escrow", "nobody"):
        error = restore_ended(practice.vault(role), event)
        assert error is not None
    run_started(practice.vault("operations"), "files", "run", {})
    assert check(practice.vault("nobody")).good
    assert restore_ended(practice.vault(), event) is None


def test_a_worker_under_an_inventory_that_nobody_noted_is_told(office: Office) -> None:
    office.nights(2)
    assert verify_evidence(office.practice.vault("nobody")).findings == []
    run_started(office.practice.vault("worker"), "files", "other", {"inventory.csv": "f" * 64})
    report = verify_evidence(office.practice.vault("nobody"))
    assert [f.code for f in report.findings] == ["W330"] and report.good


def test_entries_that_were_removed_are_missed_by_the_checkpoint(office: Office) -> None:
    office.nights(3)
    write_checkpoint(office.practice.vault())
    store = office.practice.store
    assert isinstance(store, VersionedStore)
    newest = max(v.name for v in store.list("evidence/worker-files/"))
    store.lose(newest)
    report = verify_evidence(office.practice.vault("nobody"))
    assert (newest, "D125") in {(f.object, f.code) for f in report.findings}
    assert not report.good


def test_a_ledger_of_rubbish_is_refused() -> None:
    with pytest.raises(FormatError):
        Ledger.from_text("[]")
