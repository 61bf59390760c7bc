"""M1: configuration, keys, clock, and the staging folder."""

from __future__ import annotations

from muniment.errors.base import MunimentError, Retry


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
