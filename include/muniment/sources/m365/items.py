"""Items of a mailbox: identity, version mark, clues to the matter, and the name of a file.

Marks of a message, each a short digest: what makes up its content, its state (read, flag, categories, folder),
all of its row with the vendor's change key, and its folder. Two readings of one message may differ in their bytes (the vendor
makes MIME anew each time, with another boundary), so bytes are never compared: a message is fetched again when its
content's mark moved, or when the change key moved and its state does not say why. A message that was only read,
flagged, filed or sorted is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from muniment.clock import from_text
from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Named, Observed
from muniment.sources.m365 import naming
from muniment.sources.web.exact import canonical

Shown = dict[str, Any]

SIZE_PROPERTY = "0xe08"
"""PidTagMessageSize."""
PROPERTIES = ("Integer 0x0E07", "Integer 0x0E08", "SystemTime 0x0039", "SystemTime 0x0E06")
"""Message flags, size, and when it was submitted and delivered: what only a new message can be given."""
SELECT = (
    "id,changeKey,createdDateTime,lastModifiedDateTime,categories,receivedDateTime,sentDateTime,hasAttachments,"
    "internetMessageId,subject,bodyPreview,importance,parentFolderId,conversationId,conversationIndex,"
    "isDeliveryReceiptRequested,isReadReceiptRequested,isRead,isDraft,inferenceClassification,sender,from,"
    "toRecipients,ccRecipients,bccRecipients,replyTo,flag"
)
_WANTED = " or ".join(f"id eq '{one}'" for one in PROPERTIES)
EXPAND = f"singleValueExtendedProperties($filter={_WANTED})"
ASKED = (("$select", SELECT), ("$expand", EXPAND))

_CONTENT = (
    "subject", "bodyPreview", "internetMessageId", "hasAttachments", "sentDateTime", "sender", "from",
    "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "isDraft",
)  # fmt: skip
_STATE = ("isRead", "flag", "categories", "parentFolderId", "inferenceClassification", "importance")
_GROWS = 1.4
"""What base64 and headers add to the size of a message in the store."""
UNKNOWN_SIZE = 75_000
"""Bytes, where the vendor does not say."""


@dataclass(frozen=True, slots=True)
class Clues:
    """What an item shows of its matter. `folder` is its path below the mailbox's root, `/`-separated."""

    folder: str = ""
    categories: tuple[str, ...] = ()
    subject: str = ""
    addresses: tuple[str, ...] = ()
    mailbox: str = ""


Assign = Callable[[Clues], Named]
"""The firm's rules. NO_MATTER where none matches."""


def unassigned(clues: Clues) -> Named:
    return NO_MATTER


def short(value: str | bytes) -> str:
    return sha256(value.encode() if isinstance(value, str) else value).hexdigest()[:16]


def digest_of(row: Shown, names: Sequence[str]) -> str:
    return short(canonical([row.get(name) for name in names]))


def moment(value: object) -> int:
    """Nanoseconds; 0 where there is no time to read."""
    try:
        at = from_text(str(value))
    except ValueError:
        return 0
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000


def plain(row: Shown) -> Shown:
    """What the vendor says, without what it says about its answer."""
    return {
        name: value
        for name, value in row.items()
        if not name.startswith("@") or name == "@odata.type"
    }


# -- messages ----------------------------------------------------------------------------------------


class Marks(NamedTuple):
    """The marks of a message, as they stand in its tag."""

    content: str
    state: str
    whole: str
    folder: str

    @property
    def tag(self) -> str:
        return ".".join(self)

    @classmethod
    def parse(cls, tag: str) -> Marks | None:
        parts = tag.split(".")
        return cls(*parts) if len(parts) == 4 else None


def marks_of(row: Shown, body: bytes) -> Marks:
    content = canonical([digest_of(row, _CONTENT), size_told(row)])
    folder = short(str(row.get("parentFolderId")))
    return Marks(short(content), digest_of(row, _STATE), short(body), folder)


def size_told(row: Shown) -> int:
    """Bytes in the vendor's store; 0 where it does not say."""
    for one in row.get("singleValueExtendedProperties") or ():
        name = str(one.get("id", "")).lower().partition(" ")[2]
        if name in (SIZE_PROPERTY, "0x0e08"):
            value = str(one.get("value", ""))
            return int(value) if value.isdigit() else 0
    return 0


def addresses_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Everybody's address, in small letters."""
    held = [row.get("from"), row.get("sender"), row.get("organizer")]
    for name in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo", "attendees"):
        held += row.get(name) or ()
    found = [
        str((one.get("emailAddress") or {}).get("address") or "").lower()
        for one in held
        if isinstance(one, dict)
    ]
    return tuple(dict.fromkeys(address for address in found if address))


def sender_of(row: Mapping[str, Any]) -> str:
    """Who wrote it, to read."""
    held = (row.get("from") or row.get("sender") or row.get("organizer") or {}).get(
        "emailAddress"
    ) or {}
    return str(held.get("name") or held.get("address") or "")


def message_of(user: str, row: Shown, named: Named) -> Observed:
    """What Graph says of a message, brought whole."""
    body = canonical(plain(row))
    tag = marks_of(row, body).tag
    print_ = Fingerprint(len(body), moment(row.get("lastModifiedDateTime")), tag=tag)
    place = {"in": naming.text(naming.FOLDER, user, str(row.get("parentFolderId")))}
    brought = Brought(Fidelity.FILE, place, body)
    return Observed(naming.MESSAGE, naming.native(naming.MESSAGE, user, row["id"]), print_, named, brought)  # fmt: skip


def must_fetch(before: str, now: Marks, *, draft: bool) -> bool:
    """Has a message other bytes than when it was last fetched? See the head of this module."""
    old = Marks.parse(before)
    if old is None or old.content != now.content:
        return True
    if old.whole == now.whole:
        return False
    return draft or old.state == now.state


def mime_of(
    user: str, row: Shown, message: Observed, row_before: Fingerprint | None, before: Fingerprint | None
) -> Observed:  # fmt: skip
    """The bytes of a message. `row_before` and `before` are what the last snapshot has of its row and of them."""
    marks = Marks.parse(message.fingerprint.tag)
    assert marks is not None
    draft = bool(row.get("isDraft"))
    if (
        before is not None
        and row_before is not None
        and not must_fetch(row_before.tag, marks, draft=draft)
    ):
        print_ = before
    else:
        told = size_told(row)
        size = int(told * _GROWS) if told else UNKNOWN_SIZE
        print_ = Fingerprint(size, moment(row.get("receivedDateTime")), tag=marks.whole)
    place: dict[str, object] = {
        "file": f"{str(row.get('subject') or 'no subject')[:100]}.eml",
        "mark": short(str(row["id"])),
        "of": naming.text(naming.MESSAGE, user, row["id"]),
        "listed": [str(row.get("receivedDateTime") or ""), sender_of(row)],
    }
    if row.get("internetMessageId"):
        place["message_id"] = short(str(row["internetMessageId"]).strip())
    native = naming.native(naming.MIME, user, row["id"])
    brought = Brought(Fidelity.FILE, place, None)
    return Observed(naming.MIME, native, print_, message.named_by, brought)


# -- rows of other kinds -----------------------------------------------------------------------------


def row_of(
    kind: str, ids: Sequence[str], row: Shown, *, place: Mapping[str, object], named: Named = NO_MATTER,
    fidelity: Fidelity = Fidelity.EVIDENCE,
) -> Observed:  # fmt: skip
    """Any other row, brought whole; its version is its content."""
    body = canonical(plain(row))
    print_ = Fingerprint(len(body), moment(row.get("lastModifiedDateTime")), tag=short(body))
    brought = Brought(fidelity, dict(place), body)
    return Observed(kind, naming.native(kind, *ids), print_, named, brought)


def text_of(
    kind: str, ids: Sequence[str], content: bytes, *, place: Mapping[str, object], named: Named
) -> Observed:
    """A readable copy that is made of a row: `.ics`, `.vcf`."""
    print_ = Fingerprint(len(content), 0, tag=short(content))
    brought = Brought(Fidelity.FILE, dict(place), content)
    return Observed(kind, naming.native(kind, *ids), print_, named, brought)
