"""Bech32, the text form of age recipients and identities.

BIP 173 (https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki) without its limit of 90
characters, as age takes it. Strict: one case, a valid checksum, no spare bits. So a key mistyped
from a printed key card is refused instead of taken for another key.

Private to `muniment.vault.age`. Errors here are ValueErrors that never quote the text: it may be a
secret; the callers say which line it was.
"""

from __future__ import annotations

from collections.abc import Iterable

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def encode(prefix: str, data: bytes) -> str:
    """`prefix` in lower case; the result is in lower case."""
    values = _regroup(data, 8, 5, pad=True)
    check = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM]) ^ 1
    values += [check >> 5 * (5 - i) & 31 for i in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_ALPHABET[v] for v in values)}"


def decode(text: str) -> tuple[str, bytes]:
    """The prefix, in the case it was written in, and the bytes. Raises ValueError."""
    if text != text.lower() and text != text.upper():
        raise ValueError("it mixes upper and lower case")
    prefix, separator, rest = text.rpartition("1")
    if not separator or not prefix or len(rest) < _CHECKSUM or not text.isascii():
        raise ValueError("it is not Bech32 text")
    try:
        values = [_VALUES[character] for character in rest.lower()]
    except KeyError:
        raise ValueError("it has a character that Bech32 does not use") from None
    if _polymod([*_expand(prefix.lower()), *values]) != 1:
        raise ValueError("its checksum does not fit: a character is wrong or missing")
    return prefix, bytes(_regroup(values[:-_CHECKSUM], 5, 8, pad=False))


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= term
    return check


def _regroup(values: Iterable[int], width: int, new_width: int, *, pad: bool) -> list[int]:
    accumulator = bits = 0
    out = []
    for value in values:
        accumulator = accumulator << width | value
        bits += width
        while bits >= new_width:
            bits -= new_width
            out.append(accumulator >> bits & (1 << new_width) - 1)
        accumulator &= (1 << bits) - 1
    if pad:
        if bits:
            out.append(accumulator << new_width - bits & (1 << new_width) - 1)
    elif bits >= width or accumulator:
        raise ValueError("it has spare bits at its end")
    return out
