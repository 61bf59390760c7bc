"""Restored databases are loaded into an empty server and compared with what the firm's server had counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from muniment.assurance.database_contract import DatabaseContract
from muniment.model.item import Fidelity, Row
from muniment.sources.databases.access import native_id
from muniment.sources.databases.mariadb import MariaDbEngine
from muniment.sources.databases.source import DatabaseSource
from muniment.sources.databases.sqlite import SqliteEngine
from muniment.vault.rows import Snapshot
from tests.assurance.expectations.bench import Bench
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest
from tests.support.databases import PRACTICE, DatabaseFirm, Server, dumped, postgres_source
from tests.support.mariadb import PRACTICE as MARIA_PRACTICE
from tests.support.mariadb import MariaDb

KILLS = frozenset(
    f"items.{name}"
    for name in (
        "named",
        "loaded",
        "extensions",
        "tables",
        "rows",
        "sums",
        "contents",
        "objects",
        "data",
    )
)
"""Expectations that are seen to fail here."""


def sqlite_source(path: Path) -> DatabaseSource:
    return DatabaseSource("files", SqliteEngine(path, "files", 5))


def filled(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE VIEW balances AS SELECT 1")
        connection.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, cents BIGINT, note TEXT)")
        connection.executemany("INSERT INTO ledger (cents, note) VALUES (?, ?)", [(n * 7, SECRET) for n in range(100)])  # fmt: skip
    return path


class TestDatabases(ExpectationContractSuite):
    contract = DatabaseContract("sqlite")

    def restored(self, folder: Path) -> list[Row]:
        live = folder / f"{SECRET}.db"
        if not live.exists():
            filled(live)
        census, content = dumped(sqlite_source(live), live.name)
        (folder / "databases").mkdir(exist_ok=True)
        (folder / native_id(live.name).decode()).write_bytes(content)
        return [
            Row(
                item_id=digest(b"x")[:16],
                kind="database",
                native_id=native_id(live.name),
                matter="",
                size=len(content),
                mtime_ns=0,
                digest=digest(content),
                fidelity=Fidelity.FILE,
                parts=(),
                metadata=census.as_metadata(""),
            )
        ]


def bench(folder: Path, source: Callable[[str], DatabaseSource], system: str) -> Bench:
    firm = DatabaseFirm(folder, source)
    assert firm.back_up().completeness == "complete"
    return Bench(firm, DatabaseContract(system))


def failed(judged: Bench) -> set[str]:
    judgement = judged.judged()
    assert not any(result.error for result in judgement.results)
    return {result.name for result in judgement.failed}


def saying(change: Callable[[dict[str, Any]], None]) -> Callable[[Snapshot], None]:
    def rows(snapshot: Snapshot) -> None:
        for row in snapshot.items.values():
            change(row.metadata)  # type: ignore[arg-type]

    return rows


def one_more_row(metadata: dict[str, Any]) -> None:
    next(iter(metadata["tables"].values()))[0] += 1


def another_sum(metadata: dict[str, Any]) -> None:
    next(iter(metadata["tables"].values()))[1]["cents"] = "1"


def one_more_table(metadata: dict[str, Any]) -> None:
    metadata["tables"]['"lost"'] = [0, {}]


def one_more_view(metadata: dict[str, Any]) -> None:
    metadata["objects"] = {**metadata.get("objects", {}), "view": 9}


def another_name(metadata: dict[str, Any]) -> None:
    metadata["database"] = "billing.db"


def another_content(metadata: dict[str, Any]) -> None:
    table = metadata["tables"]["public.clients"]
    table[2] = f"{table[2].split()[0]} 1"


def test_a_true_copy_of_a_file_kills_nothing_and_what_differs_is_said(tmp_path: Path) -> None:
    path = filled(tmp_path / "practice.db")
    judged = bench(tmp_path, lambda _: sqlite_source(path), "sqlite")
    assert failed(judged) == set()
    for change, kills in (
        (one_more_row, {"items.rows"}),
        (another_sum, {"items.sums"}),
        (one_more_table, {"items.tables", "items.rows", "items.sums"}),
        (another_name, {"items.named"}),
        (one_more_view, {"items.objects"}),
    ):
        judged.rows = saying(change)
        assert failed(judged) == kills


def test_a_postgresql_dump_loads_and_gives_back_what_was_there(
    server: Server, tmp_path: Path
) -> None:
    name = server.database(
        "CREATE EXTENSION citext", *PRACTICE.split(";\n")[:-1],
        "CREATE TABLE mail (address citext PRIMARY KEY, at timestamptz, weight double precision)",
        "INSERT INTO mail SELECT 'A' || n || '@x.example', '2026-03-02 01:00+00', n / 7.0 FROM generate_series(1, 99) n",
        "CREATE TABLE computed (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        "INSERT INTO computed SELECT generate_series(1, 9)",
    )  # fmt: skip
    judged = bench(tmp_path, postgres_source(server.access, name), "postgresql")
    assert failed(judged) == set()

    # The firm's server has an extension that no sandbox knows.
    judged.rows = saying(lambda metadata: metadata["extensions"].update(bookkeeping="1.0"))
    assert failed(judged) == {"items.extensions"}

    for change, kills in (
        (another_content, {"items.contents"}),
        (one_more_view, {"items.objects"}),
    ):
        judged.rows = saying(change)
        assert failed(judged) == kills

    # Rows that are changed on their way into the table: the file is another one too.
    def changing(folder: Path) -> None:
        path = folder / native_id(name).decode()
        path = path.with_name(path.name + ".sql")
        dump = path.read_bytes()
        trigger = (
            b"CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS"
            b" $$BEGIN NEW.name := 'x'; RETURN NEW; END$$;\n"
            b"CREATE TRIGGER spoil BEFORE INSERT ON public.clients FOR EACH ROW EXECUTE FUNCTION public.spoil();\n"
        )
        path.write_bytes(
            dump.replace(b"COPY public.clients ", trigger + b"COPY public.clients ", 1)
        )

    judged.rows, judged.delivered = None, changing
    assert {"items.data", "items.contents", "items.digest"} <= failed(judged)

    def torn(folder: Path) -> None:
        [path] = folder.rglob("*.sql")
        path.write_bytes(path.read_bytes()[:-300])

    judged.delivered = torn
    assert "items.loaded" in failed(judged)


def test_a_mariadb_dump_loads_and_gives_back_what_was_there(maria: MariaDb, tmp_path: Path) -> None:
    name = maria.database(*MARIA_PRACTICE)
    judged = bench(
        tmp_path,
        lambda _: DatabaseSource("files", MariaDbEngine(maria.access, "files"), [name]),
        "mariadb",
    )
    assert failed(judged) == set()


@pytest.mark.parametrize("word", ["COMMIT", "\\! touch /tmp/never"])
def test_a_dump_gets_no_shell(server: Server, practice: str, tmp_path: Path, word: str) -> None:
    from muniment.assurance.database_trial import try_dump

    census, dump = dumped(postgres_source(server.access, practice)("books"), practice)
    proof = tmp_path / "shell"
    path = tmp_path / "dump.sql"
    path.write_bytes(word.replace("/tmp/never", str(proof)).encode() + b";\n" + dump)
    tried = try_dump(path, census)
    assert not proof.exists()
    assert tried.outcome in ("loaded", "damaged")
