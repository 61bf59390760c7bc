"""Path patterns: one small language for matter rules, exclusions and exceptions.

A pattern is held against the whole path of an item, relative to the root of its source, as raw
bytes. It is written with `/` between folders and without one at either end:

- `*` is any run of characters inside one name, also an empty one;
- `**` is a whole segment: any number of folders, also none. As the last segment (`Cases/**`) it is
  the folder itself and everything below it;
- `{number}`, `{title}`, `{client}` take what stands there (matter rules only), `{job}` and `{set}` too (parts of
  backup sets only);
- `{{` and `}}` are braces; every other character is itself, capital and small letters differ.
  A name is found in either Unicode form (a Mac writes an umlaut as two characters).

`{number}` is the longest run that looks like a matter number, never a part of one: groups of digits
joined by `-`, `.` or `_`, perhaps capital letters in front and one letter behind (`2024-0113`,
`LIT-2024-001`, `1001.002`, `00123A`). The others are any characters but `/`.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from muniment.model.value import Value

MAX_LOOSE = 3
"""`*`, `{title}` and the like in one segment: more make matching slow on hostile names."""
MAX_DEEP = 2
"""`**` in one pattern, for the same reason."""
PLACEHOLDERS = ("number", "title", "client")

NUMBER = rb"(?>(?:[A-Z]{1,6}[-._]?)?[0-9]+(?:[-._][0-9]+)*(?:[A-Za-z](?![0-9A-Za-z]))?)"
_NOT_INSIDE_A_NUMBER = rb"(?<![0-9A-Za-z])(?<![0-9][-._])"
_PIECES = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]|\*+|[^{}*]+")


class PatternError(ValueError):
    """A pattern cannot be understood; the text says why and what would be right, without it."""


class PathPattern(Value, frozen=True):
    """One pattern as a regular expression on bytes, to be used with `fullmatch`.

    `segments` is how many leading segments of a path decide a match, or None when all do: only
    of a pattern that ends in `/**` and has no other `**`.
    """

    expression: bytes
    placeholders: tuple[str, ...]
    segments: int | None


def parse_pattern(
    text: str, placeholders: Sequence[str] = (), *, group: str = "", number: bytes = NUMBER
) -> PathPattern:
    """Parses one pattern. Raises PatternError.

    Args:
        text: the pattern.
        placeholders: which placeholders may stand in it.
        group: suffix of the names of groups, so that several patterns fit in one expression.
        number: what `{number}` matches.
    """
    _check_shape(text)
    segments = text.split("/")
    tail = segments[-1] == "**"
    body = segments[:-1] if tail else segments
    found: list[str] = []
    parts: list[bytes] = []
    for place, segment in enumerate(body):
        if segment == "**":
            parts.append(rb"(?:[^/]+/)*")
            continue
        parts.append(_segment(segment, placeholders, group, number, found))
        if place + 1 < len(body):
            parts.append(rb"/")
    if tail:
        parts.append(rb"(?:/.*)?" if body else rb".*")
    decided = len(body) if tail and "**" not in body else None
    return PathPattern(b"".join(parts), tuple(found), decided)


def compile_pattern(text: str) -> re.Pattern[bytes]:
    """A pattern without placeholders, to be used with `fullmatch` on raw paths."""
    return re.compile(parse_pattern(text).expression, re.DOTALL)


def compile_patterns(texts: Sequence[str]) -> re.Pattern[bytes] | None:
    """Several patterns as one expression; None for an empty list. Raises PatternError."""
    if not texts:
        return None
    return re.compile(
        b"|".join(b"(?:" + parse_pattern(t).expression + b")" for t in texts), re.DOTALL
    )


def number_shape(shape: str) -> bytes:
    """A firm's own form of matter numbers: `#` is a digit, `@` a letter, others themselves."""
    if "#" not in shape or "/" in shape:
        raise PatternError("needs at least one # (a digit) and no /; such as ####-####")
    classes: Mapping[str, bytes] = {"#": rb"[0-9]", "@": rb"[A-Za-z]"}
    whole = b"".join(classes.get(c) or re.escape(c.encode()) for c in shape)
    return b"(?>" + whole + rb"(?![0-9A-Za-z]))"


def _check_shape(text: str) -> None:
    segments = text.split("/")
    if not text or "" in segments or text != text.strip():
        raise PatternError(
            "must not be empty, begin or end with / or a space, or contain //;"
            " write it relative to the root of the source, such as Matters/{number} {title}/**"
        )
    if "." in segments or ".." in segments or "\x00" in text:
        raise PatternError("must not contain . or .. as a folder; write the folders' names")
    if segments.count("**") > MAX_DEEP:
        raise PatternError(f"has more than {MAX_DEEP} `**`; write the folders' names instead")
    if text.replace("/", "").strip("*") == "" and segments[-1] != "**":
        return
    if any(a == b == "**" for a, b in itertools.pairwise(segments)):
        raise PatternError("has `**/**`; one `**` means the same")


def _segment(
    segment: str, allowed: Sequence[str], group: str, number: bytes, found: list[str]
) -> bytes:
    parts: list[bytes] = []
    loose = 0
    previous = ""
    for piece in _pieces(segment):
        name = piece[1:-1] if piece.startswith("{") and piece.endswith("}") else ""
        if name:
            _check_placeholder(name, allowed, found, previous)
            found.append(name)
        if piece == "*" or (name and name != "number"):
            loose += 1
        if name == "number":
            guard = _NOT_INSIDE_A_NUMBER if previous == "*" or previous.startswith("{") else b""
            parts.append(guard + f"(?P<number{group}>".encode() + number + b")")
        elif name:
            parts.append(f"(?P<{name}{group}>[^/]*?)".encode())
        else:
            parts.append(rb"[^/]*?" if piece == "*" else _literal(piece))
        previous = piece
    if loose > MAX_LOOSE:
        raise PatternError(
            f"has more than {MAX_LOOSE} of * and of what is put in braces in one folder name"
        )
    return b"".join(parts)


def _pieces(segment: str) -> Iterator[str]:
    for piece in _PIECES.findall(segment):
        if piece in ("{{", "}}"):
            yield piece[0]
        elif piece in ("{", "}"):
            raise PatternError("has a single brace; write {{ or }} for a brace that is meant")
        elif piece.startswith("**"):
            raise PatternError("has ** inside a name; ** stands alone between two /")
        else:
            yield piece


def _check_placeholder(
    name: str, allowed: Sequence[str], found: Sequence[str], previous: str
) -> None:
    if name not in allowed:
        known = " ".join(f"{{{n}}}" for n in allowed)
        raise PatternError(f"has a placeholder that is not known here; known: {known or 'none'}")
    if name in found:
        raise PatternError(f"has {{{name}}} twice")
    braces = previous.startswith("{") and previous.endswith("}")
    is_loose = previous == "*" or (braces and previous != "{number}")
    if is_loose and name != "number":
        raise PatternError(f"has {{{name}}} directly after {previous}; put a character between")


def _literal(text: str) -> bytes:
    forms = {unicodedata.normalize(form, text).encode() for form in ("NFC", "NFD")}
    forms.add(text.encode())
    escaped = sorted(re.escape(form) for form in forms)
    return escaped[0] if len(escaped) == 1 else b"(?:" + b"|".join(escaped) + b")"
