"""Looking: what of restored items stands where the target put them, without asking who delivered them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from muniment.assurance.contracts import ITEM_COLUMNS, ExpectationContract, Value
from muniment.assurance.openable import Outcome
from muniment.assurance.opening import Opening
from muniment.assurance.sql_load import SqlLoader
from muniment.model.item import Row
from muniment.recovery.delivered_index import index_names
from muniment.recovery.windows_list import list_names
from muniment.sources.base import Target

_READ = 1 << 20


class NotedTarget:
    """A target that passes everything on and notes under which name each item was delivered."""

    def __init__(self, inner: Target) -> None:
        self._inner = inner
        self.delivered: dict[bytes, bytes] = {}
        self.conflicts = inner.conflicts
        self.already = inner.already
        self.finish = inner.finish
        self.close = inner.close
        self._placed: dict[bytes, bytes] = {}

    def placed(self, rows: Sequence[Row]) -> Sequence[Row]:
        placed = self._inner.placed(rows)
        for row, at in zip(rows, placed, strict=True):
            if at.native_id != row.native_id:
                self.delivered[row.native_id] = at.native_id
                self._placed[at.native_id] = row.native_id
        return placed

    def give(self, kind: str, native_id: bytes, *more: Any, **named: Any) -> Any:
        given = self._inner.give(kind, native_id, *more, **named)
        if given.delivered_as is not None:
            self.delivered[self._placed.get(native_id, native_id)] = given.delivered_as
        return given


class Looker:
    """Looks at restored items where they stand, without asking who delivered them."""

    def __init__(
        self,
        contract: ExpectationContract,
        folder: Path,
        delivered: Mapping[bytes, bytes],
        opening: Opening,
        loader: SqlLoader,
    ) -> None:
        self._contract = contract
        self._folder = folder
        self._delivered = delivered
        self._opening = opening
        self._loader = loader

    def place(self, row: Row) -> Path | None:
        """Where a restored item stands; None where it does not."""
        name = self._delivered.get(row.native_id, row.native_id)
        path = self._contract.standing(row, self._folder, name)
        status = _status(path)
        return None if status is None or not _is_kind(row, status) else path

    def below(self, row: Row) -> bytes | None:
        """The same, as bytes below the folder of the source."""
        path = self.place(row)
        return None if path is None else os.fsencode(path.relative_to(self._folder))

    def look(self, row: Row) -> dict[str, Value]:
        name = self._delivered.get(row.native_id, row.native_id)
        path = self._contract.standing(row, self._folder, name)
        status = _status(path)
        # Something of another kind in its place is not the item.
        if status is not None and not _is_kind(row, status):
            status = None
        found: dict[str, Value] = dict.fromkeys((*ITEM_COLUMNS, *self._contract.columns))
        format_name = self._contract.format_of(row)
        found |= {
            "item": row.item_id.hex(),
            "kind": row.kind,
            "format": format_name or None,
            "matter": row.matter or None,
            "there": status is not None,
            "expected_mtime": str(row.mtime_ns),
        }
        if row.digest:
            found |= {"expected_size": row.size, "expected_sha256": row.digest.hex()}
        if status is not None:
            found["mtime"] = str(status.st_mtime_ns)
            if row.digest:
                found["size"] = status.st_size
                found["sha256"] = _digest(path)
                found["opened"] = self._open(format_name, path)
        return found | dict(self._contract.describe(row, path if status is not None else None))

    def _open(self, format_name: str, path: Path) -> str | None:
        if not format_name:
            return None
        outcome: Outcome | None
        if format_name == "sql":
            outcome = self._loader.load(path)
        else:
            outcome = self._opening.open(format_name, path)
        return None if outcome is None else str(outcome)


def extra(
    root: Path,
    rows: Sequence[Row],
    names: Mapping[bytes, bytes],
    contract: ExpectationContract,
) -> int:
    """How many things stand in the tree that are no item of `rows`, no folder above one and no index of them.

    Args:
        names: native id -> the one that it was delivered under, where that is another.
    """
    listed = (*index_names(rows), *list_names(rows))
    known = {os.path.join(os.fsencode(root), name) for name in listed}
    for row in rows:
        path = contract.standing(row, root, names.get(row.native_id, row.native_id))
        while path != root and os.fsencode(path) not in known:
            known.add(os.fsencode(path))
            path = path.parent
    found = 0
    for folder, folders, files in os.walk(os.fsencode(root)):
        found += sum(os.path.join(folder, name) not in known for name in (*folders, *files))
    return found


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None


def _is_kind(row: Row, status: os.stat_result) -> bool:
    if row.kind == "symlink":
        return stat.S_ISLNK(status.st_mode)
    if row.digest:
        return stat.S_ISREG(status.st_mode)
    return stat.S_ISDIR(status.st_mode)


def _digest(path: Path) -> str | None:
    total = sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while data := file.read(_READ):
                total.update(data)
    except OSError:
        return None
    return total.hexdigest()
