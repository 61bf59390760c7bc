"""The rows of a collection: none lost and none twice, whatever the pages are like."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from muniment.errors import SourceError, SourceRestricted, SourceUnavailable
from muniment.sources.clio.listing import Row, newest
from muniment.sources.clio.table import Resource, table
from muniment.sources.web.exact import canonical, parse
from muniment.sources.web.tokens import Held
from tests.simulators.clio.running import Running
from tests.support.clio_client import Client, client, fault, tokens

CONTACTS = table()["contacts"]


def small(name: str, limit: int = 5) -> Resource:
    """The collection in pages so small that there are several."""
    return replace(table()[name], limit=limit)


def ids(rows: list[dict[str, object]]) -> list[str]:
    return [str(row["id"]) for row in rows]


def requests_of(sim: Running, path: str) -> int:
    found: dict[str, int] = sim.control("counters")["endpoints"]
    return found.get(f"GET /api/v4/{path}", 0)


# -- money -----------------------------------------------------------------------------------------


def test_numbers_keep_their_text() -> None:
    text = b'{"a":1234.50,"b":0.1,"c":12345678901234567890,"d":-0.00,"e":1E+2}'
    assert canonical(parse(text)) == text
    assert parse(text)["a"] == Decimal("1234.50")
    assert canonical(parse(b'{ "b": 1, "a": "\\u00e9" }')) == b'{"a":"\xc3\xa9","b":1}'


@pytest.mark.parametrize("text", [b"", b"{", b"<html>", b"\xff", b"nope"])
def test_what_is_no_json_is_said_without_quoting_it(text: bytes) -> None:
    with pytest.raises(ValueError, match="this is no JSON"):
        parse(text)


def test_the_same_row_gives_the_same_bytes(clio: Client) -> None:
    one = table()["bank_transactions"]
    first, again = ([row.body() for row in clio.reader.rows(one)] for _ in range(2))
    assert first == again and any(b"." in body for body in first)


# -- pages -----------------------------------------------------------------------------------------


def test_a_collection_costs_one_request_a_page(clio: Client) -> None:
    clio.sim.control("counters", reset=True)
    rows = list(clio.reader.rows(small("contacts")))
    assert requests_of(clio.sim, "contacts.json") == -(-len(rows) // 5)


@pytest.mark.parametrize(
    "name", ["shifting_rows", "duplicates", "lost_row", "no_next", "foreign_next"]
)
@pytest.mark.parametrize("collection", ["contacts", "communications", "line_items"])
def test_rows_that_come_and_go_or_are_left_out(clio: Client, name: str, collection: str) -> None:
    fault(clio.sim, name, f"/{collection}.json", after=1, times=2)
    rows = list(clio.reader.rows(small(collection)))
    assert len({row.id for row in rows}) == len(rows)
    # What was deleted while the pages were read may be among them.
    assert set(ids(clio.truth(collection, fields="id"))) <= {row.id for row in rows}


@pytest.mark.parametrize("name", ["no_next", "foreign_next"])
def test_pages_that_never_come_are_an_error_and_no_end(clio: Client, name: str) -> None:
    fault(clio.sim, name, "/contacts.json")
    with pytest.raises(SourceUnavailable):
        list(clio.reader.rows(small("contacts")))


def test_a_row_that_every_page_leaves_out_is_found_in_other_pages(clio: Client) -> None:
    fault(clio.sim, "lost_row", "/contacts.json.*limit=5")
    assert {row.id for row in clio.reader.rows(small("contacts"))} == set(
        ids(clio.truth("contacts", fields="id"))
    )


def test_without_a_total_a_full_last_page_is_looked_at_again(clio: Client) -> None:
    clio.sim.control("settings", send_records=False)
    true = ids(clio.truth("contacts", fields="id"))
    fault(clio.sim, "no_next", "/contacts.json", times=1)
    assert [row.id for row in clio.reader.rows(small("contacts", len(true) - 3))] == true
    clio.sim.control("settings", send_records=True)


def test_page_tokens_that_end_begin_the_walk_anew(clio: Client) -> None:
    clio.sim.control("settings", page_token_seconds=30)
    found = []
    for row in clio.reader.rows(small("contacts")):
        if len(found) == 7:
            clio.sim.control("clock", seconds=60)
        found.append(row.id)
    clio.sim.control("settings", page_token_seconds=None)
    assert found == ids(clio.truth("contacts", fields="id"))


def test_a_field_that_the_vendor_does_not_know_is_left_out_and_told(clio: Client) -> None:
    fields = [one for one in CONTACTS.fields if not one.startswith("company")]
    odd = replace(CONTACTS, fields=(*fields, "shoe_size", "company{id,name,hat}"))
    rows = list(clio.reader.rows(odd))
    assert ids(clio.truth("contacts", fields="id")) == [row.id for row in rows]
    assert clio.reader.left_out == {("contacts", "shoe_size"), ("contacts", "company.hat")}
    assert any(row.data["company"] and row.data["company"]["name"] for row in rows)


def test_a_refusal_for_another_reason_is_an_error(clio: Client) -> None:
    with pytest.raises(SourceError, match="400"):
        list(clio.reader.rows(replace(CONTACTS, views=({"colour": "blue"},))))


# -- what is asked for -----------------------------------------------------------------------------


def test_closed_accounts_and_trash_are_read(clio: Client) -> None:
    for name, field in (
        ("bank_accounts", "id"),
        ("documents", "id"),
        ("folders", "id"),
        ("custom_fields", "id"),
    ):
        read = {row.id for row in clio.reader.rows(table()[name])}
        assert read == set(ids(clio.truth(name, fields=field))), name


def test_changes_alone_are_asked_for(clio: Client) -> None:
    rows = list(clio.reader.rows(table()["notes"]))
    last = newest(rows)
    assert last is not None
    assert list(clio.reader.rows(table()["notes"], since=last)) == []
    clio.sim.control("clock", seconds=60)
    changed = rows[0]
    clio.sim.control("change", collection="notes", id=int(changed.id), values={"subject": "Anew"})
    found = list(clio.reader.rows(table()["notes"], since=last - timedelta(minutes=10)))
    assert changed.id in {row.id for row in found}
    assert len(found) < len(rows)


def test_a_sweep_shows_etags_and_what_is_computed(clio: Client) -> None:
    clio.sim.control("counters", reset=True)
    swept = {row.id: row for row in clio.reader.sweep(table()["matters"])}
    assert requests_of(clio.sim, "matters.json") == 1
    for row in clio.reader.rows(table()["matters"]):
        assert swept[row.id].etag == row.etag
        assert swept[row.id].data["account_balances"] == row.data["account_balances"]
    assert set(next(iter(swept.values())).data) == {
        "id", "etag", "account_balances", "has_tasks", "last_activity_date",
    }  # fmt: skip


def test_one_row_or_none(clio: Client) -> None:
    row = next(clio.reader.rows(table()["matters"]))
    assert clio.reader.one(table()["matters"], row.id) == row
    assert clio.reader.one(table()["matters"], 1) is None
    assert clio.reader.one(table()["line_items"], 1) is None
    line = next(clio.reader.rows(table()["line_items"]))
    assert clio.reader.one(table()["line_items"], line.id) == line
    billing = clio.reader.one(table()["settings/billing"], "")
    assert billing is not None and billing.data["currency"] == "USD"


def test_some_rows_by_their_ids(clio: Client) -> None:
    one = table()["contacts"]
    known = [row.id for row in clio.reader.rows(one)]
    assert {row.id for row in clio.reader.some(one, [*known[:3], 1])} == set(known[:3])


def test_a_parent_that_is_gone_has_no_rows(clio: Client) -> None:
    assert list(clio.reader.rows(table()["documents/versions"], parent=1)) == []


def test_versions_cost_a_request_only_where_there_are_several(clio: Client) -> None:
    documents = list(clio.reader.rows(table()["documents"]))
    clio.sim.control("counters", reset=True)
    found = [
        version.data
        for row in documents
        for version in clio.reader.versions(row.data, table()["documents/versions"])
    ]
    true = [row for row in clio.truth("documents/versions") if row["fully_uploaded"]]
    assert {canonical(one) for one in found} == {canonical(one) for one in true}
    several = sum(
        1 for row in documents
        if row.data["latest_document_version"] and row.data["latest_document_version"]["version_number"] > 1
    )  # fmt: skip
    assert requests_of(clio.sim, "documents/{id}/versions.json") == several < len(documents)


def test_a_403_is_no_empty_list(sim: Running, tmp_path: Path) -> None:
    less = client(sim, tmp_path)
    less.store.held = Held(1, tokens(sim, less.clock, str(sim.told["restricted_access_token"])))
    with pytest.raises(SourceRestricted):
        list(less.reader.rows(table()["bills"]))


def test_a_row_shows_nothing_of_itself() -> None:
    row = Row("contacts", {"id": 7, "etag": '"e"', "name": "Somebody", "updated_at": "nonsense"})
    assert "Somebody" not in repr(row)
    assert (row.id, row.etag, row.updated_at) == ("7", '"e"', None)
