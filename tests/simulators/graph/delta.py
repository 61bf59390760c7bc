"""Delta rounds. microsoft365.md: Mail; examples: message-delta, event-delta, driveitem-delta."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph import query
from tests.simulators.graph.answers import answer
from tests.simulators.graph.api import Call
from tests.simulators.graph.errors import GraphError, not_simulated
from tests.simulators.graph.world import CONTAINERS

FILTERED_MOST = 5_000  # microsoft365.md: Mail - with $filter the result is capped
Shown = dict[str, Any]


def by_number(ref: Ref, row: Row) -> list[int]:
    return [ref.id]


@dataclass
class Told:
    """What a delta query of one place tells.

    `member`: whether a row is told at all. `show`: a row in one or (occurrences) more entries. `gone`: how a row that is no
    longer there is told. `order`: a key by which a full enumeration goes, without which it goes by number.
    """

    kind: str
    collection: str
    container: Ref | None
    type: str
    show: Callable[[Ref, Row], list[Shown]]
    gone: Callable[[Ref], Shown | None]
    member: Callable[[Row], bool] = lambda row: True
    order: Callable[[Ref, Row], list[int]] = by_number
    refs: Callable[[], list[Ref]] | None = None
    default: int = 10
    most: int = 1000
    expands: bool = False  # whether `show` sees to $expand
    keep: tuple[str, ...] = ()  # further options that go with the token
    repeats: Callable[[list[Ref]], list[Ref]] = lambda refs: []
    token: str = "$deltatoken"
    skip: str = "$skiptoken"
    reads: tuple[str, ...] = ("$skiptoken", "$deltatoken")


def answered(call: Call, told: Told, text: str | None = None) -> Response:
    """A page of a round: by the token of the request, or by one that is given."""
    if call.option("$expand") and not told.expands:
        raise not_simulated(f"the expansion of {told.type}")
    text = text or next((call.option(name) for name in told.reads if call.option(name)), None)
    place = told.container.id if told.container else 0
    if text is None:
        state = _begun(call, told, place)
    else:
        state = call.api.tokens.read(told.kind, text)
        if state["c"] != place:
            raise GraphError(400, "SyncStateInvalid", "The token is of another place.")
    return _page(call, told, state)


def _begun(call: Call, told: Told, place: int) -> dict[str, Any]:
    names = ("$select", "$filter", "changeType", *told.keep)
    return {
        "c": place, "s": call.world.store.sequence, "p": None, "full": True, "n": 0,
        "o": {name: call.option(name) for name in names if call.option(name)},
    }  # fmt: skip


def _page(call: Call, told: Told, state: dict[str, Any]) -> Response:
    size = call.page_size(told.default, told.most)
    names = query.selected(state["o"].get("$select"), told.type)
    entries = _full(call, told, state, size) if state["full"] else _changes(call, told, state, size)
    rows, following, ended = entries
    shown = [
        one if "@removed" in one or "deleted" in one else query.shown(one, names, told.type)
        for one in rows
    ]
    body: Shown = {"@odata.context": call.context(f"Collection({told.type})")}
    kept = {"c": state["c"], "o": state["o"]}
    write = call.api.tokens.write
    if following is not None:
        token = write(told.kind, **kept | following)
        body["@odata.nextLink"] = call.link(**{told.skip: token})
    else:
        token = write(told.kind, **kept, s=ended, p=ended, full=False, n=0)
        body["@odata.deltaLink"] = call.link(**{told.token: token})
    return answer(200, body | {"value": shown})


Entries = tuple[list[Shown], dict[str, Any] | None, int]


def _full(call: Call, told: Told, state: dict[str, Any], size: int) -> Entries:
    """Every row there is. The state it ends with is that of its beginning."""
    found, more = _next(call, told, state["p"], size)
    cut = False
    if "$filter" in state["o"]:
        left = FILTERED_MOST - state["n"]
        cut = len(found) >= left
        found = found[:left]
    refs = [ref for _, ref in found]
    if state["p"] is not None:
        refs = told.repeats(refs) + refs
    rows = _fitting(state, [one for ref in refs for one in told.show(ref, call.world.row(ref))])
    if state["o"].get("changeType") in ("updated", "deleted"):
        rows = []
    if more and not cut:
        count = state["n"] + len(found)
        return rows, {"s": state["s"], "p": found[-1][0], "full": True, "n": count}, 0
    return rows, None, state["s"]


def _next(call: Call, told: Told, after: list[int] | None, size: int) -> tuple[list[tuple[list[int], Ref]], bool]:  # fmt: skip
    """The next rows of a full enumeration, and whether there are more."""
    world = call.world
    if told.order is not by_number:
        keyed = [(told.order(ref, world.row(ref)), ref) for ref in _refs(call, told)]
        rest = [one for one in sorted(keyed) if after is None or one[0] > after]
        return rest[:size], len(rest) > size
    refs = _refs(call, told)
    start = 0 if after is None else bisect_right(refs, after[0], key=lambda one: one.id)
    found: list[tuple[list[int], Ref]] = []
    for ref in refs[start:]:
        if told.member(world.row(ref)):
            if len(found) == size:
                return found, True
            found.append(([ref.id], ref))
    return found, False


def _refs(call: Call, told: Told) -> list[Ref]:
    if told.refs is not None:
        return told.refs()
    return [Ref(told.collection, number) for number in call.world.store.ids(told.collection)]


def _changes(call: Call, told: Told, state: dict[str, Any], size: int) -> Entries:
    """What changed since, or is no longer there; what is new meanwhile is told by a later page."""
    world = call.world
    touched = world.touched(told.collection, told.container, state["p"])
    kind = state["o"].get("changeType")
    rows: list[Shown] = []
    for _, number in touched[:size]:
        ref = Ref(told.collection, number)
        row = world.store.at(ref)
        here = row is not None and told.member(row) and _is_in(told, ref, row)
        if row is not None and here:
            fitting = _fitting(state, told.show(ref, row))
            new = kind in ("created", "updated") and not world.known_before(told.collection, told.container, number, state["s"])  # fmt: skip
            if kind in (None, "created" if new else "updated"):
                rows += fitting
        elif kind in (None, "deleted"):
            gone = told.gone(ref)
            rows += [gone] if gone else []
    if len(touched) > size:
        return rows, {"s": state["s"], "p": touched[size - 1][0], "full": False, "n": 0}, 0
    return rows, None, max(world.store.sequence, state["p"])


def _is_in(told: Told, ref: Ref, row: Row) -> bool:
    name = CONTAINERS[ref.collection]
    return name is None or row[name] == told.container


def _fitting(state: dict[str, Any], rows: list[Shown]) -> list[Shown]:
    test = query.condition(state["o"].get("$filter"))
    return [one for one in rows if test(one)]


def removed(id_: str, reason: str = "deleted") -> Shown:
    return {"id": id_, "@removed": {"reason": reason}}
