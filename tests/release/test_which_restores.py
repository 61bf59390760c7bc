"""Which restores need an approval: the rule, and what it looks at."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from muniment.config.approvals import Approvals
from muniment.config.load import FirmConfig
from muniment.recovery.crosswalk.record import record_matters
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.release.needs import About, Need, about, needs
from muniment.recovery.selection import Scope, Selection, select_matter
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


def item_of(vault: Vault, name: bytes) -> str:
    history = vault.history("files")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    return next(row.item_id.hex() for row in rows if row.native_id.endswith(name))


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


def test_a_matter_that_is_closed_and_was_may_go(tmp_path: Path, firm: FirmConfig) -> None:
    practice = NamingFirm(tmp_path)
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


def test_times_are_given_as_in_the_rest_of_firm_yaml() -> None:
    part = Approvals.model_validate({"time_out": "2d", "deputies": "deputy"})
    assert (part.time_out, part.deputies) == (timedelta(days=2), ("deputy",))
