"""Persons: who has to be named for what, as `doctor` judges it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from muniment.cli.checkup import State, Symptom

if TYPE_CHECKING:
    from muniment.cli.session import Session


def approvals(session: Session) -> Symptom:
    """Who may have client files delivered, and whether a second person has a say in it."""
    from muniment.config.approvals import approvers

    firm = session.firm.firm
    if firm.approvals is None:
        return Symptom(
            "approvals", State.WARNING,
            "restores need nobody's approval: whoever may trigger the restore DAG has any matter delivered",
            "Add `approvals:` to firm.yaml (docs/RESTORE_APPROVAL.md).",
        )  # fmt: skip
    glass = firm.approvals.break_glass
    if not glass:
        return Symptom(
            "approvals", State.WARNING,
            "nobody may let a restore go when no approver can be reached",
            "Name two people or more in approvals.break_glass of firm.yaml.",
        )  # fmt: skip
    what = f"restores wait for {' or '.join(approvers(firm))}; the glass is broken by two of {len(glass)}"
    return Symptom("approvals", State.GOOD, what)


def deliveries(session: Session) -> Symptom:
    """Whom the restore DAG can seal a delivery for."""
    named = [who for who, person in session.firm.firm.people.items() if person.recipient]
    if named:
        return Symptom("deliveries", State.GOOD, f"can be sealed for {', '.join(named)}")
    return Symptom(
        "deliveries", State.WARNING,
        "nobody of `people` has a recipient, so the restore DAG delivers in the clear or not at all",
        "Whoever is to receive restores makes a key (`age-keygen -o my-key.txt`) and keeps it; its public line goes into "
        "people.<id>.recipient (docs/SEALED_DELIVERIES.md).",
    )  # fmt: skip


def trust_lawyer(session: Session) -> Iterator[Symptom]:
    """Somebody has to be there who may see what is found in trust books."""
    from muniment.assurance.reconcile import RECONCILERS

    firm = session.firm.firm
    if not any(row.system in RECONCILERS for row in session.firm.protected):
        return
    named = firm.people.get(firm.roles.trust_lawyer or "")
    if named is not None and named.recipient is not None:
        yield Symptom("trust lawyer", State.GOOD, "findings about trust books are sealed to the trust lawyer")  # fmt: skip
        return
    what = (
        "the trust lawyer has no recipient, so nobody looks for findings in trust books"
        if named is not None
        else "no trust lawyer is named, so nobody looks for findings in trust books"
    )
    todo = (
        "That person makes an identity (`age-keygen -o trust-lawyer.key`) and keeps it; its public line goes "
        "into people.<id>.recipient, the id into roles.trust_lawyer of firm.yaml."
    )
    yield Symptom("trust lawyer", State.WARNING, what, todo)
