"""M5: what went wrong in a restore."""

from __future__ import annotations

from muniment.errors.base import MunimentError, Retry


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


class WalledOff(RestoreError):
    """Something of a matter was to be given to somebody who is, or was then, walled off from it."""

    code = "M589"
    default_safe = "Nothing of it was written."
    default_todo = (
        "Say with --for who receives it, and with --requested-by who asks. If the wall is an error, the managing partner "
        "changes `matters` in firm.yaml; a wall that stood at the time of the snapshot still counts."
    )


class CertificateRefused(RestoreError):
    """What would be certified is not what was verified."""

    code = "M590"
    default_safe = "What was delivered stands; no certificate was written."
    default_todo = (
        "Restore again into an empty folder; certify before anybody works on the delivery."
    )


class NobodyToSealFor(RestoreError):
    """A delivery is sealed by default, and it is not known for whom, or that person has no recipient."""

    code = "M591"
    default_safe = "Nothing was read for it and nothing was delivered."
    default_todo = (
        "Name in the form for whom it is. That person makes a key (`age-keygen -o my-key.txt`), keeps the file, and its public "
        "line (age1...) goes into people.<id>.recipient of firm.yaml. Or trigger the DAG again with *Not sealed*."
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


class CustodianNeeded(ReleaseRefused):
    """A restore with something under seal takes the word of who keeps the seal."""

    code = "M592"
    default_todo = (
        "Let the custodian answer too, or ask for it himself. If he cannot be reached, the managing partner names "
        "another one: `matters` in firm.yaml."
    )
