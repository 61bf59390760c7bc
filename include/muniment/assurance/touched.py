"""Touched: which snapshots and matters a finding hurts. Needs an identity that opens rows."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from muniment.errors import MunimentError
from muniment.model.item import Row
from muniment.vault import names
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import History
from muniment.vault.snapshots import read_rows
from muniment.vault.vault import Vault


def name_touched(
    vault: Vault, histories: Iterable[History], findings: list[Finding]
) -> list[Finding]:
    """Adds opaque matter ids to serious findings, as far as the identities at hand open rows.

    A hurt pack touches the matters whose rows name it. Whatever else is hurt (rows, commits, bases)
    may touch every matter of its source: what it said of them cannot be known any more.
    """
    serious = [f for f in findings if f.severity is not Severity.WARNING and f.sources]
    if not serious or not vault.identities:
        return findings
    packs: dict[str, set[str]] = {}
    of_source: dict[str, set[str]] = {}
    for history in histories:
        for row in _rows(vault, history):
            if row.matter:
                of_source.setdefault(history.source, set()).add(row.matter)
                for part in row.parts:
                    packs.setdefault(names.pack(part.pack.hex()), set()).add(row.matter)
    if not of_source:
        return findings

    def touched(finding: Finding) -> Finding:
        if finding.object.startswith("packs/"):
            matters = packs.get(finding.object, set())
        else:
            matters = set().union(*(of_source.get(source, set()) for source in finding.sources))
        return replace(finding, matters=tuple(sorted(matters)), keys="operations for the matters")

    return [touched(f) if f in serious else f for f in findings]


def _rows(vault: Vault, history: History) -> Iterable[Row]:
    """Every row ever written for this source that can be opened, base rows included, once each."""
    objects = {s.snapshot: s for r in history.trusted for s in r.commit.snapshots}
    objects |= {s.snapshot: s for b in history.bases for s in b.base.snapshots}
    for described in objects.values():
        try:
            identity = vault.keyring.identity(described.key_id)
            rows = read_rows(
                vault.store, [identity], vault.vault_id, history.source, described.snapshot
            )
            yield from (row for row in rows if isinstance(row, Row))
        except MunimentError:
            continue
