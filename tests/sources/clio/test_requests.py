"""How few requests everything takes: each one is a share of a minute that the firm's own programs lack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from muniment.sources.clio.table import table
from tests.simulators.clio.running import Running, running
from tests.support.clio_client import Client

MOST = 1.05


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    """A firm whose collections take several pages."""
    with running(seed=21, matters=120, rate=0, trust_transactions=900) as made:
        yield made


def asked(sim: Running) -> int:
    found: dict[str, int] = sim.control("counters", reset=True)["endpoints"]
    return sum(count for name, count in found.items() if name.startswith("GET /api/"))


def test_rows_take_a_request_for_each_page_of_each_view(clio: Client) -> None:
    asked(clio.sim)
    least = 0
    for one in table().values():
        if one.parent:
            continue
        rows = list(clio.reader.rows(one))
        for number in range(len(one.views)):
            count = sum(1 for row in rows if row.view == number)
            least += max(1, -(-count // one.limit))
    assert least <= asked(clio.sim) <= least * MOST


def test_files_take_one_request_each_and_their_versions_hardly_more(clio: Client) -> None:
    documents = list(clio.reader.rows(table()["documents"]))
    versions = table()["documents/versions"]
    asked(clio.sim)
    found = [one for row in documents for one in clio.reader.versions(row.data, versions)]
    several = {one.parent for one in found if int(one.data["version_number"]) > 1}
    # There is no other way to learn of versions before the last.
    assert asked(clio.sim) == len(several)
    for one in found[:60]:
        for _ in clio.downloads.version(one.parent, one.id, int(one.data["size"])):
            pass
    assert asked(clio.sim) == 60


def test_a_sweep_for_deletions_takes_as_many_as_a_full_listing(clio: Client) -> None:
    one = table()["contacts"]
    asked(clio.sim)
    full = len(list(clio.reader.rows(one)))
    listing = asked(clio.sim)
    assert len(list(clio.reader.sweep(one))) == full
    assert asked(clio.sim) == listing
