"""Files: a folder tree as a source, and as a target. What is read is `muniment.sources.tree`'s.

Invariants
- No symbolic link below the root is followed, by source or target.
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
