"""Setting up a firm through the command: whole, never over something, and clean when it fails."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from muniment.cli import set_up
from muniment.cli.keyfiles import read_identities, read_root
from muniment.cli.screen import Screen
from muniment.config.load import load_firm
from muniment.errors import StoreDenied
from muniment.vault import setup
from muniment.vault.store.local import LocalStore
from tests.cli.conftest import PASSPHRASES, Terminal, init_options

KEY_FILES = {
    "root.pem", "escrow-1.age", "escrow-1.pub", "escrow-2.age", "escrow-2.pub", "key-card.txt",
    "worker.age-identity", "worker.pem", "operations.age-identity", "operations.pem",
    "retention.pem",
}  # fmt: skip


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    (tmp_path / "share").mkdir()
    return init_options(tmp_path)


def test_it_makes_configuration_keys_vault_and_key_card(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    made = terminal.json(*asked)

    config = load_firm(tmp_path / "whitfield")
    assert config.firm.pinned().vault_id == made["vault_id"]
    assert config.firm.pinned().root_public == made["root_public"]
    assert {p.name for p in (tmp_path / "keys").iterdir()} == KEY_FILES
    terminal("--firm", tmp_path / "whitfield", "doctor")


def test_key_files_are_for_their_owner_only_and_under_their_passphrases(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    terminal(*asked)
    keys = tmp_path / "keys"

    secret = [p for p in keys.iterdir() if p.name != "key-card.txt"]
    assert {stat.S_IMODE(p.stat().st_mode) for p in secret} == {0o600}
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    for name in ("escrow-1", "escrow-2"):
        found = read_identities(keys / f"{name}.age", lambda path, n=name: PASSPHRASES[n])
        assert str(found[0].recipient) == (keys / f"{name}.pub").read_text().strip()
    assert b"ENCRYPTED" in (keys / "root.pem").read_bytes()
    read_root(keys / "root.pem", lambda path: PASSPHRASES["root"])


def test_the_key_card_holds_the_two_numbers_and_no_secret(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    made = terminal.json(*asked)

    card = (tmp_path / "keys" / "key-card.txt").read_text()
    squeezed = "".join(card.split())
    assert made["vault_id"] in squeezed and made["root_public"] in squeezed
    assert (tmp_path / "keys" / "escrow-1.pub").read_text().strip() in squeezed
    assert "SECRET" not in card
    assert not any(word in card for word in PASSPHRASES.values())


def test_nothing_secret_is_printed_or_left_in_the_firms_folder(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    answer = terminal(*asked)

    texts = [answer.out, answer.err]
    texts += [p.read_text() for p in (tmp_path / "whitfield").iterdir()]
    for text in texts:
        assert "AGE-SECRET-KEY" not in text and "PRIVATE KEY" not in text
        assert not any(word in text for word in PASSPHRASES.values())


def test_a_second_time_it_touches_nothing(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    terminal(*asked)
    before = _tree(tmp_path)

    error = terminal.json(*asked, code=3)["error"]

    assert "already" in error["what"]
    assert _tree(tmp_path) == before


def test_a_store_that_holds_a_vault_is_refused_before_anything_is_written(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    terminal(*asked)
    other = [a.replace("/whitfield", "/other").replace("/keys", "/other-keys") for a in asked]
    before = _tree(tmp_path)

    assert "already holds a vault" in terminal(*other, code=3).err
    assert _tree(tmp_path) == before


def test_a_keys_folder_that_is_there_is_never_written_to(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "root.pem").write_text("precious")

    error = terminal.json(*asked, code=3)["error"]

    assert error["code"] == "M110"
    assert (tmp_path / "keys" / "root.pem").read_text() == "precious"
    assert not (tmp_path / "whitfield").exists()


def test_keys_below_the_firms_folder_are_refused(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    inside = [a.replace(str(tmp_path / "keys"), str(tmp_path / "whitfield/keys")) for a in asked]
    terminal(*inside, code=2)
    assert not (tmp_path / "whitfield").exists()


@pytest.mark.parametrize("calls_before_it_fails", [0, 1, 3, 6])
def test_a_store_that_fails_half_way_leaves_no_keys_and_no_configuration(
    asked: list[str],
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    calls_before_it_fails: int,
) -> None:
    calls = 0
    real = LocalStore.put

    def failing(self: LocalStore, *args: Any, **named: Any) -> str:
        nonlocal calls
        calls += 1
        if calls > calls_before_it_fails:
            raise StoreDenied("the store refused the credential")
        return real(self, *args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "put", failing)
        terminal(*asked, code=5)
    assert not (tmp_path / "whitfield").exists()
    assert not (tmp_path / "keys").exists()

    terminal(*asked)
    (tmp_path / "share" / "a.txt").write_text("a")
    firm = ("--firm", tmp_path / "whitfield")
    terminal(*firm, "backup", "--all")
    terminal(*firm, "restore", "--source", "files", "--to", tmp_path / "back", "--yes")
    terminal(*firm, "check")


def test_it_goes_on_when_the_vault_was_made_and_not_pinned(
    asked: list[str], terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("muniment.config.example.pin_vault", broken)
        terminal(*asked, code=130)
    assert load_firm(tmp_path / "whitfield").firm.vault is None

    made = terminal.json(*asked)

    assert made["resumed"] is True
    terminal("--firm", tmp_path / "whitfield", "doctor")


def test_an_edited_configuration_gets_its_vault_later(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    terminal(*asked, "--no-vault")
    assert not (tmp_path / "keys").exists()
    path = tmp_path / "whitfield" / "firm.yaml"
    path.write_text(path.read_text().replace("daily: 30", "daily: 60"))

    terminal(*asked)

    config = load_firm(tmp_path / "whitfield")
    assert config.firm.pinned()
    assert "daily: 60" in path.read_text()
    terminal("--firm", tmp_path / "whitfield", "doctor")


def test_the_root_passphrase_must_be_right_to_go_on(
    asked: list[str], terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("muniment.config.example.pin_vault", _interrupt)
        terminal(*asked, code=130)
    words = tmp_path / "passphrases"
    words.write_text(words.read_text().replace("root-word", "another"))

    error = terminal.json(*asked, code=3)["error"]

    assert error["code"] == "M110"
    assert "another" not in str(error)


def test_passphrases_come_from_the_environment(
    asked: list[str], terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = asked.index("--passphrases")
    without = asked[:place] + asked[place + 2 :]
    for name, word in PASSPHRASES.items():
        monkeypatch.setenv(f"MUNIMENT_PASSPHRASE_{name.upper().replace('-', '_')}", word)

    terminal(*without)

    read_root(tmp_path / "keys" / "root.pem", lambda path: PASSPHRASES["root"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("root: a\nescrow-1: b\n", "escrow-2"),
        ("root: a\nescrow-1: same\nescrow-2: same\n", "the same"),
        ("", "empty"),
    ],
)
def test_bad_passphrase_files_are_refused(
    asked: list[str], terminal: Terminal, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "passphrases").write_text(text)

    error = terminal.json(*asked, code=3)["error"]

    assert said in error["what"]
    assert not (tmp_path / "whitfield").exists()


def test_a_passphrase_file_that_others_can_read_is_refused(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "passphrases").chmod(0o644)
    assert terminal.json(*asked, code=3)["error"]["code"] == "M110"


def test_made_passphrases_are_never_written_into_a_log(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    place = asked.index("--passphrases")
    without = asked[:place] + asked[place + 2 :]

    for extra in ([], ["--json"]):
        answer = terminal(*without, *extra, code=3)
        assert "terminal" in answer.out + answer.err
    assert not (tmp_path / "keys").exists()


def test_made_passphrases_are_shown_once_and_open_their_files(
    asked: list[str], terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = asked.index("--passphrases")
    without = asked[:place] + asked[place + 2 :]
    monkeypatch.setattr(Screen, "somebody_reads", property(lambda self: True))

    out = terminal(*without).out

    shown = {
        line.split()[0]: line.split()[1]
        for line in out.splitlines()
        if line.startswith(("root ", "escrow-1 ", "escrow-2 "))
    }
    assert len(set(shown.values())) == 3
    assert all(len(word) == 29 for word in shown.values())
    read_root(tmp_path / "keys" / "root.pem", lambda path: shown["root"])
    for name in ("escrow-1", "escrow-2"):
        read_identities(tmp_path / "keys" / f"{name}.age", lambda path, n=name: shown[n])


def test_an_id_that_cannot_be_one_is_explained(
    asked: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    bad = [a.replace("/whitfield", "/White Field") for a in asked]

    error = terminal.json(*bad, code=3)["error"]

    assert error["code"] == "M100"
    assert not (tmp_path / "keys").exists()


def test_set_up_and_the_vault_agree_on_who_holds_what() -> None:
    assert set_up.PROTECTED == ("root", "escrow-1", "escrow-2")
    assert set(setup.EPOCH_PREFIX) == {"recovery_points", "records"}


def _interrupt(*args: Any, **named: Any) -> None:
    raise KeyboardInterrupt


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
