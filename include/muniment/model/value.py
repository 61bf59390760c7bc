"""Value and Mutable: what nouns that every command needs are made of.

A class of msgspec: making it takes a fiftieth of what `@dataclass` takes, which writes its methods as text and compiles
them, and making one of its values a fifth (docs/decisions/0017). `replace`, `asdict` and `fields` of `dataclasses` work on it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class _Fields:
    """What `dataclasses` looks for in a class, made when somebody asks."""

    def __init__(self) -> None:
        self._made: dict[type[Struct], Any] = {}

    def __get__(self, value: Any, kind: type[Struct]) -> Any:
        if kind not in self._made:
            from dataclasses import make_dataclass

            like: Any = make_dataclass(kind.__name__, kind.__struct_fields__)
            self._made[kind] = like.__dataclass_fields__
        return self._made[kind]


class _Apart:
    """Pydantic takes whatever has fields for a dataclass, and would look for the names of their types. To it one of ours
    is what it is."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)


class Value(_Apart, Struct, frozen=True):
    """Does not change; equal to another of its class with equal fields. Say `frozen=True` again in each class made of it,
    for mypy, and `dict=True` where something is cached in it."""

    __dataclass_fields__ = _Fields()


class Mutable(_Apart, Struct):
    """The same for what is filled in as work goes on."""

    __dataclass_fields__ = _Fields()


class Hidden(Value, frozen=True):
    """The same for what must not be shown: its text says what it is and nothing of what is in it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []
