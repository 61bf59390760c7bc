"""The state of the firm at a moment, told whole: what a backup or a restore is compared with."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.render import Renderer
from tests.simulators.netdocuments.world import World


def state(world: World) -> dict[str, Any]:
    """By collection, and below it by outside id; also what lies in Deleted Items."""
    show = Renderer(world)
    items = {str(row["id"]): _item(world, show, Ref("items", number), row) for number, row in world.store.rows("items")}  # fmt: skip
    return {
        "repository": dict(world.repository),
        "users": {row["id"]: _plain(world, row) for _, row in world.store.rows("users")},
        "groups": {row["id"]: _plain(world, row) for _, row in world.store.rows("groups")},
        "cabinets": {row["id"]: _plain(world, row) for _, row in world.store.rows("cabinets")},
        "lookups": [dict(row) for _, row in world.store.rows("lookups")],
        "containers": {key: one for key, one in items.items() if one["extension"] in ids.CONTAINERS},
        "documents": {key: one for key, one in items.items() if one["extension"] not in ids.CONTAINERS},
    }  # fmt: skip


def _item(world: World, show: Renderer, ref: Ref, row: Row) -> dict[str, Any]:
    shown = _plain(world, row)
    shown["attributes"] = {str(one["id"]): one["value"] for one in show.custom(row)}
    if row["extension"] in ids.CONTAINERS:
        return shown
    shown["versions"] = [show.version(one, row["official"]) for _, one in world.versions(ref)]
    held = world.store.referrers("attachments", "document", ref)
    rows = [world.row(Ref("attachments", one)) for one in held]
    kept = ("number", "name", "extension", "description", "size")
    shown["attachments"] = [{name: one[name] for name in kept} for one in rows]
    return shown


def _plain(world: World, row: Row) -> dict[str, Any]:
    return {name: _told(world, value) for name, value in row.items()}


def _told(world: World, value: Any) -> Any:
    if isinstance(value, Ref):
        held = world.store.at(value)
        return held["id"] if held is not None else None
    if isinstance(value, list):
        return [_told(world, one) for one in value]
    return value


def files(world: World) -> dict[str, Any]:
    """Size and digest of every version and attachment, as `document/number` and `document/aNUMBER`: the API tells no
    digest (platform.yaml: checksums)."""
    found = {}
    for collection, mark in (("versions", ""), ("attachments", "a")):
        for _, row in world.store.rows(collection):
            document = world.row(row["document"])["id"]
            digest = world.files.digest(row["file"])
            found[f"{document}/{mark}{row['number']}"] = {"size": digest.size, "sha256": digest.sha256}  # fmt: skip
    return found
