"""Parts of recover.py against other programs: signatures against `cryptography`, text against the independent writer."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.independent.writer import Signer, percent_text
from tests.recovery_by_hand.programs import recover_module

module = recover_module()
ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032, section 7.1: secret key, public key, message, signature
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def accepted_by_cryptography(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_the_signatures_of_the_rfc_are_accepted_and_no_other_message() -> None:
    for _, public, message, signature in RFC_8032:
        key, text, sig = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
        assert module.signature_is_valid(key, text, sig)
        assert not module.signature_is_valid(key, text + b"x", sig)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300), st.integers(0, 511))
def test_signatures_are_judged_as_cryptography_does(seed: bytes, message: bytes, bit: int) -> None:
    signer = Signer(seed)
    signature = signer.private.sign(message)
    assert module.signature_is_valid(signer.public, message, signature)
    flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
    expected = accepted_by_cryptography(signer.public, message, flipped)
    assert module.signature_is_valid(signer.public, message, flipped) == expected is False


def test_a_signature_made_longer_by_the_order_of_the_group_is_refused() -> None:
    signer = Signer(b"k" * 32)
    signature = signer.private.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + ORDER
    other = signature[:32] + s.to_bytes(32, "little")
    assert not module.signature_is_valid(signer.public, b"message", other)
    assert not accepted_by_cryptography(signer.public, b"message", other)


def test_keys_and_signatures_of_the_wrong_length_or_off_the_curve_are_refused() -> None:
    signer = Signer(b"k" * 32)
    signature = signer.private.sign(b"message")
    for public, sig in [
        (b"", signature),
        (signer.public[:31], signature),
        (signer.public + b"\0", signature),
        (signer.public, signature[:63]),
        (signer.public, signature + b"\0"),
        (b"\xff" * 32, signature),
        ((2).to_bytes(32, "little"), signature),
    ]:
        assert not module.signature_is_valid(public, b"message", sig)


@given(st.binary(max_size=60))
def test_percent_text_is_read_back_whatever_the_bytes(raw: bytes) -> None:
    text = percent_text(raw)
    assert module.unpercent(text) == raw
    assert not {character for character in text if character in '"\\' or character < " "}


def test_times_compare_with_and_without_fractions() -> None:
    order = [  # already sorted
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.05Z",
        "2026-01-01T00:00:00.25Z",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01T00:00:01Z",
    ]
    assert sorted(set(order), key=module.moment) == order
    assert module.moment("2026-01-01T00:00:00.500Z") == module.moment("2026-01-01T00:00:00.5Z")
