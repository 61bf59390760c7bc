"""Microsoft 365 back: one matter's mail, calendar, contacts and files written into the tenant, out of a snapshot.

Nouns
- Old: a message, event, contact or file of the snapshot, with its bytes.
- Room: the new folder of a mailbox or drive that takes what was in it. The plan names it; nothing is written elsewhere.
- Mark: a property of our own on what was made, from the vault, the snapshot, the matter and the item.
- Carried: a message that cannot be made anew without breaking it (signed, encrypted, malformed) is attached, byte for byte, to one
  that stands for it.
- Stand-in: who takes what was of a mailbox or drive that is gone, named by a person.
- Outcome: what became of one item: written, differs, failed, not written; what it could not keep.

Invariants
- Everything goes into a new room. Nothing that stands in the tenant is overwritten, moved, changed or deleted.
- Nothing is sent: no attendees, no receipts, no online meetings, no sharing; and an application that could send mail is refused.
- What bears the mark is there. It is looked for before anything is made that may have been made before; so a request whose answer
  never came, a journal that is lost, another folder of delivery make nothing twice.
- Rights are never given. A library's file that had rights of its own is not written into the library, where others would see it.
- In the end everything is read back and compared, bytes of files and attachments too. What could not be kept is told, item by item.
"""

from __future__ import annotations

from muniment.ids import sha256_hex
from muniment.model.item import Fidelity, Row
from muniment.sources.m365 import naming

M365 = "m365"
"""Target of a plan."""

RECREATED = frozenset(
    {
        naming.MESSAGE, naming.EVENT, naming.EVENT_ATTACHMENT, naming.CONTACT, naming.CONTACT_PHOTO, naming.DRIVE_ITEM,
        naming.FILE,
    }
)  # fmt: skip
"""Kinds of which new objects are made."""


def given_as(row: Row) -> Fidelity:
    """What this restore gives of an item, by its kind: what is not made anew is in the delivery beside."""
    return Fidelity.RECREATED if row.kind in RECREATED else row.fidelity


def room_name(matter: str, taken_at: str, mark: str) -> str:
    """What people see: the matter's number, of which moment it is, and what tells this restore from every other.

    `taken_at` is the end of the snapshot's run, as the plan has it. No sign that a drive refuses.
    """
    moment = taken_at[:16].replace("T", " ").replace(":", ".")
    return f"Restored {_plain(matter)} as of {moment} UTC [{mark[:8]}]"


def target_of(stand_in: str = "") -> str:
    """What a plan says of where: whoever approves it approves this. It holds no number and no address."""
    gone = f"; what has no mailbox or drive any more into {shown(stand_in)}" if stand_in else ""
    return f"{M365} (into new folders 'Restored <matter> as of <moment>'{gone})"


def shown(stand_in: str) -> str:
    """An id as it is; of an address, which names a person, its digest."""
    if "@" in stand_in:
        return f"mailbox {sha256_hex(stand_in.lower().encode())[:16]}"
    return f"mailbox {stand_in.lower()}"


def _plain(matter: str) -> str:
    kept = "".join(c if c.isalnum() or c in " -_.,()&" else "-" for c in matter).strip(" .")
    return kept[:60] or "matter"
