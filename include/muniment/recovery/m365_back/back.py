"""Back: what a plan names of one tenant, written into it and read back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from muniment.errors import (
    NothingToRestore,
    SourceRefused,
    SourceRestricted,
    WriteBackRefused,
)
from muniment.ids import sha256_hex
from muniment.model.item import Row
from muniment.recovery.m365_back import given_as, room_name, shown, target_of
from muniment.recovery.m365_back.desk import Bytes, Desk
from muniment.recovery.m365_back.fate import forecast
from muniment.recovery.m365_back.giving import Giving, Progress
from muniment.recovery.m365_back.need import Need, need_of
from muniment.recovery.m365_back.old import Snapshot, gather
from muniment.recovery.m365_back.owners import Owners
from muniment.recovery.m365_back.reading_back import ReadingBack
from muniment.recovery.m365_back.rooms import Rooms
from muniment.recovery.m365_back.walled import NO_WALL, Wall
from muniment.recovery.plan import Choice, RestorePlan, make_restore_plan
from muniment.recovery.selected import AtHand
from muniment.recovery.selection import Filter, Selection, nothing_withheld
from muniment.recovery.written_back.files import leave_map
from muniment.recovery.written_back.forecast import Forecast
from muniment.recovery.written_back.journal import Journal, begun
from muniment.recovery.written_back.outcome import WriteReport
from muniment.recovery.written_back.planned import planned_rows
from muniment.sources.m365.client import Client
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault

MAP = "m365-map"
"""Of the files beside a delivery: `<source>.m365-map.csv`, `.json`, `.journal`."""

Systems = Mapping[str, str]
"""source_id -> system of its inventory row."""


# -- the plan ------------------------------------------------------------------------------------------


def plan_back(
    vault: Vault,
    selection: Selection,
    as_of: datetime | None,
    systems: Systems,
    *,
    stand_in: str = "",
    folder: str = "",
    withhold: Filter = nothing_withheld,
    at_hand: AtHand | None = None,
) -> RestorePlan:
    """A plan that says of each kind whether it is made anew, and who takes what has no mailbox any more. `stand_in` is an id
    or address; `folder` is that of the delivery.

    Raises NothingToRestore where no tenant has anything of the matter, and as `make_restore_plan` does.
    """
    target = target_of(stand_in)
    plan = make_restore_plan(
        vault, selection, as_of, target=f"{target} in {folder}" if folder else target, withhold=withhold,
        at_hand=at_hand, fidelity=given_as,
    )  # fmt: skip
    if not planned_sources(plan, systems):
        raise NothingToRestore(
            "no Microsoft 365 tenant of the firm has anything of this matter",
            to=f"{plan.scope} {plan.selection}".strip(),
            todo="Give it back into a folder (--as matter-file).",
        )
    return plan


def planned_sources(plan: RestorePlan, systems: Systems) -> list[str]:
    """Sources of a plan that are written back."""
    return [c.source for c in plan.choices if systems.get(c.source) == "m365" and c.items]


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be written, and of each source what that needs."""

    forecast: Forecast
    needs: Mapping[str, Need] = field(default_factory=dict)


def what_is_written(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    sources: Sequence[str],
    wall: Wall = NO_WALL,
    withhold: Filter = nothing_withheld,
) -> Planned:
    """What is written, and why the rest is not. Asks nothing of the vendor."""
    needs: dict[str, Need] = {}

    held = []
    for choice in plan.choices:
        if choice.source in sources:
            snapshot, reader = read_snapshot(vault, choice, selection, withhold)
            needs[choice.source] = need_of(snapshot, walled=wall.stands)
            held.append((snapshot, _content(reader)))
    return Planned(forecast(held, walled=wall.stands), needs)


def read_snapshot(
    vault: Vault, choice: Choice, selection: Selection, withhold: Filter = nothing_withheld
) -> tuple[Snapshot, PartReader]:
    """Raises PlanChanged where the items are not those of the plan, and what reading a vault raises."""
    rows, reader = planned_rows(vault, choice, selection, withhold)
    return gather(reader, rows), reader


# -- writing -------------------------------------------------------------------------------------------


def write_back(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    source: str,
    client: Client,
    folder: Path,
    *,
    stand_in: str = "",
    wall: Wall = NO_WALL,
    withhold: Filter = nothing_withheld,
    progress: Progress = lambda done: None,
) -> WriteReport:
    """Writes what the plan names of a source into the tenant of the client, reads it back, and leaves the map in the folder. Repeating
    it after an interruption goes on where it was, and makes nothing twice. `stand_in` as in the plan.

    Raises WriteBackRefused, SourceUnavailable, TargetUnusable, PlanChanged.
    """
    began = time.monotonic()
    [choice] = [one for one in plan.choices if one.source == source]
    snapshot, reader = read_snapshot(vault, choice, selection, withhold)
    need = need_of(snapshot, walled=wall.stands)
    base = _base(vault, plan, choice)
    journal = Journal(_journal(folder, source), {"back": base[:16]} | _head(choice, stand_in))
    try:
        stands_in = need.require(client, source, stand_in, wall)
        desk = Desk(client, journal, base, _content(reader))
        owners = Owners(vault, choice, selection)
        name = room_called(vault, plan, selection, source)
        rooms = Rooms(desk, snapshot, name, stands_in, owners.name, wall.addresses)
        giving = Giving(
            desk, snapshot, rooms, owners.is_own_folder, walled=wall.stands, progress=progress
        )
        reading = ReadingBack(giving)
        giving.run()
        reading.run()
    except (SourceRefused, SourceRestricted) as error:
        raise WriteBackRefused(error.what, to=f"source {source}", todo=error.todo) from None
    finally:
        journal.close()
    report = WriteReport(
        source=source,
        new_matter=False,
        outcomes=[desk.outcomes[key] for key in sorted(desk.outcomes)],
        verified=reading.verified,
        seconds=time.monotonic() - began,
    )
    leave_map(folder, f"{source}.{MAP}", report)
    return report


def goes_on(folder: Path, plan: RestorePlan, sources: Sequence[str], *, stand_in: str = "") -> bool:
    """Was this restore begun in the folder before? Then what stands there is its own. Raises PlanChanged where another
    one was."""
    wanted = [choice for choice in plan.choices if choice.source in sources]
    found = [begun(_journal(folder, one.source), _head(one, stand_in)) for one in wanted]
    return any(found)


def room_called(vault: Vault, plan: RestorePlan, selection: Selection, source: str) -> str:
    """What every new folder of a restore is called. It has the matter's number in it."""
    [choice] = [one for one in plan.choices if one.source == source]
    number = Owners(vault, choice, selection).number() or plan.selection
    return room_name(number, choice.taken_at, _base(vault, plan, choice))


def _base(vault: Vault, plan: RestorePlan, choice: Choice) -> str:
    """Of this snapshot: as of another moment it is another restore, in rooms of its own."""
    return sha256_hex(repr((vault.vault_id, choice.source, plan.selection, choice.commit)).encode())


def _content(reader: PartReader) -> Bytes:
    def content(row: Row) -> Iterator[bytes]:
        return reader.content(row.parts)

    return content


def _head(choice: Choice, stand_in: str) -> dict[str, str]:
    into = f"new folders, or {shown(stand_in)}" if stand_in else "new folders"
    return {"snapshot": choice.commit, "items": choice.items_digest, "into": into}


def _journal(folder: Path, source: str) -> Path:
    return folder / f"{source}.{MAP}.journal"
