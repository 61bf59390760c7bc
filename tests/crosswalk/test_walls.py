"""Who may receive a matter: closed whenever something cannot be told."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from muniment.config.load import FirmConfig
from muniment.config.matter_policy import MatterPolicy
from muniment.errors import WalledOff
from muniment.evidence.events import CONFIGURATION
from muniment.recovery.crosswalk.asking import ask_for_matter
from muniment.recovery.crosswalk.policy import WallBook, require_may_receive, withholding
from muniment.recovery.crosswalk.walls import UNKNOWN_WALLS, Walls, may_receive
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selected import load_matching
from muniment.recovery.selection import Scope, Selection, select
from muniment.vault.evidence import append
from tests.support.naming_firm import NamingFirm

ONE, TWO = "M-AAAAAAAA", "M-BBBBBBBB"
OPEN = Walls({})


def walls(*people: str, matter: str = ONE) -> Walls:
    return Walls({matter: frozenset(people)})


# -- walls -------------------------------------------------------------------------------------------


def test_a_wall_now_or_then_stops_whoever_asks_and_whoever_receives() -> None:
    for now, then in ((walls("kim"), OPEN), (OPEN, walls("kim"))):
        for people in (["kim"], ["lee", "kim"], ["kim", "lee"]):
            assert not may_receive(people, [ONE], [now], [then]).allowed
        assert may_receive(["lee"], [ONE], [now], [then]).allowed
        assert may_receive(["kim"], [TWO], [now], [then]).allowed
        assert not may_receive(["kim"], [TWO, ONE], [now], [then]).allowed


def test_nobody_who_is_not_named_passes_a_wall() -> None:
    for people in ([], [""], ["lee", ""]):
        assert not may_receive(people, [ONE], [walls("kim")], [OPEN]).allowed
        assert may_receive(people, [ONE], [OPEN], [OPEN]).allowed


def test_walls_that_cannot_be_read_stop_everybody() -> None:
    for now, then in (([UNKNOWN_WALLS], [OPEN]), ([OPEN], [OPEN, UNKNOWN_WALLS])):
        assert not may_receive(["lee"], [ONE], now, then).allowed


def test_more_walls_never_let_more_through() -> None:
    kinds = [OPEN, walls("kim"), walls("lee"), walls("kim", matter=TWO), UNKNOWN_WALLS]
    for now, then, added in itertools.product(kinds, repeat=3):
        for people in ([], ["kim"], ["lee"], ["kim", "lee"]):
            if may_receive(people, [ONE], [now, added], [then]).allowed:
                assert may_receive(people, [ONE], [now], [then]).allowed


# -- what firm.yaml says -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"matter": ONE},
        {"matter": ONE, "custodian": "kim", "walled_from": ("lee",)},
        {"matter": "", "sealed": True},
    ],
)
def test_a_policy_that_changes_nothing_or_names_nothing_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"changes nothing|not sealed|at least 1"):
        MatterPolicy(**values)


# -- with a vault ------------------------------------------------------------------------------------


def config(*policies: MatterPolicy) -> FirmConfig:
    return cast(FirmConfig, SimpleNamespace(firm=SimpleNamespace(matters=policies)))


@pytest.fixture
def firm(tmp_path: Path) -> NamingFirm:
    firm = NamingFirm(tmp_path)
    case = firm.system.open("2024-0113")
    firm.file("2024-0113")
    firm.file("2024-0200")
    firm.back_up_both()
    firm.system.change(case, number="2026-0007")
    firm.back_up_both()
    return firm


def test_a_wall_around_the_old_number_stands_around_the_new_one(firm: NamingFirm) -> None:
    vault = firm.vault()
    selection, joined, _ = ask_for_matter(vault, "2026-0007", naming=["clio"])
    plan = make_restore_plan(vault, selection)
    book = WallBook(vault, config(MatterPolicy(matter="2024-0113", walled_from=("kim",))))

    with pytest.raises(WalledOff) as refused:
        require_may_receive(book, joined, plan, ["kim"])
    assert joined.matter in refused.value.to
    assert "2024-0113" not in str(refused.value) and "kim" not in str(refused.value)
    with pytest.raises(WalledOff):
        require_may_receive(book, joined, plan, [])
    require_may_receive(book, joined, plan, ["lee"])


def test_what_is_walled_off_is_left_out_of_a_restore_of_everything(firm: NamingFirm) -> None:
    vault = firm.vault()
    book = WallBook(vault, config(MatterPolicy(matter="2024-0113", walled_from=("kim",))))
    history = vault.history("files")
    everything = load_matching(vault, history, history.live[-1], Selection(Scope.SOURCE))
    for_kim = select(everything, withholding(book, ["kim"]))
    for_lee = select(everything, withholding(book, ["lee"]))

    assert dict(for_kim.withheld) == {"walled off": 2}
    assert for_lee.withheld == ()
    assert len(for_lee.rows) == len(for_kim.rows) + 2


def test_a_noted_configuration_that_cannot_be_read_stops_everybody(firm: NamingFirm) -> None:
    vault = firm.vault()
    at = firm.clock.now() - timedelta(days=3)
    append(vault, CONFIGURATION, "configuration.changed", detail={"firm.yaml": "no"}, at=at)
    book = WallBook(vault, None)
    assert [w.known for w in book.now()] == [False]
    assert [w.known for w in book.at([firm.clock.now()])] == [False]
    assert not may_receive(["lee"], [ONE], book.now(), ()).allowed
