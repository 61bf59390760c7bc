"""MariaDB backed up as a dump, against a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muniment.errors import (
    DumpToolUnfit,
    ItemUnreadable,
    SourceRefused,
    SourceRestricted,
    SourceUnavailable,
)
from muniment.sources.causes import LOCKED, PERMISSION_DENIED
from muniment.sources.databases import mariadb
from muniment.sources.databases.access import KIND, Access, Tls, native_id
from muniment.sources.databases.census import Census
from muniment.sources.databases.engine import Listing
from muniment.sources.databases.mariadb import MariaDbEngine
from muniment.sources.databases.source import DatabaseSource
from muniment.vault.pack_writer import PackWriter
from tests.support.databases import DatabaseFirm, disk_full, dumped, read_out
from tests.support.mariadb import PRACTICE, RIGHTS, ROUTINES, MariaDb


def source(access: Access, *databases: str) -> DatabaseSource:
    return DatabaseSource(
        "books", MariaDbEngine(access, "books", everything=not databases), databases
    )


def test_a_dump_has_what_the_server_counts_at_its_moment(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE)
    census, dump = dumped(source(maria.access, name), name)
    assert {table: counted.rows for table, counted in census.tables.items()} == {
        "`Ledger Entries`": 3000,
        "`clients`": 50,
        "`documents`": 200,
    }
    [(cents, share)] = maria.run(name, "SELECT SUM(cents), SUM(share) FROM `Ledger Entries`")
    sums = census.tables["`Ledger Entries`"].sums
    assert (sums["cents"], sums["share"], sums["twice"]) == (str(cents), str(share), str(2 * cents))
    assert dump.count(b"INSERT INTO `Ledger Entries`") == 3000
    assert (
        b"CREATE" in dump
        and b"PROCEDURE `tidy`" in dump
        and b"TRIGGER posted" in dump.replace(b"`", b"")
    )


def test_what_is_written_while_it_is_dumped_is_in_neither_dump_nor_count(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            maria.run(
                name, "INSERT INTO `Ledger Entries` (client, cents) SELECT 1, seq FROM seq_1_to_20"
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            # Each reads to its end, where rows that passed by are held against the server's count.
            census, _ = dumped(source(maria.access, name), name)
            assert census.tables["`Ledger Entries`"].rows % 20 == 0
    finally:
        stop.set()
        writer.join()


def test_tables_without_transactions_are_locked_and_taken_whole(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE, "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM", "INSERT INTO old VALUES (1), (2)")  # fmt: skip
    census, dump = dumped(source(maria.access, name), name)
    assert census.tables["`old`"].rows == 2 and dump.count(b"INSERT INTO `old`") == 2


def test_an_unchanged_database_gives_the_same_bytes(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE)
    assert (
        dumped(source(maria.access, name), name)[1] == dumped(source(maria.access, name), name)[1]
    )


def test_a_night_comes_back_as_a_file(maria: MariaDb, tmp_path: Path) -> None:
    name = maria.database(*PRACTICE)
    firm = DatabaseFirm(
        tmp_path, lambda _: DatabaseSource("files", MariaDbEngine(maria.access, "files"), [name])
    )
    assert firm.back_up().completeness == "complete"
    _, report = firm.restore(tmp_path / "back")
    assert report.whole
    restored = (tmp_path / "back/files/databases" / f"{name}.sql").read_bytes()
    assert restored == dumped(source(maria.access, name), name)[1]


# -- what goes wrong ---------------------------------------------------------------------------------


def test_a_user_who_does_not_see_everything_is_refused_the_whole_server(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE)
    few = maria.user(f"GRANT {RIGHTS} ON {name}.* TO {{user}}", ROUTINES)
    with pytest.raises(SourceRestricted, match="SELECT, SHOW VIEW"):
        source(few).probe()
    # For the one database that is named it is enough.
    assert source(few, name).probe().facts["server"].startswith("MariaDB")
    census, dump = dumped(source(few, name), name)
    assert census.rows == 3250 and b"PROCEDURE `tidy`" in dump
    every = maria.user(f"GRANT {RIGHTS} ON *.* TO {{user}}")
    assert source(every).probe().identity


@pytest.mark.parametrize("lacking", ["SELECT", "TRIGGER", "EVENT", "SHOW VIEW"])
def test_a_right_that_is_revoked_is_a_problem_and_never_a_gap(maria: MariaDb, lacking: str) -> None:
    name = maria.database(*PRACTICE)
    user = maria.user(
        f"GRANT {RIGHTS} ON {name}.* TO {{user}}",
        ROUTINES,
        f"REVOKE {lacking} ON {name}.* FROM {{user}}",
    )
    with pytest.raises(ItemUnreadable, match=PERMISSION_DENIED):
        dumped(source(user, name), name)


def test_who_is_not_told_of_routines_lacks_a_right(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE)
    user = maria.user(f"GRANT {RIGHTS} ON {name}.* TO {{user}}")
    with pytest.raises(ItemUnreadable, match=PERMISSION_DENIED):
        dumped(source(user, name), name)


def test_a_wrong_password_and_a_server_that_is_not_there(maria: MariaDb) -> None:
    with pytest.raises(SourceRefused, match="does not let this user in"):
        source(Access("127.0.0.1", maria.access.port, "keeper", "wrong", Tls.OFF)).probe()
    with pytest.raises(SourceUnavailable, match="no connection"):
        source(Access("127.0.0.1", 1, "keeper", "wrong", Tls.OFF)).probe()


def test_a_server_that_ends_while_it_is_dumped(maria: MariaDb, ended: Callable[[], None]) -> None:
    name = maria.database(*PRACTICE, *["INSERT INTO documents SELECT MAX(id) + 1, REPEAT('x', 900000) FROM documents"] * 12)  # fmt: skip
    with source(maria.access, name).open(KIND, native_id(name)) as reader:
        assert reader.read(1000)
        maria.kill()
        with pytest.raises(SourceUnavailable):
            read_out(reader)


@pytest.fixture
def ended(maria: MariaDb) -> object:
    """The server is killed by the test, and runs again afterwards."""
    yield None
    maria.kill()
    maria.start()


def test_a_database_that_is_gone(maria: MariaDb) -> None:
    with pytest.raises(FileNotFoundError):
        dumped(source(maria.access, "nowhere"), "nowhere")


def test_a_full_staging_disk_ends_the_dump_and_leaves_nothing_running(
    maria: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = maria.database(*PRACTICE)
    firm = DatabaseFirm(
        tmp_path, lambda _: DatabaseSource("files", MariaDbEngine(maria.access, "files"), [name])
    )
    monkeypatch.setattr(PackWriter, "add", disk_full)
    assert firm.back_up().completeness == "incomplete"
    # A server tells a connection's end a moment later.
    for _ in range(100):
        at_it = maria.run(None, f"SELECT 1 FROM information_schema.processlist WHERE db = '{name}'")
        if not at_it:
            break
        time.sleep(0.02)
    assert not at_it


def test_a_table_dropped_between_plan_and_dump_is_not_in_a_whole_dump(
    maria: MariaDb, tmp_path: Path
) -> None:
    name = maria.database(*PRACTICE)

    class Dropping(MariaDbEngine):
        def listing(self) -> Listing:
            listed = super().listing()
            maria.run(name, "DROP TABLE documents")
            return listed

    firm = DatabaseFirm(
        tmp_path, lambda _: DatabaseSource("files", Dropping(maria.access, "files"), [name])
    )
    assert firm.back_up().completeness == "complete"
    [row] = firm.snapshot_rows()
    assert set(row.metadata["tables"]) == {"`Ledger Entries`", "`clients`"}


def test_a_table_dropped_before_it_is_locked_is_looked_for_anew(
    maria: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = maria.database(*PRACTICE)
    real, dropped = mariadb.run, []

    def run(connection: Any, statement: str) -> None:
        if statement.startswith("LOCK TABLES") and not dropped:
            dropped.append(statement)
            maria.run(name, "DROP TABLE documents")
        real(connection, statement)

    monkeypatch.setattr(mariadb, "run", run)
    census, dump = dumped(source(maria.access, name), name)
    assert set(census.tables) == {"`Ledger Entries`", "`clients`"} and b"`documents`" not in dump.split(b"PROCEDURE")[0]  # fmt: skip
    assert dropped


def test_contents_tell_a_letter_and_other_objects_are_counted(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE)
    before, _ = dumped(source(maria.access, name), name)
    assert {"views": 1, "triggers": 1, "procedures": 1, "primary key": 3, "numbered columns": 2}.items() <= before.objects.items()  # fmt: skip
    maria.run(None, "SET GLOBAL time_zone = '+05:30'")
    maria.run(name, "ALTER TABLE documents ENGINE=InnoDB", "UPDATE clients SET name = 'client 7' WHERE id = 7")  # fmt: skip
    after, _ = dumped(source(maria.access, name), name)
    maria.run(None, "SET GLOBAL time_zone = 'SYSTEM'")
    differ = {t for t in before.tables if after.tables[t] != before.tables[t]}
    assert differ == {"`clients`"} and after.objects == before.objects


def test_a_table_that_somebody_has_locked(maria: MariaDb) -> None:
    name = maria.database(*PRACTICE)
    impatient = Access("127.0.0.1", maria.access.port, "keeper", maria.access.password, Tls.OFF, lock_seconds=1)  # fmt: skip
    from muniment.sources.databases.mariadb_server import connect

    with connect(maria.access, name) as holder:
        holder.cursor().execute("LOCK TABLES clients WRITE")
        with pytest.raises(ItemUnreadable, match=LOCKED):
            dumped(source(impatient, name), name)


def test_a_dump_tool_older_than_the_server(maria: MariaDb, tmp_path: Path) -> None:
    old = tmp_path / "mariadb-dump"
    old.write_text("#!/bin/sh\necho 'mariadb-dump  Ver 10.19 Distrib 10.3.39-MariaDB, for Linux'\n")
    old.chmod(0o755)
    access = Access(
        "127.0.0.1", maria.access.port, "keeper", maria.access.password, Tls.OFF, tools=tmp_path
    )
    with pytest.raises(DumpToolUnfit, match=r"10\.3\.39 is older than the server, MariaDB"):
        source(access).probe()


def test_the_census_reads_back() -> None:
    census = Census.of(
        {
            "engine": "mariadb", "database": "x", "server": "s", "tool": "t", "identity": "i",
            "taken_at": "2026-03-02T01:00:00Z", "tables": {"`a`": [2, {"c": "3"}]}, "extensions": {}, "settings": {},
        }
    )  # fmt: skip
    assert Census.of(census.as_metadata(".sql")) == census
