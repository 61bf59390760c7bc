"""A matter from the recovery kit alone: what recover.py gives is what the engine knows of it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from muniment.assurance import drill_kit
from muniment.assurance.drill import look, plan_drill
from muniment.assurance.drill_draw import Drawn, Place, draw
from muniment.assurance.drill_kit import Kit, copy_store, recover
from muniment.assurance.files_contract import contract_of
from muniment.errors import RestoreError, VerificationFailed
from muniment.model.drill import Scenario
from muniment.recovery.plan import RestorePlan
from muniment.vault import names
from tests.support.needs import needs_program
from tests.support.practice import Practice


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    for program in ("age", "zstd"):
        needs_program(program)
    practice = Practice(tmp_path_factory.mktemp("firm"))
    for number in range(3):
        practice.write(f"Matters/2024-0001 Harbor/{number}.txt", f"letter {number}")
    practice.back_up()
    practice.write("Matters/2024-0002 Mill/large.bin", bytes(range(256)) * 4000)
    practice.back_up()
    (practice.folder / "escrow").write_text(f"{practice.keys.escrow}\n")
    return practice


class Held:
    def __init__(self, practice: Practice, folder: Path) -> None:
        self.place = Place("store", practice.vault(), {"files": "files"})
        self.drawn: Drawn = draw([self.place], Scenario.RECOVERY_KIT, 2, practice.clock.now())
        self.plans: dict[str, RestorePlan] = plan_drill([self.place], self.drawn)
        self.kit = Kit.at_hand(practice.folder / "escrow", practice.store, folder)
        self.copied = copy_store(self.place, self.plans, self.drawn, folder / "store")
        (folder / "box").mkdir()
        self.folder = folder

    def recover(self) -> None:
        for choice in self.plans["store"].choices:
            out = self.folder / "box" / choice.source
            recover(self.kit, self.folder / "store", self.place.vault, self.drawn, choice, out)


def test_a_matter_comes_back_in_a_bare_environment(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    held = Held(practice, tmp_path)
    seen_by_it: list[Any] = []
    really = subprocess.run

    def run(command: list[str], **options: Any) -> Any:
        seen_by_it.append(options["env"])
        return really(command, **options)

    with mock.patch.object(drill_kit.subprocess, "run", run):
        held.recover()

    [environment] = seen_by_it
    assert set(environment) == {"PATH", "TMPDIR", "LC_ALL"}
    (tmp_path / "work").mkdir()
    places = {"store": held.place}
    seen = look(
        places, held.plans, held.drawn, tmp_path / "box", {}, contract_of, tmp_path / "work"
    )
    assert seen.whole, seen


def test_only_the_packs_that_are_needed_are_copied(practice: Practice, tmp_path: Path) -> None:
    held = Held(practice, tmp_path)
    there = {v.name for v in practice.store.list()}
    copied = {str(p.relative_to(tmp_path / "store")) for p in (tmp_path / "store").rglob("*") if p.is_file()}  # fmt: skip
    assert copied < there
    assert {n for n in there - copied if not n.startswith("packs/")} == set()
    assert held.copied == sum((tmp_path / "store" / n).stat().st_size for n in copied)


def test_an_identity_that_opens_nothing_fails_the_drill(practice: Practice, tmp_path: Path) -> None:
    held = Held(practice, tmp_path)
    (tmp_path / "other").write_text(f"{practice.keys.worker}\n")
    held.kit = Kit(tmp_path / "other", held.kit.program)
    with pytest.raises(VerificationFailed, match=r"recover\.py"):
        held.recover()


def test_what_is_missing_of_the_kit_is_said(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RestoreError, match="escrow identity"):
        Kit.at_hand(tmp_path / "none", practice.store, tmp_path)
    with pytest.raises(RestoreError, match=r"no recover\.py"):
        Kit.at_hand(practice.folder / "escrow", practice.store, tmp_path, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RestoreError, match="needs age and zstd"):
        Kit.at_hand(practice.folder / "escrow", practice.store, tmp_path)


def test_a_name_that_no_vault_has_is_not_copied(practice: Practice, tmp_path: Path) -> None:
    assert not names.known("../../elsewhere")
    assert names.known(drill_kit.PROGRAM)
