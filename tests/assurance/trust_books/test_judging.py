"""Judging trust books: exactness, origins, what is not judged; and the catalogue."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import yaml

from muniment.assurance.trust_books.catalogue import Class, catalogue
from muniment.assurance.trust_books.columns import (
    Books,
    books_from_columns,
    books_from_csv,
)
from muniment.assurance.trust_books.judge import Given, Judged, judge
from muniment.assurance.trust_books.sealed_report import LARGEST, About, report_of
from muniment.assurance.trust_books.verdicts import KEPT
from tests.support.needs import needs_reference
from tests.support.trust_ledgers import SMALL, TODAY, Tables, as_csv, clean


@pytest.fixture(scope="module")
def tables() -> Tables:
    return clean(3, SMALL)


def given(now: Books, kept: Books | None = None, **more: object) -> Given:
    return replace(Given("ledger", now, TODAY, kept), **more)


def look(now: Books, kept: Books | None = None, **more: object) -> Judged:
    return judge(given(now, kept, **more), findings=True)


def test_every_expectation_has_a_rule_and_only_copy_and_ledger_can_fail(tables: Tables) -> None:
    found = look(books_from_columns(tables))
    assert [one.id for one in found.verdicts] == list(catalogue())
    assert len(catalogue()) == 37
    assert Counter(str(one.class_) for one in catalogue().values()) == {"copy": 6, "ledger": 14, "finding": 17}  # fmt: skip
    assert not any(one.fails for one in catalogue().values() if one.class_ is Class.FINDING)


def test_a_reference_list_of_expectations_has_the_same_ids_and_classes() -> None:
    path = needs_reference("trust_expectations.yaml")
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["expectations"]
    assert {one["id"]: one["class"] for one in listed} == {
        id_: str(one.class_) for id_, one in catalogue().items()
    }
    cannot = {
        one["id"]
        for one in listed
        if str(one["clio"]).startswith(("no", "weak", "partly", "False"))
    }
    # Running balances are worked out at backup; who asks for figures says so by itself.
    lacking = {id_ for id_, one in catalogue().items() if "clio-trust" in one.lacking}
    assert cannot - {"TX-15"} <= lacking


def test_without_anybody_who_may_see_them_findings_do_not_exist(tables: Tables) -> None:
    found = judge(given(books_from_columns(tables)), findings=False)
    assert {catalogue()[one.id].class_ for one in found.verdicts} == {Class.COPY, Class.LEDGER}


def test_csv_and_columns_give_the_same_books(tables: Tables) -> None:
    one = books_from_columns(tables)
    other = books_from_csv({name: as_csv(held) for name, held in tables.items()})
    for table, columns in one.tables.items():
        for name, values in columns.items():
            if table != "client":
                assert list(values) == list(other.column(table, name)), (table, name)
    assert [v.count for v in look(one).verdicts] == [v.count for v in look(other).verdicts]


def test_amounts_are_exact_whatever_their_size_and_places() -> None:
    books = books_from_columns(
        {"trust_transaction": {"transaction_id": ["1", "2", "3"], "amount": ["0.10", "99999999999999999999.99", "-0.30000000000000004"]}}
    )  # fmt: skip
    assert books.places == 17
    assert books.say(sum(books.amounts)) == "99999999999999999999.78999999999999996"
    assert books.odd == {2: "-0.30000000000000004"}
    wrong = books_from_columns(
        {"trust_transaction": {"amount": ["1_0.00", "\u0661.00", "nan", "5"]}}
    )
    assert wrong.amounts == [0, 0, 0, 500]
    assert sorted(wrong.odd) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "odd",
    ["0.10", "-0.05", "", "-0.00", "1.5", "7", "1.005", "+1.00", " 1.00", "1e2", "1_0.00", "٣.00", "--1.00", "1.00-", ".50", "9" * 15 + ".99", "9" * 16 + ".99"],
)  # fmt: skip
@pytest.mark.parametrize("fine", ["2.50", "2.5001"])
def test_a_column_of_cents_is_read_as_any_other_is(odd: str, fine: str) -> None:
    """Columns in which every amount has two places are read at once, and cell by cell else."""
    columns = {
        "transaction_id": ["1", "2", "3"],
        "amount": ["3.00", odd or None, "-4.25"],
        "account_running_balance": ["3.00", "1.00", fine],
    }
    told = as_csv({name: list(values) for name, values in columns.items()})
    one = books_from_columns({"trust_transaction": columns})
    other = books_from_csv({"trust_transaction": told})
    assert (one.places, one.odd) == (other.places, other.odd)
    for name in columns:
        assert list(one.entry(name)) == list(other.entry(name)), name


def test_a_table_that_is_no_csv_is_refused_without_its_words(tables: Tables) -> None:
    with pytest.raises(ValueError, match="the table trust_account is not CSV") as caught:
        books_from_csv({"trust_account": b"account_id,currency\r\nZebra,USD,more\r\n"})
    assert "Zebra" not in f"{caught.value!r} {caught.value.__cause__}"


def test_what_was_wrong_when_it_was_backed_up_is_no_damage_and_a_place_beside_it_is(
    tables: Tables,
) -> None:
    entries = tables["trust_transaction"]
    at_source = {**entries, "ledger_kind": ["house", *entries["ledger_kind"][1:]]}
    since = {**at_source, "ledger_kind": ["house", "shed", *entries["ledger_kind"][2:]]}
    then = books_from_columns({**tables, "trust_transaction": at_source})
    now = books_from_columns({**tables, "trust_transaction": since})
    assert look(then, then).anomalies["TX-20"] == 1
    assert look(then, then).damage == {}
    found = look(now, then)
    assert (found.damage["TX-20"], found.anomalies["TX-20"]) == (1, 1)
    assert {p.entry: str(p.origin) for p in found.of("TX-20").places} == {
        entries["transaction_id"][0]: "source", entries["transaction_id"][1]: "restore",
    }  # fmt: skip
    assert look(now).damage["TX-20"] == 2


def test_more_places_than_are_kept_are_still_counted_by_origin(tables: Tables) -> None:
    entries = tables["trust_transaction"]
    all_ = {**entries, "ledger_kind": ["house"] * len(entries["amount"])}
    books = books_from_columns({**tables, "trust_transaction": all_})
    found = look(books, books)
    assert found.of("TX-20").count == len(entries["amount"]) > KEPT
    assert (found.damage, found.anomalies["TX-20"]) == ({}, len(entries["amount"]))
    assert look(books).damage["TX-20"] == len(entries["amount"])


def test_a_report_that_says_very_much_is_cut_and_its_counts_are_whole(tables: Tables) -> None:
    entries = tables["trust_transaction"]
    long = {**entries, "purpose": ["x" * 400] * len(entries["amount"])}
    books = books_from_columns({**tables, "trust_transaction": long})
    found = look(books, before=books_from_columns(tables))
    report = report_of(found, About("books", 1, "c", 0), "firm", "2026-03-02T00:00:00Z")
    assert len(report) == LARGEST
    assert f'"places": {len(entries["amount"])}'.encode() in report
