"""Naming: kinds and native ids of what is read at Clio.

A row has its collection as kind and `<collection>/<id>` as native id; rows that are listed for another row have that
row's id in between (`documents/versions/12/34`). Bytes are kinds of their own: `document_file`
(`document_files/12/34`), `template_file` (`template_files/5`), `bill_preview` (`bill_previews/7`).

Invariants: native ids hold vendor's ids only, never a name; no item lies below another, so that whoever
recovers by hand can write them as files as they are.
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
TRUST_TABLE, LEDGER_REPORT = "trust_table", "ledger_report"
"""Of the trust books: what is worked out from rows, by us and by the vendor."""

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
    return f"{resource.name}/{parent}" if resource.parent else resource.name


def files_of(document: str) -> str:
    """What the files of a document's versions lie below."""
    return f"{DOCUMENT_FILE}s/{document}"


def file_id(document: str, version: str) -> bytes:
    return f"{files_of(document)}/{version}".encode()


def template_id(template: str) -> bytes:
    return f"{TEMPLATE_FILE}s/{template}".encode()


def preview_id(bill: str) -> bytes:
    return f"{BILL_PREVIEW}s/{bill}".encode()


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
    if kind in BYTES:
        folder, nested = f"{kind}s", kind == DOCUMENT_FILE
    elif kind in table:
        if table[kind].single:
            return Address(kind, kind) if text == kind else None
        folder, nested = kind, bool(table[kind].parent)
    else:
        return None
    rest = text.removeprefix(f"{folder}/")
    parts = rest.split("/")
    if rest == text or len(parts) != (2 if nested else 1) or not all(map(_ID.fullmatch, parts)):
        return None
    if set(parts) & {".", ".."}:
        return None
    return Address(kind, parts[-1], parts[0] if nested else "")
