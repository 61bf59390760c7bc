"""The text header of an age v1 file.

Nouns
    Stanza   what one recipient needs to get at the file key: a type, arguments and a body.
    Header   the stanzas, and a MAC over them that only the file key can make.

Invariants
- Parsing is strict: exactly one text stands for a header. Base64 has no padding and no spare bits;
  body lines have 64 columns and end in a shorter one, which may be empty.
- A header is at most `MAX_HEADER` bytes long, whatever a file claims.
- Stanzas of unknown types are kept and ignored: they are another recipient's business.

Private to `muniment.vault.age`. Source: https://age-encryption.org/v1.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from muniment.errors import ConfigError, SealError
from muniment.model.value import Value

MAX_HEADER = 64 << 10
"""Bytes. A vault object has one to five stanzas of 104 bytes; a post-quantum one takes 1.6 KB."""

_FIRST_READ = 4 << 10
_VERSION = b"age-encryption.org/v1"
_COLUMNS = 64
_STANZA = re.compile(rb"-> [!-~]+(?: [!-~]+)*")
_MAC_LENGTH = 43


class Stanza(Value, frozen=True):
    """One recipient's way to the file key. `args` does not include the type."""

    type: str
    args: tuple[str, ...]
    body: bytes

    def text(self) -> bytes:
        lines = [" ".join(("->", self.type, *self.args)).encode("ascii")]
        body = encode(self.body).encode("ascii")
        # One line more than are full: a body of a multiple of 48 bytes ends in an empty line.
        lines += [body[i : i + _COLUMNS] for i in range(0, len(body) + 1, _COLUMNS)]
        return b"".join(line + b"\n" for line in lines)


class Header(Value, frozen=True):
    """A parsed header. `size` is its length in the file, in bytes; the payload follows."""

    stanzas: tuple[Stanza, ...]
    authenticated: bytes
    mac: bytes
    size: int

    def text(self) -> bytes:
        """As it stands in the file: there is one way to write it."""
        return _whole(self.authenticated, self.mac)

    def check(self, file_key: bytes) -> None:
        """Raises SealError unless the MAC was made with this file key."""
        if not hmac.compare_digest(self.mac, _mac(file_key, self.authenticated)):
            raise SealError("the header of a sealed object was changed: its MAC does not fit")


def write(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """Raises ConfigError for more stanzas than a reader takes: about 600."""
    text = _VERSION + b"\n" + b"".join(stanza.text() for stanza in stanzas) + b"---"
    text = _whole(text, _mac(file_key, text))
    if len(text) > MAX_HEADER:
        raise ConfigError(
            "there are too many recipients for one object",
            to="recipients",
            todo="Seal to a key of its own, and that key to its holders.",
        )
    return text


def read(
    read_at: Callable[[int, int], bytes | bytearray | memoryview], size: int
) -> tuple[Header, bytes]:
    """The header at the start of an object of `size` bytes, and what was read of the payload
    on the way. Raises SealError."""
    for length in (_FIRST_READ, MAX_HEADER):
        data = bytes(read_at(0, min(length, size))) if size else b""
        if not data.startswith(_VERSION + b"\n"):
            raise _not_age(data)
        # Only the last line begins with three hyphens.
        last = data.find(b"\n---")
        end = data.find(b"\n", last + 1) if last >= 0 else -1
        if end >= 0:
            return _parse(data[: end + 1]), data[end + 1 :]
        if len(data) == size:
            break
    raise _damaged("it has no end")


def decode(text: bytes | str) -> bytes:
    """Standard base64 without padding, canonical. Raises SealError."""
    raw = text.encode("ascii") if isinstance(text, str) else text
    try:
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except binascii.Error:
        raise _damaged("a line is not base64") from None
    if encode(data).encode("ascii") != raw:
        raise _damaged("a line is not canonical base64")
    return data


def encode(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode("ascii")


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869), 32 bytes: the one derivation that age uses."""
    return HKDF(SHA256(), 32, salt, info).derive(key)


def _whole(authenticated: bytes, mac: bytes) -> bytes:
    return authenticated + b" " + encode(mac).encode("ascii") + b"\n"


def _mac(file_key: bytes, text: bytes) -> bytes:
    return hmac.digest(hkdf(file_key, b"", b"header"), text, "sha256")


def _parse(data: bytes) -> Header:
    """`data` is the text of a header, from its version line to its MAC."""
    lines = data[:-1].split(b"\n")
    stanzas = []
    position = 1
    while position < len(lines) - 1:
        stanza, position = _stanza(lines, position)
        stanzas.append(stanza)
    mark, _, mac = lines[-1].partition(b" ")
    if mark != b"---" or len(mac) != _MAC_LENGTH or not stanzas:
        raise _damaged("its last line is not a MAC" if stanzas else "it has no stanza")
    authenticated = data[: -len(mac) - 2]
    return Header(tuple(stanzas), authenticated, decode(mac), len(data))


def _stanza(lines: Sequence[bytes], position: int) -> tuple[Stanza, int]:
    if not _STANZA.fullmatch(lines[position]):
        raise _damaged("a stanza does not begin as stanzas do")
    kind, *args = lines[position].decode("ascii").split(" ")[1:]
    body = bytearray()
    # The last line is the MAC's, so a stanza that does not end before it has no end.
    for number in range(position + 1, len(lines) - 1):
        line = lines[number]
        if len(line) > _COLUMNS:
            raise _damaged("a line of a stanza is too long")
        body += line
        if len(line) < _COLUMNS:
            return Stanza(kind, tuple(args), decode(bytes(body))), number + 1
    raise _damaged("a stanza has no end")


def _damaged(how: str) -> SealError:
    return SealError(f"the header of a sealed object is damaged: {how}")


def _not_age(data: bytes) -> SealError:
    if data.startswith(b"age-encryption.org/"):
        return SealError("the object is sealed in a version of age that this program does not know")
    return SealError("the object is not an age file")
