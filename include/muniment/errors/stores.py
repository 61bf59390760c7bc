"""M4: what went wrong at a store."""

from __future__ import annotations

from muniment.errors.base import MunimentError, Retry


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
