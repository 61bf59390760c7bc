"""M2: what went wrong at a source."""

from __future__ import annotations

from muniment.errors.base import MunimentError, Retry


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


class DumpToolUnfit(SourceError):
    """The vendor's dump program is missing here, or older than the server that it should dump."""

    code = "M216"
    retry = Retry.NEVER
    default_safe = "Nothing was dumped; every earlier snapshot is unharmed."
    default_todo = (
        "Install the client package of the server's version or newer on the worker, or name its folder as `tools` of "
        "the source in firm.yaml; `muniment doctor` says when it fits."
    )


class BackupShareUnusable(SourceError):
    """Database server and worker do not meet on the share that backups are written to."""

    code = "M217"
    retry = Retry.LATER
    default_safe = (
        "Nothing that stood on the share was changed; every earlier snapshot is unharmed."
    )
    default_todo = "See `share` of the source in firm.yaml, and docs/DATABASES.md."


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
