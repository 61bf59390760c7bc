"""YAML is read as a person reads it."""

from __future__ import annotations

import pytest

from muniment.config.yaml_text import YamlMistake, parse


def mistake(text: str) -> str:
    with pytest.raises(YamlMistake) as caught:
        parse(text.encode())
    return caught.value.issue.text


def test_words_stay_words() -> None:
    data = parse(b"a: no\nb: 22:30\nc: 0113\nd: 2026-02-30\ne: 1e5\nf: on\ng: 0x1F").data
    assert data == {
        "a": "no", "b": "22:30", "c": "0113", "d": "2026-02-30", "e": "1e5", "f": "on", "g": "0x1F",
    }  # fmt: skip


def test_numbers_truth_and_nothing_are_what_they_look_like() -> None:
    assert parse(b"a: 7\nb: 0.5\nc: true\nd:\ne: ~\n1: x").data == {
        "a": 7, "b": 0.5, "c": True, "d": None, "e": None, "1": "x",
    }  # fmt: skip


def test_a_key_that_stands_twice_is_a_mistake() -> None:
    text = mistake("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert "line 4" in text
    assert "first on line 2" in text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: &x 1\nb: *x", 1),
        ("a: !!python/object:os.system x", 1),
        ("a: 1\nb: !mine x", 2),
        ("a: {b: 1}\nc:\n  <<: {d: 1}", 3),
        ("a: 1\n? [x, y]\n: 2", 2),
        ("a: 1\n\tb: 2", 2),
        ("a: 1\nb: [1, 2", 3),
        ("a: 1\nb: x: y", 2),
        ("- a\n- b", 1),
        ("just words", 1),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(text: str, line: int) -> None:
    found = mistake(text)
    assert f"line {line}" in found or "YAML alias" in found


def test_aliases_cannot_make_a_small_document_huge() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert "YAML alias" in mistake("\n".join(lines))


def test_deep_nesting_is_refused() -> None:
    assert "nested too deeply" in mistake("a: " + "[" * 40 + "]" * 40)


def test_other_encodings_and_control_characters_are_refused() -> None:
    with pytest.raises(YamlMistake, match="UTF-8"):
        parse("a: 1\nb: ü".encode("cp1252"))
    assert "character" in mistake("a: \x07")


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert parse(b"\xef\xbb\xbfa: 1").data == {"a": 1}


def test_an_empty_document_is_an_empty_one() -> None:
    assert parse(b"# nothing\n").data == {}


def test_lines_are_those_of_keys_and_entries() -> None:
    document = parse(b"a:\n  - x\n  - y: 1\n    z: 2\n")
    assert document.line(("a",)) == 1
    assert document.line(("a", 1)) == 3
    assert document.line(("a", 1, "z")) == 4
    assert document.line(("a", 1, "absent")) == 3
