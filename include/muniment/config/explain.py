"""Explains what pydantic found, in the words of `ConfigIssue`.

Pydantic's own texts are for programmers and may repeat what was typed; these name the key, say what
is wrong and give an example from the model's own description.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from muniment.config.issues import (
    FIRM_YAML,
    ConfigIssue,
    listed_words,
    suggestion,
    words_of_value_error,
)
from muniment.config.schema import FieldInfo, Model
from muniment.config.values import duration_text, size_text
from muniment.config.yaml_text import Document, Place

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_TYPES = {
    "string_type": "is not a text",
    "bool_type": "is neither true nor false",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
    "dict_type": "is not a block of `key: value` lines",
    "mapping_type": "is not a block of `key: value` lines",
    "model_type": "is not a block of `key: value` lines",
    "model_attributes_type": "is not a block of `key: value` lines",
    "tuple_type": "is not a list",
    "date_type": "is not a date",
    "is_instance_of": "is not a path",
    "time_delta_type": "is not a length of time",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "has not the form that is asked for",
    "union_tag_not_found": "has no `class`",
    "union_tag_invalid": "has a `class` that is not known",
}


_WORD = re.compile(r"[a-z][a-z0-9_-]{0,47}")


def issue_of(error: ErrorDetails, root: type[Model], document: Document) -> ConfigIssue:
    """One error of one key of firm.yaml as a ConfigIssue."""
    place = _standing(error["loc"], root)
    field, owner = _find(root, place)
    what, right = _words(error, field, owner, place, document)
    shown = _shown(place, owner if error["type"] == "extra_forbidden" else None)
    line = document.line(tuple(place))
    return ConfigIssue(FIRM_YAML, shown, what, right, line)


def _words(
    error: ErrorDetails,
    field: FieldInfo | None,
    owner: type[Model] | None,
    place: Place,
    document: Document,
) -> tuple[str, str]:
    kind, ctx = error["type"], error.get("ctx", {})
    example = _example(field)
    if kind == "value_error":
        return words_of_value_error(str(error["msg"]))
    if kind == "missing":
        return "is missing", f"{field.description if field else ''} {example}".strip()
    if kind == "extra_forbidden":
        known = _names(owner)
        hint = suggestion(str(place[-1]), known)
        return "has a key that is not known here", f"{hint}Known: {listed_words(known)}."
    if kind in ("literal_error", "enum"):
        return "is not one of the words that are known", f"Write {ctx['expected']}."
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _TYPES[kind], "Write class: recovery_points, or class: records."
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        side = "small" if kind.startswith("greater") else "large"
        return f"is too {side}", f"{_limits(field)} {example}".strip()
    if kind in ("too_short", "string_too_short"):
        return "is empty", f"{field.description if field else ''} {example}".strip()
    if kind in ("too_long", "string_too_long"):
        return "is too long", _limits(field) or "Shorten it."
    right = f"{_plain(kind)} {example}".strip()
    return _TYPES.get(kind, "has a value of the wrong kind"), right


def _plain(kind: str) -> str:
    if kind == "bool_type":
        return "Write true or false."
    if kind in ("int_type", "int_parsing"):
        return "Write digits only, without quotes."
    if kind == "string_type":
        return 'Write one text, in "quotes" if it has special characters.'
    return ""


def _example(field: FieldInfo | None) -> str:
    if field is None or not field.examples:
        return ""
    value = field.examples[0]
    text = str(value).replace("'", '"') if isinstance(value, list) else str(value)
    return f"Example: `{text}`."


def _limits(field: FieldInfo | None) -> str:
    limits = []
    for name, word in (("ge", "at least"), ("gt", "more than"), ("le", "at most")):
        if field and getattr(field, name) is not None:
            limits.append(f"{word} {_amount(getattr(field, name))}")
    if field and field.max_length is not None:
        limits.append(f"at most {field.max_length} characters or entries")
    return f"It may be {', '.join(limits)}." if limits else ""


def _amount(value: Any) -> str:
    if hasattr(value, "total_seconds"):
        return duration_text(value)
    return size_text(value) if isinstance(value, int) and value >= 1 << 20 else str(value)


def _shown(place: Place, owner: type[Model] | None) -> str:
    # A key that is not known is something typed: its block and line are named, not itself.
    kept = place[:-1] if owner is not None else place
    if kept and kept[-1] == "[key]":
        kept = kept[:-2]
    text = ""
    for part in kept:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            word = part if _WORD.fullmatch(part) else "?"
            text += f".{word}" if text else word
    return text


def _names(model: type[Model] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_typed().items()]


def _standing(loc: tuple[str | int, ...], root: type[Model]) -> Place:
    """`loc` without the tags that pydantic adds for the members of a union."""
    place: list[str | int] = []
    kind: Any = root
    for part in loc:
        members = _models(kind)
        if len(members) > 1 and place:
            tagged = [m for m in members if part in _tags(m)]
            if tagged:
                kind = tagged[0]
                continue
        place.append(part)
        kind = _step(kind, part)
    return tuple(place)


def _find(root: type[Model], place: Place) -> tuple[FieldInfo | None, type[Model] | None]:
    """The field that a place means, and the model in whose block it stands."""
    kind: Any = root
    field: FieldInfo | None = None
    owner: type[Model] | None = None
    for part in place:
        models = _models(kind)
        if models and not is_list(kind) and not is_by_name(kind):
            owner = models[0]
            found = [m for m in models if _field(m, part) is not None]
            field = _field(found[0], part) if found else None
            owner = found[0] if found else owner
        kind = _step(kind, part)
    return field, owner


def _field(model: type[Model], part: str | int) -> FieldInfo | None:
    for name, field in model.model_typed().items():
        if part in (name, field.alias):
            return field
    return None


def _tags(model: type[Model]) -> tuple[str, ...]:
    field = model.model_typed().get("retention_class")
    return get_args(field.annotation) if field else ()


def _step(kind: Any, part: str | int) -> Any:
    """The type below `part` of a value of type `kind`; None where there is none."""
    kind = _bare(kind)
    if is_by_name(kind):
        return get_args(kind)[1]
    if is_list(kind):
        return get_args(kind)[0]
    for model in _models(kind):
        field = _field(model, part)
        if field is not None:
            return field.annotation
    return None


def _bare(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        rest = [arg for arg in get_args(kind) if arg is not type(None)]
        if len(rest) == 1:
            return _bare(rest[0])
    return kind


def is_list(kind: Any) -> bool:
    """Is it a type of lists?"""
    return get_origin(_bare(kind)) is tuple


def is_by_name(kind: Any) -> bool:
    """Is it a type of blocks by name?"""
    origin = get_origin(_bare(kind))
    return isinstance(origin, type) and issubclass(origin, Mapping)


def models_in(kind: Any) -> list[type[Model]]:
    """The models that a field's type is made of, also below lists and names."""
    inside = _step(kind, 0) if is_list(kind) or is_by_name(kind) else kind
    return _models(inside)


def _models(kind: Any) -> list[type[Model]]:
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, Model):
        return [kind]
    if get_origin(kind) in (Union, types.UnionType):
        return [model for arg in get_args(kind) for model in _models(arg)]
    return []
