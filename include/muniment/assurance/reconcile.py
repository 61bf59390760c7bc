"""Reconcile: the seam by which a source with client money shows that its restored records balance.

Trust records are reconciled, not sampled: ledger against ledger, to the cent. Each source that holds them
brings a Reconciler of its own system. This version backs up no such system by its records (a file share
holds statements, not ledgers), so the table is empty, and a verification says of every inventory row with
trust data that it was not reconciled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from muniment.assurance.trial import Draw
from muniment.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`differences` counts accounts or matters whose balance is not what their entries add up to."""

    entries: int
    differences: int


class Reconciler(Protocol):
    def __call__(self, vault: Vault, drawn: Draw, scratch: Path) -> Reconciled: ...


RECONCILERS: Mapping[str, Reconciler] = {}
"""By the system of the inventory row."""
