"""Process: a vendor's dump tool at work, its output read as it comes. Nothing of it touches a disk."""

from __future__ import annotations

import fcntl
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

_COMPLAINT = 64 << 10
"""Bytes of what a tool says that are kept, to tell what went wrong; they may quote names and go nowhere."""
_PIPE = 1 << 20
"""Bytes that the system holds between the tool and us."""


class DumpProcess:
    """One running tool.

    Args:
        secret: handed over through a pipe, whose number stands for `{secret}` in the command: a command line and
            an environment can be read by others.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        secret: bytes = b"",
    ) -> None:
        with handed(secret) as (number, passed):
            self._process = subprocess.Popen(
                [word.replace("{secret}", f"/dev/fd/{number}") for word in command],
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", **environment},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=passed,
                bufsize=0,
            )
        assert self._process.stdout is not None
        with suppress(OSError):
            # As much as anybody may ask for: the tool writes on while its output is looked at.
            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _PIPE)
        self._said = b""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        with suppress(ValueError, OSError):
            while piece := stream.read(4096):
                if len(self._said) < _COMPLAINT:
                    self._said += piece

    def read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.read(min(size, _PIPE)) or b""

    def ended(self) -> int:
        """The exit status, once all output is read."""
        status = self._process.wait()
        self._listener.join()
        return status

    @property
    def said(self) -> str:
        return self._said.decode(errors="replace")

    def close(self) -> None:
        """Ends it, finished or not."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def handed(secret: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The reading end of a pipe that holds the secret and ends with it; small enough for the pipe's own buffer."""
    if not secret:
        yield -1, ()
        return
    reading, writing = os.pipe()
    try:
        os.write(writing, secret)
        os.close(writing)
        yield reading, (reading,)
    finally:
        os.close(reading)
