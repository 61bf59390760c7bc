"""The product's readers on vaults that another writer made from the format page alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.assurance.verify import verify
from muniment.clock import FixedClock
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileTarget
from muniment.vault.age import Identity, parse_identities
from muniment.vault.store.local import LocalStore
from muniment.vault.trust import Pin
from muniment.vault.vault import Vault
from tests.independent import writer
from tests.independent.example import SOURCE, build, differences
from tests.independent.writer import Entry

Example = tuple[writer.Vault, list[list[Entry]]]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return build(tmp_path_factory.mktemp("independent") / "store", big=600_000)


def opened(example: Example, *identities: object) -> Vault:
    vault, _ = example
    return Vault(
        LocalStore(vault.folder),
        Pin(vault.vault_id, vault.root.public),
        identities=[_identity(i) for i in identities],
        clock=FixedClock(datetime.fromisoformat("2026-01-06T00:00:00Z")),
    )


def _identity(theirs: object) -> Identity:
    return parse_identities(str(theirs))[0]


def test_the_keyless_check_finds_nothing_wrong(example: Example) -> None:
    report = check(opened(example), read_back=EVERYTHING)
    # It put neither recovery files nor a state there: no reader needs either.
    assert {f.code for f in report.findings} <= {"D141"}
    assert report.sources[0].live == 5


def test_everything_can_be_decrypted_and_says_what_the_base_says(example: Example) -> None:
    report = verify(opened(example, example[0].escrow), EVERYTHING, seed=3)
    assert report.findings == []
    assert report.packs == report.packs_of > 1


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_every_snapshot_comes_back_as_it_was(example: Example, number: int, tmp_path: Path) -> None:
    vault = opened(example, example[0].escrow)
    at = vault.history(SOURCE).at(number).commit.ended_at
    selection = Selection(Scope.SOURCE)
    plan = make_restore_plan(vault, selection, at)
    assert plan.choices[0].seq == number
    report = perform(vault, plan, selection, lambda source: FileTarget(tmp_path / "out"))
    assert report.failures == []
    assert differences(tmp_path / "out", example[1][number - 1], attributes=True) == []
