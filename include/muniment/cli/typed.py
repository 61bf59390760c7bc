"""Typed: the commands as typer has them, made of their forms. Help, mistakes and documentation are typer's.

Imported only where a call is not plainly understood (`muniment.cli.quick`), and by what writes documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup

from muniment.cli import commands, forms

_CLICK_ERROR: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
"""Typer brings its own copy of click; its root of usage errors has no public name."""

_HELP = {"help_option_names": ["-h", "--help"]}


class UsageError(Exception):
    """A call that cannot be understood. `error` is typer's; `text` is what it says."""

    def __init__(self, error: Any) -> None:
        self.error = error
        self.text: str = error.format_message()
        super().__init__(self.text)


def run(root: forms.Function, words: Sequence[str], obj: Any) -> int:
    """Runs `muniment WORDS`; returns its exit code. `obj` is what the context of `root` holds at first.

    Raises UsageError, EOFError where there was nobody to answer, and what a command raises.
    """
    try:
        code = app(root)(list(words), standalone_mode=False, prog_name="muniment", obj=obj)
    except typer.Abort:
        raise EOFError from None
    except _CLICK_ERROR as error:
        raise UsageError(error) from None
    return int(code or 0)


def show(error: UsageError | str) -> None:
    """Prints a usage error, as typer does."""
    from typer.rich_utils import rich_format_error

    rich_format_error(typer.BadParameter(error) if isinstance(error, str) else error.error)


def app(root: forms.Function) -> typer.Typer:
    """The whole program. `root` takes the global options."""
    made = typer.Typer(
        name="muniment",
        cls=_Muniment,
        help="Backup and recovery that a law firm can prove. Works on files and keys alone: Airflow "
        "need not be there.",
        epilog="Exit codes: docs/EXIT_CODES.md. Errors and findings: `muniment explain CODE`. From "
        "nothing but the key card: `muniment --store URL --vault-id HEX --root-key HEX --identity "
        "ESCROW-FILE restore --matter NUMBER --to FOLDER`.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings=_HELP,
    )
    made.callback()(_as_typer(root))
    return made


def program(root: forms.Function) -> Any:
    """The program as click's command, for what reads it."""
    return typer.main.get_command(app(root))


class _Muniment(TyperGroup):
    """Its commands are built when they are asked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = cast(Any, _Commands())

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Typer would make exit code 1 of it.
            raise commands.ReadEnough from None


class _Commands(Mapping[str, Any]):
    """Name -> typer's command, each built when it is first looked at."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            parent = typer.Typer()
            _take(parent, name, commands.find(name))
            self._built[name] = typer.main.get_group(parent).commands[name]
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(commands.names())

    def __len__(self) -> int:
        return len(commands.names())


def _take(parent: typer.Typer, name: str, found: forms.Command | forms.Group) -> None:
    if isinstance(found, forms.Command):
        parent.command(name, rich_help_panel=found.panel)(_as_typer(found.function))
        return
    group = typer.Typer(help=found.help, no_args_is_help=True)
    for below, each in found.commands.items():
        _take(group, below, each)
    parent.add_typer(group, name=name, rich_help_panel=found.panel)


def _as_typer(function: forms.Function) -> Any:
    """The same function with typer's annotations in place of ours."""
    assert isinstance(function, FunctionType)
    made = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    made.__doc__ = function.__doc__
    made.__kwdefaults__ = function.__kwdefaults__
    hints = get_type_hints(function, include_extras=True)
    made.__annotations__ = {name: _hint(hint) for name, hint in hints.items()}
    return made


def _hint(hint: Any) -> Any:
    if hint is forms.Context:
        return typer.Context
    if get_origin(hint) is not Annotated:
        return hint
    bare, form = get_args(hint)
    shown: Any = {n: getattr(form, n) for n in ("metavar", "help", "min", "max")}
    if isinstance(form, forms.Argument):
        return Annotated[bare, typer.Argument(**shown)]
    return Annotated[bare, typer.Option(*form.names, envvar=form.envvar, **shown)]
