"""Chance: everything random in the corpora, from one seed, each file by itself.

A file's bytes follow from the seed and the file's name alone, never from what was made before it.
"""

from __future__ import annotations

import random
from array import array

_WORDS = 4096
_TABLE = 1 << 16


def chance(seed: int, *names: object) -> random.Random:
    """A generator of its own for one thing."""
    return random.Random("/".join(map(str, (seed, *names))))


class Prose:
    """Text with the word frequencies of a language (Zipf's law), about as compressible as letters
    are. Fast: sixteen random bits choose a word from a table in which it stands by its frequency."""

    def __init__(self, seed: int) -> None:
        rng = chance(seed, "words")
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        weights = [26 - place for place in range(26)]
        words = [
            "".join(rng.choices(letters, weights, k=rng.randint(2, 11))) for _ in range(_WORDS)
        ]
        total = sum(1 / (rank + 1) for rank in range(_WORDS))
        table = [
            word
            for rank, word in enumerate(words)
            for _ in range(max(1, round(_TABLE / total / (rank + 1))))
        ]
        self._table = [table[place * len(table) // _TABLE] for place in range(_TABLE)]

    def text(self, rng: random.Random, size: int, line: int = 12) -> bytes:
        """`size` bytes of lines of `line` words."""
        numbers = array("H", rng.randbytes(2 * (size // 4 + line)))
        words = [self._table[number] for number in numbers]
        lines = (" ".join(words[at : at + line]) for at in range(0, len(words), line))
        text = ".\n".join(lines).encode()
        while len(text) < size:
            text += text
        return text[:size]
