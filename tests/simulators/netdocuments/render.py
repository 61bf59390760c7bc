"""How rows are shown, in the shapes of v1 (camelCase) and of v2 lists (PascalCase)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.errors import bad_request
from tests.simulators.netdocuments.world import World

PARTS = ("standardattributes", "customattributes", "ancestors")
V1_TYPES = {ids.FOLDER: "fld"}  # platform.yaml: extensions.v1_type_fld


def selected(text: str | None) -> frozenset[str]:
    """The parts a `select` names. Raises ApiError (400) for one that no source names."""
    words = frozenset(one.strip().lower() for one in (text or "").split(",") if one.strip())
    if not words <= set(PARTS):
        raise bad_request(f"select knows {', '.join(PARTS)}")
    return words


class Renderer:
    def __init__(self, world: World) -> None:
        self.world = world

    def _env(self, ref: Ref) -> str:
        row = self.world.row(ref)
        counted = self.world.settings.folder_suffix and row["extension"] == ids.FOLDER
        return f"{row['envId']}|1" if counted else str(row["envId"])

    def _size(self, item: Ref, row: Row) -> int:
        """That of the official version. platform.yaml: checksums"""
        held = self.world.version(item, row["official"])
        return int(held[1]["size"]) if held else 0

    # -- v2 ----------------------------------------------------------------------------------------
    def result(self, ref: Ref, row: Row, parts: frozenset[str]) -> dict[str, Any]:
        """examples.json: v2_search_page_1, v2_sub"""
        shown: dict[str, Any] = {"DocId": row["id"], "EnvId": row["envId"]}
        above = [one for one in row["filed"] if self.world.store.at(one)]
        if row["extension"] in ids.CONTAINERS:
            shown["EnvId"] = self._env(ref)
            if above:
                shown["ParentId"] = self._env(above[0])
        if "standardattributes" in parts:
            shown["Attributes"] = self._attributes(ref, row, above)
        if "customattributes" in parts:
            shown["CustomAttributes"] = [
                {"Id": one["id"], "Value": one["value"], "Description": one["description"]}
                for one in self.custom(row)
            ]
        if "ancestors" in parts:
            shown["Ancestors"] = [{"Id": self._env(one)} for one in self.world.ancestors(ref)]
        return shown

    def _attributes(self, ref: Ref, row: Row, above: list[Ref]) -> dict[str, Any]:
        if row["extension"] in ids.CONTAINERS:
            shown: dict[str, Any] = {"Name": row["name"], "Ext": row["extension"]}
        else:
            size = self._size(ref, row)
            shown = {"Name": row["name"], "Ext": row["extension"], "Size": size}
        shown |= {
            "Created": row["created"], "CreatedBy": row["createdBy"], "Modified": row["modified"],
            "ModifiedBy": row["modifiedBy"], "Cabinet": self.world.row(row["cabinet"])["id"],
        }  # fmt: skip
        return shown | ({"ParentName": self.world.row(above[0])["name"]} if above else {})

    # -- v1 ----------------------------------------------------------------------------------------
    def standard(self, ref: Ref, row: Row) -> dict[str, Any]:
        """examples.json: document_info; resources.yaml: document_profile"""
        plain = {"id": row["id"], "envId": row["envId"], "name": row["name"], "extension": row["extension"]}  # fmt: skip
        if row["extension"] not in ids.CONTAINERS:
            plain |= {
                "size": self._size(ref, row), "version": row["official"], "locked": row["locked"],
            }  # fmt: skip
        return plain | {
            "created": row["created"], "createdBy": row["createdBy"], "modified": row["modified"],
            "modifiedBy": row["modifiedBy"], "cabinet": self.world.row(row["cabinet"])["id"],
        }  # fmt: skip

    def listed(self, ref: Ref, row: Row) -> dict[str, Any]:
        """A row of `standardList`. examples.json: v1_folder_list"""
        kept = ("id", "envId", "name", "extension", "size", "created", "modified")
        return {key: value for key, value in self.standard(ref, row).items() if key in kept}

    def named(self, row: Row) -> dict[str, Any]:
        """A row of `list`. examples.json: v1_workspace_children"""
        ending = str(row["extension"])
        return {"envId": row["envId"], "type": V1_TYPES.get(ending, ending)}

    def custom(self, row: Row) -> list[dict[str, Any]]:
        """Lookup values with the description of their key. examples.json: document_info"""
        parents = {one["id"]: one.get("parent") for one in self.definitions(row["cabinet"])}
        return [
            {
                "id": attribute, "value": value,
                "description": self.world.described(
                    attribute, value, str(row["attributes"].get(parents.get(attribute), ""))
                ),
            }
            for attribute, value in sorted(row["attributes"].items())
        ]  # fmt: skip

    def definitions(self, cabinet: Ref) -> list[dict[str, Any]]:
        return list(self.world.row(cabinet)["definitions"])

    def profile(self, ref: Ref, row: Row, parts: Iterable[str]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if "standardattributes" in parts:
            shown["standardAttributes"] = self.standard(ref, row)
        if "customattributes" in parts:
            shown["customAttributes"] = self.custom(row)
        if "ancestors" in parts:
            shown["Ancestors"] = [{"Id": self._env(one)} for one in self.world.ancestors(ref)]
        shown["misc"] = {"archived": row["archived"], "deleted": row["deleted"] is not None}
        if row["extension"] not in ids.CONTAINERS:
            shown["docVersions"] = {
                "latestVersionNumber": row.get("latest", 0), "officialVer": row["official"],
                "count": len(self.world.versions(ref)),
            }  # fmt: skip
            if row["checked_out"]:
                shown["checkedOut"] = dict(row["checked_out"])
        return shown

    def version(self, row: Row, official: int) -> dict[str, Any]:
        """examples.json: version_list"""
        kept = ("number", "label", "description", "extension", "size", "created", "createdBy", "modified", "modifiedBy",
                "locked")  # fmt: skip
        return {name: row[name] for name in kept} | {"official": row["number"] == official}

    def acl(self, row: Row) -> list[dict[str, Any]]:
        """examples.json: acl"""
        key = self.world.settings.no_access_key
        return [{key if name == "noAccess" else name: value for name, value in one.items()} for one in row["acl"]]  # fmt: skip
