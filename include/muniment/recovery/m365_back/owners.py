"""Owners: what people call a matter, a mailbox and a drive, out of the same snapshot. Rows of no matter only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from muniment.model.item import Row
from muniment.recovery.plan import Choice, chosen
from muniment.recovery.selected import open_rows
from muniment.recovery.selection import Selection
from muniment.sources.m365 import naming
from muniment.sources.m365.items import short
from muniment.vault.vault import Vault

_KINDS = (naming.USER, naming.DRIVE, naming.CONTACT_FOLDER)


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
        for kind in (naming.USER, naming.DRIVE):
            row = self._known.get(naming.native(kind, owner))
            if row is not None and row.metadata.get("name"):
                return f"Of {row.metadata['name']}"
        return f"Of {short(owner)}"

    def is_own_folder(self, place: str) -> bool:
        """Is it a folder of contacts that somebody made, and not the one that everybody has?"""
        return place.encode() in self._known

    @cached_property
    def _known(self) -> Mapping[bytes, Row]:
        history, record = chosen(self._vault, self._choice)
        everything = open_rows(self._vault, history, record, ()).items.values()
        return {row.native_id: row for row in everything if row.kind in _KINDS and not row.matter}
