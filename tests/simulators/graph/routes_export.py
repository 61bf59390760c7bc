"""The mailbox import and export API, and $batch. microsoft365.md: Mailbox import/export API, Limits."""

from __future__ import annotations

import base64
import json
import random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph.answers import answer
from tests.simulators.graph.api import DELTA, LIST, ROOT, Call, route
from tests.simulators.graph.delta import Told, answered, removed
from tests.simulators.graph.errors import GraphError, bad_request, item_not_found, no_mailbox
from tests.simulators.graph.letters import b64

FOLDERS = ("MailboxFolder.Read.All", "MailboxFolder.ReadWrite.All", "MailboxItem.Export.All", "MailboxItem.ImportExport.All")  # fmt: skip
EXPORT = ("MailboxItem.Export.All", "MailboxItem.ImportExport.All")
IMPORT = ("MailboxItem.ImportExport.All",)
MOST = 20
BEGINNING = b"\x03\x00\x00\x00FastTransfer\x00"  # opaque to everyone but this program


@route("GET", "/users/{user}/settings/exchange", ("MailboxSettings.Read", *FOLDERS))
def exchange(call: Call) -> Response:
    user = call.mailbox()
    return call.entity({"primaryMailboxId": mailbox_id(call, user)})


def mailbox_id(call: Call, user: Ref) -> str:
    return f"MBX:{call.world.guid_of(user)}@{call.world.tenant}"


def mailbox_of(call: Call) -> Ref:
    text = call.path["mailbox"].removeprefix("MBX:").partition("@")[0]
    ref = call.world.by_guid(text)
    if ref is None or call.world.store.at(ref) is None or call.world.row(ref)["_mailbox"] != "here":
        raise no_mailbox()
    return ref


def _folder(call: Call, ref: Ref, row: Row) -> dict[str, Any]:
    parent = row["_parent"].id if row["_parent"] else 0
    ids = call.world.ids
    return {
        "id": ids.give("mailbox folder", ref.id), "displayName": row["displayName"], "type": "IPF.Note",
        "parentFolderId": ids.give("mailbox folder", parent),
        "totalItemCount": len(call.world.rows_of("messages", "_folder", ref)),
        "childFolderCount": len(call.world.rows_of("folders", "_parent", ref)),
    }  # fmt: skip


def _item(call: Call, ref: Ref, row: Row) -> dict[str, Any]:
    return {
        "id": call.world.ids.give("mailbox item", ref.id), "type": "IPM.Note", "size": len(_stream(call, row)),
        "changeKey": call.world.ids.change_key("messages", ref.id, row["_version"]), "categories": list(row["categories"]),
        "createdDateTime": row["createdDateTime"], "lastModifiedDateTime": row["lastModifiedDateTime"],
    }  # fmt: skip


def _stream(call: Call, row: Row) -> bytes:
    """The opaque form: everything of the message but where it is."""
    kept = {k: v for k, v in row.items() if k not in ("_folder", "_moves", "_version")}
    return BEGINNING + base64.b64encode(json.dumps(kept, sort_keys=True).encode())


def folder_of(call: Call) -> Ref:
    user = mailbox_of(call)
    found = call.world.ids.read(call.path["folder"])
    ref = Ref("folders", found.number) if found and found.kind == "mailbox folder" else None
    row = call.world.store.at(ref)
    if ref is None or row is None or row["_user"] != user:
        raise item_not_found()
    return ref


@route("GET", "/admin/exchange/mailboxes/{mailbox}/folders", FOLDERS, options=LIST)
@route("GET", "/admin/exchange/mailboxes/{mailbox}/folders/{folder}/childFolders", FOLDERS, options=LIST)  # fmt: skip
def folders(call: Call) -> Response:
    user = mailbox_of(call)
    parent = folder_of(call) if "folder" in call.path else call.api.known_folder(user, "msgfolderroot")  # fmt: skip
    assert parent is not None
    rows = call.world.rows_of("folders", "_parent", parent)
    return call.listed(rows, lambda one: _folder(call, one, call.world.row(one)), "mailboxFolder", what="folders")  # fmt: skip


@route("GET", "/admin/exchange/mailboxes/{mailbox}/folders/delta", FOLDERS, options=DELTA)
def folders_delta(call: Call) -> Response:
    user = mailbox_of(call)
    told = Told(
        "folders", "folders", user, "mailboxFolder", lambda one, row: [_folder(call, one, row)],
        lambda one: removed(call.world.ids.give("mailbox folder", one.id)),
        refs=lambda: call.world.rows_of("folders", "_user", user),
    )  # fmt: skip
    return answered(call, told)


@route("GET", "/admin/exchange/mailboxes/{mailbox}/folders/{folder}", FOLDERS)
def folder(call: Call) -> Response:
    ref = folder_of(call)
    return call.entity(_folder(call, ref, call.world.row(ref)))


@route("GET", "/admin/exchange/mailboxes/{mailbox}/folders/{folder}/items", EXPORT, options=LIST)
def items(call: Call) -> Response:
    rows = call.world.rows_of("messages", "_folder", folder_of(call))
    return call.listed(rows, lambda one: _item(call, one, call.world.row(one)), "mailboxItem", what="items")  # fmt: skip


@route("GET", "/admin/exchange/mailboxes/{mailbox}/folders/{folder}/items/delta", EXPORT, options=DELTA)  # fmt: skip
def items_delta(call: Call) -> Response:
    ref = folder_of(call)
    told = Told(
        "messages", "messages", ref, "mailboxItem", lambda one, row: [_item(call, one, row)],
        lambda one: removed(call.world.ids.give("mailbox item", one.id)),
        refs=lambda: call.world.rows_of("messages", "_folder", ref),
    )  # fmt: skip
    return answered(call, told)


@route("POST", "/admin/exchange/mailboxes/{mailbox}/exportItems", EXPORT)
def export(call: Call) -> Response:
    """200, with an error of its own for each item that could not be had."""
    user = mailbox_of(call)
    body = {name.lower(): value for name, value in call.json().items()}
    asked = body.get("itemids")
    if not isinstance(asked, list) or not 0 < len(asked) <= MOST:
        raise bad_request(f"itemIds has at most {MOST} ids.", "ErrorInvalidRequest")
    found = []
    for text in asked:
        read = call.world.ids.read(text)
        ref = Ref("messages", read.number) if read and read.kind == "mailbox item" else None
        row = call.world.store.at(ref)
        if ref is None or row is None or call.owner(row) != user:
            found.append({"itemId": text, "error": {"code": "ErrorItemNotFound", "message": "The specified object was not found in the store."}})  # fmt: skip
        elif ref.id in call.api.corrupt:
            found.append({"itemId": text, "error": {"code": "ErrorCorruptData", "message": "The item is corrupt."}})  # fmt: skip
        else:
            key = call.world.ids.change_key("messages", ref.id, row["_version"])
            found.append({"itemId": text, "changeKey": key, "data": b64(_stream(call, row))})
    return answer(200, {"@odata.context": call.context("Collection(exportItemResponse)"), "value": found})  # fmt: skip


@route("POST", "/admin/exchange/mailboxes/{mailbox}/createImportSession", IMPORT)
def import_session(call: Call) -> Response:
    """The address that is given takes one item after another, without a token."""
    user = mailbox_of(call)
    world = call.world

    def done(body: dict[str, Any]) -> dict[str, Any]:
        read = world.ids.read(str(body.get("FolderId", "")))
        folder_ = Ref("folders", read.number) if read and read.kind == "mailbox folder" else None
        if folder_ is None or world.store.at(folder_) is None or world.row(folder_)["_user"] != user:  # fmt: skip
            raise item_not_found()
        data = base64.b64decode(body.get("Data", ""))
        if not data.startswith(BEGINNING):
            raise GraphError(400, "ErrorCorruptData", "The data is not an item that was exported.")
        kept = json.loads(base64.b64decode(data.removeprefix(BEGINNING)))
        kept["_properties"] = tuple(tuple(one) for one in kept["_properties"])
        kept["categories"] = tuple(kept["categories"])
        ref = world.create("messages", **kept | {"_folder": folder_, "_moves": 0})
        key = world.ids.change_key("messages", ref.id, 1)
        return {"itemId": world.ids.give("mailbox item", ref.id), "changeKey": key}

    return answer(200, call.api.content.import_session(done))


# -- batches -------------------------------------------------------------------------------------
@route("POST", "/$batch", (), service="batch")
def batch(call: Call) -> Response:
    """Up to twenty requests; each has its own status and Retry-After, in any order."""
    asked = call.json().get("requests")
    if not isinstance(asked, list) or not 0 < len(asked) <= MOST:
        raise bad_request(f"Batch request must have at most {MOST} requests.")
    ids = [str(one.get("id", "")) for one in asked]
    if len(set(ids)) != len(ids) or "" in ids:
        raise bad_request("Each request of a batch has an id of its own.")
    done: dict[str, dict[str, Any]] = {}
    for one in asked:
        if any(done.get(str(id_), {"status": 424})["status"] >= 400 for id_ in one.get("dependsOn", ())):  # fmt: skip
            done[str(one["id"])] = {"id": str(one["id"]), "status": 424, "headers": {}}
            continue
        done[str(one["id"])] = _part(call, one)
    responses = list(done.values())
    random.Random(f"{call.world.seed}/{ids}").shuffle(responses)
    return answer(200, {"responses": responses})


def _part(call: Call, one: dict[str, Any]) -> dict[str, Any]:
    parts = urlsplit(str(one["url"]))
    body = one.get("body")
    headers = {str(name).lower(): str(value) for name, value in (one.get("headers") or {}).items()}
    raw = json.dumps(body).encode() if isinstance(body, dict) else str(body or "").encode()
    inner = Request(
        str(one["method"]).upper(), ROOT + unquote(parts.path if parts.path.startswith("/") else f"/{parts.path}"),
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        {"authorization": call.request.headers["authorization"], **headers}, raw, call.request.base,
    )  # fmt: skip
    if parts.scheme or parts.path.startswith(ROOT):
        raise bad_request("The address of a part is relative to the version.")
    response = call.api.again(inner, True)
    shown: dict[str, Any] = {"id": str(one["id"]), "status": response.status, "headers": response.headers}  # fmt: skip
    held = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    if held:
        json_ = response.headers.get("Content-Type", "").startswith("application/json")
        # microsoft365.md: Limits - MIME comes base64 in a batch
        shown["body"] = json.loads(held) if json_ else b64(held)
    return shown
