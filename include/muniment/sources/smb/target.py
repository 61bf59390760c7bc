"""SmbTarget: a new folder on a share, that a restore gives back into: files, their streams, permissions, attributes, times.

A file is written under a name of its own, its streams into it; when both are whole it gets its name, and last its permissions
and times. What the account may not set is named in `Given.differences`. Nothing that stands there is replaced.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from muniment.clock import Waiting
from muniment.errors import ItemNotDelivered, MunimentError, SourceError, TargetUnusable
from muniment.model.item import Row
from muniment.sources.as_files import as_files
from muniment.sources.base import Given
from muniment.sources.smb import asking, writing
from muniment.sources.smb.paths import is_stream, on_the_wire
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.statuses import COLLISION, GONE, SmbLost, SmbStatus, cause_of_status
from muniment.sources.smb.wire import Wire
from muniment.sources.smb.wires import Wires
from muniment.sources.smb.writing import Wanted
from muniment.sources.tree.folders import ROOT, split
from muniment.sources.tree.scan import SCAFFOLDING

T = TypeVar("T")

_PART = b".muniment-part"
_FULL = frozenset({0xC000007F, 0xC0000044, 0xC0000802})
_FAILS = {
    0xC000007F: "the share is full",
    0xC0000044: "the quota of the share is used up",
    0xC0000802: "the quota of the share is used up",
}


class SmbTarget:
    """A Target. `place.folder` is the new folder; what is above it is made where it is missing.

    Args:
        restore_id: the digest of the plan. A restore with the same id goes on where an earlier attempt was killed.
    """

    def __init__(
        self, source_id: str, place: Place, account: Account, clock: Waiting, restore_id: str = ""
    ) -> None:
        if not place.folder:
            raise TargetUnusable("a restore onto a share needs a new folder there", to=source_id)
        self._source_id = source_id
        self._place = place
        self._id = restore_id.encode()
        self._wires = Wires(source_id, place, account, clock, patience=timedelta(seconds=20))
        self._lock = threading.RLock()
        self._made: set[bytes] = set()
        self._wanted: dict[bytes, Wanted] = {}
        self._told: dict[bytes, tuple[str, ...]] = {}
        self._expected: dict[bytes, set[bytes]] = defaultdict(set)
        """File -> its streams that are still to come."""
        self._written: set[bytes] = set()
        """Files that wait for their streams under a name of their own."""
        self._begun = False

    # -- under which names, and what stands there ----------------------------------------------------

    def placed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Target`."""
        rows = as_files(rows)
        for row in rows:
            if is_stream(row.native_id):
                self._expected[_file_of(row.native_id)].add(row.native_id)
        return rows

    def conflicts(self, rows: Iterator[tuple[str, bytes]]) -> list[bytes]:
        """See `Target`. A folder that is there is a conflict, unless this restore made it."""
        there = self._run(lambda wire: self._stands(wire, self._path(ROOT)))
        if not there or self._run(self._ours):
            return []
        return [ROOT]

    def _stands(self, wire: Wire, path: bytes) -> bool:
        try:
            asking.look(wire, path)
        except SmbStatus as error:
            if error.status in GONE:
                return False
            raise
        return True

    def _ours(self, wire: Wire) -> bool:
        try:
            _, digest = writing.digest_of(wire, self._path(SCAFFOLDING))
        except SmbStatus as error:
            if error.status in GONE:
                return False
            raise
        return digest == hashlib.sha256(self._id).digest()

    def already(self, kind: str, native_id: bytes, digest: bytes, size: int) -> bool:
        """See `Target`. What still waits for its streams counts for nothing."""
        try:
            if kind == "dir":
                with self._lock:
                    return native_id in self._told
            path = self._path(native_id)
            if not digest:
                return self._run(lambda wire: writing.digest_of(wire, path))[0] == size
            return self._run(lambda wire: writing.digest_of(wire, path)) == (size, digest)
        except (MunimentError, ValueError):
            return False

    def where(self, native_id: bytes) -> bytes:
        """Below the new folder everything has the name that it had."""
        return native_id

    def digest(self, native_id: bytes) -> tuple[str, int]:
        """SHA-256, hex, and bytes of what stands there. Raises ItemNotDelivered, TargetUnusable."""
        path = self._path(native_id)
        size, found = self._run(lambda wire: writing.digest_of(wire, path))
        return found.hex(), size

    # -- giving --------------------------------------------------------------------------------------

    def give(
        self,
        kind: str,
        native_id: bytes,
        metadata: Mapping[str, Any],
        content: Iterator[bytes],
        *,
        mtime_ns: int | None = None,
        digest: bytes = b"",
        size: int | None = None,
    ) -> Given:
        """See `Target`."""
        try:
            self._path(native_id)
        except ValueError:
            raise ItemNotDelivered("no name that a share can hold") from None
        if kind not in ("dir", "file"):
            raise ItemNotDelivered("links are not made on a share")
        self._begin()
        with self._lock:
            if not is_stream(native_id):
                self._wanted[native_id] = Wanted.of(metadata, mtime_ns)
        if kind == "dir":
            self._ensure(native_id)
            return self._done(native_id, ())
        return self._write(native_id, content, size)

    def _write(self, native_id: bytes, content: Iterator[bytes], size: int | None) -> Given:
        base = _file_of(native_id)
        of_folder = base == ROOT or base in self._made
        if not of_folder:
            self._ensure(split(base)[0])
        own = native_id if of_folder else base + _PART + native_id[len(base) :]
        path = self._path(own)
        if native_id != base and not of_folder:
            part = self._path(base + _PART)
            self._run(lambda wire: writing.make_file(wire, part))
        written = self._once(lambda wire: writing.write_file(wire, path, content))
        if size is not None and written != size:
            raise ItemNotDelivered("what was written is not as long as it should be")
        with self._lock:
            self._expected[base].discard(native_id)
            if of_folder:
                return self._done(native_id, ())
            if native_id == base or base in self._written:
                self._written.add(base)
            ready = base in self._written and not self._expected[base]
        if not ready:
            return self._done(native_id, ())
        differences = self._publish(base)
        done = self._done(base, differences)
        return done if native_id == base else self._done(native_id, differences)

    def _publish(self, base: bytes) -> tuple[str, ...]:
        """Gives a whole file its name, then what it was."""
        part, path = self._path(base + _PART), self._path(base)
        try:
            self._run(lambda wire: writing.rename(wire, part, path))
        except ItemNotDelivered as error:
            if error.what.endswith(_STANDS) and self._run(self._ours):
                # Of an attempt that was killed before it could say so.
                self._remove(base)
                self._run(lambda wire: writing.rename(wire, part, path))
            else:
                raise
        with self._lock:
            self._written.discard(base)
            wanted = self._wanted.get(base)
        if wanted is None:
            return ("file",)
        return tuple(self._run(lambda wire: writing.dress(wire, path, wanted)))

    def _remove(self, native_id: bytes) -> None:
        path = self._path(native_id)
        self._run(lambda wire: writing.remove(wire, path))

    def _done(self, native_id: bytes, differences: tuple[str, ...]) -> Given:
        with self._lock:
            self._told[native_id] = differences
        return Given(native_id, differences)

    def _ensure(self, native_id: bytes) -> None:
        """A folder, and those above it."""
        missing = []
        with self._lock:
            while native_id != ROOT and native_id not in self._made:
                missing.append(native_id)
                native_id = split(native_id)[0]
            for each in reversed(missing):
                path = self._path(each)
                self._run(lambda wire, path=path: writing.make_folder(wire, path))  # type: ignore[misc]
                self._made.add(each)

    # -- the beginning and the end -------------------------------------------------------------------

    def _begin(self) -> None:
        with self._lock:
            if self._begun:
                return
            names = self._place.folder.split("/")
            for count in range(1, len(names) + 1):
                path = "\\".join(names[:count]).encode("utf-16-le", "surrogatepass")
                self._run(lambda wire, path=path: writing.make_folder(wire, path))  # type: ignore[misc]
            mark = self._path(SCAFFOLDING)
            self._run(lambda wire: writing.write_file(wire, mark, iter([self._id])))
            self._begun = True

    def finish(self) -> list[Given]:
        """See `Target`. Files whose streams did not all come are given their names, and it is said."""
        if not self._begun:
            return []
        said = []
        for base in sorted(self._written):
            said.append(Given(base, ("streams", *self._publish(base))))
        for base in sorted(
            base for base, left in self._expected.items() if left and base not in self._told
        ):
            # A stream that was asked for without its file: the file is empty.
            with suppress(ItemNotDelivered):
                said.append(Given(base, self._publish(base)))
        for folder in sorted(self._made, key=lambda path: -path.count(b"/")):
            wanted = self._wanted.get(folder)
            if wanted is not None:
                path = self._path(folder)
                differences = self._run(
                    lambda wire, path=path, wanted=wanted: writing.dress(wire, path, wanted)  # type: ignore[misc]
                )
                said.append(Given(folder, tuple(differences)))
        self._remove(SCAFFOLDING)
        self._begun = False
        return [given for given in said if given.differences]

    def close(self) -> None:
        """See `Target`."""
        self._wires.close()

    # -- asking --------------------------------------------------------------------------------------

    def _path(self, native_id: bytes) -> bytes:
        return on_the_wire(self._place.folder, native_id)

    def _run(self, work: Callable[[Wire], T]) -> T:
        """Raises TargetUnusable, ItemNotDelivered."""
        try:
            return self._wires.run(work)
        except SmbStatus as error:
            raise _failed(error.status) from None
        except SourceError as error:
            raise TargetUnusable(error.what, to=self._source_id, todo=error.todo) from None

    def _once(self, work: Callable[[Wire], T]) -> T:
        """What uses up a stream of bytes is not done again: the same restore goes on."""
        try:
            with self._wires.lease() as wire:
                return work(wire)
        except SmbStatus as error:
            raise _failed(error.status) from None
        except SmbLost:
            raise TargetUnusable(
                "the file server went away", to=self._source_id, todo="Restore again: it goes on."
            ) from None
        except SourceError as error:
            raise TargetUnusable(error.what, to=self._source_id, todo=error.todo) from None


_STANDS = "something stands under its name"


def _file_of(native_id: bytes) -> bytes:
    """The file that a stream belongs to; of a file itself."""
    folder, slash, name = native_id.rpartition(b"/")
    return folder + slash + name.partition(b":")[0]


def _failed(status: int) -> MunimentError:
    if status in _FULL:
        return TargetUnusable(_FAILS[status])
    if status == COLLISION:
        return ItemNotDelivered(_STANDS)
    return ItemNotDelivered(f"the file server refused it: {cause_of_status(status)}")
