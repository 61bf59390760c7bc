"""The test vectors of the age project (C2SP, `age-testkit`), all 143 of them.

Each file says what a reader must find: success and a digest, no match, or a failure. Vectors that need
a kind of identity we do not have are listed by name; none of them may open.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from muniment.errors import KeyFileError, NoKey, SealError
from muniment.vault import _age_armor
from muniment.vault.age import (
    Identity,
    SealedReader,
    open_sealed,
    open_with_passphrase,
    parse_identities,
)
from tests.support.needs import REPOSITORY, needs_reference

FOLDER = REPOSITORY.parent / "shared" / "reference" / "age-testkit"
NAMES = sorted(path.name for path in FOLDER.iterdir()) if FOLDER.exists() else []

HYBRID = {
    "armor_hybrid",
    "hybrid",
    "hybrid_and_x25519",
    "hybrid_bad_tag",
    "hybrid_currupted_enc_mlkem",
    "hybrid_currupted_enc_x25519",
    "hybrid_extra_argument",
    "hybrid_grease",
    "hybrid_identity",
    "hybrid_long_file_key",
    "hybrid_long_share",
    "hybrid_low_order",
    "hybrid_multiple_recipients",
    "hybrid_no_match",
    "hybrid_not_canonical_body",
    "hybrid_not_canonical_enc",
    "hybrid_short_share",
    "hybrid_uppercase",
}
"""Not supported: identities of the post-quantum kind, `AGE-SECRET-KEY-PQ-1...`."""


@dataclass(frozen=True)
class Vector:
    expect: str
    payload: str
    identities: list[str]
    passphrases: list[str]
    armored: bool
    data: bytes

    @classmethod
    def load(cls, path: Path) -> Vector:
        head, _, data = path.read_bytes().partition(b"\n\n")
        fields: dict[str, list[str]] = {}
        for line in head.decode().splitlines():
            key, _, value = line.partition(": ")
            fields.setdefault(key, []).append(value)
        if fields.get("compressed") == ["zlib"]:
            data = zlib.decompress(data)
        return cls(
            fields["expect"][0],
            fields.get("payload", [""])[0],
            fields.get("identity", []),
            fields.get("passphrase", []),
            fields.get("armored") == ["yes"],
            data,
        )


def read_in_ranges(data: bytes, identities: list[Identity]) -> bytes:
    reader = SealedReader(lambda start, length: data[start : start + length], len(data), identities)
    step = 65536 + 1000
    pieces = [
        reader.read(start, min(step, reader.plaintext_size - start))
        for start in range(0, reader.plaintext_size, step)
    ]
    reader.check_end()
    return b"".join(pieces)


def open_vector(
    vector: Vector, opener: Callable[[bytes, list[Identity]], bytes] = open_sealed
) -> bytes:
    data = vector.data
    if vector.passphrases:
        return open_with_passphrase(data, vector.passphrases[0])
    if vector.armored:
        data = _age_armor.decode(data)
    return opener(data, [Identity.parse(text) for text in vector.identities])


def outcome(vector: Vector, opener: Callable[[bytes, list[Identity]], bytes]) -> str:
    try:
        plain = open_vector(vector, opener)
    except NoKey:
        return "no match"
    except SealError:
        return "failure"
    assert hashlib.sha256(plain).hexdigest() == vector.payload
    return "success"


@pytest.mark.parametrize("name", sorted(set(NAMES) - HYBRID))
@pytest.mark.parametrize("opener", [open_sealed, read_in_ranges], ids=["whole", "ranges"])
def test_a_vector_gives_what_it_says(
    name: str, opener: Callable[[bytes, list[Identity]], bytes]
) -> None:
    vector = Vector.load(FOLDER / name)
    if name == "hybrid_x25519_arg":
        vector.identities.pop()  # the post-quantum one; the fault is in the other one's stanza
    expected = vector.expect if vector.expect in ("success", "no match") else "failure"
    assert outcome(vector, opener) == expected


@pytest.mark.parametrize("name", sorted(HYBRID))
def test_a_vector_that_is_not_supported_is_not_accepted(name: str) -> None:
    path = needs_reference("age-testkit") / name
    vector = Vector.load(path)
    assert all(text.startswith("AGE-SECRET-KEY-PQ-1") for text in vector.identities)
    with pytest.raises(KeyFileError, match="X25519 kind"):
        parse_identities("\n".join(vector.identities))
    data = _age_armor.decode(vector.data) if vector.armored else vector.data
    with pytest.raises(SealError):
        open_sealed(data, [Identity.generate()])
    with pytest.raises(SealError):
        open_with_passphrase(data, "password")


def test_an_armored_vector_is_no_vault_object() -> None:
    vector = Vector.load(needs_reference("age-testkit") / "armor_x25519")
    with pytest.raises(SealError, match="not an age file"):
        open_sealed(vector.data, [Identity.parse(vector.identities[0])])


def test_all_vectors_are_there_and_accounted_for() -> None:
    needs_reference("age-testkit")
    assert len(NAMES) == 143
    assert set(NAMES) > HYBRID
    core = ("x25519", "header", "hmac", "stanza", "stream", "version", "empty")
    assert sum(name.startswith(core) for name in NAMES) >= 66
    assert not any(name.startswith(core) for name in HYBRID)
    assert len(NAMES) - len(HYBRID) == 125
