"""What was true at any moment can be asked for."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.simulators.netdocuments import day, truth
from tests.simulators.netdocuments.direct import Direct


def _print(state: Any) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _all(direct: Direct, at: int | None = None) -> str:
    world = direct.world.view(at)
    return _print([truth.state(world), truth.files(world)])


def test_the_past_stays_what_it_was(own: Direct) -> None:
    seen = {}
    for number in range(1, 6):
        seen[own.world.store.sequence] = _all(own)
        day.work(own.simulator.firm, number)
    assert len(set(seen.values())) == 5
    for sequence, state in seen.items():
        assert _all(own, sequence) == state


def test_the_same_seed_gives_the_same_firm_and_the_same_days() -> None:
    prints = []
    for seed in (4, 4, 5):
        direct = Direct(seed, matters=3)
        done = [day.work(direct.simulator.firm, number) for number in (1, 2)]
        prints.append((_all(direct), _print(done), direct.token))
    assert prints[0] == prints[1] != prints[2]


def test_days_do_everything_a_day_can(own: Direct) -> None:
    done: set[str] = set()
    for number in range(1, 15):
        done |= set(day.work(own.simulator.firm, number)["deeds"])
    assert done == {deed.__name__.strip("_") for deed in day.DEEDS}


def test_every_change_has_a_number_and_a_line_in_the_log(own: Direct) -> None:
    before = own.world.store.sequence
    name = own.named("NUL")
    own.put(f"/v1/Document/{name}/info", {"standardAttributes": {"name": "Renamed"}})
    own.call("PUT", f"/v1/Document/{name}/new", b"bytes")
    own.call("DELETE", f"/v1/Document/{name}", permanent="true")
    told = [(one.sequence - before, one.action) for one in own.world.log if one.sequence > before]
    assert told[0] == (1, "profile changed") and told[-1][1] == "purged"
    assert [number for number, _ in told] == list(range(1, own.world.store.sequence - before + 1))
    assert truth.state(own.world.view(before))["documents"][name]["name"] == "NUL"
    assert name not in truth.state(own.world)["documents"]
