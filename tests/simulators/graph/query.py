"""Query options, as strictly as Graph takes them: what a route does not know is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulators.graph.errors import bad_request, not_simulated
from tests.simulators.graph.letters import property_name
from tests.simulators.graph.properties import DEFAULTS, PROPERTIES

COMPARISON = re.compile(
    r"""(?P<name>[\w/]+)\s+(?P<op>eq|ne|ge|gt|le|lt)\s+(?P<value>'(?:[^']|'')*'|[^\s()']+)$"""
)
STARTS = re.compile(r"startswith\((?P<name>[\w/]+),\s*'(?P<value>(?:[^']|'')*)'\)$", re.IGNORECASE)
EXTENDED = re.compile(
    r"singleValueExtendedProperties/any\((\w+):\s*\1/id eq '((?:[^']|'')+)' and \1/value eq '((?:[^']|'')*)'\)$",
    re.IGNORECASE,
)
Test = Callable[[Mapping[str, Any]], bool]


def preferences(text: str) -> dict[str, str]:
    """The words of one Prefer header, with lower-case names."""
    found = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.lower()] = value.strip().strip('"')
    return found


def number(text: str | None, name: str, least: int, most: int | None, default: int) -> int:
    """An option that is a number. `most` None refuses none."""
    if text is None:
        return default
    if not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
        raise bad_request(
            f"Invalid value '{text}' for {name}. Must be between {least} and {most or 'any'} inclusive."
        )
    return int(text)


def selected(text: str | None, type_: str) -> frozenset[str] | None:
    """The names of $select; None for all that is shown by default."""
    if text is None:
        return None
    asked = [name.strip() for name in text.split(",") if name.strip()]
    for name in asked:
        if name.split("/")[0] not in PROPERTIES[type_]:
            raise bad_request(
                f"Could not find a property named '{name}' on type 'microsoft.graph.{type_}'.",
                "RequestBroker--ParseUri",
            )
    return frozenset(name.split("/")[0] for name in asked)


def shown(row: dict[str, Any], names: frozenset[str] | None, type_: str) -> dict[str, Any]:
    """What of a row is shown: what was selected, its id and its annotations; without $select the defaults."""
    kept = DEFAULTS.get(type_, PROPERTIES[type_]) if names is None else names | {"id"}
    kept = kept | frozenset(row.get("@expand", ()))
    return {
        name: value
        for name, value in row.items()
        if name in kept or ("@" in name and name != "@expand")
    }


def condition(text: str | None) -> Test:
    """$filter, as far as a backup or a restore uses it: comparisons joined by `and`."""
    if not text:
        return lambda row: True
    extended = EXTENDED.match(text.strip())
    if extended:
        wanted = {"id": extended[2].replace("''", "'"), "value": extended[3].replace("''", "'")}
        return lambda row: any(
            property_name(one["id"]) == property_name(wanted["id"])
            and one["value"] == wanted["value"]
            for one in row.get("singleValueExtendedProperties", ())
        )
    tests = [_test(part.strip()) for part in re.split(r"\sand\s", text)]
    return lambda row: all(test(row) for test in tests)


def ordered(rows: list[Any], render: Callable[[Any], Mapping[str, Any]], text: str) -> list[Any]:
    """By $orderby: properties with `asc` or `desc`; what has none comes first."""
    for part in reversed(text.split(",")):
        name, _, way = part.strip().partition(" ")
        if way.strip().lower() not in ("", "asc", "desc"):
            raise bad_request(f"The order {part!r} is not understood.")
        rows = sorted(
            rows, key=lambda one: str(_at(render(one), name) or ""), reverse=way.strip().lower() == "desc"
        )  # fmt: skip
    return rows


def _test(text: str) -> Test:
    found = STARTS.match(text)
    if found:
        name, start = found["name"], found["value"].replace("''", "'").lower()
        return lambda row: str(_at(row, name) or "").lower().startswith(start)
    found = COMPARISON.match(text)
    if found is None:
        raise not_simulated(f"the filter {text!r}")
    name, op, value = found["name"], found["op"], _value(found["value"])

    def test(row: Mapping[str, Any]) -> bool:
        held = _at(row, name)
        if op in ("eq", "ne"):
            same = str(held).lower() == str(value).lower() if isinstance(held, str) and isinstance(value, str) else held == value  # fmt: skip
            return same == (op == "eq")
        if held is None or value is None:
            return False
        order = (str(held) > str(value)) - (str(held) < str(value))
        return {"ge": order >= 0, "gt": order > 0, "le": order <= 0, "lt": order < 0}[op]

    return test


def _value(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False, "null": None}.get(
        text, int(text) if text.lstrip("-").isdigit() else text
    )


def _at(row: Mapping[str, Any], name: str) -> Any:
    held: Any = row
    for step in name.split("/"):
        held = held.get(step) if isinstance(held, Mapping) else None
    return held
