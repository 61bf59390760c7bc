"""Screen: where answers go. A person gets words and tables, a program one JSON document.

Text from a vault is never read as markup, so a bracket in a title stays one.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from muniment import __version__
from muniment.cli.forms import Finished
from muniment.cli.words import harmless
from muniment.errors import MunimentError

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 160
"""Where nobody looks (a pipe, a log) lines may be long; 80 columns would cut ids in two."""

Advance = Callable[[int, int], None]
"""(done, of how many)."""


class Declined(Exception):
    """A question was answered with no, or there was nobody to ask."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Screen:
    """Answers on standard output, all else on standard error."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet

    @cached_property
    def out(self) -> Console:
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        return _console(stderr=True)

    # -- answers -----------------------------------------------------------------------------------

    def answer(
        self, command: str, data: Mapping[str, Any], human: Callable[[], None], code: int = 0
    ) -> None:
        """The command's result, once: `data` for a program, what `human` prints for a person.

        Ends the command with the exit code `code` when that is not 0.
        """
        if self.as_json:
            self._document({"command": command, "ok": code == 0, "exit_code": int(code), **data})
        elif not self.quiet:
            human()
        if code:
            raise Finished(int(code))

    def failure(self, error: MunimentError, exit_code: int, command: str = "") -> None:
        """The four answers of an error."""
        if self.as_json:
            self._failed(command, error.as_dict(), exit_code)
            return
        from rich.text import Text

        self.err.print(Text(harmless(f"[{error.code}] {error.what}"), style="bold red"))
        for label, value in (("where", error.to), ("safe", error.safe), ("to do", error.todo)):
            if value:
                self.err.print(Text(harmless(f"  {label + ':':<7}{value}")), soft_wrap=True)

    def refusal(self, kind: str, text: str, exit_code: int, command: str = "") -> None:
        """An end that is no MunimentError: wrong usage, a no, a defect."""
        if self.as_json:
            self._failed(command, {"code": kind, "what": text}, exit_code)
            return
        from rich.text import Text

        self.err.print(Text(harmless(text), style="bold red"), soft_wrap=True)

    def _failed(self, command: str, error: Mapping[str, str], exit_code: int) -> None:
        self._document(
            {"command": command, "ok": False, "exit_code": int(exit_code), "error": error}
        )

    def _document(self, value: Mapping[str, Any]) -> None:
        whole = {"muniment": __version__, **value}
        # Surrogates cannot leave by UTF-8; ASCII escapes keep every string whole.
        sys.stdout.write(json.dumps(whole, ensure_ascii=True, indent=2) + "\n")
        sys.stdout.flush()

    # -- words for a person ------------------------------------------------------------------------

    def say(self, text: str = "", style: str = "") -> None:
        """One line of the answer. Not shown to programs."""
        if not self.as_json and not self.quiet:
            from rich.text import Text

            self.out.print(Text(harmless(text), style=style), soft_wrap=True)

    def note(self, text: str, style: str = "yellow") -> None:
        """A remark beside the answer, on standard error; shown also to programs."""
        if not self.quiet:
            from rich.text import Text

            self.err.print(Text(harmless(text), style=style), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
        """A table. A column whose name begins with `>` is aligned right; empty columns are left out."""
        if self.as_json or self.quiet:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        held = [list(row) for row in rows]
        shown = [n for n, _ in enumerate(columns) if any(row[n] for row in held)] or [0]
        table = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, title=title or None, title_justify="left"
        )
        for n in shown:
            right = columns[n].startswith(">")
            table.add_column(
                columns[n].removeprefix(">"),
                justify="right" if right else "left",
                no_wrap=right,
                overflow="fold",
            )
        for row in held:
            table.add_row(*(Text(harmless(row[n])) for n in shown))
        if _natural_width(columns, held, shown) <= self.out.width:
            self.out.print(table)
        else:
            # Squeezed columns break dates and ids into single letters: one paragraph a row instead.
            self._paragraphs([columns[n].removeprefix(">") for n in shown], held, shown, title)

    def _paragraphs(
        self, names: Sequence[str], rows: Iterable[Sequence[str]], shown: Sequence[int], title: str
    ) -> None:
        from rich.padding import Padding
        from rich.text import Text

        if title:
            self.out.print(Text(harmless(title)))
        for row in rows:
            cells = [(name, row[n]) for name, n in zip(names, shown, strict=True) if row[n]]
            self.out.print()
            self.out.print(Text(harmless(" ".join(cells[0])) if cells else "", style="bold"))
            words = " · ".join(f"{name} {cell}" for name, cell in cells[1:])
            self.out.print(Padding(Text(harmless(words), overflow="fold"), (0, 0, 0, 2)))
        self.out.print()

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Label and value, one a line, values aligned."""
        held = [(label, value) for label, value in pairs if value]
        width = max((len(label) for label, _ in held), default=0)
        for label, value in held:
            self.say(f"{label:<{width}}  {value}")

    # -- while it goes on --------------------------------------------------------------------------

    @contextmanager
    def progress(self, words: str, *, in_bytes: bool = True) -> Iterator[Advance]:
        """A bar on standard error while something takes its time; only where somebody looks."""
        if self.as_json or self.quiet or not self.err.is_terminal:
            yield lambda done, total: None
            return
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        count = DownloadColumn() if in_bytes else MofNCompleteColumn()
        columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
        with Progress(*columns, console=self.err, transient=True) as bars:
            task = bars.add_task(words, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)

    # -- questions ---------------------------------------------------------------------------------

    @property
    def somebody_there(self) -> bool:
        """Is there a person who can be asked?"""
        return not self.as_json and sys.stdin.isatty()

    @property
    def somebody_reads(self) -> bool:
        """Does the answer go to a terminal, and not into a file or log?"""
        return not self.as_json and not self.quiet and sys.stdout.isatty()

    def confirm(self, question: str, agreed: bool) -> None:
        """Goes on with a yes. `agreed` is `--yes`. Raises Declined."""
        if agreed:
            return
        if not self.somebody_there:
            raise Declined(
                f"{question} Nobody could be asked: say --yes to go on. Nothing was changed."
            )
        if self._ask(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise Declined("Nothing was changed.")

    def confirm_by_typing(self, question: str, expected: str, given: str) -> None:
        """For what cannot be undone: goes on when `expected` was typed. Raises Declined."""
        if not given and self.somebody_there:
            given = self._ask(f"{question} Type {expected} to go on: ").strip()
        if given != expected:
            raise Declined(f"{question} {expected} was not typed. Nothing was changed.")

    def ask(self, question: str, default: str) -> str:
        """A text, or `default` when nothing is typed or nobody is there."""
        if not self.somebody_there:
            return default
        return self._ask(f"{question} [{default}]: ").strip() or default

    def secret(self, question: str) -> str:
        """A passphrase, typed unseen; empty when nobody is there."""
        if not sys.stdin.isatty():
            return ""
        from getpass import getpass

        return getpass(question, stream=sys.stderr)

    def _ask(self, question: str) -> str:
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline()


def _natural_width(
    columns: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[int]
) -> int:
    """Columns of a terminal that a table takes when nothing in it is folded."""
    from rich.cells import cell_len

    widest = [max(cell_len(text) for text in (columns[n], *(r[n] for r in rows))) for n in shown]
    return sum(widest) + 3 * (len(widest) - 1) + 2


def _console(stderr: bool) -> Console:
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            """rich would end the program with exit code 1; `main` knows better."""
            raise BrokenPipeError

    stream = sys.stderr if stderr else sys.stdout
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    return Ours(stderr=stderr, highlight=False, markup=False, width=PIPED_WIDTH if piped else None)
