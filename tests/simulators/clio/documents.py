"""Documents and folders: uploads in three steps, versions, the trash.

platform.yaml: uploads, deletions. A document appears when its bytes have been put and the client said so; a new
version likewise. What is deleted lies in the trash for 30 days, then it is gone.
"""

from __future__ import annotations

import base64
import mimetypes
import uuid
from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clio.clock import stamp
from tests.simulators.clio.errors import ApiError, bad_request, unprocessable
from tests.simulators.clio.files import Object
from tests.simulators.clio.storage import Storage
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import World
from tests.simulators.clio.writes import Rule, Values, Writer, refused_delete

PARTS_PER_REQUEST = 50  # platform.yaml: uploads.multipart.parts_per_request
MOST_PARTS = 10_000
TREE_LIMIT = 100_000  # openapi: Folder#destroy


class Uploads:
    """The rules for documents and folders, which need the storage host."""

    def __init__(self, world: World, storage: Storage) -> None:
        self._world = world
        self._storage = storage

    def rules(self) -> dict[str, Rule]:
        def throw_away(writer: Writer, ref: Ref) -> None:
            trash(writer.world, ref)

        return {
            "documents": Rule(create=self._create, update=self._update, delete=throw_away),
            "folders": Rule(prepare=_folder, delete=throw_away),
            "document_templates": Rule(prepare=self._template),
        }

    # -- step one ------------------------------------------------------------------------------------
    def _create(self, writer: Writer, values: Values, data: Values) -> Ref:
        parent = data["parent"]
        filename = data.get("filename") or data["name"]
        content_type = (
            data.get("content_type")
            or mimetypes.guess_type(filename)[0]
            or "application/octet-stream"
        )
        if isinstance(parent, dict) and parent.get("type") == "Document":
            # platform.yaml: uploads.new_version
            document = writer.needed("documents", parent)
        else:
            values |= place(writer, parent)
            for name in ("multiparts", "filename", "content_type"):
                values.pop(name, None)
            values.setdefault("external_properties", [])
            document = self._world.create(
                "documents", **values, locked=False, deleted_at=None, creator=writer.user, group=None,
                latest_document_version=None, _uploaded=False,
                _communication=writer.ref("communications", data.get("communication_id")),
            )  # fmt: skip
        self._begin(writer, document, filename, content_type, data)
        return document

    def _begin(
        self, writer: Writer, document: Ref, filename: str, content_type: str, data: Values
    ) -> None:
        world = self._world
        version = world.create("document_versions")
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{world.seed}/upload/{version.id}"))
        headers = {"x-amz-server-side-encryption": "AES256", "Content-Type": content_type}
        sent = data.get("multiparts")
        parts = self._parts(name, sent) if sent is not None else []
        world.change(
            version, _document=document, filename=filename, size=0, content_type=content_type, uuid=name,
            version_number=1 + len(world.store.referrers("document_versions", "_document", document)),
            received_at=data.get("received_at"), fully_uploaded=False, creator=writer.user, multiparts=parts,
            # examples.json: multipart_create - the parts have URLs of their own
            put_url=None if parts else self._storage.upload_url(name, headers),
            put_headers=[] if parts else [{"name": key, "value": value} for key, value in headers.items()],
        )  # fmt: skip
        # The answer to this request names the version under way; lists go on showing the last whole one.
        world.change(document, quiet=True, _pending=version)

    def _parts(self, name: str, sent: Any) -> list[Values]:
        if not isinstance(sent, list) or not 1 <= len(sent) <= PARTS_PER_REQUEST:
            raise unprocessable(f"From 1 to {PARTS_PER_REQUEST} multiparts in one request")
        made = []
        for one in sent:
            number = one.get("part_number")
            if not isinstance(number, int) or not 1 <= number <= MOST_PARTS:
                raise unprocessable(f"'part_number' is from 1 to {MOST_PARTS}")
            headers = {"Content-Length": str(one.get("content_length"))}
            if one.get("content_md5"):
                headers["Content-MD5"] = one["content_md5"]
            made.append(
                {
                    "part_number": number,
                    "put_url": self._storage.upload_url(name, headers, number),
                    "put_headers": [
                        {"name": key, "value": value} for key, value in headers.items()
                    ],
                }
            )
        return made

    # -- step three ----------------------------------------------------------------------------------
    def _update(self, writer: Writer, ref: Ref, values: Values, data: Values) -> None:
        world = self._world
        if data.get("restore") in (True, "true"):
            # platform.yaml: deletions.soft_deleted_visible.documents
            values["deleted_at"] = None
        if "parent" in data:
            values |= place(writer, data["parent"])
        if "uuid" in data:
            self._finish(writer, ref, data)
        for name in ("multiparts", "uuid", "fully_uploaded"):
            values.pop(name, None)
        if values:
            world.change(ref, **values)

    def _finish(self, writer: Writer, ref: Ref, data: Values) -> None:
        world = self._world
        ids = world.store.referrers("document_versions", "_document", ref)
        version = next((Ref("document_versions", i) for i in ids if world.row(Ref("document_versions", i))["uuid"] == data["uuid"]), None)  # fmt: skip
        if version is None:
            raise upload_not_found("", str(data["uuid"]))
        row = world.row(version)
        if row["fully_uploaded"]:
            raise unprocessable("The document is already marked as fully uploaded")
        if data.get("fully_uploaded") not in (True, "true"):
            parts = self._parts(row["uuid"], data.get("multiparts"))
            world.change(version, multiparts=[*row["multiparts"], *parts])
            world.change(ref, quiet=True, _pending=version)
            return
        body = self._arrived(row)
        world.files.objects[row["uuid"]] = Object(len(body), row["content_type"], row["filename"])
        world.change(
            version,
            size=len(body),
            fully_uploaded=True,
            put_url=None,
            put_headers=[],
            multiparts=[],
        )
        world.change(ref, latest_document_version=version, _uploaded=True, _pending=None)

    def _arrived(self, row: Row) -> bytes:
        files, name = self._world.files, row["uuid"]
        if row["multiparts"]:
            have = files.parts(name)
            wanted = sorted(one["part_number"] for one in row["multiparts"])
            if wanted != sorted(have):
                raise upload_not_found(row["filename"], name)
            small = [
                number
                for number in wanted[:-1]
                if len(have[number]) < self._world.settings.part_bytes
            ]
            if small:
                raise unprocessable(f"Part {small[0]} is smaller than the least size of a part")
            files.join(name)
        body = files.kept(name)
        if body is None:
            raise upload_not_found(row["filename"], name)
        return body

    def _template(self, writer: Writer, values: Values, data: Values, before: Row | None) -> None:
        """The `file` of a template is its bytes in base64 (assumed)."""
        if "file" not in data:
            return
        try:
            body = base64.b64decode(data["file"], validate=True)
        except ValueError as error:
            raise unprocessable("'file' is no base64") from error
        filename = data.get("filename") or "template.docx"
        name = f"template-{writer.world.store.new_id('templates')}"
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        writer.world.files.store(name, body, kind, filename)
        values |= {"size": len(body), "content_type": kind, "filename": filename, "_object": name,
                   "last_modified_by": writer.user}  # fmt: skip

    # -- other ways to a version ---------------------------------------------------------------------
    def copy(self, writer: Writer, source: Ref, data: Values) -> Ref:
        """openapi: Document#copy - the latest version into a new document"""
        world = self._world
        if "parent" not in data:
            raise unprocessable("'parent' is required")
        row = world.row(source)
        made = world.create(
            "documents", **place(writer, data["parent"]), name=data.get("name") or row["name"], locked=False,
            deleted_at=None, received_at=row["received_at"], creator=writer.user, group=None, external_properties=[],
            document_category=row.get("document_category"), latest_document_version=None, _uploaded=True,
        )  # fmt: skip
        self._again(writer, made, row["latest_document_version"])
        return made

    def save_as_latest(self, writer: Writer, document: Ref, version: Ref) -> None:
        """openapi: DocumentVersion#save_as_latest_version - a new version with the bytes of an old one"""
        self._again(writer, document, version)

    def _again(self, writer: Writer, document: Ref, version: Ref) -> None:
        world = self._world
        row = world.row(version)
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{world.seed}/again/{world.store.sequence}"))
        held = world.files.objects[row["uuid"]]
        world.files.objects[name] = Object(
            held.size, held.content_type, held.filename, held.source or row["uuid"]
        )
        made = world.create(
            "document_versions", _document=document, filename=row["filename"], size=row["size"], uuid=name,
            content_type=row["content_type"], received_at=row["received_at"], fully_uploaded=True, put_url=None,
            put_headers=[], multiparts=[], creator=writer.user,
            version_number=1 + len(world.store.referrers("document_versions", "_document", document)),
        )  # fmt: skip
        world.change(document, latest_document_version=made)


def upload_not_found(filename: str, name: str) -> ApiError:
    """examples.json: document_mark_missing"""
    return unprocessable(
        f"A matching remote file was not found for the file named {filename} with UUID {name}", "UploadNotFoundError"
    )  # fmt: skip


def upload_timeout() -> ApiError:
    """examples.json: document_mark_timeout; faults.py brings it"""
    return unprocessable(
        "A timeout occurred verifying the remote file. Please try the request again.", "UploadTimeoutError"
    )  # fmt: skip


# -- folders and the trash ------------------------------------------------------------------------------
def place(writer: Writer, parent: Any) -> Values:
    """Where `{"id": 1, "type": "Matter"}` is: the folder, and whose it is."""
    world = writer.world
    kind = parent.get("type") if isinstance(parent, dict) else None
    if kind == "Folder":
        folder = writer.needed("folders", parent)
    elif kind in ("Matter", "Contact"):
        owner = writer.needed(f"{kind.lower()}s", parent)
        found = world.store.referrers("folders", f"_{kind.lower()}_root", owner)
        folder = Ref("folders", found[0]) if found else _contact_folder(writer, owner)
    else:
        raise unprocessable("'parent.type' is Folder, Matter or Contact")
    row = world.row(folder)
    return {"parent": folder, "matter": row.get("matter"), "contact": row.get("contact")}


def _contact_folder(writer: Writer, owner: Ref) -> Ref:
    """openapi: parent.type - a contact folder will be created if none exists already"""
    world = writer.world
    root = next(i for i, row in world.store.rows("folders") if row["root"])
    column = owner.collection[:-1]
    return world.create(
        "folders", name=world.row(owner)["name"], root=False, locked=False, deleted_at=None, creator=writer.user,
        parent=Ref("folders", root), external_properties=[], **{column: owner, f"_{column}_root": owner},
    )  # fmt: skip


def _folder(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if "parent" in data:
        values |= place(writer, data["parent"])
    if data.get("restore") in (True, "true"):
        values["deleted_at"] = None
    if before is None:
        values |= {"root": False, "locked": False, "deleted_at": None, "creator": writer.user}
        values.setdefault("external_properties", [])


def tree(world: World, folder: Ref) -> list[Ref]:
    """All below a folder."""
    found: list[Ref] = []
    for collection in ("documents", "folders"):
        for id_ in world.store.referrers(collection, "parent", folder):
            ref = Ref(collection, id_)
            found.append(ref)
            if collection == "folders":
                found.extend(tree(world, ref))
    return found


def trash(world: World, ref: Ref, at: datetime | None = None) -> None:
    """platform.yaml: deletions; openapi: Folder#destroy. Raises ApiError."""
    row = world.row(ref)
    if row.get("root"):
        raise bad_delete("The root folder cannot be trashed")
    below = tree(world, ref) if ref.collection == "folders" else []
    if len(below) > TREE_LIMIT:
        raise bad_delete("This folder contains more than 100,000 items and cannot be trashed.")
    if any(world.row(one)["locked"] for one in (ref, *below)):
        raise bad_delete("This item contains locked items and cannot be deleted.")
    moment = stamp(at or world.clock.now())
    for one in (ref, *below):
        if world.row(one)["deleted_at"] is None:
            world.change(one, at=at, deleted_at=moment)


def bad_delete(why: str) -> ApiError:
    error = bad_request(f"Delete failed: {why}")
    error.type = refused_delete("").type
    return error


def purge(world: World) -> int:
    """Takes away what has lain in the trash too long; how many documents and folders that were.

    It looks once in an hour of the firm's time, as it is called with every request.
    """
    if world.clock.now() < world.next_purge:
        return 0
    world.next_purge = world.clock.now() + timedelta(hours=1)
    ends = world.clock.now() - timedelta(days=world.settings.trash_days)
    gone = 0
    for collection in ("documents", "folders"):
        for id_, row in world.store.rows(collection):
            if row["deleted_at"] is None or datetime.fromisoformat(row["deleted_at"]) > ends:
                continue
            for version in world.store.referrers(
                "document_versions", "_document", Ref(collection, id_)
            ):
                world.delete(Ref("document_versions", version))
            world.delete(Ref(collection, id_))
            gone += 1
    return gone
