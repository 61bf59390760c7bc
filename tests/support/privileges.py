"""Privileges: tests that need root, and code that must run without it."""

from __future__ import annotations

import os
import pickle
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.support.needs import missing

T = TypeVar("T")

NOBODY = 65534


def needs_root() -> None:
    if os.geteuid() != 0:
        missing("root", "run the tests as root (in a container, say) to try owners and mounts")


def as_nobody(function: Callable[[], T]) -> T:
    """What the function returns, run in a child process by a user who may do little.

    A user who is not root is that already, and the function is just called.
    """
    if os.geteuid() != 0:
        return function()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            answer: tuple[bool, object] = (True, function())
        except BaseException as error:
            answer = (False, error)
        with os.fdopen(writer, "wb") as out:
            try:
                pickle.dump(answer, out)
            except Exception:
                pickle.dump((False, RuntimeError(repr(answer))), out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        done, value = pickle.load(file)
    os.waitpid(child, 0)
    if not done:
        raise value
    return value  # type: ignore[no-any-return]


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    """`mount ARGUMENTS folder`, unmounted at the end wherever it is by then."""
    needs_root()
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, check=False)
    if done.returncode:
        missing("the right to mount", "run the tests as root with CAP_SYS_ADMIN")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def tmpfs(folder: Path, size: str = "16m") -> object:
    return mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs")
