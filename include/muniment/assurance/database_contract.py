"""The expectation contract of practice databases: a dump loads, and gives back what the server had counted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from muniment.assurance.contracts import Expected, Facts, Value, among, equal
from muniment.assurance.database_trial import LOADED, NO_SERVER, Tried, try_dump
from muniment.model.item import Row
from muniment.sources.databases.access import KIND, native_id
from muniment.sources.databases.census import Census

_PAIRS = ("tables", "rows", "sums", "contents", "objects", "data")


class DatabaseContract:
    """Each dump is loaded into an empty server of its make. Names of tables, counts, sums and hashes go into facts as digests.

    Where the sandbox lacks an extension, that is told by itself, and what could not be made without it is left out
    of the comparison: it says nothing about the dump.
    """

    def __init__(self, system: str) -> None:
        self.system = system

    columns: Sequence[str] = (
        "named", "loaded", "missing_extensions", *(f"{side}{name}" for name in _PAIRS for side in ("expected_", "")),
    )  # fmt: skip

    def format_of(self, row: Row) -> str:
        # Its opener knows a file alone; here the row says what has to come of it.
        return ""

    def standing(self, row: Row, folder: Path, delivered_as: bytes) -> Path:
        return Path(os.fsdecode(os.path.join(os.fsencode(folder), delivered_as)))

    def describe(self, row: Row, path: Path | None) -> Facts:
        found: dict[str, Value] = dict.fromkeys(self.columns)
        try:
            census = Census.of(row.metadata)
        except (KeyError, TypeError, ValueError):
            # Nothing is known that it could be held against.
            found["loaded"] = "not counted" if row.kind == KIND else None
            return found
        found["named"] = "itself" if native_id(census.database) == row.native_id else "another"
        tried = try_dump(path, census) if path is not None else Tried("not there")
        found["loaded"] = tried.outcome
        if tried.outcome == NO_SERVER:
            return found
        found["missing_extensions"] = len(tried.missing)
        expected = {
            n: t for n, t in census.tables.items() if not tried.missing or n in tried.tables
        }
        dumped = {
            n: d for n, d in tried.dumped.items() if not tried.missing or n in tried.given_back
        }
        # What an older snapshot did not count, and what a server counts otherwise, says nothing.
        objects = (
            (census.objects, tried.objects)
            if census.objects and tried.objects is not None
            else ({}, {})
        )
        hashed = {
            n
            for n, t in expected.items()
            if n in tried.tables and t.hashed_by == tried.tables[n].hashed_by
        }
        for side, tables, made, data in (
            ("expected_", expected, objects[0], dumped),
            ("", tried.tables, objects[1], tried.given_back),
        ):
            found |= {
                f"{side}tables": _digest(sorted(tables)),
                f"{side}rows": _digest({name: table.rows for name, table in tables.items()}),
                f"{side}sums": _digest({name: dict(table.sums) for name, table in tables.items()}),
                f"{side}contents": _digest({name: tables[name].content for name in hashed}),
                f"{side}objects": _digest(dict(made)),
                f"{side}data": _digest(dict(data)),
            }
        return found

    def suite(self) -> Sequence[Expected]:
        return (
            among(
                "named",
                "named",
                ["itself"],
                "A dump is of the database under whose name it is kept, by the word of its server.",
            ),
            among(
                "loaded",
                "loaded",
                [LOADED],
                "Every dump loads into an empty server of its make (install it where verifications run).",
            ),
            among(
                "extensions",
                "missing_extensions",
                [0],
                "The server for trials has every extension that a database uses.",
            ),
            equal(
                "tables",
                "expected_tables",
                "tables",
                "A restored database has the tables that were there.",
            ),
            equal(
                "rows",
                "expected_rows",
                "rows",
                "Every table has as many rows as the firm's server counted.",
            ),
            equal(
                "sums",
                "expected_sums",
                "sums",
                "Columns of numbers have the sums that the firm's server told.",
            ),
            equal(
                "contents",
                "expected_contents",
                "contents",
                "What stands in the other columns hashes to what the firm's server told.",
            ),
            equal(
                "objects",
                "expected_objects",
                "objects",
                "There are as many views, triggers, routines, keys and indexes as the firm's server counted.",
            ),
            equal(
                "data",
                "expected_data",
                "data",
                "Rows read out of the restored database are those of the dump.",
            ),
        )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
