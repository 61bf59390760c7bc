"""SQLite: a file that programs have open and write to, taken as one state of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from muniment.errors import ItemUnreadable, SourceMissing
from muniment.sources.causes import DUMP_FAILED, LOCKED, PERMISSION_DENIED, TOO_LARGE
from muniment.sources.databases import sqlite as engine
from muniment.sources.databases.engine import Listing
from muniment.sources.databases.source import DatabaseSource
from muniment.sources.databases.sqlite import SqliteEngine
from muniment.vault.pack_writer import PackWriter
from tests.support.databases import DatabaseFirm, disk_full, dumped


def source(path: Path, seconds: int = 5) -> DatabaseSource:
    return DatabaseSource("files", SqliteEngine(path, "files", seconds))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """A database under a write-ahead log that a program keeps open, with its last rows in the log alone."""
    path = tmp_path / "practice.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("PRAGMA journal_mode = wal")
        program.execute("PRAGMA wal_autocheckpoint = 0")
        program.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, cents BIGINT)")
        program.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        program.executemany("INSERT INTO ledger (cents) VALUES (?)", [(n,) for n in range(1000)])
        yield path, program


def counted(content: bytes, folder: Path) -> tuple[int, int]:
    path = folder / "restored.db"
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as restored:
        assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found: tuple[int, int] = restored.execute(
            "SELECT count(*), sum(cents) FROM ledger"
        ).fetchone()
    return found


def test_what_lies_in_the_log_is_in_the_copy_and_half_a_change_is_not(
    live: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    path, program = live
    program.execute("BEGIN")
    program.execute("DELETE FROM ledger")
    census, content = dumped(source(path), path.name)
    program.execute("ROLLBACK")
    assert counted(content, tmp_path) == (1000, 499_500)
    assert census.tables['"ledger"'].rows == 1000
    assert census.tables['"ledger"'].sums["cents"] == "499500"
    # A plain copy has nothing of it: that is why it is never made.
    shutil.copy(path, tmp_path / "copied.db")
    with closing(sqlite3.connect(tmp_path / "copied.db")) as copied:
        assert copied.execute("SELECT count(*) FROM ledger").fetchone() == (0,)


def test_a_night_comes_back_as_a_file(
    live: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    path, _ = live
    firm = DatabaseFirm(tmp_path, lambda _: source(path))
    assert firm.back_up().completeness == "complete"
    _, report = firm.restore(tmp_path / "back")
    assert report.whole
    content = (tmp_path / "back/files/databases/practice.db").read_bytes()
    assert counted(content, tmp_path) == (1000, 499_500)
    assert not [p for p in (tmp_path / "staging").rglob("*") if p.is_file()]


# -- what goes wrong ---------------------------------------------------------------------------------


def test_a_file_that_is_gone_and_one_that_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="vanished"):
        source(tmp_path / "gone.db").probe()
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database" * 100)
    with pytest.raises(SourceMissing, match="no database of SQLite"):
        list(source(other).scan())


def test_a_database_that_a_program_has_locked(tmp_path: Path) -> None:
    path = tmp_path / "practice.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY)")
        program.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ItemUnreadable, match=LOCKED):
            dumped(source(path, seconds=0), path.name)


def test_a_table_dropped_between_plan_and_copy_is_not_in_a_whole_copy(
    live: tuple[Path, sqlite3.Connection], tmp_path: Path
) -> None:
    path, program = live
    program.execute("CREATE TABLE clients (id INTEGER PRIMARY KEY)")

    class Dropping(SqliteEngine):
        def listing(self) -> Listing:
            listed = super().listing()
            program.execute("DROP TABLE clients")
            return listed

    firm = DatabaseFirm(tmp_path, lambda _: DatabaseSource("files", Dropping(path, "files", 5)))
    assert firm.back_up().completeness == "complete"
    [row] = firm.snapshot_rows()
    assert set(row.metadata["tables"]) == {'"ledger"'}


def test_a_full_staging_disk_and_a_file_that_may_not_be_read_leave_the_earlier_night(
    live: tuple[Path, sqlite3.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, program = live
    firm = DatabaseFirm(tmp_path, lambda _: source(path))
    assert firm.back_up().completeness == "complete"
    program.execute("DELETE FROM ledger WHERE id > 10")

    def refused(self: SqliteEngine) -> sqlite3.Connection:
        error = sqlite3.OperationalError("access permission denied")
        error.sqlite_errorcode = sqlite3.SQLITE_PERM  # type: ignore[misc]
        raise error

    with monkeypatch.context() as spoiled:
        spoiled.setattr(PackWriter, "add", disk_full)
        assert firm.back_up().completeness == "incomplete"
    with monkeypatch.context() as spoiled:
        spoiled.setattr(SqliteEngine, "_opened", refused)
        outcome = firm.back_up()
    assert [each["cause"] for each in outcome.causes] == [PERMISSION_DENIED]
    firm.restore(tmp_path / "back")
    content = (tmp_path / "back/files/databases/practice.db").read_bytes()
    assert counted(content, tmp_path) == (1000, 499_500)


def test_a_damaged_file_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "practice.db"
    with closing(sqlite3.connect(path)) as program, program:
        program.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, note TEXT)")
        program.executemany(
            "INSERT INTO ledger (note) VALUES (?)", [("x" * 500,) for _ in range(200)]
        )
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 5 * 4096] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(ItemUnreadable, match=DUMP_FAILED):
        dumped(source(path), path.name)


def test_a_file_too_large_for_memory_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "practice.db"
    with closing(sqlite3.connect(path)) as program, program:
        program.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY)")
    monkeypatch.setattr(engine, "LARGEST", 100)
    with pytest.raises(ItemUnreadable, match=TOO_LARGE):
        dumped(source(path), path.name)
