"""A day of work at the firm: new documents and versions, profiles, rights, filing, deletions, matters.

`work(firm, number)` does the day with that number. The same firm and the same numbers in the same order do the
same, to the id.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.simulators.clio import names
from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import founding, ids, practice
from tests.simulators.netdocuments.founding import CLIENT, FOLDERS, KIND, KINDS, MATTER, Founding
from tests.simulators.netdocuments.world import entry

Deed = Callable[[Founding], Any]


def work(firm: Founding, number: int, deeds: int = 40) -> dict[str, Any]:
    """What was done: the sequence before and after, and how often each deed."""
    world = firm.world
    with world.lock:
        today = replace(firm, rng=random.Random(f"day {world.seed}/{number}"))
        world.clock.advance(86_400)
        world.purge_old()
        before = world.store.sequence
        done: Counter[str] = Counter()
        for deed in today.rng.choices(list(DEEDS), list(DEEDS.values()), k=deeds):
            world.clock.advance(today.rng.randrange(30, 600))
            today.now = world.clock.now()
            if deed(today) is not None:
                done[deed.__name__.strip("_")] += 1
        return {
            "from": before, "to": world.store.sequence, "now": world.clock.now().isoformat(), "deeds": dict(done),
        }  # fmt: skip


def _items(firm: Founding, *, containers: tuple[str, ...] = (), deleted: bool = False) -> list[Ref]:
    """Documents, or containers of the kinds named."""
    return [
        Ref("items", number)
        for number, row in firm.world.store.rows("items")
        if (row["deleted"] is not None) == deleted
        and (row["extension"] in containers if containers else row["extension"] not in ids.CONTAINERS)
    ]  # fmt: skip


def _one(firm: Founding, found: list[Ref]) -> Ref | None:
    return firm.rng.choice(found) if found else None


def _new_document(firm: Founding) -> Ref | None:
    place = _one(firm, _items(firm, containers=(ids.FOLDER, ids.WORKSPACE)))
    if place is None:
        return None
    row = firm.world.row(place)
    at = firm.world.clock.tick()
    return founding.document(firm, row["cabinet"], [place], row["attributes"], at, acl=row["acl"])


def _new_version(firm: Founding) -> int | None:
    item = _one(firm, _items(firm))
    return founding.version(firm, item, firm.world.clock.tick()) if item else None


def _rename(firm: Founding) -> Any:
    item = _one(firm, _items(firm) + _items(firm, containers=(ids.FOLDER,)))
    name = f"{firm.rng.choice(names.PAPERS)} {firm.rng.randrange(100)}"
    return item and firm.world.change(item, "renamed", firm.someone(), name=name)


def _new_profile(firm: Founding) -> Any:
    """Another kind, or another matter: the latter takes a document from one workspace to another."""
    item = _one(firm, _items(firm))
    if item is None:
        return None
    attributes = dict(firm.world.row(item)["attributes"])
    if CLIENT in attributes and firm.matters and firm.rng.random() < 0.4:
        attributes[CLIENT], attributes[MATTER] = firm.rng.choice(firm.matters)
    else:
        attributes[KIND] = firm.rng.choice(KINDS)[0]
    return firm.world.change(item, "profile changed", firm.someone(), attributes=attributes)


def _new_rights(firm: Founding) -> Any:
    item = _one(firm, _items(firm) + _items(firm, containers=(ids.FOLDER, ids.WORKSPACE)))
    if item is None:
        return None
    group = firm.groups[firm.rng.choice(("Attorneys", "Staff", "Experts"))]
    acl = [*firm.default_acl(firm.world.row(item)["cabinet"]), entry(group, view=True, edit=firm.rng.random() < 0.5)]  # fmt: skip
    touch = firm.world.settings.rights_move_modified
    return firm.world.change(item, "rights changed", firm.someone(), touch=touch, acl=acl)


def _refile(firm: Founding) -> Any:
    """Into another folder of its cabinet, beside the old ones or instead of them."""
    item = _one(firm, _items(firm))
    if item is None:
        return None
    row = firm.world.row(item)
    places = _items(firm, containers=(ids.FOLDER, ids.WORKSPACE))
    place = _one(firm, [one for one in places if firm.world.row(one)["cabinet"] == row["cabinet"]])
    if place is None:
        return None
    filed = [place] if firm.rng.random() < 0.6 else [*(one for one in row["filed"] if one != place), place]  # fmt: skip
    touch = firm.world.settings.rights_move_modified
    return firm.world.change(item, "filed", firm.someone(), touch=touch, filed=filed)


def _link(firm: Founding) -> Any:
    found = _items(firm)
    item, other = _one(firm, found), _one(firm, found)
    if item is None or other is None or item == other:
        return None
    return firm.world.change(item, "linked", firm.someone(), touch=False, links=[other])


def _throw_away(firm: Founding) -> Ref | None:
    found = _items(firm, containers=(ids.FOLDER,)) if firm.rng.random() < 0.1 else _items(firm)
    item = _one(firm, found)
    if item is not None:
        firm.world.soft_delete(item, firm.someone(), firm.world.clock.tick())
    return item


def _take_back(firm: Founding) -> Ref | None:
    item = _one(firm, _items(firm, deleted=True))
    if item is not None:
        firm.world.undelete(item, firm.someone())
    return item


def _purge(firm: Founding) -> Ref | None:
    item = _one(firm, _items(firm, deleted=True))
    if item is not None:
        firm.world.purge(item, firm.someone(), firm.world.clock.tick())
    return item


def _delete_version(firm: Founding) -> Ref | None:
    """platform.yaml: deletions.version_delete - gone at once"""
    several = [one for one in _items(firm) if len(firm.world.versions(one)) > 1]
    item = _one(firm, several)
    if item is None:
        return None
    row = firm.world.row(item)
    ref, held = firm.rng.choice([one for one in firm.world.versions(item) if one[1]["number"] != row["official"]])  # fmt: skip
    firm.world.remove(ref, "version.deleted", firm.someone())
    firm.world.change(item, "version deleted", firm.someone(), detail=str(held["number"]))
    return item


def _official(firm: Founding) -> Any:
    item = _one(firm, [one for one in _items(firm) if len(firm.world.versions(one)) > 1])
    if item is None:
        return None
    number = firm.rng.choice(firm.world.versions(item))[1]["number"]
    return firm.world.change(item, "official version set", firm.someone(), official=number)


def _new_matter(firm: Founding) -> Any:
    clients = [row["key"] for _, row in firm.world.store.rows("lookups") if row["attribute"] == CLIENT]  # fmt: skip
    if not clients:
        return None
    at = firm.world.clock.tick()
    taken = {row["key"] for _, row in firm.world.store.rows("lookups") if row["attribute"] == MATTER}  # fmt: skip
    number = 101 + len(taken)
    while f"{at.year}-{number:04d}" in taken:
        number += 1
    client, key = firm.rng.choice(clients), f"{at.year}-{number:04d}"
    text = f"{firm.rng.choice(names.SUBJECTS)} - {firm.rng.choice(names.THINGS)}"
    firm.world.set_lookup(MATTER, key, client, firm.someone(), at, description=text)
    firm.matters.append((client, key))
    return practice.workspace(firm, client, key, firm.world.clock.tick())


def _new_folder(firm: Founding) -> Ref | None:
    above = _one(firm, _items(firm, containers=(ids.FOLDER, ids.WORKSPACE)))
    name = firm.rng.choice(FOLDERS)
    return founding.folder(firm, above, name, firm.world.clock.tick()) if above else None


def _close_matter(firm: Founding) -> Any:
    if not firm.matters:
        return None
    client, key = firm.rng.choice(firm.matters)
    if firm.world.lookup(MATTER, key, client) is None:
        return None
    closed = ids.closed_date(firm.now)
    return firm.world.set_lookup(MATTER, key, client, firm.someone(), closed=closed)


def _check_out_or_in(firm: Founding) -> Any:
    item = _one(firm, _items(firm))
    if item is None:
        return None
    by = firm.someone()
    held = None if firm.world.row(item)["checked_out"] else {"user": by, "comment": ""}
    action = "checked out" if held else "checked in"
    return firm.world.change(item, action, by, touch=False, checked_out=held)


def _attach(firm: Founding) -> Ref | None:
    item = _one(firm, _items(firm))
    if item is not None:
        number = 1 + len(firm.world.store.referrers("attachments", "document", item))
        body: bytes | int | None = firm.world.files.paper(f"annex {number}.pdf", firm.rng)
        if body is None:
            body = firm.rng.randrange(1, 5_000)
        firm.world.add_attachment(
            item, firm.someone(), number, body, name=f"annex {number}", extension="pdf", description=""
        )  # fmt: skip
    return item


def _regroup(firm: Founding) -> Any:
    """Someone joins the experts, or leaves them."""
    group = firm.world.find(firm.groups["Experts"])
    user = firm.world.find(firm.someone())
    assert group is not None and user is not None
    members = list(firm.world.row(group)["members"])
    members = [one for one in members if one != user] if user in members else [*members, user]
    return firm.world.change(group, "group.changed", firm.users[0], members=members)


DEEDS: dict[Deed, int] = {
    _new_document: 24, _new_version: 20, _rename: 5, _new_profile: 8, _new_rights: 5, _refile: 6, _link: 2, _throw_away: 8,
    _take_back: 2, _purge: 2, _delete_version: 3, _official: 3, _new_matter: 3, _new_folder: 4, _close_matter: 1,
    _check_out_or_in: 3, _attach: 2, _regroup: 1,
}  # fmt: skip
