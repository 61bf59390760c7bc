"""Rows and percent text: any name, any metadata, one line each, and back."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.errors import FormatError
from muniment.model.item import Fidelity, Part, Problem, Row, Segment
from muniment.model.matter import MatterName
from muniment.model.text import bytes_of, text_of
from muniment.vault.rows import (
    Gone,
    Snapshot,
    header_line,
    line_of,
    lines_of,
    merge,
    parse_line,
    parse_object,
)

ids = st.binary(min_size=16, max_size=16)
digests = st.binary(min_size=32, max_size=32)
names = st.binary(min_size=1, max_size=300)
numbers = st.integers(min_value=0, max_value=2**62)
segments = st.builds(Segment, numbers, numbers, numbers, numbers)
parts = st.builds(
    Part,
    digests,
    digests,
    st.one_of(st.just("recovery-00000001"), st.text(max_size=8)),
    st.lists(segments, max_size=3).map(tuple),
)
rows = st.builds(
    Row,
    item_id=ids,
    kind=st.one_of(st.sampled_from(["file", "dir", "symlink"]), st.text(max_size=8)),
    native_id=names,
    matter=st.sampled_from(["", "M-7F3K2QXA"]),
    size=numbers,
    mtime_ns=st.integers(min_value=-(2**62), max_value=2**62),
    digest=st.one_of(st.just(b""), digests),
    fidelity=st.sampled_from(list(Fidelity)),
    parts=st.lists(parts, max_size=3).map(tuple),
    metadata=st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers())),
    version=st.text(max_size=8),
)


@given(st.binary(max_size=200))
def test_percent_text_is_one_to_one_and_needs_no_escape(raw: bytes) -> None:
    text = text_of(raw)
    assert bytes_of(text) == raw
    assert json.dumps(text, ensure_ascii=False) == f'"{text}"'
    assert "\n" not in text


@pytest.mark.parametrize("text", ["%", "%4", "%zz", "a%0", "%0a%"])
def test_a_stray_percent_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="%"):
        bytes_of(text)


@given(rows)
def test_a_row_comes_back_as_it_was(row: Row) -> None:
    line = line_of(row)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_line(line) == row


@given(rows)
def test_a_row_is_what_the_plain_encoder_would_write(row: Row) -> None:
    plain = json.dumps(item_fields(row), ensure_ascii=False, separators=(",", ":"))
    assert line_of(row) == plain.encode() + b"\n"


def item_fields(row: Row) -> dict[str, Any]:
    """As docs/FORMAT.md has it."""
    return {
        "t": "item",
        "id": row.item_id.hex(),
        "kind": row.kind,
        "path": text_of(row.native_id),
        "matter": row.matter,
        "size": row.size,
        "mtime_ns": row.mtime_ns,
        "sha256": row.digest.hex(),
        "fidelity": row.fidelity.value,
        "version": row.version,
        "parts": [
            {
                "m": part.digest.hex(),
                "p": part.pack.hex(),
                "k": part.key_id,
                "s": [[s.frame_offset, s.frame_length, s.offset, s.length] for s in part.segments],
            }
            for part in row.parts
        ],
        "meta": dict(row.metadata),
    }


@given(ids, names, st.text(max_size=30))
def test_the_other_lines_come_back_as_they_were(item: bytes, name: bytes, words: str) -> None:
    for row in (
        Gone(item),
        Problem(item, "file", name, "permission denied", True),
        MatterName("M-7F3K2QXA", "2024-0113", words),
    ):
        assert parse_line(line_of(row)) == row


def test_keys_stand_in_the_order_of_the_format_page() -> None:
    row = Row(bytes(16), "file", b"a", "", 0, 0, b"", Fidelity.FILE, ())
    assert line_of(row).startswith(
        b'{"t":"item","id":"' + b"0" * 32 + b'","kind":"file","path":"a",'
    )


@given(st.binary(max_size=80))
def test_a_line_that_is_no_row_is_refused_or_ignored(line: bytes) -> None:
    with suppress(FormatError):
        parse_line(line)


def test_rows_of_another_source_or_vault_are_refused() -> None:
    data = header_line("0" * 32, "files", "recovery-00000001")
    assert list(parse_object(data, vault_id="0" * 32, source="files")) == []
    for vault_id, source in (("1" * 32, "files"), ("0" * 32, "mail")):
        with pytest.raises(FormatError):
            list(parse_object(data, vault_id=vault_id, source=source))


def test_the_last_word_of_an_item_counts() -> None:
    snapshot = Snapshot()
    first = Row(b"a" * 16, "file", b"a", "", 1, 0, b"", Fidelity.FILE, ())
    second = Row(b"a" * 16, "file", b"a", "", 2, 0, b"", Fidelity.FILE, ())
    other = Row(b"b" * 16, "file", b"b", "", 3, 0, b"", Fidelity.FILE, ())
    merge([first, other, second, Gone(b"b" * 16)], snapshot)
    assert list(snapshot.items.values()) == [second]


@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"\x0b", b"\x1c", b"\x85", b"{}"])).map(
        b"".join
    )
)
def test_lines_are_those_of_splitlines(block: bytes) -> None:
    assert lines_of(block) == block.splitlines(keepends=True)
