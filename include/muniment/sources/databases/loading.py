"""Loading: a dump on its way back into a server, through the vendor's own client.

A dump is a program that somebody else wrote. So nothing of it reaches a shell: `psql` is told to take no commands
of its own (`\\restrict` under a key that the dump cannot know), and the client of MariaDB takes none in its binary
mode. What a dump gives goes through memory, from the vault to the server, and never onto a disk.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from muniment.sources.databases.process import handed
from muniment.sources.databases.tally import DELIMITER, CopyTally, InsertTally

_META = re.compile(rb"^\\(?:un)?restrict \w+[ \t]*\r?\n", re.MULTILINE)
_STATE = re.compile(r"(?:ERROR|FATAL):  (\w{5})")
_NUMBER = re.compile(r"^ERROR (\d+)", re.MULTILINE)
_DEFINER = re.compile(
    rb"/\*!\d+ DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*`\s*\*/|DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*` "
)
_ROW = re.compile(
    rb"(INSERT (?:IGNORE )?INTO `(?:[^`]|``)+` (?:\([^\n]*?\) )?VALUES )\(.*\);\n", re.DOTALL
)
_STATEMENT = 1 << 20
"""Bytes of a statement into which rows are put together: below the least that servers take."""


@dataclass(slots=True)
class Loaded:
    """`errors` are the server's codes, each once: their texts would quote rows. `stopped` says that the client ended
    before the dump did."""

    errors: frozenset[str]
    stopped: bool
    whole: bool
    rows: Mapping[str, int]
    digests: Mapping[bytes, str] = field(default_factory=dict)
    """Of a dump of PostgreSQL: header of a table's data -> SHA-256 of that data."""


class CopyPassing(CopyTally):
    """Passes a dump of PostgreSQL on, but for its own `\\restrict`, which would end ours."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: list[bytes] = []
        self._hashes: dict[bytes, hashlib._Hash] = {}

    def _data(self, header: bytes, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if header not in self._hashes:
            self._hashes[header] = hashlib.sha256()
        self._hashes[header].update(piece)
        self._passed.append(piece)

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._passed.append(_META.sub(b"", data[start:end]))

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.feed(bytes(piece))
            yield from self._passed
            self._passed.clear()

    @property
    def digests(self) -> dict[bytes, str]:
        return {header: total.hexdigest() for header, total in self._hashes.items()}


def joined(pieces: Iterable[bytes], *, definers: bool = True) -> Iterator[bytes]:
    """A dump of MariaDB with the rows of a table put together into statements of a megabyte: loaded so, it takes a
    tenth of the time. Without `definers` views and routines belong to whoever loads."""
    prefix, held, size, in_body = b"", [b""], 0, False
    for line in _lines(pieces):
        if (delimiter := DELIMITER.fullmatch(line)) is not None:
            in_body = delimiter[1] != b";"
        is_row = line.startswith(b"INSERT ") and not in_body
        row = _ROW.fullmatch(line) if is_row else None
        if row is not None and row[1] == prefix and size < _STATEMENT:
            values = line[len(prefix) : -2]
            held.append(b"," + values)
            size += len(values)
            continue
        if prefix:
            yield b"".join(held) + b";\n"
            prefix, size = b"", 0
        if row is not None:
            prefix = row[1]
            held = [line[:-2]]
            size = len(line)
        else:
            yield line if definers else _DEFINER.sub(b"", line)
    if prefix:
        yield b"".join(held) + b";\n"


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    left = b""
    for piece in pieces:
        lines = (left + bytes(piece)).split(b"\n")
        left = lines.pop()
        for line in lines:
            yield line + b"\n"
    if left:
        yield left


def load_postgres(program: Path, access: Mapping[str, str], pieces: Iterable[bytes]) -> Loaded:
    """Loads a plain dump by `psql`. What it cannot do is passed over and told; raises what `pieces` does."""
    passing = CopyPassing()
    key = secrets.token_hex(16)

    def restricted() -> Iterator[bytes]:
        yield f"\\restrict {key}\n".encode()
        yield from passing.through(pieces)

    command = [
        str(program), "--no-psqlrc", "--quiet", "--no-password", "--output=/dev/null", "--set=VERBOSITY=sqlstate",
        "--set=ON_ERROR_STOP=0", "--file=-",
    ]  # fmt: skip
    status, said, broken = _fed(command, access, restricted())
    return Loaded(
        frozenset(_STATE.findall(said)),
        broken or status != 0,
        passing.whole,
        passing.rows,
        passing.digests,
    )


def load_mariadb(
    program: Path, options: bytes, database: str, pieces: Iterable[bytes], *, definers: bool = True
) -> Loaded:
    """Loads a dump by the vendor's client, which stops at the first error; raises what `pieces` does."""
    tally = InsertTally()

    def counted() -> Iterator[bytes]:
        for piece in pieces:
            tally.feed(bytes(piece))
            yield piece

    command = [
        str(program), "--defaults-extra-file={secret}", "--binary-mode", "--batch", "--default-character-set=utf8mb4",
        "--max-allowed-packet=1G", "--", database,
    ]  # fmt: skip
    status, said, broken = _fed(command, {}, joined(counted(), definers=definers), options)
    return Loaded(frozenset(_NUMBER.findall(said)), broken or status != 0, tally.whole, tally.rows)


def _fed(
    command: list[str], environment: Mapping[str, str], pieces: Iterable[bytes], secret: bytes = b""
) -> tuple[int, str, bool]:
    """Exit status, what it said, and whether it went away before all was fed."""
    with handed(secret) as (number, passed):
        process = subprocess.Popen(
            [word.replace("{secret}", f"/dev/fd/{number}") for word in command],
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", **environment},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=passed,
        )
    heard: list[bytes] = []
    into, out = process.stdin, process.stderr
    assert into is not None and out is not None
    # Read meanwhile: a full pipe would stop the client, and it would stop us.
    reader = threading.Thread(target=lambda: heard.append(out.read()))
    reader.start()
    broken = False
    try:
        try:
            for piece in pieces:
                into.write(piece)
            into.close()
        except BrokenPipeError:
            broken = True
        status = process.wait()
    finally:
        process.kill()
        process.wait()
        reader.join()
        out.close()
    return status, b"".join(heard).decode(errors="replace"), broken
