"""SQL load: does a database dump load into a database?

A plain dump of `pg_dump` is loaded into a PostgreSQL of our own that lives below the scratch folder, and
every table's rows are counted against the rows in the dump. A dump is a program that somebody else
wrote, so it is loaded by a role that owns one empty database and nothing else, and psql's own commands
(`\\!` runs a shell) are closed to it by `\\restrict`.

Invariants: the server listens on loopback only, and is stopped and removed with the scratch folder; what a
dump asks for that our server cannot know (its roles, its extensions) is passed over.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from muniment.assurance.openable import MAX_BYTES, Outcome
from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError

_SECONDS = 1800
_HEAD = b"-- PostgreSQL database dump"
_END = b"-- PostgreSQL database dump complete"
_META = re.compile(rb"\\(un)?restrict \w+\s*")
_NAME = rb'(?:\w+|"[^"\\;]+")'
_COPY = re.compile(rb"COPY (" + _NAME + rb"(?:\." + _NAME + rb")?) .*FROM stdin;\s*", re.IGNORECASE)
_NOT_OURS = frozenset({"42704", "42501", "0A000", "58P01"})
"""SQLSTATE of what needs the firm's own server: an undefined role or type of an extension, a right that
only a superuser has, an extension that is not installed here."""


def is_dump(path: Path) -> bool:
    """Is this a plain dump of PostgreSQL, the only kind that is loaded?"""
    with path.open("rb") as file:
        return _HEAD in file.read(4096)


class SqlLoader:
    """Loads dumps into one server below `folder`, which it starts at the first one.

    A context manager: at its end the server is stopped.
    """

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder / "postgres")
        self._available = True

    def __enter__(self) -> SqlLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def load(self, path: Path) -> Outcome | None:
        """What came of loading it; None when it is no plain PostgreSQL dump, or when no PostgreSQL
        is installed here."""
        size = path.stat().st_size
        if not size:
            return Outcome.EMPTY
        if not is_dump(path):
            return None
        if size > MAX_BYTES:
            return Outcome.TOO_LARGE
        if not self._available:
            return None
        try:
            access = self._fresh_database()
            if "open" in _psql(access, [b"\\echo open"], restricted=True):
                raise EmbeddedError(
                    "this psql does not know \\restrict (it came with 18.0 and 16.10)"
                )
        except EmbeddedError:
            self._available = False
            return None
        try:
            return Outcome.OPENED if self._loaded(path, access) else Outcome.DAMAGED
        except subprocess.TimeoutExpired:
            return Outcome.SLOW

    def _fresh_database(self) -> dict[str, str]:
        """A new database owned by a new role without rights; how psql gets into it."""
        uri = urlsplit(self._server.start().replace("postgresql+psycopg2", "postgresql"))
        name, password = f"trial_{secrets.token_hex(6)}", secrets.token_hex(24)
        access = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "PGHOST": uri.hostname or "",
            "PGPORT": str(uri.port),
            "PGUSER": uri.username or "",
            "PGPASSWORD": uri.password or "",
            "PGDATABASE": "postgres",
            "PGCLIENTENCODING": "UTF8",
            "LC_ALL": "C",
        }
        role = (
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}';\nCREATE DATABASE {name} OWNER {name};"
        )
        _psql(access, [role.encode()], stop=True)
        mine = {"PGUSER": name, "PGPASSWORD": password, "PGDATABASE": name}
        # The schema of a fresh database belongs to the superuser, and every dump writes into it.
        _psql({**access, "PGDATABASE": name}, [f"ALTER SCHEMA public OWNER TO {name};".encode()])
        return {**access, **mine}

    @staticmethod
    def _loaded(path: Path, access: dict[str, str]) -> bool:
        reader = _Dump(path)
        said = _psql(access, reader.lines(), restricted=True)
        errors = set(re.findall(r"(?:ERROR|FATAL):  (\w{5})", said))
        if not reader.complete or errors - _NOT_OURS:
            return False
        counted = [b"SELECT count(*) FROM " + table + b";" for table in reader.rows]
        if not counted:
            # A dump of a database without rows is whole; one that makes nothing is not.
            return reader.statements > 0
        answers = _psql(access, counted, stop=True, restricted=True).split()
        return answers == [str(count) for count in reader.rows.values()]


class _Dump:
    """Passes a dump on, line by line, and counts what it should bring."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: dict[bytes, int] = {}
        self.statements = 0
        self.complete = False

    def lines(self) -> Iterator[bytes]:
        table: bytes | None = None
        with self._path.open("rb") as file:
            for line in file:
                if table is not None:
                    if line.rstrip(b"\r\n") == b"\\.":
                        table = None
                    else:
                        self.rows[table] += 1
                    yield line
                    continue
                if _META.fullmatch(line):
                    continue  # it would end our own restriction, or ask for a second
                if found := _COPY.fullmatch(line):
                    table = found[1]
                    self.rows.setdefault(table, 0)
                elif line.startswith(b"CREATE "):
                    self.statements += 1
                elif line.startswith(_END):
                    self.complete = True
                yield line
        if table is not None:
            self.complete = False


def _psql(
    access: dict[str, str], lines: Iterable[bytes], *, stop: bool = False, restricted: bool = False
) -> str:
    """What psql printed, errors as their SQLSTATE only: their text would quote rows."""
    key = secrets.token_hex(16)
    command = [
        str(programs() / "psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
        "--set=VERBOSITY=sqlstate", f"--set=ON_ERROR_STOP={int(stop)}", "--file=-",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        env=access,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = process.stdout
    assert process.stdin is not None and output is not None
    answered: list[bytes] = []
    # Read meanwhile: a full pipe would stop psql, and it would stop us.
    reader = threading.Thread(target=lambda: answered.append(output.read()))
    reader.start()
    try:
        with process.stdin as into:
            into.write(f"\\restrict {key}\n".encode() if restricted else b"")
            for line in lines:
                into.write(line if line.endswith(b"\n") else line + b"\n")
        process.wait(_SECONDS)
    except BrokenPipeError:
        pass
    finally:
        process.kill()
        process.wait()
        reader.join()
        output.close()
    return b"".join(answered).decode(errors="replace")
