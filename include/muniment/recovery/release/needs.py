"""Needs: which restores wait for a person, why, and whose word they take besides. The rule is one pure function,
and every door asks it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from muniment.clock import from_text
from muniment.config.inventory import Classification
from muniment.config.load import FirmConfig
from muniment.config.matter_policy import MatterPolicy, policies_by_id
from muniment.model.value import Value
from muniment.recovery.crosswalk.joined import Crosswalk
from muniment.recovery.crosswalk.naming import naming_sources
from muniment.recovery.crosswalk.record import load_crosswalk
from muniment.recovery.crosswalk.sightings import Status
from muniment.recovery.crosswalk.tally import LEDGER_KINDS
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
    """What the rule looks at. `matters` are the opaque ids of what is restored, without the unassigned. Of these are
    `closed` those that their naming sources call closed, now and as of the restore; `sealed` and `walled` those that
    firm.yaml names, by any number that they have or had; `own_key` those with a key of their own. `giving` are the
    sources that give something, `critical` and `trust` those of them that are critical and that hold trust data.
    `custodians` keep the seal of something in it, ids of `people`."""

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
    custodians: tuple[str, ...] = ()


def needs(about: About) -> tuple[Need, ...]:
    """Empty: it may go without an approval."""
    sealed = bool(about.matters & (about.own_key | about.sealed) or about.custodians)
    found = {
        Need.WHOLE_SOURCE: about.scope is Scope.SOURCE,
        # Criticality is by matter too, and what is not known to be closed is active.
        Need.ACTIVE_MATTER: bool(about.matters - about.closed),
        Need.CRITICAL_SOURCE: bool(about.matters and about.giving & about.critical),
        Need.SEALED: about.kept_shut or sealed,
        Need.WALLED: bool(about.matters & about.walled),
        Need.WITHHELD: about.withheld,
        Need.TRUST_DATA: bool(about.giving & about.trust),
    }
    return tuple(need for need, there in found.items() if there)


def about(vault: Vault, config: FirmConfig, plan: RestorePlan, selection: Selection) -> About:
    """What there is to know of a plan. It may have come through Airflow, so only that is taken from it which
    `perform` holds against the vault. Raises PlanChanged, and what reading rows raises."""
    policies = _policies(vault, config)
    within = _matters(vault, plan, selection, policies)
    crosswalk = load_crosswalk(vault, naming_sources(config)).crosswalk if within else Crosswalk()
    ids = {matter: _ids(crosswalk, matter) for matter in within}
    bound = {m: [p for one in ids[m] for p in policies.get(one, ())] for m in within}
    keyed = {names.matter_of_key(m.key_id) for m in vault.trust.newest.matters}
    moments = (vault.clock.now(), from_text(plan.as_of))
    # Of a whole source the matters are read for their custodians alone: it waits whatever is in it.
    matters = frozenset() if selection.scope is Scope.SOURCE else frozenset(within)
    return About(
        scope=selection.scope,
        matters=matters,
        closed=frozenset(m for m in matters if _closed(crosswalk, ids[m], moments)),
        sealed=frozenset(m for m in matters if any(p.sealed for p in bound[m])),
        walled=frozenset(m for m in matters if any(p.walled_from for p in bound[m])),
        own_key=frozenset(m for m in matters if keyed & {*ids[m]}),
        kept_shut=any(names.matter_of_key(key) for c in plan.choices for key in c.sealed_away),
        withheld=any(c.withheld for c in plan.choices),
        custodians=tuple(sorted({p.custodian for m in within for p in bound[m] if p.custodian})),
        **_sources(config, plan),
    )


def _sources(config: FirmConfig, plan: RestorePlan) -> dict[str, frozenset[str]]:
    """Those that give something, and the critical and the trust data's among them. One that the inventory does not
    know, or not any more, may hold anything."""
    known = {row.source_id: row for row in config.rows}
    kinds = {c.source: LEDGER_KINDS.intersection(c.kinds) for c in plan.choices}
    return {
        "giving": frozenset(kinds),
        "critical": frozenset(
            source
            for source in kinds
            if source not in known or known[source].classification is Classification.CRITICAL
        ),
        "trust": frozenset(
            source
            for source, ledger in kinds.items()
            if ledger or source not in known or known[source].trust_data
        ),
    }


def _policies(vault: Vault, config: FirmConfig) -> Mapping[str, tuple[MatterPolicy, ...]]:
    if not config.firm.matters:
        return {}
    return policies_by_id(config.firm.matters, vault.keyring.id_key(names.MATTERS_ID_KEY))


def _ids(crosswalk: Crosswalk, matter: str) -> tuple[str, ...]:
    """Every id that the matter has or had: whatever firm.yaml says of one of them holds for the others."""
    joined = crosswalk.join(matter)
    return tuple({matter: None} | dict.fromkeys((*joined.ids, *joined.doubtful)))


def _closed(crosswalk: Crosswalk, ids: tuple[str, ...], moments: tuple[datetime, ...]) -> bool:
    """A matter that no naming source knows, or of which one says nothing, is not known to be closed."""
    return all(crosswalk.status(ids, when) is Status.CLOSED for when in moments)


def _matters(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    policies: Mapping[str, tuple[MatterPolicy, ...]],
) -> set[str]:
    if selection.scope is Scope.MATTER:
        return {selection.value, *selection.also}
    if selection.scope is Scope.SOURCE and not any(
        policy.custodian for mine in policies.values() for policy in mine
    ):
        # It needs an approval whatever is in it: no row has to be read for that.
        return set()
    rows = (
        row
        for choice in plan.choices
        for row in load_matching(vault, *chosen(vault, choice), selection).rows
    )
    return {row.matter for row in rows if row.matter}
