"""Needs: which restores wait for a person, and why. The rule is one pure function."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from muniment.clock import from_text
from muniment.config.inventory import Classification
from muniment.config.load import FirmConfig
from muniment.config.matter_policy import policies_by_id
from muniment.model.value import Value
from muniment.recovery.crosswalk.naming import naming_sources
from muniment.recovery.crosswalk.record import Latest, load_crosswalk
from muniment.recovery.crosswalk.sightings import Status
from muniment.recovery.plan import RestorePlan, chosen
from muniment.recovery.selected import load_matching
from muniment.recovery.selection import Scope, Selection
from muniment.vault import names
from muniment.vault.vault import Vault


class Need(StrEnum):
    """Why a restore needs an approval. The words are codes of docs/RESTORE_APPROVAL.md."""

    WHOLE_SOURCE = "whole_source"
    ACTIVE_MATTER = "active_matter"
    CRITICAL_SOURCE = "critical_source"
    SEALED = "sealed"
    WALLED = "walled"
    WITHHELD = "withheld"
    TRUST_DATA = "trust_data"


WORDS: Mapping[Need, str] = {
    Need.WHOLE_SOURCE: "a whole source comes back, with every matter in it",
    Need.ACTIVE_MATTER: "it is of a matter that counts as active: no source says that it is closed",
    Need.CRITICAL_SOURCE: "it is of a matter, from a system that the inventory calls critical",
    Need.SEALED: "it is of a matter that is sealed or to be destroyed: firm.yaml says so, or it has a key of its own",
    Need.WALLED: "it is of a matter that is walled off from somebody",
    Need.WITHHELD: "a part of it is withheld from this restore",
    Need.TRUST_DATA: "it holds trust data",
}


class About(Value, frozen=True):
    """What the rule looks at. `matters` are the opaque ids of what is restored, without the unassigned; `closed` those
    that their naming sources call closed, now and as of the restore; `sealed` and `walled` those that firm.yaml names;
    `own_key` those with a key of their own. `giving` are the sources that give something, `critical` and `trust` those of
    the inventory that are critical and that hold trust data."""

    scope: Scope
    matters: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    sealed: frozenset[str] = frozenset()
    walled: frozenset[str] = frozenset()
    own_key: frozenset[str] = frozenset()
    kept_shut: bool = False
    withheld: bool = False
    giving: frozenset[str] = frozenset()
    critical: frozenset[str] = frozenset()
    trust: frozenset[str] = frozenset()


def needs(about: About) -> tuple[Need, ...]:
    """Empty: it may go without an approval."""
    found = {
        Need.WHOLE_SOURCE: about.scope is Scope.SOURCE,
        # Criticality is by matter too, and what is not known to be closed is active.
        Need.ACTIVE_MATTER: bool(about.matters - about.closed),
        Need.CRITICAL_SOURCE: bool(about.matters and about.giving & about.critical),
        Need.SEALED: about.kept_shut or bool(about.matters & (about.own_key | about.sealed)),
        Need.WALLED: bool(about.matters & about.walled),
        Need.WITHHELD: about.withheld,
        Need.TRUST_DATA: bool(about.giving & about.trust),
    }
    return tuple(need for need, there in found.items() if there)


def about(vault: Vault, config: FirmConfig, plan: RestorePlan, selection: Selection) -> About:
    """What there is to know of a plan, from the vault and not from the plan's own words: those may have come
    through Airflow. Raises PlanChanged, and what reading rows raises."""
    scope = selection.scope
    keys = (names.matter_of_key(key) for c in plan.choices for key in c.sealed_away)
    matters = _matters(vault, plan, selection)
    return About(
        scope=scope,
        matters=matters,
        closed=_closed(vault, config, plan, matters),
        sealed=_named(vault, config, sealed=True),
        walled=_named(vault, config, sealed=False),
        own_key=frozenset(names.matter_of_key(m.key_id) for m in vault.trust.newest.matters),
        kept_shut=any(keys),
        withheld=any(c.withheld for c in plan.choices),
        giving=frozenset(c.source for c in plan.choices if c.items),
        critical=frozenset(
            row.source_id
            for row in config.protected
            if row.classification is Classification.CRITICAL
        ),
        trust=frozenset(row.source_id for row in config.protected if row.trust_data),
    )


def _closed(
    vault: Vault, config: FirmConfig, plan: RestorePlan, matters: frozenset[str]
) -> frozenset[str]:
    """A matter that no naming source knows, or of which one says nothing, is not known to be closed."""
    if not matters:
        return frozenset()
    latest: Latest = load_crosswalk(vault, naming_sources(config))
    moments = (vault.clock.now(), from_text(plan.as_of))

    def closed(matter: str) -> bool:
        joined = latest.crosswalk.join(matter)
        ids = (*joined.ids, *joined.doubtful)
        return all(latest.crosswalk.status(ids, when) is Status.CLOSED for when in moments)

    return frozenset(matter for matter in matters if closed(matter))


def _named(vault: Vault, config: FirmConfig, *, sealed: bool) -> frozenset[str]:
    """The matters that firm.yaml seals, or walls off from somebody."""
    if not config.firm.matters:
        return frozenset()
    policies = policies_by_id(config.firm.matters, vault.keyring.id_key(names.MATTERS_ID_KEY))
    return frozenset(
        matter
        for matter, mine in policies.items()
        if any(each.sealed if sealed else each.walled_from for each in mine)
    )


def _matters(vault: Vault, plan: RestorePlan, selection: Selection) -> frozenset[str]:
    if selection.scope is Scope.MATTER:
        return frozenset({selection.value, *selection.also})
    if selection.scope is Scope.SOURCE:
        # It needs an approval whatever is in it: no row has to be read for that.
        return frozenset()
    rows = (
        row
        for choice in plan.choices
        for row in load_matching(vault, *chosen(vault, choice), selection).rows
    )
    return frozenset(row.matter for row in rows if row.matter)
