"""Every golden vault, of every version that ever wrote one, restores and checks as it did then."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.assurance.verify import verify
from muniment.clock import FixedClock, from_text
from muniment.errors import NothingToRestore
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileTarget
from muniment.vault.age import parse_identities
from muniment.vault.checkpoints import Outside
from muniment.vault.store.local import LocalStore
from muniment.vault.trust import Pin
from muniment.vault.vault import Vault
from tests.golden.make import truth_of
from tests.recovery_by_hand.programs import by_hand, recover

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/golden.json"))


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def golden(request: pytest.FixtureRequest) -> tuple[Path, dict[str, Any]]:
    folder: Path = request.param
    return folder, json.loads((folder / "golden.json").read_text())


def opened(folder: Path, facts: dict[str, Any], *holders: str) -> Vault:
    identities = [i for h in holders for i in parse_identities(facts["identities"][h])]
    return Vault(
        LocalStore(folder / "store"),
        Pin(facts["vault_id"], bytes.fromhex(facts["root_public"])),
        identities=identities,
        matter_keys=LocalStore(folder / "matter-keys"),
        clock=FixedClock(from_text(facts["made"]) + timedelta(days=1)),
    )


def test_there_is_one_for_each_version_of_the_format() -> None:
    assert [folder.name for folder in FOLDERS] == ["v1"]


def test_it_checks_and_verifies(golden: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = golden
    report = check(opened(folder, facts), Outside(marks=(facts["mark"],)), EVERYTHING)
    assert (report.findings, report.freshness) == ([], "proven")
    assert verify(opened(folder, facts, "escrow"), EVERYTHING).findings == []


@pytest.mark.parametrize("holder", ["escrow", "operations"])
def test_every_snapshot_restores(
    golden: tuple[Path, dict[str, Any]], holder: str, tmp_path: Path
) -> None:
    folder, facts = golden
    selection = Selection(Scope.SOURCE)
    for seq, snapshot in facts["snapshots"].items():
        vault = opened(folder, facts, holder)
        at = from_text(snapshot["as_of"])
        if int(seq) in facts["forgotten"]:
            with pytest.raises(NothingToRestore):
                make_restore_plan(vault, selection, at)
            continue
        plan = make_restore_plan(vault, selection, at)
        assert plan.choices[0].seq == int(seq)
        into = tmp_path / seq
        assert perform(vault, plan, selection, lambda source, to=into: FileTarget(to)).whole
        assert truth_of(into) == snapshot["tree"]


def test_strangers_restore_the_newest(golden: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, facts = golden
    identity = tmp_path / "identity"
    identity.write_text(facts["identities"]["escrow"] + "\n")
    newest = facts["snapshots"][max(facts["snapshots"], key=int)]["tree"]
    store = tmp_path / "store"
    # Keys of matters lie in a second store; whoever recovers puts both together.
    for part in ("store", "matter-keys"):
        for path in (folder / part).rglob("*"):
            if path.is_file():
                to = store / path.relative_to(folder / part)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(path.read_bytes())
    done = by_hand(tmp_path, ["sh"], store, identity, tmp_path / "by-hand")
    assert (done.returncode, done.stderr) == (0, b"")
    assert truth_of(tmp_path / "by-hand") == newest
    said = recover(store, "--identity", identity, tmp_path / "alone")
    assert said.returncode == 0, said.stdout + said.stderr
    assert truth_of(tmp_path / "alone") == newest
