"""What every part of a configuration has in common: strict, closed and unchangeable.

Invariants: a value has the type that the schema says or is refused (no guessing that "7" is 7);
an unknown key is a mistake, never ignored; what was loaded does not change; an error text carries
no value that a person typed into a free field.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from muniment.config.issues import suggestion
from muniment.config.schema import AfterValidator, BeforeValidator
from muniment.config.schema import Model as Model

_UNITS = {
    "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"([0-9]{1,12}) ?([A-Za-z]{1,3})")
_DURATION = re.compile(r"([0-9]{1,6}) ?([mhdw])")
_ID = re.compile(r"[a-z](?:[a-z0-9-]|_(?!_)){0,47}")
_HEX = re.compile(r"[0-9a-f]+")
_EMAIL = re.compile(r"[^@\s<>,;:\"\\]+@[^@\s<>,;:\"\\]+\.[^@\s<>,;:\"\\.]{2,}")
_RECIPIENT = re.compile(r"age1[ac-hj-np-z02-9]{58}")
_CONNECTION = re.compile(r"[A-Za-z0-9][\w.\-]{0,199}", re.ASCII)


def parse_size(value: object) -> object:
    """`"2GiB"` or `"500 MB"` in bytes. Leaves whole numbers alone; raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    unit = _UNITS.get(found[2].upper()) if found else None
    if not found or unit is None:
        raise ValueError("is not a size; write a number and a unit, such as 512MiB or 2GiB")
    return int(found[1]) * unit


def parse_duration(value: object) -> object:
    """`"24h"`, `"90m"`, `"30d"`, `"2w"` as a timedelta. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if not found:
        raise ValueError("is not a length of time; write a number and m, h, d or w, such as 24h")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def duration_text(value: timedelta) -> str:
    """Inverse of `parse_duration`, in the largest unit that leaves no rest."""
    seconds = int(value.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds // 60}m"


def size_text(value: int) -> str:
    """Inverse of `parse_size`, in the largest binary unit that leaves no rest."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if value and value % _UNITS[unit.upper()] == 0:
            return f"{value // _UNITS[unit.upper()]}{unit}"
    return f"{value}B"


def _text(value: object) -> object:
    # A number that somebody forgot to quote (20240113) is read back as it stands in the file.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) else value


def absolute(path: Path) -> Path:
    """Refuses a path whose meaning depends on where a program was started."""
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("is not an absolute path; begin it with / and leave out `..`")
    return path


def listed(value: object) -> object:
    """A YAML list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else listed(value)


Text = Annotated[str, BeforeValidator(_text)]
Size = Annotated[int, BeforeValidator(parse_size)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
FilePath = Annotated[Path, BeforeValidator(_path)]
Listed = BeforeValidator(listed)
OneOrMany = BeforeValidator(_one_or_many)


def empty_if_none(value: Any) -> Any:
    """A key whose value was left empty in YAML counts as not given where the default is `{}`."""
    return {} if value is None else value


Table = BeforeValidator(empty_if_none)
"""For mappings by name: `people:` with nothing below it is an empty mapping."""


# -- words with a shape --------------------------------------------------------------------------


def check_id(value: str) -> str:
    """An id that may stand in a DAG id, an object name and a log. Raises ValueError.

    It begins with a letter, because a spreadsheet takes `1-2` for a date; `__` separates the parts
    of a DAG id.
    """
    if not _ID.fullmatch(value) or value.endswith("_"):
        raise ValueError(
            "is not an id; write small letters, digits and single - or _, beginning with a letter,"
            " 48 characters at most, such as file-server"
        )
    return value


def check_source_id(value: str) -> str:
    """As `check_id`; `matters` is taken by the vault (the key from which matter ids are made)."""
    if check_id(value) == "matters":
        raise ValueError("is a name that the vault uses itself; choose another, such as cases")
    return value


def parse_date(value: object) -> object:
    """`2026-01-31` as a date. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip()) if len(value.strip()) == 10 else _no_date()
    except ValueError:
        return _no_date()


def _no_date() -> date:
    raise ValueError("is not a date; write year-month-day, such as 2026-01-31") from None


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError):
        proper = {name.lower(): name for name in available_timezones()}
        close = suggestion(value, proper)
        hint = re.sub("`(.+)`", lambda found: f"`{proper[found[1]]}`", close)
        raise ValueError(
            "is not a time zone; write its IANA name, such as America/New_York. " + hint
        ) from None
    return value


def hex_of(length: int) -> AfterValidator:
    """Exactly `length` small hex characters."""

    def check(value: str) -> str:
        if len(value) != length or not _HEX.fullmatch(value):
            raise ValueError(
                f"is not {length} hex characters (0-9 a-f); copy it from the key card, in quotes"
            )
        return value

    return AfterValidator(check)


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("is not an e-mail address; write it like office@firm.example")
    return value


def _recipient(value: str) -> str:
    if not _RECIPIENT.fullmatch(value):
        raise ValueError("is not an age recipient; it begins with age1 and has 62 characters")
    return value


def _connection(value: str) -> str:
    if not _CONNECTION.fullmatch(value):
        raise ValueError("is not a connection id; write letters, digits, _ - and ., as in Airflow")
    return value


Id = Annotated[str, AfterValidator(check_id)]
SourceId = Annotated[str, AfterValidator(check_source_id)]
Date = Annotated[date, BeforeValidator(parse_date)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
EMail = Annotated[str, AfterValidator(_email)]
Recipient = Annotated[str, AfterValidator(_recipient)]
Connection = Annotated[str, AfterValidator(_connection)]
