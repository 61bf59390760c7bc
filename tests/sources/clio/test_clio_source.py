"""ClioSource at the simulator: the contract of every API, what a run asks, and what it knows of the last one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.errors import SourceRefused, SourceRestricted
from muniment.model.item import Observed
from muniment.sources.base import Same
from muniment.sources.clio import naming
from muniment.sources.clio.asking import Rhythm
from muniment.sources.clio.source import ClioSource
from muniment.sources.clio.standing import examine
from muniment.sources.web.budget import Priority
from tests.campaigns.clio import Killed, killing
from tests.contracts.api_source_contract import ApiSourceContract, Remembered
from tests.contracts.source_contract import LARGE, content_of, observed
from tests.simulators.clio.running import Running, running
from tests.support.clio_firm import ClioFirm, differences


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=21, matters=5, documents_per_matter=3, rate=0) as made:
        yield made


@pytest.fixture
def firm(sim: Running, tmp_path: Path) -> Iterator[ClioFirm]:
    firm = ClioFirm(tmp_path, sim)
    firm.consent()
    yield firm
    sim.control("faults", clear=True)


class ClioWorld:
    """Documents come and go as from the web page. That the bytes of a version change, no user can do; here
    the vendor puts others in their place, under another uuid."""

    def __init__(self, firm: ClioFirm) -> None:
        self._firm = firm
        # Between sweeps nobody looks for what is gone.
        firm.rhythm = Rhythm(sweep=timedelta(0), few_pages=0)
        self._sim = firm.sim
        self._folder = next(
            row["id"] for row in self._sim.rows("folders.json", fields="id,root") if not row["root"]
        )

    def source(self) -> ClioSource:
        return self._firm.source()

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        document, version = self._upload(name, content)
        return naming.DOCUMENT_FILE, naming.file_id(str(document), str(version))

    def _upload(
        self, name: str, content: bytes, parent: dict[str, object] | None = None
    ) -> tuple[int, int]:
        fields = "id,latest_document_version{id,uuid,put_url,put_headers}"
        data = {
            "name": name,
            "filename": name,
            "parent": parent or {"id": self._folder, "type": "Folder"},
        }
        made = self._sim.request(
            "POST", "documents.json", json={"data": data}, fields=fields
        ).json()["data"]
        version = made["latest_document_version"]
        headers = {one["name"]: one["value"] for one in version["put_headers"]}
        self._sim.session.put(version["put_url"], data=content, headers=headers, timeout=30)
        done = {"uuid": version["uuid"], "fully_uploaded": True}
        path = f"documents/{made['id']}.json"
        answer = self._sim.request("PATCH", path, json={"data": done})
        assert answer.status_code == 200, answer.text
        return made["id"], version["id"]

    def change(self, native_id: bytes, content: bytes) -> None:
        version = self._version(native_id)
        other, _ = self._upload("other", content)
        held = self._sim.get(f"documents/{other}.json", fields="latest_document_version{uuid,size}")
        values = held.json()["data"]["latest_document_version"]
        self._sim.control("change", collection="document_versions", id=version, values=values)
        touched = int(native_id.split(b"/")[1])
        self._sim.control("change", collection="documents", id=touched, values={"locked": False})

    def new_version(self, native_id: bytes, content: bytes) -> None:
        self._upload("letter", content, {"id": int(native_id.split(b"/")[1]), "type": "Document"})

    def remove(self, native_id: bytes) -> None:
        document = int(native_id.split(b"/")[1])
        self._sim.control(
            "change", collection="document_versions", id=self._version(native_id), delete=True
        )
        self._sim.control("change", collection="documents", id=document, delete=True)

    def settle(self) -> None:
        """Every upload has a uuid of its own."""

    def take_away(self) -> None:
        self._sim.control("tokens", revoke=True)

    @staticmethod
    def _version(native_id: bytes) -> int:
        return int(native_id.rpartition(b"/")[2])


class TestClio(ApiSourceContract):
    missing = SourceRefused

    @pytest.fixture
    def world(self, firm: ClioFirm) -> ClioWorld:
        return ClioWorld(firm)

    def test_a_change_while_it_is_read_is_noticed(self, world: ClioWorld) -> None:  # type: ignore[override]
        """Who changes a document makes another version of it: what is being read stays what it is, and the
        next listing shows both."""
        kind, native = world.add("letter", b"a" * LARGE)
        source = world.source()
        with source.open(kind, native) as reader:
            reader.describe()
            begun = reader.read(1000)
            world.new_version(native, b"b" * LARGE)
            assert begun + content_of(reader) == b"a" * LARGE
            assert reader.settled()
        document = native.rpartition(b"/")[0]
        files = [one for k, one in observed(source) if k == kind and one.startswith(document)]
        assert native in files
        assert len(files) == 2

    def test_reading_does_not_show_in_the_listing(self, world: ClioWorld) -> None:  # type: ignore[override]
        kind, native = world.add("letter", b"Dear Sir")
        source = world.source()
        before = observed(source)
        with source.open(kind, native) as reader:
            content_of(reader)
        assert observed(source) == before


# -- what a run asks ---------------------------------------------------------------------------------


def rows_and_files(sim: Running) -> int:
    """Requests for rows and files since the last look, those of the storage host apart."""
    asked = sim.control("counters", reset=True)["endpoints"]
    apart = ("storage:", "who_am_i", "oauth")
    return sum(n for name, n in asked.items() if not any(word in name for word in apart))


def least(firm: ClioFirm) -> int:
    """The fewest requests that read every row of the account."""
    truth = firm.truth(firm.sequence())
    total = 0
    for name, resource in firm.client.table.items():
        if resource.parent:
            continue
        rows = sum(key.rpartition("/")[0] == name for key in truth)
        total += max(len(resource.views), math.ceil(rows / resource.limit))
    return total


def test_a_first_load_and_a_day_cost_little_more_than_they_must(
    firm: ClioFirm, sim: Running
) -> None:
    documents = sim.rows(
        "documents.json",
        include_deleted="true",
        fields="id,latest_document_version{version_number}",
    )
    several = sum(
        (d["latest_document_version"] or {}).get("version_number", 1) > 1 for d in documents
    )
    bills, templates = len(sim.rows("bills.json")), len(sim.rows("document_templates.json"))
    nested = len(sim.rows("conversations.json")) + len(sim.rows("court_rules/jurisdictions.json"))
    files = len(sim.control("files")["versions"])
    looking = _cost_of_looking(firm, sim)
    sim.control("counters", reset=True)

    firm.back_up()
    first = rows_and_files(sim) - looking
    assert first <= 1.05 * (least(firm) + several + files + bills + templates + nested)

    firm.back_up()
    assert rows_and_files(sim) - looking <= 1.05 * least(firm)


def _cost_of_looking(firm: ClioFirm, sim: Running) -> int:
    """Requests of the look at the backup user's standing, which no minimum has."""
    sim.control("counters", reset=True)
    examine(firm.client.reader, firm.client.table, with_report=False)
    return rows_and_files(sim)


def test_between_sweeps_a_run_asks_for_changes_and_keeps_the_rest(
    firm: ClioFirm, sim: Running
) -> None:
    firm.back_up()
    note = sim.rows("notes.json", type="Matter", fields="id")[0]["id"]
    sim.control("change", collection="notes", id=note, values={"detail": "said again"})
    firm.rhythm = Rhythm(whole=timedelta(days=30), sweep=timedelta(days=30))
    outcome = firm.back_up()
    assert outcome.completeness == "complete"
    assert (outcome.counts["changed"], outcome.counts["removed"]) == (1, 0)


def test_a_sweep_finds_what_changed_and_what_is_gone(
    firm: ClioFirm, sim: Running, tmp_path: Path
) -> None:
    firm.back_up()
    notes = [row["id"] for row in sim.rows("notes.json", type="Matter", fields="id")]
    sim.control("change", collection="notes", id=notes[0], values={"detail": "said again"})
    sim.control("change", collection="notes", id=notes[1], delete=True)
    firm.rhythm = Rhythm(whole=timedelta(days=30), sweep=timedelta(0), few_pages=0)
    firm.page = 5
    sim.control("counters", reset=True)
    outcome = firm.back_up()
    assert outcome.completeness == "complete"
    assert (outcome.counts["changed"], outcome.counts["removed"]) == (1, 1)
    assert not any("versions" in one for one in sim.control("counters")["endpoints"])
    assert differences(firm.restored(tmp_path / "back"), firm.truth(firm.sequence())) == []


def test_after_a_run_with_a_gap_everything_is_asked_for(firm: ClioFirm, sim: Running) -> None:
    firm.back_up()
    sim.control("day", number=3)
    # One file cannot be had, however often it is asked for.
    sim.control("faults", add={"name": "short_file", "pattern": "^GET /files", "after": 0})
    before = firm.sequence()
    outcome = firm.back_up()
    sim.control("faults", clear=True)
    if outcome.completeness == "incomplete":
        firm.rhythm = Rhythm(whole=timedelta(days=30), sweep=timedelta(days=30))
        assert firm.back_up().completeness == "complete"
    assert firm.sequence() == before
    run = firm.run()
    state = run.vault.state(run.history)
    truth = firm.truth(before)
    assert sum(key.startswith("document_files/") for key in truth) == sum(
        entry.kind == naming.DOCUMENT_FILE for entry in state
    )


def test_a_restricted_user_lists_nothing(firm: ClioFirm, sim: Running) -> None:
    matters = [row["id"] for row in sim.rows("matters.json", fields="id")]
    sim.control("restrict", user=firm.user, matters=matters[:2], contacts=True, hours=True)
    try:
        with pytest.raises(SourceRestricted):
            next(firm.source().scan())
    finally:
        sim.control("restrict", user=firm.user, matters=[])


def test_an_account_that_is_another_one_is_not_believed(firm: ClioFirm, sim: Running) -> None:
    assert firm.source().probe().identity.startswith("clio:us:")


def test_nothing_that_is_listed_names_anybody(firm: ClioFirm, sim: Running) -> None:
    names = {row["name"] for row in sim.rows("contacts.json", fields="name")}
    for item in firm.source().scan():
        assert isinstance(item, Observed)
        told = f"{item.kind} {item.native_id!r} {item.fingerprint!r}"
        assert not any(name in told for name in names)


def test_a_second_listing_with_what_is_known_asks_for_no_versions(
    firm: ClioFirm, sim: Running
) -> None:
    known = Remembered(firm.source().scan())
    known.memory = {"any": "thing"}
    sim.control("counters", reset=True)
    again = list(firm.source().scan(known))
    assert not any("versions" in one for one in sim.control("counters")["endpoints"])
    assert any(isinstance(item, Same) for item in again)
    assert known.after(again) == known.items


def test_a_first_load_that_is_killed_again_and_again_asks_for_no_file_twice(
    firm: ClioFirm, sim: Running, tmp_path: Path
) -> None:
    budget = firm.client.transport._budget
    real = budget.take
    sim.control("counters", reset=True)
    kills = 0
    while True:
        # Only files count: each attempt lists anew, which is most of its work. There are fifty.
        budget.take = killing(real, 12, lambda priority: priority is Priority.BULK)  # type: ignore[method-assign]
        try:
            outcome = back_up(firm.run(options=BackupOptions(fetchers=1)))
            break
        except Killed:
            kills += 1
    budget.take = real  # type: ignore[method-assign]
    asked = sim.control("counters")["endpoints"]
    files = len(sim.control("files")["versions"])
    assert outcome.completeness == "complete"
    assert kills > 2
    assert asked["GET /api/v4/documents/{id}/download.json"] == files
    assert differences(firm.restored(tmp_path / "back"), firm.truth(firm.sequence())) == []
