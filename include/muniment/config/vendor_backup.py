"""VendorBackupOptions: what makes a set of another product's backups whole, young and of a likely size.

Invariants: what is written here only adds checks; a set of which nobody said what belongs to it is refused.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from muniment.config.patterns import PatternError, parse_pattern
from muniment.config.schema import Field, field_validator, model_validator
from muniment.config.values import Date, Duration, Listed, Model, Size

VENDOR_BACKUP = "vendor-backup"
"""The system of a row whose location is a folder that another product writes its backups into."""

Product = Literal["veeam", "acronis", "quickbooks", "tabs3", "pclaw"]
PRODUCTS: tuple[Product, ...] = ("veeam", "acronis", "quickbooks", "tabs3", "pclaw")

PLACES = ("job", "set")
"""What may stand in braces in the pattern of a part."""


class SetPart(Model):
    """Files that belong to a backup set, by their path below the folder."""

    pattern: str = Field(
        description="A path pattern with {job} and {set}, or without either: what stands there tells one job from another,"
        " and one set of a job from the next. Capital and small letters are the same.",
        examples=["{job}/{set}.bak"],
    )
    needed: bool = Field(True, description="Without such a file the set is not whole.")
    manifest: bool = Field(
        False,
        description="The file is a list of the set's files, as `sha256sum` or `md5sum` write it, or of names alone: each of"
        " them must be there.",
    )

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        parse_pattern(value, PLACES)
        return value

    @property
    def places(self) -> frozenset[str]:
        return frozenset(parse_pattern(self.pattern, PLACES).placeholders)


class VendorBackupOptions(Model):
    """A folder of another product's backup sets; see docs/VENDOR_BACKUPS.md."""

    preset: Product | None = Field(
        None,
        description="Whose sets they are, where `backup_method` of the inventory row does not say it.",
    )
    parts: Annotated[tuple[SetPart, ...], Listed] = Field(
        (),
        description="What belongs to a set, where no preset knows it. All parts have the same of {job} and {set}.",
    )
    fresh: Duration | None = Field(
        None,
        ge=timedelta(minutes=5),
        description="How old the newest whole set of a job may be; the row's RPO if left out.",
        examples=["26h"],
    )
    settle: Duration = Field(
        timedelta(minutes=1),
        ge=timedelta(minutes=1),
        le=timedelta(hours=2),
        description="How long a new set is watched: what changes meanwhile is still being written, and not taken.",
    )
    shrink: float | None = Field(
        None,
        gt=0,
        le=1,
        strict=False,
        description="By which share the newest set may be smaller than the job's sets were before; 1 asks nothing. Of a"
        " preset its own, else 0.3.",
        examples=[0.3],
    )
    smallest: Size = Field(1, ge=1, description="A set smaller than this is not believed.")
    jobs: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="How many jobs have to have a set. If left out, as many as had one before: a job whose sets are gone is"
        " told until somebody accepts it.",
        examples=[3],
    )
    temporary: Annotated[tuple[str, ...], Listed] = Field(
        (),
        description="Names of files that show that a set is being written, as patterns, besides the usual ones.",
        examples=[["*.busy"]],
    )
    tried_on: Date | None = Field(
        None,
        description="When somebody last restored a set with the product that made it. Muniment cannot.",
        examples=["2026-01-15"],
    )

    @field_validator("temporary")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            parse_pattern(text)
            if "/" in text or text == "**":
                raise PatternError("is a path, and only a file's name counts here; write *.busy")
        return value

    @model_validator(mode="after")
    def _says_what_a_set_is(self) -> VendorBackupOptions:
        if self.preset and self.parts:
            raise ValueError("has a preset and parts of its own; keep one of the two")
        if self.parts and not any(part.needed and not part.manifest for part in self.parts):
            raise ValueError("has no part that is needed; say which files make a set")
        if len({part.places for part in self.parts}) > 1:
            raise ValueError(
                "has parts of which one has {job} or {set} and another has not; write the same in all of them"
            )
        return self
