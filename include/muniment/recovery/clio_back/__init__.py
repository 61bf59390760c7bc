"""Clio back: one matter written into a Clio account as new objects, from what a snapshot has of it.

Nouns
- Old: a row of the snapshot. New: the row that stands for it in the account.
- Fate: whether an old row is written, and if not, why: it is in the delivery beside all the same.
- Body: what is sent to make a new row, with every reference led to its new row; what could not be kept is named.
- Mark: what a new row bears, where the API lets it bear something, so that it is found again.
- Journal: beside the delivery; what was asked for and what it became, before and after each request.
- Outcome: what became of one old row: written, reused, differs, failed, not written.

Invariants
- Nothing that stands in the account is changed or removed, but for what this restore made itself, and what it
  takes out of the trash in a matter that it was told to use.
- A row is made by one request whose answer came. Where none came, the account is asked first: rows that bear a
  mark are found by it, others by being equal to what was sent and nobody else's.
- Trust, bank and bill rows are never written (`sources.clio.writing`).
- Nobody is sent a notification, an invitation or a reminder.
- In the end everything is read back and compared, bytes too. A difference is told, and the restore is not whole.
"""

from __future__ import annotations

from muniment.model.item import Fidelity, Row

CLIO = "clio"
CLIO_EXISTING = "clio, into the matter that is there"
"""Targets of a plan."""

RECREATED = frozenset(
    {
        "activities", "calendar_entries", "communications", "contacts", "damages", "document_file", "documents",
        "documents/versions", "folders", "matters", "notes", "relationships", "tasks",
    }
)  # fmt: skip
"""Kinds of which new objects are made."""


def given_as(row: Row) -> Fidelity:
    """What this restore gives of an item, by its kind: what is not made anew is in the delivery beside."""
    return Fidelity.RECREATED if row.kind in RECREATED else row.fidelity
