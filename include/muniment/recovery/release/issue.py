"""Issue: the question, and the release that answers it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from muniment.config.approvals import Approvals
from muniment.errors import PlanChanged, ReleaseMissing
from muniment.evidence.events import reading, write
from muniment.evidence.releases import (
    GlassBroken,
    ReleaseAgreed,
    ReleaseAsked,
    ReleaseIssued,
    ReleaseRefusedBy,
    Way,
    stream_of,
)
from muniment.recovery.plan import RestorePlan
from muniment.recovery.release.book import Asked, Book, Release
from muniment.recovery.release.needs import Need
from muniment.recovery.release.people import (
    Entitled,
    Party,
    enough,
    require_a_word,
    require_entitled,
    without_word,
)
from muniment.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Question:
    """What is put to the approvers, and to the custodians of what is sealed in it. `run` is the run's id in Airflow,
    empty elsewhere."""

    run_id: str
    plan: RestorePlan
    requester: Party
    needs: tuple[Need, ...]
    requested_at: datetime
    run: str = ""
    custodians: tuple[str, ...] = ()


def ask(vault: Vault, question: Question, approvals: Approvals) -> Asked:
    """Records the question, once: asked again for the same plan it is the same question.

    Raises PlanChanged for another plan in the same run, of which an approver may have read the first.
    """
    digest = question.plan.digest
    known = Book(vault).asked(question.run_id)
    if known is not None:
        _require_same(known, digest)
        return known
    now = vault.clock.now()
    event = ReleaseAsked(
        run_id=question.run_id,
        plan_digest=digest,
        requester=question.requester.told,
        reasons=tuple(need.value for need in question.needs),
        requested_at=question.requested_at,
        answer_by=now + approvals.time_out,
        scope=question.plan.scope,
        matter=question.plan.selection if question.plan.scope == "matter" else "",
        airflow_run=question.run,
        custodians=question.custodians,
    )
    write(vault, stream_of(now.year), event)
    asked = Book(vault).asked(question.run_id)
    if asked is None:
        raise ReleaseMissing("the question could not be recorded", to=question.run_id)
    _require_same(asked, digest)
    return asked


@dataclass(frozen=True, slots=True)
class Answer:
    """Who let which plan go, as the door saw him. `digest` is of the plan that lies before the door now."""

    run_id: str
    digest: str
    requester: Party
    responders: tuple[Party, ...]
    way: Way = Way.NORMAL
    door: str = "airflow"


def release(vault: Vault, answer: Answer, entitled: Entitled, approvals: Approvals) -> Release:
    """Signs the release of a plan that was asked for. One that this run has already for the plan is given back.

    Raises:
        ReleaseMissing: nobody was asked.
        PlanChanged: the plan is not the one that was asked for.
        OwnApproval, NotAnApprover, TwoPersonsNeeded, CustodianNeeded: it was not theirs to let go.
    """
    book = Book(vault)
    asked = _asked(book, answer.run_id)
    _require_same(asked, answer.digest)
    require_entitled(entitled, answer.way, answer.requester, answer.responders)
    now = vault.clock.now()
    for known in book.releases(answer.run_id):
        if known.plan_digest == answer.digest and known.expires > now and not known.spent:
            return known
    nonce = secrets.token_hex(16)
    event = ReleaseIssued(
        run_id=answer.run_id,
        plan_digest=answer.digest,
        requester=asked.requester,
        responders=tuple(r.person for r in answer.responders),
        expires=now + approvals.use_within,
        nonce=nonce,
        way=answer.way,
        door=answer.door,
        review_by=now + approvals.review_within if answer.way is Way.BREAK_GLASS else None,
    )
    write(vault, asked.stream, event)
    return next(r for r in Book(vault).releases(answer.run_id) if r.nonce == nonce)


def approve(
    vault: Vault, answer: Answer, entitled: Entitled, approvals: Approvals
) -> Release | None:
    """One person's yes. Where something is sealed it may take two: an approver and its custodian, in any order.

    Returns None while somebody's word is missing. Raises OwnApproval, NotAnApprover, PlanChanged, ReleaseMissing.
    """
    [responder] = answer.responders
    book = Book(vault)
    asked = _asked(book, answer.run_id)
    _require_same(asked, answer.digest)
    require_a_word(entitled, answer.requester, responder)
    before = _agreed(book, answer, entitled, vault.clock.now() - approvals.lasting)
    together = enough(entitled, answer.requester, [*before, responder])
    if together is not None:
        return release(vault, replace(answer, responders=together), entitled, approvals)
    if responder.person not in {word.person for word in before}:
        write(vault, asked.stream, ReleaseAgreed(answer.run_id, answer.digest, responder.person))
    return None


def _agreed(book: Book, answer: Answer, entitled: Entitled, since: datetime) -> list[Party]:
    """Who agreed to this plan since then, and may today. After a no everybody is asked anew."""
    found: list[Party] = []
    for entry in book.entries(answer.run_id):
        known = reading(entry)
        if known.text("plan_digest") != answer.digest:
            continue
        if entry.event == ReleaseRefusedBy.event:
            found.clear()
        elif entry.event == ReleaseAgreed.event and entry.at > since:
            word = entitled.person(known.text("responder"))
            named = word.person in (*entitled.approvers, *entitled.custodians)
            if named and not word.is_also(answer.requester):
                found.append(word)
    return found


def refuse(vault: Vault, answer: Answer, entitled: Entitled) -> None:
    """Records the no of an approver, or of the custodian. Raises what `approve` raises where he has none to give."""
    asked = _asked(Book(vault), answer.run_id)
    require_a_word(entitled, answer.requester, answer.responders[0])
    event = ReleaseRefusedBy(answer.run_id, answer.digest, answer.responders[0].person)
    write(vault, asked.stream, event)


def break_glass(
    vault: Vault, answer: Answer, entitled: Entitled, approvals: Approvals
) -> Release | None:
    """One of two people lets a restore go; with the second, who must be another, there is a release.

    Returns None after the first. Raises TwoPersonsNeeded, OwnApproval, CustodianNeeded, PlanChanged,
    ReleaseMissing.
    """
    [responder] = answer.responders
    book = Book(vault)
    asked = _asked(book, answer.run_id)
    _require_same(asked, answer.digest)
    first = _first(book, answer, entitled)
    if first is not None and first.person != responder.person:
        both = Answer(answer.run_id, answer.digest, answer.requester, (first, responder), Way.BREAK_GLASS, answer.door)  # fmt: skip
        return release(vault, both, entitled, approvals)
    # Judged alone as one of two: the other may still be anybody.
    require_one_of_two(entitled, answer.requester, responder)
    if first is None:
        write(vault, asked.stream, GlassBroken(answer.run_id, answer.digest, responder.person))
    return None


def require_one_of_two(entitled: Entitled, requester: Party, responder: Party) -> None:
    """Raises TwoPersonsNeeded or OwnApproval for somebody who can be neither; CustodianNeeded where the other one would
    have to be two custodians."""
    missing = without_word(entitled, requester, (responder,))
    others = (entitled.person(who) for who in (*missing, *entitled.glass_breakers))
    other = next(
        (p for p in others if not p.is_also(responder) and not p.is_also(requester)), Party()
    )
    require_entitled(entitled, Way.BREAK_GLASS, requester, (responder, other))


def _first(book: Book, answer: Answer, entitled: Entitled) -> Party | None:
    for entry in book.entries(answer.run_id):
        known = reading(entry)
        if entry.event == GlassBroken.event and known.text("plan_digest") == answer.digest:
            return entitled.person(known.text("responder"))
    return None


def _asked(book: Book, run_id: str) -> Asked:
    asked = book.asked(run_id)
    if asked is None:
        raise ReleaseMissing(
            "nobody was asked for the approval of this restore", to=f"run {run_id}"
        )
    return asked


def _require_same(asked: Asked, digest: str) -> None:
    if asked.plan_digest != digest:
        raise PlanChanged(
            "the plan is not the one that was put to the approvers",
            to=f"run {asked.run_id}, plan {digest[:16]} in place of {asked.plan_digest[:16]}",
            safe="Nothing was delivered.",
            todo="Trigger the restore anew: a run asks for one plan and no other.",
        )
