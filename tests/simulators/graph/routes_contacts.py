"""Reading contacts. microsoft365.md: Calendar - Contacts; examples: contact-get, contact-delta."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref
from tests.simulators.graph import query
from tests.simulators.graph.api import DELTA, LIST, Call, route
from tests.simulators.graph.delta import Told, answered, removed
from tests.simulators.graph.errors import item_not_found, malformed_id
from tests.simulators.graph.letters import property_name
from tests.simulators.graph.routes_mail import expanded, view_of

READ = ("Contacts.Read", "Contacts.ReadWrite")


def folder_of(call: Call) -> Ref:
    """The one the path names, or the default one, which no list of folders has."""
    user = call.mailbox()
    rows = call.world.rows_of("contactFolders", "_user", user)
    if "folder" not in call.path:
        return next(one for one in rows if call.world.row(one)["_default"])
    found = call.world.ids.read(call.path["folder"])
    if found is None or found.kind != "contactFolder":
        raise malformed_id()
    ref = Ref("contactFolders", found.number)
    if ref not in rows:
        raise item_not_found()
    return ref


@route("GET", "/users/{user}/contactFolders", READ, options=LIST)
@route("GET", "/users/{user}/contactFolders/{folder}/childFolders", READ, options=LIST)
def folders(call: Call) -> Response:
    view = view_of(call)
    rows = call.world.rows_of("contactFolders", "_parent", folder_of(call))
    return call.listed(rows, lambda one: view.contact_folder(one, call.world.row(one)), "contactFolder", what="contactFolders")  # fmt: skip


@route("GET", "/users/{user}/contactFolders/delta", READ, options=DELTA)
def folders_delta(call: Call) -> Response:
    view = view_of(call)
    user = call.mailbox()
    told = Told(
        "contactFolders", "contactFolders", user, "contactFolder",
        lambda one, row: [view.contact_folder(one, row)],
        lambda one: removed(call.world.ids.give("contactFolder", one.id)),
        member=lambda row: not row["_default"],
        refs=lambda: call.world.rows_of("contactFolders", "_user", user),
    )  # fmt: skip
    return answered(call, told)


@route("GET", "/users/{user}/contactFolders/{folder}", READ, options=("$select",))
def folder(call: Call) -> Response:
    ref = folder_of(call)
    return call.entity(view_of(call).contact_folder(ref, call.world.row(ref)))


@route("GET", "/users/{user}/contacts", READ, options=LIST)
@route("GET", "/users/{user}/contactFolders/{folder}/contacts", READ, options=LIST)
def contacts(call: Call) -> Response:
    view = view_of(call)
    rows = call.world.rows_of("contacts", "_folder", folder_of(call))
    return call.listed(rows, lambda one: _whole(call, view.contact(one, call.world.row(one))), "contact", what="contacts", expands=True)  # fmt: skip


def _whole(call: Call, shown: dict[str, Any]) -> dict[str, Any]:
    """With the extended properties that $expand names."""
    wanted = expanded(call)
    if wanted:
        held = shown.get("singleValueExtendedProperties") or []
        shown[wanted[0]] = [one for one in held if wanted[1] is None or property_name(one["id"]) in wanted[1]]  # fmt: skip
        shown["@expand"] = (wanted[0],)
    return shown


@route("GET", "/users/{user}/contacts/delta", READ, options=DELTA)
@route("GET", "/users/{user}/contactFolders/{folder}/contacts/delta", READ, options=DELTA)
def contacts_delta(call: Call) -> Response:
    view = view_of(call)
    ref = folder_of(call)
    told = Told(
        "contacts", "contacts", ref, "contact",
        lambda one, row: [view.contact(one, row)],
        lambda one: removed(view.id_of("contact", one)),
        refs=lambda: call.world.rows_of("contacts", "_folder", ref),
    )  # fmt: skip
    return answered(call, told)


@route("GET", "/users/{user}/contacts/{contact}", READ, options=("$select", "$expand"))
def contact(call: Call) -> Response:
    ref, row = call.item("contact", "contact", "contacts")
    names = query.selected(call.option("$select"), "contact")
    return call.entity(query.shown(_whole(call, view_of(call).contact(ref, row)), names, "contact"))


@route("GET", "/users/{user}/contacts/{contact}/photo/$value", READ)
def photo(call: Call) -> Response:
    _, row = call.item("contact", "contact", "contacts")
    if not row["_photo"]:
        raise item_not_found()
    return Response(200, {"Content-Type": "image/jpeg"}, row["_photo"])
