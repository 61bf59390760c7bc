"""What the command says when it cannot: four answers, no traceback, one JSON document."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from muniment.cli import look
from muniment.cli.exits import Exit, exit_of
from muniment.cli.explain import error_classes
from muniment.cli.main import _hoisted, main
from tests.cli.conftest import Office, Terminal

MUNIMENT = [sys.executable, "-m", "muniment.cli.main"]
HERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "include")}


def test_an_error_is_told_in_four_answers_without_a_traceback(
    terminal: Terminal, tmp_path: Path
) -> None:
    answer = terminal("--firm", tmp_path, "snapshots", code=3)

    lines = answer.err.splitlines()
    assert lines[0].startswith("[M100] ")
    labels = [line.split(":")[0].strip() for line in lines[1:]]
    assert labels == ["where", "safe", "to do"]
    assert answer.out == ""
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "asked",
    [
        ["snapshots"],
        ["ls", "files"],
        ["check"],
        ["backup", "--all"],
        ["restore", "--source", "files", "--to", "out"],
        ["keys", "list"],
        ["checkpoint"],
        ["sweep"],
        ["matters"],
    ],
)
def test_without_a_firm_or_a_key_card_it_says_what_to_name(
    terminal: Terminal, asked: list[str]
) -> None:
    error = terminal.json(*asked, code=3)["error"]
    assert "--firm" in error["todo"] or "--identity" in error["todo"]


@pytest.mark.parametrize(
    "asked",
    [
        ["no-such-command"],
        ["snapshots", "--no-such-option"],
        ["ls"],
        ["diff", "files", "one", "two"],
        ["keys", "no-such"],
        ["show", "not an id"],
        ["snapshots", "No Id"],
        ["ls", "files", "--seq", "1", "--as-of", "2026-03-02"],
    ],
)
def test_a_command_that_is_none_is_a_usage_error_with_one_document(
    office: Office, terminal: Terminal, asked: list[str]
) -> None:
    document = terminal.json(*asked, code=2)
    assert document["error"]["code"] == "USAGE"
    assert terminal(*asked, code=2).out == ""


def test_a_defect_is_told_without_its_text_which_may_hold_names(
    office: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*args: object) -> str:
        raise RuntimeError("/share/Alvarez v. Northgate")

    monkeypatch.setattr(look, "state_of", defect)

    for extra in ([], ["--json"]):
        answer = terminal("snapshots", *extra, code=1)
        assert "RuntimeError" in answer.err + answer.out
        assert "muniment.cli.look" in answer.err + answer.out
        assert "Alvarez" not in answer.err + answer.out
    monkeypatch.setenv("MUNIMENT_DEBUG", "1")
    assert "Traceback" in terminal("snapshots", code=1).err


def test_every_error_has_a_code_and_an_exit_code_of_its_own_kind() -> None:
    kinds = error_classes()
    named = [k for k in kinds if "code" in vars(k)]
    assert len({k.code for k in named}) == len(named) == len(kinds)
    assert all(exit_of(k) not in (Exit.GOOD, Exit.USAGE) for k in kinds)


def test_global_options_may_stand_anywhere_before_two_dashes() -> None:
    typed = ["ls", "--json", "files", "--firm", "f", "--seq", "1", "--identity=x", "--", "--json"]
    assert _hoisted(typed) == [
        "--json", "--firm", "f", "--identity=x", "ls", "files", "--seq", "1", "--", "--json",
    ]  # fmt: skip
    assert _hoisted(["ls", "--firm"]) == ["--firm", "ls"]


def test_quiet_says_nothing_but_errors(office: Office, terminal: Terminal, tmp_path: Path) -> None:
    for asked in (["snapshots"], ["ls", "files"], ["check"], ["matters"], ["keys", "list"]):
        answer = terminal(*asked, "--quiet")
        assert answer.out == "" and answer.err == ""
    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes", "-q"]
    answer = terminal(*asked)
    assert answer.out == "" and answer.err == ""
    assert "M510" in terminal("ls", "nobody", "-q", code=9).err


def test_the_firm_can_stand_in_the_environment(
    office: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.always = ()
    monkeypatch.setenv("MUNIMENT_FIRM", str(office.firm))
    assert terminal.json("snapshots")["snapshots"]


def test_help_of_every_command_is_there(terminal: Terminal) -> None:
    out = terminal("--help").out
    for command in ("init-firm", "doctor", "backup", "restore", "verify", "keys", "explain"):
        assert command in out
        assert "Usage" in terminal(command, "--help").out


# -- as a program of its own -----------------------------------------------------------------------


def test_the_program_starts_without_anything_heavy() -> None:
    heavy = "{'airflow', 'boto3', 'cryptography', 'pydantic', 'pyarrow', 'yaml', 'zstandard'}"
    code = f"import muniment.cli.main, sys; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=HERE
    )
    assert found.stdout.strip() == "[]"


def test_the_program_imports_neither_airflow_nor_what_only_another_command_or_store_needs(
    office: Office,
) -> None:
    needless = (
        "{'airflow', 'botocore', 'urllib3', 'muniment.vault.store.s3', 'muniment.backup.run', "
        "'muniment.sources.files.source', 'muniment.cli.backup', 'muniment.cli.keys'}"
    )
    code = (
        "import sys; from muniment.cli.main import main; "
        f"main(sys.argv[1:]); print(sorted({needless} & set(sys.modules)))"
    )
    asked = ["--firm", str(office.firm), "verify", "all"]
    found = subprocess.run(
        [sys.executable, "-c", code, *asked], capture_output=True, text=True, check=True, env=HERE
    )
    assert found.stdout.splitlines()[-1] == "[]"


def test_the_program_ends_with_the_exit_code_and_speaks_on_the_right_stream(
    tmp_path: Path,
) -> None:
    found = subprocess.run(
        [*MUNIMENT, "--firm", str(tmp_path), "doctor", "--json"],
        capture_output=True, text=True, check=False, env=HERE,
    )  # fmt: skip
    assert found.returncode == 3
    assert '"ok": false' in found.stdout
    assert found.stderr == ""


def test_a_reader_that_has_read_enough_is_no_error(office: Office) -> None:
    asked = [*MUNIMENT, "--firm", str(office.firm), "ls", "files"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=HERE) as run:
        assert run.stdout and run.stderr
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait() == 0


def test_main_may_be_called_without_a_clock() -> None:
    assert main(["version", "--quiet"]) == 0
