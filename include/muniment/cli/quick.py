"""Quick: reads a call that is plainly understood.

Plain is an option by its whole name, once, with a value that does not begin with a dash and is what its declaration
asks for; and exactly as many arguments as there are. All else - help, a mistake, an unusual way to write the same - is
`NotPlain` here and typer's to judge (`muniment.cli.typed`), so nobody is told anything by two readers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from muniment.cli.forms import Argument, Context, Function, Option

_NUMBER = re.compile(r"-?[0-9]{1,15}")


class NotPlain(Exception):
    """The call is for typer."""


class Parameter(NamedTuple):
    """One parameter of a command's function: `kind` is a type of values, `many` says that there may be several."""

    name: str
    form: Option | Argument
    kind: type
    many: bool
    default: Any
    required: bool

    @property
    def is_flag(self) -> bool:
        return self.kind is bool

    def names(self) -> tuple[list[str], list[str]]:
        """The names that an option is typed by, and those that say no."""
        given = self.form.names if isinstance(self.form, Option) else ()
        if not given:
            return [f"--{self.name.replace('_', '-')}"], []
        yes = [each.partition("/")[0] for each in given]
        return yes, [no for each in given if (no := each.partition("/")[2])]


def parameters(function: Function) -> list[Parameter]:
    """Those of a command's function, without its context, in their order."""
    hints = get_type_hints(function, include_extras=True)
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    defaults = function.__defaults__ or ()
    plain = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    found = []
    for name in names:
        hint = hints[name]
        if hint is Context:
            continue
        bare, form = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
        if not isinstance(form, Option | Argument):
            raise TypeError(f"the parameter {name} of {function!r} says no form")
        kind, many = _kind(bare)
        found.append(Parameter(name, form, kind, many, plain.get(name), name not in plain))
    return found


def _kind(bare: Any) -> tuple[type, bool]:
    if get_origin(bare) in (Union, UnionType):
        bare = next(arg for arg in get_args(bare) if arg is not type(None))
    return (get_args(bare)[0], True) if get_origin(bare) is list else (bare, False)


def read(
    function: Function, words: Sequence[str], *, below: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """What the parameters of a command are given by these words; and what is left of the words.

    With `below` the first word without a name begins what is left: it names a command. Otherwise nothing is left.
    Raises NotPlain.
    """
    known = parameters(function)
    options = _by_name([p for p in known if isinstance(p.form, Option)])
    typed: dict[str, list[Any]] = {}
    loose: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith("-"):
            if below:
                return _values(known, typed, []), [word, *words[at:]]
            loose.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in options:
            raise NotPlain
        parameter, yes = options[name]
        if parameter.is_flag:
            if equals:
                raise NotPlain
            given: Any = yes
        else:
            if not equals:
                if at == len(words):
                    raise NotPlain
                value = words[at]
                at += 1
            if value.startswith("-"):
                raise NotPlain
            given = _value(parameter, value)
        if parameter.name in typed and not parameter.many:
            raise NotPlain
        typed.setdefault(parameter.name, []).append(given)
    if below:
        raise NotPlain
    return _values(known, typed, loose), []


def _by_name(options: Sequence[Parameter]) -> Mapping[str, tuple[Parameter, bool]]:
    found = {}
    for parameter in options:
        yes, no = parameter.names()
        found.update(dict.fromkeys(yes, (parameter, True)))
        found.update(dict.fromkeys(no, (parameter, False)))
    return found


def _values(
    known: Sequence[Parameter], typed: Mapping[str, list[Any]], loose: list[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for parameter in known:
        if isinstance(parameter.form, Argument):
            given, loose = (loose, []) if parameter.many else (loose[:1], loose[1:])
            found = [_value(parameter, word) for word in given]
        else:
            found = typed.get(parameter.name, [])
            if not found and parameter.form.envvar and os.environ.get(parameter.form.envvar):
                found = [_value(parameter, os.environ[parameter.form.envvar])]
        if found:
            values[parameter.name] = found if parameter.many else found[0]
        elif parameter.required:
            raise NotPlain
        else:
            values[parameter.name] = parameter.default
    if loose:
        raise NotPlain
    return values


def _value(parameter: Parameter, text: str) -> Any:
    kind, form = parameter.kind, parameter.form
    if kind is str:
        return text
    if kind is Path:
        # Typer refuses what stands there and cannot be read.
        if not text or (os.path.lexists(text) and not os.access(text, os.R_OK)):
            raise NotPlain
        return Path(text)
    if kind is int:
        if not _NUMBER.fullmatch(text):
            raise NotPlain
        number = int(text)
        if form.min is not None and number < form.min:
            raise NotPlain
        if form.max is not None and number > form.max:
            raise NotPlain
        return number
    if issubclass(kind, Enum):
        try:
            return kind(text)
        except ValueError:
            raise NotPlain from None
    raise NotPlain
