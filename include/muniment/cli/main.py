"""The command `muniment`: its commands in their groups, and what becomes of an error.

`main` may be called by a test or a script; `run` is the program.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from muniment.cli.commands import Commands
from muniment.cli.exits import Exit, exit_of
from muniment.cli.screen import Declined, Screen
from muniment.cli.session import Given, Session
from muniment.clock import Clock, SystemClock
from muniment.errors import MunimentError, UnexpectedError

DEBUG = "MUNIMENT_DEBUG"

_FLAGS = ("--json", "--quiet", "-q")
_VALUED = (
    "--firm", "--destination", "--store", "--vault-id", "--root-key", "--matter-keys", "--role",
    "--identity", "-i", "--passphrase-file",
)  # fmt: skip


class _Muniment(TyperGroup):
    """Its commands are built when they are asked for; the global options may stand after the command
    too, where people type them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = cast(Any, Commands())

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _hoisted(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Typer would make exit code 1 of it.
            raise _ReadEnough from None


class _ReadEnough(Exception):
    """Who reads us has read enough (`muniment ls | head`): no error of anybody."""


def _hoisted(args: Sequence[str]) -> list[str]:
    """Global options first, all else in its order; nothing after `--` is touched."""
    front: list[str] = []
    rest: list[str] = []
    given = iter(args)
    for arg in given:
        if arg == "--":
            rest += [arg, *given]
        elif arg in _FLAGS or arg.startswith(tuple(f"{option}=" for option in _VALUED)):
            front.append(arg)
        elif arg in _VALUED:
            front += [arg, *[value for value in [next(given, None)] if value is not None]]
        else:
            rest.append(arg)
    return front + rest


app = typer.Typer(
    name="muniment",
    cls=_Muniment,
    help="Backup and recovery that a law firm can prove. Works on files and keys alone: Airflow "
    "need not be there.",
    epilog="Exit codes: docs/EXIT_CODES.md. Errors and findings: `muniment explain CODE`. From "
    "nothing but the key card: `muniment --store URL --vault-id HEX --root-key HEX --identity "
    "ESCROW-FILE restore --matter NUMBER --to FOLDER`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root(
    ctx: typer.Context,
    firm: Annotated[
        Path | None,
        typer.Option(
            "--firm",
            envvar="MUNIMENT_FIRM",
            metavar="FOLDER",
            help="The firm's folder, with firm.yaml and inventory.csv. The current folder counts "
            "when it has a firm.yaml.",
        ),
    ] = None,
    destination: Annotated[
        str, typer.Option(metavar="NAME", help="Which destination of firm.yaml; else the first.")
    ] = "",
    store: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The store: file:///folder or s3://bucket/prefix?endpoint=...&region=...",
        ),
    ] = "",
    vault_id: Annotated[
        str, typer.Option(metavar="HEX", help="The vault id, from the key card.")
    ] = "",
    root_key: Annotated[
        str, typer.Option(metavar="HEX", help="The root key's public half, from the key card.")
    ] = "",
    matter_keys: Annotated[
        str, typer.Option(metavar="URL", help="The store of the matters' own keys.")
    ] = "",
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="Whose keys to use: worker, operations, retention.")
    ] = "",
    identity: Annotated[
        list[Path] | None,
        typer.Option(
            "--identity",
            "-i",
            metavar="FILE",
            help="An age identity file, perhaps under a passphrase. May be repeated.",
        ),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Passphrase of --identity or --root (mode 0600)."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Errors only; the exit code says the rest.")
    ] = False,
) -> None:
    here = Path.cwd()
    if firm is None and not store and (here / "firm.yaml").is_file():
        firm = here
    given = Given(
        firm=firm,
        destination=destination,
        store=store,
        vault_id=vault_id,
        root_key=root_key,
        matter_keys=matter_keys,
        role=role,
        identities=tuple(identity or ()),
        passphrase_file=passphrase_file,
    )
    clock: Clock = ctx.obj or SystemClock()
    ctx.obj = Session(Screen(as_json=as_json, quiet=quiet), given, clock)


_CLICK_ERROR: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
"""Typer brings its own copy of click; its root of usage errors has no public name."""


def main(argv: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Runs one command and returns its exit code; raises nothing. `clock` is for tests."""
    args = list(sys.argv[1:] if argv is None else argv)
    screen = Screen(as_json="--json" in args, quiet=False)
    try:
        code = app(args, standalone_mode=False, prog_name="muniment", obj=clock)
        sys.stdout.flush()
        return int(code or 0)
    except MunimentError as error:
        if os.environ.get(DEBUG):
            _traceback()
        code = exit_of(error)
        screen.failure(error, code, _command_in(args))
        return int(code)
    except Declined as declined:
        screen.refusal("DECLINED", declined.why, Exit.DECLINED, _command_in(args))
        return int(Exit.DECLINED)
    except (typer.Abort, EOFError):
        screen.refusal("DECLINED", "Nothing was changed.", Exit.DECLINED, _command_in(args))
        return int(Exit.DECLINED)
    except _CLICK_ERROR as error:
        return _usage(error, screen, _command_in(args))
    except (_ReadEnough, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.GOOD)
    except Exception as error:
        if os.environ.get(DEBUG):
            _traceback()
        # Its text is not shown: an error nobody foresaw may carry a client's name.
        defect = UnexpectedError(
            f"a defect in Muniment: {type(error).__name__}",
            to=_place(error),
            todo=f"Report it with this place. {DEBUG}=1 shows more; that text may hold names of files.",
        )
        screen.failure(defect, Exit.UNEXPECTED, _command_in(args))
        return int(Exit.UNEXPECTED)


def run() -> None:
    """The program."""
    # Pydantic otherwise reads the metadata of every installed package in search of plug-ins, which no
    # model of ours has: 0.05 CPU seconds of each command.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _keep_memory()
    sys.exit(main())


_GLIBC = {
    "M_TRIM_THRESHOLD": (-1, 16 << 20),
    "M_MMAP_THRESHOLD": (-3, 16 << 20),
    "M_ARENA_MAX": (-8, 1),
}
"""Numbers of mallopt(3), and what they are set to: bytes, bytes, arenas."""


def _keep_memory() -> None:
    """Frames of 4 MiB come and go by the thousand. glibc gives each back to the system and has it cleared
    page by page for the next one: a fifth of the CPU of `verify all`. Elsewhere this does nothing."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        for parameter, value in _GLIBC.values():
            ctypes.CDLL(None).mallopt(parameter, value)


def _usage(error: Any, screen: Screen, command: str) -> int:
    if screen.as_json:
        screen.refusal("USAGE", error.format_message(), Exit.USAGE, command)
    else:
        from typer.rich_utils import rich_format_error

        rich_format_error(error)
    return int(Exit.USAGE)


def _command_in(args: Sequence[str]) -> str:
    """The words that name the command, for JSON documents of commands that failed."""
    rest = [arg for arg in _hoisted(args) if arg]
    names = []
    known: Any = typer.main.get_command(app)
    skip = False
    for arg in rest:
        if skip:
            skip = False
        elif arg in _VALUED:
            skip = True
        elif not arg.startswith("-"):
            known = getattr(known, "commands", {}).get(arg)
            if known is None:
                break
            names.append(arg)
    return " ".join(names)


def _traceback() -> None:
    import traceback

    traceback.print_exc()


def _place(error: BaseException) -> str:
    """Module and line of the innermost frame that is ours."""
    place = "an unknown place"
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if str(module).startswith("muniment."):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


if __name__ == "__main__":
    run()
