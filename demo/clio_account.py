"""The firm's Clio account in the demonstration: where it is, and the backup user's browser."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from muniment.embedded.airflow import free_port
from muniment.errors import EmbeddedError

from .vendors import ANSWER_SECONDS, Vendor, VendorServer

_NAME = "clio"
_SEED = 7
_REDIRECT_PORT = 8917
_CONSENT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Account(Vendor):
    """`redirect_uri` is where the browser goes after consent."""

    redirect_uri: str

    @property
    def host(self) -> str:
        return str(self.told["app"])

    def sequence(self) -> int:
        """Of the newest change; the truth of any moment is asked for by it."""
        return int(self.control("clock")["sequence"])


def start_account(
    folder: Path, repository: Path, numbers: Sequence[str], papers: Path, *, documents: int
) -> Account:
    """Starts the vendor's side, with a matter for each of `numbers`, whose documents hold what lies below `papers`.

    Raises EmbeddedError when it is not ready in time.
    """
    uri = f"http://127.0.0.1:{free_port(_REDIRECT_PORT)}/clio"
    arguments = [f"--seed={_SEED}", "--rate=0", f"--matters={len(numbers)}"]
    arguments += [f"--documents-per-matter={documents}", f"--papers={papers}"]
    arguments += [f"--display-number={number}" for number in numbers]
    arguments += [f"--redirect-uri={uri}"]
    return Account(server(folder, repository).start(arguments), uri)


def server(folder: Path, repository: Path) -> VendorServer:
    return VendorServer(_NAME, folder, repository)


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
            timeout=ANSWER_SECONDS,
        )
        _come_back(browser, answer.headers["Location"])


def _come_back(browser: requests.Session, address: str) -> None:
    """The command prints the page first and listens then: a person is slower than that, this browser is not."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            browser.get(address, timeout=ANSWER_SECONDS)
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
