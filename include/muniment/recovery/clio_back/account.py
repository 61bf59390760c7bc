"""Account: what stands in the vendor's account now, asked for once and only as far as it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from muniment.recovery.clio_back.old import Data, id_of
from muniment.sources.clio.client import Client
from muniment.sources.clio.listing import Row
from muniment.sources.clio.naming import VERSIONS
from muniment.sources.clio.standing import Identity, identify
from muniment.sources.clio.table import Resource

_OF_MATTER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "activities": (),
    "calendar_entries": (("owner_entries_across_all_users", "true"),),
    "communications": (),
    "documents": (("include_deleted", "true"), ("show_uncompleted", "true")),
    "folders": (("include_deleted", "true"),),
    "notes": (("type", "Matter"),),
    "relationships": (),
    "tasks": (),
}
"""Collections that take `matter_id`, and what shows all of them."""


class Account:
    """Reads through the client of whoever consented to write."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists: dict[str, dict[str, Data]] = {}
        self._standing: dict[str, dict[str, Data]] = {}

    @cached_property
    def who(self) -> Identity:
        return identify(self._client.reader)

    def resource(self, collection: str) -> Resource:
        return self._client.table[collection]

    def listed(self, collection: str, *, anew: bool = False) -> dict[str, Data]:
        """All rows of a small collection by id, without those out of use."""
        if anew or collection not in self._lists:
            resource = self.resource(collection)
            rows = self._client.reader.rows(resource)
            self._lists[collection] = {r.id: r.data for r in rows if not resource.in_trash(r.data)}
        return self._lists[collection]

    def some(self, collection: str, ids: Iterable[str]) -> dict[str, Data]:
        """The rows of these ids that are there."""
        wanted = [id_ for id_ in ids if id_]
        if not wanted:
            return {}
        return _by_id(self._client.reader.some(self.resource(collection), wanted))

    def matching(self, collection: str, **filters: str) -> dict[str, Data]:
        resource = self.resource(collection)
        return _by_id(self._client.reader.matching(resource, [*filters.items()]))

    def newest(self, collection: str) -> dict[str, Data]:
        return _by_id(self._client.reader.newest(self.resource(collection)))

    def of_matter(self, collection: str, matter: str, *, anew: bool = False) -> dict[str, Data]:
        """The matter's rows of a collection, those in the trash too."""
        if anew or collection not in self._standing:
            self._standing[collection] = self._of_matter(collection, matter)
        return self._standing[collection]

    def _of_matter(self, collection: str, matter: str) -> dict[str, Data]:
        resource = self.resource(collection)
        if collection not in _OF_MATTER:
            rows = _by_id(self._client.reader.rows(resource))
            return {k: row for k, row in rows.items() if id_of(row.get("matter")) == matter}
        filters = [("matter_id", matter), *_OF_MATTER[collection]]
        return _by_id(self._client.reader.matching(resource, filters))

    def versions(self, document: str) -> list[Data]:
        """All versions of a document in their order, those under way too, with where their bytes go."""
        resource = self.resource(VERSIONS)
        wanted = replace(resource, fields=(*resource.fields, "put_url", "put_headers"))
        rows = self._client.reader.matching(wanted, [], parent=document)
        return sorted((r.data for r in rows), key=lambda v: (v.get("version_number") or 0, v["id"]))

    def download(self, document: str, version: str, size: int) -> Iterable[bytes]:
        return self._client.downloads.version(document, version, size)


def _by_id(rows: Iterable[Row]) -> dict[str, Data]:
    return {row.id: row.data for row in rows}
