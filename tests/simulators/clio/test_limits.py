"""How many requests a token has. platform.yaml: rate_limit"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.simulators.clio.errors import ApiError
from tests.simulators.clio.limits import Limits
from tests.simulators.clio.running import Running, running

PEAK = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)  # a Monday, eight in the morning in California
NIGHT = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def limited() -> Iterator[Running]:
    with running(seed=7, matters=4, rate=4) as made:
        yield made


def test_the_headers_count_down_and_the_next_request_is_refused(limited: Running) -> None:
    left = [limited.get("matters.json").headers["X-RateLimit-Remaining"] for _ in range(4)]
    assert left == ["3", "2", "1", "0"]
    refused = limited.get("matters.json")
    assert refused.status_code == 429
    assert refused.json()["error"]["type"] == "RateLimited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Limit"] == "4"
    assert 0 <= int(refused.headers["X-RateLimit-Reset"]) - time.time() <= 61
    assert limited.control("counters")["statuses"]["429"] == 1


def test_each_token_has_a_window_of_its_own(limited: Running) -> None:
    other = limited.told["restricted_access_token"]
    assert limited.request("GET", "matters.json", token=other).status_code == 200


def test_after_the_window_there_are_requests_again(limited: Running) -> None:
    limited.control("limits", advance=61)
    assert limited.get("matters.json").status_code == 200


def test_what_the_storage_host_sends_is_not_counted(limited: Running) -> None:
    limited.control("limits", advance=61)
    id_ = limited.rows("documents.json")[0]["id"]
    answer = limited.get(f"documents/{id_}/download.json")
    assert answer.headers["X-RateLimit-Remaining"] == "2"
    for _ in range(6):
        assert limited.session.get(answer.headers["Location"]).status_code == 200


def test_a_refused_request_costs_nothing() -> None:
    limits = Limits(peak=1)
    limits.take("token", "us", PEAK)
    for _ in range(3):
        with pytest.raises(ApiError):
            limits.take("token", "us", PEAK)
    limits.moved += 60
    assert limits.take("token", "us", PEAK)["X-RateLimit-Remaining"] == "0"


@pytest.mark.parametrize(
    ("region", "moment", "allowed"),
    [
        ("us", PEAK, 50),
        ("us", NIGHT, 300),
        ("us", SUNDAY, 300),
        ("eu", NIGHT, 50),
        ("au", PEAK, 300),
    ],
)
def test_there_are_more_requests_outside_the_regions_peak_hours(
    region: str, moment: datetime, allowed: int
) -> None:
    assert Limits().allowed(region, moment) == allowed
