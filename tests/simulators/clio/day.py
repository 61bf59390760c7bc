"""A day of work at the firm: new rows, changes, new versions, renames, moves, deletions, money.

`work(firm, number)` does the day with that number. The same firm and the same numbers in the same order do the
same, to the id.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.simulators.clio import names, practice_clients, practice_money, practice_work, trust
from tests.simulators.clio.clock import stamp
from tests.simulators.clio.documents import purge, trash
from tests.simulators.clio.errors import ApiError
from tests.simulators.clio.founding import Founding
from tests.simulators.clio.rules_work import delete_matter
from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import Overdrawn, World

Deed = Callable[[World, Founding], Ref | None]


def work(firm: Founding, number: int, deeds: int = 40) -> dict[str, Any]:
    """What was done: the sequence before and after, and how often each deed."""
    world = firm.world
    with world.lock:
        rng = random.Random(f"day {world.seed}/{number}")
        today = replace(firm, rng=rng, now=world.clock.now())
        _refresh(today)
        world.clock.advance(86_400)
        purge(world)
        before = world.store.sequence
        done: Counter[str] = Counter()
        for deed in rng.choices(list(DEEDS), list(DEEDS.values()), k=deeds):
            world.clock.advance(rng.randrange(30, 600))
            today.now = world.clock.now()
            try:
                if deed(world, today) is not None:
                    done[deed.__name__.strip("_")] += 1
            except (ApiError, Overdrawn):
                done["refused"] += 1
            _refresh(today)
        return {
            "from": before, "to": world.store.sequence, "now": world.clock.now().isoformat(), "deeds": dict(done),
        }  # fmt: skip


def _refresh(firm: Founding) -> None:
    """What is at hand, after what came and went."""
    store = firm.world.store
    firm.matters = [Ref("matters", id_) for id_ in store.ids("matters")]
    firm.contacts = [Ref("contacts", id_) for id_ in store.ids("contacts")]
    firm.clients = firm.contacts


def _any(world: World, firm: Founding, collection: str) -> Ref | None:
    ids = world.store.ids(collection)
    return Ref(collection, firm.rng.choice(ids)) if ids else None


def _new_client(world: World, firm: Founding) -> Ref | None:
    return practice_clients.contact(firm, world.clock.tick(), company=firm.rng.random() < 0.7)


def _new_matter(world: World, firm: Founding) -> Ref | None:
    return practice_clients.matter(firm, world.clock.tick())


def _new_note(world: World, firm: Founding) -> Ref | None:
    return practice_work.note(world, firm, firm.rng.choice(firm.matters), world.clock.tick())


def _new_message(world: World, firm: Founding) -> Ref | None:
    matter = firm.rng.choice(firm.matters)
    client = world.row(matter)["client"]
    return practice_work.communication(world, firm, matter, client, world.clock.tick())


def _new_task(world: World, firm: Founding) -> Ref | None:
    return practice_work.task(world, firm, firm.rng.choice(firm.matters), world.clock.tick())


def _new_entry(world: World, firm: Founding) -> Ref | None:
    return practice_work.calendar_entry(
        world, firm, firm.rng.choice(firm.matters), world.clock.tick()
    )


def _new_document(world: World, firm: Founding) -> Ref | None:
    folders = [
        i for i, row in world.store.rows("folders") if row["deleted_at"] is None and not row["root"]
    ]
    return practice_work.document(
        world, firm, Ref("folders", firm.rng.choice(folders)), world.clock.tick()
    )


def _new_version(world: World, firm: Founding) -> Ref | None:
    document = _living(world, firm, "documents")
    if document is None:
        return None
    held = world.row(world.row(document)["latest_document_version"])
    number = 1 + len(world.store.referrers("document_versions", "_document", document))
    return practice_work.version(
        world, firm, document, number, held["filename"], held["content_type"], firm.rng.randrange(1, 80_000),
        world.clock.tick(),
    )  # fmt: skip


def _living(world: World, firm: Founding, collection: str) -> Ref | None:
    ids = [
        i for i, row in world.store.rows(collection)
        if row["deleted_at"] is None and not row.get("root") and row.get("latest_document_version", True)
    ]  # fmt: skip
    return Ref(collection, firm.rng.choice(ids)) if ids else None


def _rename(world: World, firm: Founding) -> Ref | None:
    ref = _living(world, firm, firm.rng.choice(("documents", "folders")))
    if ref is not None:
        world.change(ref, name=f"{firm.rng.choice(names.PAPERS)} {firm.rng.randrange(100)}")
    return ref


def _move(world: World, firm: Founding) -> Ref | None:
    ref, folder = _living(world, firm, "documents"), _living(world, firm, "folders")
    if ref is not None and folder is not None:
        above = world.row(folder)
        world.change(ref, parent=folder, matter=above.get("matter"), contact=above.get("contact"))
    return ref


def _throw_away(world: World, firm: Founding) -> Ref | None:
    ref = _living(world, firm, "folders" if firm.rng.random() < 0.1 else "documents")
    if ref is not None:
        trash(world, ref, world.clock.tick())
    return ref


def _take_back(world: World, firm: Founding) -> Ref | None:
    ids = [i for i, row in world.store.rows("documents") if row["deleted_at"] is not None]
    if not ids:
        return None
    ref = Ref("documents", firm.rng.choice(ids))
    world.change(ref, deleted_at=None)
    return ref


def _edit(world: World, firm: Founding) -> Ref | None:
    collection, column = firm.rng.choice(
        (("notes", "detail"), ("matters", "description"), ("tasks", "name"), ("communications", "body"),
         ("calendar_entries", "summary"), ("contacts", "title"))
    )  # fmt: skip
    ref = _any(world, firm, collection)
    if ref is not None:
        changed: dict[str, Any] = {column: names.sentence(firm.rng)}
        world.change(ref, **changed)
    return ref


def _new_address(world: World, firm: Founding) -> Ref | None:
    """A change inside a contact; whether the contact's own time moves is a setting."""
    ref = _any(world, firm, "contacts")
    if ref is None:
        return None
    addresses = [{**one, "street": f"{firm.rng.randrange(1, 900)} {firm.rng.choice(names.STREETS)}",
                  "updated_at": stamp(world.clock.now())} for one in world.row(ref)["addresses"]]  # fmt: skip
    world.change(ref, quiet=world.settings.quiet_nested_changes, addresses=addresses)
    return ref


def _finish_task(world: World, firm: Founding) -> Ref | None:
    ref = _any(world, firm, "tasks")
    if ref is not None:
        now = world.clock.tick()
        world.change(ref, at=now, status="complete", completed_at=stamp(now))
    return ref


def _close_matter(world: World, firm: Founding) -> Ref | None:
    ref = firm.rng.choice(firm.matters)
    day = stamp(world.clock.now())[:10]
    shut = world.row(ref)["status"] == "Closed"
    world.change(ref, status="Open" if shut else "Closed", close_date=None if shut else day)
    return ref


def _delete_row(world: World, firm: Founding) -> Ref | None:
    ref = _any(
        world,
        firm,
        firm.rng.choice(("notes", "communications", "calendar_entries", "relationships")),
    )
    if ref is not None:
        world.delete(ref)
    return ref


def _delete_matter(world: World, firm: Founding) -> Ref | None:
    """Pays out what the matter has in trust, then deletes it. The last few matters stay."""
    if len(firm.matters) < 4:
        return None
    matter = firm.rng.choice(firm.matters)
    client = world.row(matter)["client"]
    for account in firm.trust_accounts:
        held = world.ledger.owed(trust.Book(account.id, "matter", matter.id))
        if held:
            world.transact(account, -held, client=client, matter=matter, description="Refund of trust funds",
                           transaction_type="Withdrawal", source=None, confirmation=None)  # fmt: skip
    delete_matter(world, matter)
    return matter


def _trust_money(world: World, firm: Founding) -> Ref | None:
    return practice_money.movement(world, firm, firm.rng.choice(firm.matters), world.clock.tick())


def _time(world: World, firm: Founding) -> Ref | None:
    return practice_money.activity(world, firm, firm.rng.choice(firm.matters), world.clock.tick())


def _bill(world: World, firm: Founding) -> Ref | None:
    matter = firm.rng.choice(firm.matters)
    worked = [
        Ref("activities", id_) for id_ in world.store.referrers("activities", "matter", matter)
        if not world.row(Ref("activities", id_))["on_bill"]
    ]  # fmt: skip
    return practice_money.bill(world, firm, matter, worked, world.clock.tick()) if worked else None


def _pay(world: World, firm: Founding) -> Ref | None:
    owed = [Ref("bills", i) for i, row in world.store.rows("bills")
            if row["state"] == "awaiting_payment" and row["kind"] == "revenue_kind" and len(row["matters"]) == 1]  # fmt: skip
    if not owed:
        return None
    return practice_money.pay(
        world, firm, firm.rng.choice(owed), firm.trust_accounts[0], world.clock.tick()
    )


def _correct_money(world: World, firm: Founding) -> Ref | None:
    """A deposit was noted with the wrong amount."""
    ids = [
        i
        for i, row in world.store.rows("bank_transactions")
        if row["funds_in"] and row.get("description") == "Deposit"
    ]
    if not ids:
        return None
    ref = Ref("bank_transactions", firm.rng.choice(ids))
    more = world.row(ref)["funds_in"] + firm.rng.randrange(1, 900) / 100
    world.amend(ref, amount=round(more, 2), funds_in=round(more, 2))
    return ref


def _comment(world: World, firm: Founding) -> Ref | None:
    paper = _living(world, firm, "documents")
    if paper is None:
        return None
    return world.create("comments", message=names.sentence(firm.rng), deleted_at=None, creator=firm.users[1], _item=paper,
                        document_version=world.row(paper)["latest_document_version"])  # fmt: skip


# How often each, against the others.
DEEDS: dict[Deed, int] = {
    _new_client: 2, _new_matter: 2, _new_note: 5, _new_message: 6, _new_task: 4, _new_entry: 3, _new_document: 5,
    _new_version: 4, _rename: 2, _move: 2, _throw_away: 3, _take_back: 1, _edit: 8, _new_address: 2, _finish_task: 3,
    _close_matter: 1, _delete_row: 3, _delete_matter: 1, _trust_money: 6, _time: 6, _bill: 2, _pay: 3,
    _correct_money: 1, _comment: 1,
}  # fmt: skip
