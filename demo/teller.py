"""Teller: says in a terminal what is going on while it goes on.

Text is never read as markup, so a bracket in a title stays one. Without a terminal or without Unicode
it is the same in plain lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from .story import time_text


@dataclass(frozen=True, slots=True)
class Marks:
    done: str
    failed: str
    going: str


UNICODE, ASCII = Marks("✓", "✗", "…"), Marks("ok", "FAILED", "...")


def marks_of(console: Console) -> Marks:
    return ASCII if console.options.ascii_only else UNICODE


class Step:
    """Something that is going on. `at` may be called as often as one likes."""

    def __init__(self, bar: Progress | None, task: TaskID | None) -> None:
        self._bar, self._task = bar, task
        self._note = ""

    def at(self, done: int, total: int, what: str = "") -> None:
        """How far it is, and in what."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, what=what)

    def note(self, text: str) -> None:
        """What to say beside the step when it is done, for example `3,002 files, 506 MB`."""
        self._note = text

    @property
    def noted(self) -> str:
        return self._note


class Teller:
    """Says each step: a moving bar on a terminal, a line before and after where there is none."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._marks = marks_of(self.console)

    def heading(self, text: str) -> None:
        """Opens a chapter."""
        self.console.print()
        self.console.print(Text(text, style="bold"))

    def quote(self, lines: Iterable[str]) -> None:
        """Shows a text of somebody else, a mail for example."""
        for line in lines:
            self.console.print(Padding(Text(line, style="italic"), (0, 0, 0, 6), expand=False))

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Runs the body as one step; a failing body is marked as failed, and its error goes on."""
        began = monotonic()
        with self._progress(title) as step:
            try:
                yield step
            except BaseException:
                self._end(self._marks.failed, "red", title, began, step.noted)
                raise
        self._end(self._marks.done, "green", title, began, step.noted)

    @contextmanager
    def _progress(self, title: str) -> Iterator[Step]:
        if not self.console.is_terminal:
            self.console.print(Text(f"  {self._marks.going} {title}"))
            yield Step(None, None)
            return
        bar = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[what]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        with bar:
            yield Step(bar, bar.add_task(title, total=None, what=""))

    def _end(self, mark: str, style: str, title: str, began: float, note: str) -> None:
        line = Text.assemble("  ", (mark, style), f" {title}")
        if note:
            line.append(f": {note}")
        line.append(f"  {time_text(monotonic() - began)}", style="dim")
        self.console.print(line)
