"""Restoring through the command when things are not as they should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import PASSPHRASES, Office, Terminal


def pin_of(office: Office) -> list[str]:
    """What the key card says, as options; the firm's folder is not needed."""
    text = (office.firm / "firm.yaml").read_text()
    vault_id = re.search(r'vault_id: "([0-9a-f]{32})"', text)
    root = re.search(r'root_public: "([0-9a-f]{64})"', text)
    assert vault_id and root
    return [
        "--store", f"file://{office.store}", "--vault-id", vault_id[1], "--root-key", root[1],
    ]  # fmt: skip


def hurt_newest_pack(office: Office, terminal: Terminal) -> None:
    """Flips a byte in every pack that only the second snapshot has."""
    commits = sorted((office.store / "commits" / "files").iterdir())
    first = commits[0].stat().st_mtime_ns
    for pack in (office.store / "packs").rglob("*"):
        if pack.is_file() and pack.stat().st_mtime_ns > first:
            spoil(pack)


def spoil(path: Path, at: int = -100) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(content))


def test_from_nothing_but_the_key_card_an_escrow_identity_and_its_passphrase(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    terminal.always = ()
    card = pin_of(office)
    escrow = ["--identity", office.keys / "escrow-2.age"]
    word = ["--passphrase-file", office.word_file("escrow-2")]

    terminal(*card, "snapshots")
    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes"]
    report = terminal.json(*asked, *card, *escrow, *word)

    assert report["performed"]["failures"] == []
    assert office.truths[1].compare(tmp_path / "back" / "files").identical


def test_the_key_cards_groups_may_be_typed_as_they_are_printed(
    office: Office, terminal: Terminal
) -> None:
    terminal.always = ()
    card = pin_of(office)
    card[3] = " ".join(card[3][n : n + 4] for n in range(0, 32, 4)).upper()

    assert terminal.json(*card, "snapshots")["snapshots"]


@pytest.mark.parametrize(
    ("place", "value", "code", "error"),
    [
        (3, "0" * 32, 6, "M350"),
        (5, "0" * 64, 6, "M350"),
        (3, "12", 3, "M100"),
        (5, "no hex at all", 3, "M100"),
        (1, "file:///nowhere/at/all", 5, ""),
        (1, "ftp://somewhere", 3, "M100"),
    ],
)
def test_a_wrong_key_card_is_never_believed(
    office: Office, terminal: Terminal, place: int, value: str, code: int, error: str
) -> None:
    terminal.always = ()
    card = pin_of(office)
    card[place] = value
    assert terminal.json(*card, "snapshots", code=code)["error"]["code"].startswith(error)


def test_a_wrong_passphrase_is_said_and_not_shown(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    wrong = office.word_file("root")
    asked = ["ls", "files", "--identity", office.keys / "escrow-1.age"]

    error = terminal.json(*asked, "--passphrase-file", wrong, code=3)["error"]

    assert error["code"] == "M311"
    assert PASSPHRASES["root"] not in str(error)


def test_a_passphrase_that_nobody_can_type_is_asked_for_in_words(
    office: Office, terminal: Terminal
) -> None:
    answer = terminal("ls", "files", "--identity", office.keys / "escrow-1.age", code=3)
    assert "--passphrase-file" in answer.err


def test_an_identity_that_opens_nothing_says_so(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    error = terminal.json("ls", "files", "-i", office.keys / "worker.age-identity", code=3)["error"]
    assert error["code"] == "M311"
    (tmp_path / "no-key").write_text("nothing")
    error = terminal.json("ls", "files", "-i", tmp_path / "no-key", code=3)["error"]
    assert error["code"] == "M110"


def test_a_plan_is_shown_approved_by_digest_and_performed(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    number = office.truths[0].matters[0][0]
    asked = ["restore", "--matter", number]
    planned = terminal.json(*asked, "--plan-only")
    assert planned["performed"] is None
    terminal.tomorrow()

    told = ["--as-of", planned["plan"]["as_of"], "--plan-digest", planned["plan_digest"]]
    done = terminal.json(*asked, *told, "--to", tmp_path / "back")

    assert done["plan_digest"] == planned["plan_digest"]
    assert done["performed"]["verified"] == planned["plan"]["choices"][0]["items"]


def test_a_plan_that_is_not_the_approved_one_is_refused(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    first, second = (number for number, _ in office.truths[0].matters[:2])
    planned = terminal.json("restore", "--matter", first, "--plan-only")
    told = ["--as-of", planned["plan"]["as_of"], "--plan-digest", planned["plan_digest"]]

    asked = ["restore", "--matter", second, *told, "--to", tmp_path / "back"]
    assert terminal.json(*asked, code=9)["error"]["code"] == "M530"
    assert not (tmp_path / "back").exists()


def test_a_plan_shows_no_name_of_a_client_or_file(office: Office, terminal: Terminal) -> None:
    titles = [title for _, title in office.truths[0].matters]
    answer = terminal("restore", "--source", "files", "--plan-only")
    assert not any(title in answer.out + answer.err for title in titles)
    assert "Matters/" not in answer.out


def test_a_damaged_newest_snapshot_falls_back_and_says_what_is_lost(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    hurt_newest_pack(office, terminal)

    answer = terminal("restore", "--source", "files", "--to", tmp_path / "back", "--yes")

    assert "LOSS WINDOW 1 d" in answer.err
    assert "passed over" in answer.err
    assert office.truths[0].compare(tmp_path / "back" / "files").identical


def test_when_no_snapshot_is_whole_nothing_is_written(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    for pack in (office.store / "packs").rglob("*"):
        if pack.is_file():
            spoil(pack)

    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes"]
    error = terminal.json(*asked, code=6)["error"]

    assert error["code"] == "M340"
    assert not (tmp_path / "back").exists()


def test_files_of_others_are_never_replaced_unless_told(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    asked = ["restore", "--path", "HR/**", "--to", tmp_path / "back", "--yes"]
    item = terminal.json("ls", "files", "--path", "HR/**")["items"][-1]
    standing = tmp_path / "back" / "files" / item["path"]
    standing.parent.mkdir(parents=True)
    standing.write_text("somebody's own")

    assert terminal.json(*asked, code=9)["error"]["code"] == "M520"
    assert standing.read_text() == "somebody's own"

    terminal(*asked, "--overwrite")
    assert standing.read_text(errors="replace") != "somebody's own"


def test_what_cannot_be_proven_is_listed_and_the_rest_comes_back(
    office: Office, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As above four gigabytes: bytes are proven while they are written, not before.
    monkeypatch.setattr("muniment.recovery.proof.READ_LIMIT", 0)
    packs = [p for p in (office.store / "packs").rglob("*") if p.is_file()]
    spoil(max(packs, key=lambda p: p.stat().st_size), at=200_000)

    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes"]
    report = terminal.json(*asked, code=8)

    failures = report["performed"]["failures"]
    compared = office.truths[1].compare(tmp_path / "back" / "files")
    assert failures and report["performed"]["verified"] > 0
    assert len(compared.missing) == len(failures)
    assert not compared.changed
    assert all(re.fullmatch("[0-9a-f]{32}", item) for item, _ in failures)
    answer = terminal(*asked[:-3], "--to", tmp_path / "again", "--yes", code=8)
    assert "NOT WHOLE" in answer.out


@pytest.mark.parametrize(
    ("asked", "code", "error"),
    [
        (["--matter", "1900-9999"], 9, "M510"),
        (["--matter", "M-AAAAAAAA"], 9, "M510"),
        (["--path", "No/Such/**"], 9, "M510"),
        (["--item", "0" * 32], 9, "M510"),
        (["--item", "no hex"], 9, "M500"),
        (["--path", "a**b"], 9, "M500"),
        (["--source", "elsewhere"], 9, "M510"),
        (["--source", "No Id"], 2, "USAGE"),
        (["--source", "files", "--as-of", "2020-01-01"], 9, "M510"),
        (["--source", "files", "--as-of", "last tuesday"], 2, "USAGE"),
        ([], 2, "USAGE"),
        (["--matter", "1", "--path", "x"], 2, "USAGE"),
        (["--source", "files", "--from", "files"], 2, "USAGE"),
    ],
)
def test_a_question_without_an_answer_is_told_apart(
    office: Office, terminal: Terminal, tmp_path: Path, asked: list[str], code: int, error: str
) -> None:
    answer = terminal.json("restore", *asked, "--to", tmp_path / "back", "--yes", code=code)

    assert answer["error"]["code"] == error
    assert answer["command"] == "restore"
    assert not (tmp_path / "back").exists()


def test_where_to_must_be_said(office: Office, terminal: Terminal) -> None:
    terminal("restore", "--source", "files", code=2)


def test_a_target_that_cannot_be_made_is_said(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    asked = ["restore", "--source", "files", "--to", tmp_path / "file" / "below", "--yes"]
    assert terminal.json(*asked, code=9)["error"]["code"] == "M550"


def test_an_interrupted_restore_goes_on(
    office: Office, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.sources.files import FileTarget

    given = 0
    real = FileTarget.give
    alive = set()

    def interrupted(self: FileTarget, *args: object, **named: object) -> object:
        nonlocal given
        given += 1
        # The lock on the folder must not live as long as the target happens to.
        alive.add(self)
        if given > 150:
            raise KeyboardInterrupt
        return real(self, *args, **named)  # type: ignore[arg-type]

    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes"]
    with monkeypatch.context() as patch:
        patch.setattr(FileTarget, "give", interrupted)
        terminal(*asked, code=130)
    terminal.tomorrow()

    report = terminal.json(*asked)

    assert report["performed"]["already"] > 0
    assert office.truths[1].compare(tmp_path / "back" / "files").identical
