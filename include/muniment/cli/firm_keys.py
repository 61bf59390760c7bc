"""The keys of a new firm: made together, written together or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.config.keyfiles import read_key_file, write_key_file
from muniment.errors import KeyFileError

if TYPE_CHECKING:
    from muniment.vault.age import Identity
    from muniment.vault.signing import Signer

PROTECTED = ("root", "escrow-1", "escrow-2")
"""Kept by people, under a passphrase each."""

ESCROWS = ("escrow-1", "escrow-2")
ROOT_FILE = "root.pem"
SCRYPT_WORK = 18
"""As the age program: a second and 256 MiB for each try."""

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without l, o, 0 and 1, which people misread. 32 letters: 5 bits each."""


@dataclass(frozen=True)
class MadeKeys:
    """The public halves of a firm's keys, and the root key to sign the vault document with."""

    root: Signer
    escrows: Mapping[str, str]
    worker: str
    operations: str
    worker_signer: bytes
    operations_signer: bytes
    retention_signer: bytes


def new_passphrase() -> str:
    """Five groups of five letters: 125 bits, as age's own ten words have 110."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(5))


def given_passphrases(file: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """What a file of `name: passphrase` lines or the environment gives; empty when neither does.

    Raises KeyFileError when some are given and others not, or two are the same.
    """
    found: dict[str, str] = {}
    if file is not None:
        for line in read_key_file(file).splitlines():
            name, colon, value = line.partition(":")
            if colon and name.strip() in PROTECTED:
                found[name.strip()] = value.strip()
    else:
        for name in PROTECTED:
            value = environment.get(f"MUNIMENT_PASSPHRASE_{name.upper().replace('-', '_')}", "")
            if value:
                found[name] = value
    missing = [name for name in PROTECTED if not found.get(name)]
    if missing and (found or file is not None):
        raise KeyFileError(
            f"no passphrase was given for {', '.join(missing)}",
            to=str(file or "environment"),
            todo="Give all three, or none to have them made.",
        )
    if len(set(found.values())) != len(found):
        raise KeyFileError(
            "two passphrases are the same",
            to=str(file or "environment"),
            todo="Different people keep them: give each its own.",
        )
    return found


def make_keys(folder: Path, passphrases: Mapping[str, str]) -> MadeKeys:
    """Makes and writes every key file of a firm (0600), in one step: the folder is there whole or
    not. Raises KeyFileError when it is there already."""
    from muniment.vault.age import Identity, seal_with_passphrase
    from muniment.vault.signing import Signer

    if folder.exists():
        raise KeyFileError(
            "there is a folder in the place of the new keys",
            to=str(folder),
            safe="It was not touched.",
            todo="Choose another --keys folder, or move it away if it is surely not needed.",
        )
    root = Signer.generate()
    escrows = {name: Identity.generate() for name in ESCROWS}
    sealing = {role: Identity.generate() for role in ("worker", "operations")}
    signing = {role: Signer.generate() for role in ("worker", "operations", "retention")}
    texts: dict[str, bytes] = {ROOT_FILE: root.pem(passphrases["root"])}
    for name, identity in escrows.items():
        sealed = seal_with_passphrase(identity_text(identity), passphrases[name], SCRYPT_WORK)
        texts[f"{name}.age"] = sealed
        texts[f"{name}.pub"] = f"{identity.recipient}\n".encode()
    for role, identity in sealing.items():
        texts[f"{role}.age-identity"] = identity_text(identity)
    for role, signer in signing.items():
        texts[f"{role}.pem"] = signer.pem()
    _write_all(folder, texts)
    return MadeKeys(
        root,
        {name: str(identity.recipient) for name, identity in escrows.items()},
        str(sealing["worker"].recipient),
        str(sealing["operations"].recipient),
        signing["worker"].public,
        signing["operations"].public,
        signing["retention"].public,
    )


def load_keys(folder: Path, root: Signer) -> MadeKeys:
    """The keys that an earlier `make_keys` left. Raises KeyFileError."""
    from muniment.vault.age import parse_identities
    from muniment.vault.signing import Signer

    def recipient(role: str) -> str:
        text = read_key_file(folder / f"{role}.age-identity")
        return str(parse_identities(text)[0].recipient)

    def public(role: str) -> bytes:
        return Signer.from_pem(read_key_file(folder / f"{role}.pem")).public

    return MadeKeys(
        root,
        {name: read_key_file(folder / f"{name}.pub").strip() for name in ESCROWS},
        recipient("worker"),
        recipient("operations"),
        public("worker"),
        public("operations"),
        public("retention"),
    )


def identity_text(identity: Identity) -> bytes:
    """An age identity file, as `age-keygen` writes it."""
    return f"# public key: {identity.recipient}\n{identity}\n".encode()


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir(mode=0o700, parents=True)
        for name, content in contents.items():
            _write(beside / name, content)
        # A rename onto a folder that is not empty fails: nothing is ever replaced.
        os.rename(beside, folder)
    except OSError as error:
        raise KeyFileError(
            f"the key files cannot be written ({error.strerror})",
            to=str(folder),
            todo="Choose another --keys folder.",
        ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    try:
        write_key_file(path, content.decode("ascii"))
    except UnicodeDecodeError:
        # A file under a passphrase is binary, as the age program writes it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
