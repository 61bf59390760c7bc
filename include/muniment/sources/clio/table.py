"""Table: what there is to read at Clio, and how each collection has to be asked. The data is `table.toml`.

Nouns
- Resource: one collection of rows, such as `matters`, named by its path below `/api/v4/`.
- View: filters of one listing. Some collections need several views to show everything: bank accounts
  that are closed, custom fields that are out of use, the two sorts of notes.
- Nested resource: rows that are listed for each row of a parent (`documents/versions`).

Invariant: every collection that the vendor lets one read is here, or in `left_out` with the reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources as files
from types import MappingProxyType
from typing import Any

PAGE = 200
"""Rows of the largest page of most collections."""

View = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """One collection; the fields are explained at the head of `table.toml`."""

    name: str
    path: str
    tier: str
    fields: tuple[str, ...]
    views: tuple[View, ...]
    limit: int = PAGE
    by_id: bool = False
    since: bool = False
    ids: bool = False
    show: bool = False
    single: bool = False
    deletable: bool = False
    matter: str = ""
    trash: str = ""
    parent: str = ""
    parent_filter: str = ""
    content: str = ""
    computed: tuple[str, ...] = ()

    def path_in(self, parent: int | str | None) -> str:
        """The path of the listing, for a row of the parent where the resource has one."""
        return self.path.replace("{parent}", str(parent))

    def matters_of(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """The vendor's ids of the matters that a row belongs to; empty for what is the firm's own."""
        name, many, _ = self.matter.partition("[]")
        if not name:
            return ()
        if name == "id":
            return (str(row["id"]),)
        value = row.get(name.removesuffix(".id"))
        found = (value or []) if many else [value]
        return tuple(str(one["id"]) for one in found if one and one.get("id") is not None)

    def in_trash(self, row: Mapping[str, Any]) -> bool:
        """Whether the firm has thrown the row away, or put it out of use, and it can still be read."""
        return bool(self.trash and row.get(self.trash))


@dataclass(frozen=True, slots=True)
class Table(Mapping[str, Resource]):
    """Resources by name, those of a parent after the parent. `left_out`: name -> why."""

    resources: Mapping[str, Resource]
    left_out: Mapping[str, str]

    def __getitem__(self, name: str) -> Resource:
        return self.resources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.resources)

    def __len__(self) -> int:
        return len(self.resources)

    def children_of(self, name: str) -> tuple[Resource, ...]:
        return tuple(one for one in self.resources.values() if one.parent == name)


@cache
def table() -> Table:
    """The table as it ships."""
    text = (files.files("muniment.sources.clio") / "table.toml").read_text(encoding="utf-8")
    held = tomllib.loads(text)
    left_out = held.pop("left_out")
    found = {name: _resource(name, dict(given)) for name, given in held.items()}
    ordered = sorted(found.values(), key=lambda one: bool(one.parent))
    return Table(
        MappingProxyType({one.name: one for one in ordered}), MappingProxyType(dict(left_out))
    )


def _resource(name: str, given: dict[str, Any]) -> Resource:
    views = tuple(MappingProxyType(dict(view)) for view in given.pop("views", [{}]))
    return Resource(
        name,
        given.pop("path", name),
        fields=tuple(given.pop("fields").split()),
        computed=tuple(given.pop("computed", "").split()),
        views=views,
        **given,
    )
