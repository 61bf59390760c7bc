"""MailArchiveOptions: what is made of e-mail archives on a share, and what in them names a matter.

Invariant: a rule names a matter by one clue.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from muniment.config.patterns import PLACEHOLDERS, PatternError, parse_pattern
from muniment.config.schema import Field, model_validator
from muniment.config.values import Duration, Listed, Model, Text

MAIL_ARCHIVE = "mail-archive"
"""The system of a row whose location is a folder with e-mail archives."""


class ArchivedMatter(Model):
    """What names a matter in archived mail. The first rule that matches a message decides."""

    folder: str | None = Field(
        None,
        description="The path of the archive below the source's folder with the message's folder in it behind, as a"
        " pattern.",
        examples=["**/Matters/{number} {title}/**"],
    )
    subject: str | None = Field(
        None,
        description="The subject, as a pattern; a slash in it counts as any other character.",
        examples=["*[{number}]*"],
    )
    address: str | None = Field(
        None,
        description="An address among sender and recipients, in small letters, as a pattern.",
        examples=["*@client.example"],
    )
    matter: Text | None = Field(
        None,
        max_length=100,
        description="The matter's number, where the pattern has no {number}.",
        examples=["2024-0113"],
    )

    @property
    def clue(self) -> tuple[str, str]:
        """Which of the three it goes by, and its pattern."""
        return self._given()[0]

    def _given(self) -> list[tuple[str, str]]:
        held = {"folder": self.folder, "subject": self.subject, "address": self.address}
        return [(name, text) for name, text in held.items() if text is not None]

    @model_validator(mode="after")
    def _one_clue(self) -> ArchivedMatter:
        given = self._given()
        if len(given) != 1:
            raise ValueError("has to go by one of folder, subject and address; write one of them")
        name, text = given[0]
        found = parse_pattern(text, PLACEHOLDERS)
        if name != "folder" and "/" in text:
            raise PatternError(f"has a / in a {name}, where there are no folders; leave it out")
        if ("number" in found.placeholders) == (self.matter is not None):
            raise ValueError("needs either {number} in its pattern or a `matter`, and not both")
        return self


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
