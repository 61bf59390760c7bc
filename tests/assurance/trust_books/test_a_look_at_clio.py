"""The weekly look at trust books at Clio, out of the vault and into a report for the trust lawyer alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from muniment.assurance.reconcile import RECONCILERS
from muniment.assurance.trust_books.catalogue import catalogue
from muniment.assurance.trust_books.sealed_report import SMALLEST, open_report, reports_in
from muniment.assurance.trust_books.weekly import look_at_books
from muniment.errors import NoKey
from muniment.sources.clio.trust import ledger
from muniment.vault.age import Identity
from tests.simulators.clio.running import Running, running
from tests.support.trust_firm import TrustFirm, a_firm

LAWYER = Identity.generate()
FIRM = a_firm(str(LAWYER.recipient))


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=29, matters=6, trust_transactions=120, rate=0) as made:
        yield made


@pytest.fixture(scope="module")
def backed_up(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> TrustFirm:
    """One snapshot, before anything is posted; to be looked at only."""
    firm = TrustFirm(tmp_path_factory.mktemp("firm"), sim)
    firm.consent()
    firm.back_up()
    return firm


@pytest.fixture
def firm(sim: Running, tmp_path: Path, backed_up: TrustFirm) -> TrustFirm:
    firm = TrustFirm(tmp_path, sim)
    firm.consent()
    firm.back_up()
    return firm


def by_id(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in report["verdicts"]}


def post(sim: Running, amount: float, **cells: Any) -> dict[str, Any]:
    trust = next(
        r["id"]
        for r in sim.rows("bank_accounts.json", fields="id,type,name")
        if r["type"] == "Trust" and r["name"] == "IOLTA trust"
    )
    matter = sim.rows("matters.json", fields="id,client{id}")[0]
    body = {
        "amount": amount, "date": "2026-11-03", "bank_account": {"id": trust}, "matter": {"id": matter["id"]},
        "client": {"id": matter["client"]["id"]}, **cells,
    }  # fmt: skip
    posted = sim.request("POST", "bank_transactions.json", json={"data": body})
    assert posted.status_code == 201, posted.text
    made: dict[str, Any] = posted.json()["data"]
    return made


def test_true_books_do_no_damage_and_what_clio_cannot_tell_is_said(
    backed_up: TrustFirm, tmp_path: Path
) -> None:
    looked = backed_up.look(FIRM, tmp_path)
    assert (looked.damage, looked.amendments) == ({}, 0)
    found = by_id(backed_up.report(LAWYER))
    assert list(found) == list(catalogue())
    lacking = {id_ for id_, one in catalogue().items() if "clio-trust" in one.lacking}
    uploaded = {"TX-21", "TX-22", "TX-23", "TX-24", "TX-31", "TX-41", "TX-42"}
    told = {id_ for id_, one in found.items() if one["outcome"] == "not judged"}
    assert told == lacking | uploaded | {"TX-05", "TX-06", "TX-45"}
    assert all(found[id_]["not_judged_because"] for id_ in told)
    assert looked.unjudged.keys() == {id_ for id_ in told if id_ < "TX-31"}


def test_two_looks_compare_with_the_last_reported_and_name_what_was_amended(
    firm: TrustFirm, sim: Running, tmp_path: Path
) -> None:
    made = post(sim, 41.17, description="Retainer of Zebra", source="Zebra Holdings")
    firm.tomorrow()
    firm.back_up()
    firm.look(FIRM, tmp_path)
    changed = sim.request(
        "PATCH",
        f"bank_transactions/{made['id']}.json",
        json={"data": {"description": "Another word"}},
    )
    assert changed.status_code == 200, changed.text
    for _ in range(2):
        firm.tomorrow()
        firm.back_up()
    for _ in range(2):
        looked = firm.look(FIRM, tmp_path)
        assert (looked.amendments, looked.damage) == (1, {})
        [place] = by_id(firm.report(LAWYER))["TX-06"]["listed"]
        assert place["where"] == f"entry {made['id']}"
        assert place["what"].endswith("purpose was Retainer of Zebra, is Another word")
    assert [one.facts["before"] for one in reports_in(firm.vault())] == [1, 2, 2]


def test_a_finding_is_in_the_sealed_report_and_nowhere_else(
    firm: TrustFirm, sim: Running, tmp_path: Path
) -> None:
    """Not in the size of the report, either; and it opens with any program that knows age."""
    firm.look(FIRM, tmp_path)
    post(sim, -3.71, date="2019-01-02", description="Quagga settlement", source="Cash")
    firm.tomorrow()
    firm.back_up()
    looked = firm.look(FIRM, tmp_path)
    assert looked.damage == looked.anomalies == {}
    found = by_id(firm.report(LAWYER))
    for id_ in ("TX-32", "TX-33", "TX-38"):
        assert found[id_]["outcome"] == "fails"
    assert "-3.71" in json.dumps(found["TX-38"]["listed"])
    before, entry = reports_in(firm.vault())
    sealed = str(entry.facts["report"])
    assert len(str(before.facts["report"])) == len(sealed) > SMALLEST
    identity = pyrage.x25519.Identity.from_str(str(LAWYER))
    opened = json.loads(pyrage.decrypt(base64.b64decode(sealed), [identity]))
    assert opened["snapshot"] == 2
    clear = json.dumps(entry.to_payload()) + repr(looked)
    for word in ("3.71", "2019", "Quagga", "Cash", "TX-3", "fails"):
        assert word not in clear
    for other in (firm.keys.operations, firm.keys.escrow, firm.keys.worker):
        with pytest.raises(NoKey):
            open_report(entry, [other])


def test_without_a_trust_lawyer_nothing_is_looked_for_and_nothing_written(
    backed_up: TrustFirm, tmp_path: Path
) -> None:
    there = len(reports_in(backed_up.vault()))
    looked = backed_up.look(a_firm(None), tmp_path)
    assert looked.report == ""
    assert len(reports_in(backed_up.vault())) == there
    assert looked.damage == {}
    assert all(catalogue()[id_].class_ != "finding" for id_ in looked.unjudged)


def of_another_client(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ledger._matter
    monkeypatch.setattr(
        ledger, "_matter", lambda row, clients: {**real(row, clients), "client_id": "1"}
    )


def test_books_that_do_not_add_up_when_they_are_backed_up_are_an_anomaly_and_no_damage(
    firm: TrustFirm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_another_client(monkeypatch)
    firm.tomorrow()
    firm.back_up()
    looked = firm.look(FIRM, tmp_path)
    assert looked.damage == {}
    assert looked.anomalies["TX-12"] > 100
    assert {one["from"] for one in by_id(firm.report(LAWYER))["TX-12"]["listed"]} == {"source"}


def test_a_restore_that_changes_an_entry_is_damage_and_names_it(
    backed_up: TrustFirm, sim: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are true; what makes tables of them is not, since the backup."""
    of_another_client(monkeypatch)
    found = RECONCILERS["clio-trust"](backed_up.vault(), backed_up.drawn(), tmp_path)
    assert found.differences > 0
    looked = look_at_books(backed_up.vault(), backed_up.drawn(), found, FIRM)
    assert looked.damage["TX-12"] == len(looked.entries["TX-12"]) > 0
    assert looked.anomalies == {}


def test_an_entry_that_the_live_source_has_as_well_is_no_damage(
    backed_up: TrustFirm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can ask the source asks: what it says the same of did not arise in the vault."""
    of_another_client(monkeypatch)
    found = RECONCILERS["clio-trust"](backed_up.vault(), backed_up.drawn(), tmp_path)
    looked = look_at_books(
        backed_up.vault(), backed_up.drawn(), found, FIRM, live=backed_up.source()
    )
    assert looked.anomalies == {"TX-12": 25}
    assert backed_up.report(LAWYER)["snapshot"] == 1
