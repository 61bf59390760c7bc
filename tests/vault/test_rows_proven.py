"""Rows are proven as reading them would prove them, whatever somebody wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.errors import FormatError, MunimentError
from muniment.model.item import Row
from muniment.vault import rows_proven
from muniment.vault.rows import Gone, line_of, parse_pieces
from muniment.vault.rows_proven import prove_rows
from tests.vault.test_rows import rows
from tests.vault.test_rows_reading import (
    DIGEST,
    HEADER,
    OTHERS,
    OURS,
    SOURCE,
    VAULT,
    hostile_lines,
    item,
    spelled,
)

Proof = tuple[int, dict[bytes, str]] | type[MunimentError]


def plainly(pieces: Iterable[bytes]) -> Proof:
    """Every row read, and held against its size."""
    count, matter_of = 0, dict[bytes, str]()
    try:
        for row in parse_pieces(pieces, vault_id=VAULT, source=SOURCE):
            count += 1
            if isinstance(row, Row):
                length = sum(s.length for part in row.parts for s in part.segments)
                if row.parts and length != row.size:
                    return MunimentError
                matter_of[row.item_id] = row.matter
            elif isinstance(row, Gone):
                matter_of.pop(row.item_id, None)
    except FormatError:
        return FormatError
    return count, matter_of


def quickly(pieces: Iterable[bytes]) -> Proof:
    matter_of: dict[bytes, str] = {}
    try:
        return prove_rows(pieces, matter_of, vault_id=VAULT, source=SOURCE), matter_of
    except FormatError:
        return FormatError
    except MunimentError:
        return MunimentError


def assert_alike(lines: list[bytes]) -> None:
    for pieces in ([HEADER, *lines], [HEADER + b"".join(lines)], [HEADER, b"".join(lines)]):
        assert quickly(pieces) == plainly(pieces)


@given(st.lists(spelled(), max_size=8))
def test_however_json_lets_it_be_written(lines: list[bytes]) -> None:
    assert_alike(lines)


@given(st.lists(hostile_lines(), max_size=3))
def test_whatever_was_changed(lines: list[bytes]) -> None:
    assert_alike(lines)


@given(st.lists(rows, max_size=5))
def test_what_the_product_writes(some: list[Row]) -> None:
    assert_alike([line_of(row) for row in some])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"size":1', '"size":2'),
        ('"size":1', '"size":-1'),
        ('"size":1', '"size":true'),
        ('"size":1', '"size":' + "9" * 5000),
        ('"mtime_ns":0,', ""),
        ('"kind":"file",', ""),
        ('"path":"a",', ""),
        (f'"matter":"{OURS}",', ""),
        ('"version":"",', ""),
        ('"version":""', '"version":null'),
        ('"path":"a"', '"path":"a%0"'),
        ('"kind":"file"', '"kind":7'),
        ('"fidelity":"file"', '"fidelity":"other"'),
        (f'"sha256":"{DIGEST}"', '"sha256":""'),
        (f'"sha256":"{DIGEST}"', '"sha256":null'),
        (f'"sha256":"{DIGEST}"', '"sha256":"AB"'),
        (f'"sha256":"{DIGEST}","fidelity"', '"sha256":"","fidelity"'),
        (f'"m":"{DIGEST}"', '"m":""'),
        (f'"m":"{DIGEST}"', '"m":"ab"'),
        (f'"p":"{DIGEST}"', '"p":"' + "zz" * 32 + '"'),
        ('"k":"recovery-00000001",', ""),
        ("[[0,9,0,1]]", "[[0,9,0,1],[9,9,0,1]]"),
        ("[[0,9,0,1]]", "[]"),
        ("[[0,9,0,1]]", "[[0,9,0]]"),
        ("[[0,9,0,1]]", "[[0,-9,0,1]]"),
        ('"meta":{}', '"meta":[["a",1]]'),
        ('"meta":{}', '"meta":[]'),
        ('"meta":{}', '"meta":7'),
        (',"meta":{}', ""),
        ('"id":"' + "11" * 16, '"id":"' + "11" * 15),
        ("}\n", "}{}\n"),
        ("}\n", "}"),
        ("}\n", "}\r"),
    ],
)
def test_what_is_nearly_our_form(old: str, new: str) -> None:
    text = json.dumps(item("11" * 16, OURS), separators=(",", ":")) + "\n"
    assert old in text
    good = (json.dumps(item("22" * 16, OTHERS), separators=(",", ":")) + "\n").encode()
    assert_alike([good, text.replace(old, new).encode(), good])
    assert_alike([text.replace(old, new).encode()])


def test_a_digest_that_is_none_is_none_also_where_the_part_has_it_too() -> None:
    value = item("11" * 16, OURS)
    value["sha256"] = value["parts"][0]["m"] = ""
    line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    assert quickly([HEADER, line]) is FormatError
    assert_alike([line])


def test_what_the_product_writes_is_proven_without_the_parser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [
        json.dumps(item(n * 16, OURS), separators=(",", ":")).encode() + b"\n" for n in ("11", "22")
    ]

    def refuse(*_: object) -> None:
        raise AssertionError("the parser was asked")

    monkeypatch.setattr(rows_proven, "parse_seen", refuse)
    assert quickly([HEADER, *lines]) == (2, {b"\x11" * 16: OURS, b"\x22" * 16: OURS})


@pytest.mark.parametrize("pieces", [(), (b"",), (b"{}\n",), (HEADER.replace(b"files", b"other"),)])
def test_an_object_without_its_header_is_refused(pieces: tuple[bytes, ...]) -> None:
    assert quickly(pieces) is FormatError
