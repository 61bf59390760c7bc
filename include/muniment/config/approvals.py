"""Approvals: who lets a restore go, and for how long (docs/RESTORE_APPROVAL.md).

A firm whose firm.yaml has this part delivers no active, sealed or trust data without a release. One that has
it not, delivers to whoever may trigger the restore DAG.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from muniment.config.schema import Field
from muniment.config.values import Duration, Id, Model, OneOrMany

if TYPE_CHECKING:
    from muniment.config.firm import Firm

Flaw = tuple[tuple[str | int, ...], str, str]
"""(place below `approvals`, what is wrong, what would be right)."""


class Approvals(Model):
    """Which restores need a person's approval is a rule (docs/RESTORE_APPROVAL.md); who may give it stands here.
    The managing partner and the deputy of `roles` always may."""

    deputies: Annotated[tuple[Id, ...], OneOrMany] = Field(
        (),
        description="Who of `people` may approve besides the managing partner and the deputy of `roles`.",
        examples=[["office-manager"]],
    )
    time_out: Duration = Field(
        timedelta(hours=24),
        ge=timedelta(minutes=5),
        le=timedelta(days=30),
        description="How long a restore waits for its approval; then it fails.",
    )
    reminder: Duration = Field(
        timedelta(hours=4),
        ge=timedelta(minutes=5),
        le=timedelta(days=30),
        description="After how long without an answer the approvers are mailed again, once.",
    )
    use_within: Duration = Field(
        timedelta(hours=24),
        ge=timedelta(minutes=5),
        le=timedelta(days=30),
        description="How long after the approval the delivery may begin.",
    )
    break_glass: Annotated[tuple[Id, ...], OneOrMany] = Field(
        (),
        description="Who of `people` may let a restore go when no approver can be reached: two of them together,"
        " with a review afterwards. Technicians may be among them. Empty: nobody.",
        examples=[["office-manager", "technician"]],
    )
    review_within: Duration = Field(
        timedelta(days=3),
        ge=timedelta(hours=1),
        le=timedelta(days=30),
        description="By when an approver has to review a restore that two people let go.",
    )

    @property
    def lasting(self) -> timedelta:
        """How long the word of one counts, while that of another is missing."""
        return max(self.time_out, self.use_within)


def approvers(firm: Firm) -> tuple[str, ...]:
    """Ids of `people` who may approve; the managing partner first."""
    part = firm.approvals or Approvals()
    named = (firm.roles.managing_partner, firm.roles.deputy, *part.deputies)
    return tuple(dict.fromkeys(who for who in named if who and who in firm.people))


def flaws(firm: Firm) -> Iterator[Flaw]:
    """What the parts of firm.yaml say against each other here."""
    part = firm.approvals
    if part is None:
        return
    for key, named in (("deputies", part.deputies), ("break_glass", part.break_glass)):
        for place, who in enumerate(named):
            if who not in firm.people:
                known = f"Name one of: {', '.join(firm.people)}."
                yield (key, place), "names nobody of `people`", known
    for place, who in enumerate(part.deputies):
        if who in firm.roles.technicians:
            what = "is a technician, who asks for restores and never approves them"
            yield ("deputies", place), what, "Name somebody else."
    if len(set(part.break_glass)) == 1:
        what = "names one person, and it takes two"
        yield ("break_glass",), what, "Name two people or more, or leave it out."
    if part.reminder >= part.time_out:
        what = "is not before the time-out, so nobody would be reminded"
        yield ("reminder",), what, "Make it shorter than approvals.time_out."
    if not any(firm.people[who].login for who in approvers(firm)):
        what = "has no approver whom Airflow knows"
        yield (), what, "Give the managing partner or a deputy a `login` in `people`."
