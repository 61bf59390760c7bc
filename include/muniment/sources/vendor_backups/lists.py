"""Lists of parts: which files a set has, as `sha256sum`, `md5sum` or a plain list of names say it. Pure."""

from __future__ import annotations

import posixpath
import re

LONGEST = 4 << 20
"""Bytes. What is longer is no list of a set's files."""

_DIGEST = re.compile(rb"[0-9A-Fa-f]{32,128} [ *](?P<name>.+)")
_TAGGED = re.compile(rb"[A-Z0-9-]+ \((?P<name>.+)\) = [0-9A-Fa-f]{32,128}")


def named_in(content: bytes, folder: bytes) -> frozenset[bytes]:
    """The paths that a list in `folder` names. Raises ValueError for one that leads out of it, which would be no part
    of the set."""
    found = set()
    for line in content.removeprefix(b"\xef\xbb\xbf").splitlines():
        text = line.strip()
        if not text or text.startswith((b"#", b";")):
            continue
        match = _DIGEST.fullmatch(text) or _TAGGED.fullmatch(text)
        name = (match["name"] if match else text).replace(b"\\", b"/").strip()
        path = posixpath.normpath(posixpath.join(folder, name))
        if path.startswith((b"../", b"/")) or path in (b"..", b"."):
            raise ValueError("a list of parts names a file outside of its folder")
        found.add(path)
    return frozenset(found)
