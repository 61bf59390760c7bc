"""JSON that keeps every number as it came. Money at the vendor is a JSON number: read as a double it
would lose its text, and sums their cents.

`parse` gives numbers with a point or an exponent as Decimal, whole ones as int of any size; `canonical`
writes them back digit by digit, names sorted, no blanks: the same row gives the same bytes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_READ = msgspec.json.Decoder(float_hook=Decimal)
_WRITE = msgspec.json.Encoder(decimal_format="number", order="sorted")


def parse(text: bytes | str) -> Any:
    """Raises ValueError for what is no JSON."""
    try:
        return _READ.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        # Not its own text: that may quote what was read.
        raise ValueError("this is no JSON") from None


def canonical(value: Any) -> bytes:
    """UTF-8, without a line end."""
    return _WRITE.encode(value)
