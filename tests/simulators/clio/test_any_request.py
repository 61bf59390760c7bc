"""Whatever is sent, the simulator answers as an API would: no mistake of its own, no dropped connection."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.simulators.clio.running import Running
from tests.simulators.clio.tables import RESOURCES, SCHEMAS, Resource

VALUES: tuple[Any, ...] = (
    None, "x", "", 1, 101, 105, 99_999, -1, 1.5, True, False, [], {}, {"id": 101}, {"id": 103, "type": "User"},
    {"id": 101, "type": "Matter"}, [{"id": 101}], [{"name": "Work", "address": "a"}], "2026-11-02", "2026-11-02T10:00:00Z",
    "Matter", "Person", "TimeEntry", "open", [1, 2], "json", "trust_ledger",
)  # fmt: skip
ASKED = ("101", "null", "x", "true", "2026-01-01", "")


def _some(rng: random.Random, names: frozenset[str], most: int) -> list[str]:
    return rng.sample(sorted(names), min(len(names), rng.randrange(most)))


def _body(rng: random.Random, names: set[str]) -> dict[str, Any]:
    return {"data": {name: rng.choice(VALUES) for name in sorted(names)}}


def _call(clio: Running, rng: random.Random, resource: Resource) -> int:
    member = f"{resource.name}/{rng.randrange(101, 112)}.json"
    deed = rng.choice("CUDLS")
    if deed == "C":
        body = _body(rng, {*resource.required, *_some(rng, resource.create, 4)})
        return clio.request("POST", f"{resource.name}.json", json=body).status_code
    if deed == "U":
        body = _body(rng, set(_some(rng, resource.update, 4)))
        return clio.request("PATCH", member, json=body).status_code
    if deed == "D":
        return clio.request("DELETE", member).status_code
    fields = ",".join(SCHEMAS[resource.schema].fields)
    if deed == "S":
        return clio.get(member, fields=fields).status_code
    query = {name: rng.choice(ASKED) for name in _some(rng, resource.filters, 3)}
    return clio.get(f"{resource.name}.json", fields=fields, **query).status_code


@pytest.mark.parametrize("seed", range(2))
def test_any_request_is_answered(own: Running, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(150):
        resource = rng.choice(list(RESOURCES.values()))
        assert _call(own, rng, resource) in (
            200,
            201,
            204,
            303,
            400,
            403,
            404,
            405,
            409,
            410,
            422,
            501,
        )
    assert own.control("trust")["discrepancies"] == []
    assert own.control("truth")["resources"]
