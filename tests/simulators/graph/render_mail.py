"""Folders, messages, attachments and contacts as they are shown. subset: mailFolder, message, fileAttachment, contact."""

from __future__ import annotations

import html
import re
from typing import Any

from tests.simulators.clio.store import Ref, Row, Store
from tests.simulators.graph.letters import Attachment, Letter, Person, b64, property_name
from tests.simulators.graph.mime import mark_of, mime_of
from tests.simulators.graph.world import World

TAGS = re.compile(r"<[^>]+>")


class MailView:
    """Shows rows of a store; `immutable` decides the form of ids, `text` that of bodies."""

    def __init__(
        self, world: World, store: Store | None = None, *, immutable: bool = False, text: bool = False, basic: bool = False
    ) -> None:  # fmt: skip
        self.world = world
        self.store = store or world.store
        self.immutable = immutable
        self.text = text
        self.basic = basic  # Mail.ReadBasic.All: no body (microsoft365.md: Permissions)

    def id_of(self, kind: str, ref: Ref, extra: int = 0) -> str:
        if self.immutable:
            return self.world.ids.give(f"{kind}/immutable", ref.id)
        return self.world.ids.give(kind, ref.id, extra)

    # -- folders ---------------------------------------------------------------------------------
    def folder_id(self, ref: Ref | None) -> str | None:
        return None if ref is None else self.world.ids.give("folder", ref.id)

    def members(self, ref: Ref) -> list[Ref]:
        """The messages of a folder; those of a search folder are found in others."""
        row = self.store.at(ref)
        if row is not None and row["_search"]:
            found = []
            for folder in self.world.rows_of("folders", "_user", row["_user"], self.store):
                for one in self.world.rows_of("messages", "_folder", folder, self.store):
                    held = self.store.at(one)
                    if held is not None and row["_search"] in held["categories"]:
                        found.append(one)
            return found
        return self.world.rows_of("messages", "_folder", ref, self.store)

    def folder(self, ref: Ref, row: Row) -> dict[str, Any]:
        messages = [self.store.at(one) for one in self.members(ref)]
        children = self.world.rows_of("folders", "_parent", ref, self.store)
        shown = {
            "id": self.folder_id(ref), "displayName": row["displayName"],
            "parentFolderId": self.folder_id(row["_parent"]) or self.world.ids.give("folder", 0),
            "childFolderCount": sum(not self._hidden(one) for one in children),
            "unreadItemCount": sum(1 for one in messages if one is not None and not one["isRead"]),
            "totalItemCount": len(messages), "isHidden": row["isHidden"],
        }  # fmt: skip
        return {"@odata.type": "#microsoft.graph.mailSearchFolder"} | shown if row["_search"] else shown  # fmt: skip

    def _hidden(self, ref: Ref) -> bool:
        row = self.store.at(ref)
        return row is not None and bool(row["isHidden"])

    # -- messages --------------------------------------------------------------------------------
    def letter(self, row: Row) -> Letter:
        return self.world.letters.get(row["_letter"])

    def message(self, ref: Ref, row: Row) -> dict[str, Any]:
        letter = self.letter(row)
        key = self.world.ids.change_key("messages", ref.id, row["_version"])
        id_ = self.id_of("message", ref, row["_moves"])
        conversation = mark_of("conversation", self.world.seed, letter.subject.rpartition(": ")[2])
        body = {"contentType": "html", "content": letter.html} if letter.html and not self.text else {"contentType": "text", "content": letter.text or TAGS.sub("", letter.html)}  # fmt: skip
        shown: dict[str, Any] = {
            "@odata.etag": f'W/"{key}"', "id": id_, "changeKey": key,
            "createdDateTime": row["createdDateTime"], "lastModifiedDateTime": row["lastModifiedDateTime"],
            "categories": list(row["categories"]),
            "receivedDateTime": row["receivedDateTime"], "sentDateTime": row["sentDateTime"],
            # microsoft365.md: Mail - false where all attachments are inline
            "hasAttachments": any(not one.inline for one in letter.attachments),
            "internetMessageId": letter.message_id or None, "subject": letter.subject,
            "bodyPreview": (letter.text or TAGS.sub("", html.unescape(letter.html)))[:255],
            "importance": letter.importance, "parentFolderId": self.folder_id(row["_folder"]),
            "conversationId": f"AAQk{conversation}=", "conversationIndex": b64(conversation[:22].encode()),
            "isDeliveryReceiptRequested": False, "isReadReceiptRequested": row.get("_receipt", False) or _asks(letter),
            "isRead": row["isRead"], "isDraft": row["isDraft"],
            "webLink": f"https://outlook.office365.example/owa/?ItemID={id_}&exvsurl=1&viewmodel=ReadMessageItem",
            "inferenceClassification": "focused",
            "body": body, "uniqueBody": body,
            "sender": _recipient(letter.sender), "from": _recipient(letter.sender),
            "toRecipients": [_recipient(one) for one in letter.to],
            "ccRecipients": [_recipient(one) for one in letter.cc],
            "bccRecipients": [_recipient(one) for one in letter.bcc],
            "replyTo": [_recipient(one) for one in letter.reply_to],
            "flag": {"flagStatus": row["flag"]},
            "internetMessageHeaders": [{"name": n, "value": v} for n, v in letter.headers],
        }  # fmt: skip
        if self.basic:
            for name in ("body", "uniqueBody", "bodyPreview"):
                shown.pop(name)
        if letter.meeting:
            shown = {"@odata.type": "#microsoft.graph.eventMessage", "meetingMessageType": "meetingRequest"} | shown  # fmt: skip
        return shown

    def extended(self, row: Row, wanted: frozenset[str] | None = None) -> list[dict[str, str]]:
        """microsoft365.md: Restore - singleValueExtendedProperties, those asked for"""
        flags = (0 if not row["isRead"] else 1) | (8 if row["isDraft"] else 4)
        held = {
            "Integer 0xe07": str(flags), "SystemTime 0x39": row["sentDateTime"],
            "SystemTime 0xe06": row["receivedDateTime"],
        } | dict(row["_properties"])  # fmt: skip
        return [
            {"id": name, "value": value}
            for name, value in held.items()
            if wanted is None or property_name(name) in wanted
        ]

    # -- attachments -----------------------------------------------------------------------------
    def attachments(self, kind: int, number: int, letter: Letter, content: bool = True) -> list[dict[str, Any]]:  # fmt: skip
        return [
            self.attachment(kind, number, place, one, content)
            for place, one in enumerate(letter.attachments)
        ]

    def attachment(
        self, kind: int, number: int, place: int, one: Attachment, content: bool = True, expanded: bool = False
    ) -> dict[str, Any]:  # fmt: skip
        """`kind` is 0 for a message's, 1 for an event's."""
        shown: dict[str, Any] = {
            "@odata.type": f"#microsoft.graph.{one.kind}Attachment",
            "id": self.world.ids.give("attachment", number, (kind << 32) | place),
            "lastModifiedDateTime": one.at, "name": one.name,
            "contentType": None if one.kind == "item" else one.type,
            "size": len(one.data) + 200, "isInline": one.inline,
        }  # fmt: skip
        if one.kind == "file":
            shown["@odata.mediaContentType"] = one.type
            shown |= {"contentId": one.content_id or None, "contentLocation": None}
            if content:
                shown["contentBytes"] = b64(one.data)
        if one.kind == "item" and expanded:
            shown["item"] = {
                "@odata.type": "#microsoft.graph.message", "id": "", "subject": one.name,
                "body": {"contentType": "text", "content": one.data.decode("utf-8", "replace")},
            }  # fmt: skip
        return shown

    # -- contacts --------------------------------------------------------------------------------
    def contact(self, ref: Ref, row: Row) -> dict[str, Any]:
        key = self.world.ids.change_key("contacts", ref.id, row["_version"])
        return {
            "@odata.etag": f'W/"{key}"', "id": self.id_of("contact", ref), "changeKey": key,
            "createdDateTime": row["createdDateTime"], "lastModifiedDateTime": row["lastModifiedDateTime"],
            "parentFolderId": self.world.ids.give("contactFolder", row["_folder"].id),
            **row["values"],
        }  # fmt: skip

    def contact_folder(self, ref: Ref, row: Row) -> dict[str, Any]:
        parent = row["_parent"].id if row["_parent"] else 0
        return {
            "id": self.world.ids.give("contactFolder", ref.id), "displayName": row["displayName"],
            "parentFolderId": self.world.ids.give("contactFolder", parent),
        }  # fmt: skip

    # -- MIME ------------------------------------------------------------------------------------
    def mime(self, ref: Ref, row: Row, turn: int | None = None) -> bytes:
        """As it is read for the `turn`-th time; without one, the form that stands for the message."""
        return mime_of(self.letter(row), row, mark_of(self.world.seed, ref.id, turn))


def _asks(letter: Letter) -> bool:
    """Does its sender want to hear that it was read?"""
    return any(name.lower() == "disposition-notification-to" for name, _ in letter.headers)


def _recipient(person: Person | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {"emailAddress": {"name": person[0] or person[1], "address": person[1]}}
