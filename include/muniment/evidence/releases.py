"""Releases: what an approved restore leaves in the evidence, from the question until it was reviewed.

Nouns
- Release: a person's leave to deliver one plan in one run, once. Its entry is signed by operations.

All entries of a restore lie in the stream of the year in which it was asked for, under the run's id; a release is
told from another of the same run by its nonce. People are ids of `people`, or the user name under which Airflow
knows somebody who is none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import field

from muniment.clock import to_text
from muniment.evidence.events import reading
from muniment.model.value import Value
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import Facts


class Way(StrEnum):
    """How a restore was let go."""

    NORMAL = "normal"
    BREAK_GLASS = "break_glass"


class Told(StrEnum):
    """What people are mailed about, once."""

    REMINDER = "reminder"
    BREAK_GLASS = "break_glass"


class Verdict(StrEnum):
    """What the review of a restore that two people let go found."""

    RIGHT = "right"
    WRONG = "wrong"


def stream_of(year: int) -> str:
    """One stream a year: every delivery reads it whole, so it must stay short."""
    return f"operations-releases-{year}"


def streams_at(now: datetime) -> tuple[str, str]:
    """Where a restore that still runs or waits for its review may be told of; the older first."""
    return stream_of(now.year - 1), stream_of(now.year)


class ReleaseAsked(Value, frozen=True):
    """A plan is put to the approvers, and to the `custodians` of what is sealed in it. `reasons` are codes
    (docs/RESTORE_APPROVAL.md), `answer_by` ends the wait.
    `airflow_run` is the run's id in Airflow, for the link of a reminder."""

    event: ClassVar[str] = "release.asked"
    run_id: str
    plan_digest: str
    requester: str
    reasons: tuple[str, ...]
    requested_at: datetime
    answer_by: datetime
    scope: str = ""
    matter: str = ""
    airflow_run: str = ""
    custodians: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {
            "plan_digest": self.plan_digest,
            "requester": self.requester,
            "reasons": " ".join(self.reasons),
            "requested_at": to_text(self.requested_at),
            "answer_by": to_text(self.answer_by),
            "scope": self.scope,
            "matter": self.matter,
            "airflow_run": self.airflow_run,
            **({"custodians": " ".join(self.custodians)} if self.custodians else {}),
        }


class ReleaseIssued(Value, frozen=True):
    """The release. `responders` are who let it go: one approver, with the custodians of what is sealed in it, or two
    people where the glass was broken, whose review is due at `review_by`; `door` is through which (`airflow`, `cli`)."""

    event: ClassVar[str] = "release.issued"
    run_id: str
    plan_digest: str
    requester: str
    responders: tuple[str, ...]
    expires: datetime
    nonce: str
    way: Way
    door: str = ""
    review_by: datetime | None = None

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {
            "plan_digest": self.plan_digest,
            "requester": self.requester,
            "responders": " ".join(self.responders),
            "expires": to_text(self.expires),
            "nonce": self.nonce,
            "way": self.way.value,
            "door": self.door,
            **({"review_by": to_text(self.review_by)} if self.review_by else {}),
        }


class ReleaseAgreed(Value, frozen=True):
    """One of those whom it takes agreed, and somebody's word is missing: an approver's, or a custodian's."""

    event: ClassVar[str] = "release.agreed"
    run_id: str
    plan_digest: str
    responder: str

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"plan_digest": self.plan_digest, "responder": self.responder}


class ReleaseRefusedBy(Value, frozen=True):
    """An approver said no, or a custodian."""

    event: ClassVar[str] = "release.refused"
    run_id: str
    plan_digest: str
    responder: str

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"plan_digest": self.plan_digest, "responder": self.responder}


class GlassBroken(Value, frozen=True):
    """The first of two people wants to let a restore go without an approver."""

    event: ClassVar[str] = "release.glass_broken"
    run_id: str
    plan_digest: str
    responder: str

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"plan_digest": self.plan_digest, "responder": self.responder}


class ReleaseUsed(Value, frozen=True):
    """A delivery begins. Of several entries for one nonce the first in the chain has it."""

    event: ClassVar[str] = "release.used"
    run_id: str
    nonce: str
    holder: str

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"nonce": self.nonce, "holder": self.holder}


class ReleaseSpent(Value, frozen=True):
    """Everything of the plan was delivered: from now on the release is good for nothing."""

    event: ClassVar[str] = "release.spent"
    run_id: str
    nonce: str

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"nonce": self.nonce}


class ReleaseTold(Value, frozen=True):
    """Who was mailed about it."""

    event: ClassVar[str] = "release.told"
    run_id: str
    what: Told
    people: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"what": self.what.value, "people": " ".join(self.people)}


class ReleaseReviewed(Value, frozen=True):
    """An approver looked at a restore that two people let go. Remarks are sealed."""

    event: ClassVar[str] = "release.reviewed"
    run_id: str
    nonce: str
    reviewer: str
    verdict: Verdict

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {"nonce": self.nonce, "reviewer": self.reviewer, "verdict": self.verdict.value}


class OpenReview(Value, frozen=True):
    """A restore that two people let go and nobody reviewed yet."""

    run_id: str
    nonce: str
    at: datetime
    persons: tuple[str, ...]
    due: datetime
    told: bool = False
    requester: str = ""


class OpenQuestion(Value, frozen=True):
    """A restore that waits for its approval."""

    run_id: str
    asked_at: datetime
    answer_by: datetime
    airflow_run: str = ""
    reminded: bool = False
    custodians: tuple[str, ...] = ()


class Waiting(Value, frozen=True):
    """What waits for a person."""

    reviews: tuple[OpenReview, ...] = ()
    questions: tuple[OpenQuestion, ...] = field(default=())


def waiting(entries: Iterable[EvidenceEntry], now: datetime) -> Waiting:
    """The reviews and questions that these entries leave open, oldest first."""
    reviews: dict[str, OpenReview] = {}
    questions: dict[str, OpenQuestion] = {}
    told: set[tuple[str, str]] = set()
    for entry in entries:
        known, run = reading(entry), entry.subject
        if entry.event == ReleaseAsked.event:
            by = known.time("answer_by") or entry.at
            questions[run] = OpenQuestion(
                run, entry.at, by, known.text("airflow_run"), custodians=known.words("custodians")
            )
        elif entry.event in (ReleaseIssued.event, ReleaseRefusedBy.event):
            questions.pop(run, None)
            if known.text("way") == Way.BREAK_GLASS:
                nonce = known.text("nonce")
                due = known.time("review_by") or entry.at
                reviews[nonce] = OpenReview(
                    run,
                    nonce,
                    entry.at,
                    known.words("responders"),
                    due,
                    requester=known.text("requester"),
                )
        elif entry.event == ReleaseReviewed.event:
            reviews.pop(known.text("nonce"), None)
        elif entry.event == ReleaseTold.event:
            told.add((run, known.text("what")))
    return Waiting(
        tuple(replace(r, told=(r.run_id, Told.BREAK_GLASS) in told) for r in reviews.values()),
        tuple(
            replace(q, reminded=(q.run_id, Told.REMINDER) in told)
            for q in questions.values()
            if now <= q.answer_by
        ),
    )


CATALOGUE: Mapping[str, str] = {
    ReleaseAsked.event: "a restore was put to the approvers",
    ReleaseAgreed.event: "one of those whom it takes agreed, and another's word is missing",
    ReleaseIssued.event: "a person let a restore go, or two did without an approver",
    ReleaseRefusedBy.event: "an approver or a custodian did not let it go",
    GlassBroken.event: "the first of two people let it go without an approver",
    ReleaseUsed.event: "a delivery began under the release",
    ReleaseSpent.event: "everything was delivered, and the release is spent",
    ReleaseTold.event: "people were mailed about it",
    ReleaseReviewed.event: "an approver reviewed what two people had let go",
}
"""Event -> what it says."""
