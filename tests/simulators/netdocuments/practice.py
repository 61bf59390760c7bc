"""A believable firm from a seed: its people, cabinets, clients, matters, workspaces and documents.

`found(world)` fills an empty world. The same seed and size give the same firm, to the id and the second.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from tests.simulators.clio import names
from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import ids, practice_odd
from tests.simulators.netdocuments.founding import (
    AGE,
    AUTHOR,
    CLIENT,
    DATED,
    DEPARTMENT,
    DEPARTMENTS,
    FOLDERS,
    KIND,
    KINDS,
    MATTER,
    Founding,
    Size,
    document,
    folder,
    version,
)
from tests.simulators.netdocuments.world import World, entry

BACKUP, RESTRICTED, RESTORE = "SVC-BACKUP", "SVC-LIMITED", "SVC-RESTORE"
LARGE, SHORT = 6_000_000, 400


def found(world: World, size: Size | None = None) -> Founding:
    firm = Founding(world, size or Size(), random.Random(f"firm {world.seed}"), world.clock.now())
    _people(firm)
    _cabinets(firm)
    if firm.size.empty:
        return firm
    _matters(firm)
    for number, (client, key) in enumerate(firm.matters):
        if number % 7 != 6:  # a matter that nobody has opened a workspace for yet
            _workspace(firm, number, client, key)
    _office(firm)
    _precedents(firm)
    practice_odd.add(firm)
    _short(firm)
    return firm


# -- who ---------------------------------------------------------------------------------------------
def _people(firm: Founding) -> None:
    world, rng = firm.world, firm.rng
    at = firm.now - AGE
    world.repository["name"] = names.company(rng)
    for number in range(7):
        first, last = names.person(rng)
        firm.users.append(_user(firm, f"{first[0]}{last}{number}".upper(), f"{first} {last}"))
    for name in (BACKUP, RESTRICTED, RESTORE):
        _user(firm, name, f"Service account {name[4:].lower()}")
    outside = _user(firm, "XEXPERT", "Outside expert", external=True)
    teams = {
        "Attorneys": firm.users[:4], "Staff": [*firm.users[4:], RESTRICTED], "Administrators": [firm.users[0], BACKUP, RESTORE],
        "Experts": [outside], "Partners": firm.users[:2],
    }  # fmt: skip
    for name, members in teams.items():
        key = ids.short("UG", world.seed, name)
        firm.groups[name] = key
        world.add(
            "groups", key, "", at, name=name, external=name == "Experts", hidden=name == "Partners",
            hideMembership=name == "Partners", members=[_user_ref(world, one) for one in members],
        )  # fmt: skip


def _user(firm: Founding, key: str, shown: str, external: bool = False) -> str:
    at = firm.now - AGE + timedelta(seconds=firm.world.store.count("users"))
    firm.world.add(
        "users", key, "", at, displayName=shown, email=f"{key.lower()}@firm.example", external=external,
        organization=firm.world.repository["name"], sortLookupBy="key", primaryCabinet=None, registered=ids.stamp(at),
        lastLogin=ids.stamp(firm.now - timedelta(days=firm.rng.randrange(1, 40))),
    )  # fmt: skip
    return key


def _user_ref(world: World, key: str) -> Ref:
    found = world.find(key)
    assert found is not None, key
    return found


# -- where -------------------------------------------------------------------------------------------
def _definition(number: int, name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "type": kind, "required": False, **more}


def _cabinets(firm: Founding) -> None:
    of = firm.groups
    common = [
        _definition(KIND, "Document Type", "lookup"), _definition(AUTHOR, "Author", "text"),
        _definition(DATED, "Date", "date"),
    ]  # fmt: skip
    staff = [
        entry(of["Attorneys"], view=True, edit=True, share=True), entry(of["Staff"], view=True, edit=True),
        entry(of["Administrators"], administer=True), entry(of["Partners"], view=True, edit=True, share=True),
    ]  # fmt: skip
    firm.firm = _cabinet(
        firm, "Firm Documents", MATTER, CLIENT, [*staff, entry(of["Experts"])],
        [
            _definition(CLIENT, "Client", "lookup", required=True),
            _definition(MATTER, "Matter", "lookup", required=True, parent=CLIENT), *common,
        ],
    )  # fmt: skip
    office = [entry(of["Administrators"], administer=True), entry(of["Staff"], view=True)]
    firm.office = _cabinet(
        firm, "Administration", DEPARTMENT, 0, office,
        [_definition(DEPARTMENT, "Department", "lookup", required=True), *common],
    )  # fmt: skip
    firm.precedents = _cabinet(firm, "Precedents", 0, 0, staff, common)
    for key, text in DEPARTMENTS:
        firm.world.set_lookup(DEPARTMENT, key, "", "", firm.now - AGE, description=text)
    for key, text in KINDS:
        firm.world.set_lookup(KIND, key, "", "", firm.now - AGE, description=text)


def _cabinet(
    firm: Founding, name: str, own: int, org: int, membership: list[dict[str, Any]], definitions: list[dict[str, Any]]
) -> Ref:  # fmt: skip
    key = ids.short("NG", firm.world.seed, name)
    return firm.world.add(
        "cabinets", key, "", firm.now - AGE, name=name, wsAttrNum=own, wsOrgAttrNum=org, membership=membership,
        definitions=definitions, settings={"versioning": True, "emailNaming": "subject", "checkOutExpiryDays": 0},
        securitytemplates=[{"name": "Default", "acl": [entry(key, cabDefault=True)]}],
        profiletemplates=[{"name": "Letter", "profile": [{"id": KIND, "value": "LTR"}]}],
    )  # fmt: skip


# -- what --------------------------------------------------------------------------------------------
def _matters(firm: Founding) -> None:
    rng = firm.rng
    clients = max(1, firm.size.matters // 3)
    for number in range(clients):
        at = firm.when(number, clients)
        firm.world.set_lookup(CLIENT, str(1001 + number), "", firm.users[0], at, description=names.company(rng))  # fmt: skip
    for number in range(firm.size.matters):
        matter(firm, str(1001 + rng.randrange(clients)), number)


def matter(firm: Founding, client: str, number: int) -> tuple[str, str]:
    """Opens a matter in the lookup table. Keys are such as 2024-0113."""
    rng, given = firm.rng, firm.size.matter_numbers
    at = firm.when(number, max(firm.size.matters, number + 1))
    key = given[number] if number < len(given) else f"{at.year}-{101 + number:04d}"
    closed = ids.closed_date(firm.after(at)) if number % 9 == 8 else ""
    firm.world.set_lookup(
        MATTER, key, client, firm.users[0], at, description=f"{rng.choice(names.SUBJECTS)} - {rng.choice(names.THINGS)}",
        closed=closed, hold=number % 11 == 3,
    )  # fmt: skip
    firm.matters.append((client, key))
    return client, key


def _workspace(firm: Founding, number: int, client: str, key: str) -> None:
    world, rng = firm.world, firm.rng
    opened = firm.when(number, firm.size.matters)
    made = workspace(firm, client, key, opened)
    profile = {CLIENT: client, MATTER: key}
    folders = [made]
    for name in rng.sample(FOLDERS, rng.randrange(1, 4)):
        above = folders[rng.randrange(len(folders))]
        folders.append(folder(firm, above, name, firm.after(opened, 3)))
    for _ in range(rng.randrange(1, firm.size.documents_per_matter * 2)):
        at = firm.after(opened)
        places = rng.sample(folders, min(len(folders), rng.choice((0, 1, 1, 1, 1, 2))))
        paper = document(firm, firm.firm, places, profile, at)
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
            version(firm, paper, firm.after(at))
    if number < firm.size.large_documents:
        document(firm, firm.firm, folders[:1], profile, firm.after(opened), size=LARGE + rng.randrange(10_000))  # fmt: skip
    if number % 5 == 4:
        # An ethical wall: the staff sees nothing of the matter.
        wall = [*firm.default_acl(firm.firm), entry(firm.groups["Staff"], noAccess=True)]
        for ref in (made, *world.below(made)):
            world.change(ref, "rights changed", firm.users[0], firm.after(opened), touch=False, acl=wall)  # fmt: skip


def workspace(firm: Founding, client: str, key: str, at: Any) -> Ref:
    name = f"{key} {firm.world.described(MATTER, key, client)}"
    made = firm.world.create_item(
        name, ids.WORKSPACE, firm.firm, firm.someone(), at, attributes={CLIENT: client, MATTER: key},
        acl=firm.default_acl(firm.firm),
    )  # fmt: skip
    firm.workspaces.append(made)
    return made


def _office(firm: Founding) -> None:
    for place, (key, text) in enumerate(DEPARTMENTS[:2]):
        at = firm.when(place, 3)
        made = firm.world.create_item(
            text, ids.WORKSPACE, firm.office, firm.users[0], at, attributes={DEPARTMENT: key},
            acl=firm.default_acl(firm.office),
        )  # fmt: skip
        for _ in range(3):
            document(firm, firm.office, [made], {DEPARTMENT: key}, firm.after(at))


def _precedents(firm: Founding) -> None:
    """A cabinet without workspaces: folders at its top."""
    at = firm.when(0, 2)
    made = firm.world.create_item(
        "Templates", ids.FOLDER, firm.precedents, firm.users[0], at, acl=firm.default_acl(firm.precedents)
    )  # fmt: skip
    for _ in range(3):
        document(firm, firm.precedents, [made], {}, firm.after(at))


def _short(firm: Founding) -> None:
    for number in range(firm.size.short_documents):
        place = firm.workspaces[number % len(firm.workspaces)]
        profile = dict(firm.world.row(place)["attributes"])
        document(firm, firm.firm, [place], profile, firm.when(number, firm.size.short_documents), extension="txt",
                 name=f"Note {number:06d}", size=1 + firm.rng.randrange(SHORT))  # fmt: skip
