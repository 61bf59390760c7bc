"""Plain: reads what is right at first sight into models, and judges nothing.

Each type that a model's fields have gives a reader: a function that takes a value as the document has it and gives the one
that the model holds. It takes less than pydantic would: whatever is not at once seen to be right is NotPlain, or the
ValueError of one of our own validators, and then pydantic is asked (`muniment.config.schema`). A test holds that
what is taken here is taken there, and gives the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from muniment.config.schema import FieldInfo, Model

Reader = Callable[[Any], Any]


class NotPlain(Exception):
    """Wrong, or merely unusual."""


def reader_of_model(model: type[Model]) -> Reader:
    """Reads a block of `key: value` lines."""
    fields = model.model_typed()
    readers = {name: _reader_of_field(model, name, info) for name, info in fields.items()}
    names = {name: name for name in fields} | {i.alias: n for n, i in fields.items() if i.alias}
    required = {name for name, info in fields.items() if info.required}

    def read(given: Any) -> Any:
        if type(given) is not dict:
            if isinstance(given, model):
                return given
            raise NotPlain
        values: dict[str, Any] = {}
        for key, value in given.items():
            name = names.get(key)
            if name is None or name in values:
                raise NotPlain
            values[name] = readers[name](value)
        there = list(values)
        if not required <= values.keys():
            raise NotPlain
        for name, info in fields.items():
            if name not in values:
                values[name] = info.get_default()
        return model.model_made(values, there)

    return read


def _reader_of_field(model: type[Model], name: str, info: FieldInfo) -> Reader:
    read = _limited(_reader(info.annotation, info), info)
    before, after = model.model_checks(name, "before"), model.model_checks(name, "after")
    if not before and not after:
        return read

    def with_checks(value: Any) -> Any:
        for check in reversed(before):
            value = check(value)
        value = read(value)
        for check in after:
            value = check(value)
        return value

    return with_checks


def reader(kind: Any) -> Reader:
    """The reader of a type, as it stands in an annotation. Raises TypeError for one that is not known here."""
    from muniment.config.schema import FieldInfo

    return _reader(kind, FieldInfo())


def _reader(kind: Any, info: FieldInfo) -> Reader:
    origin = get_origin(kind)
    if origin is Annotated:
        return _annotated(kind, info)
    if origin in (Union, UnionType):
        return _union(kind, info)
    if origin is Literal:
        return _one_of(get_args(kind))
    if origin is tuple:
        return _tuple(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(kind)
    if hasattr(kind, "model_plain"):
        found: Reader = kind.model_plain
        return found
    if kind is float:
        return _lax_number if not info.strict else _number
    if kind in (str, int, bool, timedelta, date, Path) or _is_value(kind):
        return _exactly(kind)
    raise TypeError(f"{kind!r} is no type that a configuration has")


def _is_value(kind: Any) -> bool:
    """Ours, and made by one of our own validators: an enumeration, a schedule."""
    return isinstance(kind, type) and (
        issubclass(kind, Enum) or kind.__module__.startswith("muniment.")
    )


def _annotated(kind: Any, info: FieldInfo) -> Reader:
    from muniment.config.schema import AfterValidator, BeforeValidator, FieldInfo

    bare, *said = get_args(kind)
    for each in said:
        if isinstance(each, FieldInfo) and each.discriminator:
            return _tagged(bare, each.discriminator)
    read = _reader(bare, info)
    for each in said:
        if isinstance(each, BeforeValidator):
            read = _after(each.function, read)
        elif isinstance(each, AfterValidator):
            read = _after(read, each.function)
        elif isinstance(each, FieldInfo):
            read = _limited(read, each)
        else:
            raise TypeError(f"{each!r} is nothing that a configuration's type says")
    return read


def _after(first: Reader, second: Reader) -> Reader:
    return lambda value: second(first(value))


def _exactly(kind: type) -> Reader:
    if kind in (str, int, bool, date):

        def same(value: Any) -> Any:
            if type(value) is not kind:
                raise NotPlain
            return value

        return same

    def instance(value: Any) -> Any:
        if not isinstance(value, kind):
            raise NotPlain
        return value

    return instance


def _number(value: Any) -> float:
    if type(value) is not float or not math.isfinite(value):
        raise NotPlain
    return value


def _lax_number(value: Any) -> float:
    if type(value) is int and -(1 << 53) < value < 1 << 53:
        return float(value)
    return _number(value)


def _union(kind: Any, info: FieldInfo) -> Reader:
    rest = [arg for arg in get_args(kind) if arg is not type(None)]
    if len(rest) != 1 or len(rest) == len(get_args(kind)):
        raise TypeError(f"{kind!r} is more than one type, and nothing says which is meant")
    read = _reader(rest[0], info)
    return lambda value: None if value is None else read(value)


def _tagged(kind: Any, discriminator: str) -> Reader:
    readers: dict[str, Reader] = {}
    keys: set[str] = set()
    for model in get_args(kind):
        info = model.model_typed()[discriminator]
        keys |= {discriminator, info.alias or discriminator}
        readers |= dict.fromkeys(get_args(info.annotation), model.model_plain)

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise NotPlain
        tags = [value[key] for key in keys if key in value]
        if len(tags) != 1 or type(tags[0]) is not str or tags[0] not in readers:
            raise NotPlain
        return readers[tags[0]](value)

    return read


def _one_of(words: tuple[Any, ...]) -> Reader:
    known = frozenset(words)

    def read(value: Any) -> Any:
        if type(value) is not str or value not in known:
            raise NotPlain
        return value

    return read


def _tuple(kind: Any) -> Reader:
    each, dots = get_args(kind)
    if dots is not Ellipsis:
        raise TypeError(f"{kind!r} is no list of one type")
    read = reader(each)

    def whole(value: Any) -> Any:
        if type(value) is not tuple:
            raise NotPlain
        return tuple([read(one) for one in value])

    return whole


def _mapping(kind: Any) -> Reader:
    name, each = map(reader, get_args(kind))

    def whole(value: Any) -> Any:
        if type(value) is not dict:
            raise NotPlain
        return {name(key): each(one) for key, one in value.items()}

    return whole


def _limited(read: Reader, info: FieldInfo) -> Reader:
    """The same within the field's limits. A value that is None has none."""
    tests: list[Callable[[Any], bool]] = []
    if info.ge is not None:
        tests.append(lambda value: value >= info.ge)
    if info.gt is not None:
        tests.append(lambda value: value > info.gt)
    if info.le is not None:
        tests.append(lambda value: value <= info.le)
    if info.min_length is not None:
        tests.append(lambda value: len(value) >= (info.min_length or 0))
    if info.max_length is not None:
        most = info.max_length
        tests.append(lambda value: len(value) <= most)
    if info.pattern is not None:
        found = re.compile(info.pattern).search
        tests.append(lambda value: found(value) is not None)
    if not tests:
        return read

    def limited(value: Any) -> Any:
        value = read(value)
        if value is not None and not all(test(value) for test in tests):
            raise NotPlain
        return value

    return limited
