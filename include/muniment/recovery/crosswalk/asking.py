"""Asking: from what somebody calls a matter to everything that is that matter."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from muniment.recovery.crosswalk.joined import Joined
from muniment.recovery.crosswalk.record import Latest, load_crosswalk
from muniment.recovery.selection import Selection, select_matter
from muniment.vault.vault import Vault


def ask_for_matter(
    vault: Vault,
    asked: str,
    sources: tuple[str, ...] = (),
    *,
    related: bool = False,
    naming: Collection[str] = (),
) -> tuple[Selection, Joined, Latest]:
    """A matter by a number that it has or ever had, or by an opaque id; with all other numbers that are its own.

    Args:
        sources: those that the selection is taken from; empty means all.
        naming: the naming sources by the inventory; those that were recorded are asked in any case.

    Returns the selection, what the crosswalk says of the matter, and the crosswalk.
    Raises NothingToRestore for an empty question, StoreError, TrustError, NoKey.
    """
    selection = select_matter(vault, asked, sources, related=related)
    latest = load_crosswalk(vault, naming)
    joined = latest.crosswalk.join(selection.value)
    return replace(selection, value=joined.matter, also=joined.also), joined, latest
