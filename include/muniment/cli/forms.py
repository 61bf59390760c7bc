"""Forms: what a command is asked - its arguments and options - declared as data.

A command is a function whose parameters are annotated with these. A call that is plainly understood is read by
`muniment.cli.quick`; help, mistakes and all else are `muniment.cli.typed`'s, which makes typer's commands out of the
same declarations. To import typer and build one command of it costs more than many a command's work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Function = Callable[..., None]
F = TypeVar("F", bound=Function)


class Context:
    """What a command's function is given first: `obj` is the Session."""

    __slots__ = ("obj",)

    def __init__(self, obj: Any = None) -> None:
        self.obj = obj


class BadParameter(Exception):
    """What was typed cannot be meant so. The text is for the person who typed it."""


class Finished(Exception):
    """The command is over, with an exit code that is not 0."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class Option:
    """An option. Without `names` it is called as its parameter: `as_of` is `--as-of`.

    `metavar` is what its value is called in help; `min` and `max` bound a number; `envvar` is the variable of the
    environment that gives it where it was not typed. A flag with two names, `--a/--no-a`, may be left open.
    """

    __slots__ = ("envvar", "help", "max", "metavar", "min", "names")

    def __init__(
        self,
        *names: str,
        help: str,
        metavar: str | None = None,
        min: int | None = None,
        max: int | None = None,
        envvar: str | None = None,
    ) -> None:
        self.names = names
        self.help = help
        self.metavar = metavar
        self.min = min
        self.max = max
        self.envvar = envvar


class Argument:
    """What stands without a name; the rest as of an option."""

    __slots__ = ("help", "max", "metavar", "min")

    def __init__(
        self,
        *,
        help: str,
        metavar: str | None = None,
        min: int | None = None,
        max: int | None = None,
    ) -> None:
        self.help = help
        self.metavar = metavar
        self.min = min
        self.max = max


class Command(NamedTuple):
    """A function, and under which heading of `muniment --help` it stands."""

    function: Function
    panel: str | None = None


class Group:
    """Commands by name, or groups of them."""

    def __init__(self, *, help: str = "") -> None:
        self.help = help
        self.panel: str | None = None
        self.commands: dict[str, Command | Group] = {}

    def command(self, name: str, *, panel: str | None = None) -> Callable[[F], F]:
        """Takes the decorated function in under this name."""

        def take(function: F) -> F:
            self.commands[name] = Command(function, panel)
            return function

        return take

    def add_group(self, group: Group, name: str, *, panel: str) -> None:
        group.panel = panel
        self.commands[name] = group
