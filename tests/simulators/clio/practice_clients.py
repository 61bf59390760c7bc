"""Clients and other contacts, their matters, and the folders of both."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.simulators.clio import names
from tests.simulators.clio.founding import Founding
from tests.simulators.clio.store import Ref, etag_of
from tests.simulators.clio.world import World

STATUSES = ("Open", "Open", "Open", "Closed", "Pending")


def root_folder(firm: Founding) -> None:
    """resources.yaml: folders.notes - exactly one root folder"""
    firm.root = firm.world.create(
        "folders", firm.early(), name="All Files", root=True, locked=False, deleted_at=None, parent=None,
        creator=firm.users[0], external_properties=[],
    )  # fmt: skip


def add(firm: Founding) -> None:
    companies = max(4, firm.size.matters * 2 // 3)
    for number in range(companies):
        at = firm.when(number, companies)
        made = contact(firm, at, company=True)
        firm.contacts.append(made)
        firm.clients.append(made)
        if firm.rng.random() < 0.6:
            person = contact(firm, at, company=False, employer=made)
            firm.contacts.append(person)
            if firm.rng.random() < 0.3:
                firm.clients.append(person)
    for number in range(firm.size.matters):
        firm.matters.append(matter(firm, firm.when(number, firm.size.matters)))


def contact(firm: Founding, at: datetime, *, company: bool, employer: Ref | None = None) -> Ref:
    world, rng = firm.world, firm.rng
    first, last = ("", "") if company else names.person(rng)
    name = names.company(rng) if company else f"{first} {last}"
    mails = [
        world.part("email_addresses", at, address=names.mailbox(name), name="Work", primary=True)
    ]
    if rng.random() < 0.2:
        mails.append(
            world.part("email_addresses", at, address=names.mailbox(f"office {name}"), name="Other", primary=False)
        )  # fmt: skip
    city, province = rng.choice(names.CITIES)
    made = world.create(
        "contacts", at,
        name=name, type="Company" if company else "Person",
        first_name=first or None, middle_name=None, last_name=last or None, date_of_birth=None,
        prefix=None, title=None if company else "Manager", initials="".join(word[0] for word in name.split())[:2],
        clio_connect_email=None, locked_clio_connect_email=False, ledes_client_id=None, sales_tax_number=None,
        has_clio_for_clients_permission=False, is_clio_for_client_user=False, is_co_counsel=False,
        is_bill_recipient=False, currency=Ref("currencies", 101), company=employer,
        email_addresses=mails,
        phone_numbers=[world.part("phone_numbers", at, number=names.telephone(rng), name="Work", primary=True)],
        addresses=[
            world.part(
                "addresses", at, name="Work", street=f"{rng.randrange(1, 900)} {rng.choice(names.STREETS)}",
                city=city, province=province, postal_code=f"0{rng.randrange(1000, 9999)}", country="US", primary=True,
            )
        ],
        web_sites=[], instant_messengers=[],
        custom_field_values=values(firm, at, "Contact", 2),
    )  # fmt: skip
    world.create(
        "folders", at, name=name, root=False, locked=False, deleted_at=None, parent=firm.root, contact=made,
        creator=firm.users[0], external_properties=[], _contact_root=made,
    )  # fmt: skip
    return made


def matter(firm: Founding, at: datetime) -> Ref:
    world, rng = firm.world, firm.rng
    client = rng.choice(firm.clients)
    number = world.store.count("matters") + 1
    name = world.row(client)["name"]
    status = rng.choice(STATUSES)
    given = firm.size.display_numbers
    shown = given[number - 1] if number <= len(given) else display_number(number, name)
    day = at.date().isoformat()
    area = rng.choice(firm.areas)
    stages = world.store.referrers("matter_stages", "_practice_area", area)
    made = world.create(
        "matters", at,
        number=number, display_number=shown, custom_number=None, client=client,
        currency=Ref("currencies", 101), description=f"{rng.choice(names.SUBJECTS)} ({name})", status=status,
        location=rng.choice(names.CITIES)[0], client_reference=f"REF-{rng.randrange(10_000):04d}", billable=True,
        maildrop_address=f"drop-{number}@maildrop.example", billing_method=rng.choice(("hourly", "flat", "contingency")),
        open_date=None if status == "Pending" else day, pending_date=day if status == "Pending" else None,
        close_date=firm.after(at, 200).date().isoformat() if status == "Closed" else None, shared=False,
        matter_stage=Ref("matter_stages", rng.choice(stages)),
        responsible_attorney=rng.choice(firm.users[:4]), originating_attorney=firm.users[rng.randrange(2)],
        responsible_staff=firm.users[5], user=firm.users[0], practice_area=area,
        group=Ref("groups", 101), custom_field_values=values(firm, at, "Matter", 3),
        custom_rate={"type": "HourlyRate", "on_invoice": False, "rates": []},
        matter_budget=world.part(
            "matter_budgets", at, budget=float(rng.randrange(5, 50) * 1000), include_expenses=True,
            notification_threshold=80, notify_users=False,
        ) if rng.random() < 0.3 else None,
        evergreen_retainer=world.part("evergreen_retainers", at, minimum_threshold=1000.0) if rng.random() < 0.2 else None,
    )  # fmt: skip
    folder_of(firm.world, made, firm.root, firm.users[0], at)
    if rng.random() < 0.5 and len(firm.contacts) > 2:
        world.create(
            "relationships", at, description=rng.choice(("Opposing party", "Expert", "Adjuster")), matter=made,
            contact=rng.choice(firm.contacts),
        )  # fmt: skip
    return made


def display_number(number: int, client: str) -> str:
    """examples.json: list_page_1 - `00002-Acme`"""
    return f"{number:05d}-{client.split()[-1] if '-' in client else client.split()[0]}"


def folder_of(world: World, made: Ref, root: Ref, creator: Ref, at: datetime | None = None) -> Ref:
    """The folder every matter has."""
    row = world.row(made)
    return world.create(
        "folders", at, name=row["display_number"], root=False, locked=False, deleted_at=None, parent=root,
        matter=made, contact=None, creator=creator, external_properties=[], _matter_root=made,
    )  # fmt: skip


def values(firm: Founding, at: datetime, parent: str, most: int) -> list[dict[str, Any]]:
    world, rng = firm.world, firm.rng
    fields = [ref for ref in firm.custom_fields if world.row(ref)["parent_type"] == parent]
    found = []
    for ref in rng.sample(fields, rng.randrange(most + 1)):
        kind = world.row(ref)["field_type"]
        if kind == "contact" and firm.contacts:
            found.append(field_value(world, ref, rng.choice(firm.contacts).id, at))
        elif kind == "matter" and firm.matters:
            found.append(field_value(world, ref, rng.choice(firm.matters).id, at))
        elif kind == "picklist":
            found.append(
                field_value(world, ref, rng.choice(world.row(ref)["picklist_options"])["id"], at)
            )
        elif kind not in ("contact", "matter"):
            found.append(field_value(world, ref, SAMPLES[kind], at))
    return found


SAMPLES: dict[str, str] = {
    "text_line": "24-CV-00417",
    "text_area": "First call on a Tuesday.\nWants to settle.",
    "currency": "125000.50",
    "date": "2026-12-31",
    "time": "09:30",
    "checkbox": "true",
    "url": "https://registry.example/",
    "numeric": "42",
    "email": "invoices@clients.example",
}


def field_value(world: World, field: Ref, value: Any, at: datetime | None = None) -> dict[str, Any]:
    """A custom field's value. examples.json: custom_field_value_read - its id is a text, `text_line-1`."""
    row = world.row(field)
    kind = row["field_type"]
    made = world.part(
        "custom_field_values", at,
        field_name=row["name"], field_type=kind, field_required=row["required"], field_displayed=row["displayed"],
        field_display_order=row["display_order"], value=str(value), soft_deleted=row["deleted"], custom_field=field,
    )  # fmt: skip
    id_ = f"{kind}-{made['id']}"
    made |= {"id": id_, "etag": etag_of("custom_field_values", id_, f"{world.seed}/1")}
    if kind == "picklist":
        made["picklist_option"] = next(
            (one for one in row["picklist_options"] if one["id"] == int(value)), None
        )
    elif kind in ("contact", "matter"):
        made[kind] = Ref(f"{kind}s", int(value))
    return made
