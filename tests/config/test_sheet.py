"""CSV as spreadsheets write it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.config.inventory import COLUMNS
from muniment.config.inventory_reader import Known, read_inventory
from muniment.config.sheet import read_sheet, write_sheet
from tests.support.firms import cells

_IDS = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5})?", fullmatch=True).filter(
    lambda text: text != "matters"
)
_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n;,\"'\t"), max_size=30
).filter(lambda text: text.strip()[:1] not in ("=", "@", "+", "-"))


@st.composite
def _files(draw: st.DrawFn) -> tuple[bytes, list[dict[str, str]]]:
    """A file in some dialect, and the cells that must be read from it."""
    ids = draw(st.lists(_IDS, min_size=1, max_size=5, unique=True))
    rows = [
        cells(name, description=draw(_TEXT), notes=draw(_TEXT), native_retention=draw(_TEXT))
        for name in ids
    ]
    delimiter = draw(st.sampled_from(",;\t"))
    out = io.StringIO(newline="")
    ending = draw(st.sampled_from(["\r\n", "\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    if ending == "\r":
        # Python's writer leaves a lone \n bare in such a file; no spreadsheet does.
        quoting = csv.QUOTE_ALL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    columns = draw(st.permutations(COLUMNS))
    beyond = [""] * draw(st.integers(0, 3))
    titles = draw(st.booleans())
    names = [c.replace("_", " ").title() if titles else c for c in columns]
    if draw(st.booleans()):
        out.write(f"sep={delimiter}{ending}")
    writer.writerow([*names, *beyond])
    for row in rows:
        if draw(st.booleans()):
            writer.writerow([""] * draw(st.integers(0, len(columns))))
        writer.writerow([*(row[column] for column in columns), *beyond])
    for _ in range(draw(st.integers(0, 3))):
        writer.writerow([""] * len(columns))
    text = out.getvalue()
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig"]))), rows


@given(_files())
def test_every_dialect_reads_back(made: tuple[bytes, list[dict[str, str]]]) -> None:
    content, rows = made
    found = read_inventory(content, Known())
    assert not found.errors
    assert not found.issues
    assert [row.source_id for row in found.rows] == [row["source_id"] for row in rows]
    for read, row in zip(found.rows, rows, strict=True):
        for column in ("description", "notes", "native_retention", "location", "owner"):
            assert getattr(read, column) == row[column].strip()


@given(_files())
def test_what_is_read_and_written_again_stays_the_same(
    made: tuple[bytes, list[dict[str, str]]],
) -> None:
    first = read_inventory(made[0], Known())
    again = write_sheet(COLUMNS, [row.cells() for row in first.rows])
    second = read_inventory(again, Known())
    assert [row.cells() for row in second.rows] == [row.cells() for row in first.rows]


@given(st.binary(max_size=400))
def test_no_bytes_make_reading_fail(noise: bytes) -> None:
    good = write_sheet(COLUMNS, [cells("files")])
    read_inventory(noise)
    read_inventory(good + noise)
    read_inventory(noise + good)


@given(st.lists(st.sampled_from(['"', ",", "\r\n", "a", "files2", " "]), max_size=40))
def test_a_row_before_noise_is_always_read(noise: list[str]) -> None:
    content = write_sheet(COLUMNS, [cells("files")]) + "".join(noise).encode()
    assert read_inventory(content, Known()).rows[0].source_id == "files"


def test_a_quote_that_is_not_closed_takes_no_other_row_along() -> None:
    lines = write_sheet(COLUMNS, [cells("a"), cells("b"), cells("c")], mark=False).splitlines()
    lines[2] = lines[2].replace(b"Matter files", b'"Matter files')
    found = read_inventory(b"\r\n".join(lines), Known())
    assert [row.source_id for row in found.rows] == ["a", "c"]
    (error,) = found.errors
    assert (error.row, error.source_id) == (3, "b")
    assert "quote" in error.text


def test_a_comma_outside_quotes_is_noticed() -> None:
    lines = write_sheet(COLUMNS, [cells("a"), cells("b")], mark=False).splitlines()
    lines[1] = lines[1].replace(b"Matter files", b"Matter, files")
    found = read_inventory(b"\n".join(lines), Known())
    assert [row.source_id for row in found.rows] == ["b"]
    assert "to the right of the last column" in found.errors[0].text


def test_rows_are_counted_as_the_spreadsheet_shows_them() -> None:
    rows = [cells("a", notes="one\ntwo\nthree"), dict.fromkeys(COLUMNS, ""), cells("b", rpo="x")]
    for head in (b"", b"sep=,\r\n"):
        found = read_inventory(head + write_sheet(COLUMNS, rows, mark=False), Known())
        assert [(error.row, error.source_id) for error in found.errors] == [(4, "b")]


def test_rows_that_begin_with_a_hash_are_remarks() -> None:
    found = read_inventory(write_sheet(COLUMNS, [{"source_id": "# remark"}, cells("a")]), Known())
    assert [row.row for row in found.rows] == [3]
    assert not found.errors


def test_windows_1252_is_read_and_reported() -> None:
    content = write_sheet(COLUMNS, [cells("a", notes="Müller – 5 €")], mark=False)
    found = read_inventory(content.decode().encode("cp1252"), Known())
    assert found.rows[0].notes == "Müller – 5 €"
    assert "Windows-1252" in found.issues[0].text


def test_a_sheet_with_too_many_rows_is_cut_loudly() -> None:
    sheet = read_sheet(b"source_id\r\n" + b"a\r\n" * 6_000, COLUMNS)
    assert sheet.cut


@pytest.mark.parametrize("program", ["openpyxl"])
def test_a_workbook_is_refused_with_the_way_out(program: str) -> None:
    openpyxl = pytest.importorskip(program)
    book = openpyxl.Workbook()
    book.active.append(list(COLUMNS))
    out = io.BytesIO()
    book.save(out)
    found = read_inventory(out.getvalue())
    assert "CSV UTF-8" in found.issues[0].text
