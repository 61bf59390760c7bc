"""Naming: kinds and native ids of what is read at NetDocuments.

    repository/CA-...                        users/JDOE      groups/UG-...      cabinets/NG-...
    lookups/<attribute>/<digest of the key>  the keys name clients and matters
    containers/NG-.../<id>   documents/NG-.../<id>     rows as a search shows them
    contents/NG-.../<id>                               what is filed in a container itself
    details/NG-.../<id>                                profile, versions, rights, links, attachments, marks of an item
    document_files/<id>/<version>   attachment_files/<id>/<number>      bytes

Invariants: native ids hold the vendor's ids and digests, never a name or a key of a client or matter; no item lies
below another, so that whoever recovers by hand can write them as files as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from muniment.model.item import Fidelity

REPOSITORY, USERS, GROUPS, CABINETS, LOOKUPS = "repository", "users", "groups", "cabinets", "lookups"  # fmt: skip
CONTAINERS, DOCUMENTS, CONTENTS, DETAILS = "containers", "documents", "contents", "details"
DOCUMENT_FILE, ATTACHMENT_FILE = "document_file", "attachment_file"

FIRM = (REPOSITORY, USERS, GROUPS, CABINETS, LOOKUPS)
"""Rows of the firm itself, of no cabinet."""
IN_CABINETS = (CONTAINERS, DOCUMENTS, CONTENTS, DETAILS)
BYTES = (DOCUMENT_FILE, ATTACHMENT_FILE)
KINDS = (*FIRM, *IN_CABINETS, *BYTES)

WORKSPACE, FOLDER, FILTER, SAVED_SEARCH, COLLABSPACE = "ndws", "ndfld", "ndflt", "ndsq", "ndcs"
EXTENSIONS = (WORKSPACE, FOLDER, FILTER, SAVED_SEARCH, COLLABSPACE)
"""Of containers."""

_EVIDENCE = frozenset({REPOSITORY, USERS, GROUPS, CABINETS, CONTENTS, DETAILS, CONTAINERS, DOCUMENTS, LOOKUPS})  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}")
_DEPTH = {
    REPOSITORY: 1, USERS: 1, GROUPS: 1, CABINETS: 1, LOOKUPS: 2, CONTAINERS: 2, DOCUMENTS: 2,
    CONTENTS: 2, DETAILS: 2, DOCUMENT_FILE: 2, ATTACHMENT_FILE: 2,
}  # fmt: skip


def fidelity_of(kind: str) -> Fidelity:
    """What a restore of this kind gives: a file to work with, or a record to read beside it."""
    return Fidelity.EVIDENCE if kind in _EVIDENCE else Fidelity.FILE


def plain(id_: str) -> str:
    """An id of the vendor as it stands in a native id; of one with other signs its digest."""
    if _PLAIN.fullmatch(id_):
        return id_
    return f"x{sha256(id_.encode()).hexdigest()[:32]}"


def native_id(kind: str, *parts: str) -> bytes:
    return "/".join([folder(kind), *map(plain, parts)]).encode()


def folder(kind: str) -> str:
    """What the items of a kind lie below."""
    return f"{kind}s" if kind in BYTES else kind


def lookup_key(parent: str, key: str) -> str:
    """A key in a lookup table, told by its digest: it is the number of a client or a matter."""
    return sha256(f"{parent}\0{key}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Address:
    """A native id taken apart: `above` is a cabinet, an attribute or a document, empty where there is none."""

    kind: str
    id: str
    above: str = ""


def parse_id(kind: str, native: bytes) -> Address | None:
    """None for what no listing gives."""
    try:
        parts = native.decode("ascii").split("/")
    except UnicodeDecodeError:
        return None
    if kind not in _DEPTH or parts[0] != folder(kind) or len(parts) != _DEPTH[kind] + 1:
        return None
    if not all(map(_PLAIN.fullmatch, parts[1:])):
        return None
    return Address(kind, parts[-1], parts[1] if len(parts) == 3 else "")
