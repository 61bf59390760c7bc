"""Places: where a vault lies, and what whoever can write there is able to do to it.

- `Folder`: everything. There are no versions, so what is put on top has replaced what was there.
- `Memory`: a versioned store whose medium can be changed below its versions.
- `Bucket`: the real S3 server through its API. On top of an object with the least role that may write
  it; delete markers and deletions with the bucket owner's credential, which a lock refuses.
- `Volume`: the real S3 server's volume files, below the API and every lock.
"""

from __future__ import annotations

import itertools
import json
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from demo.faults import crc32c
from muniment.embedded.s3 import ADMIN
from muniment.errors import StoreDenied
from muniment.vault.store.base import Store
from muniment.vault.store.local import LocalStore
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import make_client
from tests.support.fake_stores import VersionedStore, put
from tests.support.s3_server import FREE, LOCKED, S3Place, S3Server

_PARALLEL = 6

Change = Callable[[bytes], bytes]


class Place(ABC):
    """A copy of a vault. `store` is the reader's; the other methods are the attacker's."""

    name: str
    versions = True
    """Does what lies below stay when something is put on top?"""
    loses = True
    """Can an object be removed for good?"""
    store: Store

    def data(self, name: str) -> bytes:
        """The true bytes."""
        return self._objects[name]

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self._objects = dict(objects)

    @abstractmethod
    def change(self, name: str, change: Change) -> None:
        """The stored bytes are others now, and nothing else shows it."""

    @abstractmethod
    def put_on_top(self, name: str, data: bytes) -> None:
        """A plain write under a name, taken or free."""

    @abstractmethod
    def mark_deleted(self, name: str) -> None:
        """A plain delete."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """The object is gone, in every version; where a lock refuses that, a plain delete."""

    def close(self) -> None:  # noqa: B027 - most have nothing to undo
        """Undoes what outlives the copy."""


class Folder(Place):
    name = "folder"
    versions = False

    _numbers = itertools.count(1)

    def __init__(self, objects: Mapping[str, bytes], root: Path) -> None:
        super().__init__(objects)
        self._root = root / f"vault-{next(self._numbers)}"
        self.store = LocalStore.create(self._root)
        for name, data in objects.items():
            self.put_on_top(name, data)

    def change(self, name: str, change: Change) -> None:
        self.put_on_top(name, change(self.data(name)))

    def put_on_top(self, name: str, data: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def mark_deleted(self, name: str) -> None:
        (self._root / name).unlink()

    def remove(self, name: str) -> None:
        (self._root / name).unlink()


class Memory(Place):
    name = "memory"

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        super().__init__(objects)
        self._inner = VersionedStore()
        self.store = self._inner
        for name, data in objects.items():
            put(self._inner, name, data)

    def change(self, name: str, change: Change) -> None:
        self._inner.corrupt(name, change)

    def put_on_top(self, name: str, data: bytes) -> None:
        self._inner.put_on_top(name, data)

    def mark_deleted(self, name: str) -> None:
        self._inner.leave_delete_marker(name)

    def remove(self, name: str) -> None:
        self._inner.lose(name)


class Bucket(Place):
    def __init__(self, objects: Mapping[str, bytes], server: S3Server, bucket: str) -> None:
        super().__init__(objects)
        self.name = "s3 locked" if bucket == LOCKED else "s3"
        self.loses = bucket != LOCKED
        self.place: S3Place = server.place(bucket)
        self._admin = self.place.store(ADMIN)
        # A restore's own credential: it may read everything.
        self.store = self.place.store("operations")
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda item: put(self._admin, *item), objects.items()))

    def _role(self, name: str) -> str:
        kind = name.split("/")[0]
        if kind in ("packs", "snapshots", "state", "commits") or "/worker-" in name:
            return "worker"
        return "retention" if kind == "retention" else "operations"

    def change(self, name: str, change: Change) -> None:
        """Without versions below: only where no lock holds them."""
        self.remove(name)
        self._put(ADMIN, name, change(self.data(name)))

    def put_on_top(self, name: str, data: bytes) -> None:
        self._put(self._role(name), name, data)

    def _put(self, role: str, name: str, data: bytes) -> None:
        client = self.place.server.client(role)
        client.put_object(Bucket=self.place.bucket, Key=self.place.key(name), Body=data)

    def mark_deleted(self, name: str) -> None:
        self.place.leave_delete_marker(name)

    def remove(self, name: str) -> None:
        for version in [v for v in self._admin.list(name) if v.name == name]:
            try:
                self._admin.delete_version(name, version.version)
            except StoreDenied:
                assert not self.loses, "a bucket without lock refused its owner"
                self.mark_deleted(name)
                return
            assert self.loses, "a locked version was deleted"


class Volume(Bucket):
    """Changes bytes where the server keeps them, while it runs, and puts them back at the end.

    `quiet`: with the server's own checksum made right again, so that it gives the bytes without a word;
    else it answers 500, after retrying for some ten seconds.
    """

    def __init__(self, objects: Mapping[str, bytes], server: S3Server, quiet: bool) -> None:
        super().__init__(objects, server, LOCKED)
        self.name = "s3 volume files" if quiet else "s3 unreadable"
        self._quiet = quiet
        self._folder = server.embedded.folder
        self._undo: list[tuple[Path, int, bytes]] = []
        settings = replace(server.embedded.settings(), attempts=1)
        client = make_client(settings, server.embedded.credential("operations"))
        self.store = S3Store(client, self.place.bucket, self.place.prefix)

    def change(self, name: str, change: Change) -> None:
        """`change` gets the bytes as the server keeps them (it compresses text). A result that is
        shorter is a torn write: zeros to its end."""
        path, start, before, checksum_at = self._where(name)
        after = change(before).ljust(len(before), b"\0")
        if after == before:
            # Only zeros were cut off.
            after = bytes([before[0] ^ 1]) + before[1:]
        self._write(path, start, after)
        if self._quiet:
            checksum = crc32c(before).to_bytes(4, "big")
            with path.open("rb") as file:
                file.seek(checksum_at)
                assert file.read(4) == checksum, "not where the server keeps its checksum"
            self._write(path, checksum_at, crc32c(after).to_bytes(4, "big"))
            self._undo.append((path, checksum_at, checksum))
        self._undo.append((path, start, before))

    def close(self) -> None:
        for path, start, before in self._undo:
            self._write(path, start, before)

    @staticmethod
    def _write(path: Path, start: int, data: bytes) -> None:
        with path.open("r+b") as file:
            file.seek(start)
            file.write(data)

    def _where(self, name: str) -> tuple[Path, int, bytes, int]:
        """The volume file that holds the object's only version, where its bytes begin, they, and where
        their checksum stands.

        An index entry has 17 bytes: the needle's key (8), its offset in units of 8 bytes (4, and 1 that
        is high), its size (4), big-endian. A needle begins with cookie (4), key (8) and size (4); that
        many bytes on is its checksum. First in it come the length of the bytes (4) and the bytes.
        """
        [version] = [v.version for v in self.store.list(name) if v.name == name]
        volume, rest = self._chunk(name, version).split(",")
        key = bytes.fromhex(rest[:-8].rjust(16, "0"))
        for index in (self._folder / "data").rglob(f"*_{volume}.idx"):
            entries = index.read_bytes()
            for at in range(0, len(entries) - 16, 17):
                if entries[at : at + 8] != key:
                    continue
                needle = int.from_bytes(entries[at + 8 : at + 12], "big") * 8
                path = index.with_suffix(".dat")
                with path.open("rb") as file:
                    file.seek(needle + 12)
                    size = int.from_bytes(file.read(4), "big")
                    length = int.from_bytes(file.read(4), "big")
                    return path, needle + 20, file.read(length), needle + 16 + size
        raise AssertionError(f"{name} was not found in the volume files")

    def _chunk(self, name: str, version: str) -> str:
        ports = json.loads((self._folder / "ports.json").read_text())
        path = f"{self.place.bucket}/{self.place.key(name)}.versions/v_{version}"
        url = f"http://127.0.0.1:{ports['filer']}/buckets/{path}?metadata=true"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(json.loads(answer.read())["chunks"][0]["file_id"])


def matter_key_bucket(objects: Mapping[str, bytes], server: S3Server) -> Bucket:
    """Matter keys are never under a lock."""
    return Bucket(objects, server, FREE)
