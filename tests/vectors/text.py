"""Vectors of percent text (section 1): text, the bytes it stands for, and whether a writer writes them so."""

from __future__ import annotations

from tests.independent.writer import percent_text
from tests.vectors.bench import Bench, vector

# name, text, bytes (None: malformed), what it is about
CASES: list[tuple[str, str, bytes | None, str]] = [
    ("empty", "", b"", "nothing"),
    ("plain", "clients/2024-0113/letter.docx", b"clients/2024-0113/letter.docx", "plain ASCII"),
    ("umlaut", "Ärzte", "Ärzte".encode(), "valid UTF-8 stands for itself"),
    ("beyond-the-bmp", "\U0001f512", "\U0001f512".encode(), "four bytes of UTF-8"),
    ("percent", "100%25", b"100%", "the percent sign itself"),
    ("quote", "%22x%22", b'"x"', "the double quote"),
    ("backslash", "a%5Cb", b"a\\b", "the backslash"),
    ("single-quote", "it's", b"it's", "the single quote stands for itself"),
    ("line-feed", "a%0Ab%0D", b"a\nb\r", "control characters"),
    ("nul", "a%00b", b"a\0b", "NUL is a byte like others in percent text; paths must not have it"),
    ("delete", "%7F", b"\x7f", "U+007F"),
    ("c1", "%C2%85", "\x85".encode(), "U+0085 is escaped byte by byte though it is valid UTF-8"),
    ("c1-last", "%C2%9F\xa0", "\x9f\xa0".encode(), "U+009F is escaped, U+00A0 is not"),
    ("line-separator", "%E2%80%A8%E2%80%A9", "\u2028\u2029".encode(), "U+2028 and U+2029"),
    ("bom", "\ufeff", "\ufeff".encode(), "U+FEFF stands for itself"),
    ("latin-1", "%E9t%E9", b"\xe9t\xe9", "bytes that are not UTF-8"),
    ("truncated", "%E2%82", b"\xe2\x82", "a truncated sequence: each of its bytes"),
    ("truncated-then-text", "%E2%82A", b"\xe2\x82A", "a truncated sequence before a letter"),
    ("overlong", "%C0%AF", b"\xc0\xaf", "an overlong form is not valid UTF-8"),
    ("surrogate", "%ED%A0%80", b"\xed\xa0\x80", "an encoded surrogate is not valid UTF-8"),
    ("too-large", "%F4%90%80%80", b"\xf4\x90\x80\x80", "above U+10FFFF"),
    ("needless", "%41%2F", b"A/", "escaped without need: readable, but no writer writes it"),
    ("needless-utf-8", "%C3%84", "Ä".encode(), "valid UTF-8, escaped without need"),
    ("split-utf-8", "%C3Ä", b"\xc3" + "Ä".encode(), "a stray lead byte before valid UTF-8"),
    ("bare-percent", "100%", None, "a percent sign at the end"),
    ("one-digit", "%4", None, "one hex digit only"),
    ("lower-case", "%c3%84", None, "lower-case hex"),
    ("no-hex", "%GG", None, "no hex digits"),
    ("percent-u", "%u00E4", None, "another kind of escape"),
    ("percent-percent", "%%25", None, "a percent sign before an escape"),
]


def _register(name: str, text: str, raw: bytes | None, why: str) -> None:
    @vector("percent", name)
    def _(bench: Bench) -> None:
        find = {"bytes": raw.hex(), "canonical": percent_text(raw) == text} if raw is not None else None  # fmt: skip
        bench.done(raw is not None, why, find, text=text)


for _case in CASES:
    _register(*_case)
