"""approvals: what waits for a person - restores to let go, and reviews of those that two people let go."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from muniment.cli import forms, words
from muniment.cli.exits import Exit
from muniment.cli.options import session_of

PANEL = "Get back"

app = forms.Group(
    help="What waits for a person: restores to let go, and reviews (docs/RESTORE_APPROVAL.md).",
)


def register(parent: forms.Group) -> None:
    parent.add_group(app, name="approvals", panel=PANEL)


class Judged(StrEnum):
    """Was it right to let the restore go?"""

    RIGHT = "right"
    WRONG = "wrong"


@app.command("list")
def list_open(ctx: forms.Context) -> None:
    """Lists restores that wait for an approval, and those whose review is open. Needs no key.

    The exit code is 11 while a review is overdue.
    """
    from muniment.clock import to_text
    from muniment.recovery.release.review import open_ends

    session = session_of(ctx)
    found = open_ends(session.keyless())
    now = session.clock.now()
    data: dict[str, Any] = {
        "waiting": [
            {"run": q.run_id, "asked_at": to_text(q.asked_at), "answer_by": to_text(q.answer_by)}
            for q in found.questions
        ],
        "reviews": [
            {"run": r.run_id, "at": to_text(r.at), "people": list(r.persons), "due": to_text(r.due)}
            for r in found.reviews
        ],
    }

    def human() -> None:
        zone, screen = session.zone, session.screen
        if not found.questions and not found.reviews:
            screen.say("Nothing waits for anybody.")
        for q in found.questions:
            screen.say(
                f"{q.run_id}: waits for an approval since {words.moment(q.asked_at, zone)}, until "
                f"{words.moment(q.answer_by, zone)}"
            )
        for r in found.reviews:
            late = " OVERDUE" if now > r.due else ""
            screen.say(
                f"{r.run_id}: let go by {' and '.join(r.persons)} at {words.moment(r.at, zone)}; review due "
                f"{words.moment(r.due, zone)}{late}"
            )

    overdue = any(now > r.due for r in found.reviews)
    session.screen.answer("approvals list", data, human, Exit.ALARM if overdue else Exit.GOOD)


@app.command("review")
def review_one(
    ctx: forms.Context,
    run: Annotated[str, forms.Argument(metavar="RUN", help="Its id; see `approvals list`.")],
    by: Annotated[
        str,
        forms.Option("--by", metavar="PERSON", help="Who reviews: an approver, none of the two."),
    ],
    verdict: Annotated[
        Judged, forms.Option(metavar="WORD", help="Was it right to let it go: right, wrong?")
    ],
    remarks: Annotated[str, forms.Option(metavar="TEXT", help="Sealed in the evidence.")] = "",
) -> None:
    """Records the review of a restore that two people let go without an approver. Needs operations' keys."""
    from muniment.evidence.releases import Verdict
    from muniment.recovery.release.people import Entitled
    from muniment.recovery.release.review import review

    session = session_of(ctx)
    entitled = Entitled.by(session.firm.firm)
    closed = review(
        session.wiring.vault("operations"), run, by, Verdict(verdict.value), entitled, remarks
    )
    data = {"run": run, "by": by, "verdict": verdict.value, "people": list(closed[0].persons)}
    session.screen.answer(
        "approvals review", data, lambda: session.screen.say(f"Reviewed: {verdict.value}, by {by}.")
    )
