"""Census: what a database holds at the moment of its dump, told by the server and not by the dump.

It stands in the row of the dump (sealed, as every row), and a restore that is tried is held against it: which
tables, how many rows in each, the sums of their numbers, what everything else in them hashes to, and what else was
made there. `Tally` counts the rows that really pass by in the dump; the two must agree before anything is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from muniment.clock import from_text, to_text

SUMMED = 16
"""Columns of numbers that are summed in one table: the first so many."""


@dataclass(frozen=True, slots=True)
class Table:
    """`sums` by column, in the server's own digits: exact numbers only, empty cells left out. `content` is how the server
    hashes, a space, and the sum of the hashes of all other cells; empty where nothing was hashed."""

    rows: int
    sums: Mapping[str, str] = field(default_factory=dict)
    content: str = ""

    @property
    def hashed_by(self) -> str:
        """Contents of two tables can be compared where this is the same."""
        return self.content.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Census:
    """`engine` is the inventory's word for the system; `server` and `tool` are name and version; `identity` tells
    one server from another. Names of tables are quoted as the dump has them. `extensions` are name and version."""

    engine: str
    database: str
    server: str
    tool: str
    identity: str
    taken_at: datetime
    tables: Mapping[str, Table]
    extensions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, int] = field(default_factory=dict)
    """What was made there besides tables: kind -> how many."""
    backup: Mapping[str, Any] = field(default_factory=dict)
    """Of a backup that the server wrote itself: that it verified it, header and files in its own words."""

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def as_metadata(self, ext: str) -> dict[str, Any]:
        """`ext` is what the restored file's name ends with."""
        return {
            "ext": ext,
            "engine": self.engine,
            "database": self.database,
            "server": self.server,
            "tool": self.tool,
            "identity": self.identity,
            "taken_at": to_text(self.taken_at),
            "rows": self.rows,
            "tables": {
                name: [t.rows, dict(t.sums), *([t.content] if t.content else [])]
                for name, t in self.tables.items()
            },
            "extensions": dict(self.extensions),
            "settings": dict(self.settings),
            **({"objects": dict(self.objects)} if self.objects else {}),
            **({"backup": dict(self.backup)} if self.backup else {}),
        }

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """Inverse of `as_metadata`. Raises KeyError, TypeError, ValueError on anything else."""
        tables = {
            str(name): Table(
                int(rows), {str(k): str(v) for k, v in sums.items()}, *map(str, content)
            )
            for name, (rows, sums, *content) in metadata["tables"].items()
        }
        objects = {str(kind): int(count) for kind, count in (metadata.get("objects") or {}).items()}
        return cls(
            str(metadata["engine"]), str(metadata["database"]), str(metadata["server"]), str(metadata["tool"]),
            str(metadata["identity"]), from_text(metadata["taken_at"]), tables,
            dict(metadata["extensions"]), dict(metadata["settings"]), objects, dict(metadata.get("backup") or {}),
        )  # fmt: skip


def same_tables(expected: Mapping[str, Table], found: Mapping[str, Table]) -> bool:
    """The same tables with the same rows, sums and, where both servers hash alike, contents?"""
    return expected.keys() == found.keys() and all(
        (one.rows, dict(one.sums)) == (found[name].rows, dict(found[name].sums))
        and (one.hashed_by != found[name].hashed_by or one.content == found[name].content)
        for name, one in expected.items()
    )
