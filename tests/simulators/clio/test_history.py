"""What was true at any moment can be asked for."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.simulators.clio import day, practice, truth
from tests.simulators.clio.founding import Size
from tests.simulators.clio.running import Running
from tests.simulators.clio.tables import RESOURCES
from tests.simulators.clio.world import World

SMALL = Size(matters=5, documents_per_matter=2, large_documents=0)


def _fingerprint(state: Any) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def test_the_past_stays_what_it_was() -> None:
    world = World(4)
    firm = practice.found(world, SMALL)
    seen = {}
    for number in range(1, 5):
        seen[world.store.sequence] = (
            _fingerprint(truth.state(world.view())),
            truth.money(world.view()),
            _fingerprint(truth.files(world, world.view())),
        )
        day.work(firm, number)
    for sequence, (state, money, files) in seen.items():
        view = world.view(sequence)
        assert _fingerprint(truth.state(view)) == state
        assert truth.money(view) == money
        assert _fingerprint(truth.files(world, view)) == files


def test_the_same_seed_gives_the_same_firm_and_the_same_days() -> None:
    prints = []
    for seed in (4, 4, 5):
        world = World(seed)
        firm = practice.found(world, SMALL)
        for number in (1, 2):
            day.work(firm, number)
        prints.append(_fingerprint(truth.state(world.view())))
    assert prints[0] == prints[1] != prints[2]


def test_the_api_shows_what_the_truth_says(common: Running, resources: dict[str, Any]) -> None:
    common.control("day", number=1)
    fields = {
        name: one["backup_fields"]
        for name, one in resources.items()
        if one.get("backup_fields") and "L" in RESOURCES[name].operations and name in truth.KEPT
    }
    told = common.control("truth", resources=list(fields), fields=fields)["resources"]
    asked: dict[str, list[dict[str, Any]]] = {
        "notes": [{"type": "Matter"}, {"type": "Contact"}],
        "conversation_messages": [{"conversation_id": 101}],
        "lauk_expense_categories": [{"region": "London"}],
        "documents": [{"include_deleted": "true", "show_uncompleted": "true"}],
        "folders": [{"include_deleted": "true"}],
        "bank_accounts": [{"status": "opened"}, {"status": "closed"}],
        "custom_fields": [{"deleted": "false"}, {"deleted": "true"}],
    }
    for name in fields:
        if not RESOURCES[name].paged:
            continue
        rows = [
            row
            for query in asked.get(name, [{}])
            for row in common.rows(f"{name}.json", fields=fields[name], **query)
        ]
        assert sorted(rows, key=lambda one: json.dumps(one, sort_keys=True)) == sorted(
            told[name], key=lambda one: json.dumps(one, sort_keys=True)
        ), name


def test_every_change_has_a_number(common: Running) -> None:
    before = common.control("history")["sequence"]
    data = {"data": {"name": "Numbered", "type": "Company"}}
    made = common.request("POST", "contacts.json", json=data).json()["data"]["id"]
    common.request("PATCH", f"contacts/{made}.json", json={"data": {"title": "x"}})
    common.request("DELETE", f"contacts/{made}.json")
    changes = common.control("history", after=before)["changes"]
    assert [(one[0] - before, one[2], one[3], one[4]) for one in changes] == [
        (1, "contacts", made, "created"),
        (2, "contacts", made, "changed"),
        (3, "contacts", made, "deleted"),
    ]
    names = [
        [row["name"] for row in common.control("truth", at=before + step, resources=["contacts"])["resources"]["contacts"] if row["id"] == made]
        for step in range(4)
    ]  # fmt: skip
    assert names == [[], ["Numbered"], ["Numbered"], []]


def test_a_test_may_change_a_row_as_from_the_web_page(common: Running) -> None:
    matter = common.rows("matters.json", fields="id,etag")[0]
    common.control(
        "change", collection="matters", id=matter["id"], values={"location": "Specimen Bay"}
    )
    after = common.get(f"matters/{matter['id']}.json", fields="etag,location").json()["data"]
    assert after["location"] == "Specimen Bay" and after["etag"] != matter["etag"]
    other = {"ref": ["users", 101]}
    common.control(
        "change", collection="matters", id=matter["id"], values={"responsible_staff": other}
    )
    after = common.get(f"matters/{matter['id']}.json", fields="responsible_staff{id}").json()[
        "data"
    ]
    assert after["responsible_staff"] == {"id": 101}
