"""The custodian of what is sealed: nothing of it goes without that person's word, and not by that alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from muniment.errors import (
    CustodianNeeded,
    NotAnApprover,
    OwnApproval,
    ReleaseMissing,
    TwoPersonsNeeded,
)
from muniment.evidence.releases import Way
from muniment.recovery.release import issue
from muniment.recovery.release.book import Release
from muniment.recovery.release.people import Entitled, Party
from muniment.recovery.release.review import open_ends
from tests.release.conftest import DORA, ENTITLED, PAULA, TOM, Desk

OLGA, CLERK = ENTITLED.party("olga"), ENTITLED.person("clerk")
"""The office manager keeps the seal, unless a test says otherwise."""


def under(*custodians: str) -> Entitled:
    return replace(ENTITLED, managing_partner="partner").under_seal_of(custodians)


@pytest.fixture
def sealed(desk: Desk) -> Desk:
    desk.entitled = under("office")
    desk.ask()
    return desk


def say(desk: Desk, by: Party, asked_by: Party = TOM) -> Release | None:
    answer = desk.answer(by, asked_by=asked_by)
    return issue.approve(desk.vault, answer, desk.entitled, desk.approvals)


@pytest.mark.parametrize("order", [(PAULA, OLGA), (OLGA, PAULA), (OLGA, DORA)])
def test_the_custodian_and_an_approver_let_it_go_in_any_order(
    sealed: Desk, order: tuple[Party, Party]
) -> None:
    first, second = order
    assert say(sealed, first) is None
    with pytest.raises(ReleaseMissing):
        sealed.begin()
    given = say(sealed, second)
    assert given is not None
    assert {*given.responders} == {first.person, second.person}
    assert sealed.begin().way is Way.NORMAL
    assert sealed.events() == [
        "release.asked", "release.agreed", "release.issued", "release.used",
    ]  # fmt: skip


@pytest.mark.parametrize("alone", [PAULA, DORA, OLGA])
def test_one_alone_lets_nothing_go_however_often(sealed: Desk, alone: Party) -> None:
    for _ in range(3):
        assert say(sealed, alone) is None
    assert sealed.events().count("release.agreed") == 1
    with pytest.raises(ReleaseMissing):
        sealed.begin()


def test_two_approvers_are_not_the_custodian(sealed: Desk) -> None:
    assert say(sealed, PAULA) is None
    assert say(sealed, DORA) is None
    with pytest.raises(ReleaseMissing):
        sealed.begin()
    given = say(sealed, OLGA)
    assert given is not None and given.responders == ("partner", "office")


def test_a_release_that_is_signed_past_the_custodian_is_refused(sealed: Desk) -> None:
    with pytest.raises(CustodianNeeded) as refused:
        sealed.approve(PAULA)
    assert (refused.value.code, refused.value.to) == ("M592", "office")
    with pytest.raises(NotAnApprover, match="no approver besides"):
        sealed.approve(OLGA)


def test_a_seal_that_is_put_on_it_after_the_approval_stops_the_delivery(asked: Desk) -> None:
    asked.approve(PAULA)
    asked.entitled = under("office")
    with pytest.raises(CustodianNeeded):
        asked.begin()


def test_somebody_who_is_neither_has_no_word(sealed: Desk) -> None:
    for by in (CLERK, Party("", frozenset({"root"}))):
        with pytest.raises(NotAnApprover):
            say(sealed, by)
        with pytest.raises(NotAnApprover):
            issue.refuse(sealed.vault, sealed.answer(by), sealed.entitled)
    with pytest.raises(OwnApproval):
        say(sealed, TOM)
    assert sealed.events() == ["release.asked"]


def test_the_custodians_no_ends_it_and_takes_back_what_was_said(sealed: Desk) -> None:
    say(sealed, PAULA)
    issue.refuse(sealed.vault, sealed.answer(OLGA), sealed.entitled)
    assert open_ends(sealed.vault).questions == ()
    assert say(sealed, OLGA) is None
    assert say(sealed, PAULA) is not None


def test_a_word_lapses(sealed: Desk) -> None:
    say(sealed, OLGA)
    sealed.clock.advance(timedelta(hours=12))
    assert say(sealed, PAULA) is None
    assert say(sealed, OLGA) is not None


def test_a_custodian_who_is_a_deputy_does_not_approve_alone(desk: Desk) -> None:
    desk.entitled = under("deputy")
    desk.ask()
    assert say(desk, DORA) is None
    given = say(desk, PAULA)
    assert given is not None and {*given.responders} == {"partner", "deputy"}


def test_the_managing_partners_word_is_both(desk: Desk) -> None:
    desk.entitled = under("partner")
    desk.ask()
    assert say(desk, DORA) is None
    given = say(desk, PAULA)
    assert given is not None
    desk.begin()


def test_where_the_managing_partner_asks_the_custodian_is_the_other_one(desk: Desk) -> None:
    desk.entitled = under("deputy")
    desk.ask(by=PAULA)
    with pytest.raises(OwnApproval):
        say(desk, PAULA, asked_by=PAULA)
    assert say(desk, DORA, asked_by=PAULA) is not None


def test_a_custodian_who_asks_has_agreed_and_approves_nothing(desk: Desk) -> None:
    desk.entitled = under("office")
    desk.ask(by=OLGA)
    with pytest.raises(OwnApproval):
        say(desk, OLGA, asked_by=OLGA)
    given = say(desk, DORA, asked_by=OLGA)
    assert given is not None and given.responders == ("deputy",)
    assert desk.begin(by=OLGA).requester == "office"


def test_of_several_custodians_each_must_agree(desk: Desk) -> None:
    desk.entitled = under("office", "clerk")
    desk.ask()
    for by in (PAULA, OLGA):
        assert say(desk, by) is None
    given = say(desk, CLERK)
    assert given is not None and given.responders == ("partner", "office", "clerk")


def test_a_custodian_whom_nobody_knows_cannot_agree(desk: Desk) -> None:
    desk.entitled = under("gone")
    desk.ask()
    for by in (PAULA, DORA):
        assert say(desk, by) is None
    with pytest.raises(NotAnApprover):
        say(desk, Party("", frozenset({"gone"})))


# -- breaking the glass ------------------------------------------------------------------------------


def test_the_glass_is_not_broken_past_the_custodian(sealed: Desk) -> None:
    assert sealed.break_glass(ENTITLED.party("paula")) is None
    with pytest.raises(CustodianNeeded):
        sealed.break_glass(CLERK)
    given = sealed.break_glass(OLGA)
    assert given is not None and given.responders == ("partner", "office")


def test_a_custodian_may_be_one_of_the_two_and_is_told(desk: Desk) -> None:
    desk.entitled = replace(under("keeper"), break_glass=("office", "clerk"))
    desk.ask()
    keeper = desk.entitled.person("keeper")
    assert desk.break_glass(keeper) is None
    assert desk.break_glass(OLGA) is not None
    [review] = open_ends(desk.vault).reviews
    assert (review.persons, review.requester) == (("keeper", "office"), "technician")


def test_two_custodians_are_the_two_or_nobody_is(desk: Desk) -> None:
    desk.entitled = under("office", "clerk")
    desk.ask()
    with pytest.raises(CustodianNeeded):
        desk.break_glass(PAULA)
    assert desk.break_glass(OLGA) is None
    assert desk.break_glass(CLERK) is not None


def test_where_nobody_may_break_it_a_custodian_may_not_either(desk: Desk) -> None:
    desk.entitled = replace(under("office"), break_glass=())
    desk.ask()
    with pytest.raises(TwoPersonsNeeded):
        desk.break_glass(OLGA)


# -- who is asked -------------------------------------------------------------------------------------


def test_the_question_names_them_for_the_reminder(desk: Desk) -> None:
    question = issue.Question("run1", desk.plan, TOM, (), desk.now, custodians=("office",))
    issue.ask(desk.vault, question, desk.approvals)
    assert [q.custodians for q in open_ends(desk.vault).questions] == [("office",)]
