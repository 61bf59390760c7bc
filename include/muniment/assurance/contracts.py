"""Contracts: what each kind of source must let a verification say of its restored items.

Nouns
- Table: rows of facts about what was restored: `items` (one a restored item), `formats` (one a format),
  `source` (one in all); where the source brings an auditor, also `audit` (one an item that the vendor showed to
  it) and `collections` (one a kind). Facts are ids, numbers, digests and words of ours; never a name or content.
- Expected: one expectation over a table, in the words of Great Expectations, with what it means to a
  person. Suite: all of them for one source.
- ExpectationContract: the one seam by which a source brings its own columns and expectations. What is
  true of every source is in `COMMON` already.

To add a source: write a class with these five members, add it to `CONTRACTS`, and let
`tests/contracts/expectation_contract.py` judge it. Every expectation must be killed by a planted corruption
(`tests/assurance/expectations/corruptions.py`); one that nothing kills says nothing, and goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from muniment.assurance.openable import GOOD
from muniment.model.item import Row
from muniment.vault.bases import ALARM_DELTAS

ITEMS, FORMATS_TABLE, SOURCE = "items", "formats", "source"
AUDIT, COLLECTIONS = "audit", "collections"

Value = str | int | float | bool | None
Facts = Mapping[str, Value]

OPEN_SHARE = 0.98
"""How many of the documents must open. Not all: a share of twenty years holds documents that were broken
long before, and those are listed, sealed, in the evidence."""
FORMAT_SHARE = 0.5
"""... and how many of each format, so that a small format cannot be lost behind a large one."""
FORMAT_MIN = 3
"""Fewer documents than this say nothing about a format."""
LIVE_SHARE = 0.5
"""How many of the items looked at in the live source must still be what they were: a week's work changes
some; more than half is another tree, or an attack."""
LIVE_COUNT = (0.75, 1.33)
"""How many items the live source may list, against the newest snapshot."""
STILL_SHARE = 0.9
"""How many rows that nobody touched must be equal to the last letter, also in what the vendor works out."""


@dataclass(frozen=True, slots=True)
class Expected:
    """`kind` is a class of `great_expectations.expectations`, `arguments` are its own. `name` stands in
    logs, evidence and Data Docs, and never changes."""

    name: str
    table: str
    kind: str
    arguments: Mapping[str, Any]
    means: str


class ExpectationContract(Protocol):
    """What one kind of source adds to every verification of it."""

    system: str
    columns: Sequence[str]
    """Of the table `items`, besides those that every source has."""

    def format_of(self, row: Row) -> str:
        """The format whose opener tries this item, or empty: see `muniment.assurance.openable`."""
        ...

    def standing(self, row: Row, folder: Path, delivered_as: bytes) -> Path:
        """Where the target puts this item; `delivered_as` is the native id it got there."""
        ...

    def describe(self, row: Row, path: Path | None) -> Facts:
        """Exactly `columns`, of an item that stands at `path`, or (None) is not there."""
        ...

    def suite(self) -> Sequence[Expected]: ...


def _pair(name: str, table: str, left: str, right: str, means: str) -> Expected:
    arguments = {"column_A": left, "column_B": right}
    return Expected(f"{table}.{name}", table, "ExpectColumnPairValuesToBeEqual", arguments, means)


def equal(name: str, left: str, right: str, means: str) -> Expected:
    """An expectation that two columns of `items` hold the same in every row; two empty cells do."""
    return _pair(name, ITEMS, left, right, means)


def among(
    name: str, column: str, values: Sequence[Value], means: str, *, mostly: float = 1.0
) -> Expected:
    """An expectation that a column of `items` holds these values only; empty cells do not count."""
    arguments = {"column": column, "value_set": list(values), "mostly": mostly}
    return Expected(f"{ITEMS}.{name}", ITEMS, "ExpectColumnValuesToBeInSet", arguments, means)


def _between(
    name: str,
    table: str,
    column: str,
    means: str,
    low: float | None = None,
    high: float | None = None,
) -> Expected:
    arguments = {"column": column, "min_value": low, "max_value": high}
    return Expected(f"{table}.{name}", table, "ExpectColumnValuesToBeBetween", arguments, means)


def _audited(
    name: str, column: str, values: Sequence[Value], means: str, *, mostly: float = 1.0
) -> Expected:
    arguments = {"column": column, "value_set": list(values), "mostly": mostly}
    return Expected(f"{AUDIT}.{name}", AUDIT, "ExpectColumnValuesToBeInSet", arguments, means)


def _none(name: str, column: str, means: str) -> Expected:
    return _between(name, COLLECTIONS, column, means, 0, 0)


ITEM_COLUMNS = (
    "item", "kind", "format", "matter", "reason", "there", "expected_size", "size",
    "expected_sha256", "sha256", "expected_mtime", "mtime", "own_id", "opened", "live",
)  # fmt: skip
FORMAT_COLUMNS = ("format", "documents", "opened", "share")
SOURCE_COLUMNS = (
    "source", "newest_seq", "restored_seq", "rows", "reported_items", "bytes", "reported_bytes",
    "age_hours", "allowed_hours", "deltas", "failures", "matter_items", "matter_restored",
    "live_share", "extra",
)  # fmt: skip
AUDIT_COLUMNS = ("item", "kind", "missing", "denied", "row", "matter", "time", "bytes")
COLLECTION_COLUMNS = ("collection", "short", "left", "refused", "stale", "late")
COLUMNS: Mapping[str, Sequence[str]] = {
    ITEMS: ITEM_COLUMNS, FORMATS_TABLE: FORMAT_COLUMNS, SOURCE: SOURCE_COLUMNS,
    AUDIT: AUDIT_COLUMNS, COLLECTIONS: COLLECTION_COLUMNS,
}  # fmt: skip
"""Of every table; those of `items` without what a contract adds."""

COMMON: tuple[Expected, ...] = (
    Expected(
        "items.once",
        ITEMS,
        "ExpectColumnValuesToBeUnique",
        {"column": "item"},
        "No item is restored twice.",
    ),
    among("own_id", "own_id", [True], "Every row stands under the id of the item it describes."),
    among("there", "there", [True], "Every item of the sample came back, folders and links too."),
    equal("size", "expected_size", "size", "Every item has the size it had when it was read."),
    equal("digest", "expected_sha256", "sha256", "Every item has the SHA-256 it was read with."),
    equal("modified", "expected_mtime", "mtime", "Every item has its time of modification."),
    among(
        "opened",
        "opened",
        [str(outcome) for outcome in GOOD],
        "Documents open: pages unpack, parts parse, pictures decode, dumps load.",
        mostly=OPEN_SHARE,
    ),
    among(
        "live_same",
        "live",
        ["same", "changed", "gone"],
        "No item differs from the live source unless it was touched there since the backup.",
    ),
    among(
        "live_drift",
        "live",
        ["same"],
        "Most of the live source is still what was backed up.",
        mostly=LIVE_SHARE,
    ),
    _between(
        "share", FORMATS_TABLE, "share", "Most documents of every format open.", low=FORMAT_SHARE
    ),
    _pair(
        "newest", SOURCE, "restored_seq", "newest_seq", "The newest snapshot is whole, none older."
    ),
    _pair("count", SOURCE, "rows", "reported_items", "As many items as the source reported."),
    _pair("bytes", SOURCE, "bytes", "reported_bytes", "As many bytes as the source reported."),
    Expected(
        "source.fresh",
        SOURCE,
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": "allowed_hours", "column_B": "age_hours", "or_equal": True},
        "The newest complete snapshot is younger than the source's RPO.",
    ),
    _between(
        "chain", SOURCE, "deltas", "Restores read few deltas: `rebase` runs.", high=ALARM_DELTAS
    ),
    _between("restored", SOURCE, "failures", "The restore itself failed nowhere.", 0, 0),
    _between("extra", SOURCE, "extra", "Nothing came back that was not in the sample.", 0, 0),
    _pair("matter", SOURCE, "matter_items", "matter_restored", "The drawn matter is whole."),
    _between(
        "live_count",
        SOURCE,
        "live_share",
        "The live source lists about as many items as the snapshot.",
        *LIVE_COUNT,
    ),
    _audited(
        "missing",
        "missing",
        [False],
        "All that the vendor had when it was backed up is in the vault.",
    ),
    _audited("denied", "denied", [False], "What the vault says is gone, is gone at the vendor."),
    _audited(
        "row",
        "row",
        ["same", "changed", "drifted"],
        "Rows that nobody touched since are the vendor's, digit by digit and character by character.",
    ),
    _audited(
        "drift",
        "row",
        ["same", "changed", "differs"],
        "Most of what the vendor works out in rows is still what was backed up.",
        mostly=STILL_SHARE,
    ),
    _audited("matter", "matter", [True], "Items stand under the matter that the vendor names."),
    _audited("time", "time", [True], "Items have the time of change that the vendor tells."),
    _audited("bytes", "bytes", ["same"], "Files are, byte by byte, what the vendor gives."),
    _none("short", "short", "No collection has fewer rows than the vendor had."),
    _none("left", "left", "No collection keeps rows that are gone at the vendor."),
    Expected(
        "collections.refused",
        COLLECTIONS,
        "ExpectColumnValuesToBeInSet",
        {"column": "refused", "value_set": [False]},
        "The vendor shows every collection.",
    ),
    Expected(
        "collections.stale",
        COLLECTIONS,
        "ExpectColumnValuesToBeInSet",
        {"column": "stale", "value_set": [False]},
        "The newest change that the vendor shows is not newer than the snapshot's.",
    ),
    Expected(
        "collections.late",
        COLLECTIONS,
        "ExpectColumnValuesToBeInSet",
        {"column": "late", "value_set": [False]},
        "Of what bears no date of change, most is still what was backed up.",
    ),
)
"""What is expected of every source."""


def suite_of(contract: ExpectationContract) -> tuple[Expected, ...]:
    return (*COMMON, *contract.suite())
