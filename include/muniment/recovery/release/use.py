"""Use: the one delivery that a release allows. Every rule is asked again, of the vault alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from muniment.errors import (
    PlanChanged,
    ReleaseElsewhere,
    ReleaseExpired,
    ReleaseForged,
    ReleaseMissing,
    ReleaseSpent,
)
from muniment.evidence import releases
from muniment.evidence.events import write
from muniment.model.value import Value
from muniment.recovery.release.book import Book, Release
from muniment.recovery.release.people import Entitled, Party, require_entitled
from muniment.vault.vault import Vault

GOES_ON = timedelta(hours=72)
"""How long after its begin a delivery may be gone on with: as long as a run of Airflow may take."""


class Demand(Value, frozen=True):
    """Somebody wants to deliver: `holder` is he who does it, the same one whenever he goes on after an interruption."""

    run_id: str
    plan_digest: str
    requester: Party
    holder: str


def begin(vault: Vault, demand: Demand, entitled: Entitled) -> Release:
    """Takes the release of a run; the same holder may take it again until everything was delivered.

    Of two holders the one whose entry is first in the chain has it: entries are numbered by who puts first, so
    that holds over processes and machines.

    Raises what `require` raises, and ReleaseSpent for every other holder.
    """
    found = _fitting(Book(vault), demand, entitled, vault.clock.now())
    if not found.holder:
        write(vault, found.stream, releases.ReleaseUsed(found.run_id, found.nonce, demand.holder))
        found = next(r for r in Book(vault).releases(demand.run_id) if r.nonce == found.nonce)
    _require_mine(found, demand, vault.clock.now())
    return found


def require(vault: Vault, demand: Demand, entitled: Entitled) -> Release:
    """The release that this holder has begun to use.

    Raises:
        ReleaseMissing: there is none for this run, or nobody began to use it.
        ReleaseForged: there is one, by a signer who may not.
        ReleaseElsewhere: there is one of this plan, for another run.
        PlanChanged: it is for another plan.
        ReleaseExpired: it was not used in its time.
        ReleaseSpent: it was used, by another or to its end.
        OwnApproval, NotAnApprover, TwoPersonsNeeded: it was not theirs to let go.
    """
    found = _fitting(Book(vault), demand, entitled, vault.clock.now())
    if not found.holder:
        raise ReleaseMissing("no delivery was begun under this release", to=f"run {demand.run_id}")
    _require_mine(found, demand, vault.clock.now())
    return found


def end(vault: Vault, release: Release) -> None:
    """Everything was delivered: the release is good for nothing any more."""
    write(vault, release.stream, releases.ReleaseSpent(release.run_id, release.nonce))


def _fitting(book: Book, demand: Demand, entitled: Entitled, now: datetime) -> Release:
    mine = book.releases(demand.run_id)
    if not mine:
        _say_why_none(book, demand)
    found = mine[-1]
    if found.plan_digest != demand.plan_digest:
        raise PlanChanged(
            "the plan is not the one that was approved",
            to=f"run {demand.run_id}, plan {demand.plan_digest[:16]} in place of {found.plan_digest[:16]}",
        )
    if found.spent:
        raise ReleaseSpent("everything was delivered under this release", to=_named(found))
    if not found.holder and now >= found.expires:
        raise ReleaseExpired(
            "the approval was not used in the time for which it is good", to=_named(found)
        )
    requester = demand.requester
    if requester.told != found.requester:
        raise ReleaseElsewhere("the release was given to another requester", to=_named(found))
    responders = tuple(entitled.person(who) for who in found.responders)
    require_entitled(entitled, found.way, requester, responders)
    return found


def _say_why_none(book: Book, demand: Demand) -> None:
    where = f"run {demand.run_id}, plan {demand.plan_digest[:16]}"
    if forged := book.forged(demand.run_id):
        raise ReleaseForged("the release is signed by a key that may not sign it", to=forged)
    if any(r.plan_digest == demand.plan_digest for r in book.releases()):
        raise ReleaseElsewhere("this plan was released for another run", to=where)
    raise ReleaseMissing("the vault holds no release for this restore", to=where)


def _require_mine(found: Release, demand: Demand, now: datetime) -> None:
    if found.holder != demand.holder:
        raise ReleaseSpent("another delivery was begun under this release", to=_named(found))
    if found.used_at is not None and now - found.used_at > GOES_ON:
        raise ReleaseExpired(
            "the delivery was begun too long ago to go on under this release", to=_named(found)
        )


def _named(release: Release) -> str:
    return f"run {release.run_id}, release {release.nonce[:8]}"
