"""Percent text: any byte string as a JSON string without escapes (docs/FORMAT.md, section 1)."""

from __future__ import annotations

import re

_SPECIAL = re.compile('[%"\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]')
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")


def _escaped(match: re.Match[str]) -> str:
    raw = match[0].encode("utf-8", "surrogateescape")
    return "".join(f"%{byte:02X}" for byte in raw)


def text_of(raw: bytes) -> str:
    """Bytes -> percent text. Total: every byte string has exactly one text."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and not _SPECIAL.search(text):
        return text
    return _SPECIAL.sub(_escaped, text)


def bytes_of(text: str) -> bytes:
    """Percent text -> bytes. Raises ValueError for a stray `%`."""
    raw = text.encode("utf-8")
    if b"%" not in raw:
        return raw
    if len(_ESCAPE.findall(raw)) != raw.count(b"%"):
        raise ValueError("a '%' that does not begin an escape")
    return _ESCAPE.sub(lambda m: bytes.fromhex(m[1].decode()), raw)
