"""Shadow: which shadow copy of a share is read, so that files which programs hold open are as they were at one moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from muniment.errors import ConfigError, SourceMissing

LATEST = "latest"
_NAME = re.compile(r"@GMT-(\d{4})\.(\d\d)\.(\d\d)-(\d\d)\.(\d\d)\.(\d\d)")


def moment_of(name: str) -> datetime | None:
    """When @GMT-2026.01.31-23.00.00 was; None for what is no such name."""
    match = _NAME.fullmatch(name)
    try:
        return (
            datetime.strptime(name, "@GMT-%Y.%m.%d-%H.%M.%S").replace(tzinfo=UTC) if match else None
        )
    except ValueError:
        return None


def chosen(
    wanted: str, offered: list[str], now: datetime, oldest: timedelta, source_id: str
) -> datetime:
    """The shadow copy to read. Raises SourceMissing where there is none that is young enough, ConfigError."""
    if wanted != LATEST:
        named = moment_of(wanted)
        if named is None:
            raise ConfigError("this is no name of a shadow copy", to=f"{source_id}: {wanted[:40]}")
        return named
    newest = max(filter(None, map(moment_of, offered)), default=None)
    if newest is None or now - newest > oldest:
        what = "none" if newest is None else f"its newest is of {newest:%Y-%m-%d %H:%M} UTC"
        raise SourceMissing(
            f"the file server has no shadow copy of the share that is young enough: {what}",
            to=source_id,
            todo="See whether shadow copies are scheduled on that volume; or set `shadow_copy_age`, or read the share"
            " itself: docs/SMB.md.",
        )
    return newest
