"""X25519 recipients and identities, and the stanza between them.

Nouns
    Recipient   the public half: what one seals to. Text `age1...`.
    Identity    the secret half: what opens. Text `AGE-SECRET-KEY-1...`.

Invariants
- An identity's secret leaves it in one way only: `str(identity)`. It is in no repr and in no error,
  and an identity cannot be pickled.
- A share or recipient of low order, which would make the key known to everybody, is refused.

`wrap` and `unwrap` are private to `muniment.vault.age`, which hands the classes on.
Source: https://age-encryption.org/v1 ("The X25519 recipient type").
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from muniment.errors import KeyFileError, SealError
from muniment.model.value import Value
from muniment.vault import _age_bech32 as bech32
from muniment.vault._age_header import Stanza, decode, encode, hkdf

FILE_KEY = 16
WRAPPED_KEY = FILE_KEY + 16
"""Bytes of a stanza's body: the file key and a tag. A longer key would let a crafted file open
differently under different identities."""

ONE_USE_NONCE = bytes(12)
"""Stanza keys seal one message each, so age fixes their nonce."""

_TYPE = "X25519"
_INFO = b"age-encryption.org/v1/X25519"
_RECIPIENT = "age"
_IDENTITY = "AGE-SECRET-KEY-"
_KEY = 32


class Recipient(Value, frozen=True):
    """The public half of an identity. `public` is its 32 raw bytes."""

    public: bytes

    @classmethod
    def parse(cls, text: str) -> Recipient:
        """From `age1...`, as the age program writes it. Raises KeyFileError."""
        recipient = cls(_decode(text.strip(), _RECIPIENT, "recipient"))
        try:
            X25519PrivateKey.generate().exchange(recipient._key())
        except ValueError:
            raise KeyFileError(
                "an age recipient is a number that no identity belongs to",
                todo="Copy the recipient again from the key card or from `age-keygen -y`.",
            ) from None
        return recipient

    def _key(self) -> X25519PublicKey:
        return X25519PublicKey.from_public_bytes(self.public)

    def __str__(self) -> str:
        return bech32.encode(_RECIPIENT, self.public)


class Identity:
    """Opens what was sealed to its `recipient`. Two are equal when their recipients are."""

    __slots__ = ("_secret", "recipient")

    def __init__(self, secret: X25519PrivateKey) -> None:
        self._secret = secret
        self.recipient = Recipient(secret.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Identity:
        return cls(X25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> Identity:
        """From `AGE-SECRET-KEY-1...`. Raises KeyFileError."""
        raw = _decode(text.strip(), _IDENTITY, "identity")
        return cls(X25519PrivateKey.from_private_bytes(raw))

    def __str__(self) -> str:
        """The secret, for a key file. `repr` is for people and logs."""
        return bech32.encode(_IDENTITY.lower(), self._secret.private_bytes_raw()).upper()

    def __repr__(self) -> str:
        return f"<Identity of {self.recipient}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.recipient == other.recipient

    def __hash__(self) -> int:
        return hash(self.recipient)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an identity cannot be pickled or copied: hand on the key file's path")


def parse_identities(text: str) -> list[Identity]:
    """The identities of an identity file: one a line; empty lines and `#` lines are allowed.

    Raises KeyFileError, with the number of the line, on anything else and on a file without any.
    """
    if text.startswith(("age-encryption.org/", "-----BEGIN AGE ")):
        raise KeyFileError(
            "the identity file is itself sealed",
            todo="Open it with its passphrase first.",
        )
    identities = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            identities.append(Identity.parse(line))
        except KeyFileError as error:
            raise KeyFileError(
                f"line {number} of an identity file: {error.what}", todo=error.todo
            ) from None
    if not identities:
        raise KeyFileError("an identity file holds no identity")
    return identities


def _decode(text: str, prefix: str, noun: str) -> bytes:
    """Raises KeyFileError, without a letter of the text: it may be a secret."""
    try:
        found, data = bech32.decode(text)
    except ValueError as error:
        raise KeyFileError(f"this is not an age {noun}: {error}") from None
    if found != prefix or len(data) != _KEY:
        raise KeyFileError(
            f"this is not an age {noun} of the X25519 kind",
            todo=f"Use one that begins with {prefix}1; hybrid, plugin and SSH keys are not supported.",
        )
    return data


# -- private to age.py -----------------------------------------------------------------------------


def wrap(file_key: bytes, recipient: Recipient) -> Stanza:
    """A stanza from which only `recipient`'s identity gets the file key. Raises KeyFileError."""
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    try:
        shared = ephemeral.exchange(recipient._key())
    except ValueError:
        raise KeyFileError("an age recipient is a number that no identity belongs to") from None
    key = hkdf(shared, share + recipient.public, _INFO)
    body = ChaCha20Poly1305(key).encrypt(ONE_USE_NONCE, file_key, None)
    return Stanza(_TYPE, (encode(share),), body)


def unwrap(stanzas: Sequence[Stanza], identities: Sequence[Identity]) -> bytes | None:
    """The file key, or None when no identity fits. Raises SealError for a malformed stanza, also
    when another one would open: a file is well-formed for everybody or for nobody."""
    shares = [(_share(stanza), stanza.body) for stanza in stanzas if stanza.type == _TYPE]
    for identity in identities:
        for share, body in shares:
            try:
                shared = identity._secret.exchange(X25519PublicKey.from_public_bytes(share))
            except ValueError:
                raise SealError("a stanza of a sealed object has a share of low order") from None
            key = hkdf(shared, share + identity.recipient.public, _INFO)
            try:
                return ChaCha20Poly1305(key).decrypt(ONE_USE_NONCE, body, None)
            except InvalidTag:
                continue
    return None


def _share(stanza: Stanza) -> bytes:
    share = decode(stanza.args[0]) if len(stanza.args) == 1 else b""
    if len(share) != _KEY or len(stanza.body) != WRAPPED_KEY:
        raise SealError("a stanza of a sealed object is not of its kind's shape")
    return share
