"""NetDocuments back: one matter's documents written into the repository they came from, out of a snapshot.

Nouns
- Old: a document or container of the snapshot. There: it is still in the repository, and not in Deleted Items. Gone:
  it is not.
- Claim: a document of the repository that stands for one old document, and for no other.
- Folder of restored documents: where documents go whose workspace is gone, or that lay in none. The plan names it.
- Outcome: what became of one item: written, reused, differs, failed, not written.

Invariants
- Nothing that stands in the repository is overwritten, moved or deleted. A document that is there and equal is left; one
  that differs gets a new version only where that was asked for, and else it is told. One that is gone is made anew.
- A workspace is never made.
- Rights go with the bytes, in one request. A document whose rights cannot be set is not written: it would be seen by
  others than before.
- Whoever does not administer every cabinet does not see all that is there, and would make it a second time: refused.
- Before anything is made, the repository is asked whether it is there: by name and content, where it belongs. So a
  request whose answer never came, a journal that is lost, another folder make nothing twice.
- In the end everything is read back and compared, bytes too. What could not be kept is told, item by item.
"""

from __future__ import annotations

from muniment.model.item import Fidelity, Row
from muniment.sources.netdocuments import naming

NETDOCUMENTS = "netdocuments"
NETDOCUMENTS_VERSIONS = "netdocuments, with new versions of what differs"
"""Targets of a plan."""

RECREATED = frozenset({naming.DOCUMENTS, naming.DOCUMENT_FILE})
"""Kinds of which new objects are made, where they are gone."""


def given_as(row: Row) -> Fidelity:
    """What this restore gives of an item, by its kind: what is not made anew is in the delivery beside."""
    return Fidelity.RECREATED if row.kind in RECREATED else row.fidelity


def restored_folder(matter: str) -> str:
    """The name of the folder of restored documents. It bears the matter's opaque id, so that a plan may say it."""
    return f"Restored {matter}"


def target_of(matter: str, *, versions: bool) -> str:
    """What a plan says of where: whoever approves it approves this."""
    name = NETDOCUMENTS_VERSIONS if versions else NETDOCUMENTS
    return f"{name} (into '{restored_folder(matter)}' what has no place any more)"
