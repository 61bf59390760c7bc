"""Census: what a database holds at the moment of its dump, told by the server and not by the dump.

It stands in the row of the dump (sealed, as every row), and a restore that is tried is held against it: which
tables, how many rows in each, the sums of their numbers, which extensions. `Tally` counts the rows that really
pass by in the dump; the two must agree before anything is believed.
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
    """`sums` by column, in the server's own digits: exact numbers only, empty cells left out."""

    rows: int
    sums: Mapping[str, str] = field(default_factory=dict)


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
            "tables": {name: [t.rows, dict(t.sums)] for name, t in self.tables.items()},
            "extensions": dict(self.extensions),
            "settings": dict(self.settings),
            **({"backup": dict(self.backup)} if self.backup else {}),
        }

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """Inverse of `as_metadata`. Raises KeyError, TypeError, ValueError on anything else."""
        tables = {
            str(name): Table(int(rows), {str(k): str(v) for k, v in sums.items()})
            for name, (rows, sums) in metadata["tables"].items()
        }
        return cls(
            str(metadata["engine"]), str(metadata["database"]), str(metadata["server"]), str(metadata["tool"]),
            str(metadata["identity"]), from_text(metadata["taken_at"]), tables,
            dict(metadata["extensions"]), dict(metadata["settings"]), dict(metadata.get("backup") or {}),
        )  # fmt: skip
