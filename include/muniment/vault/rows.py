"""Rows as text: one JSON object a line, keys in a fixed order (docs/FORMAT.md, section 4)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring as _quoted
from typing import Any

from muniment.errors import FormatError
from muniment.model.item import Part, Problem, Row, Segment
from muniment.model.matter import MatterName
from muniment.model.text import bytes_of, text_of
from muniment.model.value import Value
from muniment.vault.row_form import FIDELITIES, Seen, digest_of, path_of, read_form

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Gone(Value, frozen=True):
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
        f',"parts":[{parts}],"meta":{_metadata_text(row.metadata)}}}\n'
    )


_metadata_texts: dict[tuple[tuple[str, Any], ...], str] = {}
_METADATA_TEXTS = 4096
"""Most files of a share have one of a few owners and modes."""


def _metadata_text(metadata: Mapping[str, Any]) -> str:
    plain = tuple(metadata.items())
    for _, value in plain:
        # Whole numbers and texts alone: 1, 1.0 and true are the same key, and not the same text.
        if type(value) is not str and type(value) is not int:
            return _encode(dict(metadata))
    found = _metadata_texts.get(plain)
    if found is None:
        found = _encode(dict(metadata))
        if len(_metadata_texts) < _METADATA_TEXTS:
            _metadata_texts[plain] = found
    return found


def _part_text(part: Part) -> str:
    if len(part.segments) == 1:
        s = part.segments[0]
        segments = f"[{s.frame_offset:d},{s.frame_length:d},{s.offset:d},{s.length:d}]"
    else:
        segments = ",".join(
            f"[{s.frame_offset:d},{s.frame_length:d},{s.offset:d},{s.length:d}]"
            for s in part.segments
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
    return parse_seen(line, Seen())


def parse_seen(line: bytes, seen: Seen) -> AnyRow | None:
    """The same for one of many lines of an object."""
    try:
        if not line.startswith(b'{"'):
            return _row(json.loads(line), seen)
        # Of bytes `json` first asks whether they are UTF-16 or 32, which costs more than to parse them;
        # what begins with these two is neither.
        text = line.decode("utf-8", "surrogatepass")
        return read_form(text, seen) or _row(json.loads(text), seen)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FormatError("a row of a snapshot is malformed") from None


def _row(value: Any, seen: Seen) -> AnyRow | None:
    kind = value["t"]
    if kind == "item":
        return _item(value, seen)
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
    return None


def _id(value: dict[str, Any]) -> bytes:
    raw = bytes.fromhex(value["id"])
    if len(raw) != 16:
        raise ValueError("an item id has 16 bytes")
    return raw


def _item(value: dict[str, Any], seen: Seen) -> Row:
    parts = tuple(
        Part(
            digest_of(part["m"]),
            seen.pack(part["p"]),
            seen.text(part["k"]),
            tuple(Segment(*_four(numbers)) for numbers in part["s"]),
        )
        for part in value["parts"]
    )
    digest = value["sha256"]
    return Row(
        item_id=_id(value),
        kind=seen.text(value["kind"]),
        native_id=path_of(value["path"]),
        matter=seen.text(value["matter"]),
        size=_count(value["size"]),
        mtime_ns=int(value["mtime_ns"]),
        digest=digest_of(digest) if digest else b"",
        fidelity=FIDELITIES[value["fidelity"]],
        parts=parts,
        metadata=dict(value["meta"]),
        version=seen.text(value["version"]),
    )


def _four(numbers: list[Any]) -> tuple[int, int, int, int]:
    a, b, c, d = numbers
    # In one line what `_count` asks of each: a mail store has a thousand chunks.
    if type(a) is type(b) is type(c) is type(d) is int and min(numbers) >= 0:
        return a, b, c, d
    a, b, c, d = (_count(n) for n in numbers)
    return a, b, c, d


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("a count is a non-negative integer")
    return value


def parse_object(data: bytes, *, vault_id: str, source: str) -> Iterator[AnyRow]:
    """All rows of one opened, decompressed snapshot object. Raises FormatError."""
    return parse_pieces([data], vault_id=vault_id, source=source)


def parse_pieces(pieces: Iterable[bytes], *, vault_id: str, source: str) -> Iterator[AnyRow]:
    """All rows of one opened snapshot object that comes in pieces, cut anywhere. Raises FormatError,
    perhaps after some rows."""
    lines = (line for block in blocks(pieces) for line in lines_of(block))
    check_header(next(lines, b""), vault_id=vault_id, source=source)
    seen = Seen()
    for line in lines:
        row = parse_seen(line, seen)
        if row is not None:
            yield row


def blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut after newlines, so that no line and no line's end is in two of them."""
    rest: list[bytes] = []
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if end:
            rest.append(piece[:end])
            yield b"".join(rest)
            rest = []
        rest.append(piece[end:])
    if last := b"".join(rest):
        yield last


def lines_of(block: bytes) -> list[bytes]:
    """What `splitlines` gives, ends included, in a fifth of the time: that one, as `count` of one byte, looks at each byte by itself."""
    return block.splitlines(keepends=True) if b"\r" in block else list(io.BytesIO(block))


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
