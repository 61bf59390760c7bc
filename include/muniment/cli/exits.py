"""Exit codes: what a script may rely on. Documented in docs/EXIT_CODES.md, which is made from here."""

from __future__ import annotations

from enum import IntEnum

from muniment.errors import MunimentError


class Exit(IntEnum):
    """One number a kind of outcome; never reused for another."""

    GOOD = 0
    UNEXPECTED = 1
    USAGE = 2
    CONFIGURATION = 3
    SOURCE = 4
    STORE = 5
    DAMAGE = 6
    INCOMPLETE = 7
    NOT_WHOLE = 8
    NOT_RESTORED = 9
    DECLINED = 10
    ALARM = 11
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Exit.GOOD: "Good. What was asked for was done, and all of it.",
    Exit.UNEXPECTED: "A defect in Muniment, or a server of its own that failed. "
    "`MUNIMENT_DEBUG=1` shows the traceback.",
    Exit.USAGE: "The command was not understood: an unknown option, a value that is none.",
    Exit.CONFIGURATION: "Configuration, keys, clock or staging: something on this machine has to be "
    "changed. Nothing was written for the source that it concerns.",
    Exit.SOURCE: "A source could not be read, or is not to be believed. No snapshot was made.",
    Exit.STORE: "The store refused, did not answer, or cannot hold a vault.",
    Exit.DAMAGE: "Damage or tampering was found, or a store cannot be tied to the key card.",
    Exit.INCOMPLETE: "A backup is incomplete: a snapshot may have been made, something is missing "
    "in it. It never counts as success.",
    Exit.NOT_WHOLE: "A restore or an export was performed, and some of it could not be given back; "
    "the items are listed.",
    Exit.NOT_RESTORED: "Nothing was restored: nothing matches, the plan changed, or the target is "
    "in use, full or not empty.",
    Exit.DECLINED: "A question was answered with no, or could not be asked (no terminal). Nothing "
    "was changed.",
    Exit.ALARM: "Something is wrong that a person must know (`muniment watch`), a snapshot looks like an "
    "attack (it is committed; docs/ANOMALIES.md), or an alert could not be delivered.",
    Exit.INTERRUPTED: "Interrupted (Ctrl-C). The same command goes on from where it was.",
}

_EXACT = {
    "M000": Exit.UNEXPECTED,
    "M250": Exit.INCOMPLETE,
    "M255": Exit.ALARM,
    "M300": Exit.CONFIGURATION,
    "M311": Exit.CONFIGURATION,
    "M360": Exit.INCOMPLETE,
    "M370": Exit.INCOMPLETE,
    "M380": Exit.ALARM,
    "M540": Exit.NOT_WHOLE,
    "M560": Exit.NOT_WHOLE,
    "M590": Exit.NOT_WHOLE,
}
_BY_FAMILY = {
    "M1": Exit.CONFIGURATION,
    "M2": Exit.SOURCE,
    "M3": Exit.DAMAGE,
    "M4": Exit.STORE,
    "M5": Exit.NOT_RESTORED,
    "M6": Exit.UNEXPECTED,
    "M7": Exit.ALARM,
    "M8": Exit.DECLINED,
    "M9": Exit.UNEXPECTED,
}


def exit_of(error: MunimentError | type[MunimentError]) -> Exit:
    """The exit code of an error that ends a command."""
    return _EXACT.get(error.code) or _BY_FAMILY.get(error.code[:2], Exit.UNEXPECTED)
