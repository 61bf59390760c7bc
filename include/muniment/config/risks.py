"""Risks: what the inventory itself shows to be unprotected or too thinly protected.

A risk is no mistake: the row may be true. It stays visible until somebody fixes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from muniment.config.firm import Firm
from muniment.config.inventory import Classification, InventoryRow, Method
from muniment.config.policy import FLOOR_YEARS, Records, RecoveryPoints
from muniment.config.vendor_backup import VENDOR_BACKUP

REVIEW_EVERY = timedelta(days=365)
CONFIRM_EVERY = timedelta(days=365)


class RiskKind(StrEnum):
    NOT_COVERED = "not covered"
    WORKSTATION = "workstation"
    VENDOR_ONLY = "vendor only"
    TRUST_ELSEWHERE = "trust data not proven"
    TRUST_RARE = "trust data less than daily"
    TRUST_ROTATES = "trust data rotates"
    TRUST_EXCLUDES = "trust data with exclusions"
    RPO_MISSED = "schedule slower than RPO"
    RULE_NOT_CONFIRMED = "retention rule not confirmed"
    SETS_UNTRIED = "backup sets not tried"
    NOT_REVIEWED = "not reviewed"


@dataclass(frozen=True, slots=True)
class Risk:
    """`text` is a sentence with ids and no names of clients. `critical`: the row is."""

    source_id: str
    kind: RiskKind
    text: str
    critical: bool


def risks(firm: Firm, rows: Iterable[InventoryRow], now: datetime) -> list[Risk]:
    """All risks, those of critical rows first, then in the inventory's order."""
    found = [
        Risk(row.source_id, kind, text, row.classification is Classification.CRITICAL)
        for row in rows
        for kind, text in _of(row, firm, now)
    ]
    return sorted(found, key=lambda risk: not risk.critical)


def _of(row: InventoryRow, firm: Firm, now: datetime) -> Iterator[tuple[RiskKind, str]]:
    if not row.backup_method.covers:
        yield RiskKind.NOT_COVERED, "Nothing backs it up."
    if row.workstation:
        yield RiskKind.WORKSTATION, "Data that lies on workstations alone is lost with them."
    if row.backup_method is Method.NATIVE:
        yield (
            RiskKind.VENDOR_ONLY,
            "Only the vendor keeps copies: whoever takes over the account takes them too.",
        )
    if row.trust_data and not row.by_muniment:
        yield RiskKind.TRUST_ELSEWHERE, "Its backups are not verified or drilled by Muniment."
    if row.by_muniment:
        yield from _of_protected(row, firm, now)
    today = now.date()
    if row.reviewed_on is None:
        yield RiskKind.NOT_REVIEWED, "The row has no date of review that can be read."
    elif today - row.reviewed_on > REVIEW_EVERY:
        yield RiskKind.NOT_REVIEWED, f"Last reviewed on {row.reviewed_on.isoformat()}."


def _of_sets(row: InventoryRow, firm: Firm, now: datetime) -> Iterator[tuple[RiskKind, str]]:
    options = firm.sources.get(row.source_id)
    settings = options.vendor_backup if options is not None else None
    tried = settings.tried_on if settings is not None else None
    if tried is None or now.date() - tried > CONFIRM_EVERY:
        yield (
            RiskKind.SETS_UNTRIED,
            "Nobody said within a year that a set was restored with the product that makes them: Muniment proves"
            " that the files come back, and no more.",
        )


def _of_protected(row: InventoryRow, firm: Firm, now: datetime) -> Iterator[tuple[RiskKind, str]]:
    assert row.schedule is not None
    gap = row.schedule.longest_gap(now, firm.time_zone)
    # A day on which the clocks go back has 25 hours.
    if row.rpo is not None and gap > row.rpo + timedelta(hours=1):
        yield RiskKind.RPO_MISSED, "Its schedule leaves longer gaps than its RPO allows."
    if row.system == VENDOR_BACKUP:
        yield from _of_sets(row, firm, now)
    rule = firm.retention[row.retention]
    if row.trust_data:
        # ABA Model Rules for Client Trust Account Records, R. 3 cmt [1]: "preferably daily".
        if gap > timedelta(hours=25):
            yield RiskKind.TRUST_RARE, "Trust records are to be backed up daily."
        if isinstance(rule, RecoveryPoints):
            yield (
                RiskKind.TRUST_ROTATES,
                f"Its snapshots rotate; trust records are to be kept for years ({FLOOR_YEARS}, or"
                " what the firm's jurisdiction says): choose a rule of class records.",
            )
        if row.source_id in firm.sources and firm.sources[row.source_id].exclude:
            yield RiskKind.TRUST_EXCLUDES, "Parts of it are excluded from the backup."
    if isinstance(rule, Records) and (
        rule.confirmed_on is None or now.date() - rule.confirmed_on > CONFIRM_EVERY
    ):
        yield (
            RiskKind.RULE_NOT_CONFIRMED,
            f"Nobody confirmed the retention rule {row.retention} in the last year.",
        )
