"""What a database of MariaDB or MySQL holds, counted by its server: tables, rows, sums, contents, and what else was made.

Whoever dumps asks in the transaction of the dump; whoever tried a dump asks where it was loaded. So answers may depend on
what a dump carries alone, and on no setting and no version of the server.

Nouns
- Content: of a table, the sum over its rows of the CRC-32 of its first number, which mostly is its key, and of the CRC-32s
  of the cells that are not summed as numbers, each over its bytes in the server. It tells a letter, a character set and an hour from another, and does not mind in which
  order rows lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymysql.connections import Connection

from muniment.sources.databases.census import SUMMED, Table
from muniment.sources.databases.mariadb_server import quoted, rows, run

_NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal")
_SHAPES = (
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection",
)  # fmt: skip
"""Whose bytes in the server are not the same for every make of it."""
_HASHED_BY = "crc32"

_COLUMNS = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = %s"
    # What is worked out when it is asked for, or stamped when a dump is loaded, is in no dump.
    " AND extra NOT LIKE '%%VIRTUAL%%' AND COALESCE(generation_expression, '') NOT IN ('ROW START', 'ROW END')"
    " ORDER BY table_name, ordinal_position"
)

_OF_TABLES = (
    "FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)"
    " WHERE t.table_schema = %s AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
)

_OBJECTS = (
    "SELECT 'views', COUNT(*) FROM information_schema.views WHERE table_schema = %s",
    "SELECT 'triggers', COUNT(*) FROM information_schema.triggers WHERE trigger_schema = %s",
    "SELECT CONCAT(LOWER(routine_type), 's'), COUNT(*) FROM information_schema.routines WHERE routine_schema = %s GROUP BY 1",
    "SELECT 'events', COUNT(*) FROM information_schema.events WHERE event_schema = %s",
    "SELECT 'sequences', COUNT(*) FROM information_schema.tables WHERE table_schema = %s AND table_type = 'SEQUENCE'",
    "SELECT 'indexed columns', COUNT(*) FROM information_schema.statistics WHERE table_schema = %s",
    "SELECT LOWER(constraint_type), COUNT(*) FROM information_schema.table_constraints WHERE table_schema = %s"
    " AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY') GROUP BY 1",
    f"SELECT 'numbered columns', COUNT(*) {_OF_TABLES} AND c.extra LIKE '%%auto_increment%%'",
    f"SELECT 'columns that may be empty', COUNT(*) {_OF_TABLES} AND c.is_nullable = 'YES'",
    # One character set has two names.
    "SELECT CONCAT('columns of ', IF(c.collation_name LIKE 'utf8\\_%%', CONCAT('utf8mb3_', SUBSTRING(c.collation_name, 6)),"
    f" c.collation_name)), COUNT(*) {_OF_TABLES} AND c.collation_name IS NOT NULL GROUP BY 1",
)


def count_tables(
    connection: Connection[Any], database: str, tables: Sequence[str]
) -> dict[str, Table]:
    """Rows, sums and content of these tables, under the names that a dump has for them. The session's time zone becomes
    UTC."""
    run(connection, "SET SESSION time_zone = '+00:00'")
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in rows(connection, _COLUMNS, database):
        columns.setdefault(str(table), []).append((str(column), str(kind).lower()))
    return {quoted(name): _table(connection, name, columns.get(name, [])) for name in tables}


def count_objects(connection: Connection[Any], database: str) -> Mapping[str, int]:
    """What else was made in the database, by kind, as far as the user may see it."""
    return {
        str(kind): int(count)
        for query in _OBJECTS
        for kind, count in rows(connection, query, database)
        if count
    }


def _table(connection: Connection[Any], name: str, columns: Sequence[tuple[str, str]]) -> Table:
    numbers = [column for column, kind in columns if kind in _NUMBERS][:SUMMED]
    others = [
        column for column, kind in columns if column not in numbers and kind not in _SHAPES
    ]  # fmt: skip
    asked = ["COUNT(*)", *(f"CAST(SUM({quoted(column)}) AS CHAR)" for column in numbers)]
    if others:
        # An empty cell is another than no text; in turn, and with the key, so that what was exchanged makes a difference.
        cells = ", ".join(f"COALESCE(CRC32({quoted(column)}), 'none')" for column in sorted(others))
        if numbers:
            cells = f"COALESCE({quoted(numbers[0])}, 'none'), {cells}"
        asked.append(f"CAST(SUM(CRC32(CONCAT_WS(',', {cells}))) AS CHAR)")
    query = f"SELECT {', '.join(asked)} FROM {quoted(name)}"  # noqa: S608 - quoted
    [(count, *values)] = rows(connection, query)
    content = f"{_HASHED_BY} {values.pop() or 0}" if others else ""
    named = zip(numbers, values, strict=True)
    sums = {column: str(value) for column, value in named if value is not None}
    return Table(int(count), sums, content)
