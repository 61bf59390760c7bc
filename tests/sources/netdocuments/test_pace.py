"""The pace that we keep where the vendor tells no limit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from muniment.clock import FixedClock
from muniment.sources.netdocuments.pace import Pace
from muniment.sources.netdocuments.place import place_of
from muniment.sources.web.budget import Priority

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_a_minute_holds_nine_tenths_of_what_is_allowed_and_never_more(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    paces = [Pace(tmp_path, "account", clock, a_minute=240) for _ in range(2)]
    taken = []
    for number in range(1000):
        paces[number % 2].take(Priority.ROUTINE)
        paces[number % 2].learn({})
        taken.append((clock.now() - NOON).total_seconds())
    by_minute = [sum(int(at // 60) == minute for at in taken) for minute in range(4)]
    assert all(0.9 * 240 <= count <= 240 for count in by_minute)


def test_a_refusal_makes_everybody_wait_as_long_as_it_says(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    one, other = (Pace(tmp_path, "account", clock, a_minute=240) for _ in range(2))
    one.take(Priority.ROUTINE)
    one.learn({})
    one.refused(7)
    assert other.take(Priority.ROUTINE) >= 7


def test_hosts_are_free_text_and_the_login_host_follows_from_the_apis() -> None:
    for written in ("api.ca.netdocuments.com", "https://api.ca.netdocuments.com/"):
        found = place_of(written)
        assert (found.api, found.app) == (
            "https://api.ca.netdocuments.com",
            "https://ca.netdocuments.com",
        )
    assert (
        place_of("api.eu.netdocuments.com", "https://login.example/").app == "https://login.example"
    )
    assert not found.holds("https://elsewhere.example/v1/Folder/1")
