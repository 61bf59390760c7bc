"""M3: what went wrong in a vault."""

from __future__ import annotations

from muniment.errors.base import MunimentError, Retry


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
