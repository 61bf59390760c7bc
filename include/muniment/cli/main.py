"""The command `muniment`: its commands in their groups, and what becomes of an error.

`main` may be called by a test or a script; `run` is the program.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from muniment.cli import commands, forms, quick
from muniment.cli.exits import Exit, exit_of
from muniment.cli.screen import Declined, Screen
from muniment.cli.session import Given, Session
from muniment.clock import Clock, SystemClock
from muniment.errors import MunimentError, UnexpectedError

if TYPE_CHECKING:
    from muniment.cli.typed import UsageError

DEBUG = "MUNIMENT_DEBUG"

_FLAGS = ("--json", "--quiet", "-q")
_VALUED = (
    "--firm", "--destination", "--store", "--vault-id", "--root-key", "--matter-keys", "--role",
    "--identity", "-i", "--passphrase-file",
)  # fmt: skip


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


def root(
    ctx: forms.Context,
    firm: Annotated[
        Path | None,
        forms.Option(
            "--firm",
            envvar="MUNIMENT_FIRM",
            metavar="FOLDER",
            help="The firm's folder, with firm.yaml and inventory.csv. The current folder counts "
            "when it has a firm.yaml.",
        ),
    ] = None,
    destination: Annotated[
        str, forms.Option(metavar="NAME", help="Which destination of firm.yaml; else the first.")
    ] = "",
    store: Annotated[
        str,
        forms.Option(
            metavar="URL",
            help="The store: file:///folder or s3://bucket/prefix?endpoint=...&region=...",
        ),
    ] = "",
    vault_id: Annotated[
        str, forms.Option(metavar="HEX", help="The vault id, from the key card.")
    ] = "",
    root_key: Annotated[
        str, forms.Option(metavar="HEX", help="The root key's public half, from the key card.")
    ] = "",
    matter_keys: Annotated[
        str, forms.Option(metavar="URL", help="The store of the matters' own keys.")
    ] = "",
    role: Annotated[
        str, forms.Option(metavar="ROLE", help="Whose keys to use: worker, operations, retention.")
    ] = "",
    identity: Annotated[
        list[Path] | None,
        forms.Option(
            "--identity",
            "-i",
            metavar="FILE",
            help="An age identity file, perhaps under a passphrase. May be repeated.",
        ),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        forms.Option(metavar="FILE", help="Passphrase of --identity or --root (mode 0600)."),
    ] = None,
    as_json: Annotated[
        bool, forms.Option("--json", help="One JSON document on standard output.")
    ] = False,
    quiet: Annotated[
        bool, forms.Option("--quiet", "-q", help="Errors only; the exit code says the rest.")
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


def main(argv: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Runs one command and returns its exit code; raises nothing. `clock` is for tests."""
    args = list(sys.argv[1:] if argv is None else argv)
    screen = Screen(as_json="--json" in args, quiet=False)
    try:
        try:
            code = _run(_hoisted(args), clock)
        except forms.Finished as finished:
            code = finished.code
        sys.stdout.flush()
        return code
    except MunimentError as error:
        if os.environ.get(DEBUG):
            _traceback()
        code = exit_of(error)
        screen.failure(error, code, _command_in(args))
        return int(code)
    except Declined as declined:
        screen.refusal("DECLINED", declined.why, Exit.DECLINED, _command_in(args))
        return int(Exit.DECLINED)
    except EOFError:
        screen.refusal("DECLINED", "Nothing was changed.", Exit.DECLINED, _command_in(args))
        return int(Exit.DECLINED)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    except forms.BadParameter as error:
        return _usage(str(error), screen, _command_in(args))
    except (commands.ReadEnough, BrokenPipeError):
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


def _run(words: Sequence[str], clock: Clock | None) -> int:
    try:
        if _COMPLETE in os.environ:
            raise quick.NotPlain
        context = forms.Context(clock)
        options, rest = quick.read(root, words, below=True)
        names = commands.named_by(rest)
        command = commands.find(names[0]) if names else None
        for name in names[1:]:
            assert isinstance(command, forms.Group)
            command = command.commands[name]
        if not isinstance(command, forms.Command):
            raise quick.NotPlain
        values, _ = quick.read(command.function, rest[len(names) :])
    except quick.NotPlain:
        from muniment.cli import typed

        try:
            return typed.run(root, words, clock)
        except typed.UsageError as error:
            screen = Screen(as_json="--json" in words, quiet=False)
            return _usage(error, screen, _command_in(words))
    root(context, **options)
    command.function(context, **values)
    return int(Exit.GOOD)


_COMPLETE = "_MUNIMENT_COMPLETE"
"""Set by a shell that asks for completion."""


def run() -> None:
    """The program."""
    # Pydantic otherwise reads the metadata of every installed package in search of plug-ins, which no
    # model of ours has: 0.05 CPU seconds of each command.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _keep_memory()
    gc.set_threshold(*_COLLECTED)
    code = main()
    # What ends with the process anyway need not be searched for cycles once more, and taken apart one by one.
    gc.freeze()
    sys.exit(code)


_COLLECTED = (50_000, 20, 100)
"""Objects that come before the garbage collector looks for cycles, of which hardly one is ever made; and how often it
looks at older ones. With Python's 700 it goes through every class and row again and again: 0.03 CPU seconds of a short command."""

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


def _usage(error: UsageError | str, screen: Screen, command: str) -> int:
    from muniment.cli import typed

    if screen.as_json:
        text = f"Invalid value: {error}" if isinstance(error, str) else error.text
        screen.refusal("USAGE", text, Exit.USAGE, command)
    else:
        typed.show(error)
    return int(Exit.USAGE)


def _command_in(args: Sequence[str]) -> str:
    """The words that name the command, for JSON documents of commands that failed."""
    names: list[str] = []
    skip = False
    for arg in _hoisted([arg for arg in args if arg]):
        if skip:
            skip = False
        elif arg in _VALUED:
            skip = True
        elif not arg.startswith("-"):
            names.append(arg)
    return " ".join(commands.named_by(names))


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
