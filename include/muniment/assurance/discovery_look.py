"""DiscoveryLook: the two halves of a discovery - a worker asks a vendor; operations hold all answers against the inventory.

Who asks has the source's credential and no key that opens rows; who judges has no credential of a source. Between them lies
the roster, sealed, in the worker's own stream of evidence.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from muniment.alerts.newest import newest_entries
from muniment.assurance.discovery import Judged, Memory, accepted_things, judge
from muniment.assurance.workstations import Backed, persons, read_rmm, risks
from muniment.config.inventory import LISTED_BY_VENDOR
from muniment.config.load import FirmConfig
from muniment.errors import ConfigError, MunimentError
from muniment.evidence.departures import DEPARTURES, certified_users
from muniment.evidence.discovery import (
    DISABLED,
    DISCOVERY,
    GONE,
    UNCOVERED,
    DiscoveryEnded,
    Risk,
    RosterSeen,
    WorkstationsSeen,
    packed,
    unpacked,
)
from muniment.evidence.events import write
from muniment.model.value import Value
from muniment.sources.base import Source
from muniment.sources.roster import Answers, Roster, Rostered
from muniment.vault import names
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream, open_detail, worker_stream
from muniment.vault.vault import Vault

log = logging.getLogger(__name__)

NO_ANSWER = "M200"
"""The code that is noted where a worker left no roster and no error."""

VaultOf = Callable[[str], Vault]
"""Source -> operations' handle of the store in which its evidence lies."""


def sources_with_rosters(config: FirmConfig) -> list[str]:
    """The sources whose vendor lists what there is."""
    return [row.source_id for row in config.protected if row.system in LISTED_BY_VENDOR]


def take_roster(vault: Vault, source: Source, run_id: str) -> dict[str, int]:
    """Asks the vendor and leaves the roster in the worker's stream; answers counts by kind.

    Raises SourceError, StoreError, VaultError.
    """
    assert isinstance(source, Rostered)
    roster = source.roster()
    counts = dict(Counter(str(thing.kind) for thing in roster.things))
    counts["devices"] = len(roster.devices or ())
    event = RosterSeen(run_id, source.source_id, counts)
    write(vault, worker_stream(source.source_id), event, packed(roster.as_dict()))
    return counts


def roster_of(vault: Vault, source: str, run_id: str) -> Roster | None:
    """What the worker left in this run; None where it left nothing. Raises NoKey, StoreError."""

    def is_it(entry: EvidenceEntry) -> bool:
        return entry.event == RosterSeen.event and entry.subject == run_id

    found = newest_entries(vault.store, vault.trust, worker_stream(source), is_it, limit=500)
    for resolved in reversed(found.objects):
        if is_it(resolved.value):
            return Roster.of(unpacked(open_detail(vault, resolved.value)))
    return None


class Concluded(Value, frozen=True):
    """What a discovery came to."""

    ended: DiscoveryEnded
    judged: Judged
    workstations: WorkstationsSeen | None


def conclude(
    home: Vault, vault_of: VaultOf, config: FirmConfig, run_id: str, failed: Mapping[str, str]
) -> Concluded:
    """Holds the rosters of this run against the inventory, and records what came of it.

    Args:
        home: operations' vault with the firm's evidence.
        failed: source -> code of the error with which its vendor could not be asked.

    Again for the same run it judges the same rosters again. Raises StoreError, VaultError, NoKey.
    """
    now = home.clock.now()
    stream = load_stream(home.store, home.trust, DISCOVERY)
    answers = _answers(vault_of, config, run_id, failed)
    last = next((e for e in reversed(list(stream.events(DiscoveryEnded.event)))), None)
    certified = certified_users(load_stream(home.store, home.trust, DEPARTURES).events())
    today = now.astimezone(ZoneInfo(config.firm.time_zone)).date()
    key = home.keyring.id_key(names.MATTERS_ID_KEY)
    held = unpacked(open_detail(home, last)) if last else {}
    accepts = accepted_things(config.exceptions, today)
    judged = judge(answers, Memory.of(held.get("memory") or {}), certified, accepts, key, now)
    ended = _ended(run_id, judged, answers, DiscoveryEnded.of(last) if last else None)
    # What a source that did not answer was said to have is named on.
    named = {
        id_: told
        for id_, told in (held.get("named") or {}).items()
        if told[1] in answers.failed
    }  # fmt: skip
    named |= {f.id: [f.word, f.source, f.kind, f.name, f.why] for f in judged.findings}
    seen, told_persons = _workstations(home, config, answers, run_id, key, now)
    if seen is not None:
        write(home, DISCOVERY, seen, packed({"persons": told_persons}))
    write(home, DISCOVERY, ended, packed({"named": named, "memory": judged.memory.as_dict()}))
    return Concluded(ended, judged, seen)


def _answers(
    vault_of: VaultOf, config: FirmConfig, run_id: str, failed: Mapping[str, str]
) -> Answers:
    rosters: dict[str, Roster] = {}
    silent = dict(failed)
    for source in sources_with_rosters(config):
        try:
            found = roster_of(vault_of(source), source, run_id)
        except MunimentError as error:
            log.error("The roster of %s cannot be read: [%s] %s", source, error.code, error.what)
            silent[source] = error.code
            continue
        if found is None:
            silent.setdefault(source, NO_ANSWER)
        else:
            rosters[source] = found
            silent.pop(source, None)
    return Answers(rosters, silent)


def _ended(
    run_id: str, judged: Judged, answers: Answers, last: DiscoveryEnded | None
) -> DiscoveryEnded:
    def lists(word: str, before: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        kept = {source: ids for source, ids in before.items() if source in answers.failed}
        return {**kept, **judged.by_source(word)}

    return DiscoveryEnded(
        run_id,
        judged.things,
        lists(UNCOVERED, last.uncovered if last else {}),
        lists(DISABLED, last.disabled if last else {}),
        lists(GONE, last.gone if last else {}),
        dict(answers.failed),
        {source: ", ".join(r.unasked) for source, r in answers.rosters.items() if r.unasked},
    )


# -- workstations ------------------------------------------------------------------------------------


def _workstations(
    home: Vault, config: FirmConfig, answers: Answers, run_id: str, key: bytes, now: datetime
) -> tuple[WorkstationsSeen | None, dict[str, list[object]]]:
    """None where nothing says what computers there are, or a tenant that knows them did not answer: then what was said
    before stands."""
    settings = config.firm.workstations
    tenants = {r.source_id for r in config.protected if r.system == "m365"}
    knows = any(roster.devices is not None for roster in answers.rosters.values())
    if (not knows and settings.rmm is None) or tenants & answers.failed.keys():
        return None, {}
    found = persons(answers.rosters, _rmm(config, now), config.rows, settings, key, now)
    before: Mapping[str, Risk] = {}
    last = next(
        reversed(
            list(load_stream(home.store, home.trust, DISCOVERY).events(WorkstationsSeen.event))
        ),
        None,
    )
    if last is not None:
        before = {risk.person: risk for risk in WorkstationsSeen.of(last).risks}
    today = now.astimezone(ZoneInfo(config.firm.time_zone)).date()
    accepts = accepted_things(config.exceptions, today)
    source = min(tenants, default="")
    owner = _owner(config)
    at_risk = risks(found, before, accepts, source, owner, settings.due_within, now)
    devices = sum(len(person.devices) for person in found)
    told: dict[str, list[object]] = {
        p.id: [p.address, [list(d) for d in p.devices], list(p.codes)] for p in found if p.codes
    }
    return WorkstationsSeen(run_id, devices, len(found), at_risk), told


def _rmm(config: FirmConfig, now: datetime) -> tuple[Backed, ...] | None:
    """None where there is no file of use: then no computer counts as backed up by that tool."""
    settings = config.firm.workstations
    if settings.rmm is None:
        return None
    try:
        found, written = read_rmm(settings.rmm, settings.columns)
    except ConfigError as error:
        log.error("[%s] %s", error.code, error.what)
        return None
    if now - written > settings.within:
        log.error("The RMM tool's list of computers is of %s: too old to count", written.date())
        return None
    return found


def _owner(config: FirmConfig) -> str:
    """Who has to mend what is not shown."""
    firm = config.firm
    named = firm.workstations.owner or firm.roles.office_manager
    technicians = firm.roles.technicians
    return named or (technicians[0] if technicians else firm.roles.managing_partner)
