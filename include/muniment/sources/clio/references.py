"""References: which people and lists a row of Clio names, as kind and native id of their own rows.

A matter's rows name its client, the other side, authors and categories by number only. Rows that speak of
many matters at once (a bank account, with the balance of all clients) are not among what is named here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CONTACTS, USERS = "contacts", "users"

_NAMED = {
    "activity_description": "activity_descriptions",
    "assignee": USERS,
    "assigner": USERS,
    "author": USERS,
    "calendar_entry_event_type": "calendar_entry_event_types",
    "calendar_owner": "calendars",
    "client": CONTACTS,
    "company": CONTACTS,
    "contact": CONTACTS,
    "creator": USERS,
    "custom_field": "custom_fields",
    "document_category": "document_categories",
    "expense_category": "expense_categories",
    "matter_stage": "matter_stages",
    "medical_provider": CONTACTS,
    "originating_attorney": USERS,
    "practice_area": "practice_areas",
    "responsible_attorney": USERS,
    "responsible_staff": USERS,
    "task_type": "task_types",
    "user": USERS,
}
"""Name of a field -> collection of the row that it names by `id`."""

_PEOPLE = {"Company": CONTACTS, "Contact": CONTACTS, "Person": CONTACTS, "User": USERS}
"""`type` of whoever wrote, received or attends -> collection."""
_WHO = frozenset({"senders", "receivers", "attendees", "recipient", "member"})

REFERRED = frozenset(_NAMED.values()) | {"calendars"}
"""Collections of what can be named."""

Reference = tuple[str, bytes]
"""(kind, native id)."""


def references(data: Mapping[str, Any]) -> Iterator[Reference]:
    """What one row names, in any order, perhaps more than once."""
    for name, value in data.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                yield from _of(name, one)
                yield from references(one)


def _of(name: str, one: Mapping[str, Any]) -> Iterator[Reference]:
    collection = _NAMED.get(name)
    if name in _WHO:
        collection = _PEOPLE.get(str(one.get("type")))
    id_ = one.get("id")
    if collection is not None and isinstance(id_, int | str):
        yield collection, f"{collection}/{id_}".encode()
