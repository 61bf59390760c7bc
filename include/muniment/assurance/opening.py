"""Opening: a process of its own opens the documents, so that what is wrong in them harms nothing.

The parsers of a dozen formats meet documents that strangers wrote. So they run in a child that holds no
key, inherits no environment, may write no file and has limits on memory and time. A document that ends
the child or takes too long costs its own outcome and no other's.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import muniment
from muniment.assurance.openable import Outcome, open_document

SECONDS = 60.0
"""For one document."""
_MEMORY = 4 << 30
_DESCRIPTORS = 64
_CHILD = "muniment.assurance.opening"


class Opening:
    """A context manager; `open` gives the outcome of one document after another."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Opening:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def open(self, format_name: str, path: Path) -> Outcome:
        """What came of opening this file as this format."""
        child = self._child or self._start()
        question = [format_name, base64.b64encode(os.fsencode(path)).decode()]
        assert child.stdin and child.stdout
        try:
            child.stdin.write(json.dumps(question).encode() + b"\n")
            child.stdin.flush()
            with selectors.DefaultSelector() as ready:
                ready.register(child.stdout, selectors.EVENT_READ)
                if not ready.select(self._seconds):
                    self._end()
                    return Outcome.SLOW
            answer = child.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            self._end()
            return Outcome.CRASHED
        return Outcome(answer.decode().strip())

    def _start(self) -> subprocess.Popen[bytes]:
        source_root = Path(muniment.__file__).resolve().parents[1]
        self._child = subprocess.Popen(
            [sys.executable, "-B", "-s", "-m", _CHILD],
            env={"PYTHONPATH": str(source_root), "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a parser complains of may be text of the document.
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


# -- the child -----------------------------------------------------------------------------------


def _limit() -> None:
    import resource

    def lower(kind: int, wanted: int) -> None:
        # Not every system takes every limit; those it does not take are a second line of defence.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (wanted, wanted))

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_AS, _MEMORY)
    lower(resource.RLIMIT_NOFILE, _DESCRIPTORS)


def _serve(questions: Iterable[bytes]) -> Iterator[str]:
    for line in questions:
        format_name, path = json.loads(line)
        yield open_document(format_name, Path(os.fsdecode(base64.b64decode(path))))


def main() -> None:
    """Answers each question of standard input with one line."""
    import logging

    logging.disable(logging.CRITICAL)
    _limit()
    for answer in _serve(sys.stdin.buffer):
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
