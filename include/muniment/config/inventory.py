"""InventoryRow: one system of the firm, as a row of inventory.csv says it is protected.

Invariants: a row is whole and consistent or it is not a row; what a method needs is there (a source
of Muniment has location, frequency, retention, destination, RPO and RTO); trust data is critical.
Whatever nobody backs up may stand here too, and stays visible (`muniment.config.risks`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from muniment.config.mail_archive import MAIL_ARCHIVE
from muniment.config.papers import TRUST_PAPERS
from muniment.config.schedule import RIGHT, Schedule, ScheduleError, parse_schedule
from muniment.config.schema import BeforeValidator, Field
from muniment.config.smb import SMB
from muniment.config.values import (
    Model,
    SourceId,
    check_id,
    duration_text,
    parse_date,
    parse_duration,
)
from muniment.config.vendor_backup import VENDOR_BACKUP
from muniment.model.value import Value


class Classification(StrEnum):
    """How soon the firm is in trouble without the system."""

    CRITICAL = "critical"
    IMPORTANT = "important"
    STANDARD = "standard"


class Method(StrEnum):
    """Who makes the copies."""

    MUNIMENT = "muniment"
    VEEAM = "veeam"
    ACRONIS = "acronis"
    QUICKBOOKS = "quickbooks"
    TABS3 = "tabs3"
    PCLAW = "pclaw"
    OTHER = "other"
    NATIVE = "native"
    NONE = "none"
    NOT_COVERED = "not covered"

    @property
    def covers(self) -> bool:
        return self not in (Method.NONE, Method.NOT_COVERED)


class System(Value, frozen=True):
    """What a row of a system that Muniment backs up must say. `trust`: it is client money, hence trust data and
    critical, whatever the spreadsheet says."""

    needs_connection: bool = True
    location_is_path: bool = False
    trust: bool = False


DATABASES = ("postgresql", "mariadb", "mysql", "sqlite", "sql-server")
"""The systems that are database servers, or database files."""

SYSTEMS: Mapping[str, System] = {
    "files": System(needs_connection=False, location_is_path=True),
    # Server and share stand in the location; user and password in the connection, or firm.yaml says where.
    SMB: System(needs_connection=False),
    # The application's key and secret may also be named in firm.yaml: then nothing needs Airflow.
    "clio": System(needs_connection=False),
    "clio-trust": System(needs_connection=False, trust=True),
    "m365": System(needs_connection=False),
    "netdocuments": System(needs_connection=False),
    # Practice databases: their server and its password stand in the connection, or firm.yaml says where.
    "postgresql": System(needs_connection=False),
    "mariadb": System(needs_connection=False),
    "mysql": System(needs_connection=False),
    "sql-server": System(needs_connection=False),
    "sqlite": System(needs_connection=False, location_is_path=True),
    # Made by another product, which `backup_method` names; checked and taken off-site here.
    VENDOR_BACKUP: System(needs_connection=False, location_is_path=True),
    MAIL_ARCHIVE: System(needs_connection=False, location_is_path=True),
    # A folder like any other, of which firm.yaml says what has to come into it.
    TRUST_PAPERS: System(needs_connection=False, location_is_path=True, trust=True),
}
"""The systems that this version of Muniment backs up. A row that claims more would be believed."""

LISTED_BY_VENDOR = ("m365", "netdocuments", "clio", "clio-trust")
"""Systems whose vendor lists what there is, to be held against the inventory (docs/DISCOVERY.md)."""


def _lower(value: object) -> object:
    return " ".join(value.lower().split()) if isinstance(value, str) else value


def _system(value: object) -> object:
    return (
        check_id(re.sub(r"[\s_]+", "-", value.strip().lower())) if isinstance(value, str) else value
    )


def _yes_no(value: object) -> object:
    if isinstance(value, str):
        if value.strip().lower() not in ("yes", "no"):
            raise ValueError("is neither yes nor no; write yes or no")
        return value.strip().lower() == "yes"
    return value


def _classification(value: object) -> object:
    return _one_of(value, Classification)


def _method(value: object) -> object:
    return _one_of(value, Method)


def _one_of(value: object, words: type[StrEnum]) -> object:
    if isinstance(value, str) and not isinstance(value, words):
        text = _lower(value)
        if text not in {str(word) for word in words}:
            known = ", ".join(words)
            raise ValueError(f"is not one of the words that are known; write one of: {known}")
        return words(str(text))
    return value


def _schedule(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_schedule(value) if value else None
        except ScheduleError as error:
            raise ValueError(f"{error}; {RIGHT}") from None
    return value


def _review_date(value: object) -> object:
    # Excel rewrites a date in the form of its country when a file is saved. Such a date must not
    # stop a backup: it counts as unreadable, which `risks` shows.
    if isinstance(value, str):
        dotted = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", value)
        if dotted:
            value = f"{dotted[3]}-{int(dotted[2]):02}-{int(dotted[1]):02}"
        try:
            return parse_date(value) if value else None
        except ValueError:
            return None
    return value


def _duration(value: object) -> object:
    if value == "":
        return None
    parsed = parse_duration(value)
    if isinstance(parsed, timedelta) and not parsed:
        raise ValueError("is no time at all; write a number and m, h, d or w, such as 24h")
    return parsed


Free = Annotated[str, Field(max_length=2_000)]


class InventoryRow(Model):
    """One row. `row` is its number in the spreadsheet; the other fields are the columns."""

    row: int = Field()
    source_id: SourceId = Field(
        description="Short id of the source, used in DAG names and logs; never a client's name. Do"
        " not change it later: it names the source's snapshots.",
        examples=["file-server"],
    )
    system: Annotated[str, BeforeValidator(_system)] = Field(
        description=f"What kind of system it is. Muniment backs up: {', '.join(SYSTEMS)}.",
        examples=["files", "clio", "microsoft365", "workstation", "paper"],
    )
    description: Free = Field(description="In words, for people.", examples=["Matter files"])
    location: Free = Field(
        description="Where it is. For `files`, `mail-archive`, `vendor-backup` and `trust-papers` the folder as the backup worker sees it, for"
        " `sqlite` the database file; for `smb` server, share and perhaps folder (\\\\server\\share\\folder); for others the address of account or server, for people.",
        examples=["/srv/matters"],
    )
    connection: Free = Field(
        description="The Airflow connection with the credential; not for what is a folder or file. For `clio` and `netdocuments` it may be left"
        " out where firm.yaml says where the application's secret is kept.",
        examples=["firm_014_clio"],
    )
    classification: Annotated[Classification, BeforeValidator(_classification)] = Field(
        description="critical, important or standard. Trust data is always critical.",
        examples=["critical"],
    )
    backup_method: Annotated[Method, BeforeValidator(_method)] = Field(
        description="Who backs it up: "
        + ", ".join(Method)
        + ". Of a `vendor-backup` it names the product that makes the sets, and Muniment watches and takes them.",
        examples=["muniment"],
    )
    schedule: Annotated[Schedule | None, BeforeValidator(_schedule)] = Field(
        alias="frequency",
        description="hourly, daily, daily 02:00, weekly sun 03:00, or five cron fields; the firm's"
        " time. `daily` is 01:00, `weekly` sunday.",
        examples=["daily 02:00"],
    )
    retention: Free = Field(
        description="The name of a retention rule of firm.yaml.", examples=["matters"]
    )
    trust_data: Annotated[bool, BeforeValidator(_yes_no)] = Field(
        description="yes if client money is recorded in it, otherwise no.", examples=["no"]
    )
    rpo: Annotated[timedelta | None, BeforeValidator(_duration)] = Field(
        description="How much work may be lost at most: a number and m, h, d or w.",
        examples=["24h"],
    )
    rto: Annotated[timedelta | None, BeforeValidator(_duration)] = Field(
        description="How soon it must be usable again.", examples=["4h"]
    )
    destination: Free = Field(
        description="The name of a destination of firm.yaml; for other methods, in words.",
        examples=["main"],
    )
    native_retention: Free = Field(
        description="How long the vendor itself keeps deleted things, in words.",
        examples=["30 days"],
    )
    reviewed_by: Free = Field(
        description="Who last looked at this row.", examples=["office-manager"]
    )
    reviewed_on: Annotated[date | None, BeforeValidator(_review_date)] = Field(
        description="When: 2026-01-31 (or 31.01.2026).", examples=["2026-01-31"]
    )
    owner: Free = Field(
        min_length=1,
        description="Who answers for the system, and for the risk where nothing backs it up.",
        examples=["office-manager"],
    )
    notes: Free = Field(description="Anything else.", examples=[""])

    @property
    def folder(self) -> Path | None:
        """The folder of a source that is one; None for a system that lies elsewhere."""
        system = SYSTEMS.get(self.system)
        return Path(self.location) if system is None or system.location_is_path else None

    @property
    def by_muniment(self) -> bool:
        """Is it in the vault: backed up by Muniment, or taken off-site as another product's sets?"""
        return in_the_vault(self.system, self.backup_method)

    @property
    def workstation(self) -> bool:
        """Is it a desk or laptop computer, where nothing of a firm's should lie alone?"""
        return self.system.rstrip("s") in ("workstation", "laptop", "desktop", "pc")

    def cells(self) -> dict[str, str]:
        """The row as cells that read back as the same row."""
        return {
            "source_id": self.source_id,
            "system": self.system,
            "description": self.description,
            "location": self.location,
            "connection": self.connection,
            "classification": self.classification.value,
            "backup_method": self.backup_method.value,
            "frequency": self.schedule.words if self.schedule else "",
            "retention": self.retention,
            "trust_data": "yes" if self.trust_data else "no",
            "rpo": duration_text(self.rpo) if self.rpo else "",
            "rto": duration_text(self.rto) if self.rto else "",
            "destination": self.destination,
            "native_retention": self.native_retention,
            "reviewed_by": self.reviewed_by,
            "reviewed_on": self.reviewed_on.isoformat() if self.reviewed_on else "",
            "owner": self.owner,
            "notes": self.notes,
        }


def in_the_vault(system: str, method: Method) -> bool:
    return method is Method.MUNIMENT or (system == VENDOR_BACKUP and method.covers)


COLUMNS = tuple(
    info.alias or name for name, info in InventoryRow.model_fields.items() if name != "row"
)
"""The columns of inventory.csv, in their order."""
