"""A matter over time and over sources: renumbered, closed, gone, merged, split, and found all the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from muniment.errors import SignatureError
from muniment.recovery.crosswalk.asking import ask_for_matter
from muniment.recovery.crosswalk.overview import Overview, overview
from muniment.recovery.crosswalk.record import STREAM, load_crosswalk, load_record, record_matters
from muniment.recovery.crosswalk.sightings import Status
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import Selection, select_matter
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.evidence import load_stream, open_detail
from tests.support.naming_firm import NamingFirm
from tests.support.practice import tree

OLD, NEW, OTHER = "2024-0113", "2026-0007", "2024-0200"


@pytest.fixture
def firm(tmp_path: Path) -> NamingFirm:
    firm = NamingFirm(tmp_path)
    firm.write("Office/Handbook.docx", "handbook")
    return firm


def opaque(firm: NamingFirm, number: str) -> str:
    return select_matter(firm.vault(), number).value


def record(firm: NamingFirm) -> int:
    return record_matters(firm.vault(), ["clio"])


def look(firm: NamingFirm, role: str = "operations", at: datetime | None = None) -> Overview:
    return overview(firm.vault(role), at or firm.clock.now(), naming=["clio"])


def words(firm: NamingFirm, at: datetime | None = None) -> list[tuple[str, str, str]]:
    found = look(firm, at=at).disagreements
    return [(d.what, d.source, d.matters[0]) for d in found]


def given(firm: NamingFirm, asked: str, into: Path, at: datetime | None = None) -> set[str]:
    selection, _, _ = ask_for_matter(firm.vault(), asked, naming=["clio"])
    _, report = firm.restore(into, selection, as_of=at)
    assert report.whole
    return {name for name, (kind, _) in tree(into).items() if kind == "file"}


def renumbered(firm: NamingFirm) -> tuple[int, datetime]:
    """A matter with two notes and a file; then another number, and the folder keeps the old one."""
    case = firm.system.open(OLD)
    firm.system.open(OTHER)
    firm.file(OLD)
    firm.file(OTHER)
    firm.back_up_both()
    before = firm.clock.now() - timedelta(hours=1)
    firm.system.change(case, number=NEW)
    firm.back_up_both()
    return case, before


def test_a_renumbered_matter_comes_back_whole_under_its_old_and_its_new_number(
    firm: NamingFirm, tmp_path: Path
) -> None:
    renumbered(firm)
    assert record(firm) == 3

    by_old = given(firm, OLD, tmp_path / "old")
    by_new = given(firm, NEW, tmp_path / "new")

    assert by_old == by_new
    assert f"files/Matters/{OLD} Alvarez/Complaint.pdf" in by_old
    assert len([name for name in by_old if name.startswith("clio/")]) == 3
    assert not any(OTHER in name for name in by_old)


def test_the_new_number_finds_the_matter_as_it_was_before_it_had_it(
    firm: NamingFirm, tmp_path: Path
) -> None:
    _, before = renumbered(firm)
    record(firm)
    assert given(firm, NEW, tmp_path / "a", before) == given(firm, OLD, tmp_path / "b", before)


def test_what_happened_after_the_last_record_counts_and_no_record_is_needed(
    firm: NamingFirm,
) -> None:
    case, _ = renumbered(firm)
    unrecorded = load_crosswalk(firm.vault(), ["clio"]).crosswalk
    record(firm)
    assert unrecorded == load_crosswalk(firm.vault()).crosswalk
    firm.system.change(case, number="2026-0008")
    firm.back_up_both()
    later = ask_for_matter(firm.vault(), OLD)[1]

    assert set(later.ids) == {opaque(firm, n) for n in (OLD, NEW, "2026-0008")}
    assert later.matter == opaque(firm, "2026-0008")


def test_the_record_has_no_name_in_it_is_signed_and_is_covered_by_the_checkpoint(
    firm: NamingFirm,
) -> None:
    renumbered(firm)
    record(firm)
    record(firm)
    vault = firm.vault()
    stream = load_stream(vault.store, vault.trust, STREAM)
    [entry] = [e.value for e in stream.entries]

    told = str(entry.facts) + str(open_detail(vault, entry))
    assert opaque(firm, OLD) in told
    assert OLD not in told and NEW not in told and "Alvarez" not in told
    assert STREAM in write_checkpoint(vault).value.evidence
    firm.system.open("2026-0099")
    firm.back_up_both()
    with pytest.raises(SignatureError):
        record_matters(firm.vault("escrow"), ["clio"])


def test_an_old_number_is_known_when_its_snapshots_are_gone(
    firm: NamingFirm, tmp_path: Path
) -> None:
    renumbered(firm)
    record(firm)
    history = firm.vault().history("clio")
    for described in history.records[0].commit.snapshots:
        (tmp_path / "store" / "snapshots" / "clio" / described.snapshot).unlink()

    again = load_record(firm.vault())
    assert again.through == {"clio": 2}
    assert set(ask_for_matter(firm.vault(), OLD)[1].ids) == {opaque(firm, OLD), opaque(firm, NEW)}


def test_a_number_that_another_matter_got_later_ties_nothing(
    firm: NamingFirm, tmp_path: Path
) -> None:
    renumbered(firm)
    firm.system.open(OLD, notes=1)
    firm.back_up_both()
    record(firm)

    selection, joined, _ = ask_for_matter(firm.vault(), NEW)
    assert selection.matters == (opaque(firm, NEW),)
    assert joined.doubtful == (opaque(firm, OLD),)
    assert "another matter" in joined.notes[0]
    assert "more than one matter" in ask_for_matter(firm.vault(), OLD)[1].notes[0]
    assert ("number used again", "clio", opaque(firm, OLD)) in words(firm)
    assert len(given(firm, OLD, tmp_path / "old")) == 3


def test_two_matters_with_one_number_are_told(firm: NamingFirm) -> None:
    firm.system.open(OLD)
    firm.system.open(OLD)
    firm.back_up_both()
    assert words(firm) == [("number borne twice", "clio", opaque(firm, OLD))]


def test_a_merge_is_told_with_what_moved_and_never_joined(firm: NamingFirm) -> None:
    case = firm.system.open(OLD, notes=3)
    into = firm.system.open(OTHER)
    firm.file(OLD)
    firm.back_up_both()
    record(firm)
    firm.system.move(case, into)
    del firm.system.cases[case]
    firm.back_up_both()
    record(firm)

    [merge] = load_crosswalk(firm.vault()).crosswalk.merges()
    assert merge.into == ((opaque(firm, OTHER), 3),)
    selection, joined, _ = ask_for_matter(firm.vault(), OLD)
    assert selection.matters == (opaque(firm, OLD),)
    assert f"3 under {opaque(firm, OTHER)}" in joined.notes[0]
    assert words(firm) == [
        ("merged", "clio", opaque(firm, OLD)),
        ("number without matter", "files", opaque(firm, OLD)),
    ]


def test_a_split_is_told_with_what_moved_and_never_joined(firm: NamingFirm) -> None:
    case = firm.system.open(OLD, notes=3)
    firm.back_up_both()
    record(firm)
    into = firm.system.open(NEW, notes=0)
    firm.system.move(case, into, 2)
    firm.back_up_both()

    [split] = load_crosswalk(firm.vault()).crosswalk.splits()
    assert split.of == ((opaque(firm, OLD), 2),)
    assert ask_for_matter(firm.vault(), NEW)[0].also == ()
    assert words(firm) == [("split", "clio", opaque(firm, NEW))]


def test_an_ordinary_day_tells_nothing_and_writes_nothing(firm: NamingFirm) -> None:
    case = firm.system.open(OLD)
    firm.file(OLD)
    firm.back_up_both()
    assert record(firm) == 1
    firm.system.note(case, "another")
    firm.back_up_both()
    assert record(firm) == 0
    vault = firm.vault()
    assert len(load_stream(vault.store, vault.trust, STREAM).entries) == 1
    assert words(firm) == []


def test_what_no_source_agrees_on_is_counted_by_opaque_id(firm: NamingFirm) -> None:
    _, before = renumbered(firm)
    firm.file("2019-9999")
    firm.back_up_both()
    found = overview(
        firm.vault(), firm.clock.now(), naming=["clio"], expected_in=["files", "elsewhere"]
    )
    firm.system.open("2026-0050")
    firm.back_up_both()
    later = overview(firm.vault(), firm.clock.now(), naming=["clio"], expected_in=["files"])

    assert [(d.what, d.source, d.matters, d.items) for d in found.disagreements] == [
        ("former number", "files", (opaque(firm, OLD),), 1),
        ("unknown number", "files", (opaque(firm, "2019-9999"),), 1),
    ]
    assert ("nothing there", "files", (opaque(firm, "2026-0050"),)) in [
        (d.what, d.source, d.matters) for d in later.disagreements
    ]
    assert words(firm, before) == []


def test_the_overview_has_one_line_for_a_renumbered_matter(firm: NamingFirm) -> None:
    _, before = renumbered(firm)
    found = look(firm)
    line = next(line for line in found.matters if line.number == NEW)

    assert (line.former, line.client, line.status) == ((OLD,), "Alvarez Family", Status.OPEN)
    assert {s: share.items for s, share in line.shares.items()} == {"clio": 3, "files": 1}
    assert len(found.matters) == 2
    assert found.unassigned.shares["files"].items == 1
    earlier = next(line for line in look(firm, at=before).matters if line.number == OLD)
    assert earlier.former == ()
    assert set(earlier.ids) == set(line.ids)
    assert earlier.id == opaque(firm, OLD)


def test_without_a_key_for_names_there_are_ids_and_without_any_there_are_sources(
    firm: NamingFirm,
) -> None:
    renumbered(firm)
    record(firm)
    with_names = look(firm)
    worker = look(firm, "worker")
    nobody = look(firm, "nobody")

    assert not any(line.number or line.title or line.client for line in worker.matters)
    assert {m for t in worker.tallies for m in t.shares or {}} == {
        m for t in with_names.tallies for m in t.shares or {}
    }
    assert nobody.matters == ()
    assert [(t.source, t.shares) for t in nobody.tallies] == [("clio", None), ("files", None)]
    assert all(t.last_good for t in nobody.tallies)


def test_a_closed_matter_is_closed_from_its_snapshot_on(firm: NamingFirm) -> None:
    case, before = renumbered(firm)
    firm.system.change(case, status="Closed")
    firm.back_up_both()
    crosswalk = load_crosswalk(firm.vault(), ["clio"]).crosswalk
    ids = crosswalk.join(opaque(firm, OLD)).ids

    assert crosswalk.status(ids, firm.clock.now()) is Status.CLOSED
    assert crosswalk.status(ids, before) is Status.OPEN
    assert crosswalk.status(["M-AAAAAAAA"], before) is None


def test_a_plan_for_the_old_number_is_the_plan_for_the_new_one(firm: NamingFirm) -> None:
    renumbered(firm)
    record(firm)
    at = firm.clock.now()
    plans = [
        make_restore_plan(firm.vault(), ask_for_matter(firm.vault(), asked)[0], at)
        for asked in (OLD, NEW, opaque(firm, OLD))
    ]
    assert len({plan.digest for plan in plans}) == 1
    alone = Selection(select_matter(firm.vault(), NEW).scope, opaque(firm, NEW))
    assert make_restore_plan(firm.vault(), alone, at).items < plans[0].items
