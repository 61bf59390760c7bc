"""What the firm runs itself besides its share: a practice database on a server of its own, and an archive of old mail.

The database is a real one, beside Airflow's. The archive is an mbox into which the firm exported the mails of closed matters;
those of the story's matter have its number in their subject.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError

from .office import Kept, marked

NAME = "practice"
READER = "muniment_reader"
TABLES = ("clients", "matters", "time_entries", "trust_ledger")
OTHERS = 40
"""Mails of other matters in the archive."""

_SCHEMA = """
CREATE TABLE clients (id int PRIMARY KEY, name text NOT NULL, since date);
CREATE TABLE matters (number text PRIMARY KEY, client int REFERENCES clients, opened date, closed date);
CREATE TABLE time_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, matter text REFERENCES matters, minutes int NOT NULL,
    rate numeric(8, 2) NOT NULL, note text, day date NOT NULL);
CREATE TABLE trust_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, matter text REFERENCES matters, cents bigint NOT NULL, day date);
CREATE INDEX ON time_entries (matter, day);
CREATE VIEW billable AS SELECT matter, sum(minutes * rate / 60) AS amount FROM time_entries GROUP BY matter;
"""
_FILL = """
INSERT INTO clients SELECT n, 'Client ' || n, date '2015-01-01' + n * 9 FROM generate_series(1, 60) n;
INSERT INTO matters SELECT to_char(2015 + n % 11, 'FM0000') || '-' || to_char(n, 'FM0000'), 1 + n % 60,
    date '2016-01-04' + n * 5, CASE WHEN n % 3 = 0 THEN date '2020-01-06' + n END FROM generate_series(1, 240) n;
INSERT INTO time_entries (matter, minutes, rate, note, day)
    SELECT m.number, 6 + n % 90, 240 + n % 7 * 20, 'conference ' || md5(n::text), date '2022-01-03' + n / 40
    FROM generate_series(1, 24000) n JOIN (SELECT number, row_number() OVER (ORDER BY number) AS at FROM matters) m
    ON m.at = 1 + n % 240;
INSERT INTO trust_ledger (matter, cents, day) SELECT matter, (minutes - 50) * 10000, day FROM time_entries WHERE id % 40 = 0;
"""
_DAY = """
INSERT INTO time_entries (matter, minutes, rate, note, day)
    SELECT matter, 30, 300, 'Tuesday', date '2026-03-03' FROM time_entries WHERE id <= 120;
UPDATE time_entries SET note = note || ', reviewed' WHERE id BETWEEN 23000 AND 23060;
DELETE FROM trust_ledger WHERE id = (SELECT max(id) FROM trust_ledger);
"""
CHANGED_ROWS = 120 + 61 + 1


class Ledger:
    """The practice database, on a server beside that of Airflow."""

    def __init__(self, server: EmbeddedPostgres, password: str) -> None:
        self._server = server
        self.password = password

    @property
    def host(self) -> str:
        return str(urlsplit(self._uri("postgres")).hostname)

    @property
    def port(self) -> int:
        return int(urlsplit(self._uri("postgres")).port or 0)

    def fill(self) -> None:
        self._server.create_database(NAME)
        with psycopg.connect(self._uri(NAME), autocommit=True) as connection:
            for statement in filter(str.strip, (_SCHEMA + _FILL).split(";\n")):
                connection.execute(statement.encode())
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(READER), sql.Literal(self.password)
                )
            )
            connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(READER)))  # fmt: skip

    def work_a_day(self) -> int:
        """How many rows were added, changed and deleted."""
        with psycopg.connect(self._uri(NAME), autocommit=True) as connection:
            for statement in filter(str.strip, _DAY.split(";\n")):
                connection.execute(statement.encode())
        return CHANGED_ROWS

    def rows(self, database: str = NAME) -> Kept:
        """SHA-256 of each row of each table."""
        return Kept(frozenset(self._digests(database)))

    def loaded(self, dump: Path) -> Kept:
        """The rows of a dump, loaded into a new database of this server. Raises EmbeddedError."""
        name = "given_back"
        uri = self._server.create_database(name).replace("+psycopg2", "")
        command = [str(programs() / "psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", f"--file={dump}", uri]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EmbeddedError(f"The dump does not load: {done.stderr[:300]}", to=str(dump))
        return self.rows(name)

    def _digests(self, database: str) -> Iterator[str]:
        with psycopg.connect(self._uri(database)) as connection:
            for table in TABLES:
                query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))
                for (row,) in connection.execute(query):
                    yield sha256(f"{table} {row}".encode()).hexdigest()

    def _uri(self, database: str) -> str:
        return self._server.uri(database, driver="")


@dataclass(frozen=True, slots=True)
class OldMail:
    """A folder with one mbox."""

    folder: Path

    def fill(self, papers: Path, others: Path, number: str) -> None:
        """The mails below `papers` with the matter's number in their subject, and some of other matters as they are."""
        self.folder.mkdir(parents=True, mode=0o700)
        mine = list(marked(_mails(papers), number))
        rest = [path.read_bytes() for path in _mails(others)[:OTHERS] if papers not in path.parents]
        self._box.write_bytes(b"".join(map(_entry, [*mine, *rest])))

    def of_matter(self, number: str) -> Kept:
        """Its messages, as they lie there."""
        entries = self._box.read_bytes().split(_FROM)[1:]
        mails = (entry.removesuffix(b"\n") for entry in entries)
        return Kept(frozenset(sha256(one).hexdigest() for one in mails if f"[{number}]".encode() in one[: 1 << 16].split(b"\n\n")[0]))  # fmt: skip

    def work_a_day(self) -> int:
        """One mail more is exported into it."""
        with self._box.open("ab") as file:
            file.write(_entry(b"From: ann@harrow-okafor.example\nSubject: Filed\nMessage-ID: <filed@harrow-okafor.example>\n\nDone.\n"))  # fmt: skip
        return 1

    @property
    def _box(self) -> Path:
        return self.folder / "Closed matters.mbox"


_FROM = b"From archive@harrow-okafor.example Mon Mar  2 09:00:00 2026\n"


def _mails(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.eml"))


def _entry(mail: bytes) -> bytes:
    lines = mail.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    quoted = b"\n".join(b">" + line if line.startswith(b"From ") else line for line in lines)
    return _FROM + quoted + b"\n\n"
