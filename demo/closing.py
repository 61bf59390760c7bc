"""The closing page: one screen of what the demonstration did and what came of it.

No line is wider than the terminal; without Unicode it is the same in ASCII. Text is never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from .story import (
    Alarm,
    Backup,
    Clio,
    Door,
    Drill,
    Held,
    Story,
    Trust,
    Verification,
    count_text,
    money_text,
    size_text,
    time_text,
)
from .teller import UNICODE, Marks, marks_of

Rows = list[tuple[str, str | Text]]


def tell(story: Story, console: Console | None = None) -> None:
    """Prints the closing page."""
    console = console or Console(highlight=False)
    console.print(report(story, console))


def report(story: Story, console: Console | None = None) -> RenderableType:
    """The closing page.

    Args:
        console: the one it will be printed on; tells whether marks may be Unicode.
    """
    marks = marks_of(console) if console else UNICODE
    title = Text.assemble(
        (marks.done, "bold green") if story.good else (marks.failed, "bold red"),
        (f" {story.firm}", "bold"),
        f"  in {time_text(story.seconds)}",
    )
    return Group(
        Text(),
        Panel(title, border_style="green" if story.good else "red"),
        _section("What is protected"),
        _protected(story),
        _section("Backups"),
        _runs(story),
        _section("One matter given back"),
        _restore(story, marks),
        _section("The weekly verification"),
        _verification(story.verification, marks),
        _section("The quarterly drill"),
        _drill(story.drill, marks),
        _section("A thief in the store"),
        _check(story, marks),
        _section("A fault that nobody looked for"),
        _alarm(story.alarm, marks),
        _section("Look for yourself"),
        _door(story.door),
    )


class _Facts:
    """Names and values in two columns, equal in all sections; what is long is folded, never cut."""

    def __init__(self, rows: Iterable[tuple[str, str | Text]]) -> None:
        self._rows = tuple(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 2, 0, 0))
        name_width = min(18, max(8, (options.max_width - 4) // 3))
        table.add_column(width=0)
        table.add_column(style="dim", width=name_width, overflow="fold")
        table.add_column(overflow="fold")
        for name, value in self._rows:
            table.add_row("", Text(name), Text(value) if isinstance(value, str) else value)
        yield table


def _section(title: str) -> RenderableType:
    return Rule(Text(title, style="bold"), align="left", style="dim")


def _verdict(marks: Marks, good: bool, text: str) -> Text:
    mark = (marks.done, "green") if good else (marks.failed, "red")
    return Text.assemble(mark, f" {text}")


# -- the sections ----------------------------------------------------------------------------------


def _protected(story: Story) -> RenderableType:
    have = story.protected
    rows: Rows = [
        (
            "files",
            f"{count_text(have.files, 'file')}, {size_text(have.size)}; "
            f"{count_text(have.folders, 'folder')}, {count_text(have.links, 'link')}",
        ),
        (
            "matters",
            f"{count_text(have.matters, 'matter')}; "
            f"{count_text(have.unassigned, 'file')} in no matter, kept all the same",
        ),
    ]
    kinds = ", ".join(f"{count:,} {name}" for name, (count, _) in have.formats.items())
    account = ", ".join(f"{count:,} {words}" for count, words in have.at_clio)
    more = (("formats", kinds), ("at Clio", account))
    return _Facts([*rows, *((name, text) for name, text in more if text)])


def _runs(story: Story) -> RenderableType:
    backups = story.backups
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=0)
    table.add_column(style="dim", overflow="fold")
    for _ in backups:
        table.add_column(justify="right", overflow="fold")
    table.add_row("", "", *(Text(run.title, style="bold") for run in backups))
    rows = [
        ("time", [time_text(run.seconds) for run in backups]),
        ("new, changed, gone", [f"{r.new:,}, {r.changed:,}, {r.removed:,}" for r in backups]),
        ("unchanged, not read", [f"{run.unchanged:,}" for run in backups]),
        ("read, stored", [f"{size_text(r.read)}, {size_text(r.stored)}" for r in backups]),
        *_stages(backups),
        *_beside(backups),
    ]
    for name, values in rows:
        table.add_row("", Text(name), *map(Text, values))
    if not story.day:
        return table
    day = ", ".join(f"{count:,} {words}" for words, count in story.day)
    return Group(table, _Facts([("the day between", day)]))


def _stages(backups: Sequence[Backup]) -> list[tuple[str, list[str]]]:
    """A row for each stage: how long, over how many shards."""
    stages = [{stage.name: stage for stage in run.stages} for run in backups]
    named = dict.fromkeys(stage.name for run in backups for stage in run.stages)

    def cell(name: str, run: int) -> str:
        stage = stages[run].get(name)
        if stage is None:
            return ""
        shards = f"{count_text(stage.shards, 'shard')}, " if stage.shards else ""
        return f"{shards}{time_text(stage.seconds)}"

    return [(name, [cell(name, run) for run in range(len(backups))]) for name in named]


def _beside(backups: Sequence[Backup]) -> list[tuple[str, list[str]]]:
    """A row for each other source: what was new, changed and gone there, in the same night."""
    found: dict[str, list[str]] = {}
    for place, run in enumerate(backups):
        for other in run.beside:
            cells = found.setdefault(other.source, [""] * len(backups))
            counts = f"{other.new:,}, {other.changed:,}, {other.removed:,}"
            cells[place] = f"{counts} in {time_text(other.seconds)}"
    return list(found.items())


def _restore(story: Story, marks: Marks) -> RenderableType:
    given = story.restore
    whole = given.files == given.identical
    said = f"{given.identical:,} of {given.files:,} files have the SHA-256 they had"
    took = f"{time_text(given.seconds)} for {size_text(given.size)}"
    return _Facts(
        (
            ("matter", f"{given.matter}, as of {given.as_of}, in {took}"),
            ("from the share", _verdict(marks, whole, said)),
            ("from Clio", _verdict(marks, not given.clio.wrong, _from_clio(given.clio))),
            ("held in trust", _verdict(marks, given.trust.reconciles, _held_in_trust(given.trust))),
            *((one.what, _verdict(marks, one.whole, _held_of(one))) for one in given.others),
            ("where it lies", given.folder),
        )
    )


def _from_clio(back: Clio) -> str:
    return f"{back.wrong:,} items are NOT as they were" if back.wrong else back.words


def _held_of(one: Held) -> str:
    return f"{one.found:,} of {one.there:,} have the SHA-256 they had"


def _held_in_trust(held: Trust) -> str:
    added_up = f"{count_text(held.transactions, 'transaction')} that came back"
    if held.reconciles:
        return f"{money_text(held.told)}, to the cent: the ledger there, and {added_up}"
    return f"{money_text(held.told)} there, {money_text(held.found)} by {added_up}"


def _verification(told: Verification, marks: Marks) -> RenderableType:
    packs = f"{told.packs:,} of {told.packs_of:,} packs ({told.share:.0%})"
    return _Facts(
        (
            ("expectations", _verdict(marks, told.good, f"{_held(told)}; {_balanced(told)}")),
            ("decrypted", f"{packs}, {size_text(told.decrypted)}, in {time_text(told.seconds)}"),
            (
                "restored, opened",
                f"{count_text(told.items, 'item')}; "
                f"{told.opened:,} of {told.documents:,} documents open",
            ),
            ("its Data Docs", told.pages),
        )
    )


def _balanced(told: Verification) -> str:
    return f"{count_text(told.trust_entries, 'trust transaction')} added up, to the cent"


def _held(told: Verification) -> str:
    return f"{told.held:,} of {told.expectations:,} hold"


def _drill(told: Drill, marks: Marks) -> RenderableType:
    said = f"{time_text(told.seconds)} from the request; promised: {time_text(told.allowed)}"
    phases = ", ".join(f"{name} {time_text(seconds)}" for name, seconds in told.phases.items())
    size = size_text(told.size)
    back = f"{told.equal:,} of {told.items:,} items, {size}, with the source switched off"
    return _Facts(
        (
            ("came back", _verdict(marks, told.whole, back)),
            ("usable after", _verdict(marks, told.seconds < told.allowed, said)),
            ("of that", phases),
            (
                "usable?",
                _verdict(marks, told.answer == "yes", f"{told.answer}, says the {told.by}"),
            ),
        )
    )


def _check(story: Story, marks: Marks) -> RenderableType:
    check = story.check
    keys = "without any key" if check.keyless else "with keys"
    said = f"found {keys}, in {time_text(check.seconds)}" if check.found else "NOT found"
    rows: Rows = [("planted", check.planted), ("the check", _verdict(marks, check.found, said))]
    return _Facts([*rows, *(("it says", line) for line in check.findings)])


def _alarm(alarm: Alarm, marks: Marks) -> RenderableType:
    red = (
        f"asked for at once; red after {time_text(alarm.seconds_to_red)}: {_held(alarm.red)}, "
        f"{alarm.red.packs:,} of {alarm.red.packs_of:,} packs decrypt"
    )
    told = f"mail to {', '.join(alarm.to)}, {time_text(alarm.seconds)} after the fault"
    return _Facts(
        (
            ("planted", alarm.planted),
            ("verification", _verdict(marks, not alarm.red.good, red)),
            ("alert", _verdict(marks, alarm.told, told)),
            ("", Text(alarm.subject, style="italic")),
            ("the mail", alarm.file),
        )
    )


def _door(door: Door) -> RenderableType:
    return _Facts(
        (
            ("Airflow", Text(door.url, style="bold")),
            ("log in as", f"{door.user}, password: {door.password}"),
            *door.also,
            ("end it all", door.stop),
        )
    )
