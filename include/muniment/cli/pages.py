"""Pages: docs/ERRORS.md, docs/EXIT_CODES.md and the command reference of docs/CLI.md, made from the
code so that they cannot be wrong. `python -m muniment.cli.pages` writes them; a test fails when one is
stale.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from muniment.cli.exits import Exit, exit_of
from muniment.cli.explain import error_classes, meaning_of
from muniment.cli.finding_codes import FINDING_CODES

BEGIN, END = "<!-- made by muniment.cli.pages -->", "<!-- end -->"

_FAMILIES = {
    "M0": "Root",
    "M1": "Configuration, keys, clock, staging",
    "M2": "Sources",
    "M3": "The vault",
    "M4": "Stores",
    "M5": "Recovery",
    "M6": "Servers that Muniment runs itself",
    "M7": "Alerts",
    "M8": "People's answers",
    "M9": "Defects",
}
_FINDINGS = {
    "D": "Damage: something that a restore needs is gone or changed",
    "T": "Tampering: somebody wrote where nobody writes",
    "W": "Warnings: nothing is lost",
}


def errors_page() -> str:
    """docs/ERRORS.md."""
    lines = [
        "# Errors and findings",
        "",
        "Every error says what happened, where, what is safe and what to do. `muniment explain CODE` says",
        "the same as this page. Codes never change their meaning. A *retry* of `never` means that the same",
        "input fails again until a person changed something; `soon` is a passing fault that a run retries by",
        "itself; `later` is somebody else's outage, for the next run. The text of an error may say something",
        "more exact than the lines here. Exit codes: [EXIT_CODES.md](EXIT_CODES.md).",
        "",
        "Contents: [errors](#errors) · [findings of check and verify](#findings-of-check-and-verify)",
        "",
        "## Errors",
    ]
    family = ""
    for kind in error_classes():
        if kind.code[:2] != family:
            family = kind.code[:2]
            lines += ["", f"### {_FAMILIES[family]}"]
        code = int(exit_of(kind))
        lines += [
            "",
            f"#### {kind.code} {kind.__name__}",
            "",
            meaning_of(kind),
            "",
            f"- Safe: {kind.default_safe}",
            f"- To do: {kind.default_todo}",
            f"- Retry: {kind.retry.value}. Exit code: {code}.",
        ]
    lines += [
        "",
        "## Findings of check and verify",
        "",
        "A finding names the object, the snapshots it touches and, when keys are at hand, the opaque ids of the",
        "matters. Damage and tampering end a command with exit code 6, warnings do not.",
    ]
    for letter, title in _FINDINGS.items():
        lines += ["", f"### {title}"]
        for name, finding in sorted(FINDING_CODES.items()):
            if name.startswith(letter):
                lines += [
                    "",
                    f"#### {name}",
                    "",
                    finding.meaning,
                    "",
                    f"- Safe: {finding.safe}",
                    f"- To do: {finding.todo}",
                    f"- Seen by: `muniment {finding.seen_by}`.",
                ]
    return "\n".join(lines) + "\n"


def exit_codes_page() -> str:
    """docs/EXIT_CODES.md."""
    lines = [
        "# Exit codes of `muniment`",
        "",
        "A script may rely on these; a code is never given another meaning. With several things wrong the",
        "command ends with the one that is to be mended first.",
        "",
        "| code | name | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| {int(e)} | {e.name.lower().replace('_', ' ')} | {e.meaning} |" for e in Exit]
    lines += [
        "",
        "## Which error gives which code",
        "",
        "| exit code | errors |",
        "|---|---|",
    ]
    for each in Exit:
        codes = [kind.code for kind in error_classes() if exit_of(kind) is each]
        if codes:
            lines.append(f"| {int(each)} | {', '.join(codes)} |")
    return "\n".join(lines) + "\n"


def command_reference() -> str:
    """The generated part of docs/CLI.md: every command with its arguments and options."""
    from muniment.cli.main import root as global_options
    from muniment.cli.typed import program

    root = program(global_options)
    lines = ["## Global options", "", "They may stand before or after the command.", ""]
    lines += _options(root)
    lines += ["", "## Commands"]
    for words, command in _commands(root, ()):
        lines += ["", f"### muniment {' '.join(words)}", "", f"`{_usage(words, command)}`", ""]
        lines += [_text(command), ""]
        lines += _options(command)
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        words = (*above, name)
        if hasattr(command, "commands"):
            yield from _commands(command, words)
        else:
            yield words, command


def _usage(words: tuple[str, ...], command: Any) -> str:
    arguments = [_metavar(p) for p in command.params if p.param_type_name == "argument"]
    needed = [
        f"{p.opts[0]} {_metavar(p)}"
        for p in command.params
        if p.param_type_name == "option" and p.required
    ]
    return " ".join(["muniment", *words, *arguments, *needed, "[OPTIONS]"])


def _text(command: Any) -> str:
    """The help text, its paragraphs on a line each."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _options(command: Any) -> list[str]:
    rows = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False) or parameter.name in _TYPERS_OWN:
            continue
        if parameter.param_type_name == "argument":
            shown = f"`{_metavar(parameter)}`"
        else:
            value = "" if parameter.is_flag else f" {_metavar(parameter)}"
            opts = [*parameter.opts, *parameter.secondary_opts]
            shown = ", ".join(f"`{opt}`" for opt in opts) + value.replace("|", "\\|")
        rows.append(
            f"| {shown.replace('|', chr(92) + '|') if '`[' in shown else shown} | {parameter.help or ''} |"
        )
    return ["| | |", "|---|---|", *rows] if rows else []


_TYPERS_OWN = ("install_completion", "show_completion", "help")


def _metavar(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    return str(parameter.name).upper()


def with_reference(page: str) -> str:
    """docs/CLI.md with its generated part made anew; the rest is written by hand."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{command_reference()}\n{END}{after}"


def pages(docs: Path) -> dict[Path, str]:
    """Path -> what must stand there."""
    command_line = docs / "CLI.md"
    return {
        docs / "ERRORS.md": errors_page(),
        docs / "EXIT_CODES.md": exit_codes_page(),
        command_line: with_reference(command_line.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for path, text in pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")).items():
        path.write_text(text, encoding="utf-8")
        print(path)
