"""Two people let a restore go when no approver can be reached, and an approver reviews it afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from muniment.alerts.observe import open_reviews
from muniment.errors import NotAnApprover, OwnApproval, ReleaseMissing, TwoPersonsNeeded
from muniment.evidence.releases import Verdict, Way
from muniment.recovery.release import issue
from muniment.recovery.release.people import Entitled
from muniment.recovery.release.review import open_ends, review
from muniment.vault.evidence import load_stream, open_detail
from tests.release.conftest import ENTITLED, PAULA, TOM, Desk
from tests.support.practice import MONDAY

OLGA, CLERK = ENTITLED.party("olga"), ENTITLED.person("clerk")


@pytest.fixture
def broken(asked: Desk) -> Desk:
    assert asked.break_glass(OLGA) is None
    assert asked.break_glass(CLERK) is not None
    return asked


def test_two_of_those_who_are_named_let_it_go_together(broken: Desk) -> None:
    given = broken.begin()
    assert (given.way, given.responders) == (Way.BREAK_GLASS, ("office", "clerk"))
    assert broken.events()[:3] == ["release.asked", "release.glass_broken", "release.issued"]


def test_one_alone_lets_nothing_go_however_often(asked: Desk) -> None:
    for _ in range(3):
        assert asked.break_glass(OLGA) is None
    with pytest.raises(ReleaseMissing):
        asked.begin()
    assert asked.events().count("release.glass_broken") == 1


def test_who_asked_is_none_of_the_two(asked: Desk) -> None:
    with pytest.raises(OwnApproval):
        asked.break_glass(TOM)
    asked.break_glass(OLGA)
    with pytest.raises(OwnApproval):
        asked.break_glass(TOM)


def test_somebody_who_is_not_named_is_none_of_the_two(asked: Desk) -> None:
    with pytest.raises(TwoPersonsNeeded, match="none of those"):
        asked.break_glass(ENTITLED.party("mallory"))


def test_where_nobody_is_named_nobody_breaks_it_not_even_approvers(asked: Desk) -> None:
    asked.entitled = Entitled(("partner", "deputy"), logins=ENTITLED.logins)
    with pytest.raises(TwoPersonsNeeded):
        asked.break_glass(PAULA)


def test_the_same_person_twice_in_one_answer_is_one(asked: Desk) -> None:
    twice = asked.answer(OLGA, OLGA)
    answer = issue.Answer(twice.run_id, twice.digest, TOM, twice.responders, Way.BREAK_GLASS)
    with pytest.raises(TwoPersonsNeeded, match="two different people"):
        issue.release(asked.vault, answer, ENTITLED, asked.approvals)


def test_the_review_stays_open_until_an_approver_gives_it(broken: Desk) -> None:
    broken.clock.advance(timedelta(days=40))
    [open_one] = open_ends(broken.vault).reviews
    assert open_reviews(broken.practice.vault("nobody")) == (open_one,)
    assert open_one.due == MONDAY + timedelta(days=3)
    assert (open_one.run_id, open_one.persons) == ("run1", ("office", "clerk"))

    review(broken.vault, "run1", "partner", Verdict.WRONG, ENTITLED, "nobody called me")

    assert open_ends(broken.vault).reviews == ()
    entries = load_stream(
        broken.vault.store, broken.vault.trust, "operations-releases-2026"
    ).events()
    reviewed = list(entries)[-1]
    assert (reviewed.facts["reviewer"], reviewed.facts["verdict"]) == ("partner", "wrong")
    assert open_detail(broken.vault, reviewed) == {"remarks": "nobody called me"}
    with pytest.raises(ReleaseMissing, match="no review"):
        review(broken.vault, "run1", "partner", Verdict.RIGHT, ENTITLED)


def test_whoever_let_it_go_or_approves_nothing_does_not_review_it(asked: Desk) -> None:
    asked.break_glass(PAULA)
    asked.break_glass(OLGA)
    for reviewer, why in (
        ("partner", "let the restore go"),
        ("office", "not the managing"),
        ("tom", "not"),
    ):
        with pytest.raises(NotAnApprover, match=why):
            review(asked.vault, "run1", reviewer, Verdict.RIGHT, ENTITLED)
    review(asked.vault, "run1", "deputy", Verdict.RIGHT, ENTITLED)


def test_an_approval_in_the_usual_way_leaves_no_review(asked: Desk) -> None:
    assert [q.run_id for q in open_ends(asked.vault).questions] == ["run1"]
    asked.approve()
    assert open_ends(asked.vault) == type(open_ends(asked.vault))()


def test_a_question_that_was_refused_or_ran_out_waits_no_more(asked: Desk) -> None:
    asked.ask(run="run2")
    issue.refuse(asked.vault, asked.answer(PAULA), ENTITLED)
    assert [q.run_id for q in open_ends(asked.vault).questions] == ["run2"]
    asked.clock.advance(timedelta(hours=9))
    assert open_ends(asked.vault).questions == ()
