"""Size: how much of everything the example firm has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """`page` is columns and rows of a scanned page in cells of 8 dots; sizes are bytes."""

    matters: int
    documents: int
    mailbox_bytes: int
    dump_bytes: int
    page: tuple[int, int]
    longest: int
    """Pages of the longest printed document."""

    @staticmethod
    def scaled(scale: float) -> Size:
        """The demonstration's firm at 1.0: 60 matters, 3,000 documents, a mailbox of 150 MB."""
        if not 0.01 <= scale <= 100:
            raise ValueError(f"scale must be from 0.01 to 100, not {scale}")
        return Size(
            matters=max(6, round(60 * scale)),
            documents=max(150, round(3000 * scale)),
            mailbox_bytes=round(150_000_000 * scale),
            dump_bytes=round(40_000_000 * scale),
            page=(85, 110),
            longest=12,
        )


SMALL = Size(
    matters=6, documents=150, mailbox_bytes=1_000_000, dump_bytes=150_000, page=(50, 65), longest=4
)
"""For tests: everything that the full firm has, in 3 MB."""
