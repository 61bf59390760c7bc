"""Attributes: mode, owner, names, extended attributes and ACLs, as a row's metadata.

The form is docs/FORMAT.md, section 4. Which extended attributes are kept:

- `user.*`: people's and programs' own; Samba keeps DOS attributes there;
- `system.posix_acl_access`, `system.posix_acl_default`: POSIX ACLs; `system.nfs4_acl`: NFSv4 ACLs;
- `security.NTACL`: the Windows permissions that Samba keeps on the server's disk;
- `trusted.*` and the rest of `security.*` only if asked (`every_xattr`) and privileged: they belong
  to the machine (SELinux labels, capabilities), and seldom fit another.

Python reads extended attributes on Linux only; on macOS none are taken, and `probe` says so.
"""

from __future__ import annotations

import base64
import errno
import functools
import grp
import os
import pwd
import stat
from collections.abc import Mapping
from typing import Any

from muniment.model.text import text_of

ACL_ACCESS = "system.posix_acl_access"
ACL_DEFAULT = "system.posix_acl_default"
ACLS = frozenset({ACL_ACCESS, ACL_DEFAULT, "system.nfs4_acl"})
ALWAYS = ACLS | {"security.NTACL"}

HAS_XATTRS = hasattr(os, "listxattr")

UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
GONE = frozenset({errno.ENODATA, errno.ENOENT}) if hasattr(errno, "ENODATA") else frozenset()

SPARSE_FROM = 64 << 10
"""Smaller files may have no blocks because they lie inside their inode."""


def wanted(name: str, every: bool = False) -> bool:
    """Is this extended attribute kept?"""
    return name.startswith("user.") or name in ALWAYS or every


def read_xattrs(descriptor: int, every: bool = False) -> dict[str, str]:
    """Percent-text name -> base64 value, by name. Raises OSError."""
    if not HAS_XATTRS:
        return {}
    try:
        names = os.listxattr(descriptor)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return {}
        raise
    found = {}
    for name in sorted(names):
        if not wanted(name, every):
            continue
        try:
            value = os.getxattr(descriptor, name)
        except OSError as error:
            if error.errno in GONE | UNSUPPORTED:
                continue
            raise
        found[text_of(os.fsencode(name))] = base64.b64encode(value).decode()
    return found


def metadata_of(status: os.stat_result, xattrs: Mapping[str, str]) -> dict[str, Any]:
    """The metadata that files, folders and links have in common."""
    found: dict[str, Any] = {
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }
    if owner := user_name(status.st_uid):
        found["owner"] = owner
    if group := group_name(status.st_gid):
        found["group"] = group
    if xattrs:
        found["xattrs"] = dict(xattrs)
    return found


# A directory service is asked once for each id, not once for each file.


@functools.lru_cache(maxsize=4096)
def user_name(uid: int) -> str:
    """The account's name as percent text, or nothing where it has none."""
    try:
        return text_of(os.fsencode(pwd.getpwuid(uid).pw_name))
    except (KeyError, OSError):
        return ""


@functools.lru_cache(maxsize=4096)
def group_name(gid: int) -> str:
    """The group's name as percent text, or nothing where it has none."""
    try:
        return text_of(os.fsencode(grp.getgrgid(gid).gr_name))
    except (KeyError, OSError):
        return ""


def is_sparse(descriptor: int, status: os.stat_result) -> bool:
    """Has the file holes? Compressed files have fewer blocks than bytes too, hence the second look."""
    if status.st_size < SPARSE_FROM or status.st_blocks * 512 >= status.st_size:
        return False
    try:
        hole = os.lseek(descriptor, 0, os.SEEK_HOLE)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:
        return True
    return hole < status.st_size
