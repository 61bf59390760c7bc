"""Files: a folder tree - a local disk, or a share mounted from a server - as a source and a target.

Nouns
- Root: the folder that is backed up. Path: raw bytes below it; it is the native id.
- Kinds: `dir`, `file`, `symlink`. The root is the `dir` of path `.`. Sockets, pipes, devices and what
  lies on other file systems are listed as skipped, with a cause, never left out in silence.
- Identity: what tells this tree from another one that is mounted in its place (`place`).

Invariants
- The source writes nothing, and leaves no trace in access times where the system permits that.
- No symbolic link below the root is followed, by source or target (`folders`).
- A tree that is absent, unmounted or exchanged raises SourceMissing; it never looks empty.
- The target shows a file under its final name only when it is whole, with all its attributes.
- What cannot be given back is named in `Given.differences`; nothing is lost in silence.
- Errors and differences carry no path.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muniment.sources.files.source import FileSource
    from muniment.sources.files.target import FileTarget

__all__ = ["FileSource", "FileTarget"]

_MODULES = {"FileSource": "source", "FileTarget": "target"}


def __getattr__(name: str) -> Any:
    # A backup needs no target and a restore no source; both are much to import (PEP 562).
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
