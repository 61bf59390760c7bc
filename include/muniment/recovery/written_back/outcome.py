"""Outcome: what became of each old row, and the map from old to new."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """`written` and `reused` are good; `beside` stands in the delivery alone, as the plan says; what `differs`
    or `failed` makes the restore not whole."""

    WRITTEN = "written"
    REUSED = "reused"
    BESIDE = "not written"
    DIFFERS = "differs"
    FAILED = "failed"


@dataclass(slots=True)
class Outcome:
    """`lost` are fields that could not be kept, said before; `differs` those that came back otherwise than sent
    (of a reused row: otherwise than in the backup, which is no fault). No names, only those of fields."""

    kind: str
    old: str
    item_id: str
    status: Status
    new: str = ""
    why: str = ""
    lost: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)

    @property
    def bad(self) -> bool:
        return self.status in (Status.DIFFERS, Status.FAILED)


@dataclass(slots=True)
class WriteReport:
    """What was written back from one source. `matter` is the vendor's id of the matter written into; `strays`
    are (kind, new id) of rows in a matter that this restore made which stand for no old row; `dropped` counts what
    could not be kept, by kind and field; `verified` are rows read back and equal."""

    source: str
    matter: str = ""
    new_matter: bool = True
    outcomes: list[Outcome] = field(default_factory=list)
    strays: list[tuple[str, str]] = field(default_factory=list)
    verified: int = 0
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        return not self.strays and not any(one.bad for one in self.outcomes)

    def counts(self) -> dict[str, dict[str, int]]:
        """Kind -> status -> how many."""
        found: dict[str, Counter[str]] = {}
        for one in self.outcomes:
            found.setdefault(one.kind, Counter())[one.status.value] += 1
        return {kind: dict(sorted(by.items())) for kind, by in sorted(found.items())}

    def lost(self) -> dict[str, int]:
        """`tasks.assignee` -> of how many rows it could not be kept."""
        return dict(
            sorted(Counter(f"{o.kind}.{name}" for o in self.outcomes for name in o.lost).items())
        )

    def otherwise(self) -> dict[str, int]:
        """`documents.profile` -> in how many objects that were there it is another than in the backup."""
        reused = (one for one in self.outcomes if one.status is Status.REUSED)
        return dict(
            sorted(Counter(f"{o.kind}.{name}" for o in reused for name in o.differs).items())
        )

    def as_dict(self) -> dict[str, Any]:
        """Numbers and ids, for a certificate."""
        return {
            "source": self.source,
            "matter": self.matter,
            "new_matter": self.new_matter,
            "whole": self.whole,
            "counts": self.counts(),
            "not_kept": self.lost(),
            "otherwise": self.otherwise(),
            "verified": self.verified,
            "bad": [
                {"kind": o.kind, "item": o.item_id, "status": o.status.value, "fields": o.differs, "why": o.why}
                for o in self.outcomes if o.bad
            ],
            "strays": [list(one) for one in self.strays],
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


COLUMNS = ("kind", "old_id", "new_id", "status", "not_kept", "differs", "why", "item")


def map_csv(outcomes: Iterable[Outcome]) -> bytes:
    """For a spreadsheet. Nothing in it is text of others."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for one in outcomes:
        table.writerow([*_cells(one).values()])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def map_json(report: WriteReport) -> bytes:
    told: Mapping[str, Any] = {
        "type": "muniment map of a matter written back, old ids to new ids",
        **report.as_dict(),
        "map": [_cells(one) for one in report.outcomes],
    }
    return json.dumps(told, indent=1).encode() + b"\n"


def _cells(one: Outcome) -> dict[str, str]:
    return {
        "kind": one.kind,
        "old_id": one.old,
        "new_id": one.new,
        "status": one.status.value,
        "not_kept": " ".join(one.lost),
        "differs": " ".join(one.differs),
        "why": one.why,
        "item": one.item_id,
    }
