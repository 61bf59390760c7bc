"""Apart: an archive that is read by a process of its own, so that a file that breaks its parser breaks nothing else.

A PST is other people's data, and what reads it is a library in C. It runs in a child that has the open file and nothing
else: no key, no environment, no right to write a file, limits on memory, and a time for each answer. A file that ends
the child is damaged; the run goes on with the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import muniment
from muniment.sources.causes import DAMAGED
from muniment.sources.mail_archives.archive import (
    LARGEST,
    About,
    Archive,
    ArchiveUnreadable,
    Attachment,
    Found,
)

SECONDS = 300.0
"""For one message, also where the library has to look for it."""
_MEMORY = 4 << 30
_DESCRIPTORS = 64
_CHILD = "muniment.sources.mail_archives.apart"
_WINDOW = 1 << 20
_HEAD = 16 << 20
"""Bytes of what is told of one message besides its content."""


class ApartArchive:
    """An Archive over a child process. `content` only when `messages` has come to its end."""

    made = True

    def __init__(self, format_: str, file: BinaryIO, seconds: float = SECONDS) -> None:
        self._format = format_
        self._file = file
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._left = b""

    def messages(self) -> Iterator[Found]:
        self._ask(["all"])
        whole = False
        try:
            while (told := self._answer()) is not None:
                yield told
            whole = True
        finally:
            if not whole:
                # What is left of its answers would be taken for those to the next question.
                self.close()

    def content(self, where: Any) -> bytes:
        self._ask(["one", where])
        found = self._answer()
        if found is None:
            raise ArchiveUnreadable(DAMAGED)
        return found.content

    def close(self) -> None:
        child, self._child = self._child, None
        self._left = b""
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _ask(self, question: list[Any]) -> None:
        child = self._child or self._start()
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(question).encode() + b"\n")
            child.stdin.flush()
        except OSError:
            raise self._ended() from None

    def _answer(self) -> Found | None:
        """The next message; None at the end of an answer."""
        try:
            told = json.loads(self._line())
            if "unreadable" in told:
                raise ArchiveUnreadable(str(told["unreadable"]))
            if "end" in told:
                return None
            size = int(told["size"])
            if not 0 <= size <= 2 * LARGEST:
                raise ValueError("no size of a message")
            return _found(told, self._exactly(size))
        except (ValueError, KeyError, TypeError):
            raise self._ended() from None

    def _line(self) -> bytes:
        while b"\n" not in self._left:
            if len(self._left) > _HEAD:
                raise self._ended()
            self._left += self._more()
        line, _, self._left = self._left.partition(b"\n")
        return line

    def _exactly(self, size: int) -> bytes:
        pieces, have = [self._left], len(self._left)
        while have < size:
            pieces.append(self._more())
            have += len(pieces[-1])
        whole = b"".join(pieces)
        self._left = whole[size:]
        return whole[:size]

    def _more(self) -> bytes:
        child = self._child
        if child is None or child.stdout is None:
            raise ArchiveUnreadable(DAMAGED)
        with selectors.DefaultSelector() as ready:
            ready.register(child.stdout, selectors.EVENT_READ)
            data = os.read(child.stdout.fileno(), _WINDOW) if ready.select(self._seconds) else b""
        if not data:
            raise self._ended()
        return data

    def _ended(self) -> ArchiveUnreadable:
        self.close()
        return ArchiveUnreadable(DAMAGED)

    def _start(self) -> subprocess.Popen[bytes]:
        source_root = Path(muniment.__file__).resolve().parents[1]
        number = self._file.fileno()
        self._child = subprocess.Popen(
            [sys.executable, "-B", "-s", "-m", _CHILD, self._format, str(number)],
            env={"PYTHONPATH": str(source_root), "LC_ALL": "C.UTF-8"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a parser complains of may be text of a message.
            stderr=subprocess.DEVNULL,
            pass_fds=(number,),
            bufsize=0,
            start_new_session=True,
        )
        return self._child


def _found(told: dict[str, Any], content: bytes) -> Found:
    about: dict[str, Any] = dict(told["about"])
    about["attachments"] = tuple(Attachment(**each) for each in about["attachments"])
    for name in ("recipients", "copies", "addresses"):
        about[name] = tuple(map(str, about[name]))
    return Found(
        str(told["key"]),
        tuple(map(str, told["folders"])),
        About(**about),
        content,
        told["where"],
        str(told["flaw"]),
    )


# -- the child ---------------------------------------------------------------------------------------


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


def _frames(archive: Archive, question: list[Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    if question[0] == "one":
        content = archive.content(question[1])
        nobody = Found("one", (), About(), content, None)
        yield _told(nobody), content
        return
    for found in archive.messages():
        yield _told(found), found.content
    yield {"end": True}, b""


def _told(found: Found) -> dict[str, Any]:
    return {
        "key": found.key,
        "folders": found.folders,
        "about": asdict(found.about),
        "where": found.where,
        "flaw": found.flaw,
        "size": len(found.content),
    }


def main() -> None:
    """Answers each question of standard input with messages on standard output."""
    from muniment.sources.mail_archives.pst import PstArchive

    readers = {"pst": PstArchive}
    format_, number = sys.argv[1:]
    out = sys.stdout.buffer
    _limit()
    archive: Archive | None = None
    for line in sys.stdin.buffer:
        try:
            if archive is None:
                archive = readers[format_](os.fdopen(int(number), "rb", closefd=False))
            for told, content in _frames(archive, json.loads(line)):
                out.write(json.dumps(told).encode() + b"\n")
                out.write(content)
        except ArchiveUnreadable as error:
            out.write(json.dumps({"unreadable": error.cause}).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
