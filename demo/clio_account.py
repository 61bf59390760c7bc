"""The firm's Clio account in the demonstration: the simulator of tests/simulators/clio as a server of its own,
the backup user's browser, and what is true of the account.

The vendor's side is a program that imports nothing of the product; its certificate authority is its own.
The folder holds what it prints when it is ready (tokens of an invented firm among it), and its certificates.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from muniment.embedded.airflow import free_port
from muniment.embedded.processes import Child, ProcessSet
from muniment.errors import EmbeddedError
from muniment.sources.web.exact import parse

_NAME = "clio"
_SEED = 7
_REDIRECT_PORT = 8917
_ANSWER_SECONDS = 60.0
_CONSENT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Account:
    """How the vendor is reached. `told` is what the program printed; `redirect_uri` is where the browser goes
    after consent."""

    told: Mapping[str, Any]
    redirect_uri: str

    @property
    def host(self) -> str:
        return str(self.told["app"])

    @property
    def ca(self) -> Path:
        return Path(self.told["ca"])

    def control(self, deed: str, **asked: Any) -> Any:
        """What the firm does in its account, and what is true of it; money keeps its digits."""
        with self.session() as session:
            answer = session.post(
                f"{self.told['control']}/{deed}", data=json.dumps(asked), timeout=_ANSWER_SECONDS
            )
        if not answer.ok:
            raise EmbeddedError(
                f"The Clio simulator answered {answer.status_code}: {answer.text[:300]}", to=deed
            )
        return parse(answer.content)

    def sequence(self) -> int:
        """Of the newest change; the truth of any moment is asked for by it."""
        return int(self.control("clock")["sequence"])

    def session(self) -> requests.Session:
        session = requests.Session()
        session.verify = str(self.ca)
        session.trust_env = False
        return session


class ClioServer:
    """One server over one folder. Another program with the same folder sees and stops the same."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self._folder = folder
        self._repository = repository
        self._processes = ProcessSet(folder)

    def start(
        self, numbers: Sequence[str], papers: Path, *, documents: int, timeout: float = 60.0
    ) -> Account:
        """Starts it, with a matter for each of `numbers`, whose documents hold what lies below `papers`.

        Raises EmbeddedError when it is not ready in time.
        """
        uri = f"http://127.0.0.1:{free_port(_REDIRECT_PORT)}/clio"
        command = [sys.executable, "-m", "tests.simulators.clio", f"--seed={_SEED}", "--rate=0"]
        command += [f"--matters={len(numbers)}", f"--documents-per-matter={documents}"]
        command += [f"--display-number={number}" for number in numbers]
        command += [
            f"--papers={papers}",
            f"--redirect-uri={uri}",
            f"--folder={self._folder / 'ca'}",
        ]
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        child = Child(_NAME, command, dict(os.environ), self._repository, patience=5.0)
        self._processes.start(child)
        deadline = time.monotonic() + timeout
        while (told := self._told()) is None:
            if self._processes.fallen() or time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The Clio simulator is not ready. Its last words:\n{self._processes.tail(_NAME)}",
                    to=str(self._processes.log(_NAME)),
                )
            time.sleep(0.05)
        return Account(told, uri)

    def stop(self) -> None:
        """Ends it; does nothing when it does not run."""
        self._processes.stop()

    def _told(self) -> dict[str, Any] | None:
        """Its one line, once it stands there whole."""
        for line in self._processes.tail(_NAME).splitlines():
            if line.startswith("{") and line.endswith("}"):
                told: dict[str, Any] = json.loads(line)
                return told
        return None


def consent(
    account: Account, command: Sequence[str], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Runs `muniment ... consent SOURCE`, and does in the browser what the backup user does: opens the page that
    it names, allows it, and is sent back. Answers what the command says; raises EmbeddedError."""
    process = subprocess.Popen(
        list(command), env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    said: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "/oauth/authorize?" in line:
                _allow(account, line.strip())
                break
        out, rest = process.communicate(timeout=_CONSENT_SECONDS)
    except subprocess.TimeoutExpired:
        out, rest = "", "It took too long."
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise EmbeddedError(f"Consent was not given:\n{''.join(said)}{rest}", to=" ".join(command))
    told: dict[str, Any] = json.loads(out)
    return told


def _allow(account: Account, page: str) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
    decision = {"user_id": str(account.told["backup_user"]), "decision": "allow"}
    with account.session() as browser:
        answer = browser.post(
            page.partition("?")[0],
            data=asked | decision,
            allow_redirects=False,
            timeout=_ANSWER_SECONDS,
        )
        _come_back(browser, answer.headers["Location"])


def _come_back(browser: requests.Session, address: str) -> None:
    """The command prints the page first and listens then: a person is slower than that, this browser is not."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            browser.get(address, timeout=_ANSWER_SECONDS)
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
