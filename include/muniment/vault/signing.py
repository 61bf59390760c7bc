"""Ed25519 signatures in DSSE v1 envelopes.

The envelope and its pre-authentication encoding are those of the DSSE specification; written here
because importing `securesystemslib` costs more than restoring a matter does (docs/decisions/0003).
The test suite holds this module against that library.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from muniment.errors import FormatError, KeyFileError, SignatureError
from muniment.ids import sha256_hex
from muniment.model.value import Value

_TYPE = "application/vnd.muniment.{}+json"


_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7)."""


_PEM = r"-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/]{64})\n-----END PRIVATE KEY-----\n"


def keyid_of(public: bytes) -> str:
    """First 32 hex characters of the SHA-256 of the raw public key."""
    return sha256_hex(public)[:32]


def _pre_authentication(kind: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


class Signer(Value, frozen=True):
    """A private signing key. Its representation never shows the secret."""

    _private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> Signer:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path, passphrase: str | None = None) -> Signer:
        """Reads a PKCS#8 PEM file. Raises KeyFileError."""
        from cryptography.hazmat.primitives import serialization

        try:
            private = serialization.load_pem_private_key(
                path.read_bytes(), passphrase.encode() if passphrase else None
            )
        except OSError as error:
            raise KeyFileError(
                f"the signing key cannot be read ({error.strerror})", to=str(path)
            ) from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyFileError(
                "the signing key is damaged, or its passphrase is missing or wrong", to=str(path)
            ) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyFileError("the signing key is not an Ed25519 key", to=str(path))
        return cls(private)

    @classmethod
    def from_pem(cls, text: str) -> Signer:
        """From the text of an unencrypted PKCS#8 PEM file. Raises KeyFileError."""
        plain = _plain_key(text)
        if plain is not None:
            return cls(plain)
        from cryptography.hazmat.primitives import serialization

        try:
            private = serialization.load_pem_private_key(text.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyFileError("the signing key is damaged or under a passphrase") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyFileError("the signing key is not an Ed25519 key")
        return cls(private)

    def pem(self, passphrase: str | None = None) -> bytes:
        from cryptography.hazmat.primitives import serialization

        protection: serialization.KeySerializationEncryption = (
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase
            else serialization.NoEncryption()
        )
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
        )

    @property
    def public(self) -> bytes:
        return self._private.public_key().public_bytes_raw()

    @property
    def keyid(self) -> str:
        return keyid_of(self.public)

    def __repr__(self) -> str:
        return f"Signer({self.keyid})"

    def sign(self, kind: str, payload: Mapping[str, Any]) -> bytes:
        """The envelope as bytes to store. `kind` is the short type, such as `commit`."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        type_name = _TYPE.format(kind)
        signature = self._private.sign(_pre_authentication(type_name, body))
        envelope = {
            "payload": base64.b64encode(body).decode(),
            "payloadType": type_name,
            "signatures": [{"keyid": self.keyid, "sig": base64.b64encode(signature).decode()}],
        }
        return json.dumps(envelope, separators=(",", ":")).encode() + b"\n"


def _plain_key(text: str) -> Ed25519PrivateKey | None:
    """The key of a file in the one form that every writer gives it; None for anything else, right or wrong: that is
    for the library, which takes long to import for all the kinds of keys that it reads."""
    found = re.fullmatch(_PEM, text)
    der = base64.b64decode(found[1]) if found else b""
    if not der.startswith(_PKCS8):
        return None
    return Ed25519PrivateKey.from_private_bytes(der[len(_PKCS8) :])


_good: set[bytes] = set()
"""Digests of (key, signature, message) that were verified by this process."""

_GOOD_AT_MOST = 50_000


def _signs(public: bytes, signature: bytes, message: bytes) -> bool:
    """Does the signature verify?

    A run reads its source's history several times, a year of which is 365 commits, and verifying one costs
    twenty times its digest. The same key, signature and message verify again: that they did is
    remembered, that they did not is not.
    """
    mark = sha256(b"%d %d " % (len(public), len(signature)) + public + signature)
    mark.update(message)
    key = mark.digest()
    if key in _good:
        return True
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    if len(_good) >= _GOOD_AT_MOST:
        _good.clear()
    _good.add(key)
    return True


class Envelope(Value, frozen=True):
    """A parsed envelope, not yet verified."""

    kind: str
    body: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, data: bytes, kind: str) -> Envelope:
        """Raises FormatError unless it is an envelope of this kind."""
        try:
            outer = json.loads(data)
            body = base64.b64decode(outer["payload"], validate=True)
            signatures = tuple(
                (str(s["keyid"]), base64.b64decode(s["sig"], validate=True))
                for s in outer["signatures"]
            )
            type_name = outer["payloadType"]
        except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
            raise FormatError("the object is not a signed envelope") from None
        if type_name != _TYPE.format(kind):
            raise FormatError(f"the envelope is not of type {kind}")
        return cls(kind, body, signatures)

    def signed_by(self, public: bytes) -> bool:
        """Does any signature in it verify under this raw public key?"""
        keyid = keyid_of(public)
        message = _pre_authentication(_TYPE.format(self.kind), self.body)
        for claimed, signature in self.signatures:
            if claimed == keyid and _signs(public, signature, message):
                return True
        return False

    def payload(self) -> dict[str, Any]:
        """The payload as an object; verify first. Raises FormatError."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise FormatError("the payload of a signed object is not JSON") from None
        if not isinstance(value, dict):
            raise FormatError("the payload of a signed object is not a JSON object")
        return value


def verified(data: bytes, kind: str, publics: Mapping[str, bytes]) -> tuple[dict[str, Any], str]:
    """Parses and verifies; returns payload and the signer's keyid.

    `publics` maps keyid to raw public key. Raises SignatureError when none of them signed it.
    """
    envelope = Envelope.parse(data, kind)
    for keyid, _ in envelope.signatures:
        public = publics.get(keyid)
        if public is not None and envelope.signed_by(public):
            return envelope.payload(), keyid
    raise SignatureError(f"the {kind} is not signed by anyone entitled to sign it")
