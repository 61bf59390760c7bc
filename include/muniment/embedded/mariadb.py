"""A MariaDB server on loopback, from the system's own package, for the drill sandbox and the tests.

Invariants
- It listens on 127.0.0.1 only; its one user has a password, new at each start, in a file that nobody else can read.
- Everything of it lies below one folder. Deleting that while the server is stopped deletes the server.
- It is a sandbox: what a crash of the machine would cost does not matter, so nothing waits for the disk.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from muniment.embedded.postgres import unprivileged
from muniment.embedded.processes import Child, ProcessSet, start_mark
from muniment.errors import EmbeddedError

USER = "muniment"
_NAME = "mariadb"
_PROGRAMS = ("mariadbd", "mariadb-install-db")
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")
_INSTALL_SECONDS = 120.0


def program(name: str) -> Path:
    """Raises EmbeddedError where it is not on this machine."""
    path = os.pathsep.join([os.environ.get("PATH", "/usr/bin:/bin"), *_FOLDERS])
    found = shutil.which(name, path=path)
    if found is None:
        raise EmbeddedError(
            f"the program `{name}` is missing",
            to=name,
            todo="Install the system's package `mariadb-server`; it need not run by itself.",
        )
    return Path(found)


class EmbeddedMariaDb:
    """One server over one folder; also a context manager that starts and stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.port = 0
        self.password = secrets.token_hex(24)
        self._data = self.folder / "data"
        self._processes = ProcessSet(self.folder)

    def __enter__(self) -> EmbeddedMariaDb:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, timeout: float = 60.0) -> None:
        """Creates the server if there is none, and starts it. Raises EmbeddedError."""
        for name in _PROGRAMS:
            program(name)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._data.exists():
            self._install()
        deadline = time.monotonic() + timeout
        for port in self._ports():
            record = self._processes.start(
                # SIGKILL: what a sandbox holds goes away with it.
                Child(_NAME, self._command(port), _environment(), self.folder, signal.SIGKILL)
            )
            while start_mark(record.pid) and time.monotonic() < deadline:
                if _listens(port):
                    self.port = port
                    return
                time.sleep(0.05)
            self._processes.stop()
        raise EmbeddedError("MariaDB was not ready in time.", to=str(self._processes.log(_NAME)))

    def stop(self) -> None:
        self._processes.stop()

    def _ports(self) -> Iterator[int]:
        if self.port:
            yield self.port
        for _ in range(3):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port: int = free.getsockname()[1]
            yield port

    def _command(self, port: int) -> list[str]:
        return [
            *unprivileged(), str(program("mariadbd")), "--no-defaults", f"--datadir={self._data}", f"--port={port}",
            "--bind-address=127.0.0.1", "--socket=own.sock", "--skip-networking=0", f"--pid-file={self.folder / 'pid'}",
            f"--init-file={self._first()}", "--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite",
            "--max-allowed-packet=1G", f"--secure-file-priv={self._nothing()}", "--local-infile=0",
            "--innodb-buffer-pool-size=256M", "--skip-name-resolve", "--lower-case-table-names=0",
        ]  # fmt: skip

    def _first(self) -> Path:
        """What the server runs at its start, in a file that nobody else can read."""
        path = self.folder / "first.sql"
        text = (
            # Its own tables are brought into this server's form at their first use, which fails for this one where
            # a process without root's name, and with a right of root's, does it.
            "REPAIR TABLE mysql.proc;\n"
            f"CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1';\n"
            f"ALTER USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(text)
        return path

    def _nothing(self) -> Path:
        """The one folder whose files the server may read and write by statements."""
        path = self.folder / "nothing"
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def _install(self) -> None:
        command = [
            *unprivileged(), str(program("mariadb-install-db")), "--no-defaults", f"--datadir={self._data}",
            "--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, env=_environment(), cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=_INSTALL_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedError(
                f"mariadb-install-db did not run: {error}", to=str(self.folder)
            ) from error
        if done.returncode != 0:
            raise EmbeddedError(
                f"mariadb-install-db ended with status {done.returncode}", to=str(self.folder)
            )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _environment() -> dict[str, str]:
    path = os.environ.get("PATH", "/usr/bin:/bin")
    return {"PATH": os.pathsep.join([path, *_FOLDERS]), "LC_ALL": "C", "TZ": "UTC"}
