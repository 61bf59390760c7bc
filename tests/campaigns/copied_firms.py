"""The firms of `copied_faults`: each with one source, what its contract is, and a day of work in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.assurance.contracts import ExpectationContract
from muniment.assurance.files_contract import CONTRACTS
from muniment.embedded.postgres import EmbeddedPostgres
from muniment.sources.databases.mariadb import MariaDbEngine
from muniment.sources.databases.source import DatabaseSource
from muniment.sources.databases.sqlite import SqliteEngine
from tests.support.databases import PRACTICE, DatabaseFirm, Server, postgres_source
from tests.support.mail_firm import MailFirm, letter
from tests.support.mariadb import PRACTICE as MARIA_PRACTICE
from tests.support.mariadb import MariaDb
from tests.support.practice import Practice
from tests.support.sqlserver import SqlServerFirm, sql_server
from tests.support.vendor_firm import VendorFirm

OTHER = "_of_last_year"
"""Beside each database of a server stands another of the same making under a longer name."""


@dataclass(frozen=True)
class Firm:
    practice: Practice
    contract: ExpectationContract
    work: Callable[[int], object]


_POSTGRES: dict[int, Server] = {}


def _server(servers: ExitStack, folder: Path) -> Server:
    """One PostgreSQL for all firms of a process."""
    found = _POSTGRES.get(id(servers))
    if found is None:
        running = servers.enter_context(EmbeddedPostgres(folder.parent / "postgres"))
        found = _POSTGRES[id(servers)] = Server(running)
        servers.callback(_POSTGRES.pop, id(servers))
    return found


_MADE_BESIDES = (
    "CREATE FUNCTION public.cents(euros numeric) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT (euros * 100)::bigint$$",
    "CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN NEW.name := trim(NEW.name); RETURN NEW; END$f$",
    "CREATE TRIGGER trimmed BEFORE INSERT ON clients FOR EACH ROW EXECUTE FUNCTION public.stamp()",
    'CREATE INDEX by_client ON "Ledger Entries" (client)',
)


@contextmanager
def postgresql(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    folder.mkdir(parents=True)
    server = _server(servers, folder)
    name = server.database(PRACTICE, *_MADE_BESIDES)
    server.run("postgres", f'CREATE DATABASE "{name}{OTHER}" TEMPLATE "{name}"')

    def work(day: int) -> None:
        server.run(
            name,
            f"INSERT INTO \"Ledger Entries\" (client, cents, share) SELECT 1, n * {day}, n / 7.0 FROM generate_series(1, 40) n",
            f"UPDATE clients SET name = name || ' {day}' WHERE id % 5 = 0",
            "DELETE FROM documents WHERE id = (SELECT min(id) FROM documents)",
        )  # fmt: skip

    work(0)
    firm = DatabaseFirm(folder, postgres_source(server.access, name))
    yield Firm(firm, CONTRACTS["postgresql"], work)


_LETTERS = (
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    "CREATE TABLE letters (id INT AUTO_INCREMENT, subject VARCHAR(200) COLLATE utf8mb4_german2_ci, sent TIMESTAMP NULL,"
    " due DATE, body LONGBLOB, weight DOUBLE, PRIMARY KEY (id), UNIQUE KEY of_subject (subject))",
    "INSERT INTO letters SELECT seq, CONCAT('\u00dcberweisung \u2116 ', seq, ' \u2014 \u682a\u5f0f'), '2026-03-02 01:00:00' + INTERVAL seq"
    " HOUR, IF(seq % 9, '2026-03-02', '0000-00-00'), UNHEX(SHA2(seq, 512)), seq / 7 FROM seq_0_to_300",
    "CREATE FUNCTION euros(cents BIGINT) RETURNS DECIMAL(20, 2) DETERMINISTIC RETURN cents / 100",
    "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM letters WHERE id < 0",
)
_MARIA: dict[int, MariaDb] = {}


def _maria(servers: ExitStack, folder: Path) -> MariaDb:
    """One MariaDB for all firms of a process. Its clock is that of another country."""
    found = _MARIA.get(id(servers))
    if found is None:
        found = _MARIA[id(servers)] = servers.enter_context(MariaDb(folder.parent / "maria"))
        found.run(None, "SET GLOBAL time_zone = '+05:30'")
        servers.callback(_MARIA.pop, id(servers))
    return found


@contextmanager
def mariadb(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    folder.mkdir(parents=True)
    server = _maria(servers, folder)
    name = server.database(*MARIA_PRACTICE, *_LETTERS)
    server.run(None, f"CREATE DATABASE {name}{OTHER}")
    server.run(f"{name}{OTHER}", *MARIA_PRACTICE, *_LETTERS)

    def work(day: int) -> None:
        server.run(
            name,
            f"INSERT INTO `Ledger Entries` (client, cents, share) SELECT 1, seq * {day}, seq / 7 FROM seq_1_to_40",
            f"UPDATE clients SET name = CONCAT(name, ' {day}') WHERE id % 5 = 0",
            f"INSERT INTO letters (subject, sent, body) VALUES ('Gr\u00fc\u00dfe {day}', NOW(), 0xFF00FE)",
            "DELETE FROM documents ORDER BY id LIMIT 1",
        )  # fmt: skip

    work(0)
    firm = DatabaseFirm(
        folder, lambda _: DatabaseSource("files", MariaDbEngine(server.access, "files"), [name])
    )
    yield Firm(firm, CONTRACTS["mariadb"], work)


@contextmanager
def sqlite(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    folder.mkdir(parents=True)
    path = folder / "practice.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("PRAGMA journal_mode = wal")
        program.execute("PRAGMA wal_autocheckpoint = 0")
        program.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, cents BIGINT, note TEXT)")
        program.execute("CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT)")
        program.execute("CREATE INDEX by_note ON ledger (note)")
        program.execute("CREATE VIEW balances AS SELECT sum(cents) FROM ledger")

        def work(day: int) -> None:
            rows = [(n * 7 + day, f"note {n} " * 20) for n in range(200)]
            program.executemany("INSERT INTO ledger (cents, note) VALUES (?, ?)", rows)
            program.execute("INSERT INTO clients (name) VALUES (?)", [f"Client {day}"])

        work(0)
        # The first days lie in the file, what follows in its log alone.
        program.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        firm = DatabaseFirm(folder, lambda _: DatabaseSource("files", SqliteEngine(path, "files", 5)))  # fmt: skip
        yield Firm(firm, CONTRACTS["sqlite"], work)


@contextmanager
def sqlserver(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    folder.mkdir(parents=True)
    with sql_server(folder, "practice", "billing") as bench:
        for seed, name in enumerate(("practice", "billing")):
            bench.instance.add(name, seed=seed, pages=8 + 4 * seed).backup_rights.add("muniment")

        def work(day: int) -> None:
            bench.instance.databases["practice"].change(day % 8, b"worked on %d" % day)

        yield Firm(SqlServerFirm(folder, bench), CONTRACTS["sql-server"], work)


@contextmanager
def mail(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    firm = MailFirm(folder)

    def work(day: int) -> None:
        letters = [
            letter(f"[2024-0113] Offer {n}", text=f"Dear Sir, {n}\n" * 40) for n in range(6 + day)
        ]
        firm.box("Inbox.mbox", *letters, letter("Lunch"))

    firm.box("Old.mbox", *(letter(f"[2023-0007] Deed {n}", text="Madam\n" * 60) for n in range(4)))
    work(0)
    yield Firm(firm, CONTRACTS["mail-archive"], work)


@contextmanager
def sets(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    firm = VendorFirm(folder)
    # Sets are made by the machine's clock, and no backup looks at one that is a year old.
    firm.watched.advance(datetime.now(UTC) - timedelta(days=1) - firm.watched.now())

    def work(day: int) -> None:
        for name in ("Firm", "Other"):
            firm.put(f"SBU_{day}_{name}.qbb", f"{name} {day} ".encode() * 4000)

    work(0)
    yield Firm(firm, CONTRACTS["vendor-backup"], work)


Made = Callable[[Path, ExitStack], AbstractContextManager[Firm]]
FIRMS: Mapping[str, Made] = {
    "postgresql": postgresql, "mariadb": mariadb, "sqlite": sqlite, "sql-server": sqlserver, "mail": mail, "sets": sets,
}  # fmt: skip
