"""Which path means what. openapi: paths; `.json` may be left out (platform.yaml: headers.path_suffix)."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.simulators.clio import archives, reports, worked_out
from tests.simulators.clio.api import ROOT, Call
from tests.simulators.clio.errors import ApiError, bad_request, not_found
from tests.simulators.clio.listing import Within
from tests.simulators.clio.messages import Response, answer
from tests.simulators.clio.store import Ref
from tests.simulators.clio.tables import RESOURCES, Resource
from tests.simulators.clio.writes import shaped

VERSIONS = Resource(
    "document_versions",
    "DocumentVersion",
    "L",
    since=False,
    filters=frozenset({"fully_uploaded", "id"}),
)
TRIGGERS = Resource(
    "court_rules/triggers", "JurisdictionsToTrigger", "LS", orders=("description", "id"), since=False,
    filters=frozenset({"ids[]", "is_requirements_required", "is_served", "query"}),
)  # fmt: skip
# Shown or changed by id alone (resources.yaml: not_in_spec).
BY_ID = {
    "bank_transfers": Resource("bank_transfers", "BankTransfer", "S"),
    "medical_records": Resource(
        "medical_records", "MedicalRecord", "UD", update=frozenset({"start_date", "end_date"})
    ),
    "medical_bills": Resource(
        "medical_bills", "MedicalBill", "UD",
        update=frozenset({"adjustment", "amount", "balance", "bill_date", "bill_received_date", "name",
                          "mark_balance_type_as", "payers"}),
    ),
}  # fmt: skip
SINGLE = ("settings/billing", "timer", "internal_notifications/event_metrics", "users/who_am_i")
MOVED = "practice_areas_with_categories"

Handler = Callable[..., Response]
SPECIAL: list[tuple[str, re.Pattern[str], Handler]] = []


def _route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    def keep(handler: Handler) -> Handler:
        SPECIAL.append((method, re.compile(pattern), handler))
        return handler

    return keep


def answer_to(call: Call) -> Response:
    """Raises ApiError."""
    request = call.request
    path = request.path.removeprefix(f"{ROOT}/").removesuffix(".json")
    if not request.path.startswith(f"{ROOT}/"):
        raise not_found("The page")
    for method, pattern, handler in SPECIAL:
        match = pattern.fullmatch(path)
        if match is not None and method == request.method:
            return handler(call, *(int(group) for group in match.groups()))
    head, _, tail = path.rpartition("/")
    if path in RESOURCES:
        return _collection(call, RESOURCES[path])
    if tail.isdigit() and (head in RESOURCES or head in BY_ID):
        return _member(call, RESOURCES.get(head) or BY_ID[head], int(tail))
    raise not_found("The page")


def _collection(call: Call, resource: Resource) -> Response:
    call.reader.demand(resource.name)
    method = call.request.method
    if method == "GET" and resource.name in SINGLE:
        return _single(call, resource)
    if method == "GET" and "L" in resource.operations:
        if resource.name == "practice_areas" and call.api.practice_areas_moved:
            # examples.json: practice_areas_redirect
            query = "&".join(f"{key}={value}" for key, value in call.request.query)
            place = f"{call.request.base}{ROOT}/{MOVED}.json{'?' if query else ''}{query}"
            return Response(307, {"Location": place})
        if resource.name == "reports":
            for id_ in list(call.view.store.ids("reports")):
                reports.asked_after(call.world, Ref("reports", id_))
        if resource.name in worked_out.LISTS:
            return call.within(worked_out.view_of(resource.name, call.view)).list(resource)
        return call.list(resource)
    if method == "POST" and "C" in resource.operations:
        made = call.writer.create(resource, call.request.data())
        return _written(call, resource, made, 201)
    raise ApiError(405, "MethodNotAllowed", f"{method} is not possible here")


def _single(call: Call, resource: Resource) -> Response:
    if resource.name == "users/who_am_i":
        return call.show("User", call.reader.user, call.row(call.reader.user))
    ids = call.view.store.ids(resource.name)
    if not ids:
        raise not_found("The record")
    ref = Ref(resource.name, ids[0])
    return call.show(resource.schema, ref, call.row(ref))


def _member(call: Call, resource: Resource, id_: int) -> Response:
    call.reader.demand(resource.name)
    ref = Ref(resource.name, id_)
    method = call.request.method
    if method == "GET" and "S" in resource.operations:
        if resource.name == "reports" and call.view.store.at(ref) is not None:
            reports.asked_after(call.world, ref)
        return call.show(resource.schema, ref, call.row(ref))
    if method == "PATCH" and "U" in resource.operations:
        row = call.row(ref)
        tag = call.request.headers.get("if-match")
        if tag is not None and tag not in ("*", row["etag"]):
            # platform.yaml: etags.patch; examples.json: stale_patch
            raise ApiError(412, "PreconditionFailed", "etag does not match")
        call.writer.update(resource, ref, call.request.data())
        return _written(call, resource, ref, 200)
    if method == "DELETE" and "D" in resource.operations:
        row = call.row(ref)
        call.writer.delete(ref)
        if resource.name == "grant_funding_sources":
            return call.show(
                resource.schema, ref, row
            )  # the one that answers 200 with the row (openapi)
        return Response(204)
    raise ApiError(405, "MethodNotAllowed", f"{method} is not possible here")


def _written(call: Call, resource: Resource, ref: Ref, status: int) -> Response:
    row = dict(call.row(ref))
    if row.get("_pending") is not None:
        # platform.yaml: uploads.steps - the answer holds the version that waits for its bytes
        row["latest_document_version"] = row["_pending"]
    return call.show(resource.schema, ref, row, status)


# -- documents ------------------------------------------------------------------------------------------
def _to_storage(call: Call, name: str | None) -> Response:
    """platform.yaml: downloads - 303 to a signed URL on another host"""
    if name is None or name not in call.world.files.objects:
        raise not_found("The file")
    return Response(303, {"Location": call.api.storage.download_url(name)})


@_route("GET", r"documents/(\d+)/download")
def _download(call: Call, id_: int) -> Response:
    document = Ref("documents", id_)
    row = call.row(document)
    version = row["latest_document_version"]
    asked = call.request.one("document_version_id")
    if asked is not None:
        if not asked.isdigit():
            raise bad_request("'document_version_id' is no whole number")
        version = Ref("document_versions", int(asked))
    held = call.view.store.at(version)
    if held is None or held["_document"] != document or not held["fully_uploaded"]:
        raise not_found("The document version")
    return _to_storage(call, held["uuid"])


@_route("GET", r"documents/(\d+)/versions")
def _versions(call: Call, id_: int) -> Response:
    document = Ref("documents", id_)
    call.row(document)
    return call.list(VERSIONS, within=Within("_document", document))


@_route("POST", r"documents/(\d+)/copy")
def _copy(call: Call, id_: int) -> Response:
    source = Ref("documents", id_)
    if call.row(source)["latest_document_version"] is None:
        raise bad_request("The document has no version yet")
    with shaped():
        made = call.api.uploads.copy(call.writer, source, call.request.data())
    return _written(call, RESOURCES["documents"], made, 201)


@_route("POST", r"documents/(\d+)/versions/(\d+)/save_as_latest_version")
def _save_as_latest(call: Call, id_: int, version: int) -> Response:
    document, held = Ref("documents", id_), Ref("document_versions", version)
    call.row(document)
    if call.row(held)["_document"] != document:
        raise bad_request("The version is another document's")
    call.api.uploads.save_as_latest(call.writer, document, held)
    return answer(200, None)


@_route("GET", r"document_templates/(\d+)/download")
def _template(call: Call, id_: int) -> Response:
    return _to_storage(call, call.row(Ref("document_templates", id_)).get("_object"))


@_route("POST", r"document_archives")
def _archive(call: Call) -> Response:
    with shaped():
        made = archives.create(call)
    return call.show("DocumentArchive", made, call.row(made), 201)


@_route("GET", r"document_archives/(\d+)")
def _archive_state(call: Call, id_: int) -> Response:
    ref = Ref("document_archives", id_)
    call.row(ref)
    archives.asked_after(call.world, ref)
    return call.show("DocumentArchive", ref, call.row(ref))


@_route("GET", r"document_archives/(\d+)/download")
def _archive_download(call: Call, id_: int) -> Response:
    row = call.row(Ref("document_archives", id_))
    return _to_storage(call, f"archive-{id_}" if row["state"] == "completed" else None)


@_route("POST", r"document_automations")
def _automation(call: Call) -> Response:
    with shaped():
        made = archives.automate(call)
    return call.show("DocumentAutomation", made, call.row(made), 201)


# -- reports and bills ----------------------------------------------------------------------------------
@_route("GET", r"reports/(\d+)/download")
def _report(call: Call, id_: int) -> Response:
    call.reader.demand("reports")
    row = call.row(Ref("reports", id_))
    return _to_storage(call, f"report-{id_}" if row["state"] == "completed" else None)


@_route("POST", r"report_presets/(\d+)/generate_report")
def _from_preset(call: Call, id_: int) -> Response:
    call.reader.demand("report_presets")
    row = call.row(Ref("report_presets", id_))
    made = call.writer.create(RESOURCES["reports"], {"kind": row["kind"], "format": row["format"]})
    return call.show("Report", made, call.row(made), 201)


@_route("GET", r"bills/(\d+)/preview")
def _preview(call: Call, id_: int) -> Response:
    call.reader.demand("bills")
    bill = Ref("bills", id_)
    call.row(bill)
    page = reports.preview(call.world, bill)
    return Response(200, {"Content-Type": "text/html; charset=utf-8"}, page)


# -- under contacts, matters and others -----------------------------------------------------------------
@_route("GET", r"contacts/(\d+)/email_addresses")
def _mails(call: Call, id_: int) -> Response:
    return _parts(call, id_, "email_addresses", "EmailAddress")


@_route("GET", r"contacts/(\d+)/phone_numbers")
def _phones(call: Call, id_: int) -> Response:
    return _parts(call, id_, "phone_numbers", "PhoneNumber")


def _parts(call: Call, id_: int, column: str, schema: str) -> Response:
    row = call.row(Ref("contacts", id_))
    name = f"contacts/{id_}/{column}"
    view = worked_out.over(call.view, name, {one["id"]: one for one in row.get(column) or ()})
    return call.within(view).list(Resource(name, schema, "L", filters=frozenset({"ids[]"})))


@_route("GET", r"matters/(\d+)/client")
def _client(call: Call, id_: int) -> Response:
    client = call.row(Ref("matters", id_))["client"]
    return call.show("Client", client, {**call.row(client), "is_matter_client": True})


@_route("GET", r"matters/(\d+)/contacts")
def _matter_contacts(call: Call, id_: int) -> Response:
    call.row(Ref("matters", id_))
    name, view = worked_out.contacts_of(call.view, id_, related=False)
    return call.within(view).list(
        Resource(name, "MatterContacts", "L", orders=("is_client", "id"), since=False)
    )


@_route("GET", r"matters/(\d+)/related_contacts")
def _related(call: Call, id_: int) -> Response:
    call.row(Ref("matters", id_))
    name, view = worked_out.contacts_of(call.view, id_, related=True)
    return call.within(view).list(
        Resource(name, "RelatedContacts", "L", orders=("id", "contact.name"), since=False)
    )


@_route("GET", r"court_rules/jurisdictions/(\d+)/triggers")
def _triggers(call: Call, id_: int) -> Response:
    court = Ref("court_rules/jurisdictions", id_)
    call.row(court)
    return call.list(TRIGGERS, within=Within("_jurisdiction", court))


@_route("GET", r"court_rules/jurisdictions/(\d+)/triggers/(\d+)")
def _trigger(call: Call, id_: int, trigger: int) -> Response:
    ref = Ref("court_rules/triggers", trigger)
    return call.show("JurisdictionsToTrigger", ref, call.row(ref))


@_route("GET", r"court_rules/matter_dockets/preview")
def _docket_preview(call: Call) -> Response:
    raise ApiError(501, "NotSimulated", "Previews of dockets are not simulated")


@_route("GET", MOVED)
def _moved(call: Call) -> Response:
    return call.list(RESOURCES["practice_areas"])


@_route("POST", r"task_template_lists/(\d+)/copy")
def _copy_list(call: Call, id_: int) -> Response:
    row = call.row(Ref("task_template_lists", id_))
    data = {"name": row["name"], "description": row["description"], **call.request.data()}
    made = call.writer.create(RESOURCES["task_template_lists"], data)
    for template in call.view.store.referrers(
        "task_templates", "task_template_list", Ref("task_template_lists", id_)
    ):
        held = call.world.row(Ref("task_templates", template))
        call.world.create("task_templates", **_plain(held), task_template_list=made)
    return call.show("TaskTemplateList", made, call.row(made), 201)


def _plain(row: object) -> dict[str, object]:
    left_out = ("id", "etag", "_version", "created_at", "updated_at", "task_template_list")
    return {key: value for key, value in dict(row).items() if key not in left_out}  # type: ignore[call-overload]


@_route("DELETE", r"timer")
def _stop_timer(call: Call) -> Response:
    for id_ in list(call.view.store.ids("timer")):
        call.world.delete(Ref("timer", id_))
    return Response(204)


@_route("PUT", r"webhooks/(\d+)/activate")
def _activate(call: Call, id_: int) -> Response:
    """platform.yaml: webhooks.handshake.delayed"""
    ref = Ref("webhooks", id_)
    if call.request.headers.get("x-hook-secret") != call.row(ref)["shared_secret"]:
        raise bad_request("X-Hook-Secret is not the webhook's")
    call.world.change(ref, status="enabled")
    return Response(200)
