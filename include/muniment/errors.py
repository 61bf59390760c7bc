"""The one error tree.

Every error says what happened, to what, what is safe, and what to do; and whether a retry makes
sense. Texts carry ids, never the name of a client, matter, file or person: they end in logs,
alerts and Airflow's database.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Self


class Retry(Enum):
    """Does trying again make sense?"""

    NEVER = "never"
    """The same input gives the same failure: a person has to change something."""
    SOON = "soon"
    """A passing fault (a time-out, a 503): retry with back-off."""
    LATER = "later"
    """Somebody else's limit or outage: retry in the next run."""


class MunimentError(Exception):
    """Root of everything Muniment raises on purpose.

    Args:
        what: what happened, one sentence.
        to: which source, object, row or item it happened to (an id, a key, a file of ours).
        safe: what is certainly unharmed.
        todo: what a person should do next.
    """

    code: ClassVar[str] = "M000"
    retry: ClassVar[Retry] = Retry.NEVER
    default_safe: ClassVar[str] = "Nothing was written; earlier snapshots are unharmed."
    default_todo: ClassVar[str] = "Run `muniment doctor`, and see docs/ERRORS.md."

    def __init__(self, what: str, *, to: str = "", safe: str = "", todo: str = "") -> None:
        self.what = what
        self.to = to
        self.safe = safe or self.default_safe
        self.todo = todo or self.default_todo
        super().__init__(self.render())

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not survive pickling by default, and Airflow
        # pickles them between its processes.
        return (_rebuild, (type(self), self.what, self.to, self.safe, self.todo))

    def render(self) -> str:
        """The four answers as one block of text, the code first."""
        lines = [f"[{self.code}] {self.what}"]
        if self.to:
            lines.append(f"  where: {self.to}")
        lines.append(f"  safe:  {self.safe}")
        lines.append(f"  to do: {self.todo}")
        return "\n".join(lines)

    def at(self, to: str) -> Self:
        """The same error with the place where it happened, for a caller who knows it better."""
        return type(self)(self.what, to=self.to or to, safe=self.safe, todo=self.todo)

    def as_dict(self) -> dict[str, str]:
        """For `--json` and alerts."""
        return {
            "code": self.code,
            "what": self.what,
            "to": self.to,
            "safe": self.safe,
            "todo": self.todo,
            "retry": self.retry.value,
        }


def _rebuild(kind: type[MunimentError], what: str, to: str, safe: str, todo: str) -> MunimentError:
    return kind(what, to=to, safe=safe, todo=todo)


# -- configuration -------------------------------------------------------------------------------


class ConfigError(MunimentError):
    """firm.yaml, inventory.csv or an option is wrong."""

    code = "M100"
    default_todo = "Correct the named line and run `muniment doctor`."


class KeyFileError(ConfigError):
    """A key or identity file is missing, unreadable, or not what its name says."""

    code = "M110"
    default_todo = (
        "Put the key file back (see the key card) with mode 0600, then run `muniment doctor`."
    )


class ClockError(MunimentError):
    """This machine's clock and the store's clock disagree too much for times to be evidence."""

    code = "M120"
    default_todo = "Set the clock (NTP) of this machine, then run again."


class StagingError(MunimentError):
    """The staging folder is full, missing or not private."""

    code = "M130"
    retry = Retry.SOON
    default_todo = "Free space on the staging volume, or point `staging` at a larger one."


class StagingGone(StagingError):
    """What an earlier stage left in staging is no longer there: the run has ended, or begins anew."""

    code = "M131"
    retry = Retry.NEVER
    default_safe = "Nothing was committed by this stage; every snapshot is unharmed."
    default_todo = "Clear the run's `plan` task too, so that it begins again; nothing is lost."


# -- sources -------------------------------------------------------------------------------------


class SourceError(MunimentError):
    """A source could not be read."""

    code = "M200"
    retry = Retry.SOON


class SourceMissing(SourceError):
    """The source is not there at all: unmounted, moved, or another file system in its place."""

    code = "M210"
    retry = Retry.LATER
    default_safe = "No deletion was recorded; every earlier snapshot is unharmed."
    default_todo = "Mount or repair the source, then clear this task. If it really moved, change its location in inventory.csv."


class SourceUnavailable(SourceError):
    """The vendor's system does not answer, or not sensibly; nothing at this firm needs mending."""

    code = "M211"
    retry = Retry.SOON
    default_safe = "No deletion was recorded; every earlier snapshot is unharmed."
    default_todo = (
        "Nothing if it passes: the run retries, and the next run goes on from here. If it stays, see "
        "the vendor's status page and this machine's network."
    )


class SourceRefused(SourceError):
    """The vendor's system does not let us in: consent revoked or ended, wrong region, wrong client."""

    code = "M212"
    retry = Retry.NEVER
    default_safe = "No deletion was recorded; every earlier snapshot is unharmed."
    default_todo = "Have the backup user give consent again: `muniment consent SOURCE`."


class SourceRestricted(SourceError):
    """The backup user sees less than there is: a backup would be silently incomplete."""

    code = "M213"
    retry = Retry.NEVER
    default_safe = "Nothing was recorded as deleted; every earlier snapshot is unharmed."
    default_todo = (
        "Give the backup user every right that is named above, in the vendor's settings, or have an "
        "unrestricted administrator give consent: `muniment consent SOURCE`."
    )


class SourceSuspect(SourceError):
    """The source is there but so changed that believing it would record a mass deletion."""

    code = "M220"
    retry = Retry.NEVER
    default_safe = "No deletion was recorded; every earlier snapshot is unharmed."
    default_todo = (
        "Look at the source. If the deletions are intended, run once with `--accept-mass-deletion`."
    )


class ItemUnreadable(SourceError):
    """One item could not be read; the others go on."""

    code = "M230"


class BackupIncomplete(SourceError):
    """A run ended without a snapshot that counts as success."""

    code = "M250"
    retry = Retry.NEVER
    default_safe = (
        "What the run could take is committed and restorable; every earlier snapshot is unharmed."
    )
    default_todo = "Mend what is named above, then run the backup again."


class SnapshotSuspicious(SourceError):
    """A snapshot was committed, and what changed in the source looks like an attack."""

    code = "M255"
    default_safe = "The snapshot is kept, and so is every earlier one: nothing of this source is forgotten until somebody clears it."
    default_todo = (
        "Look at the source now: who changed what? See `muniment anomaly show` and docs/ANOMALIES.md. Restore with "
        "`--as-of last-clean`; if it is harmless, say so with `muniment anomaly clear`."
    )


# -- vault ---------------------------------------------------------------------------------------


class VaultError(MunimentError):
    """Something about the vault as a whole."""

    code = "M300"


class SealError(VaultError):
    """A sealed object cannot be opened: wrong key, or its bytes were changed."""

    code = "M310"


class NoKey(SealError):
    """None of the identities at hand opens the object; it may be perfectly good."""

    code = "M311"
    default_safe = "The object was not changed; it may be intact."
    default_todo = (
        "Use an identity that is entitled to it (operations, an escrow, or the matter's custodian)."
    )


class FormatError(VaultError):
    """An object is not what docs/FORMAT.md says it must be."""

    code = "M320"
    default_todo = "Run `muniment check`; if it names the object as tampered with, restore from the snapshot it proposes."


class SignatureError(VaultError):
    """A signed object is not signed by a signer who is entitled to sign it."""

    code = "M330"
    default_todo = "Run `muniment check` and tell the managing partner: somebody may have written to the store."


class IntegrityError(VaultError):
    """Bytes differ from their recorded digest, or an object that must exist is not there."""

    code = "M340"
    default_todo = "Run `muniment check` to see which snapshots and matters are touched; the previous good snapshot is proposed."


class TrustError(VaultError):
    """The vault document chain does not lead to the pinned root key and vault id."""

    code = "M350"
    default_todo = "Compare vault id and root key with the printed key card. Do not restore from this store until they agree."


class CommitConflict(VaultError):
    """Another run committed this sequence number first."""

    code = "M360"
    retry = Retry.SOON
    default_safe = (
        "The other run's snapshot is complete; what this run uploaded is kept and re-used."
    )
    default_todo = "Nothing: the next run goes on from the other run's snapshot."


class RunTooOld(VaultError):
    """A run that began so long ago that what it relies on may have been swept since."""

    code = "M370"
    retry = Retry.NEVER
    default_safe = "Nothing was committed; every earlier snapshot is unharmed."
    default_todo = "Start a new run, or clear this run's `plan` task too, so that it begins again."


class SuspicionOpen(VaultError):
    """A snapshot looks like an attack and no person has cleared it, so nothing of its source may be forgotten."""

    code = "M380"
    default_safe = "Nothing was forgotten and nothing was deleted."
    default_todo = (
        "See `muniment anomaly show`, look at the source, and say what you found with `muniment anomaly clear`; "
        "docs/ANOMALIES.md."
    )


# -- stores --------------------------------------------------------------------------------------


class StoreError(MunimentError):
    """The store did not do what was asked."""

    code = "M400"
    retry = Retry.SOON
    default_safe = "Objects already in the store are unharmed."


class StoreDenied(StoreError):
    """The store refused the credential (403)."""

    code = "M410"
    retry = Retry.NEVER
    default_todo = (
        "Check the connection's key and the policy shipped in docs/policies/; then clear this task."
    )


class StoreUnavailable(StoreError):
    """The store did not answer, answered 5xx, or too slowly."""

    code = "M420"
    default_todo = "Nothing if it passes: the run retries. If it stays, check the store's status and the network."


class ObjectUnreadable(StoreUnavailable):
    """The store answers, and its medium cannot give back this one object: a bad sector, say."""

    code = "M421"
    default_todo = (
        "Run `muniment check --read-back all` to see what is touched, and replace the disk. A "
        "restore takes the snapshot before."
    )


class ObjectExists(StoreError):
    """Put-if-absent found the name taken. The caller decides whether that is success."""

    code = "M430"
    retry = Retry.NEVER


class ObjectMissing(StoreError):
    """There is no object (or no such version) under this name."""

    code = "M440"
    retry = Retry.NEVER


class ChecksumMismatch(StoreError):
    """The store refused, or returned, bytes that do not have the digest they were sent with."""

    code = "M450"
    default_todo = "Nothing if it passes: the object is sent again. If it stays, test the network path and memory of this machine."


class LockNotEnforced(StoreError):
    """The store let a locked object be deleted or its lock be shortened."""

    code = "M460"
    retry = Retry.NEVER
    default_todo = "Turn on Object Lock (COMPLIANCE) with a default retention for this bucket, then run `muniment doctor` again."


class BadObjectName(StoreError):
    """A name that no object of a vault can have (see `muniment.vault.store.payload`)."""

    code = "M470"
    retry = Retry.NEVER
    default_todo = "If the name came out of the store, somebody wrote there: run `muniment check`."


class StoreUnsuitable(StoreError):
    """The place lacks something that a vault needs: hard links, versions, conditional writes."""

    code = "M480"
    retry = Retry.NEVER
    default_todo = "Choose another destination, or turn on what is named above."


# -- recovery ------------------------------------------------------------------------------------


class RestoreError(MunimentError):
    """A restore cannot be planned or performed."""

    code = "M500"
    default_safe = "The vault is unharmed; nothing half-written stands under its final name."


class NothingToRestore(RestoreError):
    """The selection matches nothing in the chosen snapshot."""

    code = "M510"
    default_todo = "Check matter, path or time with `muniment ls` and `muniment snapshots`."


class TargetNotEmpty(RestoreError):
    """The target holds files that this restore did not write."""

    code = "M520"
    default_todo = "Choose an empty folder, or say --overwrite to replace files of the same name."


class PlanChanged(RestoreError):
    """The plan presented is not the plan that was approved."""

    code = "M530"
    default_todo = "Plan again and have the new digest approved."


class VerificationFailed(RestoreError):
    """What was restored is not what was backed up."""

    code = "M540"


class TargetUnusable(RestoreError):
    """The target folder is missing, full, read-only, failing, or in use by another restore."""

    code = "M550"
    retry = Retry.SOON
    default_todo = "Mend what is named above and run the same restore again: it goes on from here."


class ItemNotDelivered(RestoreError):
    """One item could not be written where it belongs; the others go on."""

    code = "M560"
    default_todo = (
        "Remove what stands in its way, or restore the item by its id into an empty folder."
    )


class WriteBackRefused(RestoreError):
    """The vendor's system does not let us write: nobody consented to that, or not any more, or not to enough."""

    code = "M570"
    default_safe = "What was written before stands, and is in the map of the delivery."
    default_todo = (
        "Have somebody who may write give consent: `muniment consent SOURCE --for restore`; then the same "
        "command goes on from here."
    )


class NeverWrittenBack(RestoreError):
    """Trust and other money was to be written into a vendor's system, which is never done."""

    code = "M571"
    default_safe = "Nothing was asked of the vendor."
    default_todo = "Take the ledger from the delivery; whoever is responsible for the trust account enters it by hand."


class GivenBackBefore(RestoreError):
    """The matter was written back before, and this delivery knows nothing of it: once more would double it."""

    code = "M572"
    default_safe = "Nothing was written into the vendor's system."
    default_todo = (
        "To go on with that restore, name its folder with --to. To begin anew, delete the matter it made in "
        "the vendor's system first."
    )


class ReleaseRefused(RestoreError):
    """A restore that needs an approval was not released, or its release does not fit."""

    code = "M580"
    default_safe = "Nothing was read for it and nothing was delivered."
    default_todo = "Trigger the restore again and have it approved (docs/RESTORE_APPROVAL.md)."


class ReleaseMissing(ReleaseRefused):
    """The vault holds no release for this restore. What Airflow says of the approving task is none."""

    code = "M581"


class OwnApproval(ReleaseRefused):
    """Who asks for a restore never approves it."""

    code = "M582"
    default_todo = "Let another of the approvers that firm.yaml names answer."


class NotAnApprover(ReleaseRefused):
    """Somebody answered whom firm.yaml does not let approve."""

    code = "M583"
    default_todo = "Let one of the approvers answer, or have the managing partner name this person: `approvals` in firm.yaml."


class ReleaseExpired(ReleaseRefused):
    """The release was not used in the time for which it is good."""

    code = "M584"


class ReleaseElsewhere(ReleaseRefused):
    """The release belongs to another run."""

    code = "M585"
    default_todo = "A release is good for the run it was given to. Have this one approved."


class ReleaseSpent(ReleaseRefused):
    """The release was used before; it is good for one restore."""

    code = "M586"


class ReleaseForged(ReleaseRefused):
    """A release for this restore lies in the vault, signed by a key that may not sign it."""

    code = "M587"
    default_todo = (
        "Somebody with a store credential wrote it. Tell the managing partner, run `muniment evidence verify`, and "
        "have the restore approved."
    )


class TwoPersonsNeeded(ReleaseRefused):
    """Without an approver it takes two different people whom firm.yaml names for that."""

    code = "M588"
    default_todo = "Name two of `approvals.break_glass` of firm.yaml, none of whom asked for it."


# -- embedded servers ----------------------------------------------------------------------------


class EmbeddedError(MunimentError):
    """A server that Muniment runs itself (PostgreSQL, the S3 server, Airflow) did not start,
    answer or stop. `to` names its log file."""

    code = "M600"
    retry = Retry.SOON
    default_safe = "No vault and no source was touched."
    default_todo = "Read the named log; then stop the servers and start them again."


# -- alerts --------------------------------------------------------------------------------------


class DeliveryError(MunimentError):
    """A channel (mail, webhook, heartbeat) took nothing. `what` is a few words without any address."""

    code = "M700"
    retry = Retry.SOON
    default_safe = "No notice is lost: it waits and is sent when the channel takes it."
    default_todo = "See the connection of the channel (docs/ALERTS.md). Nothing if it passes: every watch tries again."


class NoticeRefused(DeliveryError):
    """A channel takes notices, and not this one."""

    code = "M710"
    default_todo = (
        "See the recipients, or the receiver's log: it answered that it will not take this notice."
    )


class CanaryFailed(MunimentError):
    """The weekly test alert: its task fails on purpose, and the alert must arrive."""

    code = "M720"
    default_safe = "Everything: it is a test."
    default_todo = (
        "Nothing while the task `arrived` is green. If it is red, see docs/ALERTS.md: a channel did "
        "not take the alert."
    )


# -- people's answers ----------------------------------------------------------------------------


class AnswerError(MunimentError):
    """A person's answer cannot be taken."""

    code = "M800"
    default_safe = "The question stays open; nothing was decided."
    default_todo = "Clear the task that asked: it asks again."


class NotEntitled(AnswerError):
    """Somebody answered whose answer it is not."""

    code = "M810"


# -- anything else -------------------------------------------------------------------------------


class UnexpectedError(MunimentError):
    """An error nobody foresaw, said by its type and place: its own text may hold a client's name."""

    code = "M900"
    retry = Retry.SOON
    default_safe = "Snapshots that were committed are unharmed."
    default_todo = "If it stays after the retries, report it with the place named above."
