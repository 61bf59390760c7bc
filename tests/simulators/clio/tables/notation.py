"""Reads the two notations of the tables.

Of an object: `Note: ROW type subject matter>Matter` (explained at the head of the tables themselves). Of a
resource:

    activities Activity LSCUD limit=200 default=date no-since unpaged
        order: id date
        filters: matter_id type*
        create: date* note
        update: same

The path, the kind of object, the operations (List, Show, Create, Update, Delete), then what departs from the
common: the largest page, the order when none is asked for, no created_since and updated_since, no pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

COMMON = {
    "ROW": ("id:i", "etag", "created_at:t", "updated_at:t"),
    "KEY": ("id:i", "etag"),
}
FIELD = re.compile(r"(?P<name>[A-Za-z0-9_]+)(?:(?P<mark>>>|\*\*|>|\*|~|:)(?P<kind>\w+))?$")


@dataclass(frozen=True)
class Field:
    """`kind` is of: s text, i whole, n number, b yes or no, d date, t time, l list, o object - or, where
    `nested`, the name of a schema."""

    name: str
    kind: str = "s"
    nested: bool = False
    many: bool = False
    deep: bool = False  # it may itself be asked for its nested objects, by name (platform.yaml: fields.depth)
    everywhere: bool = False  # it is also among the fields of the object where that is nested


@dataclass(frozen=True)
class Schema:
    name: str
    fields: dict[str, Field]

    @property
    def default_fields(self) -> tuple[str, ...]:
        """platform.yaml: fields.default - id and etag on most endpoints."""
        return tuple(name for name in ("id", "etag") if name in self.fields)

    def shallow(self, name: str) -> bool:
        """Whether the field is there where the object is nested in another (resources.yaml: legend.X_base)."""
        known = self.fields.get(name)
        return known is not None and (not known.nested or known.everywhere)


@dataclass(frozen=True)
class Resource:
    """`required_filters`, `required` (on create) and `create` hold names; `orders` the columns of `order`."""

    name: str
    schema: str
    operations: str
    limit: int = 200
    paged: bool = True
    since: bool = True
    default_order: str = "id"
    orders: tuple[str, ...] = ()
    filters: frozenset[str] = frozenset()
    required_filters: frozenset[str] = frozenset()
    create: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    update: frozenset[str] = frozenset()


def schemas(text: str) -> dict[str, Schema]:
    """The objects of a table, by name."""
    found: dict[str, Schema] = {}
    for line in _joined(text):
        name, _, words = line.partition(":")
        fields: dict[str, Field] = {}
        for word in words.split():
            for one in COMMON.get(word, (word,)):
                known = _field(one)
                fields[known.name] = known
        found[name] = Schema(name, fields)
    return found


def _field(word: str) -> Field:
    match = FIELD.match(word)
    assert match is not None, word
    name, mark, kind = match["name"], match["mark"], match["kind"]
    if mark is None or mark == ":":
        return Field(name, kind or "s")
    return Field(
        name, kind, nested=True, many="*" in mark, deep=len(mark) == 2, everywhere=mark == "~"
    )


def _joined(text: str) -> Iterator[str]:
    """Lines, each with the indented ones that follow it."""
    line = ""
    for raw in text.splitlines():
        if raw.startswith(" "):
            line += " " + raw.strip()
        else:
            if line:
                yield line
            line = raw.strip()
    if line:
        yield line


def resources(text: str) -> dict[str, Resource]:
    """The resources of a table, by path."""
    found: dict[str, Resource] = {}
    for line in _joined(text):
        head, *sections = re.split(r" (?=(?:order|filters|create|update): )", line)
        name, schema, operations, *flags = head.split()
        words = {key: rest.split() for key, _, rest in (part.partition(": ") for part in sections)}
        options = dict(flag.split("=") for flag in flags if "=" in flag)
        create = words.get("create", [])
        update = words.get("update", [])
        found[name] = Resource(
            name=name,
            schema=schema,
            operations=operations,
            limit=int(options.get("limit", 200)),
            paged="unpaged" not in flags,
            since="no-since" not in flags,
            default_order=options.get("default", "id"),
            orders=tuple(words.get("order", [])),
            filters=_plain(words.get("filters", [])),
            required_filters=_starred(words.get("filters", [])),
            create=_plain(create),
            required=_starred(create),
            update=_plain(create if update == ["same"] else update),
        )
    return found


def _plain(words: list[str]) -> frozenset[str]:
    return frozenset(word.rstrip("*") for word in words)


def _starred(words: list[str]) -> frozenset[str]:
    return frozenset(word.rstrip("*") for word in words if word.endswith("*"))
