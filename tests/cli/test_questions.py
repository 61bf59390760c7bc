"""What is asked of a person at a terminal, and what becomes of each answer."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from muniment.cli.screen import Screen
from tests.cli.conftest import PASSPHRASES, Office, Terminal, init_options


class _Keyboard(io.StringIO):
    """Somebody types these lines."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> object:
    def type_(*lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", _Keyboard("".join(f"{line}\n" for line in lines)))

    return type_


@pytest.mark.parametrize(
    ("answer", "code"), [("y", 0), ("YES", 0), ("n", 10), ("", 10), ("yeah", 10)]
)
def test_only_a_yes_restores(
    office: Office, terminal: Terminal, tmp_path: Path, types: object, answer: str, code: int
) -> None:
    assert callable(types)
    types(answer)

    told = terminal("restore", "--path", "HR/**", "--to", tmp_path / "back", code=code)

    assert "Restore" in told.err and "[y/N]" in told.err
    assert "plan digest" in told.out
    assert (tmp_path / "back").exists() is (code == 0)


def test_a_closed_terminal_is_a_no(
    office: Office, terminal: Terminal, tmp_path: Path, types: object
) -> None:
    assert callable(types)
    types()
    terminal("export", "files", "--to", tmp_path / "bag", code=10)
    assert not (tmp_path / "bag").exists()


def test_the_passphrase_is_asked_for_unseen(
    office: Office, terminal: Terminal, types: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(types)
    types("")
    asked: list[str] = []

    def typed(prompt: str, stream: object = None) -> str:
        asked.append(prompt)
        return PASSPHRASES["escrow-1"]

    monkeypatch.setattr("getpass.getpass", typed)

    answer = terminal("ls", "files", "--identity", office.keys / "escrow-1.age")

    assert asked == ["Passphrase of escrow-1.age: "]
    assert PASSPHRASES["escrow-1"] not in answer.out + answer.err


def test_set_up_asks_for_what_was_not_said_and_takes_what_is_typed(
    terminal: Terminal, tmp_path: Path, types: object
) -> None:
    assert callable(types)
    (tmp_path / "share").mkdir()
    words = init_options(tmp_path)[-1]
    types(
        f"file://{tmp_path}/elsewhere",
        "Whitfield & Partners",
        "",
        f"{tmp_path}/staging",
        f"{tmp_path}/keys",
        "files",
        f"{tmp_path}/share",
    )

    answer = terminal("init-firm", tmp_path / "whitfield", "--passphrases", words)

    assert "Address of the store" in answer.err
    text = (tmp_path / "whitfield" / "firm.yaml").read_text()
    assert f"{tmp_path}/elsewhere" in text
    assert "America/New_York" in text
    assert (tmp_path / "elsewhere" / "vault").is_dir()


def test_what_cannot_be_undone_wants_the_id_typed() -> None:
    screen = Screen()
    screen.confirm_by_typing("Gone for ever.", "M-7F3K2QXA", "M-7F3K2QXA")


def test_a_program_is_never_asked(types: object) -> None:
    assert callable(types)
    types("y")
    assert not Screen(as_json=True).somebody_there
    assert Screen().somebody_there
