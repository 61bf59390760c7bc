"""A real MariaDB server on loopback, and a practice database in it."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from muniment.sources.databases.access import Access, Tls
from muniment.sources.databases.mariadb_server import connect

_NUMBERS = itertools.count(1)

PRACTICE = (
    "CREATE TABLE clients (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(200) NOT NULL)",
    "CREATE TABLE `Ledger Entries` (id BIGINT AUTO_INCREMENT PRIMARY KEY, client INT NOT NULL, cents BIGINT NOT NULL,"
    " share DECIMAL(9, 4), note TEXT, twice BIGINT AS (cents * 2) STORED, FOREIGN KEY (client) REFERENCES clients (id))",
    "CREATE TABLE documents (id INT PRIMARY KEY, content LONGBLOB)",
    "CREATE VIEW balances AS SELECT client, SUM(cents) AS cents FROM `Ledger Entries` GROUP BY client",
    "CREATE TRIGGER posted BEFORE INSERT ON `Ledger Entries` FOR EACH ROW SET NEW.note = COALESCE(NEW.note, '-')",
    "CREATE PROCEDURE tidy() DELETE FROM documents WHERE content IS NULL",
    "INSERT INTO clients (name) SELECT CONCAT('Client ', seq) FROM seq_1_to_50",
    "INSERT INTO `Ledger Entries` (client, cents, share, note) SELECT 1 + seq % 50, CAST(seq AS SIGNED) * 7 - 900, seq / 3,"
    " CONCAT('note ', seq, '\\n); INSERT INTO `x` VALUES (''') FROM seq_1_to_3000",
    "INSERT INTO documents SELECT seq, UNHEX(MD5(seq)) FROM seq_1_to_200",
)

RIGHTS = "SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES"
ROUTINES = "GRANT SELECT ON mysql.proc TO {user}"
"""What who has rights on one database needs besides."""


class MariaDb:
    """One server over one folder; a context manager that starts and stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._user = "root" if os.geteuid() == 0 else str(os.environ.get("USER", "nobody"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        self.access = Access("127.0.0.1", port, "keeper", "word'\"\\#", Tls.OFF)
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def here() -> bool:
        return all(map(shutil.which, ("mariadbd", "mariadb-dump", "mariadb-install-db")))

    def __enter__(self) -> MariaDb:
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self._data}", f"--user={self._user}",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, capture_output=True,
        )  # fmt: skip
        self.start()
        word = self.access.password.replace("\\", "\\\\").replace("'", "\\'")
        with connect(Access("127.0.0.1", self.access.port, "root", "", Tls.OFF)) as root:
            cursor = root.cursor()
            cursor.execute(f"CREATE USER 'keeper'@'%' IDENTIFIED BY '{word}'")
            cursor.execute("GRANT ALL ON *.* TO 'keeper'@'%' WITH GRANT OPTION")
        return self

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={self._data}", f"--port={self.access.port}",
             "--bind-address=127.0.0.1", f"--socket={self.folder}/s", f"--user={self._user}",
             f"--pid-file={self.folder}/pid", "--innodb-flush-log-at-trx-commit=0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.access.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("MariaDB did not start")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def run(self, database: str | None, *statements: str) -> list[Any]:
        with connect(self.access, database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def database(self, *statements: str) -> str:
        name = f"practice_{next(_NUMBERS)}"
        self.run(None, f"CREATE DATABASE {name}")
        self.run(name, *statements)
        return name

    def user(self, *grants: str) -> Access:
        """A new user with these grants ({user} stands for it)."""
        name = f"reader_{next(_NUMBERS)}"
        self.run(None, f"CREATE USER '{name}'@'%' IDENTIFIED BY 'word'")
        self.run(None, *(each.replace("{user}", f"'{name}'@'%'") for each in grants))
        return Access("127.0.0.1", self.access.port, name, "word", Tls.OFF)

    def remove(self, database: str) -> None:
        self.run(None, f"DROP DATABASE {database}")
