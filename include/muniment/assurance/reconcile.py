"""Reconcile: the seam by which a source with client money shows that its restored records balance.

Trust records are reconciled, not sampled: ledger against ledger, to the cent. Each source that holds them
brings a Reconciler of its own system. Of an inventory row with trust data whose system has none (a file
share holds statements, not ledgers), a verification says that it was not reconciled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from muniment.assurance.trial import Draw
from muniment.sources.base import Source
from muniment.sources.clio.trust.tables import Table
from muniment.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class RestoredBooks:
    """Trust books as they came out of the vault, for the rules of `muniment.assurance.trust_books`.

    `now` are the canonical tables, computed from the restored rows; `kept` those that were made when the rows
    were backed up, as CSV; `earlier` gives those of another snapshot of the source. `reports` is how often the
    source's own ledger reports differ from the rows that they were made with. `same` says whether the live
    source still has an entry as it was restored, and None where it does not tell; it raises SourceError.
    """

    now: Mapping[str, Table] = field(repr=False)
    kept: Mapping[str, bytes] = field(repr=False)
    earlier: Callable[[int], Mapping[str, bytes]] = field(repr=False)
    reports: int
    same: Callable[[Source, str], bool | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`differences` counts accounts or matters whose balance is not what their entries add up to.

    `told` are the expectations (docs/VERIFICATION.md) whose failures `differences` has already. `books` are for
    the others; None from a system that brings no canonical tables.
    """

    entries: int
    differences: int
    told: frozenset[str] = frozenset()
    books: RestoredBooks | None = field(default=None, repr=False)


class Reconciler(Protocol):
    def __call__(self, vault: Vault, drawn: Draw, scratch: Path) -> Reconciled: ...


def _clio(vault: Vault, drawn: Draw, scratch: Path) -> Reconciled:
    from muniment.assurance.clio_trust import reconcile_clio

    return reconcile_clio(vault, drawn, scratch)


RECONCILERS: Mapping[str, Reconciler] = {"clio-trust": _clio}
"""By the system of the inventory row."""
