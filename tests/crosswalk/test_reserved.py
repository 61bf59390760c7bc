"""What a rehearsal shows nothing of: sealed, walled off from who looks, under a key of its own, by any number."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from muniment.config.load import FirmConfig
from muniment.evidence.events import CONFIGURATION
from muniment.recovery.crosswalk.reserved import Reserved, nothing_reserved, reserved
from muniment.recovery.selection import select_matter
from muniment.vault import names
from muniment.vault.age import Identity
from muniment.vault.evidence import append
from muniment.vault.setup import add_matter_key
from muniment.vault.store.local import LocalStore
from muniment.vault.vault import Vault
from tests.support.firms import FIRM_YAML, ROWS, cells, loaded
from tests.support.naming_firm import NamingFirm

OLD, NEW, OTHER = "2024-0113", "2026-0007", "2024-0200"


@pytest.fixture
def practice(tmp_path: Path) -> NamingFirm:
    practice = NamingFirm(tmp_path)
    case = practice.system.open(OLD)
    practice.file(OLD)
    practice.file(OTHER)
    practice.back_up_both()
    practice.system.change(case, number=NEW)
    practice.back_up_both()
    return practice


def firm(tmp_path: Path, matters: str = "") -> FirmConfig:
    (tmp_path / "documents").mkdir()
    clio = cells("clio", system="clio", location="https://app.clio.com")
    return loaded(tmp_path / "documents", FIRM_YAML + matters, (*ROWS, clio))


def shut(vault: Vault, asked: Reserved) -> set[str]:
    return {number for number in (OLD, NEW, OTHER) if asked(select_matter(vault, number).value)}


@pytest.mark.parametrize("named", [OLD, NEW])
@pytest.mark.parametrize("how", ["sealed: true", "walled_from: managing-partner"])
def test_under_every_number_that_it_had(
    practice: NamingFirm, tmp_path: Path, named: str, how: str
) -> None:
    vault = practice.vault()
    config = firm(tmp_path, f'matters: [{{matter: "{named}", {how}}}]\n')
    assert shut(vault, reserved(vault, config, ["managing-partner"])) == {OLD, NEW}


def test_a_wall_from_others_and_what_is_of_no_matter_reserve_nothing(
    practice: NamingFirm, tmp_path: Path
) -> None:
    vault = practice.vault()
    walled = firm(tmp_path, f'matters: [{{matter: "{OLD}", walled_from: technician}}]\n')
    asked = reserved(vault, walled, ["managing-partner"])
    assert asked is nothing_reserved
    assert not reserved(vault, walled, ["technician"])("")


def test_a_matter_with_a_key_of_its_own(practice: NamingFirm, tmp_path: Path) -> None:
    practice.matter_keys = LocalStore.create(tmp_path / "matter keys")
    opaque = select_matter(vault := practice.vault(), OTHER).value
    add_matter_key(
        vault, practice.keys.root, names.matter_key(opaque), str(Identity.generate().recipient)
    )
    vault = practice.vault()
    assert shut(vault, reserved(vault, firm(tmp_path), ["managing-partner"])) == {OTHER}


def test_walls_that_cannot_be_read_reserve_every_matter(
    practice: NamingFirm, tmp_path: Path
) -> None:
    vault = practice.vault()
    at = practice.clock.now() - timedelta(days=3)
    append(vault, CONFIGURATION, "configuration.changed", detail={"firm.yaml": "no"}, at=at)
    asked = reserved(vault, firm(tmp_path), ["managing-partner"])
    assert shut(vault, asked) == {OLD, NEW, OTHER} and not asked("")
