"""Details: what is told of one item alone - profile, versions, rights, links, attachments, marks.

Of a document the versions are asked for first and the profile last: where the profile then has another time of change
than the row, somebody worked on it meanwhile, and all of it is asked for once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.reading import Gone, Json, Reader

PROFILE = (("select", "standardAttributes,customAttributes,Ancestors"),)
PARTS = ("acl", "links", "attachments", "signatures", "approvals")
"""What is asked for of a document besides profile and versions, each by one request."""
MORE_PARTS = (*PARTS, "history")
_CALLS = {
    "acl": "v1/Document/{}/acl", "links": "v1/Document/{}/links", "attachments": "v1/Document/{}/attachmentList",
    "signatures": "v1/Document/{}/signatures", "approvals": "v1/Document/{}/approvals", "history": "v1/Document/{}/history",
}  # fmt: skip
_OF_CONTAINERS = {
    naming.WORKSPACE: "v1/Workspace/{}/acl", naming.FOLDER: "v1/Folder/{}/acl"
}  # fmt: skip
_CRITERIA = {naming.FILTER: "v1/Filter/{}/info", naming.SAVED_SEARCH: "v1/SavedSearch/{}/info"}
_LINK = ("id", "envId", "extension")
READINGS = 3


def of_document(reader: Reader, id_: str, modified: object, parts: Sequence[str]) -> Json:
    """Raises Gone where it is thrown away or no longer seen, SourceError."""
    held: dict[str, Any] = {}
    for _ in range(READINGS):
        held = {"versions": reader.some("v1/Document/{}/versionList", id_)}
        for part in parts:
            # Only rights are never empty: whoever threw a document away is still named in them.
            asked = reader.some if part == "acl" else reader.many
            told = asked(_CALLS[part], id_)
            held[part] = _links(told) if part == "links" else told
        profile = _profile(reader, id_)
        held["profile"] = profile
        now = (profile.get("standardAttributes") or {}).get("modified")
        if now == modified:
            break
        modified = now
    return held


def of_container(reader: Reader, id_: str, extension: str) -> Json:
    """Raises Gone, SourceError."""
    held: dict[str, Any] = {"acl": reader.some(_OF_CONTAINERS.get(extension, _CALLS["acl"]), id_)}
    if extension in _CRITERIA:
        held["criteria"] = reader.one(_CRITERIA[extension], id_).get("criteria")
    held["profile"] = _profile(reader, id_)
    return held


def _profile(reader: Reader, id_: str) -> Json:
    profile = reader.one("v2/document/{}/info", id_, query=PROFILE)
    if (profile.get("misc") or {}).get("deleted"):
        raise Gone
    return profile


def _links(told: Sequence[Any]) -> list[Json]:
    """Which others it is linked to; what those are called stands in their own rows."""
    found = [{name: one[name] for name in _LINK if name in one} for one in told if isinstance(one, Mapping)]  # fmt: skip
    return sorted(found, key=lambda one: str(one.get("id")))
