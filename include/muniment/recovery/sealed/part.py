"""Part: one age file with a tar archive inside, written as a stream, opened again before it counts."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from muniment.errors import IntegrityError, ItemNotDelivered, MunimentError, TargetUnusable
from muniment.recovery.sealed.archive import END, Member, Plaintext, members, padding
from muniment.recovery.sealed.key import Sealing, unusable
from muniment.vault.age import SealingWriter

_WINDOW = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a file: `digest` is its SHA-256, `size` is in bytes."""

    pieces: Iterable[bytes]
    digest: bytes
    size: int


def left_of(sealing: Sealing, source: str) -> list[Path]:
    """What parts of a source left that were not ended."""
    mine = re.compile(rf"part-{re.escape(source)}-[0-9a-f]{{16}}\.new")
    return [path for path in sealing.work.iterdir() if mine.fullmatch(path.name)]


class Part:
    """A part while it is written, under a name in `.sealing`. For one thread at a time.

    Every method raises TargetUnusable where the medium fails; the part is then lost, and with it what it held.
    """

    def __init__(self, sealing: Sealing, source: str) -> None:
        self._sealing = sealing
        self._source = source
        self._held: list[tuple[bytes, str, bytes]] = []
        self.size = 0
        """Bytes of plaintext so far."""
        self._begin()

    def _begin(self) -> None:
        self._draft = self._sealing.work / f"part-{self._source}-{secrets.token_hex(8)}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._draft, flags, 0o600)
        except OSError as error:
            raise unusable(error) from None
        # Unbuffered: a full disk must be an error of the write that it refuses.
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._writer = SealingWriter(_Whole(self._file), self._sealing.recipients)

    def add(self, path: bytes, kind: str, head: bytes, content: Content | None = None) -> None:
        """One member, whole or not at all.

        Raises ItemNotDelivered where its bytes are not those of its row, and what reading them raises.
        """
        begin = self.size
        try:
            self._write(head)
            if content is not None:
                self._copy(content)
                self._write(padding(content.size))
        except OSError as error:
            self.abort()
            raise unusable(error) from None
        except MunimentError:
            # What was written of it cannot be taken back out of an age file; what stood before it is written anew.
            self._rewind(begin)
            raise
        except BaseException:
            self.abort()
            raise
        self._held.append((path, kind, content.digest if content else b""))

    def _copy(self, content: Content) -> None:
        found, left = hashlib.sha256(), content.size
        for piece in content.pieces:
            left -= len(piece)
            if left < 0:
                break
            found.update(piece)
            self._write(piece)
        if left:
            raise ItemNotDelivered("its content has not the size that its row says")
        if found.digest() != content.digest:
            raise ItemNotDelivered("its content has not the digest that its row says")

    def _write(self, data: bytes) -> None:
        self._writer.write(data)
        self.size += len(data)

    def _rewind(self, size: int) -> None:
        old = self._draft
        try:
            self._writer.close()
            self._file.close()
            self._begin()
            self.size = 0
            with Plaintext(old, self._sealing.key) as plain:
                while self.size < size:
                    self._write(plain.read(min(_WINDOW, size - self.size)) or b"")
        except OSError as error:
            self.abort()
            raise unusable(error) from None
        except MunimentError:
            self.abort()
            raise TargetUnusable("what was sealed cannot be opened again on this medium") from None
        finally:
            old.unlink(missing_ok=True)

    def finish(self, place: Path) -> list[Member]:
        """Ends the part, opens it again, hashes what is in it, and gives it its name: what it holds, as it was read.

        Raises IntegrityError where that is not what was written.
        """
        try:
            self._write(END)
            self._writer.close()
            os.fsync(self._file.fileno())
            self._file.close()
            found = list(members(self._draft, self._sealing.key, hashed=True))
            if [(m.path, m.kind, m.digest) for m in found] != self._held:
                raise IntegrityError(
                    "what was sealed is not what came out when it was opened again"
                )
            os.replace(self._draft, place)
        except OSError as error:
            raise unusable(error) from None
        finally:
            self.abort()
        return found

    def abort(self) -> None:
        """Removes what is not whole. Twice is harmless."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._draft.unlink(missing_ok=True)


class _Whole:
    """An unbuffered file may take less than it is given; this one takes all of it."""

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw

    def write(self, data: memoryview) -> int:
        done = 0
        while done < len(data):
            done += self._raw.write(data[done:]) or 0
        return done


def one_part(
    sealing: Sealing, place: Path, files: Iterable[tuple[bytes, bytes, bytes]]
) -> list[Member]:
    """A part of a few small files: (path, head, content). Raises what Part raises."""
    part = Part(sealing, "_")
    try:
        for path, head, body in files:
            part.add(path, "file", head, Content([body], hashlib.sha256(body).digest(), len(body)))
        return part.finish(place)
    finally:
        part.abort()


def flushed(folder: Path) -> None:
    """Names that were given are on the medium. Raises TargetUnusable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unusable(error) from None
