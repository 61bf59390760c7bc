"""Planned: the rows that a plan promised, read again for whoever writes them."""

from __future__ import annotations

from muniment.errors import PlanChanged
from muniment.model.item import Row
from muniment.recovery.plan import Choice, chosen
from muniment.recovery.selected import load_matching
from muniment.recovery.selection import Filter, Selection, nothing_withheld, select
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault


def planned_rows(
    vault: Vault, choice: Choice, selection: Selection, withhold: Filter = nothing_withheld
) -> tuple[tuple[Row, ...], PartReader]:
    """The rows of one choice, and who reads their content. Raises PlanChanged where the items are not those of the
    plan, and what reading a vault raises."""
    history, record = chosen(vault, choice)
    selected = select(load_matching(vault, history, record, selection), withhold)
    if selected.digest != choice.items_digest:
        raise PlanChanged("the items are not those of the plan", to=choice.source)
    return selected.rows, PartReader(vault.store, vault.keyring, history.packs(record))
