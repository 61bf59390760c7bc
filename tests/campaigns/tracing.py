"""Tracer: counts all that a process does to a disk, and kills it at the moment it is told to.

Nouns
    Event     anything that touches the disk, or a step of the engine: `link.begin packs/ab/...`.
    Kill      the number of an event, or {event, of, time}: the `time`-th event of this kind whose
              object has `of` in its name. The whole process group goes, as with `kill -9`.
    Journal   what of it reached the medium: flushed files and folders, and what the command answered.
              It lies outside of the folder that is set back by a power cut.

For Linux: elsewhere other calls flush.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import muniment.backup.pipeline as pipeline
from muniment.vault.store.local import LocalStore

os_open, os_write, os_fsync, os_close, os_link = os.open, os.write, os.fsync, os.close, os.link
_STEPS = ("make_plan", "extract", "encrypt", "upload", "validate_checksums", "commit_snapshot")


class Tracer:
    """Counts events, keeps the journal, kills the process group at the event that the job names."""

    def __init__(self, folder: Path, journal: Path, graveyard: Path, kill: Any) -> None:
        self._inside = f"{folder}/"
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._graveyard = graveyard
        self._kill = kill
        self._lock = threading.RLock()
        self._met = 0
        self.events = 0
        self._files: dict[int, str] = {}
        """Descriptor -> the file below the folder that it writes."""

    def write_down(self, **entry: Any) -> None:
        os_write(self._journal, json.dumps(entry).encode() + b"\n")

    def at(self, event: str, name: str = "") -> None:
        with self._lock:
            self.events += 1
            if isinstance(self._kill, int):
                if self.events == self._kill:
                    self.die(event, name)
            elif self._kill and event == self._kill["event"] and self._kill["of"] in name:
                self._met += 1
                if self._met == self._kill["time"]:
                    self.die(event, name)

    def die(self, event: str, name: str) -> None:
        self.write_down(killed=event, at=name, events=self.events)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    def inside(self, path: Any) -> str:
        """The path below the traced folder; empty for any other."""
        try:
            text = os.path.abspath(os.fsdecode(path))
        except TypeError:
            return ""
        return text[len(self._inside) :] if text.startswith(self._inside) else ""

    # -- the system's calls ------------------------------------------------------------------------

    def open(self, path: Any, flags: int, *args: Any, **kw: Any) -> int:
        descriptor = os_open(path, flags, *args, **kw)
        self._files.pop(descriptor, None)
        if kw.get("dir_fd") is None and (below := self.inside(path)) and flags & os.O_CREAT:
            self._files[descriptor] = below
            self.write_down(new=os.fstat(descriptor).st_ino)
            self.at("create.end", below)
        return descriptor

    def write(self, descriptor: int, data: Any) -> int:
        below = self._files.get(descriptor)
        if below is None:
            return os_write(descriptor, data)
        view = memoryview(data)
        written = os_write(descriptor, view[: len(view) // 2]) if len(view) > 1 else 0
        self.at("write.half", below)
        return written + os_write(descriptor, view[written:])

    def fsync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        try:
            where = self.inside(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:
            where = self._files.get(descriptor, "")
        self.at("fsync.begin", where)
        # What is there when the call begins is on the medium when it returns; not what comes in between.
        entries = None
        if os.path.isdir(descriptor):
            with os.scandir(descriptor) as found:
                entries = {e.name: e.inode() for e in found}
        os_fsync(descriptor)
        if entries is None:
            self.write_down(file=status.st_ino)
        else:
            self.write_down(folder=where, inode=status.st_ino, entries=entries)
        self.at("fsync.end", where)

    def close(self, descriptor: int) -> None:
        self._files.pop(descriptor, None)
        os_close(descriptor)

    def around(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def traced(*args: Any, **kw: Any) -> Any:
            path = args[1] if kind in ("link", "replace", "rename") else args[0]
            below = self.inside(path) if not {"dir_fd", "dst_dir_fd"} & kw.keys() else ""
            if not below:
                return call(*args, **kw)
            if kind == "unlink":
                self._bury(below)
            self.at(f"{kind}.begin", below)
            result = call(*args, **kw)
            self.at(f"{kind}.end", below)
            return result

        return traced

    def _bury(self, below: str) -> None:
        """Keeps a second name, so that a removal that did not reach the medium can be undone."""
        path = self._inside + below
        with suppress(FileExistsError, FileNotFoundError):
            os_link(path, self._graveyard / str(os.lstat(path).st_ino))

    def install(self) -> None:
        for name in ("open", "write", "fsync", "close"):
            setattr(os, name, getattr(self, name))
        for kind in ("link", "replace", "rename", "unlink", "mkdir", "rmdir"):
            setattr(os, kind, self.around(kind, getattr(os, kind)))
        os.remove = os.unlink
        for kind, method in (("put", "put"), ("delete", "delete_version")):
            setattr(LocalStore, method, self._of_store(kind, getattr(LocalStore, method)))
        for step in _STEPS:
            setattr(pipeline, step, self._step(step, getattr(pipeline, step)))

    def _of_store(self, kind: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def traced(store: LocalStore, name: str, *args: Any, **kw: Any) -> Any:
            self.at(f"{kind}.begin", name)
            result = method(store, name, *args, **kw)
            self.at(f"{kind}.end", name)
            return result

        return traced

    def _step(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def traced(*args: Any, **kw: Any) -> Any:
            result = call(*args, **kw)
            self.at(f"{name}.end")
            return result

        return traced
