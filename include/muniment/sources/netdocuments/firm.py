"""Firm: rows of the repository itself - people, groups, cabinets, and the lookup tables in which clients and matters live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from muniment.errors import SourceSuspect
from muniment.model.item import NO_MATTER, Named, Observed
from muniment.sources.base import Known
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.items import Cabinet, matter, row_of
from muniment.sources.netdocuments.reading import Gone, Json, Reader, Torn

READINGS = 6
_OF_CABINET = {
    "info": "v1/cabinet/{}/info", "settings": "v1/cabinet/{}/settings",
    "customAttributes": "v1/cabinet/{}/customAttributes", "membership": "v1/cabinet/{}/membership",
    "groups": "v2/cabinet/{}/groups", "securityTemplates": "v1/Cabinet/{}/securityTemplates",
    "profileTemplates": "v1/Cabinet/{}/profileTemplates",
}  # fmt: skip
_OBJECTS = ("info", "settings")


class Firm:
    """The repository behind the cabinets that are backed up."""

    def __init__(self, reader: Reader, repository: str, cabinets: Sequence[Cabinet]) -> None:
        self._reader = reader
        self._repository = repository
        self._cabinets = cabinets

    def rows(self, known: Known) -> Iterator[Observed]:
        """Raises SourceSuspect where a list that had rows has none; SourceError."""
        yield self._row(naming.REPOSITORY, self._reader.one("v1/Repository/{}/info", self._repository))  # fmt: skip
        users = self._reader.some("v1/Repository/{}/users", self._repository)
        if not users:
            raise _emptied("the list of users", self._reader)
        yield from (self._row(naming.USERS, one) for one in users)
        yield from (self._row(naming.GROUPS, one) for one in self.groups(known))
        definitions: dict[int, Json] = {}
        for cabinet in self._cabinets:
            held = self.cabinet(cabinet)
            yield self._row(naming.CABINETS, held)
            lookups = (one for one in held["customAttributes"] if _is_lookup(one))
            definitions |= {int(one["id"]): one for one in lookups}
        for number in sorted(definitions):
            yield from self.lookups(number, known, child=bool(definitions[number].get("parent")))

    @staticmethod
    def _row(kind: str, data: Json) -> Observed:
        return row_of(kind, naming.native_id(kind, str(data["id"])), data)

    # -- people ------------------------------------------------------------------------------------
    def groups(self, known: Known) -> Iterator[Json]:
        told = self._group_list()
        if not told and known.below(naming.GROUPS.encode()):
            self._reader.require_mapped()
            told = self._group_list()
            if not told:
                raise _emptied("the list of groups", self._reader)
        for one in told:
            try:
                yield self.group(str(one["id"] if isinstance(one, dict) else one))
            except Gone:
                continue

    def group(self, id_: str) -> Json:
        info = self._reader.one("v1/Group/{}/info", id_, query=[("cabMembership", "true")])
        return {**info, "members": self._reader.many("v1/Group/{}/members", id_)}

    def _group_list(self) -> list[Any]:
        query = [("paging", "true"), ("returnInfo", "all"), ("$top", "5000")]
        token, found = "", dict[str, Any]()
        while True:
            more = [("$skiptoken", token)] if token else []
            held = self._reader.raw("v1/Repository/{}/groups", self._repository, query=[*query, *more])  # fmt: skip
            rows = held if isinstance(held, list) else held.get("list", [])
            found |= {str(one["id"] if isinstance(one, dict) else one): one for one in rows}
            following = "" if isinstance(held, list) else str(held.get("next") or "")
            if not following or following == token:
                return list(found.values())
            token = following

    # -- cabinets ----------------------------------------------------------------------------------
    def cabinet(self, cabinet: Cabinet) -> dict[str, Any]:
        held: dict[str, Any] = {"id": cabinet.id, "cabinet": cabinet.told}
        for name, path in _OF_CABINET.items():
            asked = self._reader.one if name in _OBJECTS else self._reader.many
            if name in ("customAttributes", "membership"):
                # A cabinet without attributes or members is none that anybody can work in.
                asked = self._reader.some
            held[name] = asked(path, cabinet.id)
        return held

    # -- lookup tables -----------------------------------------------------------------------------
    def lookups(self, attribute: int, known: Known, *, child: bool) -> Iterator[Observed]:
        """A table tells no count: it is read until two readings have the same rows, or one has those that are known."""
        last: dict[bytes, Observed] | None = None
        below = known.below(naming.native_id(naming.LOOKUPS, str(attribute)))
        for _ in range(READINGS):
            found: dict[bytes, Observed] = {}
            try:
                for page in self._reader.lookups(self._repository, attribute, child=child):
                    found |= {one.native_id: one for one in (self.lookup(attribute, row) for row in page)}  # fmt: skip
            except Torn:
                continue
            except Gone:
                # An attribute that has no table after all.
                return
            same = last is not None and last.keys() == found.keys()
            if same or (below and self._as_known(found, known, below)):
                if below and not found:
                    raise _emptied(f"the lookup table of attribute {attribute}", self._reader)
                yield from found.values()
                return
            if not found:
                self._reader.require_mapped()
            last = found
        raise self._reader.transport.unavailable("a lookup table never reads the same twice")

    @staticmethod
    def _as_known(found: dict[bytes, Observed], known: Known, below: int) -> bool:
        return len(found) == below and all(known.find(naming.LOOKUPS, native) is not None for native in found)  # fmt: skip

    def is_child(self, attribute: int) -> bool:
        """Has the table of an attribute another one above it?"""
        told = (
            self._reader.some(_OF_CABINET["customAttributes"], one.id) for one in self._cabinets
        )
        return any(
            one.get("parent")
            for rows in told
            for one in rows
            if str(one.get("id")) == str(attribute)
        )

    def lookup(self, attribute: int, row: Json) -> Observed:
        data = {"attribute": attribute, **row}
        parent, key = str(row.get("parent") or ""), str(row.get("key") or "")
        native = naming.native_id(naming.LOOKUPS, str(attribute), naming.lookup_key(parent, key))
        return row_of(naming.LOOKUPS, native, data, self._named(attribute, parent, key, row))

    def _named(self, attribute: int, parent: str, key: str, row: Json) -> Named:
        """A matter's own entry belongs to it."""
        for cabinet in self._cabinets:
            if cabinet.own == attribute:
                return matter(parent if cabinet.org else "", key, str(row.get("description") or ""))
        return NO_MATTER


def _is_lookup(definition: Json) -> bool:
    """The keys of definitions were not seen by anybody: one that has no type is tried."""
    return str(definition.get("type", "lookup")).lower() == "lookup"


def _emptied(what: str, reader: Reader) -> SourceSuspect:
    return SourceSuspect(
        f"{what} had rows, and shows none any more",
        to=f"source {reader.transport.source_id}",
        todo="See in NetDocuments whether the service account still administers repository and cabinets. Nothing is"
        " recorded as deleted before it shows them again.",
    )
