"""Words for numbers and times, and times from words. Pure functions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from muniment.model.text import text_of

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters that turn or hide text: a name must not look like another one on a screen."""


def size(count: int) -> str:
    """Bytes in decimal units, three digits: `505 MB`, `1.72 GB`."""
    if count < 1000:
        return f"{count} B"
    value, unit = count / 1000, "kB"
    for larger in ("MB", "GB", "TB", "PB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def number(count: int) -> str:
    return f"{count:,}"


def some(count: int, one: str, many: str = "") -> str:
    """`1 item`, `3,120 items`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """A length of time in its two largest units: `3 h 20 min`, `45 s`."""
    left = round(seconds)
    parts = []
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def moment(at: datetime, zone: tzinfo) -> str:
    """`2026-03-02 01:00 EST`: as the firm's clocks show it."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def harmless(text: str) -> str:
    """A text for a screen, whoever wrote it: nothing in it moves the cursor, rings or recolours.
    Line breaks and tabs stay."""
    return _INVISIBLE.sub(
        "\N{REPLACEMENT CHARACTER}", _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    )


def name(native_id: bytes) -> str:
    """A path or vendor id for a screen: percent text, and nothing that moves the cursor or turns
    the direction of writing."""
    return _INVISIBLE.sub(
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text_of(native_id)
    )


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """A moment a person typed, in UTC.

    `2026-03-02` is the end of that day, `2026-03-02 14:30` that minute on the firm's clocks, and
    `2026-03-02T13:30:00Z` what it says. Raises ValueError that says which forms there are.
    """
    given = text.strip()
    try:
        if len(given) == 10:
            end = datetime.combine(datetime.fromisoformat(given), time.min, zone)
            return (end + timedelta(days=1)).astimezone(UTC) - timedelta(microseconds=1)
        at = datetime.fromisoformat(given.replace("Z", "+00:00"))
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "is not a time; write 2026-03-02 (the end of that day), '2026-03-02 14:30' (the firm's "
            "clocks) or 2026-03-02T13:30:00Z"
        ) from None
    return at
