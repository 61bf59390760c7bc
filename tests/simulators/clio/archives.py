"""Zips of many documents, and documents made from templates. resources.yaml: document_archives, document_automations."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from tests.simulators.clio.documents import tree
from tests.simulators.clio.errors import unprocessable
from tests.simulators.clio.files import Object
from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import World

if TYPE_CHECKING:
    from tests.simulators.clio.api import Call


def create(call: Call) -> Ref:
    """An archive that is ready after it was asked after once. Kinds of items are names here (assumed)."""
    items = call.request.data().get("items")
    if not isinstance(items, list) or not items:
        raise unprocessable("'items' is required")
    documents: list[Ref] = []
    for one in items:
        ref = call.writer.needed(
            "folders" if one.get("type") in ("Folder", 2) else "documents", one
        )
        documents += tree(call.world, ref) if ref.collection == "folders" else [ref]
    body = _zip(call.world, [ref for ref in documents if ref.collection == "documents"])
    made = call.world.create(
        "document_archives", size=len(body), progress=0.0, state="queued", message=None
    )
    call.world.files.store(f"archive-{made.id}", body, "application/zip", f"archive-{made.id}.zip")
    return made


def asked_after(world: World, ref: Ref) -> None:
    if world.row(ref)["state"] != "completed":
        world.change(ref, state="completed", progress=100.0)


def _zip(world: World, documents: list[Ref]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for ref in documents:
            version = world.store.at(world.row(ref)["latest_document_version"])
            if version is not None:
                name = f"{ref.id}/{version['filename']}"
                archive.writestr(name, b"".join(world.files.read(version["uuid"])))
    return buffer.getvalue()


def automate(call: Call) -> Ref:
    """A document of the template's bytes in the matter's folder."""
    data, world = call.request.data(), call.world
    missing = {"matter", "document_template", "filename", "formats"} - set(data)
    if missing:
        raise unprocessable(f"'{min(missing)}' is required")
    matter = call.writer.needed("matters", data["matter"])
    template = call.writer.needed("document_templates", data["document_template"])
    row = world.row(template)
    [root, *_] = world.store.referrers("folders", "_matter_root", matter)
    made = world.create(
        "documents", name=data["filename"], locked=False, deleted_at=None, received_at=None, parent=Ref("folders", root),
        matter=matter, contact=None, creator=call.reader.user, group=None, document_category=row["document_category"],
        external_properties=[], latest_document_version=None, _uploaded=True,
    )  # fmt: skip
    name = f"automation-{made.id}"
    world.files.objects[name] = Object(
        row["size"], row["content_type"], data["filename"], row["_object"]
    )
    version = world.create(
        "document_versions", _document=made, filename=data["filename"], size=row["size"], version_number=1, uuid=name,
        content_type=row["content_type"], received_at=None, fully_uploaded=True, put_url=None, put_headers=[],
        multiparts=[], creator=call.reader.user,
    )  # fmt: skip
    world.change(made, quiet=True, latest_document_version=version)
    return world.create(
        "document_automations", state="completed", export_formats=data["formats"][0], filename=data["filename"],
        matter=matter, document_template=template, documents=[made],
    )  # fmt: skip
