"""Owners: what people call a matter, a mailbox and a drive, out of the same snapshot. Rows of no matter only."""

from __future__ import annotations

from functools import cached_property

from muniment.recovery.plan import Choice, chosen
from muniment.recovery.selected import open_rows
from muniment.recovery.selection import Selection
from muniment.sources.m365 import naming
from muniment.sources.m365.items import short
from muniment.vault.rows import Snapshot
from muniment.vault.vault import Vault


class Owners:
    def __init__(self, vault: Vault, choice: Choice, selection: Selection) -> None:
        self._vault = vault
        self._choice = choice
        self._selection = selection

    def number(self) -> str:
        """The matter's number; empty where the snapshot has none."""
        history, record = chosen(self._vault, self._choice)
        found = open_rows(self._vault, history, record, self._selection.matters).matters
        numbers = (found[one].number for one in self._selection.matters if one in found)
        return next(iter(numbers), "")

    def name(self, owner: str) -> str:
        """Of a user or drive that is gone; its id in short where nobody knows."""
        rows = {row.native_id: row for row in self._everything.items.values() if row.kind in (naming.USER, naming.DRIVE)}  # fmt: skip
        for kind in (naming.USER, naming.DRIVE):
            row = rows.get(naming.native(kind, owner))
            if row is not None and not row.matter and row.metadata.get("name"):
                return f"Of {row.metadata['name']}"
        return f"Of {short(owner)}"

    @cached_property
    def _everything(self) -> Snapshot:
        history, record = chosen(self._vault, self._choice)
        return open_rows(self._vault, history, record, ())
