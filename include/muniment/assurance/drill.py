"""Drill: a restore for practice, from the store and the operations key alone, on an empty folder.

Nouns
- Seen: what the restored tree is when every item in it is read again and compared with its row.

Invariants: no source is opened, probed or even looked for: the systems are off, as on the day for which
this is practised. What is restored, `drill_draw` draws.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from muniment.assurance.contracts import ExpectationContract, Value
from muniment.assurance.database_trial import DAMAGED, LOADED
from muniment.assurance.drill_draw import Drawn, Place, destination_of
from muniment.assurance.looking import Looker, NotedTarget, extra
from muniment.assurance.openable import GOOD
from muniment.assurance.opening import Opening
from muniment.assurance.sql_load import SqlLoader
from muniment.errors import IntegrityError, NothingToRestore
from muniment.model.item import Row
from muniment.model.text import bytes_of, text_of
from muniment.recovery.perform import Progress, RestoreReport, perform, silent
from muniment.recovery.plan import RestorePlan, chosen, make_restore_plan
from muniment.recovery.selected import load_selected
from muniment.sources.base import Target

# -- planning and restoring ------------------------------------------------------------------------


def plan_drill(places: Sequence[Place], drawn: Drawn) -> dict[str, RestorePlan]:
    """Plans by key (`destination_of`), of every store that has something of it; each chosen snapshot is proven.

    Raises NothingToRestore, IntegrityError where no store has.
    """
    plans: dict[str, RestorePlan] = {}
    nothing: NothingToRestore | IntegrityError | None = None
    wanted = [(p, *each) for p in places for each in drawn.wanted(p).items()]
    for place, key, selection in wanted:
        try:
            plans[key] = make_restore_plan(place.vault, selection, drawn.as_of, target="drill")
        except (NothingToRestore, IntegrityError) as error:
            # That something was there and is damaged says more than that nothing was.
            nothing = error if nothing is None or isinstance(error, IntegrityError) else nothing
    if not plans and nothing is not None:
        raise nothing
    return plans


TargetOf = Callable[[str, str], Target]
"""(source, digest of the plan) -> target."""


def restore(
    key: str,
    place: Place,
    plan: RestorePlan,
    drawn: Drawn,
    target_of: TargetOf,
    progress: Progress = silent,
) -> tuple[RestoreReport, bytes]:
    """Restores the plan of this key; answers the report, and under which other names items were delivered."""
    selection = drawn.wanted(place)[key]
    targets = {c.source: NotedTarget(target_of(c.source, plan.digest)) for c in plan.choices}
    report = perform(place.vault, plan, selection, targets.__getitem__, progress=progress)
    return report, _names_to_bytes({s: t.delivered for s, t in targets.items()})


def _names_to_bytes(delivered: Mapping[str, Mapping[bytes, bytes]]) -> bytes:
    texts: dict[str, Any] = {
        source: [[text_of(a), text_of(b)] for a, b in names.items()]
        for source, names in delivered.items()
    }
    return json.dumps(texts).encode()


def names_from_bytes(data: bytes) -> dict[str, dict[bytes, bytes]]:
    """Inverse of what `restore` answers."""
    return {
        source: {bytes_of(a): bytes_of(b) for a, b in names}
        for source, names in json.loads(data).items()
    }


Witness = Callable[[str, Row, bytes | None], None]
"""(source, the item, where it stands below the folder of its source), in the order of the plan."""


def nobody_asks(source: str, row: Row, path: bytes | None) -> None:
    """Wants to know nothing."""


# -- looking at it ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """`equal` of `items` stand there as they were read from the source; `extra` counts what nobody asked
    for. `wrong` are (item id, what is not equal)."""

    items: int = 0
    bytes: int = 0
    equal: int = 0
    documents: int = 0
    opened: int = 0
    extra: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return self.items > 0 and self.equal == self.items and not self.extra

    def counts(self) -> dict[str, int]:
        return {
            "items": self.items,
            "bytes": self.bytes,
            "equal": self.equal,
            "documents": self.documents,
            "opened": self.opened,
            "extra": self.extra,
        }


def look(
    places: Mapping[str, Place],
    plans: Mapping[str, RestorePlan],
    drawn: Drawn,
    folder: Path,
    delivered: Mapping[str, Mapping[bytes, bytes]],
    contract_of: Callable[[str], ExpectationContract],
    work: Path,
    witness: Witness = nobody_asks,
) -> Seen:
    """Reads everything in the sandbox again: is it there, equal, does it open, and is there nothing else?

    Args:
        folder: holds one folder for each source. `work` is empty and may be written to.
        witness: is told of each item that is equal.
    """
    seen = Seen()
    with ExitStack() as tools:
        opening = tools.enter_context(Opening())
        loader = tools.enter_context(SqlLoader(work))
        for key, plan in plans.items():
            place = places[destination_of(key)]
            selection = drawn.wanted(place)[key]
            for choice in plan.choices:
                history, record = chosen(place.vault, choice)
                rows = load_selected(place.vault, history, record, selection)[0].rows
                contract = contract_of(place.systems[choice.source])
                root = folder / choice.source
                names = delivered.get(choice.source, {})
                looker = Looker(contract, root, names, opening, loader)
                for row in rows:
                    if _judge(row, looker.look(row), contract, seen):
                        witness(choice.source, row, looker.below(row) if row.digest else None)
                seen.extra += extra(root, rows, names, contract)
    return seen


_PAIRS = (("expected_size", "size"), ("expected_sha256", "sha256"), ("expected_mtime", "mtime"))


def _judge(row: Row, found: Mapping[str, Value], contract: ExpectationContract, seen: Seen) -> bool:
    seen.items += 1
    seen.bytes += row.size
    own = [("expected_" + c, c) for c in contract.columns if "expected_" + c in contract.columns]
    wrong = ["there"] if found["there"] is not True else []
    wrong += [b for a, b in (*_PAIRS, *own) if not wrong and found[a] != found[b]]
    loaded = found.get("loaded")
    if loaded == DAMAGED and not wrong:
        wrong = ["loaded"]
    if wrong:
        seen.wrong.append((row.item_id.hex(), " ".join(wrong)))
    else:
        seen.equal += 1
    if found["opened"] is not None:
        seen.documents += 1
        seen.opened += found["opened"] in GOOD
    if loaded is not None:
        # A database opens where a server of its make took it.
        seen.documents += 1
        seen.opened += loaded == LOADED
    return not wrong


# -- times -----------------------------------------------------------------------------------------


def phases_of(
    requested_at: datetime, steps: Sequence[tuple[str, datetime, datetime]]
) -> tuple[dict[str, float], float]:
    """Seconds of each phase, and from the request until the last step ended.

    `steps` are (name, began, ended) in order. What lies between them is `between`; until the first
    began, `waiting`.
    """
    if not steps:
        return {}, 0.0
    phases = {"waiting": max(0.0, (steps[0][1] - requested_at).total_seconds())}
    between = timedelta()
    for index, (name, began, ended) in enumerate(steps):
        phases[name] = phases.get(name, 0.0) + max(0.0, (ended - began).total_seconds())
        if index:
            between += max(timedelta(), began - steps[index - 1][2])
    phases["between"] = between.total_seconds()
    rounded = {name: round(value, 1) for name, value in phases.items()}
    return rounded, round(sum(phases.values()), 1)
