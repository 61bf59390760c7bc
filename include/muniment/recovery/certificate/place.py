"""Place: where a delivery stands while it is certified - a folder in the open, or sealed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from muniment.errors import TargetUnusable

FOLDER = "_certificate"
"""Beside the sources of a delivery; no source id begins so."""

VERIFIER = "verify_delivery.py"
_BLOCK = 1 << 20


class Place(Protocol):
    def digest(self, source: str, path: bytes) -> tuple[str, int]:
        """SHA-256, hex, and bytes of a delivered file as it stands now. Raises OSError, CertificateRefused."""
        ...

    def sealed(self) -> Mapping[str, Any] | None:
        """To whom it is sealed, and in which files; None where it stands in the open."""
        ...

    def leave(self, files: Mapping[str, bytes]) -> Path:
        """Puts the certificate beside what was delivered; answers where. Raises TargetUnusable."""
        ...


class OpenFolder:
    """A folder with what comes from a source in `<source>/`. `own` is the certificate's folder in it."""

    def __init__(self, folder: Path, own: str = FOLDER) -> None:
        self._folder = folder
        self._own = own

    def digest(self, source: str, path: bytes) -> tuple[str, int]:
        whole = os.path.join(os.fsencode(self._folder / source), path)
        descriptor = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        size, found = 0, sha256()
        with os.fdopen(descriptor, "rb") as file:
            while block := file.read(_BLOCK):
                size += len(block)
                found.update(block)
        return found.hexdigest(), size

    def sealed(self) -> None:
        return None

    def leave(self, files: Mapping[str, bytes]) -> Path:
        """Each file whole or not at all, the statement last; what an earlier certificate left is replaced."""
        folder = self._folder / self._own
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            last = ("certificate.json", "certificate.html")
            for name in sorted(files, key=lambda n: (n in last, n)):
                draft = folder / f".{name}.new"
                draft.unlink(missing_ok=True)
                mode = 0o700 if name == VERIFIER else 0o600
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with os.fdopen(os.open(draft, flags, mode), "wb") as out:
                    out.write(files[name])
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(draft, folder / name)
        except OSError as error:
            raise TargetUnusable(
                f"the certificate cannot be written ({error.strerror})", to=self._own
            ) from None
        return folder
