"""The commands that the pages show are run as they stand there, on a firm in a folder of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from muniment.cli import firm_keys
from muniment.cli.main import main
from muniment.clock import FixedClock
from tests.docs.pages import blocks, code_spans, name_of, pages
from tests.support.needs import REPOSITORY
from tests.support.practice import tree

README = REPOSITORY / "README.md"
CLI = REPOSITORY / "docs" / "CLI.md"
MAKE = re.compile(r"make ([a-z-]+)(?: [A-Z]+=\S+)*")


def commands(text: str) -> list[list[str]]:
    """The command lines of a block as word lists: `\\` joins lines, `&&` parts them."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            # A placeholder is one word.
            words = shlex.split(re.sub(r"<([^<>]*)>", r'"<\1>"', part), comments=True)
            if words:
                found.append(words)
    return found


@dataclass
class Place:
    """A folder in which commands run, with a share, and what stands for the pages' placeholders."""

    folder: Path
    share: Path
    clock: FixedClock
    capture: pytest.CaptureFixture[str]

    def run(self, words: list[str], stands_for: Mapping[str, str], *more: str) -> str:
        assert words[0] == "muniment", words
        args = [replaced(word, stands_for) for word in words[1:]]
        assert not [arg for arg in args if "<" in arg], f"no value for {args}"
        code = main([*args, *more], clock=self.clock)
        out, err = self.capture.readouterr()
        assert code == 0, f"{words}: exit code {code}\n{out}\n{err}"
        return out


def replaced(word: str, stands_for: Mapping[str, str]) -> str:
    for name, value in stands_for.items():
        word = word.replace(name, value)
    return word


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[datetime], Place]:
    def make(now: datetime) -> Place:
        # Passphrases are stretched for a second each, otherwise.
        monkeypatch.setattr(firm_keys, "SCRYPT_WORK", 10)
        monkeypatch.delenv("MUNIMENT_FIRM", raising=False)
        monkeypatch.chdir(tmp_path)
        for name in ("ROOT", "ESCROW_1", "ESCROW_2"):
            monkeypatch.setenv(f"MUNIMENT_PASSPHRASE_{name}", f"word of {name}")
        share = tmp_path / "share"
        for number in ("2024-0113", "2024-0200"):
            (share / "Matters" / f"{number} Title").mkdir(parents=True)
            (share / "Matters" / f"{number} Title" / "letter.txt").write_text(number)
        return Place(tmp_path, share, FixedClock(now), capsys)

    return make


def options(at: Place) -> list[str]:
    """What `init-firm` would ask a person for."""
    return [
        "--staging", str(at.folder / "staging"),
        "--source-id", "files",
        "--source-root", str(at.share),
        "--time-zone", "America/New_York",
    ]  # fmt: skip


def test_the_blocks_of_the_readme_call_what_is_there() -> None:
    """`make demo` and `make test` are run by CI itself; here their targets are looked up."""
    shown = [(kind, text) for kind, text in blocks(README) if kind in ("sh", "bash", "shell", "")]
    assert shown
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for _, text in shown:
        for line in text.splitlines():
            found = MAKE.fullmatch(line.strip())
            assert found, f"a line that this test cannot run: {line}"
            assert re.search(rf"^{found[1]}:", makefile, re.M), found[1]


def test_the_commands_of_the_readme_run_in_their_order(
    place: Callable[[datetime], Place], tmp_path: Path
) -> None:
    at = place(datetime(2026, 1, 30, 12, tzinfo=UTC))
    shown = [commands(span)[0] for span in code_spans(README) if span.startswith("muniment ")]
    shown = [words for words in shown if len(words) > 1]
    names = [next(w for w in words if w in ("init-firm", "doctor", "restore")) for words in shown]
    assert names == ["init-firm", "doctor", "restore"]
    stands_for = {"<firm>": "testers", "/tmp/given-back": str(tmp_path / "given-back")}

    store = ["--store", f"file://{tmp_path}/store", "--keys", str(tmp_path / "keys")]
    at.run(shown[0], stands_for, *store, *options(at))
    at.run(shown[1], stands_for)
    at.run(["muniment", "--firm", "include/firms/<firm>", "backup", "--all"], stands_for)
    at.run(shown[2], stands_for, "--yes")

    given = tmp_path / "given-back" / "files" / "Matters"
    assert {p.name for p in given.rglob("*") if p.is_file()} == {"letter.txt"}
    assert [p.name for p in given.iterdir()] == ["2024-0113 Title"]


def test_the_blocks_of_the_command_line_page_run_in_the_order_of_a_firms_life(
    place: Callable[[datetime], Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place(datetime(2026, 3, 2, 12, tzinfo=UTC))
    loss, setting_up, every_day = (text for kind, text in blocks(CLI) if kind in ("", "sh"))
    stands_for = {
        "s3://bucket/example": f"file://{tmp_path}/store",
        "s3://bucket/firm": f"file://{tmp_path}/store",
        "/media/stick/example": str(tmp_path / "stick"),
        "/restore/2024-0113": str(tmp_path / "restore"),
    }
    for words in commands(setting_up):
        at.run(words, stands_for, *(options(at) if "init-firm" in words else ()))

    monkeypatch.setenv("MUNIMENT_FIRM", str(tmp_path / "firms" / "example"))
    at.clock.advance(timedelta(hours=6))
    mark = ""
    for words in commands(every_day):
        out = at.run(words, {**stands_for, "<yesterday's mark>": mark})
        if "checkpoint" in words:
            mark = re.findall(r"as one word +([0-9a-f]{32})$", out, re.M)[0]

    # The day of the loss: no firm's folder, no operations key; the key card and an escrow file.
    pinned = yaml.safe_load((tmp_path / "firms/example/firm.yaml").read_text())["vault"]
    escrow = tmp_path / "stick" / "escrow-1.age"
    word = tmp_path / "word"
    word.write_text("word of ESCROW_1\n")
    word.chmod(0o600)
    monkeypatch.delenv("MUNIMENT_FIRM")
    at.clock.advance(timedelta(days=1))
    [words] = commands(loss)
    card = iter((pinned["vault_id"], pinned["root_public"]))
    words = [next(card) if each == "<key card>" else each for each in words]
    at.run(
        words, {**stands_for, "escrow-1.age": str(escrow)}, "--passphrase-file", str(word), "--yes"
    )
    found = tree(tmp_path / "restore")
    assert found["files/Matters/2024-0113 Title/letter.txt"] == ("file", b"2024-0113")


def test_no_page_has_a_block_of_shell_that_nothing_runs() -> None:
    """README and CLI.md here; FORMAT.md in tests/recovery_by_hand."""
    others = {
        name_of(page)
        for page in pages()
        for kind, text in blocks(page)
        # A line of a crontab is none of a shell; the command in it runs in tests/alerts.
        if kind != "crontab"
        and (kind in ("sh", "bash", "shell", "console") or "muniment " in text.split("\n", 1)[0])
    }
    assert others <= {"README.md", "docs/CLI.md", "docs/FORMAT.md"}
