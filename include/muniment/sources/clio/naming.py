"""Naming: kinds and native ids of what is read at Clio.

A row has its collection as kind and `<collection>/<id>` as native id; rows that are listed for another row lie
below it (`documents/12/versions/34`). Bytes are kinds of their own: `document_file` (`documents/12/files/34`),
`template_file` (`document_templates/5/file`), `bill_preview` (`bills/7/preview`). Native ids hold vendor's
ids only, never a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from muniment.model.item import Fidelity
from muniment.sources.clio.table import Resource, Table

DOCUMENTS, FOLDERS, VERSIONS, MATTERS = "documents", "folders", "documents/versions", "matters"
BILLS, TEMPLATES, CONVERSATIONS, MESSAGES = (
    "bills",
    "document_templates",
    "conversations",
    "conversation_messages",
)
DOCUMENT_FILE, TEMPLATE_FILE, BILL_PREVIEW = "document_file", "template_file", "bill_preview"
BYTES = (DOCUMENT_FILE, TEMPLATE_FILE, BILL_PREVIEW)

_EVIDENCE = frozenset(
    {
        "allocations", "bank_accounts", "bank_transactions", BILLS, BILL_PREVIEW, "clio_payments/links",
        "clio_payments/payments", "credit_memos", "interest_charges", "line_items",
        "outstanding_client_balances", "trust_line_items", "users", "matter_stages", "reports",
        "settings/billing", "settings/text_snippets", MESSAGES, CONVERSATIONS,
    }
)  # fmt: skip
"""What no API writes back (platform.yaml of the vendor's description: never_restored_by_api), and money, which
this product never writes back."""

_ID = re.compile(r"[A-Za-z0-9_.~-]{1,120}")


def fidelity_of(kind: str) -> Fidelity:
    """What a restore of this kind gives today: a file that can be worked with, or a copy to read."""
    return Fidelity.EVIDENCE if kind in _EVIDENCE else Fidelity.FILE


def native_id(resource: Resource, id_: str, parent: str = "") -> bytes:
    if resource.single:
        return resource.name.encode()
    return f"{folder_of(resource, parent)}/{id_}".encode()


def folder_of(resource: Resource, parent: str = "") -> str:
    """What the rows of a collection, or those of one parent, lie below."""
    if not resource.parent:
        return resource.name
    return f"{resource.parent}/{parent}/{_last_word(resource.name)}"


def files_of(document: str) -> str:
    """What the files of a document's versions lie below."""
    return f"{DOCUMENTS}/{document}/files"


def file_id(document: str, version: str) -> bytes:
    return f"{files_of(document)}/{version}".encode()


def template_id(template: str) -> bytes:
    return f"{TEMPLATES}/{template}/file".encode()


def preview_id(bill: str) -> bytes:
    return f"{BILLS}/{bill}/preview".encode()


def _last_word(name: str) -> str:
    return re.split("[/_]", name)[-1]


@dataclass(frozen=True, slots=True)
class Address:
    """A native id taken apart: `id` within the collection or, of bytes, of the row they belong to; `parent`
    the row above."""

    kind: str
    id: str
    parent: str = ""


def parse_id(table: Table, kind: str, native: bytes) -> Address | None:
    """None for what no listing gives."""
    try:
        text = native.decode("ascii")
    except UnicodeDecodeError:
        return None
    parts = text.split("/")
    if kind in (BILL_PREVIEW, TEMPLATE_FILE):
        collection, ending = (BILLS, "preview") if kind == BILL_PREVIEW else (TEMPLATES, "file")
        fits = len(parts) == 3 and parts[0] == collection and parts[2] == ending
        return _address(kind, parts[1]) if fits else None
    if kind == DOCUMENT_FILE:
        fits = len(parts) == 4 and parts[0] == DOCUMENTS and parts[2] == "files"
        return _address(kind, parts[3], parts[1]) if fits else None
    resource = table.get(kind)
    if resource is None:
        return None
    if resource.single:
        return Address(kind, kind) if text == kind else None
    above, _, id_ = text.rpartition("/")
    if not resource.parent:
        return _address(kind, id_) if above == resource.name else None
    start, middle, ending = above.partition(f"{resource.parent}/")
    parent, _, word = ending.rpartition("/")
    if start or not middle or word != _last_word(kind):
        return None
    return _address(kind, id_, parent)


def _address(kind: str, id_: str, parent: str = "") -> Address | None:
    if not _ID.fullmatch(id_) or (parent and not _ID.fullmatch(parent)) or id_ in (".", ".."):
        return None
    return Address(kind, id_, parent)
