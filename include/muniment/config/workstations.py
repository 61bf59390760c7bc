"""Workstations: what a firm decides about computers on which people work (docs/DISCOVERY.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from muniment.config.schema import AfterValidator, Field
from muniment.config.values import Duration, FilePath, Id, Model, Text, absolute


class RmmColumns(Model):
    """What the columns of the file are called."""

    device: Text = Field("Device", description="The computer's name.", examples=["Device"])
    person: Text = Field(
        "User", description="The address of who works on it; may be empty.", examples=["User"]
    )
    backed_up: Text = Field(
        "Last Backup",
        description="When its last backup ended well: an ISO date or time; empty for never.",
        examples=["Last Backup"],
    )


class Workstations(Model):
    """How it is shown that what lies on workstations is backed up. Without this part only what Microsoft 365 tells of
    managed devices is judged."""

    rmm: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="A CSV file that a remote management tool exports, one row a computer, where operations can read it.",
        examples=["/var/lib/muniment/example/rmm.csv"],
    )
    columns: RmmColumns = Field(
        default_factory=RmmColumns, description="What its columns are called."
    )
    within: Duration = Field(
        timedelta(days=7),
        ge=timedelta(hours=1),
        le=timedelta(days=31),
        description="How old a computer's last good backup may be. The file itself may not be older either.",
    )
    folders_in_onedrive: bool = Field(
        False,
        description="The firm's policy sends Desktop, Documents and Pictures of every computer into OneDrive (known folder"
        " move), and somebody checked that it is in force. Graph cannot show it. Then a OneDrive that is used and backed up"
        " counts for its owner's computers.",
    )
    due_within: Duration = Field(
        timedelta(days=14),
        ge=timedelta(days=1),
        le=timedelta(days=90),
        description="How long somebody has to mend a risk from the day on which it was first seen.",
    )
    owner: Id | None = Field(
        None,
        description="Who of `people` has to mend them; without it the office manager, else the first technician.",
        examples=["technician"],
    )
