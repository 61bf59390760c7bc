"""Whatever is done to a vault is found, and a restore gives the truth or refuses.

8 seeds here, 200 in the campaign (`python -m tests.campaign --only tampering`). `MUNIMENT_SEEDS=N` runs
the first N, `MUNIMENT_SEEDS=A-B` those from A to B.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.assurance.verify import verify
from tests.campaigns.manipulations import drawn, pairs
from tests.campaigns.tampering import Scene, run_case
from tests.support.s3_server import S3Server

pytestmark = [pytest.mark.campaign, pytest.mark.xdist_group("tampering")]


def seeds() -> list[int]:
    asked = os.environ.get("MUNIMENT_SEEDS") or "8"
    first, _, last = asked.partition("-")
    return list(range(int(first), int(last) + 1)) if last else list(range(int(first)))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Scene:
    return Scene(tmp_path_factory.mktemp("tampering"), s3_server)


@pytest.mark.parametrize("place", ["folder", "memory", "s3 locked"])
def test_an_untouched_vault_raises_no_alarm(scene: Scene, place: str) -> None:
    seen = scene.copy(place)
    report = check(scene.vault(seen, "operations"), scene.truth.outside, EVERYTHING)
    assert report.findings == []
    assert report.freshness == "proven"
    assert verify(scene.vault(seen, "operations"), EVERYTHING).findings == []


@pytest.mark.parametrize("seed", seeds())
def test_a_manipulated_vault_is_found_out_and_restores_the_truth_or_nothing(
    scene: Scene, seed: int
) -> None:
    case = run_case(scene, seed)
    assert not case.wrong, case.as_dict()


def test_two_hundred_seeds_hold_every_kind_with_every_manipulation_in_every_place() -> None:
    cases = [drawn(seed) for seed in range(200)]
    assert {(kind, how) for kind, how, _ in cases} == set(pairs())
    places = Counter(place for _, _, place in cases)
    assert {"folder", "memory", "s3", "s3 locked", "s3 volume files", "s3 unreadable"} == set(
        places
    )
    assert min(places.values()) >= 4
