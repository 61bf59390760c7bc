"""A connector for Clio with a fault, and what the weekly verification says of it; and a true one, of which it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from muniment.assurance.contracts import AUDIT, COLLECTIONS, COMMON
from muniment.sources.clio.audit import REQUESTS
from tests.campaigns.clio_faults import FIRM, facts, judged, verified
from tests.campaigns.clio_faulty import FAULTS, Fault, data, deep
from tests.simulators.clio.running import Running, running
from tests.support.clio_firm import ClioFirm

EXPECTED = {
    "the last page is dropped": {"audit.missing", "collections.short"},
    "rows that are there count as gone": {"audit.denied"},
    "known rows count as the same": {"audit.row", "collections.stale"},
    "deletions are never believed": {"collections.left"},
    "zeros in the middle of a stream": {"audit.bytes"},
    "tasks are of no matter": {"audit.matter"},
    "the time of creation for that of change": {"audit.time"},
    "a 403 is swallowed": {"collections.refused"},
}
"""Which expectations must find a fault, among others."""
DRIFT = {"audit.drift"}
AT_NETDOCUMENTS = {"collections.late"}
"""What is killed in `test_netdocuments_faults`: at Clio all rows bear a date."""
AUDIT_KILLS = DRIFT.union(AT_NETDOCUMENTS, *EXPECTED.values())

TURNED = Fault(
    "yes for no", "fields", data(deep(lambda value: not value if isinstance(value, bool) else value))
)  # fmt: skip


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=5, **FIRM | {"matters": 4, "documents_per_matter": 2}) as found:
        yield found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_of_the_connector_is_found(name: str, sim: Running, tmp_path: Path) -> None:
    number, fault = next((n, one) for n, one in enumerate(FAULTS) if one.name == name)
    assert EXPECTED[name] <= set(verified(sim, tmp_path, fault, number))


def test_what_changes_without_a_sign_is_let_through_in_part(sim: Running, tmp_path: Path) -> None:
    firm = ClioFirm(tmp_path, sim)
    assert verified(sim, tmp_path, TURNED, 50, firm=firm) != []
    row = sim.rows("tasks.json", fields="id")[0]
    sim.control("clock", seconds=12 * 3600)
    sim.control("change", collection="tasks", id=row["id"], values={"name": "touched since"})
    assert set(judged(firm, 50)) >= DRIFT


def test_a_true_copy_is_let_through_and_the_requests_are_bounded(
    sim: Running, tmp_path: Path
) -> None:
    firm = ClioFirm(tmp_path, sim)
    assert verified(sim, tmp_path, None, 60, firm=firm) == []
    sim.control("counters", reset=True)
    found = facts(firm, 61).totals
    told = sim.control("counters")["endpoints"]
    asked = sum(count for name, count in told.items() if name.startswith("GET /api/"))
    assert found["audited"] > 100
    assert 0 < found["audit_requests"] <= REQUESTS
    assert asked == found["audit_requests"]


def test_every_expectation_of_the_audit_is_killed_by_something() -> None:
    assert {e.name for e in COMMON if e.table in (AUDIT, COLLECTIONS)} == AUDIT_KILLS
