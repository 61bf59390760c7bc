"""File trees for tests: copied through source and target, looked at in every respect, made odd."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from muniment.model.item import Observed
from muniment.sources.base import Given, Skipped
from muniment.sources.files import FileSource, FileTarget
from tests.support.needs import missing


class Taken(NamedTuple):
    """One item as a backup has it."""

    kind: str
    native_id: bytes
    metadata: dict[str, Any]
    mtime_ns: int
    content: bytes

    @property
    def digest(self) -> bytes:
        return sha256(self.content).digest() if self.kind == "file" else b""


def listing(source: FileSource) -> tuple[dict[bytes, Observed], dict[bytes, Skipped]]:
    """What a scan observed and what it skipped, by native id; fails on anything listed twice."""
    observed: dict[bytes, Observed] = {}
    skipped: dict[bytes, Skipped] = {}
    for item in source.scan():
        assert item.native_id not in observed and item.native_id not in skipped
        if isinstance(item, Skipped):
            skipped[item.native_id] = item
        else:
            observed[item.native_id] = item
    return observed, skipped


def take(source: FileSource, kind: str, native_id: bytes) -> Taken:
    """Opens, describes and reads one item to the end."""
    with source.open(kind, native_id) as reader:
        description = reader.describe()
        pieces = list(iter(lambda: reader.read(1 << 20), b""))
        assert reader.settled()
    return Taken(
        kind,
        native_id,
        dict(description.metadata),
        description.fingerprint.mtime_ns,
        b"".join(pieces),
    )


def take_all(source: FileSource) -> list[Taken]:
    """Everything a scan shows, in the order in which a restore gives it."""
    observed, _ = listing(source)
    order = {"dir": 0, "file": 1, "symlink": 2}
    return [
        take(source, item.kind, item.native_id)
        for item in sorted(observed.values(), key=lambda o: (order[o.kind], o.native_id))
    ]


def give(target: FileTarget, item: Taken) -> Given:
    return target.give(
        item.kind,
        item.native_id,
        item.metadata,
        iter([item.content]) if item.content else iter([]),
        mtime_ns=item.mtime_ns,
        digest=item.digest,
        size=len(item.content),
    )


def give_all(target: FileTarget, items: Sequence[Taken]) -> dict[bytes, tuple[str, ...]]:
    """Gives and finishes; native id -> differences, where there are any."""
    differences: dict[bytes, tuple[str, ...]] = {}
    for given in [*(give(target, item) for item in items), *target.finish()]:
        if given.differences:
            known = differences.get(given.native_id, ())
            differences[given.native_id] = (*known, *given.differences)
    return differences


def text_file(name: bytes, content: bytes = b"text", mtime_ns: int = 10**18, **more: Any) -> Taken:
    """A file that no source has: for what a target is asked to do."""
    return Taken("file", name, {"mode": 0o644, **more}, mtime_ns, content)


def copy(source: Path, target: Path, **options: Any) -> dict[bytes, tuple[str, ...]]:
    """Out of a source, into a target."""
    return give_all(FileTarget(target, **options), take_all(FileSource("files", source)))


# -- looking -------------------------------------------------------------------------------------


def picture(root: Path) -> dict[bytes, dict[str, Any]]:
    """Everything that can be seen of a tree, path by path; for comparison with `==`.

    Hard links are shown as the set of paths that are one file. Walks by descriptor, as deep as the
    tree goes.
    """
    found: dict[bytes, dict[str, Any]] = {}
    inodes: dict[int, list[bytes]] = {}
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    todo = [(b".", top)]
    while todo:
        path, fd = todo.pop()
        found[path] = _look(fd, ".", os.fstat(fd))
        for name in os.listdir(fd):
            raw = os.fsencode(name)
            below = raw if path == b"." else path + b"/" + raw
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                todo.append((below, os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)))
                continue
            found[below] = _look(fd, name, status)
            if status.st_nlink > 1:
                inodes.setdefault(status.st_ino, []).append(below)
        os.close(fd)
    for paths in inodes.values():
        for path in paths:
            found[path]["one file"] = sorted(paths)
    return found


def _look(fd: int, name: str, status: os.stat_result) -> dict[str, Any]:
    seen: dict[str, Any] = {
        "mode": oct(status.st_mode),
        "owner": (status.st_uid, status.st_gid),
        "mtime": status.st_mtime_ns,
    }
    if stat.S_ISLNK(status.st_mode):
        seen["target"] = os.readlink(os.fsencode(name), dir_fd=fd)
        return seen
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return seen
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)
    try:
        seen["xattrs"] = {
            x: base64.b64encode(os.getxattr(opened, x)).decode()
            for x in os.listxattr(opened)
            if not x.startswith("security.")
        }
        if stat.S_ISREG(status.st_mode):
            digest = sha256()
            while data := os.read(opened, 1 << 20):
                digest.update(data)
            seen["content"] = digest.hexdigest()
            seen["size"] = status.st_size
    finally:
        os.close(opened)
    return seen


# -- making --------------------------------------------------------------------------------------


@contextmanager
def temporary_tree() -> Iterator[Path]:
    """A folder that anyone may enter, removed by `rm`: pytest's own is private to root, and Python
    cannot remove a tree of a thousand levels."""
    folder = tempfile.mkdtemp(prefix="muniment-test-")
    os.chmod(folder, 0o755)
    try:
        yield Path(folder)
    finally:
        subprocess.run(["rm", "-rf", "--", folder], check=True)


def make_deep(root: Path, names: Sequence[bytes], content: bytes) -> None:
    """Folders in folders, by descriptor; the last name is a file."""
    fd = os.open(root, os.O_RDONLY)
    for name in names[:-1]:
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    file = os.open(names[-1], os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
    os.write(file, content)
    os.close(file)
    os.close(fd)


# -- what a file system can do -------------------------------------------------------------------


def needs_xattrs(folder: Path) -> None:
    """Tries; a file system that refuses them cannot run the test."""
    probe = folder / ".probe"
    probe.write_bytes(b"")
    try:
        os.setxattr(probe, "user.probe", b"1")
    except OSError:
        missing("a file system with extended attributes", "set TMPDIR to ext4, XFS or btrfs")
    finally:
        probe.unlink()


def needs_acls(folder: Path) -> None:
    probe = folder / ".probe"
    probe.write_bytes(b"")
    try:
        if subprocess.run(["setfacl", "-m", "u:12345:r", str(probe)], check=False).returncode:
            missing("a file system with POSIX ACLs", "set TMPDIR to ext4, XFS or btrfs")
    finally:
        probe.unlink()
