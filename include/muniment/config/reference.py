"""Writes docs/CONFIGURATION.md from the models: `python -m muniment.config.reference [FILE]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from muniment.config.explain import is_by_name, is_list, models_in
from muniment.config.firm import Firm
from muniment.config.inventory import COLUMNS, InventoryRow
from muniment.config.inventory_reader import ALWAYS, BY_MUNIMENT
from muniment.config.schema import FieldInfo, Model
from muniment.config.values import duration_text, size_text

PAGE = Path("docs/CONFIGURATION.md")


def reference() -> str:
    """The page."""
    template = resources.files("muniment.config") / "templates" / "CONFIGURATION.md"
    text = template.read_text(encoding="utf-8")
    firm = "\n".join("\n".join(section) for section in _sections(Firm, ""))
    return text.replace("@firm@", firm).replace("@inventory@", "\n".join(_columns()))


def _sections(model: type[Model], path: str) -> Iterator[list[str]]:
    """One table per block, the outer before the inner."""
    lines = [f"### {path}", ""] if path else []
    doc = " ".join((model.__doc__ or "").split())
    lines += [doc, ""] if path else []
    lines += ["| key | must be given | default | what it says |", "|---|---|---|---|"]
    inner: list[tuple[type[Model], str]] = []
    for name, field in model.model_typed().items():
        key = field.alias or name
        lines.append(_line(key, field))
        for below in models_in(field.annotation):
            inner.append((below, _path(path, key, field, below)))
    yield [*lines, ""]
    for below, below_path in inner:
        yield from _sections(below, below_path)


def _path(path: str, key: str, field: FieldInfo, below: type[Model]) -> str:
    name = f"{path}.{key}" if path else key
    if is_by_name(field.annotation):
        name += ".&lt;name&gt;" if key != "sources" else ".&lt;source_id&gt;"
    elif is_list(field.annotation):
        name += "[ ]"
    kind = below.model_typed().get("retention_class")
    return f"{name} of class {get_args(kind.annotation)[0]}" if kind else name


def _line(key: str, field: FieldInfo) -> str:
    must = "yes" if field.required else ""
    description = (field.description or "").strip()
    words = _words(field.annotation)
    if len(words) > 1:
        description += " One of: " + ", ".join(f"`{word}`" for word in words) + "."
    if field.examples and field.examples[0] not in ("", *words):
        description += f" Example: `{_value(field.examples[0])}`."
    return f"| `{key}` | {must} | {_default(field)} | {_cell(description)} |"


def _words(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((words for arg in get_args(kind) if (words := _words(arg))), ())


def _default(field: FieldInfo) -> str:
    if field.required:
        return ""
    value = field.get_default()
    if value is None or value in ("", (), {}) or isinstance(value, Model | Mapping):
        return ""
    return f"`{_value(value)}`"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, int) and value >= 1 << 20:
        return size_text(value)
    return str(value).replace("'", '"') if isinstance(value, list) else str(value)


def _columns() -> Iterator[str]:
    fields: Mapping[str, FieldInfo] = {
        field.alias or name: field for name, field in InventoryRow.model_typed().items()
    }
    yield "| column | must be filled | what it says |"
    yield "|---|---|---|"
    for column in COLUMNS:
        field = fields[column]
        must = "always" if column in ALWAYS else "muniment" if column in BY_MUNIMENT else ""
        examples = [f"`{example}`" for example in field.examples or () if example]
        text = f"{field.description} {'Example: ' if examples else ''}{', '.join(examples)}"
        yield f"| `{column}` | {must} | {_cell(text.strip())} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    target.write_text(reference(), encoding="utf-8")
