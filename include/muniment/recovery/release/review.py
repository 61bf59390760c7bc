"""Review: a restore that two people let go is looked at afterwards, by an approver who is none of them."""

from __future__ import annotations

from muniment.errors import NotAnApprover, ReleaseMissing
from muniment.evidence.events import write
from muniment.evidence.releases import OpenReview, ReleaseReviewed, Verdict, Waiting, waiting
from muniment.recovery.release.book import Book
from muniment.recovery.release.people import Entitled
from muniment.vault.vault import Vault


def open_ends(vault: Vault) -> Waiting:
    """Reviews that nobody gave yet, and restores that wait for an approval."""
    return waiting(Book(vault).entries(), vault.clock.now())


def review(
    vault: Vault,
    run_id: str,
    reviewer: str,
    verdict: Verdict,
    entitled: Entitled,
    remarks: str = "",
) -> list[OpenReview]:
    """Closes the open reviews of a run; remarks are sealed. Returns them.

    Raises ReleaseMissing where none is open, NotAnApprover for who may not review.
    """
    book = Book(vault)
    mine = [r for r in waiting(book.entries(), vault.clock.now()).reviews if r.run_id == run_id]
    if not mine:
        raise ReleaseMissing("no review of this restore is open", to=f"run {run_id}",
            safe="Nothing was changed.", todo="`muniment approvals list` says which are open.")  # fmt: skip
    if reviewer not in entitled.approvers:
        raise NotAnApprover("who reviews is not the managing partner and no deputy", to=reviewer,
            safe="The review stays open.")  # fmt: skip
    if any(reviewer in r.persons for r in mine):
        raise NotAnApprover("who let the restore go does not review it", to=reviewer,
            safe="The review stays open.", todo="Let another approver review it.")  # fmt: skip
    streams = {
        str(e.facts.get("nonce")): e.stream for e in book.entries(run_id) if "nonce" in e.facts
    }
    for one in mine:
        event = ReleaseReviewed(run_id, one.nonce, reviewer, verdict)
        write(vault, streams[one.nonce], event, {"remarks": remarks} if remarks else None)
    return mine
