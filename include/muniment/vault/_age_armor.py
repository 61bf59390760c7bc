"""The armor of an age file: the same bytes as text between two dashed lines.

Vault objects are never armored. A person's identity file under a passphrase may be: `age -p -a`
makes one, to be printed or mailed. Strict, as https://age-encryption.org/v1 ("ASCII armor") asks.

Private to `muniment.vault.age`.
"""

from __future__ import annotations

import base64
import binascii
import re

from muniment.errors import SealError

_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
_COLUMNS = 64
_ARMORED = re.compile(
    rb"(?:[ \t\r\n]*\n)?" + _BEGIN + rb"\r?\n"
    rb"((?:[A-Za-z0-9+/=]+\r?\n)*)"
    rb"-----END AGE ENCRYPTED FILE-----(?:\r?\n[ \t\r\n]*)?"
)


def is_armored(data: bytes) -> bool:
    return data.lstrip().startswith(_BEGIN)


def decode(data: bytes) -> bytes:
    """The age file inside. Raises SealError."""
    match = _ARMORED.fullmatch(data)
    lines = match[1].split() if match else []
    well_cut = all(len(line) == _COLUMNS for line in lines[:-1])
    if match is None or not well_cut or len(b"".join(lines[-1:])) > _COLUMNS:
        raise SealError("an armored file is damaged: it is not lines of 64 columns")
    try:
        # Each line by itself: padding ends a line, and only the last one has any.
        decoded = [base64.b64decode(line, validate=True) for line in lines]
    except binascii.Error:
        raise SealError("an armored file is damaged: a line is not base64") from None
    content = b"".join(decoded)
    if base64.b64encode(content) != b"".join(lines):
        raise SealError("an armored file is damaged: a line is not canonical base64")
    return content
