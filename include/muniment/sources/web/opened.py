"""Opened: one item of an API as an ItemReader."""

from __future__ import annotations

from collections.abc import Iterator

from muniment.model.item import Fidelity, Fingerprint, Observed
from muniment.sources.base import Description


class Opened:
    """A row, or bytes that come in pieces. Where `observed` is None nobody wants it described: who gave
    `listed` has that from the listing."""

    def __init__(
        self,
        observed: Observed | None,
        listed: Fingerprint | None = None,
        pieces: Iterator[bytes] | None = None,
    ) -> None:
        self._observed = observed
        self._listed = listed
        self._pieces = pieces
        self._left = b""
        if pieces is None and observed is not None and observed.brought is not None:
            self._left = observed.brought.content or b""

    def describe(self) -> Description:
        if self._observed is None or self._observed.brought is None:
            assert self._listed is not None
            return Description(self._listed, Fidelity.FILE, {}, True)
        brought = self._observed.brought
        return Description(self._observed.fingerprint, brought.fidelity, brought.metadata, True)

    def read(self, size: int) -> bytes:
        while not self._left and self._pieces is not None:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        found, self._left = self._left[:size], self._left[size:]
        return found

    def settled(self) -> bool:
        # A version never changes, and who streamed it saw to its size; a row was one answer.
        return True


class Streamed(Opened):
    """Bytes from the vendor's storage. What is not there is found out at once."""

    def __init__(
        self, observed: Observed | None, listed: Fingerprint | None, pieces: Iterator[bytes]
    ) -> None:
        super().__init__(observed, listed, pieces)
        self._left = next(pieces, b"")
