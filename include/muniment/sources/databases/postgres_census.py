"""What a PostgreSQL database holds, counted by its server: tables, rows, sums, contents, and what else was made in it.

Whoever dumps asks in the transaction of the dump; whoever tried a dump asks where it was loaded. So answers may depend on
what a dump carries alone, and on no setting, no oid, and no version of the server.

Nouns
- Content: of a table, the sum over its rows of a hash of the cells that are not summed as numbers, each as text, and
  of its first whole number, which mostly is its key. It tells a letter from another, and does not mind in which order
  rows lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from muniment.sources.databases.census import SUMMED, Table

_EXTENSION_OWNS = "EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"  # fmt: skip

OURS = rf"""
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
  AND NOT {_EXTENSION_OWNS}
"""
"""Relations of the firm: not the server's own, and none that an extension brought."""

_NUMBERS = "'int2', 'int4', 'int8', 'numeric'"

_STEADY = (
    "'text', 'varchar', 'bpchar', 'char', 'name', 'citext', 'bytea', 'json', 'jsonb', 'xml', 'uuid', 'bool', 'bit', 'varbit',"
    " 'float4', 'float8', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'inet', 'cidr', 'macaddr'"
)
"""Types whose text is the same on every server under `_SETTINGS`. Not those whose text names an object, or a currency."""

_TABLES = f"""
SELECT n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       ARRAY(SELECT a.attname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.typname IN ({_NUMBERS}) ORDER BY a.attnum),
       ARRAY(SELECT a.attname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             LEFT JOIN pg_type e ON e.oid = COALESCE(NULLIF(t.typbasetype, 0), NULLIF(t.typelem, 0))
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND (t.typname IN ({_STEADY}, {_NUMBERS}) OR t.typtype = 'e'
                    OR ((t.typtype = 'd' OR t.typcategory = 'A')
                        AND (e.typname IN ({_STEADY}, {_NUMBERS}) OR e.typtype = 'e'))) ORDER BY a.attnum),
       (SELECT a.attname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.typname IN ('int2', 'int4', 'int8')
        ORDER BY a.attnum LIMIT 1)
{OURS} AND c.relkind = 'r' ORDER BY 3
"""  # noqa: S608 - of constants

_SETTINGS = (
    "TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "IntervalStyle = 'postgres'", "extra_float_digits = 3",
    "bytea_output = 'hex'",
)  # fmt: skip

_NAMESPACE = r"(SELECT oid FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%')"
_OBJECTS = rf"""
SELECT CASE c.relkind WHEN 'v' THEN 'views' WHEN 'm' THEN 'materialized views' WHEN 'S' THEN 'sequences'
       ELSE 'indexes' END, count(*) {OURS} AND c.relkind IN ('v', 'm', 'S', 'i', 'I') GROUP BY 1
UNION ALL SELECT 'functions', count(*) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  WHERE p.pronamespace IN {_NAMESPACE} AND l.lanpltrusted
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL SELECT 'triggers', count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
  WHERE c.relnamespace IN {_NAMESPACE} AND NOT t.tgisinternal
    AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0' AND (l.lanpltrusted OR p.pronamespace NOT IN {_NAMESPACE})
UNION ALL SELECT CASE contype WHEN 'p' THEN 'primary keys' WHEN 'f' THEN 'foreign keys' WHEN 'c' THEN 'checks'
  ELSE 'unique keys' END, count(*) FROM pg_constraint
  WHERE connamespace IN {_NAMESPACE} AND contype IN ('p', 'f', 'c', 'u') AND conparentid = 0 GROUP BY 1
UNION ALL SELECT 'types', count(*) FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
  WHERE t.typnamespace IN {_NAMESPACE} AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
UNION ALL SELECT 'policies', count(*) FROM pg_policy
UNION ALL SELECT 'defaults', count(*) FROM pg_attrdef a JOIN pg_class c ON c.oid = a.adrelid
  WHERE c.relnamespace IN {_NAMESPACE} AND c.relkind IN ('r', 'p')
UNION ALL SELECT 'large objects', count(*) FROM pg_largeobject_metadata
"""  # noqa: S608 - of constants


def count_tables(connection: psycopg.Connection[TupleRow]) -> dict[str, Table]:
    """Rows, sums and content of every table of ours, under the names that a dump has for them. For the rest of the
    transaction the session has `_SETTINGS`."""
    for setting in _SETTINGS:
        connection.execute(f"SET LOCAL {setting}".encode())
    # Another word with each way of hashing: what was hashed otherwise is not held against it.
    word = connection.execute("SELECT hashtextextended('muniment 2', 0)").fetchone()
    assert word is not None
    return {
        name: _table(
            connection,
            sql.Identifier(schema, table),
            numbers[:SUMMED],
            _hashed(sorted({*others} - {*numbers[:SUMMED]}), key),
            str(word[0]),
        )
        for schema, table, name, numbers, others, key in connection.execute(_TABLES).fetchall()
    }  # fmt: skip


def count_objects(connection: psycopg.Connection[TupleRow]) -> dict[str, int]:
    """What else was made in the database, by kind; extensions count for themselves. Of triggers and functions only those
    that who owns a database may make: a sandbox has no others. What a partition has from its parent is not counted, which
    versions count otherwise."""
    return {
        str(kind): int(count) for kind, count in connection.execute(_OBJECTS).fetchall() if count
    }


def _table(
    connection: psycopg.Connection[TupleRow],
    table: sql.Identifier,
    numbers: Sequence[str],
    hashed: sql.Composable | None,
    word: str,
) -> Table:
    asked: list[sql.Composable] = [sql.SQL("count(*)")]
    asked += [sql.SQL("sum({})::text").format(sql.Identifier(column)) for column in numbers]
    if hashed:
        asked.append(sql.SQL("sum({})::text").format(hashed))
    query = sql.SQL("SELECT {} FROM ONLY {}").format(sql.SQL(", ").join(asked), table)
    row = connection.execute(query).fetchone()
    assert row is not None
    named = zip(numbers, row[1:], strict=False)
    sums = {column: str(value) for column, value in named if value is not None}
    # A server that hashes a word of ours otherwise would hash everything otherwise.
    return Table(int(row[0]), sums, f"{word} {row[-1] or 0}" if hashed else "")


def _hashed(columns: Sequence[str], key: str | None) -> sql.Composable | None:
    """A hash of these cells of a row, None without any. `key` is a column of whole numbers that goes into it, so that two
    rows which exchanged a cell make a difference."""
    if not columns:
        return None
    if len(columns) > 1:
        # Halves of halves: the server's parser goes as deep as an expression.
        half = len(columns) // 2
        return sql.SQL("({} # {})").format(_hashed(columns[:half], key), _hashed(columns[half:], key))  # fmt: skip
    # By the column's name, so that two columns which were exchanged make a difference.
    seed: sql.Composable = sql.Literal(crc32(columns[0].encode()))
    if key is not None:
        seed = sql.SQL("(coalesce({}::bigint, -1) # {})").format(sql.Identifier(key), seed)
    return sql.SQL('coalesce(hashtextextended({}::text COLLATE "C", {}), {})').format(
        sql.Identifier(columns[0]), seed, seed
    )
