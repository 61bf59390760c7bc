"""Writing documents back into NetDocuments: what is made, what is left, and what is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muniment.errors import WriteBackRefused
from muniment.recovery.netdocuments_back.back import what_is_written
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.netdocuments.transport import Transport
from tests.simulators.netdocuments.running import Running, running
from tests.support.netdocuments_back import (
    Case,
    backed_up,
    case_of,
    papers,
    says,
    told,
    upload,
    workspace,
)
from tests.support.netdocuments_firm import NetDocsFirm

WRITES = ("POST", "PUT", "PATCH", "DELETE")
RESTORE = "SVC-RESTORE"


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=21, matters=3, documents_per_matter=2, rate=0) as made:
        yield made


@pytest.fixture(scope="module")
def firm(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> NetDocsFirm:
    """One document may be seen by a group, and another bears a key, that will be gone."""
    # By the very call that a restore must not make: it is counted once.
    home = workspace(sim, "7001", "2024-0113")
    papers(sim, home)
    groups = sim.control("truth")["groups"]
    experts = next(id_ for id_, row in groups.items() if row["name"] == "Experts")
    seen = [{"principal": experts, "view": True}, {"principal": sim.cabinet, "cabDefault": True}]
    upload(sim, home, "Seen by experts", b"seen", acl=json.dumps(seen))
    key = ("/v1/attributes/{}/4/{}", sim.told["repository"], "A%2F9")
    assert sim.request("PUT", *key, json={"description": "Odd"}).ok
    upload(sim, home, "Of an odd kind", b"odd", profile=json.dumps([{"id": 4, "value": "A/9"}]))
    for name in (
        "Changed",
        "Renamed",
        "Thrown away here",
        "Put back",
        "Refused",
        "Refused too",
        "Untouched",
    ):
        upload(sim, home, name, name.encode())
    twice = upload(sim, home, "Filed twice", b"twice")
    folders = sim.control("truth")["containers"]
    [drafts] = [id_ for id_, row in folders.items() if row["name"] == "Drafts"]
    assert sim.request("POST", "/v1/Folder/{}", drafts, body={"action": "file", "item": twice}).ok
    return backed_up(tmp_path_factory.mktemp("firm"), sim)


@pytest.fixture
def case(firm: NetDocsFirm, sim: Running) -> Case:
    """A matter of few documents."""
    return case_of(firm, sim, "Papers")


class Watched:
    """What was changed at the simulator, and in what was there before."""

    def __init__(self, sim: Running) -> None:
        self._sim = sim
        self._from = int(sim.control("clock")["sequence"])
        before = sim.control("truth")
        self._there = {**before["documents"], **before["containers"]}
        sim.control("counters", reset=True)

    def writes(self) -> list[str]:
        asked = self._sim.control("counters")["endpoints"]
        return sorted(one for one in asked if one.startswith(WRITES) and "OAuth" not in one)

    def touched(self) -> set[str]:
        """Ids of items that were there, and are otherwise now."""
        after = self._sim.control("truth")
        now = {**after["documents"], **after["containers"]}
        return {id_ for id_, row in self._there.items() if now.get(id_) != row}

    def made(self) -> list[str]:
        after = self._sim.control("truth")
        rows = {**after["documents"], **after["containers"]}
        return [id_ for id_ in rows if id_ not in self._there]


def test_the_plan_says_what_is_written_and_asks_nothing(case: Case, sim: Running) -> None:
    sim.control("counters", reset=True)
    plan = case.plan()
    forecast: Any = what_is_written(case.firm.vault(), plan, case.selection, ["netdocs"]).as_dict()
    assert sim.control("counters")["endpoints"] == {}
    count = len(case.documents())
    assert forecast["written"] == {"document_file": count + 2, "documents": count}
    why = {(one["kind"], one["why"]): one["items"] for one in forecast["beside"]}
    assert why["containers", "a workspace is never made"] == 1
    assert plan.choices[0].kinds["documents"] == {"recreated": count}
    assert set(plan.choices[0].kinds["details"]) == {"evidence"}


def test_what_is_there_is_left_and_what_is_gone_is_made_anew_whatever_it_is(
    firm: NetDocsFirm, sim: Running, tmp_path: Path
) -> None:
    odd = case_of(firm, sim, "Odd names")
    watched = Watched(sim)
    report = odd.back(tmp_path / "there", versions=True)
    assert report.whole and report.otherwise() == {} and report.lost() == {}
    assert report.counts()["documents"] == {"reused": 24}
    assert report.counts()["document_file"] == {"reused": 27}
    assert (watched.writes(), watched.made(), watched.touched()) == ([], [], set())
    # All documents are gone: awkward names, gaps, no bytes, two of one name.
    before, files = odd.truth(), sim.control("files")
    odd.purge(*odd.documents())
    watched = Watched(sim)
    report = odd.back(tmp_path / "gone")
    after, now = odd.truth(), sim.control("files")
    assert report.whole and watched.touched() == set()
    assert len(watched.made()) == 24 + 1
    assert report.counts()["documents"] == {"written": 24} and report.verified == 24 + 27
    for old, outcome in told(report).items():
        said, new = says(before, files, old), says(after, now, outcome.new)
        nowhere = not said["filed"]
        assert ("filing" in outcome.lost) is nowhere
        assert {**said, "filed": 0 if nowhere else said["filed"]} == {
            **new, "filed": 0 if nowhere else new["filed"],
        }  # fmt: skip
        row = after["documents"][outcome.new]
        assert row["createdBy"] == RESTORE
        moved = "modified" in outcome.lost
        assert moved is (row["modified"] != before["documents"][old]["modified"])
        assert moved is (len(row["versions"]) > 1)
    counters = sim.control("counters")
    assert counters["made_workspaces"] == 1 and counters["recent"] == []


def test_it_is_written_once_and_the_map_leads_from_old_to_new(
    case: Case, sim: Running, tmp_path: Path
) -> None:
    names = ("Several versions", "In two folders", "In the workspace", "In none")
    old = {name: case.named(name) for name in names}
    rows = case.truth()["documents"]
    twins = [one for one in case.documents() if rows[one]["name"] == "Same"]
    before, files = case.truth(), sim.control("files")
    case.purge(*old.values(), *twins)
    report = case.back(tmp_path / "one")
    after, now = case.truth(), sim.control("files")
    assert report.whole
    for name in names[:3]:
        new = told(report)[old[name]].new
        assert says(after, now, new) == says(before, files, old[name]), name
    assert [v["label"] for v in after["documents"][told(report)[old[names[0]]].new]["versions"]] == [
        "1", "second", "third",
    ]  # fmt: skip
    assert len({told(report)[one].new for one in twins}) == 2
    nowhere = after["documents"][told(report)[old["In none"]].new]
    [place] = nowhere["filed"]
    assert after["containers"][place]["name"] == f"Restored {case.selection.value}"

    again = Watched(sim)
    assert case.back(tmp_path / "one").counts() == report.counts()
    # Another folder knows nothing of it, and finds all of it.
    other = case.back(tmp_path / "two")
    assert other.whole and {k: o.new for k, o in told(other).items()} == {
        k: o.new for k, o in told(report).items()
    }
    assert (again.writes(), again.made(), again.touched()) == ([], [], set())
    told_all = json.loads((tmp_path / "one" / "netdocs.netdocuments-map.json").read_text())["map"]
    assert len(told_all) == case.plan().items
    table = (tmp_path / "one" / "netdocs.netdocuments-map.csv").read_text()
    assert not any(name in table for name in names)


def test_what_is_there_and_differs_is_told_and_gets_a_version_only_where_that_was_asked_for(
    case: Case, sim: Running, tmp_path: Path
) -> None:
    bytes_, row = case.named("Changed"), case.named("Renamed")
    files = sim.control("files")
    old = files[f"{bytes_}/1"]["sha256"]
    changed = sim.request("PUT", "/v1/Document/{}/new", bytes_, body=b"worked on", official="Y")
    assert changed.status_code == 200
    wall = [{"principal": sim.cabinet, "cabDefault": True}]
    assert sim.request("PUT", "/v1/Document/{}/acl", row, json=[*wall, {"principal": RESTORE, "view": True}]).ok  # fmt: skip
    told_name = {"standardAttributes": {"name": "Another name"}}
    assert sim.request("PUT", "/v1/Document/{}/info", row, json=told_name).ok
    watched = Watched(sim)
    report = case.back(tmp_path / "told")
    assert report.whole and (watched.writes(), watched.made()) == ([], [])
    assert told(report)[bytes_].differs == ["content"]
    assert told(report)[row].differs == ["name", "rights"]
    assert report.otherwise() == {
        "documents.content": 1, "documents.name": 1, "documents.rights": 1,
    }  # fmt: skip

    report = case.back(tmp_path / "asked", versions=True)
    assert report.whole and watched.touched() == {bytes_} and watched.made() == []
    assert watched.writes() == ["PUT /v1/Document/{}/new"]
    versions = case.truth()["documents"][bytes_]["versions"]
    assert [one["official"] for one in versions] == [False, False, True]
    shown = [sim.control("files")[f"{bytes_}/{n}"]["sha256"] for n in (1, 2, 3)]
    assert shown[0] == shown[2] == old != shown[1]
    still = Watched(sim)
    assert case.back(tmp_path / "once more", versions=True).whole
    assert still.writes() == []


def test_what_lies_in_deleted_items_stays_there_beside_the_new_document(
    case: Case, sim: Running, tmp_path: Path
) -> None:
    old = case.named("Thrown away here")
    sim.control("change", item=old, delete="soft")
    watched = Watched(sim)
    report = case.back(tmp_path)
    assert report.whole and watched.touched() == set()
    outcome = told(report)[old]
    assert (outcome.status, outcome.why) == (Status.WRITTEN, "the old one lies in Deleted Items")
    assert case.truth()["documents"][old]["deleted"]


def test_a_document_of_the_same_name_and_other_bytes_is_not_taken_for_it(
    case: Case, sim: Running, tmp_path: Path
) -> None:
    old = case.named("Put back")
    [folder] = case.truth()["documents"][old]["filed"]
    case.purge(old)
    other = upload(sim, folder, "Put back", b"other")
    watched = Watched(sim)
    outcome = told(case.back(tmp_path / "one"))[old]
    assert outcome.status is Status.WRITTEN and outcome.new != other
    assert watched.touched() == set()
    # And one with the same bytes is: somebody put it back by hand.
    case.purge(outcome.new)
    mine = upload(sim, folder, "Put back", b"Put back")
    outcome = told(case.back(tmp_path / "two"))[old]
    assert (outcome.status, outcome.new) == (Status.REUSED, mine)


def test_who_and_what_is_gone_is_left_out_and_told(
    case: Case, sim: Running, tmp_path: Path
) -> None:
    seen, odd = case.named("Seen by experts"), case.named("Of an odd kind")
    experts = next(k for k, one in case.truth()["groups"].items() if one["name"] == "Experts")
    sim.control("change", item=experts, delete="purge")
    gone = sim.request("DELETE", "/v1/attributes/{}/4/{}", sim.told["repository"], "A%2F9")
    assert gone.status_code == 200
    case.purge(seen, odd)
    report = case.back(tmp_path)
    assert report.whole, report.as_dict()["bad"]
    assert told(report)[seen].lost == ["rights"] and told(report)[odd].lost == ["profile"]
    rows = case.truth()["documents"]
    assert [one["principal"] for one in rows[told(report)[seen].new]["acl"]] == [sim.cabinet]
    assert "4" not in rows[told(report)[odd].new]["attributes"]
    assert report.lost()["documents.rights"] == 1


def test_who_may_not_write_writes_nothing_and_who_may_not_file_is_told(
    case: Case, sim: Running, tmp_path: Path
) -> None:
    old = case.named("Refused")
    case.purge(old)
    watched = Watched(sim)
    report = case.back(tmp_path / "reads", scope="read")
    assert not report.whole and watched.made() == []
    assert [o.why for o in _bad(report.outcomes)][:1] == ["NetDocuments refuses it (403 InsufficientScope)"]  # fmt: skip
    with pytest.raises(WriteBackRefused, match="mapped to nobody"):
        case.back(tmp_path / "nobody", prefix="unmapped_")
    sim.control("map", client_id=sim.told["client_id"], user="SVC-LIMITED")
    try:
        # It would not find what is walled off from it, and make it a second time.
        with pytest.raises(WriteBackRefused, match="does not administer"):
            case.back(tmp_path / "walled")
    finally:
        sim.control("map", client_id=sim.told["client_id"], user=RESTORE)
    assert (watched.made(), watched.touched()) == ([], set())
    # Whoever may write documents, and put nothing into folders: that is told, of this document.
    twice = case.named("Filed twice")
    wanted = len(case.truth()["documents"][twice]["filed"])
    case.purge(twice)
    report = case.back(tmp_path / "reads", scope="read edit")
    assert report.whole and told(report)[twice].lost == ["filing"]
    assert len(case.truth()["documents"][told(report)[twice].new]["filed"]) == wanted - 1 == 1
    # The same command by one who may goes on.
    report = case.back(tmp_path / "reads")
    assert report.whole and told(report)[twice].lost == []
    assert len(case.truth()["documents"][told(report)[twice].new]["filed"]) == 2


def test_rights_are_never_left_out(case: Case, sim: Running, tmp_path: Path) -> None:
    old = case.named("Refused too")
    case.purge(old)
    watched = Watched(sim)
    sent: list[bytes] = []

    class Refusing(Transport):
        """The vendor refuses to make a document."""

        def _send(self, method: str, url: str, headers: Any, query: Any = (), body: Any = None) -> Any:  # fmt: skip
            if method == "POST" and url.endswith("/v1/Document"):
                sent.append(b"".join(body))
                query = (("unknown", "1"),)
            return super()._send(method, url, headers, query, body)

    report = case.back(tmp_path, made=Refusing)
    assert not report.whole and watched.made() == []
    assert told(report)[old].why == "NetDocuments refuses it (400 InvalidParameter)"
    # It was tried again without its profile, and never without its rights.
    bare = [b'name="profile"\r\n\r\n[]' in one for one in sent]
    assert bare == [False, True]
    for one in sent:
        [acl] = json.loads(one.partition(b'name="acl"\r\n\r\n')[2].partition(b"\r\n")[0])
        assert acl["principal"] == sim.cabinet and acl["cabDefault"]
    assert case.back(tmp_path).whole


def _bad(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if one.bad]


def test_where_the_workspace_is_gone_it_goes_into_the_folder_that_the_plan_names(
    case: Case, sim: Running, tmp_path: Path
) -> None:
    plan = case.plan()
    name = f"Restored {case.selection.value}"
    assert f"into '{name}' what has no place any more" in plan.target
    before, files = case.truth(), sim.control("files")
    papers_, untouched = case.named("Papers"), case.named("Untouched")
    [home] = before["containers"][papers_]["filed"]
    mine = [k for k, r in before["containers"].items() if r["attributes"] == before["containers"][home]["attributes"]]  # fmt: skip
    living = [k for k, r in before["documents"].items() if set(r["filed"]) & set(mine)]
    case.purge(*living, *(one for one in mine if one != home), home)
    report = case.back(tmp_path / "one")
    assert report.whole, report.as_dict()["bad"]
    after, now = case.truth(), sim.control("files")
    [folder] = [k for k, r in after["containers"].items() if r["name"] == name]
    restored = after["containers"][folder]
    assert restored["filed"] == [] and restored["acl"] == before["containers"][home]["acl"]
    assert sim.control("counters")["made_workspaces"] == 1
    made = case.named("Papers")
    assert after["containers"][made]["filed"] == [folder]
    assert after["containers"][case.named("Drafts")]["filed"] == [made]
    assert told(report, "containers")[papers_].new == made
    new = told(report)[untouched]
    assert says(after, now, new.new) == says(before, files, untouched, {home: folder})
    assert new.lost == ["filing"]
    again = Watched(sim)
    assert case.back(tmp_path / "two").whole
    assert (again.made(), again.touched()) == ([], set())
