"""The scrypt stanza: the file key under a passphrase.

Invariants
- A scrypt stanza is alone in its file: else whoever knows the passphrase could pass for the holder
  of the other identities.
- The work factor of a file is believed only up to a bound: it says how much memory we spend.

Private to `muniment.vault.age`. Source: https://age-encryption.org/v1 ("The scrypt recipient
type").
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from muniment.errors import KeyFileError, SealError
from muniment.vault._age_header import Stanza, decode, encode
from muniment.vault._age_x25519 import ONE_USE_NONCE, WRAPPED_KEY

TYPE = "scrypt"
WORK_FACTOR = 18
"""What the age program uses: 2^18, 256 MiB of memory, about a second."""

MAX_WORK_FACTOR = 22
"""What the age program accepts: 2^22, 4 GiB of memory, about twenty seconds."""

_LABEL = b"age-encryption.org/v1/scrypt"
_SALT = 16
_NUMBER = re.compile(r"[1-9][0-9]?")


def wrap(file_key: bytes, passphrase: str, work_factor: int) -> Stanza:
    """Raises KeyFileError for an empty passphrase and for a work factor nobody would accept."""
    if not passphrase:
        raise KeyFileError("an empty passphrase protects nothing")
    if not 1 <= work_factor <= MAX_WORK_FACTOR:
        raise KeyFileError(f"a work factor is a number from 1 to {MAX_WORK_FACTOR}")
    salt = os.urandom(_SALT)
    body = _cipher(passphrase, salt, work_factor).encrypt(ONE_USE_NONCE, file_key, None)
    return Stanza(TYPE, (encode(salt), str(work_factor)), body)


def unwrap(stanzas: Sequence[Stanza], passphrase: str, max_work_factor: int) -> bytes | None:
    """The file key, or None when the passphrase does not fit. Raises SealError, KeyFileError."""
    if all(stanza.type != TYPE for stanza in stanzas):
        return None
    check_alone(stanzas)
    args, body = stanzas[0].args, stanzas[0].body
    if len(args) != 2 or not _NUMBER.fullmatch(args[1]) or len(body) != WRAPPED_KEY:
        raise SealError("the passphrase stanza of a file is damaged")
    salt, work_factor = decode(args[0]), int(args[1])
    if len(salt) != _SALT:
        raise SealError("the passphrase stanza of a file is damaged")
    if work_factor > max_work_factor:
        raise SealError(
            f"a file under a passphrase asks for a work factor of {work_factor}, "
            f"more than the {max_work_factor} that are accepted",
            todo="If the file is yours, open it with the age program and seal it again.",
        )
    try:
        return _cipher(passphrase, salt, work_factor).decrypt(ONE_USE_NONCE, body, None)
    except InvalidTag:
        return None


def check_alone(stanzas: Sequence[Stanza]) -> None:
    """Raises SealError for a scrypt stanza beside another stanza."""
    if len(stanzas) > 1 and any(stanza.type == TYPE for stanza in stanzas):
        raise SealError("a sealed object has a passphrase stanza beside others, which age forbids")


def _cipher(passphrase: str, salt: bytes, work_factor: int) -> ChaCha20Poly1305:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    try:
        kdf = Scrypt(_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1)
        # Bytes that a terminal sent and that are not UTF-8 count as they were typed.
        return ChaCha20Poly1305(kdf.derive(passphrase.encode("utf-8", "surrogateescape")))
    except UnicodeEncodeError:
        raise KeyFileError("a passphrase has a character that cannot be written down") from None
    except MemoryError:
        raise KeyFileError(
            "this machine has too little memory for the work factor of a passphrase",
            todo=f"It needs {(1 << work_factor) >> 10} MiB; open the file on a larger machine.",
        ) from None
