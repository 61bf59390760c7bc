"""The `fields` parameter: `id,etag,client{id,name}`.

platform.yaml: fields - one level of braces; a nested object of the second level may be named bare and gives its
default fields; braces in braces or an unknown name refuse the whole request with 400.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tests.simulators.clio.errors import invalid_fields
from tests.simulators.clio.tables import SCHEMAS

TOKEN = re.compile(r"[A-Za-z0-9_]+|[{},]")


@dataclass(frozen=True)
class Part:
    """One field asked for; `inner` is what is asked of the object in it."""

    name: str
    many: bool = False
    inner: Plan | None = None


@dataclass(frozen=True)
class Plan:
    """What of an object of kind `schema` goes into an answer."""

    schema: str
    parts: tuple[Part, ...]


@lru_cache(maxsize=4096)
def plan(schema: str, text: str | None) -> Plan:
    """What `text` asks of an object of kind `schema`. Raises ApiError (400)."""
    if text is None or not text.strip():
        return default_plan(schema)
    return _named(schema, _parse(text))


@lru_cache(maxsize=1024)
def default_plan(schema: str) -> Plan:
    """platform.yaml: fields.default. An object that has neither id nor etag gives all it has, as the headers of an
    upload do (examples.json: document_create, multipart_create)."""
    known = SCHEMAS[schema]
    names = known.default_fields or tuple(known.fields)
    fields = [known.fields[name] for name in names]
    return Plan(
        schema,
        tuple(
            Part(one.name, one.many, default_plan(one.kind) if one.nested else None)
            for one in fields
        ),
    )


@lru_cache(maxsize=256)
def full_plan(schema: str) -> Plan:
    """Every field, with all that may be asked of the objects in it: for comparing whole states."""
    parts = []
    for known in SCHEMAS[schema].fields.values():
        if not known.nested:
            parts.append(Part(known.name))
            continue
        inside = SCHEMAS[known.kind]
        inner = [
            Part(name, field.many, default_plan(field.kind) if field.nested else None)
            for name, field in inside.fields.items()
            if inside.shallow(name) or known.deep
        ]
        parts.append(Part(known.name, known.many, Plan(known.kind, tuple(inner))))
    return Plan(schema, tuple(parts))


def _named(schema: str, names: list[tuple[str, list[str] | None]]) -> Plan:
    fields = SCHEMAS[schema].fields
    parts = []
    for name, inner in names:
        known = fields.get(name)
        if known is None:
            raise invalid_fields(f"Invalid field '{name}'")
        if not known.nested:
            if inner is not None:
                raise invalid_fields(f"Field '{name}' has no fields of its own")
            parts.append(Part(name))
        elif inner is None:
            parts.append(Part(name, known.many, default_plan(known.kind)))
        else:
            parts.append(Part(name, known.many, _nested(known.kind, inner, known.deep, name)))
    return Plan(schema, tuple(parts))


def _nested(schema: str, names: list[str], deep: bool, parent: str) -> Plan:
    inside = SCHEMAS[schema]
    parts = []
    for name in names:
        known = inside.fields.get(name)
        if known is None or not (deep or inside.shallow(name)):
            raise invalid_fields(f"Invalid field '{name}' in '{parent}'")
        parts.append(Part(name, known.many, default_plan(known.kind) if known.nested else None))
    return Plan(schema, tuple(parts))


def _parse(text: str) -> list[tuple[str, list[str] | None]]:
    compact = "".join(text.split())
    tokens = TOKEN.findall(compact)
    if "".join(tokens) != compact:
        raise invalid_fields("The fields parameter holds a character that is not allowed")
    names: list[tuple[str, list[str] | None]] = []
    inner: list[str] | None = None
    expects_name = True
    for token in tokens:
        if token == "{":
            if inner is not None:
                # examples.json: second_level_braces
                raise invalid_fields("Second-level nested fields are not permitted")
            if expects_name or names[-1][1] is not None:
                raise invalid_fields("A brace without a field before it")
            inner = []
            expects_name = True
        elif token == "}":
            if inner is None or expects_name:
                raise invalid_fields("A closing brace that nothing opened, or empty braces")
            names[-1] = (names[-1][0], inner)
            inner = None
        elif token == ",":
            if expects_name:
                raise invalid_fields("An empty name in the fields parameter")
            expects_name = True
        else:
            if not expects_name:
                raise invalid_fields(f"A comma is missing before '{token}'")
            expects_name = False
            if inner is None:
                names.append((token, None))
            else:
                inner.append(token)
    if inner is not None or expects_name:
        raise invalid_fields("The fields parameter ends too early")
    return names
