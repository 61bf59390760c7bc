"""The vendors' side in the demonstration: the simulators of tests/simulators as servers of their own.

Each is a program that imports nothing of the product; its certificate authority is its own. Its folder holds what it
prints when it is ready (tokens of an invented firm among it), and its certificates.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from muniment.embedded.processes import Child, ProcessSet
from muniment.errors import EmbeddedError
from muniment.sources.web.exact import parse

ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Vendor:
    """How a vendor is reached. `told` is what the program printed."""

    told: Mapping[str, Any]

    @property
    def ca(self) -> Path:
        return Path(self.told["ca"])

    def control(self, deed: str, **asked: Any) -> Any:
        """What the firm does there, and what is true of it; money keeps its digits."""
        with self.session() as session:
            answer = session.post(
                f"{self.told['control']}/{deed}", data=json.dumps(asked), timeout=ANSWER_SECONDS
            )
        if not answer.ok:
            raise EmbeddedError(
                f"The simulator answered {answer.status_code}: {answer.text[:300]}", to=deed
            )
        return parse(answer.content)

    def session(self) -> requests.Session:
        session = requests.Session()
        session.verify = str(self.ca)
        session.trust_env = False
        return session


class VendorServer:
    """One server over one folder. Another program with the same folder sees and stops the same."""

    def __init__(self, name: str, folder: Path, repository: Path) -> None:
        self._name = name
        self._folder = folder
        self._repository = repository
        self._processes = ProcessSet(folder)

    def start(self, arguments: Sequence[str], timeout: float = 60.0) -> Mapping[str, Any]:
        """Starts `tests.simulators.<name>`; answers what it prints. Raises EmbeddedError when it is not ready in time."""
        command = [sys.executable, "-m", f"tests.simulators.{self._name}", *arguments]
        command.append(f"--folder={self._folder / 'ca'}")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        child = Child(self._name, command, dict(os.environ), self._repository, patience=5.0)
        self._processes.start(child)
        deadline = time.monotonic() + timeout
        while (told := self._told()) is None:
            if self._processes.fallen() or time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The simulator of {self._name} is not ready. Its last words:\n"
                    f"{self._processes.tail(self._name)}",
                    to=str(self._processes.log(self._name)),
                )
            time.sleep(0.05)
        return told

    def stop(self) -> None:
        """Ends it; does nothing when it does not run."""
        self._processes.stop()

    def _told(self) -> dict[str, Any] | None:
        """Its one line, once it stands there whole."""
        for line in self._processes.tail(self._name).splitlines():
            if line.startswith("{") and line.endswith("}"):
                told: dict[str, Any] = json.loads(line)
                return told
        return None
