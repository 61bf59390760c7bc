"""Servers of the database benchmark: what stands in them, a night's work, and the vendors' own programs.

The database: a ledger of short rows (half the size) and documents that do not compress.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql

from benchmarks.measure import BenchmarkError
from muniment.embedded.mariadb import USER, EmbeddedMariaDb
from muniment.embedded.postgres import EmbeddedPostgres, programs

BASE, PRACTICE = "base", "practice"
DOCUMENT = 64 << 10
"""Bytes; the dump writes them as twice as many digits."""


class BenchServer(ABC):
    """One make of server, and a spare one of it to restore into."""

    system: str
    tables = ("ledger", "documents")

    def __init__(self, megabytes: int) -> None:
        self.rows = megabytes * 5_000
        self.documents = megabytes * 4

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def run(self, database: str, *statements: str) -> None: ...

    @abstractmethod
    def fill(self) -> None:
        """Makes the database that every round begins with."""

    @abstractmethod
    def begin(self) -> None:
        """A copy of it, in which a round works."""

    @abstractmethod
    def access(self, *, spare: bool = False) -> dict[str, object]:
        """host, port, user and password."""

    @abstractmethod
    def dump(self) -> str:
        """A command of a shell that writes the practice's dump."""

    @abstractmethod
    def load(self, database: str) -> str:
        """One that loads a dump into an empty database of the spare server, which is made for it."""

    @abstractmethod
    def drop(self, database: str) -> None:
        """From the spare server."""

    @abstractmethod
    def digest(self, database: str, *, spare: bool) -> str:
        """Of all rows of both tables, as text and in order."""

    # -- a night's work ----------------------------------------------------------------------------

    def newest(self) -> None:
        """One percent of the ledger changed in one stretch, and one percent added."""
        self.run(
            PRACTICE,
            f"UPDATE ledger SET cents = cents + 1 WHERE id > {self.rows * 99 // 100}",
            "INSERT INTO ledger SELECT id + "
            f"{self.rows}, client, cents + 5, posted, note FROM ledger WHERE id <= {self.rows // 100}",
        )

    def here_and_there(self) -> None:
        """One row in ten thousand, all over the ledger."""
        self.run(PRACTICE, "UPDATE ledger SET cents = cents + 1 WHERE id % 10000 = 77")

    def all_over(self) -> None:
        """One row in a hundred, all over the ledger: the worst that a database can do to chunks."""
        self.run(PRACTICE, "UPDATE ledger SET cents = cents + 1 WHERE id % 100 = 7")


class Postgres(BenchServer):
    system = "postgresql"

    def __init__(self, folder: Path, megabytes: int) -> None:
        super().__init__(megabytes)
        self._live = EmbeddedPostgres(folder / "server")
        self._spare = EmbeddedPostgres(folder / "spare")

    def start(self) -> None:
        self._live.start()
        self._spare.start()

    def stop(self) -> None:
        self._live.stop()
        self._spare.stop()

    def _of(self, spare: bool) -> EmbeddedPostgres:
        return self._spare if spare else self._live

    def run(self, database: str, *statements: str) -> None:
        with psycopg.connect(self._live.uri(database, driver=""), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def fill(self) -> None:
        self._live.create_database(BASE)
        self.run(
            BASE,
            "CREATE TABLE ledger (id bigint PRIMARY KEY, client int, cents bigint, posted date, note text)",
            "CREATE TABLE documents (id int PRIMARY KEY, content bytea)",
            "INSERT INTO ledger SELECT n, n % 400, (n::bigint * 7919) % 1000003, date '2020-01-01' + (n / 4000)::int,"
            f" 'conference ' || md5(n::text) || ' call' FROM generate_series(1, {self.rows}) n",
            "INSERT INTO documents SELECT n, decode((SELECT string_agg(md5(random()::text), '')"
            f" FROM generate_series(1, {DOCUMENT // 16}) WHERE n > 0), 'hex') FROM generate_series(1, {self.documents}) n",
            "VACUUM ANALYZE",
        )

    def begin(self) -> None:
        self.run(
            "postgres",
            f"DROP DATABASE IF EXISTS {PRACTICE}",
            f"CREATE DATABASE {PRACTICE} TEMPLATE {BASE} STRATEGY file_copy",
        )

    def access(self, *, spare: bool = False) -> dict[str, object]:
        at = urlsplit(self._of(spare).uri(driver=""))
        return {"host": at.hostname, "port": at.port, "user": at.username, "password": at.password}

    def _program(self, name: str, database: str, *, spare: bool) -> str:
        at = self.access(spare=spare)
        words = [str(programs() / name), "-h", at["host"], "-p", at["port"], "-U", at["user"]]
        return f"PGPASSWORD={shlex.quote(str(at['password']))} " + shlex.join(
            [*map(str, words), "-d", database]
        )

    def dump(self) -> str:
        return self._program("pg_dump", PRACTICE, spare=False)

    def load(self, database: str) -> str:
        self._spare.create_database(database)
        return (
            self._program("psql", database, spare=True) + " -q -X -v ON_ERROR_STOP=1 -o /dev/null"
        )

    def drop(self, database: str) -> None:
        with psycopg.connect(self._spare.uri(driver=""), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {database}".encode())

    def digest(self, database: str, *, spare: bool) -> str:
        total = hashlib.sha256()
        with psycopg.connect(self._of(spare).uri(database, driver="")) as connection:
            for table in self.tables:
                query = f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT"
                with connection.cursor() as cursor, cursor.copy(query.encode()) as rows:
                    for piece in rows:
                        total.update(piece)
        return total.hexdigest()


class MariaDb(BenchServer):
    system = "mariadb"

    def __init__(self, folder: Path, megabytes: int) -> None:
        super().__init__(megabytes)
        self._live = EmbeddedMariaDb(folder / "server")
        self._spare = EmbeddedMariaDb(folder / "spare")

    def start(self) -> None:
        self._live.start()
        self._spare.start()

    def stop(self) -> None:
        self._live.stop()
        self._spare.stop()

    def access(self, *, spare: bool = False) -> dict[str, object]:
        server = self._spare if spare else self._live
        return {"host": "127.0.0.1", "port": server.port, "user": USER, "password": server.password}

    def _ask(self, database: str | None, *statements: str, spare: bool = False) -> None:
        at = self.access(spare=spare)
        with pymysql.connect(**at, database=database, autocommit=True) as connection:  # type: ignore[call-overload]
            for statement in statements:
                connection.cursor().execute(statement)

    def run(self, database: str, *statements: str) -> None:
        self._ask(database, *statements)

    def fill(self) -> None:
        self._ask(None, f"CREATE DATABASE {BASE}")
        self._make(BASE)
        self.run(
            BASE,
            "INSERT INTO ledger SELECT seq, seq % 400, (seq * 7919) % 1000003, '2020-01-01' + INTERVAL seq DIV 4000 DAY,"
            f" CONCAT('conference ', MD5(seq), ' call') FROM seq_1_to_{self.rows}",
        )
        with pymysql.connect(**self.access(), database=BASE, autocommit=True) as connection:  # type: ignore[call-overload]
            for number in range(1, self.documents + 1):
                connection.cursor().execute(
                    f"INSERT INTO documents VALUES ({number}, 0x{os.urandom(DOCUMENT).hex()})"
                )

    def _make(self, database: str) -> None:
        self.run(
            database,
            "CREATE TABLE ledger (id BIGINT PRIMARY KEY, client INT, cents BIGINT, posted DATE, note TEXT)",
            "CREATE TABLE documents (id INT PRIMARY KEY, content LONGBLOB)",
        )

    def begin(self) -> None:
        self._ask(None, f"DROP DATABASE IF EXISTS {PRACTICE}", f"CREATE DATABASE {PRACTICE}")
        self._make(PRACTICE)
        self.run(PRACTICE, *(f"INSERT INTO {t} SELECT * FROM {BASE}.{t}" for t in self.tables))

    def _program(self, name: str, *more: str, spare: bool) -> str:
        at = self.access(spare=spare)
        words = [name, "--no-defaults", "--protocol=tcp", "--skip-ssl", f"--host={at['host']}", f"--port={at['port']}", f"--user={at['user']}"]  # fmt: skip
        return f"MYSQL_PWD={at['password']} " + shlex.join([*words, *more])

    def dump(self) -> str:
        return self._program(
            "mariadb-dump", "--single-transaction", "--quick", "--hex-blob", PRACTICE, spare=False
        )

    def load(self, database: str) -> str:
        self._ask(None, f"CREATE DATABASE {database}", spare=True)
        return self._program("mariadb", "--binary-mode", database, spare=True)

    def drop(self, database: str) -> None:
        self._ask(None, f"DROP DATABASE {database}", spare=True)

    def digest(self, database: str, *, spare: bool) -> str:
        total = hashlib.sha256()
        for query in (
            "SELECT * FROM ledger ORDER BY id",
            "SELECT id, HEX(content) FROM documents ORDER BY id",
        ):
            command = self._program("mariadb", "--quick", "--batch", "--skip-column-names", "-e", query, database, spare=spare)  # fmt: skip
            with subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE) as asked:
                assert asked.stdout is not None
                while piece := asked.stdout.read(1 << 20):
                    total.update(piece)
            if asked.returncode:
                raise BenchmarkError(f"the rows of {database} could not be read")
        return total.hexdigest()


SERVERS = {"postgresql": Postgres, "mariadb": MariaDb}
