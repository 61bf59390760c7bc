"""Reading documents: profile, versions, bytes, rights and what hangs on them. resources.yaml: document_profile to
document_history."""

from __future__ import annotations

import base64
from urllib.parse import quote

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.call import Call, route
from tests.simulators.netdocuments.errors import bad_request, not_found
from tests.simulators.netdocuments.render import selected

OCTETS = "application/octet-stream"
BOTH = ("standardattributes", "customattributes")


def document(call: Call, name: str, right: str = "view") -> tuple[Ref, Row]:
    """Raises ApiError: 404 where there is none that this reader sees, or it is a container."""
    ref, row = call.reader.item(name, right)
    if row["extension"] in ids.CONTAINERS:
        raise not_found()
    return ref, row


@route("GET", "/v1/Document/{}/info")
def info_v1(call: Call, name: str) -> Answer:
    ref, row = call.reader.item(name)
    return Answer(call.show.profile(ref, row, BOTH), "ndProfile.DocumentInformation")


@route("GET", "/v2/document/{}/info", query="select")
def info_v2(call: Call, name: str) -> Answer:
    """examples.json: document_info"""
    ref, row = call.reader.item(name)
    return Answer(call.show.profile(ref, row, selected(call.query.get("select")) or BOTH), "Document")  # fmt: skip


@route("GET", "/v1/Document/{}/versionList", empty=[])
def version_list(call: Call, name: str) -> Answer:
    """examples.json: version_list - deleted versions are gone, so numbers may be missing"""
    ref, row = document(call, name)
    shown = [call.show.version(one, row["official"]) for _, one in call.world.versions(ref)]
    return Answer(shown, "ArrayOfndVersion", "ndVersion")


@route("GET", "/v1/Document/{}", query="base64 addToRecent", empty="")
def content(call: Call, name: str) -> Response:
    """platform.yaml: traps - the official version; a checked-out document as it was last checked in"""
    ref, row = document(call, name)
    return _bytes(call, ref, row, int(row["official"]))


@route("GET", "/v1/Document/{}/{}", query="base64 addToRecent", empty="")
def content_of_version(call: Call, name: str, version: str) -> Response:
    """examples.json: content - a version only by its number"""
    ref, row = document(call, name)
    if not version.isdecimal() or len(version) > 9:
        raise bad_request("A version is a number")
    return _bytes(call, ref, row, int(version))


def _bytes(call: Call, ref: Ref, row: Row, number: int) -> Response:
    held = call.world.version(ref, number)
    if held is None:
        raise not_found()
    if call.flag("addtorecent"):
        call.world.recent.append(str(row["id"]))
    return octets(call, str(held[1]["file"]), f"{row['name']}.{held[1]['extension']}")


def octets(call: Call, file: str, filename: str) -> Response:
    """resources.yaml: document_content - no Range: the whole file is sent whatever is asked"""
    plain = "".join(one if 31 < ord(one) < 127 and one not in '"\\' else "_" for one in filename)
    shown = f'attachment; filename="{plain}"'
    if plain != filename:
        shown += f"; filename*=UTF-8''{quote(filename)}"
    headers = {"Content-Type": OCTETS, "Content-Disposition": shown}
    files = call.world.files
    if call.flag("base64"):
        body = base64.b64encode(b"".join(files.read(file)))
        return Response(200, headers, body)
    return Response(200, headers, files.read(file), files.objects[file].size)


@route("GET", "/v1/Document/{}/acl", "/v1/Folder/{}/acl", "/v1/Workspace/{}/acl", empty=[])
def acl(call: Call, name: str) -> Answer:
    """examples.json: acl"""
    return Answer(call.show.acl(call.reader.item(name)[1]), "ArrayOfndAccess", "ndAccess")


@route("GET", "/v1/Document/{}/attachmentList", empty=[])
def attachment_list(call: Call, name: str) -> Answer:
    """resources.yaml: document_attachments"""
    ref, _ = document(call, name)
    shown = [
        {
            "attachmentId": one["number"], "name": one["name"], "extension": one["extension"],
            "description": one["description"], "size": one["size"],
        }
        for one in attachments(call, ref)
    ]  # fmt: skip
    return Answer(shown, "ArrayOfndAttachment", "ndAttachment")


def attachments(call: Call, ref: Ref) -> list[Row]:
    held = call.world.store.referrers("attachments", "document", ref)
    return [call.world.row(Ref("attachments", one)) for one in held]


@route("GET", "/v1/Document/{}/attachment", query="base64", needed="attachmentId", empty="")
def attachment(call: Call, name: str) -> Response:
    ref, _ = document(call, name)
    for one in attachments(call, ref):
        if str(one["number"]) == call.query["attachmentid"]:
            return octets(call, str(one["file"]), f"{one['name']}.{one['extension']}")
    raise not_found()


@route("GET", "/v1/Document/{}/links", empty=[])
def links(call: Call, name: str) -> Answer:
    """resources.yaml: document_links_signatures_approvals - those this reader sees"""
    _, row = document(call, name)
    shown = []
    for ref in row["links"]:
        other = call.world.store.at(ref)
        if other is not None and "view" in call.reader.rights(other) and other["deleted"] is None:
            shown.append(call.show.listed(ref, other))
    return Answer(shown, "ArrayOfndLink", "ndProfile.DocumentStat")


@route(
    "GET", "/v1/Document/{}/signatures", "/v1/Document/{}/approvals", "/v1/Document/{}/{}/signatures",
    "/v1/Document/{}/{}/approvals", empty=[],
)  # fmt: skip
def marks(call: Call, name: str, version: str = "") -> Answer:
    _, row = document(call, name)
    held = row[call.request.path.rpartition("/")[2].lower()]
    shown = [dict(one) for one in held if not version or str(one["version"]) == version]
    return Answer(shown, "ArrayOfndMark", "ndMark")


@route("GET", "/v1/Document/{}/history", empty=[])
def history(call: Call, name: str) -> Answer:
    """resources.yaml: document_history - the shape is ours"""
    _, row = document(call, name)
    shown = [
        {"date": ids.stamp(one.at), "user": one.user, "action": one.action, "detail": one.detail}
        for one in call.world.log
        if one.item == row["id"]
    ]
    return Answer(shown, "ArrayOfndEvent", "ndEvent")
