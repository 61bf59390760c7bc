"""The Tabular Data Stream as a server speaks it: packets, tokens and types of MS-TDS 7.4."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

BATCH, RPC, ANSWER, ATTENTION, TRANSACTION, LOGIN7, PRELOGIN = (
    0x01,
    0x03,
    0x04,
    0x06,
    0x0E,
    0x10,
    0x12,
)
VERSION = 0x74000004
_PACKET = 4096
_COLLATION = bytes.fromhex("0904d00034")
"""SQL_Latin1_General_CP1_CI_AS"""


class Gone(Exception):
    """The client went away."""


class Packets:
    """Messages over a byte stream. `secure` may put TLS below them once the login has begun."""

    def __init__(self, receive: Callable[[int], bytes], send: Callable[[bytes], None]) -> None:
        self.receive = receive
        self.send = send

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self.receive(size - len(found))
            if not piece:
                raise Gone
            found += piece
        return found

    def read(self) -> tuple[int, bytes]:
        """Type and content of a message; of a message in several packets all of it."""
        content = b""
        while True:
            kind, status, size = struct.unpack(">BBH", self._exactly(8)[:4])
            content += self._exactly(size - 8)
            if status & 1:
                return kind, content

    def write(self, content: bytes, kind: int = ANSWER) -> None:
        step = _PACKET - 8
        pieces = [content[at : at + step] for at in range(0, len(content), step)] or [b""]
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            self.send(struct.pack(">BBHHBB", kind, int(last), len(piece) + 8, 51, (number + 1) % 256, 0) + piece)  # fmt: skip


# -- login -------------------------------------------------------------------------------------------


def prelogin_of(content: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while content[at] != 0xFF:
        option, start, size = struct.unpack_from(">BHH", content, at)
        found[option] = content[start : start + size]
        at += 5
    return found


def prelogin(encryption: int) -> bytes:
    options = {0: bytes([16, 0, 16, 0, 0, 0]), 1: bytes([encryption]), 2: b"\0", 3: b"", 4: b"\0"}
    head, body, start = b"", b"", 5 * len(options) + 1
    for option, value in options.items():
        head += struct.pack(">BHH", option, start + len(body), len(value))
        body += value
    return head + b"\xff" + body


@dataclass(frozen=True)
class Login:
    user: str
    password: str
    application: str
    database: str


def login_of(content: bytes) -> Login:
    def held(number: int) -> bytes:
        start, length = struct.unpack_from("<HH", content, 36 + 4 * number)
        return content[start : start + 2 * length]

    def text(number: int) -> str:
        return held(number).decode("utf-16-le")

    scrambled = (byte ^ 0xA5 for byte in held(2))
    password = bytes((b << 4 | b >> 4) & 0xFF for b in scrambled).decode("utf-16-le")
    return Login(text(1), password, text(3), text(8))


# -- tokens ------------------------------------------------------------------------------------------


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _token(kind: int, content: bytes) -> bytes:
    return struct.pack("<BH", kind, len(content)) + content


def message(number: int, severity: int, text: str, server: str, state: int = 1) -> bytes:
    content = struct.pack("<iBB", number, state, severity) + struct.pack("<H", len(text))
    content += text.encode("utf-16-le") + _short(server) + _short("") + struct.pack("<I", 1)
    return _token(0xAA if severity > 10 else 0xAB, content)


def done(*, rows: int | None = None, error: bool = False, more: bool = False, attention: bool = False) -> bytes:  # fmt: skip
    status = (1 if more else 0) | (2 if error else 0) | (0x10 if rows is not None else 0) | (0x20 if attention else 0)  # fmt: skip
    return struct.pack("<BHHQ", 0xFD, status, 0xC1 if rows is not None else 0, rows or 0)


def welcome(database: str, server: str) -> bytes:
    changed = _token(0xE3, b"\x01" + _short(database) + _short("master"))
    collation = _token(0xE3, b"\x07\x05" + _COLLATION + b"\x00")
    size = _token(0xE3, b"\x04" + _short(str(_PACKET)) + _short(str(_PACKET)))
    program = _short("Microsoft SQL Server") + bytes([16, 0, 0x10, 0x55])
    known = _token(0xAD, b"\x01" + struct.pack(">I", VERSION) + program)
    told = message(5701, 0, f"Changed database context to '{database}'.", server, 2)
    return changed + told + collation + known + size + done()


# -- rows --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """`kind` is the SQL type: nvarchar, int, smallint, tinyint, bigint, bit, datetime, numeric, guid or varbinary."""

    name: str
    kind: str
    precision: int = 0


_INTEGERS = {"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}


def _type(column: Column) -> bytes:
    if column.kind in _INTEGERS:
        return bytes([0x26, _INTEGERS[column.kind]])
    return {
        "nvarchar": lambda: b"\xe7" + struct.pack("<H", 8000) + _COLLATION,
        "bit": lambda: b"\x68\x01",
        "datetime": lambda: b"\x6f\x08",
        "numeric": lambda: bytes([0x6C, _width(column.precision), column.precision, 0]),
        "guid": lambda: b"\x24\x10",
        "varbinary": lambda: b"\xa5" + struct.pack("<H", 32),
    }[column.kind]()


def _width(precision: int) -> int:
    return next(size for most, size in ((9, 5), (19, 9), (28, 13), (38, 17)) if precision <= most)


def _value(column: Column, value: Any) -> bytes:
    long = column.kind in ("nvarchar", "varbinary")
    if value is None:
        return b"\xff\xff" if long else b"\x00"
    if column.kind in _INTEGERS:
        size = _INTEGERS[column.kind]
        return bytes([size]) + int(value).to_bytes(size, "little", signed=size > 1)
    if column.kind == "bit":
        return bytes([1, int(bool(value))])
    if column.kind == "datetime":
        assert isinstance(value, datetime)
        since = value.replace(tzinfo=None) - datetime(1900, 1, 1)  # noqa: DTZ001 - the type knows no zone
        parts = since.seconds * 300 + since.microseconds * 300 // 1_000_000
        return b"\x08" + struct.pack("<iI", since.days, parts)
    if column.kind == "numeric":
        width = _width(column.precision)
        number = int(Decimal(value))
        return bytes([width, int(number >= 0)]) + abs(number).to_bytes(width - 1, "little")
    if column.kind == "guid":
        return b"\x10" + UUID(str(value)).bytes_le
    content = str(value).encode("utf-16-le") if column.kind == "nvarchar" else bytes(value)
    return struct.pack("<H", len(content)) + content


def table(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> bytes:
    found = struct.pack("<BH", 0x81, len(columns))
    for column in columns:
        found += struct.pack("<IH", 0, 0x09) + _type(column) + _short(column.name)
    count = 0
    for row in rows:
        count += 1
        found += b"\xd1" + b"".join(_value(c, v) for c, v in zip(columns, row, strict=True))
    return found + done(rows=count)
