"""The simulator as a child process, for tests.

with running(seed=7, matters=12) as clio:
    clio.get("matters.json", limit=2)
    clio.control("clock", seconds=60)
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Running:
    """`told` is the line the program printed."""

    told: dict[str, Any]
    process: subprocess.Popen[str]

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self.session.verify = self.told["ca"]
        self.session.trust_env = False

    @property
    def api(self) -> str:
        return str(self.told["api"])

    @property
    def token(self) -> str:
        return str(self.told["access_token"])

    def request(
        self, method: str, path: str, *, token: str | None = None, headers: dict[str, str] | None = None,
        json: Any = None, **query: Any,
    ) -> requests.Response:  # fmt: skip
        """A call of the API; `path` may be a whole URL. Redirects are not followed."""
        sent = {"Authorization": f"Bearer {self.token if token is None else token}"} | (
            headers or {}
        )
        url = path if path.startswith("https://") else f"{self.api}/{path}"
        return self.session.request(
            method,
            url,
            params=query or None,
            headers=sent,
            json=json,
            allow_redirects=False,
            timeout=30,
        )

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.request("GET", path, **query)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All pages of a list, following meta.paging.next."""
        found: list[dict[str, Any]] = []
        answer = self.get(path, **query)
        while True:
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["data"]
            following = page["meta"]["paging"].get("next")
            if following is None:
                return found
            answer = self.get(following)

    def control(self, deed: str, /, **asked: Any) -> Any:
        answer = self.session.post(
            f"{self.told['control']}/{deed}", data=json.dumps(asked), timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def unlimited(self) -> None:
        self.control("limits", peak=0, off_peak=0)


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Running]:
    """Options are those of the program, with `_` for `-`; a value of True is a bare flag."""
    words = [sys.executable, "-m", "tests.simulators.clio"]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"The simulator ended with {process.wait()} before it was ready")
        made = Running(json.loads(line), process)
        with made.session:
            yield made
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
