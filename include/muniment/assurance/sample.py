"""Sample: which items of a snapshot a verification restores, and why each.

One matter whole; a few items of every format and kind, so that none goes untried for long; and what
changed in the last eight days, as far as the scratch folder holds it. Drawn from a seed: whoever draws
again from the same snapshot draws the same.

Decisions are pure: rows in, ids and reasons out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from muniment.assurance.rotation import YOUNG
from muniment.ids import sha256_hex
from muniment.model.item import Row
from muniment.vault.history import History

MATTER, FORMAT, YOUNG_ITEM, AUDITED = "matter", "format", "young", "audited"


@dataclass(frozen=True, slots=True)
class Limits:
    """`bytes` and `items` bound what is restored at a time; the matter and the formats come first."""

    bytes: int = 2 << 30
    items: int = 20_000
    of_each_format: int = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """`reasons` is item id -> why it is tried; `left_out` counts young items that did not fit."""

    reasons: Mapping[bytes, str]
    bytes: int
    left_out: int

    @property
    def digest(self) -> str:
        """Identity of exactly this sample."""
        return sha256_hex("\n".join(sorted(i.hex() for i in self.reasons)).encode())

    def withhold(self, row: Row) -> str:
        """A filter of a restore plan that lets exactly the sample through."""
        return "" if row.item_id in self.reasons else "not in the sample"


def matter_sizes(rows: Iterable[Row]) -> Counter[str]:
    """Bytes by opaque matter id."""
    sizes: Counter[str] = Counter()
    for row in rows:
        if row.matter:
            sizes[row.matter] += row.size
    return sizes


def draw_matter(sizes: Mapping[str, int], seed: int, limit: int) -> str:
    """One matter at random, among those that fit into `limit` bytes; the smallest where none does.

    Empty when there is no matter.
    """
    if not sizes:
        return ""
    fitting = sorted(matter for matter, size in sizes.items() if size <= limit)
    if not fitting:
        return min(sizes, key=lambda matter: (sizes[matter], matter))
    return Random(f"matter {seed}").choice(fitting)  # noqa: S311 - a draw, not a secret


def draw(
    rows: Iterable[Row],
    *,
    seed: int,
    matter: str,
    young_packs: frozenset[bytes],
    format_of: Callable[[Row], str],
    limits: Limits,
    audited: Sequence[Row] = (),
) -> Sample:
    """Draws the sample of one source.

    Args:
        matter: opaque id of the matter that is tried whole.
        young_packs: digests of the packs written in the last eight days.
        audited: rows that the vendor showed to an auditor.
        format_of: the contract's word for what a row is; empty for what has no format.
    """
    by_id = sorted(rows, key=lambda row: row.item_id)
    reasons: dict[bytes, str] = {}
    taken = 0

    def take(row: Row, why: str) -> None:
        nonlocal taken
        if row.item_id not in reasons:
            reasons[row.item_id] = why
            taken += row.size

    for row in by_id:
        if matter and row.matter == matter:
            take(row, MATTER)
    for row in audited:
        if taken + row.size <= limits.bytes:
            take(row, AUDITED)
    random = Random(f"formats {seed}")  # noqa: S311
    for _, group in sorted(_by_format(by_id, format_of).items()):
        for row in random.sample(group, min(limits.of_each_format, len(group))):
            if taken + row.size <= limits.bytes:
                take(row, FORMAT)
    left_out = 0
    young = [row for row in by_id if any(part.pack in young_packs for part in row.parts)]
    Random(f"young {seed}").shuffle(young)  # noqa: S311
    for row in young:
        if row.item_id in reasons:
            continue
        if taken + row.size <= limits.bytes and len(reasons) < limits.items:
            take(row, YOUNG_ITEM)
        else:
            left_out += 1
    return Sample(reasons, taken, left_out)


def _by_format(rows: Sequence[Row], format_of: Callable[[Row], str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        # What has no format is tried by its kind: other files, folders, links.
        found.setdefault(format_of(row) or f"kind {row.kind}", []).append(row)
    return found


def young_packs(history: History, now: datetime) -> frozenset[bytes]:
    """Packs that live snapshots of the last eight days brought."""
    return frozenset(
        bytes.fromhex(pack.pack)
        for record in history.live
        if record.commit.ended_at >= now - YOUNG
        for pack in record.commit.packs
        if pack.new
    )
