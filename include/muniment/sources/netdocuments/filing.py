"""Filing: what lies in a container itself. An item may lie in several, or in none."""

from __future__ import annotations

from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.items import from_search
from muniment.sources.netdocuments.reading import Json, Reader, Torn
from muniment.sources.netdocuments.whole import READINGS

LISTS = {naming.WORKSPACE: "Workspace", naming.FOLDER: "Folder", naming.COLLABSPACE: ""}
"""Containers in which something is filed, and by which list of v1 that is told."""


def filed(reader: Reader, kind: str, container: str) -> list[Json]:
    """What is filed in a container itself, by ids. Raises Gone, SourceError where the list never is whole."""
    return [
        {name: row.get(name) for name in ("id", "envId", "extension")}
        for row in shown(reader, kind, container)
    ]


def shown(reader: Reader, kind: str, container: str) -> list[Json]:
    """The same with names, as people see them. Raises as `filed`."""
    last: dict[str, Json] | None = None
    for _ in range(READINGS):
        found: dict[str, Json] = {}
        counts: set[int | None] = set()
        try:
            for rows, count in reader.filed(kind, container):
                counts.add(count)
                found |= {str(one["id"]): one for one in map(_filed_row, rows)}
        except Torn:
            continue
        rows_found = [found[one] for one in sorted(found)]
        # The count comes with each page; where none comes, two readings have to agree.
        if counts == {len(found)}:
            return rows_found
        if not found:
            reader.require_mapped()
        if None in counts and last is not None and last.keys() == found.keys():
            return rows_found
        last = found
    raise reader.transport.unavailable("what is filed in a container never stands still")


def _filed_row(row: Json) -> Json:
    if "DocId" in row:
        found = from_search(row)
        return {name: found.get(name) for name in ("id", "envId", "name", "extension")}
    return {
        "id": str(row["id"]),
        **{name: row.get(name) for name in ("envId", "name", "extension")},
    }
