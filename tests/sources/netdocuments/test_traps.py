"""The traps of the vendor, each on its own: what a backup must never take for an empty or a smaller repository."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.backup.options import BackupOptions, MassDeletion
from muniment.backup.pipeline import back_up
from muniment.errors import ConfigError, SourceRefused, SourceRestricted, SourceSuspect
from muniment.model.item import NO_MATTER, Observed
from muniment.sources.base import FIRST_TIME, Same, Skipped
from muniment.sources.causes import LEFT_FOR_LATER
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.asking import Rhythm
from muniment.sources.netdocuments.client import Queries
from muniment.sources.netdocuments.details import PARTS
from muniment.sources.netdocuments.source import NetDocumentsSource
from muniment.sources.roster import NOT_CHOSEN, ThingKind
from tests.contracts.api_source_contract import Remembered
from tests.simulators.netdocuments.running import Running
from tests.support.netdocuments_firm import NetDocsFirm, client, differences

OPTIONS = BackupOptions(mass_deletion=MassDeletion(1.0, 1000))


def asked(sim: Running) -> dict[str, int]:
    """Requests since the last look, but for tokens."""
    told = sim.control("counters", reset=True)["endpoints"]
    return {name: count for name, count in told.items() if "OAuth" not in name}


# -- nobody is mapped ------------------------------------------------------------------------------


def test_an_unmapped_account_is_refused_and_says_so(firm: NetDocsFirm, sim: Running) -> None:
    sim.control("map", client_id=sim.told["reading_client_id"], user=None)
    for look in (firm.source().probe, lambda: next(firm.source().scan())):
        with pytest.raises(SourceRestricted, match="mapped to nobody"):
            look()


def test_an_account_that_is_unmapped_at_any_moment_of_a_run_gives_no_snapshot(
    firm: NetDocsFirm, sim: Running
) -> None:
    assert back_up(firm.run(options=OPTIONS)).success
    head = firm.run().history.head
    firm.rhythm = Rhythm(whole=timedelta(minutes=1), sweep=timedelta(0))
    for after in (3, 20, 60, 120):
        firm.hours(2)
        sim.control(
            "faults",
            add={"name": "unmapped", "pattern": "^GET /v[12]/", "after": after, "times": 1},
        )
        with pytest.raises(SourceRestricted, match="mapped to nobody"):
            back_up(firm.run(options=OPTIONS))
        sim.control("faults", clear=True)
        sim.control("map", client_id=sim.told["reading_client_id"], user="SVC-BACKUP")
        assert firm.run().history.head == head


def test_one_answer_with_nothing_in_it_is_asked_for_again(firm: NetDocsFirm, sim: Running) -> None:
    for pattern in ("v2/Search", "versionList", "/acl", "User/info", "User/cabinets", "/info"):
        sim.control("faults", add={"name": "nothing", "pattern": pattern, "after": 1, "times": 2})
    outcome = back_up(firm.run(options=OPTIONS))
    assert outcome.success
    assert differences(firm.restored(firm.folder / "back"), firm.truth(firm.sequence())) == []


def test_a_cabinet_that_shows_nothing_any_more_is_no_deletion(
    firm: NetDocsFirm, sim: Running
) -> None:
    assert back_up(firm.run(options=OPTIONS)).success
    firm.client = replace(firm.client, queries=replace(Queries(), documents="=11(nosuchextension)"))
    firm.tomorrow()
    with pytest.raises(SourceSuspect, match="shows none any more"):
        back_up(firm.run(options=OPTIONS))


# -- rights ----------------------------------------------------------------------------------------


def test_whoever_does_not_administer_a_cabinet_is_refused(sim: Running, tmp_path: Path) -> None:
    sim.control("map", client_id=sim.told["reading_client_id"], user="SVC-LIMITED")
    source = NetDocumentsSource("netdocs", client(sim, tmp_path))
    try:
        with pytest.raises(SourceRestricted, match="does not administer"):
            next(source.scan())
    finally:
        sim.control("map", client_id=sim.told["reading_client_id"], user="SVC-BACKUP")


def test_a_scope_that_lacks_and_a_repository_that_is_not_ours_are_refused(
    sim: Running, tmp_path: Path
) -> None:
    with pytest.raises(SourceRefused, match="gives out no token and answers 400"):
        NetDocumentsSource(
            "netdocs", client(sim, tmp_path / "1", prefix="only_reading_", scope="admin")
        ).probe()
    with pytest.raises(SourceRefused, match="not for this repository"):
        NetDocumentsSource("netdocs", client(sim, tmp_path / "2", repository="CA-OTHER")).probe()


def test_a_cabinet_that_is_named_and_not_seen_is_an_error(sim: Running, tmp_path: Path) -> None:
    made = client(sim, tmp_path, cabinets=("NG-NOTHERE",))
    with pytest.raises(SourceRestricted, match="NG-NOTHERE"):
        NetDocumentsSource("netdocs", made).probe()


def test_a_cabinet_that_nobody_chose_is_listed_for_the_inventory(
    sim: Running, tmp_path: Path
) -> None:
    every = NetDocumentsSource("netdocs", client(sim, tmp_path)).roster()
    cabinets = [one for one in every.things if one.kind is ThingKind.CABINET]
    assert len(cabinets) > 1 and all(one.taken and one.name for one in cabinets)
    chosen = client(sim, tmp_path, cabinets=(cabinets[0].native_id,))
    some = NetDocumentsSource("netdocs", chosen).roster()
    assert some.tenant == every.tenant
    left = [one for one in some.things if not one.taken]
    assert [one.native_id for one in left] == [one.native_id for one in cabinets[1:]]
    assert {one.why for one in left} == {NOT_CHOSEN}
    people = [one for one in every.things if one.kind is ThingKind.ACCOUNT]
    assert people and all("@" in one.name for one in people)


def test_a_cabinet_that_was_there_and_is_not_shown_any_more_is_an_error(firm: NetDocsFirm) -> None:
    known = Remembered([])
    known.memory = {"cabinets": "NG-GONE1"}
    with pytest.raises(SourceRestricted, match="NG-GONE1"):
        next(firm.source().scan(known))


# -- consent ---------------------------------------------------------------------------------------


def test_a_persons_consent_reads_the_same_as_a_service_account(
    sim: Running, tmp_path: Path
) -> None:
    consented = client(sim, tmp_path / "1", repository="")
    service = NetDocumentsSource("netdocs", client(sim, tmp_path / "2"))
    by_person = NetDocumentsSource("netdocs", consented)
    assert by_person.probe().identity == service.probe().identity
    sim.control("tokens", expire=True)
    assert by_person.probe().identity == service.probe().identity


def test_of_two_repositories_one_has_to_be_named(
    sim: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = client(sim, tmp_path, repository="")
    rows = [{"id": "NG-1", "repositoryId": "CA-1"}, {"id": "NG-2", "repositoryId": "CA-2"}]
    monkeypatch.setattr(made.reader, "some", lambda path, *parts, **more: rows)
    with pytest.raises(ConfigError, match="several repositories"):
        NetDocumentsSource("netdocs", made).probe()


# -- what is asked, and what never is --------------------------------------------------------------


def test_a_backup_never_makes_a_workspace_and_leaves_no_trace(
    firm: NetDocsFirm, sim: Running
) -> None:
    """Some matters have no workspace: the call that gets one would make it, with the right to read alone."""
    before = firm.sequence()
    sim.control("counters", reset=True)
    assert back_up(firm.run(options=OPTIONS)).success
    told = sim.control("counters")
    assert (told["made_workspaces"], told["recent"]) == (0, [])
    assert not any(
        name.startswith("GET /v1/Workspace/{}/") and "acl" not in name for name in told["endpoints"]
    )
    assert all(
        name.startswith("GET ") or name == "POST /v1/OAuth"
        for name in told["endpoints"]
        if name != "/v1/OAuth"
    )
    assert firm.sequence() == before


def test_a_first_load_and_a_day_cost_little_more_than_they_must(
    firm: NetDocsFirm, sim: Running
) -> None:
    asked(sim)
    assert back_up(firm.run(options=OPTIONS)).success
    first, least_first = sum(asked(sim).values()), least(firm, sim, changed=None)
    firm.tomorrow()
    assert back_up(firm.run(options=OPTIONS)).success
    # A day on which only those in turn are asked for again, which is counted apart.
    due = asked(sim)
    again = sum(
        count
        for name, count in due.items()
        if "/Document/{}/" in name or "/document/{}" in name or "acl" in name
    )
    rest = sum(due.values()) - again
    assert first <= 1.05 * least_first
    assert rest <= 1.05 * least(firm, sim, changed=0) + len(firm.truth(firm.sequence())) / 28


def least(firm: NetDocsFirm, sim: Running, changed: int | None) -> int:
    """The fewest requests that tell everything: a page and a count of each list of each cabinet (nothing else says that
    it is whole), one request for each answer that only one item gives, two readings of a table without a count."""
    told = sim.control("truth")
    cabinets, groups = len(told["cabinets"]), len(told["groups"])
    tables = len({row["attribute"] for row in told["lookups"]})
    documents = [one for one in told["documents"].values() if not one["deleted"]]
    containers = [one for one in told["containers"].values() if not one["deleted"]]
    # Who we are at the beginning twice (is it there; the listing), and at the end; the rights in each cabinet.
    looking = 5 + cabinets + groups - 1
    people = 3 + 2 * groups + 7 * cabinets
    lists = 2 * cabinets * (2 if changed == 0 else 3)
    if changed == 0:
        return looking + people + lists + tables
    criteria = sum("criteria" in one for one in containers)
    inside = sum(one["extension"] in ("ndws", "ndfld", "ndcs") for one in containers)
    several = sum(one["extension"] == "ndcs" for one in containers)
    files = sum(len(one["versions"]) + len(one["attachments"]) for one in documents)
    details = len(documents) * (2 + len(PARTS)) + 2 * len(containers) + criteria
    return looking + people + lists + 3 * tables + details + inside + several + files


def test_a_second_sweep_asks_for_no_details(firm: NetDocsFirm, sim: Running) -> None:
    assert back_up(firm.run(options=OPTIONS)).success
    firm.rhythm = Rhythm(whole=timedelta(days=10_000), sweep=timedelta(0))
    firm.hours(2)
    asked(sim)
    outcome = back_up(firm.run(options=OPTIONS))
    assert (outcome.counts["added"], outcome.counts["changed"], outcome.counts["removed"]) == (
        0,
        0,
        0,
    )
    assert not any(
        "/Document/" in name or "/document/" in name or name.endswith("/acl") for name in asked(sim)
    )


def test_between_sweeps_changes_are_asked_for_and_deletions_wait(
    firm: NetDocsFirm, sim: Running
) -> None:
    assert back_up(firm.run(options=OPTIONS)).success
    cabinet = str(sim.told["cabinets"]["Administration"])
    sim.renew()
    names = [row["DocId"] for row in sim.search(cabinets=cabinet)]
    sim.control("clock", seconds=3600)
    sim.control("change", item=names[0], values={"name": "said again"})
    sim.control("change", item=names[1], delete="soft")
    firm.hours(2)
    asked(sim)
    outcome = back_up(firm.run(options=OPTIONS))
    # A row and its details; the version is as it was.
    assert (outcome.counts["changed"], outcome.counts["removed"]) == (2, 0)
    assert "GET /v1/Repository/{}/users" not in asked(sim)
    firm.tomorrow()
    assert back_up(firm.run(options=OPTIONS)).counts["removed"] == 3


# -- matters ---------------------------------------------------------------------------------------


def test_profiles_and_workspaces_give_the_matter(firm: NetDocsFirm, sim: Running) -> None:
    told = sim.control("truth")
    named = {
        item.native_id.decode(): item.named_by
        for item in firm.source().scan()
        if isinstance(item, Observed)
    }
    for id_, row in told["documents"].items():
        if row["deleted"] or row["cabinet"] != sim.cabinet:
            continue
        found = named[f"documents/{row['cabinet']}/{id_}"]
        attributes = row["attributes"]
        if "2" in attributes:
            assert (
                found is not None and found.text.decode() == f"{attributes['1']}/{attributes['2']}"
            )
            assert named[f"document_files/{id_}/{row['versions'][0]['number']}"] == found
        elif not row["filed"]:
            assert found == NO_MATTER
    assert any(
        native.startswith("lookups/2/") and held != NO_MATTER for native, held in named.items()
    )


def test_a_document_without_a_profile_is_of_the_workspace_it_lies_in(
    firm: NetDocsFirm, sim: Running
) -> None:
    told = sim.control("truth")
    home = next(
        one
        for one in told["containers"].values()
        if one["extension"] == "ndws" and one["cabinet"] == sim.cabinet
    )
    id_ = next(k for k, one in told["documents"].items() if one["name"] == "Filed nowhere")
    sim.control("change", item=id_, values={"filed": [home["id"]]})
    native = naming.native_id(naming.DOCUMENTS, sim.cabinet, id_)
    item = next(
        one for one in firm.source().scan() if isinstance(one, Observed) and one.native_id == native
    )
    attributes = home["attributes"]
    assert item.named_by is not None
    assert item.named_by.text.decode() == f"{attributes['1']}/{attributes['2']}"


# -- a run that has not the time -------------------------------------------------------------------


def test_what_a_run_has_no_time_for_is_said_and_taken_by_the_next(
    firm: NetDocsFirm, sim: Running
) -> None:
    firm.rhythm = Rhythm(listing=timedelta(seconds=-1))
    listed = list(firm.source().scan(FIRST_TIME))
    assert {one.cause for one in listed if isinstance(one, Skipped)} == {LEFT_FOR_LATER}
    outcome = back_up(firm.run(options=OPTIONS))
    assert not outcome.success
    firm.rhythm = Rhythm()
    firm.hours(1)
    assert back_up(firm.run(options=OPTIONS)).success
    assert differences(firm.restored(firm.folder / "back"), firm.truth(firm.sequence())) == []


def test_a_list_that_never_stands_still_makes_the_run_incomplete_and_loses_nothing(
    firm: NetDocsFirm, sim: Running
) -> None:
    assert back_up(firm.run(options=OPTIONS)).success
    before = firm.sequence()
    truth = firm.truth(before)
    sim.control(
        "faults", add={"name": "lost_row", "pattern": "GET /v2/Search.*not =11", "chance": 1.0}
    )
    firm.rhythm = Rhythm(whole=timedelta(minutes=1), sweep=timedelta(0))
    firm.tomorrow()
    outcome = back_up(firm.run(options=OPTIONS))
    sim.control("faults", clear=True)
    assert not outcome.success
    assert outcome.counts["removed"] == 0
    firm.tomorrow()
    assert back_up(firm.run(options=OPTIONS)).success
    assert differences(firm.restored(firm.folder / "back"), truth) == []


def test_what_is_known_is_the_same_as_what_is_asked_for(firm: NetDocsFirm) -> None:
    firm.rhythm = Rhythm(whole=timedelta(days=10_000), sweep=timedelta(0))
    first = Remembered([])
    known = Remembered(firm.source().scan(first))
    known.memory = dict(first.remembered)
    again = list(firm.source().scan(known))
    assert any(isinstance(item, Same) for item in again)
    assert known.after(again) == known.items
