"""Reading mail. microsoft365.md: Mail."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph import query
from tests.simulators.graph.api import DELTA, LIST, Call, route
from tests.simulators.graph.delta import Told, answered, removed
from tests.simulators.graph.errors import (
    GraphError,
    bad_request,
    item_not_found,
    malformed_id,
    not_simulated,
)
from tests.simulators.graph.letters import Letter, property_name
from tests.simulators.graph.render_mail import MailView

READ = ("Mail.Read", "Mail.ReadWrite")
BASIC = (*READ, "Mail.ReadBasic.All")
# Folders that a person does not see in the tree, and what is outside it.
SIZE = "long 0xe08"
OUTSIDE = ("recoverableitemsdeletions", "msgfolderroot")
EXTENDED = re.compile(r"singleValueExtendedProperties\(\$filter=(.+)\)$", re.IGNORECASE)


def view_of(call: Call) -> MailView:
    text = call.prefer.get("outlook.body-content-type") == "text"
    if text:
        call.applied.append('outlook.body-content-type="text"')
    return MailView(
        call.world, immutable=call.immutable, text=text, basic=not call.has(*READ)
    )  # fmt: skip


# -- folders -------------------------------------------------------------------------------------
def _folders(call: Call, parent: Ref) -> Response:
    view = view_of(call)
    hidden = (call.option("includeHiddenFolders") or "").lower() == "true"
    rows = [
        one
        for one in call.world.rows_of("folders", "_parent", parent)
        if hidden or not call.world.row(one)["isHidden"]
    ]
    wanted = expanded(call)
    return call.listed(
        rows, lambda one: _folder(view, one, call.world.row(one), wanted), "mailFolder", what="mailFolders", expands=True
    )  # fmt: skip


def _folder(
    view: MailView, ref: Ref, row: Row, wanted: tuple[str, frozenset[str] | None] | None
) -> dict[str, Any]:
    """With the size of its messages (PidTagMessageSizeExtended) where that is asked for."""
    shown = view.folder(ref, row)
    own = [{"id": name, "value": value} for name, value in row.get("_properties", ())]
    shown["singleValueExtendedProperties"] = own  # for filters; shown where it is expanded
    if wanted:
        held = view.members(ref) if wanted[1] and SIZE in wanted[1] else []
        total = sum(len(view.mime(one, view.world.row(one))) for one in held)
        sizes = [{"id": "Long 0xe08", "value": str(total)}] if wanted[1] and SIZE in wanted[1] else []  # fmt: skip
        shown[wanted[0]] = sizes + [
            one for one in own if wanted[1] is None or property_name(one["id"]) in wanted[1]
        ]
        shown["@expand"] = (wanted[0],)
    return shown


@route("GET", "/users/{user}/mailFolders", BASIC, options=(*LIST, "includeHiddenFolders"))
def folders(call: Call) -> Response:
    """microsoft365.md: Mail - direct children of msgfolderroot only"""
    root = call.api.known_folder(call.mailbox(), "msgfolderroot")
    assert root is not None
    return _folders(call, root)


@route(
    "GET",
    "/users/{user}/mailFolders/{folder}/childFolders",
    BASIC,
    options=(*LIST, "includeHiddenFolders"),
)
def child_folders(call: Call) -> Response:
    return _folders(call, call.folder())


@route("GET", "/users/{user}/mailFolders/delta", BASIC, options=DELTA)
def folders_delta(call: Call) -> Response:
    """Flat: all folders below msgfolderroot, hidden ones too."""
    view = view_of(call)
    user = call.mailbox()
    told = Told(
        "folders", "folders", user, "mailFolder",
        lambda ref, row: [view.folder(ref, row)],
        lambda ref: removed(str(view.folder_id(ref))),
        member=lambda row: row["_known"] not in OUTSIDE,
        refs=lambda: call.world.rows_of("folders", "_user", user),
    )  # fmt: skip
    return answered(call, told)


@route("GET", "/users/{user}/mailFolders/{folder}", BASIC, options=("$select", "$expand"))
def folder(call: Call) -> Response:
    names = query.selected(call.option("$select"), "mailFolder")
    ref = call.folder()
    shown = _folder(view_of(call), ref, call.world.row(ref), expanded(call))
    return call.entity(query.shown(shown, names, "mailFolder"))


# -- messages ------------------------------------------------------------------------------------
def _list(call: Call, rows: list[Ref]) -> Response:
    view = view_of(call)
    wanted = expanded(call)
    rows = sorted(rows, key=lambda one: (call.world.row(one)["receivedDateTime"], one.id), reverse=True)  # fmt: skip
    return call.listed(rows, lambda one: _whole(view, one, call.world.row(one), wanted), "message", what="messages", expands=True)  # fmt: skip


@route("GET", "/users/{user}/messages", BASIC, options=LIST)
def messages(call: Call) -> Response:
    """All folders but those outside the tree."""
    user = call.mailbox()
    rows = [
        one
        for ref in call.world.rows_of("folders", "_user", user)
        if call.world.row(ref)["_known"] not in OUTSIDE
        for one in call.world.rows_of("messages", "_folder", ref)
    ]
    return _list(call, rows)


@route("GET", "/users/{user}/mailFolders/{folder}/messages", BASIC, options=LIST)
def folder_messages(call: Call) -> Response:
    return _list(call, view_of(call).members(call.folder()))


@route(
    "GET",
    "/users/{user}/mailFolders/{folder}/messages/delta",
    BASIC,
    options=(*DELTA, "$filter", "$orderby", "changeType"),
)
def messages_delta(call: Call) -> Response:
    text = call.option("$filter")
    if text and not re.fullmatch(r"receivedDateTime\s+(ge|gt)\s+\S+", text):
        raise bad_request("Only receivedDateTime with ge or gt can be filtered by.", "ErrorInvalidUrlQueryFilter")  # fmt: skip
    user = call.mailbox()
    try:
        ref = call.folder()
    except GraphError as error:
        going = call.option("$skiptoken") or call.option("$deltatoken")
        if error.code == "ErrorItemNotFound" and going:
            # microsoft365.md: Mail - the folder went away meanwhile
            raise GraphError(404, "ErrorSyncFolderNotFound", "The sync folder could not be found.") from error  # fmt: skip
        raise
    if call.world.row(ref)["_search"]:
        raise not_simulated("delta queries of search folders")
    if user.id in call.api.full:
        # microsoft365.md: Mail - a full mailbox
        raise GraphError(507, "ErrorQuotaExceeded", "The mailbox is full; a sync state cannot be saved.")  # fmt: skip
    view = view_of(call)
    token = call.option("$skiptoken") or call.option("$deltatoken")
    kept = call.api.tokens.read("messages", token)["o"] if token else {}
    wanted = expanded(call, kept.get("$expand"))

    def gone(one: Ref) -> dict[str, Any]:
        return removed(view.id_of("message", one, call.world.left.get((ref, one), 0)))

    told = Told(
        "messages", "messages", ref, "message",
        lambda one, row: [_whole(view, one, row, wanted)], gone, expands=True, keep=("$expand",),
        refs=lambda: call.world.rows_of("messages", "_folder", ref),
    )  # fmt: skip
    return answered(call, told)


def expanded(call: Call, text: str | None = None) -> tuple[str, frozenset[str] | None] | None:
    """$expand=attachments, or singleValueExtendedProperties($filter=id eq '...' or id eq '...'); of the request, or `text`."""
    text = text or call.option("$expand")
    if not text:
        return None
    if text.lower() == "attachments":
        return "attachments", None
    match = EXTENDED.match(text)
    if match is None:
        raise bad_request(f"Could not find a property named '{text}' to expand.")
    names = re.findall(r"id eq '((?:[^']|'')+)'", match[1])
    return "singleValueExtendedProperties", frozenset(property_name(name.replace("''", "'")) for name in names)  # fmt: skip


def _whole(
    view: MailView, ref: Ref, row: Row, wanted: tuple[str, frozenset[str] | None] | None
) -> dict[str, Any]:
    shown = view.message(ref, row)
    shown["singleValueExtendedProperties"] = view.extended(row, wanted[1] if wanted else None)
    if wanted:
        shown["@expand"] = (wanted[0],)
    if wanted and wanted[0] == "attachments":
        shown["attachments"] = view.attachments(0, ref.id, view.letter(row))
    return shown


@route("GET", "/users/{user}/messages/{message}", BASIC, options=("$select", "$expand"))
def message(call: Call) -> Response:
    ref, row = call.item("message", "message", "messages")
    return _one(call, ref, row)


@route(
    "GET", "/users/{user}/mailFolders/{folder}/messages/{message}", BASIC, options=("$select", "$expand")
)  # fmt: skip
def folder_message(call: Call) -> Response:
    ref, row = _within(call)
    return _one(call, ref, row)


def _within(call: Call) -> tuple[Ref, Row]:
    ref, row = call.item("message", "message", "messages")
    if ref not in view_of(call).members(call.folder()):
        raise item_not_found()
    return ref, row


def _one(call: Call, ref: Ref, row: Row) -> Response:
    names = query.selected(call.option("$select"), "message")
    return call.entity(
        query.shown(_whole(view_of(call), ref, row, expanded(call)), names, "message")
    )


@route("GET", "/users/{user}/messages/{message}/$value", READ)
def mime(call: Call) -> Response:
    return _mime(call, *call.item("message", "message", "messages"))


@route("GET", "/users/{user}/mailFolders/{folder}/messages/{message}/$value", READ)
def folder_mime(call: Call) -> Response:
    return _mime(call, *_within(call))


def _mime(call: Call, ref: Ref, row: Row) -> Response:
    """microsoft365.md: Mail - `$value`; two GETs of the same message may differ"""
    served = call.world.served[ref.id]
    turn = None if call.world.settings.stable_mime else len(served)
    body = view_of(call).mime(ref, row, turn)
    key = call.world.ids.change_key("messages", ref.id, row["_version"])
    served.append((key, hashlib.sha256(body).hexdigest()))
    return Response(200, {"Content-Type": "text/plain"}, body)


# -- attachments ---------------------------------------------------------------------------------
def attached(call: Call, kind: int, ref: Ref, letter: Letter) -> tuple[int, int]:
    """The number of the attachment that the path names, and where it stands."""
    found = call.world.ids.read(call.path["attachment"])
    if found is None or found.kind != "attachment":
        raise malformed_id()
    place = found.extra & 0xFFFFFFFF
    if found.number != ref.id or found.extra >> 32 != kind or place >= len(letter.attachments):
        raise item_not_found()
    return found.number, place


@route("GET", "/users/{user}/messages/{message}/attachments", READ, options=LIST)
def attachments(call: Call) -> Response:
    ref, row = call.item("message", "message", "messages")
    view = view_of(call)
    shown = view.attachments(0, ref.id, view.letter(row))
    return call.listed(shown, lambda one: dict(one), "fileAttachment", what="attachments")


@route(
    "GET", "/users/{user}/messages/{message}/attachments/{attachment}", READ, options=("$select", "$expand")
)  # fmt: skip
def attachment(call: Call) -> Response:
    ref, row = call.item("message", "message", "messages")
    view = view_of(call)
    letter = view.letter(row)
    _, place = attached(call, 0, ref, letter)
    inner = (call.option("$expand") or "").lower() == "microsoft.graph.itemattachment/item"
    shown = view.attachment(0, ref.id, place, letter.attachments[place], expanded=inner)
    names = query.selected(call.option("$select"), "fileAttachment")
    return call.entity({k: v for k, v in shown.items() if names is None or k in names or k == "id" or "@" in k})  # fmt: skip


@route("GET", "/users/{user}/messages/{message}/attachments/{attachment}/$value", READ)
def attachment_bytes(call: Call) -> Response:
    """examples: attachment-get - the raw bytes of a file, the MIME of an item"""
    ref, row = call.item("message", "message", "messages")
    letter = view_of(call).letter(row)
    _, place = attached(call, 0, ref, letter)
    one = letter.attachments[place]
    if one.kind == "reference":
        raise GraphError(
            405,
            "ErrorInvalidRequest",
            "The $value of a reference attachment is not supported.",
        )
    return Response(200, {"Content-Type": one.type}, one.data)


# -- settings ------------------------------------------------------------------------------------
@route("GET", "/users/{user}/mailboxSettings", ("MailboxSettings.Read", "MailboxSettings.ReadWrite"), options=("$select",))  # fmt: skip
def mailbox_settings(call: Call) -> Response:
    row = call.world.row(call.mailbox())
    return call.entity(
        {
            "timeZone": "Pacific Standard Time", "userPurpose": row["_purpose"],
            "language": {"locale": row["_language"], "displayName": row["_language"]},
            "automaticRepliesSetting": {"status": "disabled"},
        }
    )  # fmt: skip
