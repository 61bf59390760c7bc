"""The body of a request that makes a message, and what of the old one it cannot say."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from muniment.recovery.m365_back.letter import Letter
from muniment.recovery.m365_back.old import Data
from muniment.sources.m365 import marks

FLAGS, SUBMITTED, DELIVERED = "Integer 0x0E07", "SystemTime 0x0039", "SystemTime 0x0E06"
"""PidTagMessageFlags, PidTagClientSubmitTime, PidTagMessageDeliveryTime: taken when a message is made, and never after."""
SUBMITTED_FLAG = "4"
"""mfSubmitted without mfUnsent: a message that was sent or received, and no draft."""
PEOPLE = ("toRecipients", "ccRecipients", "bccRecipients", "replyTo")
AS_THEY_ARE = ("subject", "importance", "isRead", "inferenceClassification", "internetMessageId")
CARRIED_NAME = "original.eml"


def body_of(data: Data, letter: Letter, mark: str) -> dict[str, Any]:
    """All of it but its attachments. It bears its mark, asks for no receipt, and is no draft unless it was one."""
    made: dict[str, Any] = {
        name: data[name] for name in AS_THEY_ARE if data.get(name) not in (None, "")
    }
    for name in ("from", "sender"):
        if (person := person_of(data.get(name))) is not None:
            made[name] = person
    for name in PEOPLE:
        made[name] = [one for each in data.get(name) or () if (one := person_of(each)) is not None]
    made["categories"] = [str(one) for one in data.get("categories") or ()]
    if flag := flag_of(data):
        made["flag"] = flag
    made["body"] = _text(letter)
    made["singleValueExtendedProperties"] = [marks.marked(mark), *_properties(data)]
    return made


def _properties(data: Data) -> list[dict[str, str]]:
    if data.get("isDraft"):
        return []
    found = [{"id": FLAGS, "value": SUBMITTED_FLAG}]
    for id_, name in ((SUBMITTED, "sentDateTime"), (DELIVERED, "receivedDateTime")):
        if data.get(name):
            found.append({"id": id_, "value": str(data[name])})
    return found


def person_of(told: Any) -> dict[str, Any] | None:
    """Somebody with an address; without one the vendor takes nobody."""
    held = (told or {}).get("emailAddress") or {}
    address = str(held.get("address") or "")
    if not address:
        return None
    return {"emailAddress": {"name": str(held.get("name") or address), "address": address}}


def flag_of(data: Data) -> dict[str, Any]:
    held = data.get("flag") or {}
    return {name: held[name] for name in ("flagStatus", "startDateTime", "dueDateTime", "completedDateTime") if held.get(name)}  # fmt: skip


def _text(letter: Letter) -> Mapping[str, str]:
    if letter.carried:
        why = f"This message was {letter.carried}. It is attached to this one as {CARRIED_NAME}, byte for byte as it was in the backup."  # fmt: skip
        return {"contentType": "html", "content": f"<html><body><p>{html.escape(why)}</p></body></html>"}  # fmt: skip
    return {"contentType": "html" if letter.rich else "text", "content": letter.text}


def lost_of(data: Data, letter: Letter) -> list[str]:
    """What the new message cannot have, by name, where the old one had it."""
    lost = []
    if letter.carried:
        lost.append("form")
    if any(data.get(name) for name in ("isReadReceiptRequested", "isDeliveryReceiptRequested")):
        lost.append("receipt")
    if any(person_of(one) is None for name in PEOPLE for one in data.get(name) or ()):
        lost.append("people without an address")
    if letter.nested:
        lost.append("attached messages")
    if letter.meeting or str(data.get("@odata.type") or "").lower().find("eventmessage") >= 0:
        lost.append("meeting")
    if data.get("hasAttachments") and not letter.carried and not letter.papers:
        lost.append("linked attachments")
    return lost
