"""Place: which file system a folder lies on, and how to know it again after a restart.

The identity of a tree is `<type>:<file system>:<inode of the root>`. Device numbers are given out anew
at every boot and say nothing. So *file system* is, where it can be had,

- on Linux the UUID of the file system: by an ioctl that btrfs, XFS, and from Linux 6.9 on others
  answer; for ext4 its fold in statvfs(3), so that a new kernel does not change the identity;
- on macOS the volume's UUID (getattrlist(2), ATTR_VOL_UUID);
- for a network mount, a digest of what is mounted (`server:/export`, `//server/share`).

SMB, SFTP and other FUSE mounts make up inode numbers at every mount, so theirs carry no inode. What
no rule covers (overlay, ZFS) is known by the name of what is mounted. A btrfs snapshot counts as the
subvolume it was made of. A share that is mounted by another name, or restored to another disk, is
another tree: the run says so and stops.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import re
import sys

from muniment.model.value import Value

STABLE_INODES = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "apfs", "hfs", "nfs"}
)
"""Where a file keeps its inode number for as long as it exists, over mounts and restarts. NFS: the
fileid, which RFC 8881 (5.8.2.6) ties to the file. SMB and FUSE make numbers up."""

NETWORK = frozenset(
    {"nfs", "cifs", "smb3", "smbfs", "afpfs", "webdav", "ceph", "9p", "fuse", "virtiofs"}
)

_UUID_IOCTLS = {
    "btrfs": (0x8400941F, 1024, 16),  # BTRFS_IOC_FS_INFO
    "xfs": (0x80705864, 112, 64),  # XFS_IOC_FSGEOMETRY_V1
}
_ANY_UUID_IOCTL = (0x80111500, 17, 1)  # FS_IOC_GETFSUUID
"""Number of the request, bytes of its answer, where in it the 16 bytes of the UUID stand. From
include/uapi/linux/{btrfs,fs}.h and xfs_fs.h."""

_FSID_FROM_UUID = frozenset({"ext2", "ext3", "ext4"})


class Mount(Value, frozen=True):
    """What is mounted where. `type` is normalised: `nfs4` is `nfs`, `fuse.sshfs` is `fuse`."""

    point: bytes
    type: str
    source: bytes

    @property
    def remote(self) -> bool:
        return self.type in NETWORK


def mount_of(root: bytes) -> Mount:
    """The mount that a folder lies on. Raises OSError."""
    return _mount_darwin(root) if sys.platform == "darwin" else _mount_linux(root)


def identity_of(descriptor: int, mount: Mount) -> str:
    """The identity of the tree whose root is open, see above."""
    system = _uuid(descriptor, mount)
    if not system:
        system = "m" + hashlib.sha256(mount.source).hexdigest()[:24]
    stable = mount.type in STABLE_INODES or not mount.remote
    inode = os.fstat(descriptor).st_ino if stable else 0
    return f"{mount.type}:{system}:{inode}"


def _uuid(descriptor: int, mount: Mount) -> str:
    if mount.remote:
        return ""
    if sys.platform == "darwin":
        return _volume_uuid_darwin(descriptor)
    if mount.type in _FSID_FROM_UUID:
        return f"f{os.fstatvfs(descriptor).f_fsid:016x}"
    request, length, start = _UUID_IOCTLS.get(mount.type, _ANY_UUID_IOCTL)
    answer = bytearray(length)
    try:
        fcntl.ioctl(descriptor, request, answer)
    except OSError:
        return ""
    uuid = bytes(answer[start : start + 16])
    return "u" + uuid.hex() if any(uuid) else ""


# -- Linux ---------------------------------------------------------------------------------------

_OCTAL = re.compile(rb"\\([0-7]{3})")


def _mount_linux(root: bytes) -> Mount:
    real = os.path.realpath(root)
    best: Mount | None = None
    # Read to the end before it is judged: the kernel writes it in pieces of one page.
    with open("/proc/self/mountinfo", "rb", buffering=0) as file:
        table = file.readall() or b""
    for line in table.splitlines():
        before, _, after = line.partition(b" - ")
        point = _plain(before.split(b" ")[4])
        kind, source = after.split(b" ")[:2]
        inside = real == point or real.startswith(point.rstrip(b"/") + b"/")
        # A later mount on the same point lies on top of an earlier one.
        if inside and (best is None or len(point) >= len(best.point)):
            best = Mount(point, _type(kind.decode()), _plain(source))
    return best or Mount(b"/", "unknown", b"")


def _plain(field: bytes) -> bytes:
    return _OCTAL.sub(lambda m: bytes([int(m[1], 8)]), field)


def _type(name: str) -> str:
    if name == "nfs4":
        return "nfs"
    return "fuse" if name.startswith("fuse") else name


# -- macOS ---------------------------------------------------------------------------------------

# struct statfs with 64-bit inodes, <sys/mount.h>: f_fstypename at 72, f_mntonname at 88,
# f_mntfromname at 1112.
_STATFS_BYTES = 2168


def _mount_darwin(root: bytes) -> Mount:
    library = ctypes.CDLL(None, use_errno=True)
    try:
        statfs = library["statfs$INODE64"]
    except AttributeError:
        statfs = library["statfs"]
    answer = ctypes.create_string_buffer(_STATFS_BYTES)
    if statfs(ctypes.c_char_p(root), answer) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))

    def text(start: int, length: int) -> bytes:
        return answer.raw[start : start + length].split(b"\0", 1)[0]

    return Mount(text(88, 1024), _type(text(72, 16).decode()), text(1112, 1024))


def _volume_uuid_darwin(descriptor: int) -> str:
    class AttributeList(ctypes.Structure):
        _fields_ = (
            ("bitmapcount", ctypes.c_ushort),
            ("reserved", ctypes.c_uint16),
            ("commonattr", ctypes.c_uint32),
            ("volattr", ctypes.c_uint32),
            ("dirattr", ctypes.c_uint32),
            ("fileattr", ctypes.c_uint32),
            ("forkattr", ctypes.c_uint32),
        )

    wanted = AttributeList(bitmapcount=5, volattr=0x80000000 | 0x00040000)
    answer = ctypes.create_string_buffer(20)
    library = ctypes.CDLL(None, use_errno=True)
    # Volume attributes are asked of the mount point, by name.
    point = _mount_darwin(os.fsencode(f"/dev/fd/{descriptor}")).point
    failed = library.getattrlist(
        ctypes.c_char_p(point), ctypes.byref(wanted), answer, ctypes.c_size_t(20), ctypes.c_ulong(0)
    )
    return "" if failed else "u" + answer.raw[4:20].hex()
