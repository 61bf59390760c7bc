"""Needs: which restores wait for a person, and why. The rule is one pure function."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from muniment.recovery.plan import RestorePlan, chosen
from muniment.recovery.selected import load_matching
from muniment.recovery.selection import Scope, Selection
from muniment.vault import names
from muniment.vault.vault import Vault


class Need(StrEnum):
    """Why a restore needs an approval. The words are codes of docs/RESTORE_APPROVAL.md."""

    WHOLE_SOURCE = "whole_source"
    ACTIVE_MATTER = "active_matter"
    SEALED = "sealed"
    WITHHELD = "withheld"
    TRUST_DATA = "trust_data"


WORDS: Mapping[Need, str] = {
    Need.WHOLE_SOURCE: "a whole source comes back, with every matter in it",
    Need.ACTIVE_MATTER: "it is of a matter that counts as active: no source says that it is closed",
    Need.SEALED: "it is of a matter that is sealed, walled or to be destroyed: it has a key of its own",
    Need.WITHHELD: "a part of it is withheld from this restore",
    Need.TRUST_DATA: "it holds trust data",
}


@dataclass(frozen=True, slots=True)
class About:
    """What the rule looks at. `matters` are the opaque ids of what is restored, without the unassigned; `closed` those
    that a source is known to have closed, `own_key` those with a key of their own; `giving` are the sources
    that give something, `trust` those of the inventory that hold trust data."""

    scope: Scope
    matters: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    own_key: frozenset[str] = frozenset()
    kept_shut: bool = False
    withheld: bool = False
    giving: frozenset[str] = frozenset()
    trust: frozenset[str] = frozenset()


def needs(about: About) -> tuple[Need, ...]:
    """Empty: it may go without an approval."""
    found = {
        Need.WHOLE_SOURCE: about.scope is Scope.SOURCE,
        # Criticality is by matter too, and what is not known to be closed is active.
        Need.ACTIVE_MATTER: bool(about.matters - about.closed),
        Need.SEALED: about.kept_shut or bool(about.matters & about.own_key),
        Need.WITHHELD: about.withheld,
        Need.TRUST_DATA: bool(about.giving & about.trust),
    }
    return tuple(need for need, there in found.items() if there)


def about(
    vault: Vault, plan: RestorePlan, selection: Selection, trust_sources: Collection[str]
) -> About:
    """What there is to know of a plan, from the vault and not from the plan's own words: those may have come
    through Airflow. Raises PlanChanged, and what reading rows raises."""
    scope = selection.scope
    keys = (names.matter_of_key(key) for c in plan.choices for key in c.sealed_away)
    return About(
        scope=scope,
        matters=_matters(vault, plan, selection),
        own_key=frozenset(names.matter_of_key(m.key_id) for m in vault.trust.newest.matters),
        kept_shut=any(keys),
        withheld=any(c.withheld for c in plan.choices),
        giving=frozenset(c.source for c in plan.choices),
        trust=frozenset(trust_sources),
    )


def _matters(vault: Vault, plan: RestorePlan, selection: Selection) -> frozenset[str]:
    if selection.scope is Scope.MATTER:
        return frozenset({selection.value})
    if selection.scope is Scope.SOURCE:
        # It needs an approval whatever is in it: no row has to be read for that.
        return frozenset()
    rows = (
        row
        for choice in plan.choices
        for row in load_matching(vault, *chosen(vault, choice), selection).rows
    )
    return frozenset(row.matter for row in rows if row.matter)
