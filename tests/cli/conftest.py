"""A firm set up through the real command, over the example firm's share, in a store that is a folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.firm import Truth, small, work_a_day
from muniment.cli import firm_keys
from muniment.cli.main import main
from muniment.clock import FixedClock

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
PASSPHRASES = {"root": "root-word", "escrow-1": "first-word", "escrow-2": "second-word"}


@dataclass(frozen=True)
class Answer:
    """What a command gave: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


@dataclass
class Terminal:
    """Runs commands in this process, at a time that the test sets."""

    capture: pytest.CaptureFixture[str]
    clock: FixedClock = field(default_factory=lambda: FixedClock(MONDAY))
    always: tuple[str, ...] = ()

    def __call__(self, *args: str | Path, code: int = 0) -> Answer:
        """Runs `muniment ARGS` and expects this exit code."""
        self.capture.readouterr()
        given = main([*map(str, args), *self.always], clock=self.clock)
        out, err = self.capture.readouterr()
        assert given == code, f"exit code {given}, expected {code}\n{out}\n{err}"
        return Answer(given, out, err)

    def json(self, *args: str | Path, code: int = 0) -> dict[str, Any]:
        answer = self(*args, "--json", code=code)
        found = answer.json
        assert found["ok"] is (code == 0)
        assert found["exit_code"] == code
        return found

    def tomorrow(self) -> None:
        self.clock.advance(timedelta(days=1))


@dataclass
class Office:
    """A firm in a folder of its own. `truths` are the share's on the evenings of its snapshots."""

    folder: Path
    truths: list[Truth]

    @property
    def firm(self) -> Path:
        return self.folder / "whitfield"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def store(self) -> Path:
        return self.folder / "vault"

    @property
    def share(self) -> Path:
        return self.folder / "share"

    @property
    def passphrases(self) -> Path:
        return self.folder / "passphrases"

    def word_file(self, name: str) -> Path:
        path = self.folder / f"word-{name}"
        path.write_text(PASSPHRASES[name] + "\n")
        path.chmod(0o600)
        return path

    def root_options(self) -> list[str]:
        return [
            "--root", str(self.keys / "root.pem"),
            "--passphrase-file", str(self.word_file("root")),
        ]  # fmt: skip


def init_options(folder: Path) -> list[str]:
    """`init-firm` for an office in `folder`."""
    words = folder / "passphrases"
    words.write_text("".join(f"{name}: {word}\n" for name, word in PASSPHRASES.items()))
    words.chmod(0o600)
    return [
        "init-firm", str(folder / "whitfield"),
        "--keys", str(folder / "keys"),
        "--store", f"file://{folder / 'vault'}",
        "--staging", str(folder / "staging"),
        "--source-id", "files",
        "--source-root", str(folder / "share"),
        "--time-zone", "America/New_York",
        "--name", "Whitfield & Partners",
        "--passphrases", str(words),
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def _quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second for each passphrase would be most of the suite's time."""
    monkeypatch.setattr(firm_keys, "SCRYPT_WORK", 10)


@pytest.fixture
def terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Terminal:
    monkeypatch.delenv("MUNIMENT_FIRM", raising=False)
    monkeypatch.chdir(tmp_path)
    return Terminal(capsys)


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Two snapshots with a day of work between them. Not to be changed: tests get a copy."""
    folder = tmp_path_factory.mktemp("office")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(firm_keys, "SCRYPT_WORK", 10)
        patch.chdir(folder)
        clock = FixedClock(MONDAY)
        truth = small(folder / "share")
        assert main([*init_options(folder), "--quiet"], clock=clock) == 0
        backup = ["--firm", str(folder / "whitfield"), "--quiet", "backup", "--all"]
        assert main(backup, clock=clock) == 0
        clock.advance(timedelta(days=1))
        after, _ = work_a_day(folder / "share", seed=3, truth=truth)
        assert main(backup, clock=clock) == 0
    return Office(folder, [truth, after])


@pytest.fixture
def office(_made: Office, tmp_path: Path, terminal: Terminal) -> Office:
    """A copy with a share, a vault and keys of its own; the terminal is in its firm, on the third day."""
    folder = tmp_path / "office"
    shutil.copytree(_made.folder, folder, symlinks=True)
    text = (folder / "whitfield" / "firm.yaml").read_text()
    (folder / "whitfield" / "firm.yaml").write_text(text.replace(str(_made.folder), str(folder)))
    table = (folder / "whitfield" / "inventory.csv").read_text()
    (folder / "whitfield" / "inventory.csv").write_text(
        table.replace(str(_made.folder), str(folder))
    )
    terminal.clock.advance(timedelta(days=2))
    terminal.always = ("--firm", str(folder / "whitfield"))
    return Office(folder, _made.truths)
