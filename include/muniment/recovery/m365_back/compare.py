"""Compare: what came back, beside what was sent. Pure functions over what Graph says.

Exchange keeps a text in a form of its own: it adds a head, drops scripts, breaks lines otherwise. So texts are compared by
their words.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from muniment.recovery.m365_back.event_body import moment
from muniment.recovery.m365_back.message_body import PEOPLE, flag_of, person_of
from muniment.recovery.m365_back.old import Data

_UNSHOWN = re.compile(r"<(head|style|script|title)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)  # fmt: skip
_TAGS = re.compile(r"<[^>]*>")
_BLANK = re.compile(r"[\s\u00a0\u200b\ufeff]+")


def words(text: str, *, rich: bool) -> str:
    """What a text says, without blanks: where lines break is the vendor's."""
    if rich:
        text = html.unescape(_TAGS.sub("", _UNSHOWN.sub("", text)))
    return _BLANK.sub("", text)


def _text(told: Any) -> str:
    held = told or {}
    rich = str(held.get("contentType") or "").lower() == "html"
    return words(str(held.get("content") or ""), rich=rich)


def _address(told: Any) -> str:
    return str(((told or {}).get("emailAddress") or {}).get("address") or "").lower()


def lacking(wanted: Sequence[tuple[str, str]], there: Iterable[tuple[str, str]]) -> list[str]:
    """`attachments` where one is not there with its bytes, or one is too many."""
    return [] if Counter(wanted) == Counter(there) else ["attachments"]


# -- mail --------------------------------------------------------------------------------------------


def message_differs(sent: Mapping[str, Any], there: Data) -> Iterator[str]:
    """Names of what was sent and came back otherwise."""
    if str(sent.get("subject") or "") != str(there.get("subject") or ""):
        yield "subject"
    for name in PEOPLE:
        if [_address(one) for one in sent.get(name) or ()] != [_address(one) for one in there.get(name) or ()]:  # fmt: skip
            yield name
    if sent.get("from") and _address(sent["from"]) != _address(there.get("from")):
        yield "from"
    if _text(sent.get("body")) != _text(there.get("body")):
        yield "body"
    if there.get("isReadReceiptRequested") or there.get("isDeliveryReceiptRequested"):
        yield "receipt"


def message_lost(old: Data, there: Data) -> Iterator[str]:
    """Names of the state of the old message that the new one has not."""
    for name in ("isRead", "importance", "internetMessageId", "inferenceClassification"):
        if name in there and old.get(name) is not None and old.get(name) != there.get(name):
            yield name
    if sorted(old.get("categories") or ()) != sorted(there.get("categories") or ()):
        yield "categories"
    if flag_of(old).get("flagStatus") != flag_of(there).get("flagStatus"):
        yield "flag"
    if bool(old.get("isDraft")) != bool(there.get("isDraft")):
        yield "draft"
    if not old.get("isDraft"):
        for name in ("sentDateTime", "receivedDateTime"):
            if str(old.get(name))[:19] != str(there.get(name))[:19]:
                yield name
        if old.get("from") and person_of(old["from"]) is None:
            yield "from"


# -- calendar ----------------------------------------------------------------------------------------


def event_differs(sent: Mapping[str, Any], there: Data) -> Iterator[str]:
    if str(sent.get("subject") or "") != str(there.get("subject") or ""):
        yield "subject"
    for name in ("start", "end"):
        if moment(sent[name]) != moment(there.get(name) or {}):
            yield name
    if bool(sent.get("isAllDay")) != bool(there.get("isAllDay")):
        yield "isAllDay"
    if str((sent.get("location") or {}).get("displayName") or "") != str((there.get("location") or {}).get("displayName") or ""):  # fmt: skip
        yield "location"
    if _text(sent.get("body")) != _text(there.get("body")):
        yield "body"
    if there.get("attendees"):
        yield "attendees"
    if sent.get("recurrence") and not _same_series(sent["recurrence"], there.get("recurrence")):
        yield "recurrence"


def _same_series(sent: Mapping[str, Any], there: Any) -> bool:
    """Everything that was said is so; what else the vendor shows is its own."""
    for part in ("pattern", "range"):
        held = (there or {}).get(part) or {}
        told = sent.get(part) or {}
        if any(held.get(name) != value for name, value in told.items() if name != "recurrenceTimeZone"):  # fmt: skip
            return False
    return True


def event_lost(old: Data, there: Data) -> Iterator[str]:
    for name in ("showAs", "sensitivity", "importance"):
        if old.get(name) is not None and old.get(name) != there.get(name):
            yield name
    if sorted(old.get("categories") or ()) != sorted(there.get("categories") or ()):
        yield "categories"


# -- contacts ----------------------------------------------------------------------------------------


def card_differs(sent: Mapping[str, Any], there: Data) -> Iterator[str]:
    """Names only: what a contact says is a person's."""
    for name, value in sent.items():
        if name != "singleValueExtendedProperties" and not _same(value, there.get(name)):
            yield name


def _same(sent: Any, there: Any) -> bool:
    if isinstance(sent, Mapping):
        held = there if isinstance(there, Mapping) else {}
        return all(_same(value, held.get(name)) for name, value in sent.items() if value is not None)  # fmt: skip
    if isinstance(sent, list):
        held_list = there if isinstance(there, list) else []
        return len(sent) == len(held_list) and all(map(_same, sent, held_list))
    return bool(sent == there)
