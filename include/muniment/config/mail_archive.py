"""MailArchiveOptions: what is made of e-mail archives on a share, and what in them names a matter.

Invariant: a rule names a matter by one clue.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from muniment.config.matter_clue import MatterClue
from muniment.config.schema import Field
from muniment.config.values import Duration, Listed, Model

MAIL_ARCHIVE = "mail-archive"
"""The system of a row whose location is a folder with e-mail archives."""


class ArchivedMatter(MatterClue):
    """What names a matter in archived mail. The first rule that matches a message decides."""

    _clues = ("folder", "subject", "address")

    folder: str | None = Field(
        None,
        description="The path of the archive below the source's folder with the message's folder in it behind, as a"
        " pattern.",
        examples=["**/Matters/{number} {title}/**"],
    )


class MailArchiveOptions(Model):
    """A folder with e-mail archives; see docs/MAIL_ARCHIVES.md."""

    index: bool = Field(
        True,
        description="Read what is in the archives. `false` takes them as files alone: no matter's messages come out of them.",
    )
    copies: Literal["matters", "all"] = Field(
        "matters",
        description="Of which messages a copy is kept as a file of its own: those of a matter, or all. Others come back with"
        " their archive.",
    )
    matters: Annotated[tuple[ArchivedMatter, ...], Listed] = Field(
        (),
        description="What names a matter. Where no rule matches, the matter rule that matches the archive's path decides.",
    )
    settle: Duration = Field(
        timedelta(minutes=1),
        ge=timedelta(minutes=1),
        le=timedelta(hours=2),
        description="How long a new archive is watched: one that changes meanwhile is not taken.",
    )
