"""Forging: what a stolen backup worker signs, and what whoever may write into the store puts there."""

from __future__ import annotations

import os
import pickle
import resource
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from muniment.model.item import Fidelity, Part, Row, Segment
from muniment.vault import names
from muniment.vault.age import seal
from muniment.vault.documents import Commit, PackObject, SnapshotObject
from muniment.vault.rows import header_line, line_of
from tests.support.fake_stores import put
from tests.support.practice import Practice

T = TypeVar("T")


class Thief:
    """A worker's keys, in the hand of somebody who knows the format."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.vault = practice.vault("worker")
        self.epoch = self.vault.trust.newest.epochs[0]
        self.packs: list[PackObject] = []

    def pack(self, plaintext: bytes) -> PackObject:
        """A pack whose age plaintext is whatever he likes, under its true name."""
        sealed = seal(plaintext, [self.vault.epoch_recipient(self.epoch.key_id)])
        digest = sha256(sealed).digest()
        put(self.practice.store, names.pack(digest.hex()), sealed)
        pack = PackObject(pack=digest.hex(), key_id=self.epoch.key_id, size=len(sealed), new=True)
        self.packs.append(pack)
        return pack

    def part(self, pack: PackObject, digest: bytes, *segments: Sequence[int]) -> Part:
        where = tuple(Segment(*numbers) for numbers in segments)
        return Part(digest, bytes.fromhex(pack.pack), self.epoch.key_id, where)

    def row(
        self, native_id: bytes, *parts: Part, size: int = 0, kind: str = "file", **meta: Any
    ) -> Row:
        item = self.practice.run().item_id(kind, native_id)
        digest = b"\1" * 32 if kind == "file" else b""
        return Row(item, kind, native_id, "", size, 0, digest, Fidelity.FILE, parts, meta)

    def commit(self, rows: Iterable[Row]) -> Commit:
        """Signs the next snapshot: these rows on top of those that are there."""
        head = header_line(self.vault.vault_id, "files", self.epoch.key_id)
        return self.commit_object(_compressed(head + b"".join(map(line_of, rows))))

    def commit_object(self, compressed: bytes) -> Commit:
        """The same with an object of rows that is whatever he likes inside."""
        sealed = seal(compressed, [self.vault.epoch_recipient(self.epoch.key_id)])
        digest = sha256(sealed).hexdigest()
        put(self.practice.store, names.snapshot("files", digest), sealed)
        described = SnapshotObject(
            snapshot=digest, key_id=self.epoch.key_id, size=len(sealed), rows=1
        )
        history = self.vault.history("files")
        before = history.head
        assert before is not None
        commit = before.commit.altered({
                "seq": before.seq + 1, "parent": before.digest, "run_id": "forged",
                "ended_at": self.practice.clock.now(), "snapshots": (described,),
                "packs": tuple(self.packs),
            }
        )  # fmt: skip
        signed = self.vault.signer.sign("commit", commit.to_payload())
        self.vault.put_signed(names.commit("files", commit.seq), signed)
        self.practice.tomorrow()
        return commit


def _compressed(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(data)


def same_bytes(length: int, *, declared: bool) -> bytes:
    """A Zstandard frame of `length` zeros in blocks of 128 KiB, four bytes each (RFC 8878, 3.1.1)."""
    head = b"\x28\xb5\x2f\xfd"
    head += b"\xe0" + length.to_bytes(8, "little") if declared else b"\x00\x58"
    count = length >> 17
    blocks = ((128 << 10 << 3 | 2 | (n == count - 1)) for n in range(count))
    return head + b"".join(block.to_bytes(3, "little") + b"\x00" for block in blocks)


def in_place_of(practice: Practice, name: str, data: bytes) -> None:
    """Puts other bytes under the name of an object of a folder store."""
    path = practice.folder / "store" / Path(name)
    assert path.is_file()
    path.chmod(0o644)
    path.write_bytes(data)


def with_peak(function: Callable[[], T]) -> tuple[T, int]:
    """What it returns, run in a process of its own, and by how many MiB that process grew at most."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            answer: tuple[bool, Any] = (True, function())
        except BaseException as error:
            answer = (False, error)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
        with os.fdopen(writer, "wb") as out:
            pickle.dump((answer, grown), out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        (done, value), grown = pickle.load(file)
    os.waitpid(child, 0)
    if not done:
        raise value
    return value, grown
