"""PostgreSQL backed up as a dump, against a real server."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from muniment.errors import (
    DumpToolUnfit,
    ItemUnreadable,
    SourceRefused,
    SourceUnavailable,
)
from muniment.model.item import Observed
from muniment.sources.base import Skipped
from muniment.sources.causes import COUNTS_DIFFER, LOCKED, PERMISSION_DENIED, VANISHED
from muniment.sources.databases.access import KIND, Access, Tls, native_id
from muniment.sources.databases.postgres import PostgresEngine
from muniment.sources.databases.source import DatabaseSource
from muniment.sources.databases.tally import CopyTally
from muniment.vault.pack_writer import PackWriter
from tests.support.databases import (
    DatabaseFirm,
    Server,
    disk_full,
    dumped,
    postgres_source,
    read_out,
)
from tests.support.practice import tree

READS = "GRANT pg_read_all_data TO {user}"


def source(access: Access, *databases: str) -> DatabaseSource:
    return postgres_source(access, *databases)("books")


def test_a_dump_has_what_the_server_counts_at_its_moment(server: Server, practice: str) -> None:
    census, dump = dumped(source(server.access), practice)
    assert {name: table.rows for name, table in census.tables.items()} == {
        'public."Ledger Entries"': 3000,
        "public.clients": 50,
        "public.documents": 200,
    }
    [(cents, share)] = server.run(
        practice, 'SELECT sum(cents)::text, sum(share)::text FROM "Ledger Entries"'
    )
    sums = census.tables['public."Ledger Entries"'].sums
    assert (sums["cents"], sums["share"]) == (cents, share)
    assert census.server.startswith("PostgreSQL 1") and census.tool.startswith("pg_dump")
    assert dump.rstrip().count(b"-- PostgreSQL database dump complete") == 1


def test_what_is_written_while_it_is_dumped_is_in_neither_dump_nor_count(
    server: Server, practice: str
) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            server.run(
                practice, "INSERT INTO clients (name) SELECT 'x' FROM generate_series(1, 10)"
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            # Each reads to its end, where rows that passed by are held against the server's count.
            census, _ = dumped(source(server.access), practice)
            assert census.tables["public.clients"].rows % 10 == 0
    finally:
        stop.set()
        writer.join()


def test_three_nights_come_back_each_as_it_was_and_cost_what_changed(
    server: Server, practice: str, tmp_path: Path
) -> None:
    server.run(practice, "INSERT INTO documents SELECT n, convert_to((SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 60) WHERE n > 0), 'UTF8') FROM generate_series(1000, 1600) n")  # fmt: skip
    firm = DatabaseFirm(tmp_path, postgres_source(server.access, practice))
    truth, stored = {}, [0]
    for night in range(3):
        outcome = firm.back_up()
        assert outcome.completeness == "complete"
        stored.append(
            sum(f.stat().st_size for f in (tmp_path / "store/packs").rglob("*") if f.is_file())
        )
        truth[night] = (
            firm.clock.now() - timedelta(hours=1),
            dumped(source(server.access), practice)[0],
        )
        server.run(practice, "INSERT INTO clients (name) VALUES ('one more')")
    for night, (at, census) in truth.items():
        _, report = firm.restore(tmp_path / f"back {night}", as_of=at)
        assert report.whole
        [(name, (_, dump))] = [
            f for f in tree(tmp_path / f"back {night}").items() if f[1][0] == "file"
        ]
        assert name == f"files/databases/{practice}.sql"
        assert isinstance(dump, bytes)
        tally = CopyTally()
        tally.feed(dump)
        assert tally.whole and tally.rows == {n: t.rows for n, t in census.tables.items()}
    first, *later = (after - before for before, after in pairwise(stored))
    assert first > 100_000 and max(later) < first
    [row] = firm.snapshot_rows()
    assert row.metadata["tables"]["public.clients"][0] == 52


def test_all_databases_are_listed_and_one_that_is_named_and_missing_is_a_problem(
    server: Server, practice: str
) -> None:
    listed = {item.native_id for item in source(server.access).scan() if isinstance(item, Observed)}
    assert native_id(practice) in listed
    # The server's own, with nothing in it.
    assert native_id("postgres") not in listed and native_id("template1") not in listed
    found = list(source(server.access, practice, "gone").scan())
    assert [type(item) for item in found] == [Observed, Skipped]
    assert found[1] == Skipped(KIND, native_id("gone"), VANISHED)


# -- what goes wrong ---------------------------------------------------------------------------------


def test_a_right_that_is_revoked_makes_the_run_incomplete_and_never_a_gap(
    server: Server, practice: str, tmp_path: Path
) -> None:
    reader = server.user(READS, database=practice)
    firm = DatabaseFirm(tmp_path, postgres_source(reader, practice))
    assert firm.back_up().completeness == "complete"
    few = server.user("GRANT SELECT ON clients, documents TO {user}", database=practice)
    firm._made = postgres_source(few, practice)
    outcome = firm.back_up()
    assert outcome.completeness == "incomplete"
    # What was backed up before stands.
    _, report = firm.restore(tmp_path / "back")
    assert report.items == 1 and report.whole
    with pytest.raises(ItemUnreadable, match=PERMISSION_DENIED):
        dumped(source(few), practice)


def test_rows_that_a_policy_hides_are_a_missing_right(server: Server, practice: str) -> None:
    server.run(practice, "ALTER TABLE clients ENABLE ROW LEVEL SECURITY", "CREATE POLICY few ON clients USING (id < 5)")  # fmt: skip
    reader = server.user(READS, database=practice)
    with pytest.raises(ItemUnreadable, match=PERMISSION_DENIED):
        dumped(source(reader), practice)


def test_a_database_that_lets_nobody_in_is_listed_as_a_problem(
    server: Server, practice: str
) -> None:
    server.run(practice, f"REVOKE CONNECT ON DATABASE {practice} FROM PUBLIC")
    reader = server.user(READS, database=practice)
    assert Skipped(KIND, native_id(practice), PERMISSION_DENIED) in list(source(reader).scan())
    with pytest.raises(ItemUnreadable, match=PERMISSION_DENIED):
        dumped(source(reader), practice)


def test_a_table_dropped_between_plan_and_dump_is_not_in_a_whole_dump(
    server: Server, practice: str, tmp_path: Path
) -> None:
    firm = DatabaseFirm(tmp_path, postgres_source(server.access, practice))

    class Dropping(PostgresEngine):
        def listing(self) -> object:  # type: ignore[override]
            listed = super().listing()
            server.run(practice, "DROP TABLE documents")
            return listed

    firm._made = lambda source_id: DatabaseSource(
        source_id, Dropping(server.access, source_id), [practice]
    )
    assert firm.back_up().completeness == "complete"
    [row] = firm.snapshot_rows()
    assert set(row.metadata["tables"]) == {'public."Ledger Entries"', "public.clients"}


def test_a_table_dropped_while_it_is_counted_is_counted_anew(
    server: Server, practice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.sources.databases import postgres_census

    counted = postgres_census._table
    dropped = []

    def dropping(connection: Any, schema: str, table: str, *more: Any) -> object:
        if not dropped:
            dropped.append(table)
            server.run(practice, "DROP TABLE documents, clients CASCADE")
        return counted(connection, schema, table, *more)

    monkeypatch.setattr(postgres_census, "_table", dropping)
    census, _ = dumped(source(server.access), practice)
    assert set(census.tables) == {'public."Ledger Entries"'}


def test_a_server_that_ends_the_connection_while_it_is_dumped(
    server: Server, practice: str
) -> None:
    server.run(practice, "INSERT INTO documents SELECT n, convert_to(repeat(md5(n::text), 300), 'UTF8') FROM generate_series(1000, 3000) n")  # fmt: skip
    with source(server.access).open(KIND, native_id(practice)) as reader:
        assert reader.read(1000)
        server.run("postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{practice}'")  # fmt: skip
        with pytest.raises(SourceUnavailable, match="ended while a database was dumped"):
            read_out(reader)


def test_a_full_staging_disk_ends_the_dump_and_leaves_nothing_running(
    server: Server, practice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = DatabaseFirm(tmp_path, postgres_source(server.access, practice))
    monkeypatch.setattr(PackWriter, "add", disk_full)
    assert firm.back_up().completeness == "incomplete"
    assert not server.run(
        "postgres", f"SELECT 1 FROM pg_stat_activity WHERE datname = '{practice}'"
    )


def test_contents_tell_a_letter_and_are_the_same_wherever_rows_lie(
    server: Server, practice: str
) -> None:
    def contents() -> dict[str, str]:
        census, _ = dumped(source(server.access), practice)
        return {name: table.content for name, table in census.tables.items()}

    before = contents()
    assert all(before.values()) and len(set(before.values())) == 3
    server.run(practice, "UPDATE clients SET name = name", "VACUUM FULL documents")
    server.run(practice, f"ALTER DATABASE {practice} SET TimeZone = 'Asia/Kolkata'", f"ALTER DATABASE {practice} SET DateStyle = 'German'")  # fmt: skip
    assert contents() == before
    server.run(practice, "UPDATE clients SET name = 'client 7' WHERE id = 7")
    after = contents()
    assert {name for name in after if after[name] != before[name]} == {"public.clients"}


def test_cells_exchanged_between_columns_whose_names_have_the_same_letters_are_told(
    server: Server, practice: str
) -> None:
    server.run(
        practice, "CREATE TABLE pairs (id int, ab text, ba text)",
        "INSERT INTO pairs VALUES (1, 'x', 'y'), (2, 'z', 'z')",
    )  # fmt: skip

    def content() -> str:
        census, _ = dumped(source(server.access), practice)
        return census.tables["public.pairs"].content

    before = content()
    server.run(practice, "UPDATE pairs SET ab = ba, ba = ab WHERE id = 1")
    exchanged = content()
    server.run(practice, "UPDATE pairs SET ab = 'w', ba = 'w' WHERE id = 2")
    assert len({before, exchanged, content()}) == 3


def test_a_table_that_somebody_has_locked(server: Server, practice: str) -> None:
    impatient = Access(server.access.host, server.access.port, server.access.user, server.access.password, Tls.OFF, lock_seconds=1)  # fmt: skip
    with psycopg.connect(server.uri(practice)) as holder:
        holder.execute("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ItemUnreadable, match=LOCKED):
            dumped(source(impatient), practice)


def test_a_wrong_password_and_a_server_that_is_not_there(server: Server) -> None:
    wrong = Access(server.access.host, server.access.port, server.access.user, "wrong", Tls.OFF)
    with pytest.raises(SourceRefused, match="does not let this user in"):
        source(wrong).probe()
    with pytest.raises(SourceUnavailable, match="no connection"):
        source(Access(server.access.host, 1, "x", "y", Tls.OFF)).probe()
    unencrypted = Access(
        server.access.host, server.access.port, server.access.user, "x", Tls.ENCRYPT
    )
    with pytest.raises((SourceUnavailable, SourceRefused)):
        source(unencrypted).probe()


def test_a_database_that_is_gone(server: Server) -> None:
    with pytest.raises(FileNotFoundError):
        dumped(source(server.access), "nowhere")


@pytest.mark.parametrize("version", ["15.18 (Debian 15.18-0+deb12u1)", "9.6.24"])
def test_a_dump_tool_older_than_the_server_is_said_before_anything_is_dumped(
    server: Server, practice: str, tmp_path: Path, version: str
) -> None:
    old = tmp_path / "pg_dump"
    old.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
    old.chmod(0o755)
    access = Access(server.access.host, server.access.port, server.access.user, server.access.password, Tls.OFF, tools=tmp_path)  # fmt: skip
    with pytest.raises(DumpToolUnfit, match="is older than the server, PostgreSQL"):
        source(access).probe()
    os.unlink(old)
    with pytest.raises(DumpToolUnfit, match="`pg_dump` is missing"):
        dumped(source(access), practice)


def test_a_dump_that_lost_rows_is_not_believed(
    server: Server, practice: str, tmp_path: Path
) -> None:
    """As a tool might that has a fault: it leaves out one row of a table and ends well."""
    from muniment.sources.databases.tools import postgres_tool

    real = postgres_tool("pg_dump", None).path
    liar = tmp_path / "pg_dump"
    liar.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {real} --version\n{real} "$@" | grep -v "Client 17$"\n'
    )
    liar.chmod(0o755)
    access = Access(server.access.host, server.access.port, server.access.user, server.access.password, Tls.OFF, tools=tmp_path)  # fmt: skip
    with pytest.raises(ItemUnreadable, match=COUNTS_DIFFER):
        dumped(source(access), practice)


def test_the_tally_does_not_depend_on_how_a_dump_arrives() -> None:
    dump = (
        b'-- head\nCOPY public.a (id) FROM stdin;\n1\n2\n\\.\n\nCOPY public."b C" (x, "y z") FROM stdin;\n\\.\n'
        b"SELECT 1;\nCOPY s.d (id) FROM stdin;\n\\\\.\nCOPY x.y (z) FROM stdin;\n\\.\n-- PostgreSQL database dump complete\n"
    )
    for size in (1, 2, 3, 7, 50, 10_000):
        tally = CopyTally()
        for at in range(0, len(dump), size):
            tally.feed(dump[at : at + size])
        assert tally.rows == {"public.a": 2, 'public."b C"': 0, "s.d": 2} and tally.whole
