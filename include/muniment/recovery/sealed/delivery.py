"""SealedDelivery: a delivery whose parts are whole - looked at, given its index and certificate, and ended.

Beside the parts of the sources stand then `_index.tar.age` of a matter file, `_certificate.tar.age`, and in the clear,
without a name in them, `README.txt` (how to open it) and `SHA256SUMS` (of the sealed files).
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from muniment.errors import CertificateRefused, MunimentError
from muniment.recovery.certificate.place import FOLDER, VERIFIER
from muniment.recovery.matter_file.index import Outcome, pages
from muniment.recovery.matter_file.listing import Listed
from muniment.recovery.sealed.archive import Plaintext, head, members
from muniment.recovery.sealed.key import (
    CERTIFICATE_PART,
    INDEX_PART,
    README,
    SUMS,
    Sealing,
    end,
    unusable,
    write_private,
)
from muniment.recovery.sealed.opening import readme
from muniment.recovery.sealed.part import one_part
from muniment.recovery.sealed.target import parts_of
from muniment.sources.files.set_attributes import Wanted

_PLAIN = Wanted(None, None, None, None, {})
_PROGRAM = Wanted(0o700, None, None, None, {})


class SealedDelivery:
    """What a restore left in its folder. `sources` are those of its plan."""

    def __init__(self, sealing: Sealing, sources: Sequence[str]) -> None:
        self._sealing = sealing
        self._sources = sources

    # -- looking at it -----------------------------------------------------------------------------

    def parts(self) -> list[Path]:
        found = [p for source in self._sources for p in parts_of(self._sealing.folder, source)]
        index = self._sealing.folder / INDEX_PART
        return [*found, index] if index.exists() else found

    def read(self, source: str, path: bytes) -> bytes | None:
        """As `matter_file.index.Delivered`. The newest of its name: it is in the last part that has it."""
        wanted = os.fsencode(source) + b"/" + path
        for part in reversed(parts_of(self._sealing.folder, source)):
            try:
                for member in members(part, self._sealing.key, hashed=False):
                    if member.path == wanted and member.kind == "file":
                        return self._content(part, member.start, member.size)
            except (MunimentError, OSError):
                continue
        return None

    def _content(self, part: Path, start: int, size: int) -> bytes | None:
        with Plaintext(part, self._sealing.key) as plain:
            plain.seek(start)
            return plain.read(size)

    def listed(self, source: str) -> list[Listed]:
        """As `matter_file.index.Delivered`."""
        above = len(os.fsencode(source)) + 1
        found = {
            m.path: Listed(m.path[above:], m.mtime, m.size, m.kind == "file")
            for part in parts_of(self._sealing.folder, source)
            for m in members(part, self._sealing.key, hashed=False)
            if m.kind != "dir"
        }
        return sorted(found.values(), key=lambda one: (-one.at, one.path))

    @cached_property
    def _digests(self) -> dict[bytes, tuple[str, int]]:
        """Every file of every part, read again from the disk."""
        found: dict[bytes, tuple[str, int]] = {}
        for part in self.parts():
            try:
                for m in members(part, self._sealing.key, hashed=True):
                    if m.kind == "file":
                        found[m.path] = m.digest.hex(), m.size
            except MunimentError:
                raise CertificateRefused(
                    "a sealed part is not what it was when it was written", to=part.name
                ) from None
        return found

    # -- as `certificate.place.Place` --------------------------------------------------------------

    def digest(self, source: str, path: bytes) -> tuple[str, int]:
        try:
            return self._digests[os.fsencode(source) + b"/" + path]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None

    def sealed(self) -> dict[str, Any]:
        told = [
            {"name": part.name, "size": part.stat().st_size, "sha256": _sha256(part)}
            for part in self.parts()
        ]
        return {"to": str(self._sealing.recipient), "parts": told}

    def leave(self, files: Mapping[str, bytes]) -> Path:
        where = self._sealing.folder / CERTIFICATE_PART
        self._small(where, ((f"{FOLDER}/{name}", data) for name, data in sorted(files.items())))
        return where

    # -- ending it ---------------------------------------------------------------------------------

    def write_index(self, outcome: Outcome) -> None:
        """The pages that a matter file begins with."""
        made = ((name, text.encode("utf-8", "replace")) for name, text in pages(outcome, self))
        self._small(self._sealing.folder / INDEX_PART, made)

    def _small(self, place: Path, files: Iterable[tuple[str, bytes]]) -> None:
        one_part(self._sealing, place, _with_heads(files))

    def describe(self, plan_digest: str, *, whole: bool) -> None:
        """Says in the clear how it is opened, and the digests of its parts. Raises TargetUnusable."""
        certificate = self._sealing.folder / CERTIFICATE_PART
        parts = [*self.parts(), *([certificate] if certificate.exists() else [])]
        sums = "".join(f"{_sha256(part)}  {part.name}\n" for part in parts)
        recipient = str(self._sealing.recipient)
        text = readme(recipient, plan_digest, whole=whole, certified=certificate.exists())
        try:
            for name, body in ((README, text), (SUMS, sums)):
                draft = self._sealing.work / f"{name}.new"
                draft.unlink(missing_ok=True)
                write_private(draft, body.encode())
                os.replace(draft, self._sealing.folder / name)
        except OSError as error:
            raise unusable(error) from None

    def end(self) -> None:
        """Erases the working key: it opens for its recipient alone. Raises TargetUnusable."""
        end(self._sealing)


def _with_heads(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[bytes, bytes, bytes]]:
    for name, body in files:
        path = name.encode()
        kept = _PROGRAM if name.endswith(f"/{VERIFIER}") else _PLAIN
        yield path, head(path, "file", len(body), kept), body


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
