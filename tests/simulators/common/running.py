"""A simulator as a child process, for tests."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Child:
    """`told` is the line the program printed."""

    told: dict[str, Any]
    process: subprocess.Popen[str]
    patience: float = field(default=60, kw_only=True)
    """Seconds to wait for what is asked of the control interface."""

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self.session.verify = self.told["ca"]
        self.session.trust_env = False

    def control(self, deed: str, /, **asked: Any) -> Any:
        answer = self.session.post(
            f"{self.told['control']}/{deed}", data=json.dumps(asked), timeout=self.patience
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


Made = TypeVar("Made", bound=Child)


@contextlib.contextmanager
def child(
    module: str, made: Callable[[dict[str, Any], subprocess.Popen[str]], Made], options: dict[str, Any]
) -> Iterator[Made]:  # fmt: skip
    """Runs `python -m module`. Options are those of the program, with `_` for `-`; a value of True is a bare flag."""
    words = [sys.executable, "-m", module]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"The simulator ended with {process.wait()} before it was ready")
        ready = made(json.loads(line), process)
        with ready.session:
            yield ready
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
