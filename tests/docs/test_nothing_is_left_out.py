"""What a user can meet stands in the documentation: commands, codes, DAGs, variables."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from muniment.cli.exits import Exit
from muniment.cli.explain import error_classes
from muniment.cli.finding_codes import FINDING_CODES
from muniment.cli.main import root
from muniment.cli.typed import program
from tests.docs.pages import files, name_of, pages
from tests.support import airflow_home
from tests.support.airflow_firm import write_firm
from tests.support.needs import REPOSITORY

airflow_home.prepare()

DOCS = REPOSITORY / "docs"


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def commands(command: Any, words: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """("keys list", command) of every command that does something."""
    below = getattr(command, "commands", None)
    if not below:
        return [(" ".join(words), command)]
    return [found for name in below for found in commands(below[name], (*words, name))]


def section(text: str, title: str) -> str:
    """The text below a heading, up to the next of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(title)}$\n(.*?)(?=^#{{1,3}} |\Z)", text, re.M | re.S)
    assert found, f"no section {title}"
    return found[2]


def test_every_command_and_option_stands_in_its_section() -> None:
    page = read("CLI.md")
    lacking = []
    for name, command in commands(program(root)):
        text = section(page, f"muniment {name}")
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                for option in (*parameter.opts, *parameter.secondary_opts):
                    if f"`{option}`" not in text:
                        lacking.append(f"{name} {option}")
    assert lacking == []


def test_every_global_option_is_on_the_page() -> None:
    text = section(read("CLI.md"), "Global options")
    hidden = {"install_completion", "show_completion", "help"}
    options = [o for p in program(root).params if p.name not in hidden for o in p.opts]
    assert [o for o in options if f"`{o}`" not in text] == []


def test_every_exit_code_says_what_it_means_and_which_errors_end_so() -> None:
    text = read("EXIT_CODES.md")
    for code in Exit:
        assert re.search(rf"^\| {int(code)} \| [a-z ]+ \| \S.{{10,}}", text, re.M), code
    for kind in error_classes():
        assert re.search(rf"^\| \d+ \|.*\b{kind.code}\b", text, re.M), kind.code


def test_every_code_of_an_error_or_finding_has_a_section_with_its_answers() -> None:
    text = read("ERRORS.md")
    for kind in error_classes():
        answers = section(text, f"{kind.code} {kind.__name__}")
        assert all(f"- {part}:" in answers for part in ("Safe", "To do", "Retry")), kind.code
    for code in FINDING_CODES:
        answers = section(text, code)
        assert all(f"- {part}:" in answers for part in ("Safe", "To do")), code


def test_no_two_errors_share_a_code_and_every_code_that_a_page_names_exists() -> None:
    codes = [kind.code for kind in error_classes()]
    assert len(codes) == len(set(codes))
    known = set(codes) | set(FINDING_CODES)
    strange = {
        (name_of(page), code)
        for page in pages()
        for code in re.findall(r"`([MDTW]\d{3})`", page.read_text(encoding="utf-8"))
        if code not in known
    }
    assert strange == set()


# -- Airflow -------------------------------------------------------------------------------------


@pytest.mark.airflow
def test_every_kind_of_dag_is_in_the_table_with_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_firm(tmp_path / "practice")
    # A mistake in its documents gives the DAG that is there only then.
    write_firm(tmp_path / "broken", more="unknown_key: 1\n")
    monkeypatch.setenv("MUNIMENT_FIRMS", str(tmp_path))
    kinds = {dag_id.rpartition("__")[2] for dag_id in airflow_home.dags()}
    assert {"backup", "restore_matter", "configuration"} <= kinds

    table = re.findall(r"^\| `<firm>__(\S+)` \| (\S.*?) \| (\S.*?) \|$", read("AIRFLOW.md"), re.M)
    assert {name.rpartition("__")[2] for name, _, _ in table} == kinds


@pytest.mark.airflow
def test_every_dag_file_says_what_it_gives() -> None:
    for path in sorted((REPOSITORY / "dags").glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text and text.startswith("Airflow DAGs: `<firm>__"), path.name


# -- variables -----------------------------------------------------------------------------------

_VARIABLE = re.compile(r"\bMUNIMENT_[A-Z0-9_]*[A-Z0-9]\b")


def test_every_variable_that_is_read_is_documented_and_none_is_invented() -> None:
    code = [
        p for p in files() if p.suffix in (".py", ".sh", ".yaml", ".yml") or p.name == "Makefile"
    ]
    read_by: dict[str, set[str]] = {}
    for path in code:
        if path.is_relative_to(REPOSITORY / "tests" / "docs"):
            continue
        for name in _VARIABLE.findall(path.read_text(encoding="utf-8")):
            read_by.setdefault(name, set()).add(name_of(path))
    told: set[str] = set()
    for page in pages():
        text = page.read_text(encoding="utf-8")
        # `MUNIMENT_PASSPHRASE_ROOT`, `_ESCROW_1`: the same beginning is not written again.
        told |= set(_VARIABLE.findall(text))
        for first, rest in re.findall(
            r"`(MUNIMENT_[A-Z0-9]+)_[A-Z0-9]+`((?:, `_[A-Z0-9_]+`)+)", text
        ):
            told |= {first + each for each in re.findall(r"`(_[A-Z0-9_]+)`", rest)}
    # What is no variable of ours, but begins so.
    prefixes = {
        name for name in read_by if any(o != name and o.startswith(f"{name}_") for o in read_by)
    }
    assert {n: sorted(w) for n, w in read_by.items() if n not in told | prefixes} == {}
    assert {name for name in told if name not in read_by} == set()
