"""Rows as text: one JSON object a line, keys in a fixed order (docs/FORMAT.md, section 4)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from typing import Any

from muniment.errors import FormatError
from muniment.model.item import Fidelity, Part, Problem, Row, Segment
from muniment.model.matter import MatterName
from muniment.model.text import bytes_of, text_of

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Gone:
    """An item that no longer exists."""

    item_id: bytes


AnyRow = Row | Gone | Problem | MatterName


def header_line(vault_id: str, source: str, key_id: str) -> bytes:
    head = {"t": "snapshot", "format": 1, "vault_id": vault_id, "source": source, "key_id": key_id}
    return _encode(head).encode() + b"\n"


def line_of(row: AnyRow) -> bytes:
    """The row as one line, newline included."""
    if isinstance(row, Row):
        return _item_line(row).encode()
    return _encode(_fields(row)).encode() + b"\n"


def _item_line(row: Row) -> str:
    """What the encoder of `json` would make of it, to the byte, in half the time: there is one for
    each item of a first backup. Percent text and hex never need an escape."""
    parts = ",".join(map(_part_text, row.parts))
    return (
        f'{{"t":"item","id":"{row.item_id.hex()}","kind":{_quoted(row.kind)}'
        f',"path":"{text_of(row.native_id)}","matter":{_quoted(row.matter)}'
        f',"size":{row.size:d},"mtime_ns":{row.mtime_ns:d},"sha256":"{row.digest.hex()}"'
        f',"fidelity":"{row.fidelity.value}","version":{_quoted(row.version)}'
        f',"parts":[{parts}],"meta":{_encode(dict(row.metadata))}}}\n'
    )


def _part_text(part: Part) -> str:
    segments = ",".join(
        f"[{s.frame_offset:d},{s.frame_length:d},{s.offset:d},{s.length:d}]" for s in part.segments
    )
    return (
        f'{{"m":"{part.digest.hex()}","p":"{part.pack.hex()}","k":{_quoted(part.key_id)}'
        f',"s":[{segments}]}}'
    )


def _fields(row: Gone | Problem | MatterName) -> dict[str, Any]:
    if isinstance(row, Gone):
        return {"t": "gone", "id": row.item_id.hex()}
    if isinstance(row, Problem):
        return {
            "t": "problem",
            "id": row.item_id.hex(),
            "kind": row.kind,
            "path": text_of(row.native_id),
            "cause": row.cause,
            "kept": row.kept,
        }
    return {
        "t": "matter",
        "matter": row.matter_id,
        "number": row.number,
        "title": text_of(row.title.encode("utf-8", "surrogateescape")),
    }


def parse_line(line: bytes) -> AnyRow | None:
    """Inverse of `line_of`; None for a header or an unknown kind of row. Raises FormatError."""
    try:
        value = json.loads(line)
        kind = value["t"]
        if kind == "item":
            return _item(value)
        if kind == "gone":
            return Gone(_id(value))
        if kind == "problem":
            return Problem(
                _id(value),
                value["kind"],
                bytes_of(value["path"]),
                value["cause"],
                bool(value["kept"]),
            )
        if kind == "matter":
            title = bytes_of(value["title"]).decode("utf-8", "surrogateescape")
            return MatterName(value["matter"], value["number"], title)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FormatError("a row of a snapshot is malformed") from None
    return None


def _id(value: dict[str, Any]) -> bytes:
    raw = bytes.fromhex(value["id"])
    if len(raw) != 16:
        raise ValueError("an item id has 16 bytes")
    return raw


def _item(value: dict[str, Any]) -> Row:
    parts = tuple(
        Part(
            _digest(part["m"]),
            _digest(part["p"]),
            str(part["k"]),
            tuple(Segment(*_four(numbers)) for numbers in part["s"]),
        )
        for part in value["parts"]
    )
    digest = value["sha256"]
    return Row(
        item_id=_id(value),
        kind=str(value["kind"]),
        native_id=_path(value["path"]),
        matter=str(value["matter"]),
        size=_count(value["size"]),
        mtime_ns=int(value["mtime_ns"]),
        digest=_digest(digest) if digest else b"",
        fidelity=Fidelity(value["fidelity"]),
        parts=parts,
        metadata=dict(value["meta"]),
        version=str(value["version"]),
    )


def _path(text: Any) -> bytes:
    """The raw path; empty for one that is no percent text. An empty path is refused when something
    is restored, and the other items of the object still are (FORMAT, section 14)."""
    try:
        return bytes_of(text)
    except ValueError:
        return b""


def _digest(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != 32:
        raise ValueError("a SHA-256 has 32 bytes")
    return raw


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("a count is a non-negative integer")
    return value


def _four(numbers: list[Any]) -> tuple[int, int, int, int]:
    a, b, c, d = (_count(n) for n in numbers)
    return a, b, c, d


def parse_object(data: bytes, *, vault_id: str, source: str) -> Iterator[AnyRow]:
    """All rows of one opened, decompressed snapshot object. Raises FormatError."""
    lines = iter(data.splitlines(keepends=True))
    check_header(next(lines, b""), vault_id=vault_id, source=source)
    for line in lines:
        row = parse_line(line)
        if row is not None:
            yield row


def check_header(line: bytes, *, vault_id: str, source: str) -> None:
    try:
        head = json.loads(line)
        good = (head["t"], head["format"], head["vault_id"], head["source"]) == (
            "snapshot", 1, vault_id, source,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise FormatError("a snapshot object does not belong to this source and vault", to=source)


def merge(changes: Iterable[AnyRow], into: Snapshot) -> None:
    """Applies rows, oldest first, to a snapshot held in memory."""
    for row in changes:
        if isinstance(row, Row):
            into.items[row.item_id] = row
        elif isinstance(row, Gone):
            into.items.pop(row.item_id, None)
        elif isinstance(row, Problem):
            into.problems[row.item_id] = row
        else:
            into.matters[row.matter_id] = row


class Snapshot:
    """The rows of one source as of one commit, merged from base and deltas."""

    def __init__(self) -> None:
        self.items: dict[bytes, Row] = {}
        self.problems: dict[bytes, Problem] = {}
        self.matters: dict[str, MatterName] = {}
        self.keyed: dict[bytes, str] = {}
        """Item id -> key id, for rows that came sealed to a matter's own key."""
        self.sealed_away: set[str] = set()
        """Key ids whose rows could not be opened with the identities at hand."""
