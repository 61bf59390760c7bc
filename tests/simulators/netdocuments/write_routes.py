"""Writing documents. resources.yaml: restore; platform.yaml: deletions."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.call import Call, route
from tests.simulators.netdocuments.container_routes import default_entry
from tests.simulators.netdocuments.document_routes import BOTH, attachments, document, octets
from tests.simulators.netdocuments.errors import ApiError, bad_request, not_found
from tests.simulators.netdocuments.search_routes import container
from tests.simulators.netdocuments.values import (
    checked_acl,
    checked_moment,
    checked_name,
    checked_profile,
    parsed_json,
)

EXTENSION = re.compile(r"[A-Za-z0-9]{1,20}$")
BYTES_MOST = 10**9  # platform.yaml: limits.document_size


# -- new documents -----------------------------------------------------------------------------------
@route("POST", "/v1/Document", scope="edit")
def document_action(call: Call) -> Answer:
    """resources.yaml: create_document, undelete, official_version"""
    action = call.needed("action")
    if action == "upload":
        return _upload(call)
    if action == "undelete":
        return _undelete(call)
    if action == "officialversion":
        ref, _ = document(call, call.needed("id"), "edit")
        number = _number(call.needed("version"))
        if call.world.version(ref, number) is None:
            raise not_found()
        call.world.change(ref, "official version set", call.reader.name, official=number)
        return Answer(None, status=204)
    raise bad_request("action is upload, undelete or officialversion")


@route("POST", "/v1/Document/upload", scope="edit")
def upload(call: Call) -> Answer:
    """The swagger's name for the same."""
    return _upload(call)


def _upload(call: Call) -> Answer:
    """examples.json: upload. The signed-in user is the creator: resources.yaml: not_restorable"""
    given = call.files.get("file")
    if given is None:
        raise bad_request("file is required", "MissingParameter")
    if len(given.body) > BYTES_MOST:
        raise bad_request("The document is too large")
    stem, _, ending = given.filename.rpartition(".")
    strict = call.form_flag("failonerror", True)
    name = checked_name(call.form.get("name") or stem or ending, not strict)
    extension = _extension(call.form.get("extension") or (ending if stem else ""))
    cabinet, attributes, acl, filed = _place(call)
    row = dict(call.world.row(cabinet))
    try:
        profile = parsed_json(call.form.get("profile") or "[]", "profile")
        closed = call.form_flag("allowclosed")
        attributes = checked_profile(call, row, profile, attributes, closed=closed)
        if call.form.get("acl"):
            acl = checked_acl(call, parsed_json(call.form["acl"], "acl"))
        if not call.form_flag("partialprofiling"):
            _demand_required(row, attributes)
        modified = checked_moment(call.form["modified"]) if call.form.get("modified") else ""
    except ApiError:
        if strict:
            raise
        modified = ""
    world = call.world
    ref = world.create_item(
        name, extension, cabinet, call.reader.name, attributes=attributes, acl=acl, filed=filed
    )
    world.add_version(ref, call.reader.name, given.body, modified=modified)
    if call.form_flag("addtorecent"):
        world.recent.append(str(world.row(ref)["id"]))
    held = world.row(ref)
    if call.form.get("return") == "full":
        return Answer(call.show.standard(ref, held), "ndProfile.DocumentStat")
    kept = {key: held[key] for key in ("id", "envId", "name", "extension")}
    return Answer(kept, "ndProfile.DocumentStat")


def _place(call: Call) -> tuple[Ref, dict[int, str], list[dict[str, Any]], list[Ref]]:
    """Cabinet, profile, rights and filing of a new document: those of where it goes. A saved search or filter files
    nothing."""
    if not call.form.get("destination"):
        cabinet, row = call.reader.cabinet(call.needed("cabinet"))
        return cabinet, {}, [default_entry(row)], []
    ref, row = container(call, call.form["destination"], "edit")
    filed = [ref] if row["extension"] in (ids.FOLDER, ids.WORKSPACE) else []
    return row["cabinet"], dict(row["attributes"]), list(row["acl"]), filed


def _demand_required(cabinet: Row, attributes: dict[int, str]) -> None:
    lacking = [one["name"] for one in cabinet["definitions"] if one["required"] and one["id"] not in attributes]  # fmt: skip
    if lacking:
        raise bad_request(f"The profile lacks {', '.join(lacking)}", "IncompleteProfile")


def _extension(text: str) -> str:
    if not EXTENSION.match(text) or text.lower() in ids.CONTAINERS:
        raise bad_request("The extension is letters and digits, without a dot", "InvalidExtension")
    return text


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise bad_request("A version is a number")
    return int(text)


def _undelete(call: Call) -> Answer:
    """platform.yaml: deletions.undelete"""
    ref, row = call.reader.item(call.needed("id"), "administer")
    if row["deleted"] is None:
        raise bad_request("The item is not deleted")
    call.world.undelete(ref, call.reader.name)
    return Answer(None, status=204)


# -- new contents ------------------------------------------------------------------------------------
@route(
    "PUT", "/v1/Document/{}/new", scope="edit",
    query="extension version_description verName official addToRecent srcVer allocatesubversion",
)  # fmt: skip
def new_version(call: Call, name: str) -> Answer:
    """examples.json: new_version. The swagger's text says that without `official` the version is not made the official
    one, its default says that it is: the default is followed."""
    ref, row = _writable(call, name)
    body: bytes = call.request.body
    if call.query.get("srcver"):
        source = call.world.version(ref, _number(call.query["srcver"]))
        if source is None:
            raise not_found()
        body = b"".join(call.world.files.read(source[1]["file"]))
    elif call.request.headers.get("content-type", "").startswith("multipart/"):
        # resources.yaml: new_version - one client sends it so
        body = next((one.body for one in call.files.values()), b"")
    extension = _extension(call.query.get("extension") or row["extension"])
    number = call.world.add_version(
        ref, call.reader.name, body, extension=extension, label=call.query.get("vername", ""),
        description=call.query.get("version_description", ""), official=call.flag("official", True),
    )  # fmt: skip
    after = call.world.row(ref)
    labels = {one["number"]: one["label"] for _, one in call.world.versions(ref)}
    told = {
        "latestVersionNumber": after["latest"], "newVer": number, "newVersionLabel": labels[number],
        "officialVer": after["official"], "officialVerName": labels[after["official"]], "versions": "",
    }  # fmt: skip
    return Answer(told, "ndVersionInfo")


def _writable(call: Call, name: str) -> tuple[Ref, Row]:
    """Raises ApiError (409) for a document that is locked, or checked out by another."""
    ref, row = document(call, name, "edit")
    other = row["checked_out"] and row["checked_out"]["user"] != call.reader.name
    if row["locked"] or other or row["deleted"] is not None:
        raise ApiError(409, "Conflict", "The document is locked, checked out or deleted")
    return ref, row


@route("PUT", "/v1/Document/{}", "/v1/Document/{}/{}", scope="edit", query="extension base64")
def replace_content(call: Call, name: str, version: str = "") -> Answer:
    """resources.yaml: replace_content. `base64` is true unless it is said to be false, as the swagger has it."""
    ref, row = _writable(call, name)
    held = call.world.version(ref, _number(version) if version else row["official"])
    if held is None:
        raise not_found()
    if held[1]["locked"]:
        raise ApiError(409, "Conflict", "The version is locked")
    replace(call, ref, held, _plain(call), call.query.get("extension", ""))
    return _profile(call, ref)


def replace(call: Call, ref: Ref, held: tuple[Ref, Row], body: bytes, extension: str) -> None:
    """Other bytes for a version: its number stays."""
    world, row = call.world, call.world.row(ref)
    ending = _extension(extension or held[1]["extension"])
    file = world.keep_file(f"{row['id']}/{held[1]['number']}/{world.store.sequence}", body, row["name"])  # fmt: skip
    now = world.clock.tick()
    world.change(
        held[0], "version.replaced", call.reader.name, now, file=file, size=len(body), extension=ending,
        modified=ids.stamp(now), modifiedBy=call.reader.name,
    )  # fmt: skip
    official = held[1]["number"] == row["official"]
    world.change(ref, "content replaced", call.reader.name, now, extension=ending if official else row["extension"])  # fmt: skip


def _plain(call: Call) -> bytes:
    if not call.flag("base64", True):
        return call.request.body
    try:
        return base64.b64decode(call.request.body, validate=True)
    except binascii.Error as error:
        raise bad_request("The body is not base64, and base64=false was not said") from error


def _profile(call: Call, ref: Ref) -> Answer:
    shown = call.show.profile(ref, call.world.row(ref), BOTH)
    return Answer(shown, "ndProfile.DocumentInformation")


# -- profile and rights ------------------------------------------------------------------------------
@route("PUT", "/v1/Document/{}/info", scope="edit")
def put_profile(call: Call, name: str) -> Answer:
    """resources.yaml: set_profile"""
    ref, row = call.reader.item(name, "edit")
    body = call.json()
    if not isinstance(body, dict) or not body or not set(body) <= {"standardAttributes", "customAttributes"}:  # fmt: skip
        raise bad_request("The body is standardAttributes, customAttributes or both")
    changed: dict[str, Any] = {}
    standard = body.get("standardAttributes", {})
    if not isinstance(standard, dict) or not set(standard) <= {"name"}:
        raise bad_request("Of standardAttributes only the name can be set")
    if "name" in standard:
        changed["name"] = checked_name(str(standard["name"]), False)
    if "customAttributes" in body:
        cabinet = dict(call.world.row(row["cabinet"]))
        given = body["customAttributes"]
        changed["attributes"] = checked_profile(call, cabinet, given, row["attributes"], closed=True)  # fmt: skip
    call.world.change(ref, "profile changed", call.reader.name, **changed)
    return Answer(None, status=204) if call.world.settings.quiet_put else _profile(call, ref)


@route("PUT", "/v1/Document/{}/acl", "/v1/Folder/{}/acl", "/v1/Workspace/{}/acl", scope="organize")
def put_acl(call: Call, name: str) -> Answer:
    """resources.yaml: set_acl"""
    ref, _ = call.reader.item(name, "administer")
    entries = checked_acl(call, call.json())
    touch = call.world.settings.rights_move_modified
    call.world.change(ref, "rights changed", call.reader.name, touch=touch, acl=entries)
    return Answer(None, status=204)


@route("PUT", "/v1/Document/{}/attachment/{}", scope="edit", query="ext name description")
def attach(call: Call, name: str, kind: str) -> Answer:
    """resources.yaml: attach"""
    ref, _ = document(call, name, "edit")
    number = 1 + max((one["number"] for one in attachments(call, ref)), default=0)
    call.world.add_attachment(
        ref, call.reader.name, number, call.request.body, name=checked_name(call.query.get("name") or kind, True),
        extension=_extension(call.query.get("ext", "bin")), description=call.query.get("description", ""),
    )  # fmt: skip
    return Answer({"attachmentId": number}, "ndAttachment")


# -- deleting, checking out, locking -----------------------------------------------------------------
@route("DELETE", "/v1/Document/{}", scope="delete_doc", query="permanent")
def delete_document(call: Call, name: str) -> Answer:
    ref, _ = document(call, name, "administer")
    (call.world.purge if call.flag("permanent") else call.world.soft_delete)(ref, call.reader.name)
    return Answer(None, status=204)


@route("POST", "/v1/Document/checkout", scope="edit")
def check_out(call: Call) -> Answer | Response:
    ref, row = _writable(call, call.needed("id"))
    comment = {"user": call.reader.name, "comment": call.form.get("comment", "")}
    call.world.change(ref, "checked out", call.reader.name, touch=False, checked_out=comment)
    if not call.form_flag("download"):
        return Answer(None, status=204)
    wanted = call.form.get("version")
    held = call.world.version(ref, _number(wanted) if wanted else row["official"])
    if held is None:
        raise not_found()
    return octets(call, held[1]["file"], f"{row['name']}.{held[1]['extension']}")


@route("POST", "/v1/Document/checkin", scope="edit")
def check_in(call: Call) -> Answer:
    ref, row = _writable(call, call.needed("id"))
    if row["checked_out"] is None:
        raise ApiError(409, "Conflict", "The document is not checked out")
    given = call.files.get("file")
    call.world.change(ref, "checked in", call.reader.name, touch=False, checked_out=None)
    held = call.world.version(ref, row["official"])
    if given is not None and held is not None:
        replace(call, ref, held, given.body, call.form.get("extension", ""))
    return Answer(None, status=204)


@route("POST", "/v1/Document/lock", scope="edit")
def lock_version(call: Call) -> Answer:
    ref, _ = document(call, call.needed("id"), "edit")
    held = call.world.version(ref, _number(call.needed("version")))
    if held is None:
        raise not_found()
    call.world.change(held[0], "version.locked", call.reader.name, locked=True)
    return Answer(None, status=204)


@route("POST", "/v2/document/{}/lock", scope="edit", query="comment")
def lock(call: Call, name: str) -> Answer:
    ref, _ = document(call, name, "edit")
    call.world.change(ref, "locked", call.reader.name, touch=False, locked=True)
    return Answer({"locked": True}, "Document")


@route("POST", "/v2/document/{}/unlock", scope="edit")
def unlock(call: Call, name: str) -> Answer:
    ref, _ = document(call, name, "edit")
    call.world.change(ref, "unlocked", call.reader.name, touch=False, locked=False)
    return Answer(None, status=204)
