"""State members: where the vault already has given bytes, for de-duplication.

Only a run that found something changed asks, so the order of digests is made when it first does; a
dictionary of a million digests would be larger than the state.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from muniment.model.item import Part
from muniment.vault.state_table import DIGEST_BYTES, NO_PACK, SEVERAL, Table

_BUCKETS = 64


class Members:
    """The parts of a table by member digest."""

    def __init__(self, table: Table) -> None:
        self._table = table
        heads = array("Q")
        heads.frombytes(table.digests)
        # The first eight bytes of a digest, as this machine reads a number: any order will do.
        self._heads = heads[:: DIGEST_BYTES // 8]
        packs = enumerate(table.numbers["pack"])
        whole = (row for row, pack in packs if pack not in (NO_PACK, SEVERAL))
        # By their first bits apart before they are put in order: numbers of a million rows at once are 80 MB.
        buckets = [array("I") for _ in range(_BUCKETS)]
        shift = 64 - _BUCKETS.bit_length() + 1
        for row in whole:
            buckets[self._heads[row] >> shift].append(row)
        self._rows = array("I")
        for bucket in buckets:
            self._rows.extend(sorted(bucket, key=self._heads.__getitem__))
        self._several: dict[bytes, dict[tuple[str, bytes], Part]] = {}
        for item_id in table.several:
            for part in table.parts(table.find(item_id)):
                self._several.setdefault(part.digest, {})[part.key_id, part.pack] = part

    def find(self, digest: bytes) -> Iterator[Part]:
        """Every part that is this member, in whatever pack."""
        yield from self._several.get(digest, {}).values()
        head = array("Q", digest[:8])[0]
        at = bisect_left(self._rows, head, key=self._heads.__getitem__)
        while at < len(self._rows) and self._heads[row := self._rows[at]] == head:
            if self._table.digest(row) == digest:
                yield from self._table.parts(row)
            at += 1
