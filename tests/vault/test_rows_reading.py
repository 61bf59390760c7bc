"""Reading rows the quick way gives what the plain way gives, whatever somebody wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from muniment.errors import FormatError
from muniment.model.item import Fidelity, Part, Problem, Row, Segment
from muniment.model.matter import MatterName
from muniment.model.text import bytes_of
from muniment.vault.row_form import Seen, read_form
from muniment.vault.rows import (
    AnyRow,
    Gone,
    Snapshot,
    header_line,
    line_of,
    merge,
    parse_line,
    parse_object,
    parse_pieces,
    parse_seen,
)
from muniment.vault.rows_of_matter import rows_of_matter
from tests.vault.test_rows import rows

VAULT, SOURCE = "0" * 32, "files"
HEADER = header_line(VAULT, SOURCE, "recovery-00000001")
OURS, OTHERS = "M-7F3K2QXA", "M-AAAA2222"
DIGEST = "ab" * 32


# -- one line --------------------------------------------------------------------------------------


def plainly(line: bytes) -> AnyRow | None:
    """A line as the format page says it, without regard to speed."""
    try:
        value = json.loads(line)
        kind = value["t"]
        if kind == "item":
            return plain_item(value)
        if kind == "gone":
            return Gone(of_length(value["id"], 16))
        if kind == "problem":
            return Problem(
                of_length(value["id"], 16), value["kind"], bytes_of(value["path"]),
                value["cause"], bool(value["kept"]),
            )  # fmt: skip
        if kind == "matter":
            title = bytes_of(value["title"]).decode("utf-8", "surrogateescape")
            return MatterName(value["matter"], value["number"], title)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FormatError("malformed") from None
    return None


def plain_item(value: Any) -> Row:
    parts = []
    for part in value["parts"]:
        segments = []
        for numbers in part["s"]:
            a, b, c, d = [count(n) for n in numbers]
            segments.append(Segment(a, b, c, d))
        digests = of_length(part["m"], 32), of_length(part["p"], 32)
        parts.append(Part(*digests, str(part["k"]), tuple(segments)))
    try:
        path = bytes_of(value["path"])
    except ValueError:
        path = b""
    return Row(
        item_id=of_length(value["id"], 16),
        kind=str(value["kind"]),
        native_id=path,
        matter=str(value["matter"]),
        size=count(value["size"]),
        mtime_ns=int(value["mtime_ns"]),
        digest=of_length(value["sha256"], 32) if value["sha256"] else b"",
        fidelity=Fidelity(value["fidelity"]),
        parts=tuple(parts),
        metadata=dict(value["meta"]),
        version=str(value["version"]),
    )


def of_length(text: str, length: int) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != length:
        raise ValueError(text)
    return raw


def count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def outcome(parse: Any, line: bytes) -> object:
    try:
        return parse(line)
    except FormatError:
        return FormatError


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@st.composite
def hostile_lines(draw: st.DrawFn) -> bytes:
    """The line of a row, in which somebody changed a value, or some bytes, or how it is encoded."""
    value = json.loads(line_of(draw(rows)))
    for _ in range(draw(st.integers(0, 2))):
        inside = value
        # The change before may have made anything of the parts.
        parts = value["parts"] if isinstance(value["parts"], list) else []
        parts = [part for part in parts if isinstance(part, dict) and part]
        if parts and draw(st.booleans()):
            inside = draw(st.sampled_from(parts))
        key = draw(st.sampled_from(sorted(inside)))
        inside[key] = draw(anything | st.lists(st.lists(anything, min_size=4, max_size=4)))
        value = json.loads(json.dumps(value))
    # Mostly in our writers' form, but for what was changed.
    separators = draw(st.sampled_from([(",", ":"), (",", ":"), (", ", ": ")]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators)
    line = text.encode("utf-8", "surrogatepass") + b"\n"
    if draw(st.booleans()):
        at = draw(st.integers(0, len(line)))
        until = at + draw(st.integers(0, 3))
        line = line[:at] + draw(st.binary(max_size=3)) + line[until:]
    if draw(st.integers(0, 9)) == 0:
        line = line.decode("utf-8", "replace").encode(draw(st.sampled_from(["utf-16", "utf-32"])))
    return line


@given(hostile_lines())
@example(b'{"t":"gone","id":"' + b"0" * 32 + b'"}')
@example(b'\xef\xbb\xbf{"t":"gone","id":"' + b"0" * 32 + b'"}')
def test_a_hostile_line_says_the_same_quickly_and_plainly(line: bytes) -> None:
    assert outcome(parse_line, line) == outcome(plainly, line)


@given(st.lists(hostile_lines(), min_size=2, max_size=4))
def test_what_one_line_says_is_not_seen_in_another(lines: list[bytes]) -> None:
    """What is kept once for many rows stays what it was, also when a reader changes his own."""
    seen = Seen()
    for line in lines:
        found = outcome(lambda each: parse_seen(each, seen), line)
        assert found == outcome(plainly, line)
        if isinstance(found, Row):
            cast(dict[str, Any], found.metadata)["changed"] = True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"size":1', '"size":01'),
        ('"size":1', '"size":-1'),
        ('"size":1', '"size":1.0'),
        ('"size":1', '"size":1e3'),
        ('"size":1', '"size":"1"'),
        ('"size":1', '"size":\u0661'),
        ('"size":1', '"size":true'),
        ('"size":1', '"size":' + "9" * 5000),
        ('"mtime_ns":0', '"mtime_ns":-0'),
        ('"mtime_ns":0', '"mtime_ns":"7"'),
        ('"mtime_ns":0', '"mtime_ns":-01'),
        ('"path":"a"', '"path":"a\tb"'),
        ('"path":"a"', '"path":"a%0"'),
        ('"path":"a"', '"path":"a\x7f\u2028\u00e9"'),
        ('"path":"a"', '"path":"\\u0061"'),
        ('"kind":"file"', '"kind":"file","kind":"dir"'),
        ('"fidelity":"file"', '"fidelity":"other"'),
        (f'"sha256":"{DIGEST}"', '"sha256":""'),
        (f'"sha256":"{DIGEST}"', '"sha256":"AB"'),
        (f'"sha256":"{DIGEST}"', f'"sha256":"{DIGEST.upper()}"'),
        ("[[0,9,0,1]]", "[[0,9,0,1],[9,9,0,1]]"),
        ("[[0,9,0,1]]", "[]"),
        ("[[0,9,0,1]]", "[[0,9,0]]"),
        ("[[0,9,0,1]]", "[[0,-9,0,1]]"),
        ('"meta":{}', '"meta":{"a":1,"a":2}'),
        ('"meta":{}', '"meta":{"a"}'),
        ('"meta":{}', '"meta":{"xattrs":{"user.a":"eA=="}}'),
        ('"meta":{}', '"meta":{"a":"}"}'),
        ('"meta":{}', '"meta":{}}'),
        ('"meta":{}', '"meta":{},"new":1'),
        ('"meta":{}', '"meta":{"a":NaN}'),
        ('"meta":{}', '"meta":[["a",1]]'),
        ('"meta":{}}', '"meta":{}} '),
        ('"meta":{}}', '"meta":{}}\r'),
        ('"meta":{}}', '"meta":{}}{}'),
        ("\n", ""),
    ],
)
def test_what_is_nearly_our_form_means_what_the_parser_says(old: str, new: str) -> None:
    text = json.dumps(item("11" * 16, OURS), separators=(",", ":")) + "\n"
    assert old in text
    line = text.replace(old, new).encode()
    assert repr(outcome(parse_line, line)) == repr(outcome(plainly, line))


def test_our_form_is_read_without_the_parser() -> None:
    text = json.dumps(item("11" * 16, OURS), separators=(",", ":")) + "\n"
    assert read_form(text, Seen()) == plainly(text.encode())
    folder = json.dumps(
        item("11" * 16, "") | {"kind": "dir", "sha256": "", "parts": [], "meta": {"mode": 493}},
        separators=(",", ":"),
    )
    assert read_form(folder + "\n", Seen()) == plainly(folder.encode())


def test_a_kind_that_is_called_like_a_pack_is_not_taken_for_it() -> None:
    value = item("11" * 16, OURS) | {"kind": DIGEST, "matter": DIGEST, "version": DIGEST}
    line = json.dumps(value).encode() + b"\n"
    (row,) = read([HEADER, line])
    assert row == plainly(line)


# -- pieces ----------------------------------------------------------------------------------------


@given(st.lists(rows, max_size=4), st.sampled_from([b"", b"\r", b"\n", b" \r\n"]), st.data())
def test_pieces_may_be_cut_anywhere(some: list[Row], end: bytes, data: st.DataObject) -> None:
    whole = HEADER + b"".join(line_of(row).rstrip(b"\n") + end + b"\n" for row in some)
    whole = whole[: data.draw(st.integers(0, len(whole)))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    def by_pieces(_: bytes) -> object:
        return list(parse_pieces(pieces, vault_id=VAULT, source=SOURCE))

    def at_once(_: bytes) -> object:
        return list(parse_object(whole, vault_id=VAULT, source=SOURCE))

    def by_lines(_: bytes) -> object:
        lines = whole.splitlines(keepends=True)
        if lines[:1] != [HEADER] and (not lines or json.loads(lines[0]) != json.loads(HEADER)):
            raise FormatError("no header")
        return [row for row in map(parse_line, lines[1:]) if row is not None]

    expected = outcome(at_once, b"")
    assert outcome(by_pieces, b"") == expected
    if whole.startswith(HEADER):
        assert outcome(by_lines, b"") == expected


# -- one matter ------------------------------------------------------------------------------------


def item(item_id: str, matter: str) -> dict[str, Any]:
    part = {"m": DIGEST, "p": DIGEST, "k": "recovery-00000001", "s": [[0, 9, 0, 1]]}
    return {
        "t": "item", "id": item_id, "kind": "file", "path": "a", "matter": matter, "size": 1,
        "mtime_ns": 0, "sha256": DIGEST, "fidelity": "file", "version": "", "parts": [part],
        "meta": {},
    }  # fmt: skip


def read(pieces: Iterable[bytes]) -> Iterator[AnyRow]:
    return parse_pieces(pieces, vault_id=VAULT, source=SOURCE)


def merged(lines: list[bytes]) -> Snapshot:
    snapshot = Snapshot()
    merge(read([HEADER, *lines]), snapshot)
    return snapshot


def merged_quickly(*pieces: bytes) -> Snapshot:
    snapshot = Snapshot()
    found = rows_of_matter(pieces, (OURS,), snapshot.items, vault_id=VAULT, source=SOURCE)
    merge(found, snapshot)
    return snapshot


def of_ours(lines: list[bytes]) -> tuple[object, object, object]:
    """What the plain way has of the matter: everything merged, then chosen."""
    whole = merged(lines)
    items = {k: r for k, r in whole.items.items() if r.matter == OURS}
    return items, whole.problems, whole.matters


def assert_alike(lines: list[bytes]) -> None:
    for pieces in ([HEADER, *lines], [HEADER + b"".join(lines)], [HEADER, b"".join(lines)]):
        quick = merged_quickly(*pieces)
        assert (quick.items, quick.problems, quick.matters) == of_ours(lines)


@st.composite
def spelled(draw: st.DrawFn) -> bytes:
    """A valid line about one of three items of one of two matters, however JSON lets it be written:
    spaces, escapes, keys in any order or given twice."""
    item_id = draw(st.sampled_from(["00", "11", "22"])) * 16
    matter = draw(st.sampled_from([OURS, OTHERS, ""]))
    kind = draw(st.sampled_from(["item", "item", "item", "gone", "problem", "matter", "new"]))
    words = {"cause": "locked", "kept": True, "number": "7", "title": "x"}
    pairs = list((item(item_id, matter) | words | {"t": kind}).items())
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    for key in draw(st.lists(st.sampled_from(["t", "id", "matter", "path"]), max_size=2)):
        value = {"t": "gone", "id": "33" * 16, "matter": OURS, "path": f'"{OURS}","t":"gone"'}
        at = draw(st.integers(0, len(pairs)))
        pairs.insert(at, (key, draw(st.sampled_from([value[key], dict(pairs).get(key)]))))
    escaped = draw(st.sampled_from(["", "", "t", "i", "M", "m", "-"]))

    def text(value: Any) -> str:
        plain = json.dumps(value, separators=(",", ":"))
        if escaped and isinstance(value, str):
            plain = plain.replace(escaped, f"\\u{ord(escaped):04x}", 1)
        return plain

    colon, comma = draw(st.sampled_from([(":", ","), (" : ", " , "), (":\t", ",")]))
    return ("{" + comma.join(f"{text(k)}{colon}{text(v)}" for k, v in pairs) + "}\n").encode()


@given(st.lists(spelled(), max_size=8))
def test_one_matter_is_what_the_plain_way_has_of_it(lines: list[bytes]) -> None:
    assert_alike(lines)


@given(st.lists(rows, max_size=5))
def test_so_it_is_with_what_the_product_writes(some: list[Row]) -> None:
    assert_alike([line_of(row) for row in some])


def _replaced(old: str, new: str, matter: str = OTHERS) -> bytes:
    text = json.dumps(item("11" * 16, matter), separators=(",", ":"))
    assert old in text
    return text.replace(old, new).encode() + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        _replaced('"meta":{}', '"meta":{},"t":"gone"', OURS),
        _replaced('"meta":{}', '"meta":{},"t" :"gone"'),
        _replaced('"meta":{}', '"meta":{},"\\u0074":"gone"'),
        _replaced('"meta":{}', '"meta":{},"id":"' + "22" * 16 + '"'),
        _replaced('"meta":{}', f'"meta":{{}},"matter":"{OURS}"'),
        _replaced(OTHERS, OURS.replace("M", "\\u004d")),
        _replaced('"meta":{}', '"meta":{"t":"gone","id":"2"}'),
        _replaced('"path":"a"', f'"path":"\\"{OURS}\\""'),
        _replaced('"path":"a"', f'"path":"{OURS}"'),
        _replaced('{"t"', ' {"t"'),
        _replaced("11" * 16, "AB" * 16),
    ],
    ids=range(11),
)
def test_a_line_that_only_a_parser_understands_is_parsed(line: bytes) -> None:
    before = [json.dumps(item(n * 16, OURS)).encode() + b"\n" for n in ("11", "22", "ab")]
    assert_alike([*before, line])


def test_an_item_that_went_to_another_matter_is_not_given_back_with_its_old_one() -> None:
    ours, others = (
        json.dumps(item("11" * 16, m), separators=(",", ":")).encode() + b"\n"
        for m in (OURS, OTHERS)
    )
    assert merged_quickly(HEADER, ours).items
    assert not merged_quickly(HEADER, ours, others).items
    assert merged_quickly(HEADER, ours, others, ours).items


def test_lines_of_other_matters_are_not_parsed() -> None:
    """What the quick way is for: a line of another matter may hold anything behind its beginning."""
    line = _replaced('"size":1', '"size":nonsense')
    assert merged_quickly(HEADER, line).items == {}
    with pytest.raises(FormatError):
        merged([line])


@pytest.mark.parametrize("pieces", [(), (b"",), (b"{}\n",), (HEADER.replace(b"files", b"other"),)])
def test_an_object_without_its_header_is_refused_for_a_matter_too(
    pieces: tuple[bytes, ...],
) -> None:
    with pytest.raises(FormatError):
        merged_quickly(*pieces)
