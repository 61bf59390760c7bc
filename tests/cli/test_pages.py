"""The pages say what the code does: every code, option and command, and nothing stale."""

from __future__ import annotations

import re
from pathlib import Path

from muniment.cli import pages
from muniment.cli.commands import MODULES, built
from muniment.cli.exits import Exit
from muniment.cli.explain import error_classes
from muniment.cli.finding_codes import FINDING_CODES
from muniment.cli.main import _VALUED, root
from muniment.cli.typed import program

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for path in (ROOT / "include" / "muniment").rglob("*.py")
    if path.name != "finding_codes.py"
]


def test_the_pages_are_what_the_code_makes_of_them() -> None:
    for path, text in pages.pages(ROOT / "docs").items():
        assert path.read_text(encoding="utf-8") == text, (
            f"stale: python -m muniment.cli.pages ({path})"
        )


def test_every_code_of_a_finding_is_explained_and_none_is_invented() -> None:
    used = {
        code
        for path in SOURCES
        for code in re.findall(r'"([DTW]\d{3})"', path.read_text(encoding="utf-8"))
    }
    assert used == set(FINDING_CODES)


def test_every_error_code_and_exit_code_has_its_place() -> None:
    errors = (ROOT / "docs" / "ERRORS.md").read_text(encoding="utf-8")
    exits = (ROOT / "docs" / "EXIT_CODES.md").read_text(encoding="utf-8")
    for kind in error_classes():
        assert f"#### {kind.code} {kind.__name__}\n" in errors
        assert kind.code in exits
    for code in Exit:
        assert f"| {int(code)} | " in exits


def test_every_text_of_an_error_or_finding_ends_like_a_sentence() -> None:
    texts = [text for f in FINDING_CODES.values() for text in (f.meaning, f.safe, f.todo)]
    texts += [text for k in error_classes() for text in (k.default_safe, k.default_todo)]
    assert [text for text in texts if not text.rstrip("`)").endswith(".")] == []


def test_every_command_that_a_text_names_exists() -> None:
    every = [words for words, _ in pages._commands(program(root), ())]
    groups = {words[0] for words in every if len(words) > 1}
    known = {" ".join(words) for words in every} | groups
    texts = [*SOURCES, ROOT / "include" / "muniment" / "cli" / "finding_codes.py"]
    texts += list((ROOT / "docs").rglob("*.md"))
    named = {
        (path.name, found[1])
        for path in texts
        for found in re.finditer(
            rf"`muniment ((?:(?:{'|'.join(sorted(groups))}) )?[a-z][a-z-]*)",
            path.read_text(encoding="utf-8"),
        )
    }
    assert {(name, words) for name, words in named if words not in known} == set()


def test_every_global_option_with_a_value_may_stand_anywhere() -> None:
    valued = {
        option
        for parameter in program(root).params
        if not parameter.is_flag and parameter.param_type_name == "option"
        for option in parameter.opts
        if parameter.name not in ("install_completion", "show_completion")
    }
    assert valued == set(_VALUED)


def test_every_option_says_what_it_takes_and_does() -> None:
    for words, command in pages._commands(program(root), ()):
        assert command.help, words
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.is_flag:
                assert parameter.metavar, (words, parameter.name)
            if parameter.name != "help":
                assert parameter.help, (words, parameter.name)


def test_every_module_gives_the_commands_that_the_table_says() -> None:
    """By the table a command is found without importing the other modules."""
    assert {module: tuple(built(module)) for module in MODULES} == MODULES
    registering = {
        path.stem
        for path in (ROOT / "include" / "muniment" / "cli").glob("*.py")
        if "\ndef register(app: forms.Group) -> None:" in path.read_text(encoding="utf-8")
    }
    assert registering <= set(MODULES)
