"""Repository: what stands in the vendor's repository now, asked for as far as it is needed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

from muniment.errors import ItemUnreadable
from muniment.recovery.netdocuments_back.old import Data, profile_of
from muniment.sources.netdocuments import details, naming
from muniment.sources.netdocuments.client import Client
from muniment.sources.netdocuments.filing import LISTS, shown
from muniment.sources.netdocuments.items import from_search
from muniment.sources.netdocuments.reading import Gone, Json, Torn
from muniment.sources.netdocuments.standing import Identity
from muniment.sources.web.budget import Priority
from muniment.sources.web.download import Download

READINGS = 4
_TWICE = re.compile(r"[/\\%+]")
"""Signs of a key that stand encoded twice in a path."""
_ACL = {naming.WORKSPACE: "Workspace", naming.FOLDER: "Folder"}
RIGHTS = ("view", "edit", "share", "administer", "noAccess", "cabDefault")


class Repository:
    """Reads through the client of whoever may write. `identity` is whose account that is."""

    def __init__(self, client: Client, identity: Identity) -> None:
        self._client = client
        self._reader = client.reader
        self._identity = identity
        self._lists: dict[str, list[Json]] = {}
        self._principals: dict[str, bool] = {}
        self._keys: dict[tuple[str, str, str], bool] = {}
        self._definitions: dict[str, dict[int, Data]] = {}
        self._thrown_away: set[str] = set()
        self._digests: dict[tuple[str, str, int, str], bytes] = {}

    @property
    def user(self) -> str:
        return self._identity.user

    # -- items -------------------------------------------------------------------------------------
    def item(self, id_: str) -> Data | None:
        """The profile of a document or container; None where it is gone, or in Deleted Items. Raises SourceError."""
        try:
            held = self._reader.one("v2/document/{}/info", id_, query=details.PROFILE)
        except Gone:
            return None
        if (held.get("misc") or {}).get("deleted"):
            self._thrown_away.add(id_)
            return None
        return held

    def thrown_away(self, id_: str) -> bool:
        """Did an item that was asked for lie in Deleted Items?"""
        return id_ in self._thrown_away

    def versions(self, id_: str) -> list[Data]:
        """By their numbers; empty where the document is gone."""
        try:
            told = self._reader.some("v1/Document/{}/versionList", id_)
        except Gone:
            return []
        return sorted(told, key=lambda one: int(one["number"]))

    def acl(self, id_: str, extension: str = "") -> list[Data]:
        """Raises Gone."""
        kind = _ACL.get(extension.lower(), "Document")
        return self._reader.some(f"v1/{kind}/{{}}/acl", id_)

    def digest(self, document: str, told: Data) -> bytes:
        """SHA-256 of the bytes of a version, of which `told` is the row; empty where they cannot be had. Read once, as
        long as the row says the same."""
        number, size = str(told["number"]), int(told.get("size") or 0)
        place = (document, number, size, str(told.get("modified") or ""))
        if place not in self._digests:
            read = hashlib.sha256()
            path = f"v1/Document/{quote(document, safe='')}/{quote(number, safe='')}"
            try:
                for piece in Download(self._client.transport, path, (), size, Priority.ROUTINE).pieces():  # fmt: skip
                    read.update(piece)
            except (FileNotFoundError, ItemUnreadable):
                return b""
            self._digests[place] = read.digest()
        return self._digests[place]

    # -- lists -------------------------------------------------------------------------------------
    def inside(self, container: str, extension: str, *, anew: bool = False) -> list[Json]:
        """What is filed in a container itself, with names. Raises Gone, SourceError."""
        if anew or container not in self._lists:
            self._lists[container] = shown(self._reader, LISTS.get(extension.lower(), ""), container)  # fmt: skip
        return self._lists[container]

    def at_the_top(self, cabinet: str) -> list[Json]:
        """The containers of a cabinet that lie in no other. Raises SourceError."""
        queries = self._client.queries
        for _ in range(READINGS):
            found: dict[str, Json] = {}
            try:
                for page in self._reader.search(cabinet, queries.containers, queries.order):
                    found |= {row["id"]: row for row in map(from_search, page)}
            except Torn:
                continue
            if not found:
                self._reader.require_mapped()
            return [one for one in found.values() if not one["ancestors"]]
        raise self._reader.transport.unavailable("the list of containers never comes to its end")

    # -- who and what may be named -----------------------------------------------------------------
    def rights_that_can_be_kept(self, acl: Sequence[Data]) -> list[dict[str, Any]]:
        """Without those who are gone."""
        kept = [{k: v for k, v in one.items() if k != "name"} for one in acl]
        return [one for one in kept if self._is_somebody(str(one.get("principal")))]

    def _is_somebody(self, principal: str) -> bool:
        if principal.startswith("NG-"):
            return any(one.id == principal for one in self._identity.cabinets)
        if not principal.startswith("UG-"):
            return principal in self._users
        if principal not in self._principals:
            try:
                self._reader.one("v1/Group/{}/info", principal)
                self._principals[principal] = True
            except Gone:
                self._principals[principal] = False
        return self._principals[principal]

    @cached_property
    def _users(self) -> frozenset[str]:
        told = self._reader.some("v1/Repository/{}/users", self._identity.repository)
        return frozenset(str(one.get("id")) for one in told)

    def profile_that_can_be_kept(self, cabinet: str, profile: Mapping[int, str]) -> dict[int, str]:
        """Without attributes that the cabinet has no more, and keys that are in no table any more."""
        definitions = self._definitions_of(cabinet)
        kept: dict[int, str] = {}
        # What is above comes first: a key is looked for below its parent's.
        for number in sorted(profile, key=lambda one: (bool(_parent(definitions.get(one))), one)):
            definition = definitions.get(number)
            parent = _parent(definition)
            if definition is None or (parent and parent in profile and parent not in kept):
                continue
            above = kept.get(parent, "")
            if _type(definition) == "lookup" and not self._is_key(number, above, profile[number]):
                continue
            kept[number] = profile[number]
        return kept

    def _definitions_of(self, cabinet: str) -> dict[int, Data]:
        if cabinet not in self._definitions:
            told = self._reader.some("v1/cabinet/{}/customAttributes", cabinet)
            self._definitions[cabinet] = {int(one["id"]): one for one in told}
        return self._definitions[cabinet]

    def _is_key(self, attribute: int, above: str, key: str) -> bool:
        place = (str(attribute), above, key)
        if place not in self._keys:
            parts = [str(attribute), *(_encoded(one) for one in (above, key) if one)]
            path = "v1/attributes/{}" + "/{}" * len(parts)
            try:
                self._reader.one(path, self._identity.repository, *parts)
                self._keys[place] = True
            except Gone:
                self._keys[place] = False
        return self._keys[place]


def _parent(definition: Data | None) -> int:
    text = str((definition or {}).get("parent") or "")
    return int(text) if text.isdigit() else 0


def _type(definition: Data) -> str:
    return str(definition.get("type") or "").lower()


def _encoded(key: str) -> str:
    return _TWICE.sub(lambda found: quote(found[0], safe=""), key)


# -- what is compared ------------------------------------------------------------------------------


def rights(acl: Sequence[Data]) -> frozenset[tuple[str, tuple[bool, ...]]]:
    """Who may what, without regard to order and spelling."""
    found = []
    for one in acl:
        told = {("noAccess" if name == "no_access" else name): value for name, value in one.items()}
        found.append((str(told.get("principal")), tuple(bool(told.get(name)) for name in RIGHTS)))
    return frozenset(found)


def attributes(held: Data) -> dict[int, str]:
    return profile_of(held.get("customAttributes") or ())


def standard(held: Data, name: str) -> str:
    return str((held.get("standardAttributes") or {}).get(name) or "")
