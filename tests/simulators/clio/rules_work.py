"""How writing contacts and matters differs from the common way (writes.py), and what a deleted matter takes along."""

from __future__ import annotations

from tests.simulators.clio import trust
from tests.simulators.clio.clock import stamp
from tests.simulators.clio.errors import not_found, unprocessable
from tests.simulators.clio.practice_clients import display_number, folder_of
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import World
from tests.simulators.clio.writes import Rule, Values, Writer, refused_delete


# -- contacts and matters -------------------------------------------------------------------------------
def _contact(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        if values["type"] not in ("Person", "Company"):
            raise unprocessable("'type' is Person or Company")
        values.setdefault("email_addresses", [])
        values.setdefault("phone_numbers", [])
        values.setdefault("addresses", [])
        values.setdefault("web_sites", [])
        values.setdefault("instant_messengers", [])
        values.setdefault("custom_field_values", [])
        values |= {"is_co_counsel": False, "is_clio_for_client_user": False, "is_bill_recipient": False,
                   "locked_clio_connect_email": False, "has_clio_for_clients_permission": False,
                   "currency": writer.world.store.ids("currencies") and Ref("currencies", 101)}  # fmt: skip
        if values["type"] == "Person" and not values.get("last_name"):
            first, _, last = values["name"].partition(" ")
            values.update(first_name=values.get("first_name") or first, last_name=last or None)
    if "name" in values:
        values["initials"] = "".join(word[0] for word in str(values["name"]).split())[:2]


def delete_contact(world: World, ref: Ref) -> None:
    """Refused for a client, and where money went through its hands. Raises ApiError (422)."""
    store = world.store
    if store.referrers("matters", "client", ref):
        raise refused_delete("The contact is the client of a matter")
    if store.referrers("bank_transactions", "client", ref):
        raise refused_delete("The contact has bank transactions")
    for collection, column in (("relationships", "contact"), ("notes", "contact")):
        for id_ in store.referrers(collection, column, ref):
            world.delete(Ref(collection, id_))
    world.delete(ref)


def _status(data: Values) -> str | None:
    """resources.yaml: matters.notes - written `open`, read `Open`"""
    if "status" not in data:
        return None
    if data["status"] not in ("open", "closed", "pending"):
        raise unprocessable("'status' is open, closed or pending")
    return str(data["status"]).capitalize()


def _matter(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    world = writer.world
    # resources.yaml: matters.notes - generated, unless manual matter numbering is on; here it is off.
    values.pop("display_number", None)
    status = _status(data)
    if before is None:
        status = status or "Open"
        number = 1 + max((row["number"] for _, row in world.store.rows("matters")), default=0)
        client = values["client"]
        if client is None:
            raise unprocessable("'client' is required")
        values |= {
            "number": number, "display_number": display_number(number, world.row(client)["name"]),
            "currency": Ref("currencies", 101), "billing_method": "hourly", "shared": False, "user": writer.user,
            "maildrop_address": f"drop-{number}@maildrop.example",
        }  # fmt: skip
        values.setdefault("billable", True)
        values.setdefault("custom_field_values", [])
        values["custom_rate"] = {"type": "HourlyRate", "on_invoice": False, "rates": []}
    if status is not None:
        values["status"] = status
        column = {"Open": "open_date", "Closed": "close_date", "Pending": "pending_date"}[status]
        if before is None or before["status"] != status:
            values.setdefault(column, writer.today())
    if "matter_stage" in values:
        values["matter_stage_updated_at"] = stamp(world.clock.now())
    if "custom_rate" in data:
        rate = data["custom_rate"]
        if rate.get("type") not in ("FlatRate", "HourlyRate", "ContingencyFee"):
            raise unprocessable("'custom_rate.type' is FlatRate, HourlyRate or ContingencyFee")
        values["custom_rate"] = {
            "type": rate["type"], "on_invoice": False,
            "rates": [
                world.part("custom_rates", None, rate=float(one["rate"]), award=one.get("award"), note=one.get("note"),
                           date=one.get("date"), user=writer.needed("users", one.get("user")))
                for one in rate.get("rates", [])
            ],
        }  # fmt: skip


def _matter_made(writer: Writer, ref: Ref, data: Values) -> None:
    world = writer.world
    root = next(i for i, row in world.store.rows("folders") if row["root"])
    folder_of(world, ref, Ref("folders", root), writer.user)
    for one in data.get("relationships") or []:
        _related(writer, ref, one)


def _update_matter(writer: Writer, ref: Ref, values: Values, data: Values) -> None:
    writer.world.change(ref, **values)
    for one in data.get("relationships") or []:
        if "id" not in one:
            _related(writer, ref, one)
            continue
        held = writer.needed("relationships", one)
        if writer.world.row(held)["matter"] != ref:
            raise not_found(f"relationships {held.id}")
        if one.get("_destroy"):
            writer.world.delete(held)
        else:
            writer.world.change(held, description=one.get("description"))


def _related(writer: Writer, ref: Ref, one: Values) -> None:
    contact = writer.needed("contacts", one.get("contact"))
    writer.world.create(
        "relationships", matter=ref, contact=contact, description=one.get("description")
    )


# What a deleted matter leaves behind without a matter (platform.yaml: deletions.cascade).
DETACHED = ("activities", "documents", "folders", "communications", "calendar_entries", "relationships", "line_items",
            "allocations", "trust_line_items", "damages", "conversations")  # fmt: skip


def delete_matter(world: World, ref: Ref) -> None:
    """platform.yaml: deletions.cascade - tasks and notes go, the rest stays without matter.

    Refused while the matter holds trust money. Raises ApiError (422).
    """
    store, quiet = world.store, world.settings.quiet_nested_changes
    for account, row in store.rows("bank_accounts"):
        if row["type"] == "Trust" and world.ledger.owed(trust.Book(account, "matter", ref.id)):
            raise refused_delete("The matter holds funds in trust")
    for collection in ("tasks", "notes", "relationships", "damages"):
        for id_ in store.referrers(collection, "matter", ref):
            for reminder in store.referrers("reminders", "subject", Ref(collection, id_)):
                world.delete(Ref("reminders", reminder))
            world.delete(Ref(collection, id_))
    for collection in DETACHED:
        for id_ in store.referrers(collection, "matter", ref):
            extra = {"_matter_root": None} if collection == "folders" else {}
            world.change(Ref(collection, id_), quiet=quiet, matter=None, **extra)
    # The ledger follows the rows: the matter held nothing, so its client's own funds stay what they are.
    for id_ in store.referrers("bank_transactions", "matter", ref):
        world.detach(Ref("bank_transactions", id_), quiet=quiet)
    for id_ in store.referrers("bills", "matters", ref):
        left = [one for one in world.row(Ref("bills", id_))["matters"] if one != ref]
        world.change(Ref("bills", id_), quiet=quiet, matters=left)
    world.delete(ref)


RULES: dict[str, Rule] = {
    "contacts": Rule(
        prepare=_contact, delete=lambda writer, ref: delete_contact(writer.world, ref)
    ),
    "matters": Rule(
        prepare=_matter, made=_matter_made, update=_update_matter,
        delete=lambda writer, ref: delete_matter(writer.world, ref),
    ),
}  # fmt: skip
