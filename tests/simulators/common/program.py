"""A simulator as a program: one line of JSON when it is ready, and on until it is ended."""

from __future__ import annotations

import json
import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any


def serve(
    name: str, folder: Path | None, start: Callable[[Path, Callable[[], None]], dict[str, Any]]
) -> None:
    """`start` is given the folder for certificates, a temporary one where None was named, and what ends the program;
    it returns what is told once requests are answered."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with tempfile.TemporaryDirectory(prefix=f"{name}-simulator-") as temporary:
        kept = folder or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        print(json.dumps(start(kept, ended.set)), flush=True)
        ended.wait()  # its threads end with the program
