"""Set attributes: what a row's metadata says, given to what was restored; and what could not be.

Order matters: a new owner clears set-user-id and capabilities, an ACL is wider than a mode, and all
of it moves times. So: owner, extended attributes and ACLs, mode, times. Owners are set by number, as
backed up: names are for people, and may mean somebody else on this machine.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import stat
from collections.abc import Mapping
from typing import Any

from muniment.model.text import bytes_of
from muniment.model.value import Value
from muniment.sources.tree.attributes import ACL_ACCESS, ACL_DEFAULT, ACLS, HAS_XATTRS

_LARGEST_ID = (1 << 32) - 2  # 2^32 - 1 means "leave as it is" to chown(2)


_WINDOWS = {"descriptor": "windows permissions", "stream": "stream"}
"""Keys of a file server's metadata, and the difference that they make: permissions stand in a list beside the delivery, a
stream is a file beside its own."""


class Wanted(Value, frozen=True):
    """Metadata as it is needed here. What is absent or no sense is None and is left alone."""

    mode: int | None
    uid: int | None
    gid: int | None
    mtime_ns: int | None
    xattrs: Mapping[str, str]
    windows: tuple[str, ...] = ()
    """What of a Windows file a folder here cannot keep."""

    @classmethod
    def of(cls, metadata: Mapping[str, Any], mtime_ns: int | None) -> Wanted:
        mode = _number(metadata.get("mode"), 0o7777)
        uid = _number(metadata.get("uid"), _LARGEST_ID)
        gid = _number(metadata.get("gid"), _LARGEST_ID)
        xattrs = metadata.get("xattrs")
        return cls(
            mode, uid, gid, mtime_ns, xattrs if isinstance(xattrs, Mapping) else {},
            tuple(word for key, word in _WINDOWS.items() if key in metadata),
        )  # fmt: skip


def _number(value: object, largest: int) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= largest else None


def set_on_open(
    descriptor: int, wanted: Wanted, *, privileged: bool, inherited_acl: bool
) -> tuple[list[str], os.stat_result]:
    """For an open file or folder. Returns the differences and how it stands now.

    Args:
        privileged: may owners be given away?
        inherited_acl: it may have got an ACL from its folder, which the original had not.
    """
    _own(descriptor, wanted, privileged)
    differences = _xattrs(descriptor, wanted, inherited_acl)
    _mode(descriptor, wanted)
    if wanted.mtime_ns is not None:
        with contextlib.suppress(OSError, OverflowError):
            os.utime(descriptor, ns=(wanted.mtime_ns, wanted.mtime_ns))
    now = os.fstat(descriptor)
    if wanted.mode is not None and stat.S_IMODE(now.st_mode) != wanted.mode:
        differences.append("mode")
    return [*differences, *wanted.windows, *_of_status(now, wanted)], now


def set_on_link(
    folder: int, name: bytes, wanted: Wanted, *, privileged: bool
) -> tuple[list[str], os.stat_result]:
    """For a symbolic link, by its name in an open folder; it is not followed."""
    if privileged:
        with contextlib.suppress(OSError):
            os.chown(name, *_ids(wanted), dir_fd=folder, follow_symlinks=False)
    if wanted.mtime_ns is not None:
        times = (wanted.mtime_ns, wanted.mtime_ns)
        with contextlib.suppress(OSError, OverflowError, NotImplementedError):
            os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)
    now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return _of_status(now, wanted), now


def _of_status(now: os.stat_result, wanted: Wanted) -> list[str]:
    differences = []
    if wanted.uid not in (None, now.st_uid):
        differences.append("owner")
    if wanted.gid not in (None, now.st_gid):
        differences.append("group")
    if wanted.mtime_ns not in (None, now.st_mtime_ns):
        differences.append("mtime")
    return differences


def _ids(wanted: Wanted) -> tuple[int, int]:
    return (
        -1 if wanted.uid is None else wanted.uid,
        -1 if wanted.gid is None else wanted.gid,
    )


def _own(descriptor: int, wanted: Wanted, privileged: bool) -> None:
    """What is refused shows when the status is compared."""
    uid, gid = _ids(wanted)
    try:
        if privileged:
            os.fchown(descriptor, uid, gid)
        elif gid != -1 and os.fstat(descriptor).st_gid != gid:
            # An owner may give a file to a group that he is a member of.
            os.fchown(descriptor, -1, gid)
    except OSError:
        pass


def _mode(descriptor: int, wanted: Wanted) -> None:
    mode = wanted.mode
    if mode is None:
        return
    if mode & (stat.S_ISUID | stat.S_ISGID):
        now = os.fstat(descriptor)
        # A program that runs as its owner must not run as whoever restored it.
        if wanted.uid not in (None, now.st_uid):
            mode &= ~stat.S_ISUID
        if wanted.gid not in (None, now.st_gid) and stat.S_ISREG(now.st_mode):
            mode &= ~stat.S_ISGID
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, mode)


def _xattrs(descriptor: int, wanted: Wanted, inherited_acl: bool) -> list[str]:
    differences = []
    if inherited_acl and HAS_XATTRS:
        for name in (ACL_ACCESS, ACL_DEFAULT):
            if name not in wanted.xattrs:
                # Most often it has none, which is an error too.
                with contextlib.suppress(OSError):
                    os.removexattr(descriptor, name)
    for text, value in wanted.xattrs.items():
        # Not every name is text; but all that can be set are plain once decoded.
        try:
            if not HAS_XATTRS:
                raise OSError
            name = os.fsdecode(bytes_of(text))
            os.setxattr(descriptor, name, base64.b64decode(value, validate=True))
        except (OSError, ValueError, TypeError, binascii.Error):
            label = "acl" if text in ACLS else f"xattr:{text}"
            if label not in differences:
                differences.append(label)
    return differences
