"""firm.yaml as plain data, with the line of every key.

A smaller YAML than YAML 1.1: `no` is a word and not false, `0113`, `22:30` and dates are texts, a key that stands twice is a mistake (the library would silently take the second), and
there are no anchors, aliases, merges or tags. What a person reads is what is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from muniment.config.issues import FIRM_YAML, ConfigIssue
from muniment.errors import ConfigError
from muniment.model.value import Value

MAX_BYTES = 1 << 20
"""A firm.yaml of 200 sources is 40 KB; more than this is not one."""
MAX_DEPTH = 20

Place = tuple[str | int, ...]
"""Keys and list positions from the top, as pydantic's `loc`."""

_SECRET = re.compile(
    rb"AGE-SECRET-KEY-1|AGE-SECRET-KEY-PQ-|MUNIMENT-ID-KEY-|PRIVATE KEY-----", re.I
)


class Document(Value, frozen=True):
    """`data` as plain Python; `lines` says on which line each key or list entry begins."""

    data: Mapping[str, Any]
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest thing around it that stands in the document."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 0


class YamlMistake(ValueError):
    """The text is no usable YAML. `issue` says where and why."""

    def __init__(self, issue: ConfigIssue) -> None:
        self.issue = issue
        super().__init__(issue.text)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader with the resolvers below instead of YAML 1.1's."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _shape, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+", "-+0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_shape})\Z"), list(_first)
    )


def find_secret(content: bytes) -> int:
    """The line on which a secret key stands, 0 without one."""
    found = _SECRET.search(content)
    return content.count(b"\n", 0, found.start()) + 1 if found else 0


def parse(content: bytes) -> Document:
    """Reads one document. Raises YamlMistake."""
    if len(content) > MAX_BYTES:
        raise _mistake(0, "is larger than 1 MiB", "A firm.yaml is a few hundred lines.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _mistake(line, "is not UTF-8", "Save it as UTF-8.") from None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Place, int] = {(): 1}
        if node is not None:
            _walk(node, (), lines, set())
        data = loader.construct_document(node) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _mistake(
            mark.line + 1 if mark else 0,
            "is not valid YAML here (or just above)",
            "Look for a missing colon or quote, a tab, or wrong indentation; put a text that"
            ' contains : # { [ or begins with * & @ ! into "quotes".',
        ) from None
    except yaml.YAMLError:
        raise _mistake(
            0, "has a character that YAML does not allow", "Look for invisible characters."
        ) from None
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise _mistake(1, "is not a list of `key: value` lines", "Begin with `firm: <id>`.")
    return Document(data, lines)


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int], seen: set[int]) -> None:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise _mistake(line, "uses a YAML alias (*name)", "Write the values out.")
    seen.add(id(node))
    if len(place) > MAX_DEPTH:
        raise _mistake(line, "is nested too deeply", "See docs/CONFIGURATION.md for the keys.")
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith((":binary", ":set")):
        raise _mistake(line, "uses a YAML tag (!name)", "Write plain values.")
    if isinstance(node, yaml.SequenceNode):
        for position, child in enumerate(node.value):
            inner = (*place, position)
            lines[inner] = child.start_mark.line + 1
            _walk(child, inner, lines, seen)
    elif isinstance(node, yaml.MappingNode):
        _walk_mapping(node, place, lines, seen)


def _walk_mapping(
    node: yaml.MappingNode, place: Place, lines: dict[Place, int], seen: set[int]
) -> None:
    for key, child in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
            raise _mistake(line, "has a key that is not a plain word", "Write `key: value`.")
        # An id that looks like a number or a date is still an id.
        key.tag = "tag:yaml.org,2002:str"
        inner = (*place, key.value)
        if inner in lines:
            raise _mistake(
                line,
                f"has the same key twice in one block (first on line {lines[inner]})",
                "Keep one of them.",
            )
        lines[inner] = line
        _walk(child, inner, lines, seen)


def _mistake(line: int, what: str, right: str) -> YamlMistake:
    return YamlMistake(ConfigIssue(FIRM_YAML, "", what, right, line))


def refuse_secret(document: str, content: bytes) -> None:
    """Raises ConfigError when a secret key stands in a document that everybody may read."""
    line = find_secret(content)
    if line:
        raise ConfigError(
            "a secret key stands in a configuration document",
            to=f"{document}, line {line}",
            safe="It was not used and is not repeated here.",
            todo="Take it out, count it as known to others and replace it (`muniment keys`);"
            " name the key's file here instead.",
        )
