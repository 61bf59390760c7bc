"""A call that is read quickly means what typer makes of it, and what cannot be meant is left to typer."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer

from muniment.cli import commands, forms, typed
from muniment.cli.main import main, root
from muniment.cli.quick import NotPlain, Parameter, parameters, read

CALLS = 40
"""Of each command."""


def functions() -> Iterator[tuple[str, forms.Function]]:
    def below(name: str, found: forms.Command | forms.Group) -> Iterator[tuple[str, Any]]:
        if isinstance(found, forms.Command):
            yield name, found.function
        else:
            for each, inner in found.commands.items():
                yield from below(f"{name} {each}", inner)

    for name in commands.names():
        yield from below(name, commands.find(name))


EVERY = dict(functions())


def value(parameter: Parameter, rng: random.Random) -> str:
    if parameter.kind is int:
        return str(rng.choice((0, 1, 3, 12, 400, 10**9)))
    if issubclass(parameter.kind, Enum):
        return str(rng.choice([e.value for e in parameter.kind] + ["no-such-word"]))
    if parameter.kind is Path:
        return rng.choice(("/tmp", "some/file", "a b", "Ümläut"))
    return rng.choice(("", "x", "2024-0113", "a=b", "M-7F3K2QXA", "two words", "é\n"))


def call(known: list[Parameter], rng: random.Random) -> list[str]:
    """Words that a person may type, not all of them right."""
    words: list[list[str]] = []
    for parameter in known:
        times = rng.choice((0, 1, 1, 2)) if parameter.many else rng.choice((0, 1, 1))
        if parameter.required and rng.random() < 0.9:
            times = max(1, times)
        for _ in range(times):
            if isinstance(parameter.form, forms.Argument):
                words.append([value(parameter, rng)])
                continue
            yes, no = parameter.names()
            name = rng.choice([*yes, *no])
            if parameter.is_flag:
                words.append([name])
            elif name.startswith("--") and rng.random() < 0.3:
                words.append([f"{name}={value(parameter, rng)}"])
            else:
                words.append([name, value(parameter, rng)])
    if rng.random() < 0.3:
        rng.shuffle(words)
    if rng.random() < 0.1:
        words.append([rng.choice(("--no-such-option", "-x", "--help", "--", "-", "more"))])
    return [word for each in words for word in each]


def as_typer(function: forms.Function) -> Any:
    app = typer.Typer(add_completion=False)
    app.command("x")(typed._as_typer(function))
    return typer.main.get_command(app)


def by_typer(command: Any, words: list[str]) -> dict[str, Any] | None:
    """What typer makes of the words; None where it refuses them."""
    try:
        context = command.make_context("x", list(words))
    except (typed._CLICK_ERROR, typer.Exit):
        return None
    return {name: given or None for name, given in context.params.items() if name != "help"}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_what_is_read_quickly_is_what_typer_reads(name: str) -> None:
    function = EVERY[name]
    known, command = parameters(function), as_typer(function)
    rng = random.Random(name)
    plain = 0
    for _ in range(CALLS):
        words = call(known, rng)
        try:
            values, rest = read(function, words)
        except NotPlain:
            continue
        plain += 1
        assert rest == []
        expected = by_typer(command, words)
        assert expected is not None, words
        assert {n: v or None for n, v in values.items()} == {
            n: list(v) if isinstance(v, tuple) else v for n, v in expected.items() if n in values
        }, words
    assert plain > CALLS // 8


def read_whole(words: list[str]) -> None:
    _, rest = read(root, words, below=True)
    names = commands.named_by(rest)
    if " ".join(names) not in EVERY:
        raise NotPlain
    read(EVERY[" ".join(names)], rest[len(names) :])


def test_global_options_are_read_up_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_FIRM", "/tmp")
    words = ["--json", "-i", "one", "--identity=two", "restore", "--matter", "7"]
    values, rest = read(root, words, below=True)
    assert rest == ["restore", "--matter", "7"]
    assert values["identity"] == [Path("one"), Path("two")]
    assert values["firm"] == Path("/tmp")
    assert values["as_json"] is True


@pytest.mark.parametrize(
    "words",
    [
        [], ["--help"], ["-h"], ["restore", "-h"], ["keys"], ["no-such-command"], ["--json"], ["-qi", "x", "ls"],
        ["restore", "--mat", "7"], ["restore", "--yes=1"], ["restore", "--yes", "--yes"], ["restore", "--to"],
        ["restore", "--to", "-"], ["restore", "--", "x"], ["diff", "a", "0", "1"], ["diff", "a", "1"],
        ["diff", "a", "1", "2", "3"], ["diff", "a", "1_0", "2"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_is_not_plain_is_typers(words: list[str]) -> None:
    with pytest.raises(NotPlain):
        read_whole(words)


def test_a_plain_call_needs_no_typer() -> None:
    program = (
        "import sys; from muniment.cli.main import main\n"
        "assert main(['version', '--quiet']) == 0\n"
        "heavy = {'typer', 'click', 'pydantic', 'rich', 'airflow', 'typing_extensions'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_mistake_is_told_by_typer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", "--no-such-option"]) == 2
    assert "No such option" in capsys.readouterr().err
