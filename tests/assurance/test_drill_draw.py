"""What a drill takes of several sources, in turn, and that all of it comes back and is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from muniment.assurance.drill import look, names_from_bytes, plan_drill, restore
from muniment.assurance.drill_draw import Drawn, Place, destination_of, draw, words_of
from muniment.assurance.files_contract import contract_of
from muniment.assurance.trial import read_snapshot
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.errors import NothingToRestore
from muniment.model.drill import Scenario
from muniment.model.item import Row
from muniment.recovery.selection import Scope
from muniment.sources.files import FileSource, FileTarget
from tests.support.practice import Practice

SOURCES = ("files", "ledger", "scans")


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """Three sources, of which two know no matters."""
    practice = Practice(tmp_path_factory.mktemp("firm"), sources=SOURCES)
    for number in range(3):
        practice.write(f"Matters/2024-000{number} Matter/letter.txt", f"letter {number}")
    practice.back_up()
    for source in SOURCES[1:]:
        folder = practice.folder / source
        folder.mkdir()
        for number in range(4):
            (folder / f"{number}.txt").write_text(f"{source} {number}")
        practice.let_settle()
        vault = practice.vault("worker")
        back_up(BackupRun(vault, FileSource(source, folder), practice.staging, f"run-{source}"))
    return practice


def place(practice: Practice) -> Place:
    return Place("store", practice.vault(), dict.fromkeys(SOURCES, "files"))


def drawn(
    practice: Practice, scenario: Scenario, *, last: dict[str, datetime], seed: int = 3
) -> Drawn:
    return draw([place(practice)], scenario, seed, practice.clock.now(), last=last)


def held(practice: Practice, days: dict[str, int]) -> dict[str, datetime]:
    return {s: practice.clock.now() - timedelta(days=d) for s, d in days.items()}


def test_the_source_that_waited_longest_is_drawn(practice: Practice) -> None:
    last = held(practice, {"files": 10, "ledger": 200, "scans": 100})
    found = drawn(practice, Scenario.SOURCE, last=last)
    assert (found.focus, found.sources, found.also) == ("ledger", ("ledger",), ())


def test_a_source_without_matters_gives_an_item_beside_the_matter(practice: Practice) -> None:
    last = held(practice, {"files": 10, "ledger": 300, "scans": 290})
    found = drawn(practice, Scenario.MATTER, last=last)
    assert (found.scope, found.sources) == (Scope.MATTER, ("files",))
    assert [source for source, _ in found.also] == ["ledger", "scans"]
    assert "one item of each of ledger, scans" in words_of(found)
    assert drawn(practice, Scenario.MATTER, last=last) == found


@pytest.mark.parametrize("scenario", [Scenario.MATTER, Scenario.ITEM, Scenario.RANSOMWARE])
def test_all_that_was_drawn_comes_back(
    scenario: Scenario, practice: Practice, tmp_path: Path
) -> None:
    last = held(practice, {"files": 280, "ledger": 300, "scans": 290})
    found = drawn(practice, scenario, last=last)
    places = {"store": place(practice)}
    plans = plan_drill(list(places.values()), found)
    names: dict[str, dict[bytes, bytes]] = {}
    (tmp_path / "box").mkdir()
    for key, plan in plans.items():
        _, told = restore(
            key,
            places[destination_of(key)],
            plan,
            found,
            lambda source, digest: FileTarget(tmp_path / "box" / source, restore_id=digest),
        )
        names |= names_from_bytes(told)
    (tmp_path / "work").mkdir()
    seen = look(places, plans, found, tmp_path / "box", names, contract_of, tmp_path / "work")
    assert seen.whole, seen
    taken = {c.source for plan in plans.values() for c in plan.choices if c.items}
    assert taken == (
        {"ledger"} if scenario is Scenario.RANSOMWARE and not found.also else set(SOURCES)
    )


def test_a_reserved_matter_is_not_drawn_nor_an_item_of_it(practice: Practice) -> None:
    last = held(practice, {"files": 300, "ledger": 10, "scans": 10})
    shut = {m for m in matters_of(practice) if m != (free := min(matters_of(practice)))}

    def draws(scenario: Scenario, seed: int) -> Drawn:
        return draw(
            [place(practice)], scenario, seed, practice.clock.now(), last=last,
            reserved=shut.__contains__,
        )  # fmt: skip

    assert {draws(Scenario.MATTER, seed).value for seed in range(12)} == {free}
    of = {row.item_id.hex(): row.matter for row in rows_of(practice)}
    assert {of[draws(Scenario.ITEM, seed).value] for seed in range(12)} <= {free, ""}


def test_where_every_matter_is_reserved_the_drill_says_so(practice: Practice) -> None:
    with pytest.raises(NothingToRestore, match="that may be drawn") as told:
        draw([place(practice)], Scenario.MATTER, 3, practice.clock.now(), last={}, reserved=bool)
    assert "sealed" in (told.value.todo or "")


def rows_of(practice: Practice) -> list[Row]:
    vault = practice.vault()
    history = vault.history("files")
    return list(read_snapshot(vault, history, history.live[-1]).items.values())


def matters_of(practice: Practice) -> set[str]:
    return {row.matter for row in rows_of(practice) if row.matter}
