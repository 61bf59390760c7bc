"""Words for numbers and times, and moments that people type."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.cli import words

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1_000, "1.00 kB"), (12_345, "12.3 kB"), (999_499, "999 kB"),
        (999_999, "1.00 MB"), (505_000_000, "505 MB"), (1_720_000_000, "1.72 GB"),
        (5 * 10**15, "5.00 PB"), (5 * 10**18, "5000 PB"),
    ],
)  # fmt: skip
def test_sizes_have_three_digits(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (3_725, "1 h 2 min"), (86_400, "1 d"), (90_061, "1 d 1 h")],
)
def test_spans_have_two_units(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


def test_a_day_is_its_end_on_the_firms_clocks() -> None:
    at = words.parse_moment("2026-03-02", NEW_YORK)
    assert at == datetime(2026, 3, 3, 4, 59, 59, 999_999, tzinfo=UTC)
    # On this day the clocks go forward: it has 23 hours.
    at = words.parse_moment("2026-03-08", NEW_YORK)
    assert at == datetime(2026, 3, 9, 3, 59, 59, 999_999, tzinfo=UTC)


def test_a_time_without_a_zone_is_the_firms() -> None:
    assert words.parse_moment("2026-03-02 14:30", NEW_YORK) == datetime(
        2026, 3, 2, 19, 30, tzinfo=UTC
    )
    assert words.parse_moment("2026-03-02T14:30:00Z", NEW_YORK) == datetime(
        2026, 3, 2, 14, 30, tzinfo=UTC
    )
    assert words.parse_moment("2026-03-02T14:30:00+01:00", NEW_YORK) == datetime(
        2026, 3, 2, 13, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "02.03.2026", "2026-03-02 25:00", "9999-12-31"]
)
def test_what_is_no_time_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-03-02"):
        words.parse_moment(text, NEW_YORK)


def test_names_cannot_turn_or_hide_text() -> None:
    assert words.name("invoice\u202egpj.exe".encode()) == "invoice%E2%80%AEgpj.exe"
    assert words.name(b"two\nlines \x1b[31m") == "two%0Alines %1B[31m"
    assert words.name(b"M\xfcller") == "M%FCller"


@given(st.text())
def test_nothing_that_is_shown_can_move_the_cursor(text: str) -> None:
    shown = words.harmless(text)
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in shown)
    assert "\u202e" not in shown
    shown.encode()
