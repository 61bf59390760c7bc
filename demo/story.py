"""The story: tells a person in a terminal what the demonstration does, and what came of it.

Nouns: a `Teller` says what is going on while it goes on; a `Story` is all that is known at the end;
`report` makes the closing page from it. Invariants: nothing here measures, guesses or judges: every
figure is handed in. Text is never read as markup, so a bracket in a title stays one. No line is
wider than the terminal; without a terminal or without Unicode it is the same story in plain lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

# -- what is told --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Protected:
    """What the firm has. `formats` is (count, bytes) by name; `unassigned` are in no matter."""

    files: int
    folders: int
    links: int
    matters: int
    unassigned: int
    size: int
    formats: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a backup: seconds from its first task's start to its last one's end."""

    name: str
    seconds: float
    shards: int


@dataclass(frozen=True, slots=True)
class Backup:
    """One run: what it found, what it read of the source and what it put into the store (bytes)."""

    title: str
    seconds: float
    new: int
    changed: int
    removed: int
    unchanged: int
    read: int
    stored: int
    stages: Sequence[Stage] = ()


@dataclass(frozen=True, slots=True)
class Restore:
    """One matter given back. `identical` counts files whose SHA-256 is that of the truth."""

    matter: str
    as_of: str
    seconds: float
    files: int
    size: int
    identical: int
    folder: str


@dataclass(frozen=True, slots=True)
class Check:
    """What was spoiled on purpose, whether the check found it, and its own words."""

    planted: str
    found: bool
    keyless: bool
    seconds: float
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Door:
    """Where to look now. `password` is the word itself or says where it stands."""

    url: str
    user: str
    password: str
    stop: str
    also: Sequence[tuple[str, str]] = ()
    """More to try: what it shows, and the command or address."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the closing page says."""

    firm: str
    seconds: float
    protected: Protected
    backups: Sequence[Backup]
    day: Sequence[tuple[str, int]]
    """What the day of work between the backups did: words and counts."""
    restore: Restore
    check: Check
    door: Door


# -- words for numbers ---------------------------------------------------------------------------


def size_text(count: int) -> str:
    """Bytes in decimal units, three digits: `505 MB`, `1.72 GB`."""
    value, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    if unit == "bytes":
        return f"{count} bytes" if count != 1 else "1 byte"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def time_text(seconds: float) -> str:
    """A duration as one says it: `0.8 s`, `42 s`, `3 min 05 s`, `1 h 02 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count_text(count: int, one: str, many: str = "") -> str:
    """`1 file`, `3,002 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


# -- while it works ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Marks:
    done: str
    failed: str
    going: str


_UNICODE, _ASCII = _Marks("✓", "✗", "…"), _Marks("ok", "FAILED", "...")


def _marks(console: Console) -> _Marks:
    return _ASCII if console.options.ascii_only else _UNICODE


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
        self._marks = _marks(self.console)

    def heading(self, text: str) -> None:
        """Opens a chapter."""
        self.console.print()
        self.console.print(Text(text, style="bold"))

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


# -- the closing page ----------------------------------------------------------------------------


class _Facts:
    """Names and values in two columns, equal in all sections; what is long is folded, never cut."""

    def __init__(self, rows: Iterable[tuple[str, str | Text]]) -> None:
        self._rows = tuple(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 2, 0, 0))
        name_width = min(24, max(8, (options.max_width - 4) // 3))
        table.add_column(width=0)
        table.add_column(style="dim", width=name_width, overflow="fold")
        table.add_column(overflow="fold")
        for name, value in self._rows:
            table.add_row("", Text(name), Text(value) if isinstance(value, str) else value)
        yield table


def _protected(story: Story) -> RenderableType:
    have = story.protected
    rows: list[tuple[str, str | Text]] = [
        ("files", f"{count_text(have.files, 'file')}, {size_text(have.size)}"),
        ("beside them", f"{count_text(have.folders, 'folder')}, {count_text(have.links, 'link')}"),
        (
            "matters",
            f"{count_text(have.matters, 'matter')}; "
            f"{count_text(have.unassigned, 'file')} in no matter, kept all the same",
        ),
    ]
    kinds = ", ".join(f"{count:,} {name}" for name, (count, _) in have.formats.items())
    return _Facts([*rows, ("formats", kinds)] if kinds else rows)


def _runs(backups: Sequence[Backup]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=0)
    table.add_column(style="dim", overflow="fold")
    for _ in backups:
        table.add_column(justify="right", overflow="fold")
    table.add_row("", "", *(Text(run.title, style="bold") for run in backups))
    rows = (
        ("time", [time_text(run.seconds) for run in backups]),
        ("new files", [f"{run.new:,}" for run in backups]),
        ("changed", [f"{run.changed:,}" for run in backups]),
        ("removed", [f"{run.removed:,}" for run in backups]),
        ("unchanged, not read", [f"{run.unchanged:,}" for run in backups]),
        ("bytes read", [size_text(run.read) for run in backups]),
        ("bytes stored", [size_text(run.stored) for run in backups]),
    )
    for name, values in rows:
        table.add_row("", Text(name), *map(Text, values))
    return table


class _Bars:
    """Stages with a bar each, as long as its share of the longest; drawn for the width at hand."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        longest = max((stage.seconds for stage in self._stages), default=0.0) or 1.0
        name_width = min(24, max((len(stage.name) for stage in self._stages), default=0))
        room = options.max_width - name_width - 28
        block = "#" if options.ascii_only else "━"
        for stage in self._stages:
            line = Text(f"  {stage.name:<{name_width}}  {time_text(stage.seconds):>9}  ")
            if room >= 6:
                line.append(block * max(1, round(room * stage.seconds / longest)), style="cyan")
            if stage.shards:
                line.append(f" {count_text(stage.shards, 'shard')}", style="dim")
            yield line


def _stages(backups: Sequence[Backup]) -> Iterator[RenderableType]:
    for backup in backups:
        if backup.stages:
            yield Text(f"\n  {backup.title}", style="bold")
            yield _Bars(backup.stages)


def _day(story: Story) -> RenderableType:
    return _Facts((words, f"{count:,}") for words, count in story.day)


def _restore(story: Story, marks: _Marks) -> RenderableType:
    given = story.restore
    whole = given.files == given.identical
    verdict = Text.assemble(
        (marks.done, "green") if whole else (marks.failed, "red"),
        f" {given.identical:,} of {given.files:,} files have the SHA-256 they had",
    )
    return _Facts(
        (
            ("matter", f"{given.matter}, as of {given.as_of}"),
            ("time", f"{time_text(given.seconds)} for {size_text(given.size)}"),
            ("compared with the truth", verdict),
            ("where it lies", given.folder),
        )
    )


def _check(story: Story, marks: _Marks) -> RenderableType:
    check = story.check
    with_keys = "without any key" if check.keyless else "with keys"
    said = f" found {with_keys}, in {time_text(check.seconds)}" if check.found else " NOT found"
    verdict = Text.assemble(
        (marks.done, "green") if check.found else (marks.failed, "red"),
        said,
    )
    rows: list[tuple[str, str | Text]] = [("planted", check.planted), ("the check", verdict)]
    return _Facts([*rows, *(("it says", line) for line in check.findings)])


def _door(door: Door) -> RenderableType:
    return _Facts(
        (
            ("Airflow", Text(door.url, style="bold")),
            ("log in as", f"{door.user}, password: {door.password}"),
            *door.also,
            ("end it all", door.stop),
        )
    )


def report(story: Story, console: Console | None = None) -> RenderableType:
    """The closing page.

    Args:
        console: the one it will be printed on; tells whether marks may be Unicode.
    """
    marks = _marks(console) if console else _UNICODE
    good = story.check.found and story.restore.files == story.restore.identical
    title = Text.assemble(
        (marks.done, "bold green") if good else (marks.failed, "bold red"),
        (f" {story.firm}", "bold"),
        f"  in {time_text(story.seconds)}",
    )
    if len(story.backups) > 1:
        between = [_section("Between them, a day of work"), _day(story)]
    else:
        between = []
    return Group(
        Text(),
        Panel(title, border_style="green" if good else "red"),
        _section("What is protected"),
        _protected(story),
        _section("Backups"),
        _runs(story.backups),
        *_stages(story.backups),
        *between,
        _section("One matter given back"),
        _restore(story, marks),
        _section("A damaged object"),
        _check(story, marks),
        _section("Look for yourself"),
        _door(story.door),
        Text(),
    )


def _section(title: str) -> RenderableType:
    return Group(Text(), Rule(Text(title, style="bold"), align="left", style="dim"))


def tell(story: Story, console: Console | None = None) -> None:
    """Prints the closing page."""
    console = console or Console(highlight=False)
    console.print(report(story, console))
