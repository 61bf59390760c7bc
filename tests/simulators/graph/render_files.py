"""Drives, their items, versions and permissions as they are shown. subset: drive, driveItem, driveItemVersion."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from tests.simulators.clio.store import Ref, Row, Store
from tests.simulators.graph.world import World


def quick_xor(pieces: Iterable[bytes]) -> str:
    """microsoft365.md: OneDrive - quickXorHash: 160 bits, a shift of 11 for each byte, the length XORed into the end.

    Bytes 160 apart meet at the same place, so the file is folded into 160 bytes first.
    """
    folded, length, rest = 0, 0, b""
    for piece in pieces:
        length += len(piece)
        rest += piece
        whole = len(rest) - len(rest) % 160
        for start in range(0, whole, 160):
            folded ^= int.from_bytes(rest[start : start + 160], "little")
        rest = rest[whole:]
    folded ^= int.from_bytes(rest.ljust(160, b"\0"), "little")
    held = 0
    for place, byte in enumerate(folded.to_bytes(160, "little")):
        shift = place * 11 % 160
        turned = byte << shift
        held ^= (turned & ((1 << 160) - 1)) | (turned >> 160)
    held ^= length << 96
    return base64.b64encode(held.to_bytes(20, "little")).decode()


class FilesView:
    """`download` makes the short-lived address of an object; without it none is shown."""

    def __init__(self, world: World, store: Store | None = None, download: Any = None) -> None:
        self.world = world
        self.store = store or world.store
        self.download = download
        self._hashes: dict[str, str] = world.hashes

    # -- drives ----------------------------------------------------------------------------------
    def drive_id(self, ref: Ref) -> str:
        return self.world.ids.give("drive", ref.id)

    def drive(self, ref: Ref, row: Row) -> dict[str, Any]:
        used = sum(one["_versions"][-1]["size"] for _, one in self._items(ref) if one["_versions"])
        total = self.world.settings.drive_quota
        kind = row["driveType"]
        who = {"user": self.who(row["_owner"])}
        return {
            "id": self.drive_id(ref), "name": row["name"], "driveType": kind, "description": "",
            "createdDateTime": row["createdDateTime"], "lastModifiedDateTime": row["lastModifiedDateTime"],
            "webUrl": f"https://specimenlaw.sharepoint.example/{quote(row['name'])}", "owner": who,
            "quota": {"total": total, "used": used, "remaining": max(total - used, 0), "deleted": 0, "state": "normal"},
        }  # fmt: skip

    def _items(self, drive: Ref) -> list[tuple[Ref, Row]]:
        found = self.world.rows_of("items", "_drive", drive, self.store)
        return [(one, row) for one in found if (row := self.store.at(one)) is not None]

    def who(self, ref: Ref | None) -> dict[str, str]:
        row = self.store.at(ref) if ref else None
        if ref is None or row is None:
            return {"displayName": "System Account"}
        return {"id": self.world.guid_of(ref), "displayName": row["displayName"]}

    # -- items -----------------------------------------------------------------------------------
    def item_id(self, ref: Ref) -> str:
        return self.world.ids.give("item", ref.id)

    def path_of(self, ref: Ref | None) -> str:
        names: list[str] = []
        row = self.store.at(ref)
        while row is not None and row["_parent"] is not None:
            names.insert(0, row["name"])
            row = self.store.at(row["_parent"])
        return "".join(f"/{quote(name)}" for name in names)

    def size(self, ref: Ref, row: Row) -> int:
        if row["_versions"]:
            return int(row["_versions"][-1]["size"])
        below = self.world.rows_of("items", "_parent", ref, self.store)
        return sum(self.size(one, held) for one in below if (held := self.store.at(one)))

    def item(self, ref: Ref, row: Row) -> dict[str, Any]:
        tag = f"{self.world.ids.guid('items', ref.id).upper()}"
        drive = row["_drive"]
        who = {"user": self.who(row["_by"])}
        shown: dict[str, Any] = {
            "createdDateTime": row["createdDateTime"], "lastModifiedDateTime": row["lastModifiedDateTime"],
            "eTag": f'"{{{tag}}},{row["_version"]}"', "cTag": f'"c:{{{tag}}},{len(row["_versions"])}"',
            "id": self.item_id(ref), "name": row["name"], "size": self.size(ref, row),
            "webUrl": f"https://specimenlaw.sharepoint.example/{drive.id}{self.path_of(ref)}",
            "createdBy": who, "lastModifiedBy": who,
            "fileSystemInfo": {"createdDateTime": row["_fs"][0], "lastModifiedDateTime": row["_fs"][1]},
        }  # fmt: skip
        held = self.store.at(drive)
        kind = held["driveType"] if held is not None else "business"
        reference = {"driveType": kind, "driveId": self.drive_id(drive)}
        if row["_parent"] is None:
            shown |= {"root": {}, "folder": {"childCount": self._children(ref)}, "parentReference": reference}  # fmt: skip
            return shown
        shown["parentReference"] = reference | {
            "id": self.item_id(row["_parent"]),
            "path": f"/drives/{self.drive_id(drive)}/root:{self.path_of(row['_parent'])}",
        }
        if row["_kind"] == "folder":
            shown["folder"] = {"childCount": self._children(ref)}
        elif row["_kind"] == "package":
            shown["package"] = {"type": "oneNote"}
        elif row["_kind"] == "remote":
            shown["remoteItem"] = {"id": self.item_id(row["_target"]), "name": row["name"], "parentReference": {"driveId": self.drive_id(row["_target_drive"])}}  # fmt: skip
        else:
            held = row["_versions"][-1]
            file: dict[str, Any] = {"mimeType": held["type"]}
            if row["_hashed"]:
                file["hashes"] = {"quickXorHash": self.hash(held["object"])}
            shown["file"] = file
            if row["_malware"]:
                shown["malware"] = {"description": "Malware:Test/Specimen"}
            if self.download is not None and not row["_malware"]:
                shown["@microsoft.graph.downloadUrl"] = self.download(held["object"])
        if row["_permissions"]:
            shown["shared"] = {"scope": "users"}
        return shown

    def _children(self, ref: Ref) -> int:
        return len(self.world.rows_of("items", "_parent", ref, self.store))

    def hash(self, name: str) -> str:
        if name not in self._hashes:
            self._hashes[name] = quick_xor(self.world.files.read(name))
        return self._hashes[name]

    def version(self, row: Row, one: Row) -> dict[str, Any]:
        """examples: driveitem-list-versions"""
        return {
            "id": one["id"], "lastModifiedDateTime": one["at"], "size": one["size"],
            "lastModifiedBy": {"user": self.who(row["_by"])},
        }  # fmt: skip

    def permission(self, one: Row) -> dict[str, Any]:
        """examples: driveitem-list-permissions"""
        shown: dict[str, Any] = {"id": one["id"], "roles": [one["role"]]}
        if one["link"]:
            return shown | {"link": {"type": "view" if one["role"] == "read" else "edit", "scope": one["link"], "webUrl": f"https://specimenlaw.sharepoint.example/:x:/{one['id']}"}}  # fmt: skip
        return shown | {"grantedToV2": {"user": self.who(one["user"])}}

    def site(self, ref: Ref, row: Row) -> dict[str, Any]:
        return {
            "id": self.site_id(ref), "name": row["name"], "displayName": row["displayName"],
            "createdDateTime": row["createdDateTime"], "lastModifiedDateTime": row["lastModifiedDateTime"],
            "webUrl": f"https://specimenlaw.sharepoint.example/sites/{quote(row['name'])}",
            "siteCollection": {"hostname": "specimenlaw.sharepoint.example"},
        }  # fmt: skip

    def site_id(self, ref: Ref) -> str:
        return f"specimenlaw.sharepoint.example,{self.world.guid_of(ref)},{self.world.ids.guid('web', ref.id)}"
