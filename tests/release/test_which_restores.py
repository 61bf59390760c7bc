"""Which restores need an approval: the rule, and what it looks at."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muniment.clock import FixedClock
from muniment.config.approvals import Approvals
from muniment.config.load import FirmConfig
from muniment.errors import PlanChanged
from muniment.recovery.crosswalk.asking import ask_for_matter
from muniment.recovery.crosswalk.record import record_matters
from muniment.recovery.perform import perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.release.needs import About, Need, about, needs
from muniment.recovery.selection import Scope, Selection, select_matter
from muniment.sources.files import FileTarget
from muniment.vault.vault import Vault
from tests.support.fake_stores import VersionedStore
from tests.support.firms import FIRM_YAML, ROWS, cells, loaded
from tests.support.naming_firm import NamingFirm
from tests.support.practice import MONDAY, Practice


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (About(Scope.SOURCE), (Need.WHOLE_SOURCE,)),
        (About(Scope.MATTER, frozenset({"M-A"})), (Need.ACTIVE_MATTER,)),
        (About(Scope.MATTER, frozenset({"M-A"}), closed=frozenset({"M-A"})), ()),
        (
            About(Scope.MATTER, frozenset({"M-A"}), frozenset({"M-A"}), frozenset({"M-A"})),
            (Need.SEALED,),
        ),
        (About(Scope.ITEM), ()),
        (About(Scope.ITEM, kept_shut=True), (Need.SEALED,)),
        (About(Scope.ITEM, withheld=True), (Need.WITHHELD,)),
        (About(Scope.ITEM, giving=frozenset({"books"}), trust=frozenset({"books"})), (Need.TRUST_DATA,)),
        (About(Scope.ITEM, giving=frozenset({"files"}), trust=frozenset({"books"})), ()),
        (About(Scope.PATH, frozenset({"M-A", "M-B"}), frozenset({"M-A"})), (Need.ACTIVE_MATTER,)),
        (About(Scope.PATH, frozenset({"M-A"}), frozenset({"M-A"}), sealed=frozenset({"M-A"})), (Need.SEALED,)),
        (About(Scope.PATH, frozenset({"M-A"}), frozenset({"M-A"}), walled=frozenset({"M-A"})), (Need.WALLED,)),
        (About(Scope.ITEM, frozenset({"M-A"}), frozenset({"M-A"}), giving=frozenset({"dms"}), critical=frozenset({"dms"})), (Need.CRITICAL_SOURCE,)),
        (About(Scope.ITEM, giving=frozenset({"dms"}), critical=frozenset({"dms"})), ()),
        (About(Scope.SOURCE, custodians=("kim",)), (Need.WHOLE_SOURCE, Need.SEALED)),
        (About(Scope.MATTER, frozenset({"M-A"}), frozenset({"M-A"}), own_key=frozenset({"M-A"})), (Need.SEALED,)),
    ],
)  # fmt: skip
def test_the_rule(what: About, expected: tuple[Need, ...]) -> None:
    assert needs(what) == expected


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    clock = FixedClock(MONDAY)
    practice = Practice(tmp_path, VersionedStore(clock), clock=clock)
    practice.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    practice.write("Office/holiday.txt", "list")
    practice.back_up()
    return practice.vault()


MATTERS = """\
matters:
  - {matter: "2024-0113", sealed: true}
  - {matter: "2024-0200", walled_from: technician}
"""


@pytest.fixture
def firm(tmp_path: Path) -> FirmConfig:
    """Nothing of it is critical but the ledger."""
    (tmp_path / "documents").mkdir()
    return loaded(tmp_path / "documents")


def of(vault: Vault, firm: FirmConfig, selection: Selection) -> tuple[Need, ...]:
    return needs(about(vault, firm, make_restore_plan(vault, selection), selection))


def item_of(vault: Vault, name: bytes, source: str = "files", matter: str = "") -> str:
    history = vault.history(source)
    rows = vault.snapshot(history, history.live[-1]).items.values()
    mine = (row for row in rows if row.native_id.endswith(name) and matter in ("", row.matter))
    return next(row.item_id.hex() for row in mine)


def test_an_item_of_a_matter_needs_what_its_matter_needs(vault: Vault, firm: FirmConfig) -> None:
    assert of(vault, firm, select_matter(vault, "2024-0113")) == (Need.ACTIVE_MATTER,)
    letter = Selection(Scope.ITEM, item_of(vault, b"letter.txt"))
    assert of(vault, firm, letter) == (Need.ACTIVE_MATTER,)
    assert of(vault, firm, Selection(Scope.PATH, "Matters/**")) == (Need.ACTIVE_MATTER,)


def test_what_is_of_no_matter_may_go_unless_its_source_holds_trust_data(
    vault: Vault, firm: FirmConfig, tmp_path: Path
) -> None:
    holiday = Selection(Scope.ITEM, item_of(vault, b"holiday.txt"))
    assert of(vault, firm, holiday) == ()
    books = cells("files", trust_data="yes", classification="critical", retention="trust")
    (tmp_path / "books").mkdir()
    assert of(vault, loaded(tmp_path / "books", rows=(books, *ROWS[1:])), holiday) == (
        Need.TRUST_DATA,
    )


def test_what_firm_yaml_seals_and_walls_off_waits(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    firm = loaded(tmp_path / "sealed", FIRM_YAML + MATTERS)
    assert of(vault, firm, select_matter(vault, "2024-0113")) == (Need.ACTIVE_MATTER, Need.SEALED)


def test_a_matter_that_is_closed_and_was_may_go(tmp_path: Path) -> None:
    practice = NamingFirm(tmp_path)
    firm = with_clio(tmp_path)
    case = practice.system.open("2024-0113")
    practice.file("2024-0113")
    practice.back_up_both()
    open_then = practice.clock.now() - timedelta(hours=1)
    practice.system.change(case, status="Closed")
    practice.back_up_both()
    vault = practice.vault()
    record_matters(vault, ["clio"])
    matter = select_matter(vault, "2024-0113")

    assert of(vault, firm, matter) == ()
    then = make_restore_plan(vault, matter, open_then)
    assert needs(about(vault, firm, then, matter)) == (Need.ACTIVE_MATTER,)


def with_clio(tmp_path: Path, yaml: str = FIRM_YAML) -> FirmConfig:
    (tmp_path / "documents").mkdir()
    clio = cells("clio", system="clio", location="https://app.clio.com")
    return loaded(tmp_path / "documents", yaml, (*ROWS, clio))


@pytest.fixture
def renumbered(tmp_path: Path) -> NamingFirm:
    practice = NamingFirm(tmp_path)
    case = practice.system.open("2024-0113")
    practice.file("2024-0113")
    practice.file("2024-0200")
    practice.back_up_both()
    practice.system.change(case, number="2026-0007", status="Closed")
    practice.back_up_both()
    return practice


@pytest.mark.parametrize("named", ["2024-0113", "2026-0007"])
def test_a_seal_and_its_custodian_hold_for_every_number_and_every_way_to_ask(
    renumbered: NamingFirm, tmp_path: Path, named: str
) -> None:
    vault = renumbered.vault()
    firm = with_clio(
        tmp_path, FIRM_YAML + f'matters: [{{matter: "{named}", sealed: true, custodian: office}}]\n'
    )
    file = item_of(vault, b".pdf", "files", select_matter(vault, "2024-0113").value)
    for selection in (
        ask_for_matter(vault, "2026-0007")[0],
        ask_for_matter(vault, "2024-0113")[0],
        select_matter(vault, "2024-0113"),
        Selection(Scope.ITEM, file),
        Selection(Scope.PATH, "Matters/2024-0113*/**"),
        Selection(Scope.SOURCE, sources=("files",)),
    ):
        known = about(vault, firm, make_restore_plan(vault, selection), selection)
        assert (Need.SEALED in needs(known), known.custodians) == (True, ("office",)), selection
    other = select_matter(vault, "2024-0200")
    known = about(vault, firm, make_restore_plan(vault, other), other)
    assert (Need.SEALED in needs(known), known.custodians) == (False, ())


def test_a_source_that_the_inventory_does_not_know_any_more_may_hold_anything(
    vault: Vault, tmp_path: Path
) -> None:
    (tmp_path / "later").mkdir()
    later = loaded(tmp_path / "later", rows=ROWS[1:])
    holiday = Selection(Scope.ITEM, item_of(vault, b"holiday.txt"))
    assert of(vault, later, holiday) == (Need.TRUST_DATA,)
    assert Need.CRITICAL_SOURCE in of(vault, later, select_matter(vault, "2024-0113"))


def test_what_holds_client_money_is_trust_data_whatever_its_source_is_called(
    vault: Vault, firm: FirmConfig
) -> None:
    holiday = Selection(Scope.ITEM, item_of(vault, b"holiday.txt"))
    plan = make_restore_plan(vault, holiday)
    ledger = with_choice(plan, kinds={"bank_transactions": {"evidence": 1}})
    assert needs(about(vault, firm, ledger, holiday)) == (Need.TRUST_DATA,)


def test_a_plan_that_makes_itself_smaller_is_not_less_and_is_not_performed(
    vault: Vault, tmp_path: Path
) -> None:
    """It may have come through Airflow: whoever forges it must not forge a need away."""
    (tmp_path / "books").mkdir()
    books = loaded(tmp_path / "books", rows=(cells("files", trust_data="yes", classification="critical", retention="trust"), *ROWS[1:]))  # fmt: skip
    holiday = Selection(Scope.ITEM, item_of(vault, b"holiday.txt"))
    plan = make_restore_plan(vault, holiday)
    nothing = with_choice(plan, items=0, kinds={})
    assert needs(about(vault, books, nothing, holiday)) == (Need.TRUST_DATA,)
    with pytest.raises(PlanChanged, match="not those of the plan"):
        perform(vault, with_choice(plan, kinds={}), holiday, lambda _: FileTarget(tmp_path))


def with_choice(plan: RestorePlan, **changed: Any) -> RestorePlan:
    return replace(plan, choices=tuple(replace(c, **changed) for c in plan.choices))


def test_times_are_given_as_in_the_rest_of_firm_yaml() -> None:
    part = Approvals.model_validate({"time_out": "2d", "deputies": "deputy"})
    assert (part.time_out, part.deputies) == (timedelta(days=2), ("deputy",))
