"""Witness: what a restore read back and found equal, item by item, and where it stands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from msgspec import field

from muniment.errors import CertificateRefused, MunimentError
from muniment.ids import sha256_hex
from muniment.model.item import Row
from muniment.model.text import bytes_of, text_of
from muniment.model.value import Mutable, Value
from muniment.sources.base import Target
from muniment.vault.age import Identity, SealingWriter, open_sealed


class Seen(Value, frozen=True):
    """`path` is below the folder of its source; None for what has no content, or stands nowhere that can be named."""

    item_id: str
    kind: str
    digest: str
    size: int
    mtime_ns: int
    path: bytes | None


@runtime_checkable
class _Placing(Protocol):
    """A target that says where something stands."""

    def where(self, native_id: bytes) -> bytes | None: ...


class Witness(Mutable):
    """By source, in the order of the plan's items. Give `saw` to `perform`."""

    seen: dict[str, list[Seen]] = field(default_factory=dict)
    _asked: Target | None = None
    _placing: _Placing | None = None

    def saw(self, source: str, target: Target, row: Row, stands: Row) -> None:
        if target is not self._asked:
            # Once for each target: to ask it takes as long as all the rest of this.
            self._asked, self._placing = target, target if isinstance(target, _Placing) else None
        placing = self._placing
        where = placing.where(stands.native_id) if row.digest and placing is not None else None
        self.seen.setdefault(source, []).append(seen_of(row, where))


def seen_of(row: Row, path: bytes | None) -> Seen:
    """Of an item that was read back and is equal to its row."""
    return Seen(row.item_id.hex(), row.kind, row.digest.hex(), row.size, row.mtime_ns, path)


def items_digest(seen: Iterable[Seen]) -> str:
    """As `Selected.digest`: what the plan says of the same items."""
    return sha256_hex("\n".join(f"{s.item_id}:{s.digest}:{s.mtime_ns}" for s in seen).encode())


# -- from one task to another ------------------------------------------------------------------------


def keep(folder: Path, seen: Mapping[str, Sequence[Seen]], key: Identity | None = None) -> None:
    """In a folder beside the delivery, which has the same names: one file a source. With a key it is sealed to that."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for source, items in seen.items():
        draft = folder / f".seen-{source}.new"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            if key is None:
                out.writelines(_lines(items))
            else:
                sealing = SealingWriter(out, [key.recipient])
                for line in _lines(items):
                    sealing.write(line)
                sealing.close()
        os.replace(draft, _kept(folder, source))


def _lines(items: Iterable[Seen]) -> Iterator[bytes]:
    for s in items:
        path = None if s.path is None else text_of(s.path)
        line = json.dumps([s.item_id, s.kind, s.digest, s.size, s.mtime_ns, path])
        yield line.encode() + b"\n"


def take(
    folder: Path, sources: Iterable[str], key: Identity | None = None
) -> dict[str, list[Seen]]:
    """What was kept, which is removed by who certifies it. Raises CertificateRefused."""
    found: dict[str, list[Seen]] = {}
    for source in sources:
        try:
            data = _kept(folder, source).read_bytes()
            lines = (data if key is None else open_sealed(data, [key])).splitlines()
            found[source] = [
                Seen(i, k, d, int(n), int(t), None if p is None else bytes_of(p))
                for i, k, d, n, t, p in map(json.loads, lines)
            ]
        except (OSError, ValueError, TypeError, MunimentError):
            raise CertificateRefused(
                "what the restore read back is not recorded beside the delivery", to=source
            ) from None
    return found


def forget(folder: Path, sources: Iterable[str]) -> None:
    for source in sources:
        _kept(folder, source).unlink(missing_ok=True)


def _kept(folder: Path, source: str) -> Path:
    return folder / f".seen-{source}"
