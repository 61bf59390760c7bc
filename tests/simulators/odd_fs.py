"""A file system with the oddities of others, on demand: run as a program, it serves /dev/fuse.

    python -m tests.simulators.odd_fs MOUNT_POINT [ODDITY ...]

Oddities:
- `folds-case`: capitals and small letters are one name, kept as first written (NTFS, APFS, SMB);
- `folds-unicode`: the two Unicode forms of a name are one (APFS, HFS+);
- `utf-8-only`: names that are no UTF-8 are refused with EILSEQ (APFS, ZFS utf8only);
- `windows-names`: names with `"*:<>?|\\` or a dot or space at the end are refused with EINVAL;
- `no-links`: hard links are refused with EPERM (FAT, most FUSE systems);
- `no-times`: times are whole seconds, even ones (FAT);
- `untyped`: a listing does not say what is a folder (XFS without ftype, some network systems).
Files named `EIO...` cannot be read, folders named so cannot be listed, and what is named `LOST...`
cannot even be looked at, once it is made. There are no extended attributes, and no rename that refuses to replace. Everything is kept in memory.

It speaks version 7.31 of the kernel's protocol (include/uapi/linux/fuse.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import stat
import struct
import sys
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

HEADER = struct.Struct("<IIQQIIIHH")
ANSWER = struct.Struct("<IiQ")
ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
ROOT = 1
MAX_WRITE = 128 << 10

SET_MODE, SET_UID, SET_GID, SET_SIZE, SET_MTIME, SET_MTIME_NOW = 1, 2, 4, 8, 32, 256


class Refused(Exception):
    """Answered with an error number."""


@dataclass
class Node:
    number: int
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    ctime_ns: int
    content: bytearray = field(default_factory=bytearray)
    entries: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    """Folded name -> (name as written, node)."""
    links: int = 1


class OddFileSystem:
    def __init__(self, oddities: set[str]) -> None:
        self.oddities = oddities
        now = time.time_ns()
        self.nodes = {ROOT: Node(ROOT, stat.S_IFDIR | 0o755, os.getuid(), os.getgid(), now, now)}
        self.next = ROOT + 1
        self.calls: dict[int, Callable[[Node, bytes, tuple[int, int]], bytes | None]] = {
            1: self.lookup, 3: self.getattr, 4: self.setattr, 5: self.readlink, 6: self.symlink,
            9: self.mkdir, 10: self.unlink, 11: self.unlink, 12: self.rename, 13: self.link,
            14: self.open, 15: self.read, 16: self.write, 17: self.statfs, 18: self.nothing,
            20: self.nothing, 25: self.nothing, 26: self.init, 27: self.open, 28: self.readdir,
            29: self.nothing, 30: self.nothing, 35: self.create, 38: self.nothing, 50: self.nothing,
        }  # fmt: skip

    # -- names -----------------------------------------------------------------------------------

    def fold(self, name: bytes) -> bytes:
        try:
            text = name.decode()
        except UnicodeDecodeError:
            return name
        if "folds-unicode" in self.oddities:
            text = unicodedata.normalize("NFD", text)
        if "folds-case" in self.oddities:
            text = text.casefold()
        return text.encode()

    def accept(self, name: bytes) -> None:
        if len(name) > 255:
            raise Refused(errno.ENAMETOOLONG)
        if "utf-8-only" in self.oddities:
            try:
                name.decode()
            except UnicodeDecodeError:
                raise Refused(errno.EILSEQ) from None
        if "windows-names" in self.oddities and re.search(rb'["*:<>?|\\]|[. ]$', name):
            raise Refused(errno.EINVAL)

    def find(self, folder: Node, name: bytes) -> Node:
        found = folder.entries.get(self.fold(name))
        if found is None:
            raise Refused(errno.ENOENT)
        return self.nodes[found[1]]

    def enter(self, folder: Node, name: bytes, node: Node) -> None:
        self.accept(name)
        folder.entries[self.fold(name)] = (name, node.number)
        self.touch(folder)

    def make(self, folder: Node, name: bytes, mode: int, owner: tuple[int, int]) -> Node:
        if self.fold(name) in folder.entries:
            raise Refused(errno.EEXIST)
        now = self.rounded(time.time_ns())
        node = Node(self.next, mode, *owner, now, now)
        self.enter(folder, name, node)
        self.nodes[self.next] = node
        self.next += 1
        return node

    def touch(self, node: Node) -> None:
        node.mtime_ns = node.ctime_ns = self.rounded(time.time_ns())

    def rounded(self, at: int) -> int:
        return at - at % 2_000_000_000 if "no-times" in self.oddities else at

    # -- answers ---------------------------------------------------------------------------------

    def attributes(self, node: Node) -> bytes:
        m, c = divmod(node.mtime_ns, 10**9), divmod(node.ctime_ns, 10**9)
        size = len(node.content)
        return ATTRIBUTES.pack(
            node.number, size, -(-size // 512), m[0] % 2**64, m[0] % 2**64, c[0] % 2**64,
            m[1], m[1], c[1], node.mode, node.links, node.uid, node.gid, 0, 4096, 0,
        )  # fmt: skip

    def entry(self, node: Node) -> bytes:
        # Valid for no time at all: the kernel must ask for every name, as it is written.
        return struct.pack("<QQQQII", node.number, 0, 0, 0, 0, 0) + self.attributes(node)

    # -- calls -----------------------------------------------------------------------------------

    def init(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 12, 9, MAX_WRITE, 1, 32, 0, 0)

    def nothing(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        return b""

    def lookup(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        name = body.rstrip(b"\0")
        found = self.find(node, name)
        if name.startswith(b"LOST"):
            raise Refused(errno.EIO)
        return self.entry(found)

    def getattr(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self.attributes(node)

    def setattr(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        valid, _, _, size, _, _, mtime, _, _, mtime_ns, _, mode, _, uid, gid, _ = struct.unpack(
            "<IIQQQqqqIIIIIIII", body[:88]
        )
        if valid & SET_MODE:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        if valid & SET_UID:
            node.uid = uid
        if valid & SET_GID:
            node.gid = gid
        if valid & SET_SIZE:
            del node.content[size:]
            node.content.extend(bytes(size - len(node.content)))
        if valid & SET_MTIME_NOW:
            self.touch(node)
        elif valid & SET_MTIME:
            node.mtime_ns = self.rounded(mtime * 10**9 + mtime_ns)
        node.ctime_ns = self.rounded(time.time_ns())
        return self.getattr(node, body, owner)

    def readlink(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        return bytes(node.content)

    def symlink(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        name, target, _ = body.split(b"\0", 2)
        made = self.make(node, name, stat.S_IFLNK | 0o777, owner)
        made.content[:] = target
        return self.entry(made)

    def mkdir(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        mode = stat.S_IFDIR | struct.unpack_from("<I", body)[0]
        return self.entry(self.make(node, body[8:].rstrip(b"\0"), mode, owner))

    def create(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        mode = stat.S_IFREG | stat.S_IMODE(struct.unpack_from("<4xI", body)[0])
        made = self.make(node, body[16:].rstrip(b"\0"), mode, owner)
        return self.entry(made) + struct.pack("<QII", made.number, 0, 0)

    def unlink(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        name = body.rstrip(b"\0")
        gone = self.find(node, name)
        if gone.entries:
            raise Refused(errno.ENOTEMPTY)
        del node.entries[self.fold(name)]
        gone.links -= 1
        self.touch(node)
        return b""

    def rename(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        folder = self.nodes[struct.unpack_from("<Q", body)[0]]
        old, new, _ = body[8:].split(b"\0", 2)
        moved = self.find(node, old)
        self.accept(new)
        del node.entries[self.fold(old)]
        self.enter(folder, new, moved)
        return b""

    def link(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        if "no-links" in self.oddities:
            raise Refused(errno.EPERM)
        name = body[8:].rstrip(b"\0")
        if self.fold(name) in node.entries:
            raise Refused(errno.EEXIST)
        linked = self.nodes[struct.unpack_from("<Q", body)[0]]
        self.enter(node, name, linked)
        linked.links += 1
        return self.entry(linked)

    def open(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        return struct.pack("<QII", node.number, 1, 0)  # 1: past the page cache

    def fails(self, node: Node) -> bool:
        return any(
            number == node.number and name.startswith(b"EIO")
            for folder in self.nodes.values()
            for name, number in folder.entries.values()
        )

    def read(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        if self.fails(node):
            raise Refused(errno.EIO)
        offset, size = struct.unpack_from("<8xQI", body)
        return bytes(node.content[offset : offset + size])

    def write(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        offset, size = struct.unpack_from("<8xQI", body)
        node.content.extend(bytes(max(0, offset - len(node.content))))
        node.content[offset : offset + size] = body[40 : 40 + size]
        self.touch(node)
        return struct.pack("<II", size, 0)

    def readdir(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        if self.fails(node):
            raise Refused(errno.EIO)
        offset, size = struct.unpack_from("<8xQI", body)
        out = b""
        for at, (name, number) in list(enumerate(node.entries.values(), 1))[offset:]:
            kind = stat.S_IFMT(self.nodes[number].mode) >> 12
            kind = 0 if "untyped" in self.oddities else kind
            entry = struct.pack("<QQII", number, at, len(name), kind) + name
            entry += bytes(-len(entry) % 8)
            if len(out) + len(entry) > size:
                break
            out += entry
        return out

    def statfs(self, node: Node, body: bytes, owner: tuple[int, int]) -> bytes:
        return struct.pack(
            "<QQQQQIIII24x", 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096, 0
        )

    # -- the loop --------------------------------------------------------------------------------

    def serve(self, device: int) -> None:
        while True:
            try:
                request = os.read(device, MAX_WRITE + 65536)
            except OSError as error:
                if error.errno == errno.ENODEV:  # unmounted
                    return
                if error.errno in (errno.EINTR, errno.ENOENT):
                    continue
                raise
            _, opcode, unique, node, uid, gid, _, _, _ = HEADER.unpack_from(request)
            if opcode in (2, 42):  # forget: nothing is, and no answer is wanted
                continue
            error, answer = self.answer(opcode, node, request[HEADER.size :], (uid, gid))
            os.write(device, ANSWER.pack(ANSWER.size + len(answer), -error, unique) + answer)

    def answer(
        self, opcode: int, node: int, body: bytes, owner: tuple[int, int]
    ) -> tuple[int, bytes]:
        call = self.calls.get(opcode)
        if call is None:
            return errno.ENOSYS, b""
        try:
            return 0, call(self.nodes.get(node, self.nodes[ROOT]), body, owner) or b""
        except Refused as refused:
            return refused.args[0], b""


def main() -> None:
    place, *oddities = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"odd", os.fsencode(place), b"fuse.odd", 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    print("mounted", flush=True)
    OddFileSystem(set(oddities)).serve(device)


if __name__ == "__main__":
    main()
