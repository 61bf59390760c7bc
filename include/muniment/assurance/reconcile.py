"""Reconcile: the seam by which a source with client money shows that its restored records balance.

Trust records are reconciled, not sampled: ledger against ledger, to the cent. Each source that holds them
brings a Reconciler of its own system. Of an inventory row with trust data whose system has none (a file
share holds statements, not ledgers), a verification says that it was not reconciled.
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


def _clio(vault: Vault, drawn: Draw, scratch: Path) -> Reconciled:
    from muniment.assurance.clio_trust import reconcile_clio

    return reconcile_clio(vault, drawn, scratch)


RECONCILERS: Mapping[str, Reconciler] = {"clio-trust": _clio}
"""By the system of the inventory row."""
