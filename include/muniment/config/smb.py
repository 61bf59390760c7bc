"""SmbOptions: how a share of a Windows file server is read, and who may write one back.

Invariants: no secret stands here, only where it is kept; which share it is stands in the inventory's column `location`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from muniment.config.reached import SecretReference
from muniment.config.schema import AfterValidator, Field
from muniment.config.values import Duration, Model, Text

SMB = "smb"
"""The system of a row whose location is a share of a file server, which workers read without mounting it."""

_UNC = re.compile(r"(?:\\\\|//)([^\\/]+)[\\/]+([^\\/]+)((?:[\\/]+[^\\/]+)*)[\\/]*")
_SHADOW = re.compile(r"latest|@GMT-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d")


def parse_unc(text: str) -> tuple[str, str, str] | None:
    """Server, share and folder (`/`-separated) of `\\\\server\\share\\folder`, also with slashes; None for what is none."""
    match = _UNC.fullmatch(text.strip())
    if match is None:
        return None
    parts = [part for part in re.split(r"[\\/]+", match[3]) if part]
    if {".", ".."} & {*parts} or ":" in text:
        return None
    return match[1], match[2], "/".join(parts)


def _shadow(value: str) -> str:
    if value and not _SHADOW.fullmatch(value):
        raise ValueError(
            "is no shadow copy; write latest, or a name such as @GMT-2026.01.31-23.00.00"
        )
    return value


def _share(value: str) -> str:
    if value and parse_unc(value) is None:
        raise ValueError(r"is no share; write server and share, such as \\fileserver\Restored")
    return value


class SmbAccount(Model):
    """Who signs in at a file server."""

    user: Text = Field(
        "",
        max_length=128,
        description="The user, where no Airflow connection gives it.",
        examples=["backup-reader"],
    )
    password: SecretReference | None = Field(
        None,
        description="Where the password is kept, where no Airflow connection gives it: an absolute path (mode 0600),"
        " `secret:<name>`, or `env:<VARIABLE>`. Never the password itself.",
        examples=["secret:file-server"],
    )
    domain: Text = Field(
        "", max_length=128, description="The Windows domain of the user.", examples=["FIRM"]
    )


class SmbRestore(SmbAccount):
    """Who gives back onto a share, and where."""

    location: Annotated[Text, AfterValidator(_share)] = Field(
        "",
        description="The share, and perhaps folder, in which new folders are made; the share of the source if left out.",
        examples=[r"\\fileserver\Restored"],
    )


class SmbOptions(SmbAccount):
    """A share of a Windows file server; see docs/SMB.md."""

    port: int | None = Field(
        None, ge=1, le=65_535, description="The server's port, where it is not 445.", examples=[445]
    )
    encrypt: bool = Field(
        True,
        description="Refuse a server that cannot encrypt. With `false` requests are signed, and who listens can read.",
    )
    connections: int = Field(
        4, ge=1, le=16, description="How many connections list and read at the same time."
    )
    streams: bool = Field(
        True, description="Take alternate data streams (`Letter.docx:Zone.Identifier`) too."
    )
    look_closely: bool | None = Field(
        None,
        description="Ask each file for permissions and streams at every run. If left out, where the server is Samba, whose"
        " time of change does not show what is done to them.",
    )
    look_closely_every: int = Field(
        1,
        ge=1,
        le=31,
        description="Ask each file once within so many runs; a part in each, and in a folder whose own permissions were changed"
        " all at once. What this misses until then: docs/SMB.md.",
        examples=[7],
    )
    shadow_copy: Annotated[Text, AfterValidator(_shadow)] = Field(
        "",
        description="Read a shadow copy (Previous Versions) in place of the share: `latest`, or its name. Files that programs"
        " hold open are then as they were at one moment.",
        examples=["latest"],
    )
    shadow_copy_age: Duration = Field(
        timedelta(hours=26),
        ge=timedelta(minutes=5),
        description="How old the newest shadow copy may be; an older one is no source.",
    )
    restore: SmbRestore | None = Field(
        None,
        description="Who writes, and where, when a restore gives back onto a share (`--to-share`; in Airflow *Deliver as*). The"
        " account that reads should not be able to.",
    )
