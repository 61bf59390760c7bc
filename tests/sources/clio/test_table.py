"""The table of collections against the description of the API, and against what answers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from muniment.sources.clio.table import table
from muniment.sources.web.exact import canonical
from tests.support.clio_client import Client
from tests.support.needs import REPOSITORY, missing

DESCRIPTION = REPOSITORY.parent / "shared" / "api" / "clio"


def described(name: str) -> Any:
    path = DESCRIPTION / name
    if not path.exists():
        missing(f"the API description `{name}`", f"put it at {path}")
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = described("resources.yaml")["resources"]
    return found


def split(fields: str) -> dict[str, set[str]]:
    """Name -> what is asked of the object in it."""
    found: dict[str, set[str]] = {}
    for name, inner in re.findall(r"([A-Za-z0-9_]+)(?:\{([^}]*)\})?", fields):
        found[name] = set(filter(None, re.split(r"[,\s]+", inner)))
    return found


def test_every_readable_collection_is_read_or_left_out_with_a_reason(
    resources: dict[str, dict[str, Any]],
) -> None:
    known = set(table()) | set(table().left_out)
    assert set(resources) - known == set()
    paths = described("openapi-2026-04-08.trimmed.json")["paths"]
    lists = {
        re.sub(r"\{[^}]*\}", "{id}", path.strip("/").removesuffix(".json"))
        for path, deeds in paths.items() if "get" in deeds
    }  # fmt: skip
    lists = {one for one in lists if not one.endswith(("{id}", "/download", "/preview"))}
    nested = {re.sub(r"/\{id\}/", "/", one) for one in lists}
    assert nested - known == set()
    assert all(len(why) > 8 for why in table().left_out.values())


def test_every_backup_field_is_asked_for(resources: dict[str, dict[str, Any]]) -> None:
    for name, one in table().items():
        if name not in resources:
            continue
        ours = split(",".join(one.fields))
        for field, inner in split(resources[name].get("backup_fields", "")).items():
            assert field in ours, f"{name}.{field}"
            assert inner <= ours[field], f"{name}.{field}"


def test_pages_filters_and_orders_are_those_that_are_documented(
    resources: dict[str, dict[str, Any]],
) -> None:
    for name, one in table().items():
        if name not in resources:
            continue
        theirs = resources[name]
        filters = {word.rstrip("*") for word in theirs.get("filters") or ()}
        assert one.by_id == bool(theirs.get("order_id_asc")), name
        assert one.since == ("updated_since" in (theirs.get("incremental") or ())), name
        assert one.ids == ("ids[]" in filters), name
        assert one.show == ("show" in theirs["ops"]), name
        assert one.deletable == ("delete" in theirs["ops"]), name
        assert one.single == (not (theirs.get("paging") or {}).get("page_token")), name
        assert one.limit == ((theirs.get("paging") or {}).get("limit_max") or 200), name
        assert {key for view in one.views for key in view} <= filters, name
        required = {word[:-1] for word in theirs.get("filters") or () if word.endswith("*")}
        asked = {key for view in one.views for key in view} | {one.parent_filter}
        assert required <= asked, name


def test_no_value_of_fields_is_longer_than_a_url_may_be() -> None:
    longest = max(len(",".join(one.fields)) for one in table().values())
    assert longest < 2100


def test_every_collection_answers_and_shows_all_that_the_firm_has(clio: Client) -> None:
    for name, one in table().items():
        if name == "court_rules/jurisdictions/triggers":
            continue  # the simulator keeps no history of them; below
        parents = (
            [row["id"] for row in clio.truth(one.parent, fields="id")] if one.parent else [None]
        )
        rows = [row for parent in parents for row in clio.reader.rows(one, parent=parent)]
        read = {canonical(row.data) for row in rows}
        true = {canonical(row) for row in clio.truth(name)}
        if name == "documents/versions":
            # Bytes that never came are no version; the simulator keeps their row.
            read = {canonical(row.data) for row in rows if row.data["fully_uploaded"]}
            true = {canonical(row) for row in clio.truth(name) if row["fully_uploaded"]}
        if name == "lauk_expense_categories":
            true &= read
        assert read == true, name
        assert len(rows) == len({(row.parent, row.id) for row in rows}), name
    triggers = table()["court_rules/jurisdictions/triggers"]
    assert [row.data["description"] for row in clio.reader.rows(triggers, parent=101)]
    assert clio.reader.left_out == set()


def test_every_matter_named_in_a_row_is_one_of_the_firm(clio: Client) -> None:
    matters = {str(row["id"]) for row in clio.truth("matters", fields="id")}
    named: dict[str, set[str]] = {}
    for name in ("notes", "bills", "documents", "tasks", "activities", "bank_transactions"):
        one = table()[name]
        named[name] = {id_ for row in clio.reader.rows(one) for id_ in one.matters_of(row.data)}
        assert named[name] and named[name] <= matters, name


def test_trash_is_known_as_trash(clio: Client) -> None:
    one = table()["documents"]
    thrown = [row for row in clio.reader.rows(one) if one.in_trash(row.data)]
    assert {str(row.id) for row in thrown} == {
        str(row["id"]) for row in clio.truth("documents", fields="id,deleted_at") if row["deleted_at"]
    }  # fmt: skip
