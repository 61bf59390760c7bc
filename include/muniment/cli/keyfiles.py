"""Key files as a person hands them over: identities, perhaps under a passphrase, and the root key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.errors import KeyFileError, MunimentError

if TYPE_CHECKING:
    from muniment.vault.age import Identity
    from muniment.vault.signing import Signer

AskPassphrase = Callable[[Path], str]

_ENCRYPTED_PEM = b"ENCRYPTED PRIVATE KEY"


def read_identities(path: Path, ask: AskPassphrase) -> list[Identity]:
    """All identities of an age identity file; `ask` is called when it is under a passphrase.

    Modes are not judged here: the file may lie on a stick from the safe. Raises KeyFileError, NoKey.
    """
    from muniment.vault.age import is_under_passphrase, open_with_passphrase, parse_identities

    content = _read(path)
    if is_under_passphrase(content):
        content = open_with_passphrase(content, ask(path))
    try:
        found = parse_identities(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        found = []
    except MunimentError as error:
        raise error.at(str(path)) from None
    if not found:
        raise KeyFileError("this is no age identity file", to=str(path))
    return found


def read_root(path: Path, ask: AskPassphrase) -> Signer:
    """The root signing key (PEM, PKCS #8), under a passphrase or not. Raises KeyFileError."""
    from muniment.vault.signing import Signer

    encrypted = _ENCRYPTED_PEM in _read(path)
    return Signer.load(path, ask(path) if encrypted else None)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"the file cannot be read ({error.strerror})", to=str(path)) from None
