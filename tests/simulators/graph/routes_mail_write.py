"""Writing mail: folders, drafts, moves, attachments. microsoft365.md: Restore; examples: user-post-messages."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph.answers import answer
from tests.simulators.graph.api import Call, route
from tests.simulators.graph.errors import GraphError, bad_request, item_not_found
from tests.simulators.graph.letters import (
    Attachment,
    Letter,
    Person,
    date_of,
    parsed,
    property_name,
)
from tests.simulators.graph.properties import PROPERTIES
from tests.simulators.graph.routes_mail import view_of
from tests.simulators.graph.world import stamp

WRITE = ("Mail.ReadWrite",)
SMALL = (
    3 * 1024 * 1024
)  # microsoft365.md: Restore - attachments below 3 MB are posted, above sent in parts
LARGE = 150 * 1024 * 1024
MIME_MOST = 4 * 1024 * 1024
FLAGS, SUBMITTED, DELIVERED = "integer 0xe07", "systemtime 0x39", "systemtime 0xe06"


# -- folders -------------------------------------------------------------------------------------
@route("POST", "/users/{user}/mailFolders", WRITE)
@route("POST", "/users/{user}/mailFolders/{folder}/childFolders", WRITE)
def create_folder(call: Call) -> Response:
    user = call.mailbox()
    parent = (
        call.folder() if "folder" in call.path else call.api.known_folder(user, "msgfolderroot")
    )
    body = call.json()
    known(body, "mailFolder")
    name = body.get("displayName")
    if not name:
        raise bad_request("The display name is missing.", "ErrorInvalidRequest")
    if call.world.store.at(user) is not None and user.id in call.api.full:
        raise GraphError(507, "ErrorQuotaExceeded", "The mailbox is full.")
    for one in call.world.rows_of("folders", "_parent", parent):  # type: ignore[arg-type]
        if call.world.row(one)["displayName"].lower() == name.lower():
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")  # fmt: skip
    ref = call.world.create(
        "folders", _user=user, _parent=parent, _known="", _search="", displayName=name,
        isHidden=bool(body.get("isHidden")), _properties=extended_of(body),
    )  # fmt: skip
    return call.entity(view_of(call).folder(ref, call.world.row(ref)), 201, "mailFolders/$entity")


def known(body: dict[str, Any], type_: str) -> None:
    """Refuses what the type has not."""
    for name in body:
        if name not in PROPERTIES[type_] and "@" not in name:
            raise bad_request(f"The property '{name}' does not exist on type 'microsoft.graph.{type_}'.", "RequestBodyRead")  # fmt: skip


def extended_of(body: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The extended properties that a body gives."""
    return tuple((str(one["id"]), str(one["value"])) for one in body.get("singleValueExtendedProperties", ()))  # fmt: skip


@route("PATCH", "/users/{user}/mailFolders/{folder}", WRITE)
def change_folder(call: Call) -> Response:
    ref = _own_folder(call)
    row = call.world.change(ref, displayName=call.json()["displayName"])
    return call.entity(view_of(call).folder(ref, row))


@route("DELETE", "/users/{user}/mailFolders/{folder}", WRITE)
def delete_folder(call: Call) -> Response:
    call.world.delete_folder(_own_folder(call))
    return Response(204)


@route("POST", "/users/{user}/mailFolders/{folder}/move", WRITE)
def move_folder(call: Call) -> Response:
    ref = _own_folder(call)
    target = call.find_folder(_destination(call), call.mailbox())
    if target is None:
        raise item_not_found()
    row = call.world.change(ref, _parent=target)
    return call.entity(view_of(call).folder(ref, row), 201, "mailFolders/$entity")


def _own_folder(call: Call) -> Ref:
    ref = call.folder()
    if call.world.row(ref)["_known"]:
        raise GraphError(403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be changed.")  # fmt: skip
    return ref


def _destination(call: Call) -> str:
    body = {name.lower(): value for name, value in call.json().items()}
    if not body.get("destinationid"):
        raise bad_request("The destination is missing.", "ErrorInvalidRequest")
    return str(body["destinationid"])


# -- messages ------------------------------------------------------------------------------------
@route("POST", "/users/{user}/messages", WRITE)
@route("POST", "/users/{user}/mailFolders/{folder}/messages", WRITE)
def create_message(call: Call) -> Response:
    user = call.mailbox()
    folder = call.folder() if "folder" in call.path else call.api.known_folder(user, "drafts")
    assert folder is not None
    if user.id in call.api.full:
        raise GraphError(507, "ErrorQuotaExceeded", "The mailbox is full.")
    if len(call.request.body) > MIME_MOST:
        raise GraphError(413, "RequestEntityTooLarge", "The request is larger than 4 MB.")
    if call.request.headers.get("content-type", "").startswith("text/plain"):
        values = _from_mime(call)
    else:
        values = _from_json(call, call.json())
    ref = call.world.create("messages", _folder=folder, _moves=0, **values)
    shown = view_of(call).message(ref, call.world.row(ref))
    return _made(call, shown)


def _made(call: Call, shown: dict[str, Any]) -> Response:
    for name in ("internetMessageHeaders", "uniqueBody"):
        shown.pop(name, None)
    return call.entity(shown, 201, "messages/$entity")


def _from_mime(call: Call) -> dict[str, Any]:
    """microsoft365.md: Restore - base64 of MIME makes a draft, whatever it was"""
    if "folder" in call.path and not call.world.settings.mime_into_folder:
        raise bad_request("MIME can be posted to /messages only.", "UnableToDeserializePostBody")
    if len(call.request.body) > MIME_MOST:
        raise GraphError(413, "RequestEntityTooLarge", "The MIME content is larger than 4 MB.")
    try:
        raw = base64.b64decode(call.request.body.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("Invalid base64 string for MIME content.", "ErrorMimeContentInvalidBase64String") from error  # fmt: skip
    return delivered(call.world, raw, draft=True)


def delivered(world: Any, raw: bytes, *, draft: bool, at: str | None = None) -> dict[str, Any]:
    """The values of a message that is given as MIME."""
    now = stamp(world.clock.now())
    return {
        "_letter": world.letters.keep(parsed(raw)), "_properties": (), "isRead": draft, "isDraft": draft,
        "categories": (), "flag": "notFlagged",
        "receivedDateTime": at or now, "sentDateTime": now if draft else date_of(raw) or at or now,
    }  # fmt: skip


def _from_json(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    known(body, "message")
    now = stamp(call.world.clock.now())
    properties = dict(extended_of(body))
    told = {property_name(name): value for name, value in properties.items()}
    # microsoft365.md: Restore - PidTagMessageFlags is honoured at creation alone
    flags = int(told.get(FLAGS, "8"))
    for name in ("isReadReceiptRequested", "isDeliveryReceiptRequested"):
        if body.get(name) and not flags & 8:
            # Whoever opens it has a receipt sent to its sender.
            call.world.sent.append({"kind": "receipt", "subject": body.get("subject") or ""})
    kept = {n: v for n, v in properties.items() if property_name(n) not in (FLAGS, SUBMITTED, DELIVERED)}  # fmt: skip
    return {
        "_letter": call.world.letters.keep(_letter(call, body, Letter("", None))),
        "_properties": tuple(kept.items()),
        "isRead": bool(body.get("isRead", True)), "isDraft": bool(flags & 8),
        "_receipt": bool(body.get("isReadReceiptRequested")),
        "categories": tuple(body.get("categories", ())),
        "flag": (body.get("flag") or {}).get("flagStatus", "notFlagged"),
        "sentDateTime": told.get(SUBMITTED, now), "receivedDateTime": told.get(DELIVERED, now),
    }  # fmt: skip


def _letter(call: Call, body: dict[str, Any], before: Letter) -> Letter:
    values: dict[str, Any] = {}
    for name, field in (("toRecipients", "to"), ("ccRecipients", "cc"), ("bccRecipients", "bcc"), ("replyTo", "reply_to")):  # fmt: skip
        if name in body:
            values[field] = tuple(_person(one) for one in body[name])
    for name in ("from", "sender"):
        if body.get(name):
            values["sender"] = _person(body[name])
    for name in ("subject", "importance"):
        if name in body:
            values[name] = body[name] or ""
    if "body" in body:
        rich = body["body"].get("contentType", "text").lower() == "html"
        content = body["body"].get("content") or ""
        values |= {"html": content, "text": ""} if rich else {"text": content, "html": ""}
    if "internetMessageHeaders" in body:
        for one in body["internetMessageHeaders"]:
            if not one["name"].lower().startswith("x-"):
                raise bad_request(f"The internet message header name '{one['name']}' should start with 'x-' or 'X-'.", "InvalidInternetMessageHeader")  # fmt: skip
        values["headers"] = tuple((one["name"], one["value"]) for one in body["internetMessageHeaders"])  # fmt: skip
    mark = call.world.store.sequence
    values.setdefault("message_id", body.get("internetMessageId") or before.message_id or f"<{call.world.seed}.{mark}@specimenlaw.example>")  # fmt: skip
    if "attachments" in body:
        values["attachments"] = tuple(_attachment(call, one) for one in body["attachments"])
    return replace(before, **values, raw=None) if values else before


def _person(value: dict[str, Any]) -> Person:
    address = value["emailAddress"]
    return str(address.get("name") or ""), str(address["address"])


@route("PATCH", "/users/{user}/messages/{message}", WRITE)
@route("PATCH", "/users/{user}/mailFolders/{folder}/messages/{message}", WRITE)
def change_message(call: Call) -> Response:
    ref, row = call.item("message", "message", "messages")
    body = call.json()
    values: dict[str, Any] = {}
    if "isRead" in body:
        values["isRead"] = bool(body["isRead"])
    if "categories" in body:
        values["categories"] = tuple(body["categories"])
    if "flag" in body:
        values["flag"] = body["flag"]["flagStatus"]
    if "singleValueExtendedProperties" in body:
        given = {one["id"]: one["value"] for one in body["singleValueExtendedProperties"]}
        if any(property_name(name) == FLAGS for name in given):
            # microsoft365.md: Restore - cannot be changed after creation
            raise bad_request("The property cannot be set on an existing message.", "ErrorInvalidPropertySet")  # fmt: skip
        values["_properties"] = tuple((dict(row["_properties"]) | given).items())
    rest = set(body) - {"isRead", "categories", "flag", "singleValueExtendedProperties"}
    if rest:
        if not row["isDraft"]:
            raise bad_request("Only drafts can be changed so.", "ErrorInvalidPropertySet")
        letter = _letter(call, {name: body[name] for name in rest}, view_of(call).letter(row))
        values["_letter"] = call.world.letters.keep(letter)
    row = call.world.change(ref, **values)
    return call.entity(view_of(call).message(ref, row))


@route("DELETE", "/users/{user}/messages/{message}", WRITE)
@route("DELETE", "/users/{user}/mailFolders/{folder}/messages/{message}", WRITE)
def delete_message(call: Call) -> Response:
    """Into the recoverable items; out of there, for good."""
    ref, _ = call.item("message", "message", "messages")
    call.world.purge(ref)
    return Response(204)


@route("POST", "/users/{user}/messages/{message}/move", WRITE)
def move_message(call: Call) -> Response:
    """examples: message-move - 201 with the message under its new id"""
    ref, row = call.item("message", "message", "messages")
    target = call.find_folder(_destination(call), call.mailbox())
    if target is None:
        raise item_not_found()
    row = call.world.move(ref, target)
    return _made(call, view_of(call).message(ref, row))


@route("POST", "/users/{user}/messages/{message}/copy", WRITE)
def copy_message(call: Call) -> Response:
    _, row = call.item("message", "message", "messages")
    target = call.find_folder(_destination(call), call.mailbox())
    if target is None:
        raise item_not_found()
    kept = {k: v for k, v in row.items() if k not in ("_version", "createdDateTime", "lastModifiedDateTime")}  # fmt: skip
    ref = call.world.create("messages", **kept | {"_folder": target, "_moves": 0})
    return _made(call, view_of(call).message(ref, call.world.row(ref)))


@route("POST", "/users/{user}/messages/{message}/send", ("Mail.Send",))
def send(call: Call) -> Response:
    ref, row = call.item("message", "message", "messages")
    call.world.sent.append({"kind": "mail", "subject": view_of(call).letter(row).subject})
    sent = call.api.known_folder(call.mailbox(), "sentitems")
    assert sent is not None
    call.world.move(ref, sent, isDraft=False)
    return Response(202)


# -- attachments ---------------------------------------------------------------------------------
def _attachment(call: Call, body: dict[str, Any]) -> Attachment:
    kind = str(body.get("@odata.type", "")).removeprefix("#microsoft.graph.").removesuffix("Attachment")  # fmt: skip
    if kind not in ("file", "item", "reference"):
        raise bad_request("The type of the attachment is missing.", "ErrorInvalidRequest")
    try:
        data = base64.b64decode(body.get("contentBytes") or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("The content is not base64.", "ErrorInvalidRequest") from error
    if len(data) > SMALL:
        raise GraphError(413, "RequestEntityTooLarge", "Attachments of 3 MB and more need an upload session.")  # fmt: skip
    return Attachment(
        body["name"], body.get("contentType") or "application/octet-stream", data, bool(body.get("isInline")), kind,
        body.get("contentId") or "", stamp(call.world.clock.now()),
    )  # fmt: skip


def attach(call: Call, ref: Ref, row: Row, one: Attachment) -> int:
    """Adds it to a message or an event; its place."""
    letter = call.world.letters.get(row["_letter"])
    kept = replace(letter, attachments=(*letter.attachments, one), raw=None)
    call.world.change(ref, _letter=call.world.letters.keep(kept))
    return len(letter.attachments)


def _room(call: Call) -> None:
    if call.mailbox().id in call.api.full:
        raise GraphError(507, "ErrorQuotaExceeded", "The mailbox is full.")


def add_attachment(call: Call, kind: int, ref: Ref, row: Row) -> Response:
    _room(call)
    one = _attachment(call, call.json())
    place = attach(call, ref, row, one)
    return call.entity(view_of(call).attachment(kind, ref.id, place, one), 201)


def attachment_session(call: Call, kind: int, ref: Ref) -> Response:
    item = {name.lower(): value for name, value in call.json().items()}.get("attachmentitem") or {}
    wrong = set(item) - {"attachmentType", "name", "size", "contentType", "isInline", "contentId", "@odata.type"}  # fmt: skip
    if wrong or item.get("attachmentType") != "file" or not item.get("name"):
        raise bad_request("The attachment is not described as one.", "ErrorInvalidRequest")
    size = int(item.get("size", 0))
    if not SMALL <= size <= LARGE:
        raise bad_request("An upload session is for attachments from 3 MB to 150 MB.", "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize")  # fmt: skip

    def done(body: bytes) -> dict[str, Any]:
        _room(call)
        one = Attachment(
            item["name"], item.get("contentType") or "application/octet-stream", body,
            bool(item.get("isInline")), "file", item.get("contentId") or "", stamp(call.world.clock.now()),
        )  # fmt: skip
        place = attach(call, ref, call.world.row(ref), one)
        id_ = call.world.ids.give("attachment", ref.id, (kind << 32) | place)
        return {"location": f"{call.api.base}{call.request.path.rsplit('/', 1)[0]}/{id_}"}

    return answer(201, call.api.content.upload(done, outlook=True, size=size))


@route("POST", "/users/{user}/messages/{message}/attachments", WRITE)
def message_attachment(call: Call) -> Response:
    return add_attachment(call, 0, *call.item("message", "message", "messages"))


@route("POST", "/users/{user}/messages/{message}/attachments/createUploadSession", WRITE)
def message_session(call: Call) -> Response:
    return attachment_session(call, 0, call.item("message", "message", "messages")[0])
