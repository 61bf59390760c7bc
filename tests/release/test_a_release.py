"""A release: who may give it, what it is good for, and that it is good for nothing else."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from datetime import timedelta

import pytest

from muniment.clock import to_text
from muniment.errors import (
    IntegrityError,
    MunimentError,
    NotAnApprover,
    OwnApproval,
    PlanChanged,
    ReleaseElsewhere,
    ReleaseExpired,
    ReleaseForged,
    ReleaseMissing,
    ReleaseSpent,
    SignatureError,
)
from muniment.evidence.releases import ReleaseIssued, ReleaseUsed, Way, stream_of
from muniment.recovery.release import issue, use
from muniment.recovery.release.people import Entitled, Party
from muniment.vault import evidence
from muniment.vault.documents import EvidenceEntry
from tests.release.conftest import DORA, ENTITLED, PAULA, TOM, Desk, plan

STREAM = stream_of(2026)


def test_an_approved_plan_is_delivered_once(asked: Desk) -> None:
    given = asked.approve()
    assert (given.responders, given.requester, given.way) == (
        ("partner",),
        "technician",
        Way.NORMAL,
    )
    assert given.expires == asked.now + timedelta(hours=12)

    begun = asked.begin()
    assert asked.require().nonce == begun.nonce == given.nonce
    use.end(asked.vault, begun)

    for again in (asked.begin, asked.require):
        with pytest.raises(ReleaseSpent, match="everything was delivered"):
            again()
    assert asked.events() == ["release.asked", "release.issued", "release.used", "release.spent"]


def test_an_interrupted_delivery_goes_on_under_its_release_but_not_for_ever(asked: Desk) -> None:
    asked.approve()
    asked.begin()
    asked.clock.advance(timedelta(hours=71))
    assert asked.begin().holder == "worker 1"
    assert asked.events().count("release.used") == 1
    asked.clock.advance(timedelta(hours=2))
    with pytest.raises(ReleaseExpired, match="too long ago"):
        asked.require()


def test_without_a_release_there_is_none_whatever_was_asked(asked: Desk) -> None:
    with pytest.raises(ReleaseMissing, match="holds no release"):
        asked.begin()


def test_an_answer_to_no_question_is_none(desk: Desk) -> None:
    with pytest.raises(ReleaseMissing, match="nobody was asked"):
        desk.approve()


def test_a_release_that_nobody_began_to_use_delivers_nothing(asked: Desk) -> None:
    asked.approve()
    with pytest.raises(ReleaseMissing, match="no delivery was begun"):
        asked.require()


@pytest.mark.parametrize("by", [TOM, Party("", frozenset({"TOM"})), Party("technician")])
def test_who_asked_does_not_approve_under_any_of_his_names(asked: Desk, by: Party) -> None:
    with pytest.raises(OwnApproval):
        asked.approve(by)
    assert asked.events() == ["release.asked"]


def test_an_approver_who_asked_himself_needs_another(desk: Desk) -> None:
    desk.ask(by=PAULA)
    with pytest.raises(OwnApproval):
        desk.approve(PAULA, asked_by=PAULA)
    assert desk.approve(DORA, asked_by=PAULA).responders == ("deputy",)


def test_where_nobody_knows_who_asked_nobody_approves(desk: Desk) -> None:
    desk.ask(by=Party())
    with pytest.raises(OwnApproval, match="nobody knows who asked"):
        desk.approve(asked_by=Party())


@pytest.mark.parametrize("login", ["olga", "mallory", "admin"])
def test_a_deputy_whom_nobody_named_does_not_approve(asked: Desk, login: str) -> None:
    with pytest.raises(NotAnApprover, match="no deputy that firm"):
        asked.approve(ENTITLED.party(login, login))


def test_two_answers_are_no_approval_but_a_break_of_the_glass(asked: Desk) -> None:
    with pytest.raises(NotAnApprover):
        issue.release(asked.vault, asked.answer(PAULA, DORA), ENTITLED, asked.approvals)


def test_another_plan_than_the_one_that_was_asked_for_is_not_released(asked: Desk) -> None:
    with pytest.raises(PlanChanged, match="put to the approvers"):
        asked.approve(of=plan(items=4))


def test_a_run_asks_for_one_plan_and_no_other(asked: Desk) -> None:
    asked.ask()
    with pytest.raises(PlanChanged, match="put to the approvers"):
        asked.changed(plan("folder two")).ask()
    assert asked.events() == ["release.asked"]


@pytest.mark.parametrize("other", [plan("folder two"), plan(items=2)])
def test_anything_that_changes_the_plan_takes_the_release_from_it(asked: Desk, other) -> None:  # type: ignore[no-untyped-def]
    asked.approve()
    with pytest.raises(PlanChanged, match="not the one that was approved"):
        asked.changed(other).begin()
    asked.begin()
    with pytest.raises(PlanChanged, match="not the one that was approved"):
        asked.changed(other).require()


def test_a_release_is_good_for_its_own_run(asked: Desk) -> None:
    asked.approve()
    with pytest.raises(ReleaseElsewhere, match="for another run"):
        asked.begin(run="run2")


def test_a_release_is_good_for_its_own_requester(asked: Desk) -> None:
    asked.approve()
    with pytest.raises(ReleaseElsewhere, match="another requester"):
        asked.begin(by=DORA)


def test_a_release_expires(asked: Desk) -> None:
    asked.approve()
    asked.clock.advance(timedelta(hours=12))
    with pytest.raises(ReleaseExpired, match="not used in the time"):
        asked.begin()


def test_whoever_is_no_approver_any_more_has_approved_nothing(asked: Desk) -> None:
    asked.approve(DORA)
    asked.entitled = Entitled(("partner",), logins=ENTITLED.logins)
    with pytest.raises(NotAnApprover):
        asked.begin()


def test_of_two_holders_one_has_it(asked: Desk) -> None:
    asked.approve()
    asked.begin(holder="worker 1")
    for again in (asked.begin, asked.require):
        with pytest.raises(ReleaseSpent, match="another delivery"):
            again(holder="worker 2")


def _try(desk: Desk, number: int, gate: object, told: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    try:
        desk.begin(holder=f"process {number}")
        told.put((number, ""))  # type: ignore[attr-defined]
    except MunimentError as error:
        told.put((number, error.code))  # type: ignore[attr-defined]


def test_of_many_processes_at_once_one_has_it(on_disk: Desk) -> None:
    on_disk.approve()
    fork = multiprocessing.get_context("fork")
    gate, told = fork.Barrier(6), fork.Queue()
    running = [fork.Process(target=_try, args=(on_disk, n, gate, told)) for n in range(6)]
    for process in running:
        process.start()
    said = sorted((told.get(timeout=30) for _ in running), key=lambda pair: pair[1])
    for process in running:
        process.join()
    assert [code for _, code in said] == ["", *["M586"] * 5]
    assert on_disk.require(holder=f"process {said[0][0]}").holder == f"process {said[0][0]}"


# -- what somebody with a store credential can do --------------------------------------------------


def forged(desk: Desk, signer: object, seq: int, event: ReleaseIssued | ReleaseUsed) -> None:
    """An entry as a worker's or a stranger's key signs it, put where the next one belongs."""
    head = evidence.stream_head(desk.vault, STREAM)
    entry = EvidenceEntry(
        vault_id=desk.vault.vault_id, stream=STREAM, seq=seq, parent=head.digest if head else None,
        at=desk.now, event=event.event, subject=event.subject, facts=dict(event.facts()),
    )  # fmt: skip
    data = signer.sign("evidence", entry.to_payload())  # type: ignore[attr-defined]
    desk.vault.put_signed(f"evidence/{STREAM}/{seq:08d}.json", data)


def release_of(desk: Desk) -> ReleaseIssued:
    later = desk.now + timedelta(days=1)
    return ReleaseIssued("run1", desk.plan.digest, "technician", ("partner",), later, "f" * 32, Way.NORMAL)  # fmt: skip


Signers = Callable[[Desk], object]


@pytest.mark.parametrize(
    "signer",
    [lambda d: d.practice.keys.worker_signer, lambda d: d.practice.keys.retention_signer],
    ids=["worker", "retention"],
)
def test_a_release_by_a_signer_who_may_not_is_told_as_that(asked: Desk, signer: Signers) -> None:
    forged(asked, signer(asked), 2, release_of(asked))
    with pytest.raises(ReleaseForged) as told:
        asked.begin()
    assert told.value.to == f"evidence/{STREAM}/00000002.json"
    # And it keeps nobody from approving, whose entry takes the next number.
    asked.approve()
    asked.begin()


def test_a_worker_cannot_sign_one_through_the_product_either(asked: Desk) -> None:
    worker = Desk(asked.practice, asked.practice.vault("worker"), asked.clock)
    with pytest.raises(SignatureError):
        worker.approve()


def test_a_use_that_counts_for_nothing_spends_the_release_all_the_same(asked: Desk) -> None:
    given = asked.approve()
    used = ReleaseUsed("run1", given.nonce, "worker 1")
    forged(asked, asked.practice.keys.worker_signer, 3, used)
    with pytest.raises(ReleaseSpent):
        asked.begin()


def test_a_use_that_somebody_removed_is_missed_as_soon_as_anything_follows_it(
    on_disk: Desk,
) -> None:
    on_disk.approve()
    on_disk.begin(holder="worker 1")
    on_disk.ask(run="run2")
    (on_disk.practice.folder / f"store/evidence/{STREAM}/00000003.json").unlink()
    with pytest.raises(IntegrityError, match="which of them were used"):
        on_disk.begin(holder="worker 2")


def test_the_entries_hold_ids_codes_and_times_only(asked: Desk) -> None:
    asked.approve()
    asked.begin()
    entries = evidence.load_stream(asked.vault.store, asked.vault.trust, STREAM).entries
    facts = {r.value.event: r.value.facts for r in entries}
    assert facts["release.asked"]["reasons"] == "active_matter"
    assert facts["release.asked"]["matter"] == "M-7F3K2QXA"
    assert facts["release.issued"]["plan_digest"] == asked.plan.digest
    assert facts["release.issued"]["expires"] == to_text(asked.now + timedelta(hours=12))
    assert len(json.dumps([r.value.to_payload() for r in entries])) < 3_000
