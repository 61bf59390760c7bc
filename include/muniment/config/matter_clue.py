"""MatterClue: what names a matter in messages, events and files - one clue, and the number where its pattern has none."""

from __future__ import annotations

from typing import ClassVar

from muniment.config.patterns import PLACEHOLDERS, PatternError, parse_pattern
from muniment.config.schema import Field, model_validator
from muniment.config.values import Model, Text


class MatterClue(Model):
    """What the rules of all sources with mail have alike. The first rule that matches decides."""

    _clues: ClassVar[tuple[str, ...]] = ("subject", "address")
    """Names of the fields of which a rule has one; of a class that has more, all of them."""

    subject: str | None = Field(
        None,
        description="The subject, as a pattern; a slash in it counts as any other character.",
        examples=["*[{number}]*"],
    )
    address: str | None = Field(
        None,
        description="An address among sender, recipients and attendees, in small letters, as a pattern.",
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
        """Which of them it goes by, and its pattern."""
        return self._given()[0]

    def _given(self) -> list[tuple[str, str]]:
        held = ((name, getattr(self, name)) for name in self._clues)
        return [(name, text) for name, text in held if text is not None]

    @model_validator(mode="after")
    def _one_clue(self) -> MatterClue:
        given = self._given()
        if len(given) != 1:
            names = f"{', '.join(self._clues[:-1])} and {self._clues[-1]}"
            raise ValueError(f"has to go by one of {names}; write one of them")
        name, text = given[0]
        found = parse_pattern(text, PLACEHOLDERS)
        if name != "folder" and "/" in text:
            raise PatternError(f"has a / in a {name}, where there are no folders; leave it out")
        if ("number" in found.placeholders) == (self.matter is not None):
            raise ValueError("needs either {number} in its pattern or a `matter`, and not both")
        return self
