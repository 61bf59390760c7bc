"""Evidence: chained, signed by the right role, sealed where it names something, never rewritten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from muniment.errors import NoKey
from muniment.vault.evidence import append, load_stream, open_detail, streams_in, worker_stream
from tests.support.practice import Practice


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


def test_entries_form_a_chain_and_details_stay_sealed(practice: Practice) -> None:
    worker, operations = practice.vault("worker"), practice.vault()
    stream = worker_stream("files")
    first = append(
        worker, stream, "run.failed", subject="files", facts={"code": "M420", "tries": 3}
    )
    second = append(worker, stream, "run.ended", detail={"words": "Harbor v. Mill"})
    append(operations, "operations", "drill.finished", facts={"seconds": 12.5, "usable": True})

    found = load_stream(practice.store, practice.vault("nobody").trust, stream)
    assert found.findings == ()
    assert [e.value.event for e in found.entries] == ["run.failed", "run.ended"]
    assert found.entries[1].value.parent == first.digest
    assert found.head is not None and found.head.digest == second.digest
    assert found.entries[0].value.facts == {"code": "M420", "tries": 3}
    assert open_detail(operations, found.entries[1].value) == {"words": "Harbor v. Mill"}
    assert open_detail(operations, found.entries[0].value) == {}
    with pytest.raises(NoKey):
        open_detail(worker, found.entries[1].value)
    assert streams_in(practice.store) == ["operations", "worker-files"]
    raw = b"".join(practice.store.get(v.name) for v in practice.store.list("evidence/"))
    assert b"Harbor" not in raw


def test_a_worker_cannot_write_what_operations_says(practice: Practice) -> None:
    append(practice.vault("worker"), "operations", "drill.finished")
    found = load_stream(practice.store, practice.vault().trust, "operations")
    assert found.entries == ()
    assert {f.code for f in found.findings} == {"T203", "T251"}
    # Whoever is entitled writes on behind it.
    append(practice.vault(), "operations", "drill.finished")
    found = load_stream(practice.store, practice.vault().trust, "operations")
    assert [e.value.seq for e in found.entries] == [2]


def test_a_removed_entry_shows_as_a_broken_chain(practice: Practice) -> None:
    for number in range(3):
        append(practice.vault(), "operations", "check.ended", facts={"number": number})
    (practice.folder / "store/evidence/operations/00000002.json").unlink()
    found = load_stream(practice.store, practice.vault().trust, "operations")
    assert [e.value.seq for e in found.entries] == [1]
    assert "T250" in {f.code for f in found.findings}


def test_eight_writers_at_once_lose_nothing(practice: Practice) -> None:
    def write(number: int) -> None:
        append(practice.vault(), "operations", "restore.ended", facts={"number": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    found = load_stream(practice.store, practice.vault().trust, "operations")
    assert found.findings == ()
    assert {e.value.facts["number"] for e in found.entries} == set(range(24))
