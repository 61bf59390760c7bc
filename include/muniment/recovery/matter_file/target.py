"""MatterFileTarget: a folder that takes the items of one source as a part of a matter file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import Any, Protocol

from muniment.errors import ItemNotDelivered, TargetNotEmpty
from muniment.model.item import Row
from muniment.recovery.matter_file import summary
from muniment.recovery.matter_file.compose import GENERATED, called, compose
from muniment.recovery.matter_file.placing import is_tree, placed
from muniment.recovery.matter_file.records import Records
from muniment.recovery.related import is_record
from muniment.sources.base import Given, Target


class Folder(Target, Protocol):
    """A Target that says where something stands, and gives it back: a `FileTarget`, or a sealed one."""

    def where(self, native_id: bytes) -> bytes | None: ...

    def read_back(self, native_id: bytes) -> bytes | None: ...


class MatterFileTarget:
    """A Target over a folder. A tree passes as it is; to rows of an API their readable files are added,
    before the folder is finished: so an attempt that was killed is gone on with like any restore.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._pairs: list[tuple[Row, Row]] = []

    def placed(self, rows: Sequence[Row]) -> Sequence[Row]:
        if is_tree(rows):
            return self._folder.placed(rows)
        stand = placed(rows)
        self._pairs = list(zip(rows, stand, strict=True))
        return stand

    def conflicts(self, rows: Iterator[tuple[str, bytes]]) -> list[bytes]:
        made = [*GENERATED, summary.FILE] if self._pairs else []
        return self._folder.conflicts(chain(rows, (("file", name.encode()) for name in made)))

    def already(self, kind: str, native_id: bytes, digest: bytes, size: int) -> bool:
        return self._folder.already(kind, native_id, digest, size)

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
        return self._folder.give(
            kind, native_id, metadata, content, mtime_ns=mtime_ns, digest=digest, size=size
        )

    def where(self, native_id: bytes) -> bytes | None:
        """As `FileTarget.where`."""
        return self._folder.where(native_id)

    def finish(self) -> list[Given]:
        if self._pairs:
            self._compose()
        return self._folder.finish()

    def close(self) -> None:
        self._folder.close()

    def _compose(self) -> None:
        """Raises TargetUnusable."""
        records = Records()
        where: dict[bytes, bytes | None] = {}
        missing: dict[str, str] = {}
        for row, stands in self._pairs:
            where[row.native_id] = self._folder.where(stands.native_id)
            if where[row.native_id] is None:
                missing[row.item_id.hex()] = called(row)
            elif is_record(row):
                body = self._folder.read_back(stands.native_id)
                if body is None or sha256(body).digest() != row.digest:
                    missing[row.item_id.hex()] = called(row)
                else:
                    records.add(row.kind, body)
        rows = [row for row, _ in self._pairs]
        made = compose(records, rows, lambda row: where.get(row.native_id))
        made.summary.missing = missing
        for path, body in made.files.items():
            if not self._write(path, body):
                made.summary.notes.append(f"{path} could not be written here")
        if not self._write(summary.FILE, made.summary.written()):
            raise TargetNotEmpty("something stands where the list of the matter file should be")

    def _write(self, path: str, body: bytes) -> bool:
        try:
            given = self._folder.give(
                "file",
                path.encode(),
                {},
                iter([body]),
                digest=sha256(body).digest(),
                size=len(body),
            )
        except (ItemNotDelivered, TargetNotEmpty):
            return False
        return given.delivered_as is None
