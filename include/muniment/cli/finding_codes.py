"""What the codes of findings mean. `check` and `verify` print a code; `muniment explain CODE` and
docs/ERRORS.md say the rest. A test fails when a code of the engine is missing here.

D1xx is damage: something a restore needs is gone or changed. T2xx is tampering: somebody wrote where
nobody writes; readers are not misled by it. W3xx is a warning: nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FindingCode:
    """`seen_by` is the least that finds it: `check` (no key), `check --read-back`, `verify` (keys),
    `evidence verify` (no key)."""

    code: str
    meaning: str
    safe: str
    todo: str
    seen_by: str = "check"


_OTHERS = "Snapshots that the finding does not name are unharmed."
_TRUE_ONE = "The true version is still there and is what every restore reads."
_RESTORE_EARLIER = (
    "Restore from the snapshot before it where it matters; run the backup of the source again, which "
    "writes what is missing. If there is a second destination, copy the object back from there."
)
_TELL = (
    "Somebody used a credential that can write here. Tell the managing partner, find out which, "
    "replace it, and revoke the signer if its key lay beside it (`muniment keys revoke-signer`)."
)

_LISTED = (
    FindingCode(
        "D110",
        "A commit is missing in the row of a source's commits, or no version of it is validly signed.",
        "Snapshots before the gap are whole. Later ones are believed again where a base vouches for them.",
        "Copy the commit back from the second destination or an export of the bucket. Without one, "
        "run `muniment rebase` on the last good snapshot and back up again.",
    ),
    FindingCode(
        "D120",
        "A commit that is known outside the store is not in it: the store was set back, or the "
        "newest commit removed.",
        "Everything up to the newest commit still in the store is unharmed.",
        "Keep the store as it is, for evidence. Look for the commit in the second destination; tell the "
        "managing partner; back up again.",
    ),
    FindingCode(
        "D121",
        "A checkpoint names a commit as the newest of its source, and it is not in the store.",
        "Everything up to the newest commit still in the store is unharmed.",
        "As for D120.",
    ),
    FindingCode(
        "D122",
        "A base that a checkpoint names is not in the store.",
        "Snapshots are read from the deltas instead, as long as these are there.",
        "Run `muniment rebase SOURCE` to write a new one.",
    ),
    FindingCode(
        "D123",
        "A key object or recovery file that a checkpoint names is not in the store.",
        "Packs and rows are unharmed; without its key nothing of an epoch can be opened.",
        "Copy it back from the recovery kit or the second destination. For keys: "
        "`muniment keys replace-holder` writes them anew while anybody can still open them.",
    ),
    FindingCode(
        "D124",
        "No version of a key object or recovery file is the one that a checkpoint names.",
        "A planted key object opens nothing and misleads nobody: recipients are signed by root.",
        "As for D123. Never run a recover.py whose SHA-256 is not the key card's.",
    ),
    FindingCode(
        "D125",
        "The vault documents, the retention log or the checkpoints are older than what is known "
        "outside: the store was set back.",
        "What is still in the store is unharmed and can be restored.",
        "Treat the newest days as lost here until found elsewhere: second destination, exports. "
        "A signer that was revoked in a lost document counts as revoked: revoke it again.",
    ),
    FindingCode(
        "D126",
        "A number in a signed series is missing: of vault documents, retention entries, evidence or "
        "checkpoints. What it said is not known.",
        _OTHERS,
        "Copy the object back from the second destination or an export of the bucket; if there is none, keep "
        "the store as it is, for evidence, and tell the managing partner.",
    ),
    FindingCode(
        "D130",
        "A pack, an object of rows or a state that a snapshot needs is not in the store.",
        _OTHERS,
        _RESTORE_EARLIER,
    ),
    FindingCode(
        "D131",
        "An object that a snapshot needs does not have the size its commit says: it was cut or replaced.",
        _OTHERS,
        _RESTORE_EARLIER,
    ),
    FindingCode(
        "D132",
        "The checksum that the store keeps for an object is not the one in its name.",
        _OTHERS,
        _RESTORE_EARLIER,
    ),
    FindingCode(
        "D133",
        "An object was read back, and its bytes are not those that its name promises.",
        _OTHERS,
        _RESTORE_EARLIER
        + " Have the disk or the provider's store examined: bytes do not rot alone.",
        "check --read-back",
    ),
    FindingCode(
        "D134",
        "An object is there and the store could not give it.",
        _OTHERS,
        "Run `muniment check --read-back` again. If it stays, treat it as D133.",
        "check --read-back",
    ),
    FindingCode(
        "D140",
        "The key object of an epoch is not in the store: what is sealed to that epoch cannot be opened "
        "from this store alone.",
        "Nothing was changed; whoever has a copy of `keys/` opens everything.",
        "Copy `keys/` back from the recovery kit or the second destination, then run "
        "`muniment checkpoint`.",
    ),
    FindingCode(
        "D141",
        "RECOVER.txt or recover.py is not in the store.",
        "Nothing of the firm's data is touched.",
        "Take them from the recovery kit when recovering; set-up writes them again.",
    ),
    FindingCode(
        "D150",
        "Rows of a snapshot cannot be opened or read, although the object is in the store.",
        _OTHERS,
        _RESTORE_EARLIER,
        "verify",
    ),
    FindingCode(
        "D151",
        "A base does not say what the commits it covers say.",
        "The commits are what counts; snapshots before the base are unharmed.",
        "Run `muniment rebase SOURCE` and tell whoever maintains Muniment: this is a defect, or the "
        "operations key was misused.",
        "verify",
    ),
    FindingCode(
        "D152",
        "A pack was opened, and a member, a frame or its seal is not what it must be.",
        "Other packs, and snapshots that do not name it, are unharmed.",
        _RESTORE_EARLIER,
        "verify",
    ),
    FindingCode(
        "D153",
        "An item of the matter that was drawn cannot be restored.",
        "Other items of the matter were restored, or are listed too.",
        "Restore the item from an earlier snapshot: `muniment restore --item ID --as-of TIME`.",
        "verify",
    ),
    FindingCode(
        "T201",
        "A delete marker was laid on an object. On a store with versions it hides the object from "
        "simple tools and deletes nothing.",
        _TRUE_ONE,
        _TELL,
    ),
    FindingCode(
        "T202",
        "Another version of an object that is written once was put on top of it.",
        _TRUE_ONE,
        _TELL,
    ),
    FindingCode(
        "T203",
        "A version of a signed object is not validly signed for its name.",
        "It is not believed. " + _TRUE_ONE,
        _TELL,
    ),
    FindingCode(
        "T204",
        "Another version lies on or under a key object or recovery file that a checkpoint names.",
        "Key objects are tied to what root signed, so a planted one opens nothing.",
        _TELL + " Take recover.py from the kit, not from this store.",
    ),
    FindingCode(
        "T205",
        "There is an object of a kind that no vault has.",
        "Nothing of the vault is touched.",
        "If nobody keeps other files beside the vault: " + _TELL,
    ),
    FindingCode(
        "T210",
        "The chain of vault documents is broken: a document does not name the one before it.",
        "The documents up to the break are in force.",
        "Compare with the key card. Only root can write these: " + _TELL,
    ),
    FindingCode(
        "T220",
        "A commit does not name the last trusted commit as its parent: one is missing between them, or "
        "it was grafted on.",
        "It is shown and never restored from. Earlier snapshots are unharmed.",
        "Run the backup of the source again; it goes on from the last trusted commit. " + _TELL,
    ),
    FindingCode(
        "T221",
        "Something is signed by a signer who was revoked: a commit after the last one that root still "
        "trusts; or a base, a checkpoint or an entry of the retention log that no checkpoint from before "
        "the revocation records.",
        "It is shown, and neither restored from nor believed.",
        "Nothing, if the signer was revoked on purpose. The next backup goes on from the last trusted one.",
    ),
    FindingCode(
        "T230",
        "The chain of the retention log is broken.",
        "Entries up to the break count. Nothing is deleted on the word of later ones.",
        _TELL,
    ),
    FindingCode(
        "T240",
        "A base does not have the digest that its name says.",
        "It is not used; snapshots are read from other bases or from deltas.",
        _TELL,
    ),
    FindingCode(
        "T250",
        "The chain of a stream of evidence is broken: an entry does not name the one before it.",
        "Entries up to the break, and those that link up again, count. Backups and restores do not "
        "depend on evidence.",
        "What happened in the gap has to be shown otherwise (commits, checkpoints, mail). " + _TELL,
    ),
    FindingCode(
        "T251",
        "There is an entry of evidence that nobody entitled signed, or that lies under another's name.",
        "It is not believed and counts in no report. Backups and restores do not depend on evidence.",
        _TELL,
    ),
    FindingCode(
        "T253",
        "The roll-up of a month does not say what the commits and entries that it sums up say, or cannot "
        "be read.",
        "The commits and entries themselves are unharmed; `muniment kpi --originals` computes from them.",
        "Run `muniment kpi` with and without --originals and compare. If an entry was written much later "
        "than its time, the two differ by it; otherwise: " + _TELL,
        "evidence verify",
    ),
    FindingCode(
        "W300",
        "No live snapshot names a pack: it was left by a run that did not finish, or its snapshots are "
        "forgotten.",
        "Nothing is lost.",
        "Nothing. `muniment sweep` deletes it in two steps when its lock has ended.",
    ),
    FindingCode(
        "W301",
        "The bytes of an object are not those that its name says, and no live snapshot and no next run "
        "needs it: a disk spoiled it before its run was committed, or somebody put it there.",
        "Nothing is lost.",
        "If there are several, or the store is not a folder on a disk that fails, find out who writes there.",
        "check --read-back",
    ),
    FindingCode(
        "W320",
        "A matter has a key of its own and the key is not in its store: it was erased by order, or is lost.",
        "Everything else is unharmed. What the key sealed cannot be opened by anybody.",
        "If it was erased by order there is nothing to do. If not, put the store of matter keys back from "
        "its copy.",
    ),
    FindingCode(
        "W310",
        "There are more deltas since the last base than a restore should read.",
        "Nothing is lost; restores take longer.",
        "Run `muniment rebase SOURCE`, and see why the weekly verification does not.",
        "verify",
    ),
    FindingCode(
        "W330",
        "A worker ran under an inventory that operations never noted.",
        "Nothing is lost. The KPIs judge its days by the inventory that was noted before.",
        "Nothing if it was in force for an hour. If it stays, the worker has other documents than the "
        "machine of operations: bring both up to date. `muniment checkpoint` and the watch note what they see.",
        "evidence verify",
    ),
)

FINDING_CODES = {entry.code: entry for entry in _LISTED}
