"""How few requests the vendor allows a backup to make: what is held against the requests that were made.

The least is a page of 200 of every view of every collection (an empty one too: nothing else says that it is
empty), a list of its own for what lies below a row, and a request for each file. A collection that is swept takes
the rows that changed once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muniment.sources.clio import naming
from muniment.sources.clio.standing import examine
from muniment.sources.clio.table import Resource, table
from tests.simulators.clio.running import Running
from tests.support.clio_client import client

_LIST_ROWS = 200


@dataclass(frozen=True)
class Asked:
    """Requests of one run: `rows` and `files`, and `looks` at the backup user's standing and who it is."""

    rows: int
    files: int
    looks: int
    downloads: int
    stored: int
    versions: int
    """Of `rows`: lists of a document's versions."""

    @property
    def all(self) -> int:
        return self.rows + self.files + self.looks


_FILES = ("/download.json", "/preview.json")
_REPORTS = " /api/v4/reports"


def asked(sim: Running, standing: int = 0) -> Asked:
    """What was asked since the counters were set back; they are set back again. `standing` are the requests of
    one look at the backup user's standing (`standing_takes`)."""
    told = sim.control("counters", reset=True)["endpoints"]
    api = {name: count for name, count in told.items() if " /api/" in name}
    looks = standing + sum(n for name, n in api.items() if _REPORTS in name or "who_am_i" in name)
    files = {n: c for n, c in api.items() if n.endswith(_FILES) and _REPORTS not in n}
    rows = sum(api.values()) - sum(files.values()) - looks
    downloads = sum(count for name, count in files.items() if name.endswith(_FILES[0]))
    stored = told.get("GET storage:/files", 0)
    versions = sum(count for name, count in api.items() if "/versions.json" in name)
    return Asked(rows, sum(files.values()), looks, downloads, stored, versions)


def standing_takes(sim: Running, folder: Path, *, with_report: bool) -> int:
    """The requests of one look at the backup user's standing, but for those that `asked` knows by their place."""
    look = client(sim, folder)
    sim.control("counters", reset=True)
    examine(look.reader, table(), with_report=with_report)
    return asked(sim).rows


class Pages:
    """How many rows each view of each collection has; looked up by requests of its own, so before the counters
    are set back and without a limit."""

    def __init__(self, sim: Running) -> None:
        self._sim = sim
        self.rows: dict[str, list[int]] = {
            name: [self._count(one, view) for view in one.views]
            for name, one in table().items()
            if not one.parent and not one.single
        }

    def _count(self, one: Resource, view: Any) -> int:
        answer = self._sim.get(f"{one.path}.json", limit=1, fields="id", **view)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["meta"]["records"])

    def of(self, name: str) -> int:
        """Pages of a collection."""
        one = table()[name]
        return 1 if one.single else sum(max(1, -(-n // one.limit)) for n in self.rows[name])

    def least(self, changed: Mapping[str, set[int]] | None = None) -> int:
        """Requests for every row, and for what lies below each; below those alone that `changed`, where the rest is
        known."""
        listed = sum(self.of(name) for name, one in table().items() if not one.parent)
        for name in table():
            for below in table().children_of(name):
                if below.name != naming.VERSIONS:
                    every = sum(self.rows[name])
                    listed += every if changed is None else len(changed.get(name, ()))
        return listed


def with_versions(sim: Running) -> set[int]:
    """Documents of more than one version: each has a list of them, which no other list tells."""
    fields = "id,latest_document_version{version_number}"
    found: dict[int, int] = {}
    for view in table()[naming.DOCUMENTS].views:
        for row in sim.rows("documents.json", fields=fields, limit=200, order="id(asc)", **view):
            latest = row["latest_document_version"] or {}
            found[int(row["id"])] = latest.get("version_number") or 0
    return {id_ for id_, number in found.items() if number > 1}


def sweep_least(changed: int) -> int:
    return -(-changed // _LIST_ROWS)
