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
from muniment.sources.databases.source import DatabaseSource
from muniment.sources.databases.sqlite import SqliteEngine
from tests.support.databases import PRACTICE, DatabaseFirm, Server, postgres_source
from tests.support.mail_firm import MailFirm, letter
from tests.support.practice import Practice
from tests.support.sqlserver import SqlServerFirm, sql_server
from tests.support.vendor_firm import VendorFirm


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


@contextmanager
def postgresql(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    folder.mkdir(parents=True)
    server = _server(servers, folder)
    name = server.database(PRACTICE)

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


@contextmanager
def sqlite(folder: Path, servers: ExitStack) -> Iterator[Firm]:
    folder.mkdir(parents=True)
    path = folder / "practice.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("PRAGMA journal_mode = wal")
        program.execute("PRAGMA wal_autocheckpoint = 0")
        program.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, cents BIGINT, note TEXT)")
        program.execute("CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT)")

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
    "postgresql": postgresql, "sqlite": sqlite, "sql-server": sqlserver, "mail": mail, "sets": sets,
}  # fmt: skip
