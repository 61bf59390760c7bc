"""EvaluateDiscovery: what is wrong of what vendors list, of accounts that ended, and of workstations. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from muniment.alerts.facts import Facts
from muniment.alerts.model import Cause, Condition, Numbers, Severity
from muniment.clock import to_text

DISCOVERY_EVERY = timedelta(hours=16)
"""Twelve hours, and four for a vendor that lists slowly; so that an account which was disabled is told within a day."""
SHOWN = 20
"""Ids that a notice names; all stand in the evidence."""


def uncovered(facts: Facts) -> Iterator[Condition]:
    """Of a firm that never looked there is nothing to say: it may have no vendor that lists anything."""
    found = facts.discovered
    if found is None or not facts.home_readable:
        return
    ended, refs = found.ended, (found.ref,)
    owners = {each.watched.source: each.watched.owner for each in facts.sources}
    for source, ids in sorted(ended.uncovered.items()):
        yield Condition(
            f"discovery:{source}", Cause.NOT_COVERED, Severity.WARNING, source,
            owners.get(source) or facts.owner, since=found.at, numbers=_listed(ids), refs=refs,
        )  # fmt: skip
    for source in sorted({*ended.disabled, *ended.gone}):
        ids = (*ended.disabled.get(source, ()), *ended.gone.get(source, ()))
        # The vendor deletes what such an account had: it is told to the managing partner too.
        yield Condition(
            f"departed:{source}", Cause.DISABLED_UNCERTIFIED, Severity.SERIOUS, source,
            owners.get(source) or facts.owner, since=found.at, at_once=True, numbers=_listed(ids),
            refs=refs,
        )  # fmt: skip
    if facts.now - found.at > DISCOVERY_EVERY:
        late = facts.now - found.at > 3 * DISCOVERY_EVERY
        yield Condition(
            "discovery", Cause.DISCOVERY_OVERDUE, Severity.SERIOUS if late else Severity.WARNING,
            owner=facts.owner, since=found.at + DISCOVERY_EVERY, numbers={"last": to_text(found.at)},
            refs=refs,
        )  # fmt: skip
    elif ended.failed:
        codes = ", ".join(f"{source} ({code})" for source, code in sorted(ended.failed.items()))
        yield Condition(
            "discovery", Cause.DISCOVERY_FAILED, Severity.WARNING, owner=facts.owner, since=found.at,
            numbers={"codes": codes}, refs=refs,
        )  # fmt: skip


def workstations(facts: Facts) -> Iterator[Condition]:
    """One alert, for it is one kind of work; a person who joins is told, and who is overdue makes it serious."""
    found = facts.discovered
    seen = found.workstations if found else None
    if found is None or seen is None or not seen.risks or not facts.home_readable:
        return
    overdue = [risk.person for risk in seen.risks if facts.now > risk.due]
    yield Condition(
        "workstations", Cause.WORKSTATIONS, Severity.SERIOUS if overdue else Severity.WARNING,
        owner=seen.risks[0].owner or facts.owner, since=min(r.since for r in seen.risks),
        numbers={
            **_listed([risk.person for risk in seen.risks]), "overdue": len(overdue),
            "due": to_text(min(risk.due for risk in seen.risks)),
        },
        refs=(found.workstations_ref,),
    )  # fmt: skip


def _listed(ids: Sequence[str]) -> Numbers:
    shown = sorted(ids)[:SHOWN]
    more = len(ids) - len(shown)
    # A number of those not shown: one that joins them is told too.
    return {"count": len(ids), "things": ", ".join([*shown, f"{more} more"] if more else shown)}
