"""Chance that repeats: every choice of the example firm comes from a seed and a label.

Invariants: the same seed and label give the same sequence, whatever was drawn elsewhere, so that
one more document in a folder changes no other document.
"""

from __future__ import annotations

from hashlib import shake_128
from random import Random


def stream(seed: int, *labels: object) -> Random:
    """A generator of its own for one purpose, named by its labels."""
    return Random("\x1f".join((str(seed), *map(str, labels))))


def noise(seed: int, size: int, *labels: object) -> bytes:
    """`size` bytes that no compressor makes smaller, about 350 MB a second."""
    name = "\x1f".join((str(seed), *map(str, labels)))
    return shake_128(name.encode("utf-8", "surrogateescape")).digest(size)
