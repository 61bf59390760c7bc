"""What a firm decides about its sources: retention, matters, exceptions, options per source.

Invariants: a retention rule always keeps something; an exception ends within 90 days of being
accepted and somebody named accepted it; a pattern that cannot be understood is refused when it is
loaded, not when it is used.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from muniment.config.clio import ClioOptions
from muniment.config.databases import DatabaseOptions
from muniment.config.m365 import M365Options
from muniment.config.mail_archive import MailArchiveOptions
from muniment.config.netdocuments import NetDocumentsOptions
from muniment.config.patterns import PLACEHOLDERS, PatternError, number_shape, parse_pattern
from muniment.config.schema import AfterValidator, Field, field_validator, model_validator
from muniment.config.smb import SmbOptions
from muniment.config.values import (
    Date,
    Id,
    Listed,
    Model,
    OneOrMany,
    Size,
    SourceId,
    Text,
)
from muniment.config.vendor_backup import VendorBackupOptions

FLOOR_YEARS = 7
"""The longest period of US trust account rules found for any state in a source that was read (CO,
CT, IL, MS, NV, NJ, NY, OH, RI, WA); a shorter one counts only when the firm confirmed it."""
MAX_EXCEPTION = timedelta(days=90)

Anchor = Literal[
    "event_recorded",
    "record_created",
    "representation_terminated",
    "matter_concluded",
    "final_distribution",
    "last_transaction",
    "last_entry_in_record",
    "fiscal_year_end_of_record",
    "employment_completed",
    "fiduciary_obligation_completed",
    "prospective_client_last_contact",
]


def _pattern(text: str) -> str:
    parse_pattern(text)
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A path pattern without placeholders."""


class RecoveryPoints(Model):
    """Snapshots that rotate: how many of the newest hours, days, weeks, months, years keep one."""

    retention_class: Literal["recovery_points"] = Field(
        alias="class",
        description="`recovery_points`: snapshots rotate.",
        examples=["recovery_points"],
    )
    hourly: int = Field(
        0, ge=0, le=336, description="Of how many of the last hours one snapshot is kept."
    )
    daily: int = Field(
        0, ge=0, le=366, description="Of how many of the last days one snapshot is kept."
    )
    weekly: int = Field(
        0, ge=0, le=520, description="Of how many of the last weeks one snapshot is kept."
    )
    monthly: int = Field(
        0, ge=0, le=120, description="Of how many of the last months one snapshot is kept."
    )
    yearly: int = Field(
        0,
        ge=0,
        le=10,
        description="Of how many of the last years one snapshot is kept. A recovery point kept for"
        " years is an archive, and archives can be demanded in discovery: prefer `records`.",
    )

    @model_validator(mode="after")
    def _keeps_something(self) -> RecoveryPoints:
        if not (self.hourly or self.daily or self.weekly or self.monthly or self.yearly):
            raise ValueError(
                "keeps nothing; write how many, such as daily: 30, weekly: 12, monthly: 12"
            )
        return self


class Records(Model):
    """Records kept for years from an event. Nothing expires while an anchor date is not known."""

    retention_class: Literal["records"] = Field(
        alias="class",
        description="`records`: kept for years from an event.",
        examples=["records"],
    )
    years: int = Field(
        ge=1,
        le=100,
        description=f"Years from the anchor. Fewer than {FLOOR_YEARS} count only when"
        " `confirmed_by` and `confirmed_on` are given.",
        examples=[7],
    )
    anchors: Annotated[tuple[Anchor, ...], OneOrMany] = Field(
        alias="from",
        min_length=1,
        description="The event from which the years run; of several, the latest counts.",
        examples=["representation_terminated"],
    )
    citation: Text = Field(
        "", description="The rule of law that it follows, for the reports.", max_length=300
    )
    confirmed_by: Id | None = Field(
        None, description="Who of `people` checked the rule for this firm's jurisdictions."
    )
    confirmed_on: Date | None = Field(None, description="When; to be repeated every year.")

    @model_validator(mode="after")
    def _confirmed_when_short(self) -> Records:
        if self.years < FLOOR_YEARS and not (self.confirmed_by and self.confirmed_on):
            raise ValueError(
                f"keeps less than {FLOOR_YEARS} years and nobody confirmed it; give confirmed_by"
                f" and confirmed_on, or write years: {FLOOR_YEARS}"
            )
        return self


RetentionRule = Annotated[RecoveryPoints | Records, Field(discriminator="retention_class")]


class MatterRule(Model):
    """How a path of one source names a matter. The first rule that matches decides."""

    source: SourceId = Field(
        description="The source_id that the rule is for.", examples=["file-server"]
    )
    pattern: str = Field(
        description="The path below the source's root, with {number} and perhaps {title} and"
        " {client}; see docs/MATTERS.md.",
        examples=["Matters/{number} {title}/**"],
    )
    number: str | None = Field(
        None,
        description="The firm's own form of matter numbers: # is a digit, @ a letter.",
        examples=["####-####"],
    )

    @field_validator("pattern")
    @classmethod
    def _names_a_number(cls, value: str) -> str:
        if "number" not in parse_pattern(value, PLACEHOLDERS).placeholders:
            raise PatternError("has no {number}; a rule must say where the matter number stands")
        return value

    @field_validator("number")
    @classmethod
    def _is_a_shape(cls, value: str | None) -> str | None:
        if value is not None:
            number_shape(value)
        return value


class AcceptedException(Model):
    """Items whose problem somebody accepted for a time, so that a run may count as complete."""

    source: SourceId = Field(
        description="The source_id. Not one with trust data.", examples=["file-server"]
    )
    pattern: Pattern = Field(
        description="Which paths. Items of a matter are never excepted, whatever the pattern says.",
        examples=["Scanner/Inbox/**"],
    )
    cause: str = Field(
        pattern=r"\A[a-z][a-z -]{2,59}\Z",
        description="The cause as the run's report has it.",
        examples=["permission denied"],
    )
    accepted_by: Id = Field(description="Who of `people`.", examples=["managing-partner"])
    accepted_on: Date = Field(description="When.", examples=["2026-01-15"])
    until: Date = Field(
        description="The last day on which it counts, 90 days after `accepted_on` at most.",
        examples=["2026-03-31"],
    )

    @model_validator(mode="after")
    def _ends(self) -> AcceptedException:
        if not self.accepted_on <= self.until <= self.accepted_on + MAX_EXCEPTION:
            raise ValueError(
                f"lasts longer than {MAX_EXCEPTION.days} days or ends before it begins; choose an"
                " `until` within 90 days of `accepted_on` and have it accepted again then"
            )
        return self

    def in_force(self, on: date) -> bool:
        return self.accepted_on <= on <= self.until


class MassDeletionGuard(Model):
    """When a listing is not believed: it lost this share of the items, and at least so many."""

    share: float = Field(
        0.5,
        gt=0,
        le=1,
        strict=False,
        description="Share of the items, between 0 and 1.",
        examples=[0.5],
    )
    items: int = Field(20, ge=1, description="Number of items below which nothing is suspected.")


class AnomalyGuard(Model):
    """When a run looks like an attack (docs/ANOMALIES.md). The snapshot is always kept; it is flagged and told."""

    watch: bool = Field(
        True, description="Ask at all. `false` needs a `reason`, and `muniment doctor` shows it."
    )
    reason: Text = Field("", max_length=300, description="Why nobody asks.")
    spoiled_items: int = Field(
        20,
        ge=5,
        description="Changed files that no longer look like what they are, below which nothing is suspected.",
    )
    spoiled_share: float = Field(
        0.25, gt=0, le=1, strict=False, description="Their share of what changed, between 0 and 1."
    )
    deleted_share: float = Field(
        0.2, gt=0, le=1, strict=False, description="Share of the files that vanished in one run."
    )
    changed_share: float = Field(
        0.25,
        gt=0,
        le=1,
        strict=False,
        description="Share of the files with another content, if it is also far more than ever before.",
    )
    note_folders: int = Field(
        3, ge=1, description="Folders in which a new file is called as ransom notes are."
    )

    @model_validator(mode="after")
    def _off_for_a_reason(self) -> AnomalyGuard:
        if not self.watch and not self.reason:
            raise ValueError("is off and does not say why; give a `reason`")
        return self


class SourceOptions(Model):
    """How one source is read. Every key may be left out."""

    account: Text = Field(
        "",
        max_length=200,
        description="The cloud account (or tenant) that the source lives in. A destination in the"
        " same account is refused.",
        examples=["210987654321"],
    )
    exclude: Annotated[tuple[Pattern, ...], Listed] = Field(
        (),
        description="Paths that are not backed up at all. A risk is shown where trust data is concerned.",
        examples=[["**/~$*", "**/Thumbs.db"]],
    )
    one_file_system: bool = Field(
        True, description="Do not descend into other file systems mounted below the root."
    )
    expect_mount: bool = Field(
        False, description="The root must be a mount point: an unmounted share is then noticed."
    )
    sentinel: Text | None = Field(
        None,
        description="A file below the root that must exist, or the source counts as missing.",
        examples=["do-not-delete.muniment"],
    )
    shard_size: Size = Field(
        2 << 30,
        ge=64 << 20,
        le=256 << 30,
        description="How much changed work makes one shard, the unit of a retry.",
    )
    shard_items: int = Field(
        50_000,
        ge=100,
        le=1_000_000,
        description="The same, in items. Of what an API lists with all it has (rows, not files) 8,000 "
        "at most.",
    )
    threads: int = Field(2, ge=1, le=32, description="Threads that read and compress in a shard.")
    clio: ClioOptions | None = Field(None, description="For a source that is a Clio account.")
    m365: M365Options | None = Field(
        None, description="For a source that is a Microsoft 365 tenant."
    )
    netdocuments: NetDocumentsOptions | None = Field(
        None, description="For a source that is a NetDocuments repository."
    )
    database: DatabaseOptions | None = Field(
        None, description="For a source that is a database server."
    )
    mail_archive: MailArchiveOptions | None = Field(
        None, description="For a folder with e-mail archives."
    )
    vendor_backup: VendorBackupOptions | None = Field(
        None, description="For a folder of another product's backup sets."
    )
    smb: SmbOptions | None = Field(
        None, description="For a share of a Windows file server that is read without mounting it."
    )
    mass_deletion: MassDeletionGuard = Field(
        default_factory=MassDeletionGuard,
        description="When a shrunken source is not believed.",
    )
    anomaly: AnomalyGuard = Field(
        default_factory=AnomalyGuard,
        description="When a run looks like an attack.",
    )

    @field_validator("sentinel")
    @classmethod
    def _below_the_root(cls, value: str | None) -> str | None:
        if value is not None and ({"", ".", ".."} & set(value.split("/")) or "\0" in value):
            raise ValueError("is not a path below the root; write it relative, without . and ..")
        return value
