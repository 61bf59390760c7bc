"""What a recovery drill practises, and what a lawyer says of it."""

from __future__ import annotations

from enum import StrEnum


class Scenario(StrEnum):
    """What has happened, in the drill."""

    MATTER = "matter"
    """A matter is lost: it is wanted whole, from all its systems."""
    ITEM = "item"
    """One document is lost."""
    SOURCE = "source"
    """A server is lost: one source is wanted whole."""
    RANSOMWARE = "ransomware"
    """A source was encrypted some time ago: it is wanted whole, as it was before."""
    RECOVERY_KIT = "recovery-kit"
    """Machines and product are lost too: what is left is the store, recover.py and an escrow identity."""


class Answer(StrEnum):
    """Is it usable?"""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
