"""Compare: is a row of the account what was sent to make it?

Numbers, moments and texts are compared as what they mean: `12.50` and `12.5`, one moment in two time zones, line
ends of two systems. Everything that was sent and can be read is compared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from muniment.recovery.clio_back.old import Data, id_of

_UNSEEN = frozenset(
    {"send_email_notification", "notify_assignee", "communication_id", "filename", "content_type"}
)
"""Fields that are sent and that no answer shows."""
_CASELESS = frozenset({"status", "priority"})
_PRIMARY = {"default_email": "primary", "default_number": "primary"}
_WHO = frozenset({"senders", "receivers"})


def differences(sent: Data, row: Data) -> list[str]:
    """Names of the fields that came back otherwise than they were sent."""
    return [name for name, value in sent.items() if not _same(name, value, row)]


def _same(name: str, value: Any, row: Data) -> bool:
    if name in _UNSEEN:
        return True
    if name == "matter_id":
        return str(value) == id_of(row.get("matter"))
    there = row.get(name)
    if name == "external_properties":
        held = {(str(one.get("name")), str(one.get("value"))) for one in there or ()}
        return all((one["name"], one["value"]) in held for one in value)
    if name == "custom_field_values":
        values = {id_of(one.get("custom_field")): one.get("value") for one in there or ()}
        return all(
            _same_value(one["value"], values.get(id_of(one["custom_field"]))) for one in value
        )
    if name in _WHO:
        return sorted(map(id_of, value)) == sorted(map(id_of, there or ()))
    if name == "attendees":
        return len(value) == len(there or ())
    if isinstance(value, Mapping):
        return id_of(value) == id_of(there)
    if isinstance(value, list):
        return _same_parts(value, there or [])
    if name in _CASELESS:
        return str(value).casefold() == str(there).casefold()
    return equal(value, there)


def _same_parts(sent: Sequence[Data], there: Sequence[Data]) -> bool:
    """Each part that was sent is there, and no other."""
    left = list(there)
    for one in sent:
        found = next((at for at, part in enumerate(left) if _is_part(one, part)), None)
        if found is None:
            return False
        left.pop(found)
    return not left


def _is_part(sent: Data, part: Data) -> bool:
    return all(equal(value, part.get(_PRIMARY.get(name, name))) for name, value in sent.items())


def equal(one: Any, other: Any) -> bool:
    """Do two values mean the same? A text is a text: `007` is not `7`, unless one side is a number."""
    one, other = _plain(one), _plain(other)
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        return _number(one) == _number(other)
    if isinstance(one, str) and isinstance(other, str):
        return one == other or (_moment(one) is not None and _same_moment(one, other))
    return bool(one == other)


def _plain(value: Any) -> object:
    if value in (None, "", False):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    return unicodedata.normalize("NFC", str(value)).replace("\r\n", "\n").strip()


def _number(value: object) -> object:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


def _moment(text: str) -> datetime | None:
    if len(text) < 10 or not text[:4].isdigit() or text[4] != "-":
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def _same_moment(one: str, other: str) -> bool:
    """A day and a moment on it are the same: some fields take a moment and keep its day."""
    first, second = _moment(one), _moment(other)
    if first is None or second is None:
        return False
    if len(one) == 10 or len(other) == 10 or first.tzinfo is None or second.tzinfo is None:
        return one[:10] == other[:10]
    return int(first.timestamp()) == int(second.timestamp())


def _same_value(one: Any, other: Any) -> bool:
    """Of a custom field: always a text, and an amount may come back with other zeros."""
    if equal(one, other) or str(one).casefold() == str(other).casefold():
        return True
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False
