"""Journal: what was asked of the vendor, and what it became, so that a restore that was killed goes on.

A file of JSON lines beside the delivery, for its owner only, each line safe from a power cut before the next
request. It holds vendor's ids and digests, no names.

    {"back": "<mark>", "snapshot": "<commit>", ...}     first line: which matter, from which snapshot
    ["asks", kind, old id]                              a request for a new row is about to be sent
    ["made", kind, old id, new id]                      it stands for the old one
    ["is", kind, old id, new id]                        one that was there stands for the old one

Losing it costs no second object within the matter: rows are found by their mark, or by being equal. But a matter
that bears the mark and is in no journal is not gone on with (`GivenBackBefore`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from muniment.errors import PlanChanged, TargetUnusable

Key = tuple[str, str]


def begun(path: Path, head: dict[str, str]) -> bool:
    """Is there a journal of this very restore? Of another one: raises PlanChanged."""
    try:
        with path.open("rb") as file:
            first = file.readline(1 << 16)
    except OSError:
        return False
    try:
        told = json.loads(first)
    except ValueError:
        return False
    if any(told.get(name) != value for name, value in head.items()):
        raise _another(path)
    return True


def _another(path: Path) -> PlanChanged:
    return PlanChanged(
        "the journal in this folder is that of another restore, or of one from another snapshot",
        to=path.name,
        todo="Go on with the same command and the --as-of that its plan printed, or name another folder.",
    )


class Journal:
    """`made` and `found`: (kind, old id) -> new id; `asked`: for what a request was sent, and how often."""

    def __init__(self, path: Path, head: dict[str, str]) -> None:
        """Opens the journal, or begins one. Raises TargetUnusable, PlanChanged."""
        self.path = path
        self.made: dict[Key, str] = {}
        self.found: dict[Key, str] = {}
        self.asked: Counter[Key] = Counter()
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise TargetUnusable(
                f"the journal of the restore cannot be opened ({error.strerror})", to=path.name
            ) from None
        try:
            self._begin(head)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _begin(self, head: dict[str, str]) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TargetUnusable(
                "another process is writing this matter back", todo="Wait for it to end."
            ) from None
        text = b""
        while piece := os.pread(self._file, 1 << 20, len(text)):
            text += piece
        lines = text.split(b"\n")
        if lines[-1]:
            # The last line was torn by a kill; what it was about is asked of the account.
            self._append("\n")
        self._replay(lines[:-1], head)
        if not text:
            self._append(json.dumps(head) + "\n")

    def _replay(self, lines: list[bytes], head: dict[str, str]) -> None:
        for number, line in enumerate(lines):
            try:
                told: Any = json.loads(line)
            except ValueError:
                continue
            if number == 0:
                if told != head:
                    raise _another(self.path)
                continue
            with contextlib.suppress(ValueError, TypeError, IndexError):
                self._learn(*told)

    def _learn(self, deed: str, kind: str, old: str, new: str = "") -> None:
        if deed == "asks":
            self.asked[kind, old] += 1
        elif deed == "made":
            self.made[kind, old] = new
        elif deed == "is":
            self.found[kind, old] = new

    # -- what happens ------------------------------------------------------------------------------
    def asks(self, key: Key) -> None:
        self._tell("asks", *key)

    def stands(self, key: Key, new: str, *, made: bool) -> None:
        known = self.made if made else self.found
        if known.get(key) != new:
            self._tell("made" if made else "is", *key, new)

    def new(self, key: Key) -> str:
        """What stands for an old row, as far as it is known; empty where nothing is."""
        return self.made.get(key) or self.found.get(key) or ""

    def claimed(self, kind: str) -> set[str]:
        """New ids of a kind that stand for some old row."""
        held = [*self.made.items(), *self.found.items()]
        return {new for (of, _), new in held if of == kind}

    def sent_again(self, kind: str) -> bool:
        """Was a request for a row of this kind sent more than once, because the account did not show the row?"""
        return any(often > 1 for (of, _), often in self.asked.items() if of == kind)

    def _tell(self, *line: str) -> None:
        self._append(json.dumps(line) + "\n")
        self._learn(*line)

    def _append(self, text: str) -> None:
        try:
            os.write(self._file, text.encode())
            os.fsync(self._file)
        except OSError as error:
            raise TargetUnusable(
                f"the journal of the restore cannot be written ({error.strerror})",
                to=self.path.name,
            ) from None
