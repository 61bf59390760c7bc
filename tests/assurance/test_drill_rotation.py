"""Whose turn it is in a drill: over years, with sources that come and go, none is a year without one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from muniment.assurance.drill_rotation import Standing, turn
from muniment.evidence.drill_history import YEAR

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SYSTEMS = ("files", "clio", "microsoft365", "netdocuments", "sql")


def quarters(years: int) -> list[datetime]:
    """When the DAG holds its drills."""
    return [datetime(2026 + y, m, 12, 9, tzinfo=UTC) for y in range(years) for m in (1, 4, 7, 10)]


def sources(number: int, since: datetime = BEGAN) -> dict[str, Standing]:
    return {f"s{n}": Standing(f"s{n}", SYSTEMS[n % len(SYSTEMS)], since) for n in range(number)}


def hold(known: dict[str, Standing], seed: int, now: datetime) -> tuple[str, ...]:
    taken = turn(known.values(), seed, now)
    for source in taken:
        known[source] = replace(known[source], last=now)
    return taken


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 9, 20])
def test_four_drills_take_every_source(number: int) -> None:
    known, seen = sources(number), Counter[str]()
    for seed, now in enumerate(quarters(1)):
        taken = hold(known, seed, now)
        share = -(-number // 4)
        # In the last one also what the first took: it would be a year old on the day of the next.
        assert share <= len(taken) <= 2 * share
        seen.update(taken)
    assert set(seen) == set(known)


@pytest.mark.parametrize("seed", range(20))
def test_over_twelve_years_with_sources_that_come_and_go_none_is_a_year_without(seed: int) -> None:
    rng = Random(seed)
    known, named = sources(rng.randrange(1, 12)), 100
    for now in quarters(12):
        for _ in range(rng.choice((0, 0, 1, 3))):
            since = now - timedelta(days=rng.randrange(90))
            known[f"s{named}"] = Standing(f"s{named}", rng.choice(SYSTEMS), since)
            named += 1
        for source in rng.sample(sorted(known), min(len(known) - 1, rng.choice((0, 0, 1, 2)))):
            del known[source]
        taken = hold(known, rng.randrange(1 << 53), now)
        assert len(set(taken)) == len(taken) >= -(-len(known) // 4)
        # Until the next one, in 92 days at the latest, none passes its year.
        assert all(s.due > now + timedelta(days=92) for s in known.values())


def test_systems_change_as_far_as_they_can() -> None:
    known = {f"files{n}": Standing(f"files{n}", "files", BEGAN) for n in range(6)}
    known["clio"] = Standing("clio", "clio", BEGAN)
    known["sql"] = Standing("sql", "sql", BEGAN)
    first = turn(known.values(), 3, BEGAN)
    assert len(first) == 2
    assert len({known[source].system for source in first}) == 2


def test_the_same_seed_takes_the_same_and_another_may_take_others() -> None:
    known = sources(16).values()
    assert turn(known, 1, BEGAN) == turn(sorted(known, key=lambda s: s.system), 1, BEGAN)
    assert len({turn(known, seed, BEGAN) for seed in range(10)}) > 1


def test_what_is_nearly_a_year_without_is_taken_whatever_the_share() -> None:
    now = BEGAN + YEAR
    known = [replace(s, last=now - YEAR + timedelta(days=80)) for s in sources(8).values()]
    assert len(turn(known, 1, now)) == 8
    assert turn([], 1, now) == ()
