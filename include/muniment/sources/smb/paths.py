"""Paths: native ids of a share, and the same as the server wants to hear them."""

from __future__ import annotations

from muniment.sources.tree.folders import ROOT, components

_NEVER = frozenset("/\\:\0")


def bytes_of_name(name: str) -> bytes:
    """UTF-8; Windows allows halves of surrogate pairs, which become three bytes each."""
    return name.encode("utf-8", "surrogatepass")


def sound(name: str) -> bool:
    """Can it be a name in a folder? A server that is not ours may say anything."""
    return bool(name) and name not in (".", "..") and _NEVER.isdisjoint(name)


def on_the_wire(folder: str, native_id: bytes) -> bytes:
    """UTF-16, below the share. Raises ValueError for what is no path below the place, or not of this source."""
    names = [name.decode("utf-8", "surrogatepass") for name in components(native_id)]
    for number, name in enumerate(names):
        base, colon, stream = name.partition(":")
        last = number == len(names) - 1
        if not sound(base) or (colon and not (last and sound_stream(stream))):
            raise ValueError("no name of a file or stream")
    return "\\".join([*folder.split("/"), *names] if folder else names).encode(
        "utf-16-le", "surrogatepass"
    )


def sound_stream(name: str) -> bool:
    return bool(name) and _NEVER.isdisjoint(name)


def is_stream(native_id: bytes) -> bool:
    return b":" in native_id.rpartition(b"/")[2]


def join(folder: bytes, name: bytes) -> bytes:
    return name if folder == ROOT else folder + b"/" + name


def file_of(path: bytes) -> bytes:
    """The file that a stream belongs to, as the server hears it."""
    text = path.decode("utf-16-le", "surrogatepass")
    return text.rpartition(":")[0].encode("utf-16-le", "surrogatepass")
