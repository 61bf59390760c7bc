"""A practice database with what practices have in theirs, and firms whose source it is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from muniment.embedded.postgres import EmbeddedPostgres
from muniment.errors import StagingError
from muniment.model.item import Row
from muniment.sources.base import ItemReader
from muniment.sources.databases.access import KIND, Access, Tls, native_id
from muniment.sources.databases.census import Census
from muniment.sources.databases.postgres import PostgresEngine
from muniment.sources.databases.source import DatabaseSource
from muniment.vault.snapshots import load_snapshot
from tests.support.practice import Practice

_NUMBERS = itertools.count(1)

PRACTICE = """
CREATE TABLE clients (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE "Ledger Entries" (
    id bigserial PRIMARY KEY, client integer REFERENCES clients, cents bigint NOT NULL,
    share numeric(9, 4), note text, posted timestamptz NOT NULL DEFAULT '2026-03-02 01:00+00');
CREATE TABLE documents (id integer PRIMARY KEY, content bytea);
CREATE VIEW balances AS SELECT client, sum(cents) AS cents FROM "Ledger Entries" GROUP BY client;
INSERT INTO clients (name) SELECT 'Client ' || n FROM generate_series(1, 50) n;
INSERT INTO "Ledger Entries" (client, cents, share, note)
    SELECT 1 + n % 50, n * 7 - 900, n / 3.0, 'note ' || n || E'\\t\\\\.\\n' FROM generate_series(1, 3000) n;
INSERT INTO documents SELECT n, decode(md5(n::text), 'hex') FROM generate_series(1, 200) n;
"""


class Server:
    """The real PostgreSQL of this test process."""

    def __init__(self, embedded: EmbeddedPostgres) -> None:
        self._embedded = embedded
        uri = urlsplit(embedded.uri(driver=""))
        self.access = Access(
            uri.hostname or "", uri.port or 0, uri.username or "", uri.password or "", Tls.OFF
        )

    def uri(self, database: str) -> str:
        return self._embedded.uri(database, driver="")

    def run(self, database: str, *statements: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.uri(database), autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def database(self, *statements: str) -> str:
        """A new database with these statements run in it."""
        name = f"practice_{next(_NUMBERS)}"
        self._embedded.create_database(name)
        self.run(name, *statements)
        return name

    def user(self, *statements: str, database: str) -> Access:
        """A new user without rights, and what is granted to it ({user} stands for it)."""
        name = f"reader_{next(_NUMBERS)}"
        self.run(database, f"CREATE ROLE {name} LOGIN PASSWORD 'word'")
        self.run(database, *(each.replace("{user}", name) for each in statements))
        return Access(self.access.host, self.access.port, name, "word", Tls.OFF)


class DatabaseFirm(Practice):
    """A firm whose source `files` is a database server."""

    def __init__(self, folder: Path, source: Callable[[str], DatabaseSource]) -> None:
        super().__init__(folder)
        self._made = source

    def source(self, source_id: str = "files") -> DatabaseSource:  # type: ignore[override]
        return self._made(source_id)

    def let_settle(self) -> None:
        """A server has a clock of its own."""

    def snapshot_rows(self) -> list[Row]:
        """The rows of the newest snapshot."""
        vault = self.vault()
        history = vault.history("files")
        chain = history.chain(history.live[-1], vault.present("files"))
        snapshot = load_snapshot(vault.store, vault.keyring, vault.vault_id, history, chain)
        return list(snapshot.items.values())


def postgres_source(access: Access, *databases: str) -> Callable[[str], DatabaseSource]:
    return lambda source_id: DatabaseSource(source_id, PostgresEngine(access, source_id), databases)


def disk_full(*_: object) -> None:
    """In the place of what writes into staging."""
    raise StagingError("the staging volume is full", to="staging")


def read_out(reader: ItemReader) -> bytes:
    return b"".join(iter(lambda: reader.read(1 << 20), b""))


def dumped(source: DatabaseSource, database: str) -> tuple[Census, bytes]:
    """What the server counts, and the whole dump."""
    with source.open(KIND, native_id(database)) as reader:
        metadata = json.loads(json.dumps(reader.describe().metadata))
        content = read_out(reader)
        assert reader.read(1) == b"" and reader.settled()
    return Census.of(metadata), content
