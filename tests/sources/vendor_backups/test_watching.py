"""Sets of another product are taken when they are whole, and what is wrong with them is said: one test a failure."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from muniment.errors import SourceMissing, SourceSuspect
from muniment.sources.causes import (
    CHANGED_WHILE_READ,
    LOCKED,
    SET_INCOMPLETE,
    SET_MISSING,
    SET_SHRUNKEN,
    SET_TOO_OLD,
    SET_UNFINISHED,
)
from muniment.sources.tree.tree import Tree
from muniment.sources.vendor_backups.products import preset
from muniment.sources.vendor_backups.survey import Demands
from tests.support.vendor_firm import DEMANDS, VendorFirm

FIRST, SECOND = "Firm (Backup Mar 01,2026  09 00 PM).QBB", "Firm (Backup Mar 02,2026  09 00 PM).QBB"

BY_THEN_OLD = {("backup_set", FIRST): SET_TOO_OLD}
"""What is told of the first set when no second one was taken a night later."""


@pytest.fixture
def firm(tmp_path: Path) -> VendorFirm:
    """One set of a company file was taken last night."""
    firm = VendorFirm(tmp_path)
    firm.put(FIRST, b"first " * 1000)
    assert firm.night().completeness == "complete"
    return firm


@pytest.fixture
def chain(tmp_path: Path) -> VendorFirm:
    """A chain of Veeam's was taken last night."""
    firm = VendorFirm(tmp_path, preset("veeam"))
    firm.put("Daily/SD2026-03-01T210000_1.vbk", b"full " * 1000)
    firm.put("Daily/S.vbm", b"metadata")
    assert firm.night().completeness == "complete"
    return firm


# -- a good night ------------------------------------------------------------------------------------


def test_a_set_comes_back_byte_for_byte_and_the_snapshot_says_which_there_are(
    firm: VendorFirm, tmp_path: Path
) -> None:
    firm.put(SECOND, b"second " * 1000)
    firm.put("readme.txt", b"not part of a set")
    assert firm.night().completeness == "complete"
    assert firm.held(tmp_path / "back") == {
        FIRST: b"first " * 1000, SECOND: b"second " * 1000, "readme.txt": b"not part of a set",
    }  # fmt: skip
    said = json.loads((tmp_path / "back/files/_backup-sets.json").read_text())
    (job,) = said["jobs"]
    assert (said["product"], job["job"]) == ("quickbooks", "Firm")
    assert [(s["set"], s["state"], s["bytes"]) for s in job["sets"]] == [
        (SECOND[:-4], "whole", 7000), (FIRST[:-4], "whole", 6000),
    ]  # fmt: skip


def test_sets_that_are_known_are_not_watched_again(firm: VendorFirm) -> None:
    firm.watched.slept = 0
    firm.demands = Demands(DEMANDS.fresh * 10, 0.3)
    assert firm.night().counts["read_bytes"] == 0
    assert firm.watched.slept == 0


def test_the_product_keeps_two_sets_and_the_third_night_is_as_good(firm: VendorFirm) -> None:
    for number in range(3):
        names = sorted(firm.share.iterdir())
        for old in names[:-1]:
            old.unlink()
        firm.put(f"SBU_{number}_Firm.qbb", b"%d" % number * 6000)
        assert firm.night().completeness == "complete"


# -- stability ---------------------------------------------------------------------------------------


def test_a_set_that_grows_while_it_is_watched_is_not_taken_and_the_next_night_is(
    firm: VendorFirm, tmp_path: Path
) -> None:
    half = firm.put(SECOND, b"half")

    def copy_goes_on() -> None:
        with half.open("ab") as file:
            file.write(b", and a little more")

    firm.watched.meanwhile = copy_goes_on
    outcome = firm.night()
    assert outcome.completeness == "incomplete"
    assert firm.problems() == {("file", SECOND): SET_UNFINISHED} | BY_THEN_OLD
    assert firm.held(tmp_path / "back") == {FIRST: b"first " * 1000}
    firm.watched.meanwhile = lambda: None
    firm.put(SECOND, b"whole " * 1000)
    assert firm.night().completeness == "complete"


def test_a_set_under_a_name_of_its_own_until_it_is_done_is_not_taken(
    firm: VendorFirm, tmp_path: Path
) -> None:
    firm.put(SECOND + ".tmp", b"half")
    firm.night()
    assert firm.problems() == {("file", SECOND + ".tmp"): SET_UNFINISHED} | BY_THEN_OLD
    assert firm.held(tmp_path / "back") == {FIRST: b"first " * 1000}


def test_a_chain_that_is_written_to_stays_as_it_was(chain: VendorFirm, tmp_path: Path) -> None:
    before = chain.held(tmp_path / "before")
    chain.put("Daily/SD2026-03-02T210000_2.vib", b"half an increment")
    chain.put("Daily/SD2026-03-01T210000_1.vbk", b"merged " * 900, hours_ago=0)
    chain.put("Daily/session.lck", b"")
    assert chain.night().completeness == "incomplete"
    assert chain.problems() == {("dir", "Daily"): SET_UNFINISHED}
    assert chain.held(tmp_path / "back") == before


def test_a_file_that_a_program_holds_is_not_taken(
    firm: VendorFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.errors import ItemUnreadable

    firm.put(SECOND, b"second")
    real = Tree.open

    def held(self: Tree, kind: str, native_id: bytes, listed: object = None) -> object:
        if native_id == os.fsencode(SECOND):
            raise ItemUnreadable(LOCKED)
        return real(self, kind, native_id)

    monkeypatch.setattr(Tree, "open", held)
    assert firm.night().completeness == "incomplete"
    assert firm.problems() == {("file", SECOND): LOCKED} | BY_THEN_OLD


def test_a_file_that_is_no_longer_what_was_watched_is_not_taken(firm: VendorFirm) -> None:
    from muniment.backup.commit import commit_snapshot
    from muniment.backup.encrypt import encrypt
    from muniment.backup.extract import extract
    from muniment.backup.plan import make_plan

    firm.put(SECOND, b"second " * 1000)
    run = firm.run()
    plan = make_plan(run)
    firm.put(SECOND, b"third! " * 1000, hours_ago=1)
    results = []
    for shard in plan.shards:
        extract(run, shard.shard)
        results.append(encrypt(run, shard.shard))
    assert commit_snapshot(run, results).completeness == "incomplete"
    assert firm.problems() == {("file", SECOND): CHANGED_WHILE_READ}


# -- completeness ------------------------------------------------------------------------------------


def test_a_set_that_lacks_a_part_is_not_taken_and_what_was_there_stays(
    chain: VendorFirm, tmp_path: Path
) -> None:
    before = chain.held(tmp_path / "before")
    (chain.share / "Daily/S.vbm").unlink()
    chain.put("Daily/SD2026-03-02T210000_2.vib", b"increment")
    assert chain.night().completeness == "incomplete"
    assert chain.problems() == {("dir", "Daily"): SET_INCOMPLETE}
    assert chain.held(tmp_path / "back") == before


# -- freshness ---------------------------------------------------------------------------------------


def test_a_set_that_was_not_made_anew_is_told(firm: VendorFirm) -> None:
    assert firm.night().completeness == "incomplete"
    assert firm.problems() == {("backup_set", FIRST): SET_TOO_OLD}


def test_one_job_that_stopped_is_told_beside_another_that_did_not(firm: VendorFirm) -> None:
    firm.put("SBU_0_Other.qbb")
    firm.put(SECOND, b"second " * 1000)
    assert firm.night().completeness == "complete"
    firm.put("SBU_1_Other.qbb")
    assert firm.night().completeness == "incomplete"
    assert firm.problems() == {("backup_set", SECOND): SET_TOO_OLD}


def test_a_set_from_the_future_proves_nothing(firm: VendorFirm) -> None:
    firm.put(FIRST, b"first " * 1000, hours_ago=-1000)
    firm.night()
    assert firm.problems() == {("backup_set", FIRST): SET_TOO_OLD}


def test_metadata_alone_make_no_set_new(chain: VendorFirm) -> None:
    chain.put("Daily/S.vbm", b"the session failed")
    chain.night()
    assert chain.problems() == {("backup_set", "Daily"): SET_TOO_OLD}


# -- size --------------------------------------------------------------------------------------------


def test_a_set_much_smaller_than_before_is_taken_and_told_until_somebody_accepts_it(
    firm: VendorFirm, tmp_path: Path
) -> None:
    firm.put(SECOND, b"small")
    assert firm.night().completeness == "incomplete"
    assert firm.problems() == {("backup_set", SECOND): SET_SHRUNKEN}
    assert firm.held(tmp_path / "back")[SECOND] == b"small"
    # Not the new measure: it is told again.
    firm.put(SECOND, b"small too")
    assert firm.night().causes[0]["cause"] == SET_SHRUNKEN
    firm.put(SECOND, b"small as meant")
    accepted = firm.night(accepted=lambda kind, path, cause, matter: cause == SET_SHRUNKEN)
    assert accepted.completeness == "complete_with_exceptions"


def test_a_set_of_next_to_nothing_is_not_believed_the_first_time_either(tmp_path: Path) -> None:
    firm = VendorFirm(tmp_path)
    firm.demands = Demands(DEMANDS.fresh, 0.3, smallest=1000)
    firm.put(FIRST, b"tiny")
    assert firm.night().completeness == "incomplete"
    assert firm.problems() == {("backup_set", FIRST): SET_SHRUNKEN}


# -- nothing looks like a deletion -------------------------------------------------------------------


def test_an_empty_folder_is_not_believed(firm: VendorFirm, tmp_path: Path) -> None:
    (firm.share / FIRST).unlink()
    with pytest.raises(SourceSuspect, match="no backup set"):
        firm.night()
    assert firm.held(tmp_path / "back") == {FIRST: b"first " * 1000}


def test_sets_that_were_encrypted_and_renamed_are_no_sets(firm: VendorFirm) -> None:
    (firm.share / FIRST).rename(firm.share / f"{FIRST}.locked")
    with pytest.raises(SourceSuspect):
        firm.night()


def test_a_folder_that_is_not_mounted_is_missing(firm: VendorFirm) -> None:
    firm.share.rename(firm.share.with_name("elsewhere"))
    with pytest.raises(SourceMissing):
        firm.night()


def test_a_job_whose_sets_are_gone_is_told_every_night(firm: VendorFirm) -> None:
    firm.put("SBU_0_Other.qbb")
    firm.put(SECOND, b"second " * 1000)
    assert firm.night().completeness == "complete"
    (firm.share / "SBU_0_Other.qbb").unlink()
    for _ in range(2):
        firm.put(SECOND, b"second " * 1000)
        assert firm.night().completeness == "incomplete"
        ((kind, path), cause) = next(iter(firm.problems().items()))
        assert (kind, path[:5], cause) == ("backup_set", "jobs/", SET_MISSING)
    # Whoever says how many there are says that one is enough.
    firm.demands = Demands(DEMANDS.fresh, 0.3, jobs=1)
    firm.put(SECOND, b"second " * 1000)
    assert firm.night().completeness == "complete"
    firm.demands = Demands(DEMANDS.fresh, 0.3, jobs=2)
    firm.put(SECOND, b"second " * 1000)
    firm.night()
    assert firm.problems() == {("backup_set", "jobs"): SET_MISSING}
