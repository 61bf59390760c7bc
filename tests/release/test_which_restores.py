"""Which restores need an approval: the rule, and what it looks at."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from muniment.config.approvals import Approvals
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.release.needs import About, Need, about, needs
from muniment.recovery.selection import Scope, Selection, select_matter
from muniment.vault.vault import Vault
from tests.support.fake_stores import VersionedStore
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


def of(vault: Vault, selection: Selection, trust: tuple[str, ...] = ()) -> tuple[Need, ...]:
    return needs(about(vault, make_restore_plan(vault, selection), selection, trust))


def item_of(vault: Vault, name: bytes) -> str:
    history = vault.history("files")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    return next(row.item_id.hex() for row in rows if row.native_id.endswith(name))


def test_an_item_of_a_matter_needs_what_its_matter_needs(vault: Vault) -> None:
    assert of(vault, select_matter(vault, "2024-0113")) == (Need.ACTIVE_MATTER,)
    letter = Selection(Scope.ITEM, item_of(vault, b"letter.txt"))
    assert of(vault, letter) == (Need.ACTIVE_MATTER,)
    assert of(vault, Selection(Scope.PATH, "Matters/**")) == (Need.ACTIVE_MATTER,)


def test_what_is_of_no_matter_may_go_unless_its_source_holds_trust_data(vault: Vault) -> None:
    holiday = Selection(Scope.ITEM, item_of(vault, b"holiday.txt"))
    assert of(vault, holiday) == ()
    assert of(vault, holiday, ("files",)) == (Need.TRUST_DATA,)


def test_times_are_given_as_in_the_rest_of_firm_yaml() -> None:
    part = Approvals.model_validate({"time_out": "2d", "deputies": "deputy"})
    assert (part.time_out, part.deputies) == (timedelta(days=2), ("deputy",))
