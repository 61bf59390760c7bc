"""A day of work in the tenant, by the seed: what it does to each kind of thing a backup holds."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.simulators.clio import names
from tests.simulators.clio.store import Ref
from tests.simulators.graph.founding import Founding
from tests.simulators.graph.founding_calendar import event
from tests.simulators.graph.world import stamp

Deed = Callable[[Founding, random.Random], bool]


def work(firm: Founding, number: int, deeds: int = 40) -> dict[str, Any]:
    """What was done how often, and between which changes."""
    rng = random.Random(f"day/{firm.world.seed}/{number}")
    before = firm.world.store.sequence
    firm.world.clock.advance(3600 * 12)
    done: dict[str, int] = {}
    for _ in range(deeds):
        deed = rng.choice(DEEDS)
        if deed(firm, rng):
            name = deed.__name__.strip("_")
            done[name] = done.get(name, 0) + 1
    return {"after": before, "sequence": firm.world.store.sequence, "deeds": done}


# -- mail ----------------------------------------------------------------------------------------
def _folders(firm: Founding, rng: random.Random, *, own: bool = False) -> list[Ref]:
    user = rng.choice(firm.boxes)
    return [
        one for one in firm.world.rows_of("folders", "_user", user)
        if not firm.world.row(one)["_search"] and firm.world.row(one)["_known"] != "msgfolderroot"
        and not (own and firm.world.row(one)["_known"])
    ]  # fmt: skip


def _some_message(firm: Founding, rng: random.Random) -> Ref | None:
    held = [one for folder in _folders(firm, rng) for one in firm.world.rows_of("messages", "_folder", folder)]  # fmt: skip
    return rng.choice(held) if held else None


def _mail_arrives(firm: Founding, rng: random.Random) -> bool:
    folder = rng.choice(_folders(firm, rng))
    if firm.world.row(folder)["_known"] == "recoverableitemsdeletions":
        return False
    at = stamp(firm.world.clock.now())
    firm.message(folder, isRead=False, sentDateTime=at, receivedDateTime=at)
    return True


def _mail_is_read(firm: Founding, rng: random.Random) -> bool:
    ref = _some_message(firm, rng)
    if ref is None:
        return False
    firm.world.change(ref, isRead=not firm.world.row(ref)["isRead"])
    return True


def _mail_is_sorted(firm: Founding, rng: random.Random) -> bool:
    ref = _some_message(firm, rng)
    if ref is None:
        return False
    firm.world.change(ref, categories=rng.choice(((), ("Urgent",), ("Matter 12", "Urgent"))), flag=rng.choice(("flagged", "complete")))  # fmt: skip
    return True


def _mail_moves(firm: Founding, rng: random.Random) -> bool:
    ref = _some_message(firm, rng)
    if ref is None:
        return False
    user = firm.world.row(firm.world.row(ref)["_folder"])["_user"]
    target = rng.choice([one for one in firm.world.rows_of("folders", "_user", user) if not firm.world.row(one)["_search"]][1:])  # fmt: skip
    if target == firm.world.row(ref)["_folder"]:
        return False
    firm.world.move(ref, target)
    return True


def _mail_is_purged(firm: Founding, rng: random.Random) -> bool:
    ref = _some_message(firm, rng)
    if ref is None:
        return False
    firm.world.purge(ref)
    return True


def _draft_changes(firm: Founding, rng: random.Random) -> bool:
    ref = _some_message(firm, rng)
    if ref is None or not firm.world.row(ref)["isDraft"]:
        return False
    firm.world.change(ref, _letter=firm.letter())
    return True


def _folder_comes(firm: Founding, rng: random.Random) -> bool:
    parent = rng.choice(_folders(firm, rng, own=True) or [None])
    if parent is None:
        return False
    row = firm.world.row(parent)
    made = firm.folder(row["_user"], parent, f"{rng.choice(('Correspondence', 'Inbox', 'New'))} {firm.world.store.sequence}")  # fmt: skip
    firm.message(made)
    return True


def _folder_changes(firm: Founding, rng: random.Random) -> bool:
    """Renamed, moved below another that is not below itself, or deleted."""
    own = _folders(firm, rng, own=True)
    if not own:
        return False
    ref = rng.choice(own)
    deed = rng.choice(("rename", "move", "delete"))
    if deed == "rename":
        firm.world.change(ref, displayName=f"Renamed {firm.world.store.sequence}")
    elif deed == "move":
        target = rng.choice(_folders(firm, rng))
        if firm.world.row(target)["_user"] != firm.world.row(ref)["_user"] or _below(
            firm, target, ref
        ):
            return False
        firm.world.change(ref, _parent=target)
    else:
        firm.world.delete_folder(ref)
    return True


def _below(firm: Founding, one: Ref | None, top: Ref) -> bool:
    while one is not None:
        if one == top:
            return True
        one = firm.world.row(one)["_parent"]
    return False


# -- calendar and contacts -----------------------------------------------------------------------
def _calendars(firm: Founding, rng: random.Random) -> Ref:
    return rng.choice(firm.world.rows_of("calendars", "_user", rng.choice(firm.boxes))[:2])


def _event_comes(firm: Founding, rng: random.Random) -> bool:
    event(firm.world, _calendars(firm, rng), rng, series=rng.random() < 0.3)
    return True


def _event_changes(firm: Founding, rng: random.Random) -> bool:
    held = firm.world.rows_of("events", "_calendar", _calendars(firm, rng))
    if not held:
        return False
    ref = rng.choice(held)
    if rng.random() < 0.3:
        firm.world.delete_event(ref)
    else:
        firm.world.change(ref, subject=f"{rng.choice(names.SUBJECTS)} (changed)")
    return True


def _contact_changes(firm: Founding, rng: random.Random) -> bool:
    folder = rng.choice(firm.world.rows_of("contactFolders", "_user", rng.choice(firm.boxes)))
    held = firm.world.rows_of("contacts", "_folder", folder)
    if not held or rng.random() < 0.3:
        firm.contact(folder)
    elif rng.random() < 0.3:
        firm.world.remove(rng.choice(held))
    else:
        ref = rng.choice(held)
        values = firm.world.row(ref)["values"]
        firm.world.change(ref, values=values | {"personalNotes": names.sentence(rng)})
    return True


# -- files ---------------------------------------------------------------------------------------
def _items(firm: Founding, rng: random.Random, kind: str) -> list[Ref]:
    return [
        one for one in firm.world.rows_of("items", "_drive", rng.choice(firm.drives))
        if firm.world.row(one)["_kind"] == kind
    ]  # fmt: skip


def _file_comes(firm: Founding, rng: random.Random) -> bool:
    folders = _items(firm, rng, "folder")
    if not folders:
        return False
    firm.file(rng.choice(folders), f"day {firm.world.store.sequence}")
    return True


def _file_changes(firm: Founding, rng: random.Random) -> bool:
    held = _items(firm, rng, "file")
    if not held:
        return False
    ref = rng.choice(held)
    row = firm.world.row(ref)
    deed = rng.choice(("write", "write", "rename", "delete"))
    if deed == "write":
        firm.world.new_version(ref, firm.version(row["name"], row["_versions"][-1]["type"]))
    elif deed == "rename":
        firm.world.change(ref, name=f"Renamed {firm.world.store.sequence} {row['name'][-40:]}")
    else:
        firm.world.delete_item(ref)
    return True


def _file_folder_changes(firm: Founding, rng: random.Random) -> bool:
    folders = _items(firm, rng, "folder")
    if not folders:
        return False
    ref = rng.choice(folders)
    deed = rng.choice(("rename", "move", "come", "delete"))
    if deed == "rename":
        firm.world.change(ref, name=f"Folder {firm.world.store.sequence}")
    elif deed == "come":
        firm.world.create_item(firm.world.row(ref)["_drive"], ref, f"New {firm.world.store.sequence}", "folder")  # fmt: skip
    elif deed == "move":
        target = rng.choice(folders)
        if target == ref or _below(firm, target, ref):
            return False
        firm.world.change(ref, _parent=target)
    elif len(folders) > 3:
        firm.world.delete_item(ref)
    return True


DEEDS: tuple[Deed, ...] = (
    _mail_arrives, _mail_arrives, _mail_arrives, _mail_is_read, _mail_is_read, _mail_is_sorted, _mail_moves, _mail_moves,
    _mail_is_purged, _draft_changes, _folder_comes, _folder_changes, _event_comes, _event_changes, _contact_changes,
    _file_comes, _file_changes, _file_changes, _file_folder_changes,
)  # fmt: skip
