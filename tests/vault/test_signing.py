"""Signatures, held against the reference implementation of DSSE and against openssl."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope as ReferenceEnvelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from muniment.errors import FormatError, KeyFileError, SignatureError
from muniment.vault.signing import Envelope, Signer, keyid_of, verified
from tests.support.needs import needs_program

PAYLOAD = {"format": 1, "type": "commit", "words": 'Müller & "Söhne"\n', "number": 2**53}


def reference_key(public: bytes) -> SSlibKey:
    key = Ed25519PublicKey.from_public_bytes(public)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return SSlibKey(keyid_of(public), "ed25519", "ed25519", {"public": public.hex()}, {"pem": pem})


def test_the_reference_implementation_verifies_what_is_signed_here() -> None:
    signer = Signer.generate()
    envelope = ReferenceEnvelope.from_dict(json.loads(signer.sign("commit", PAYLOAD)))
    key = reference_key(signer.public)
    assert envelope.verify([key], 1) == {key.keyid: key}
    assert json.loads(envelope.payload) == PAYLOAD


def test_what_the_reference_implementation_signs_is_verified_here() -> None:
    theirs = CryptoSigner.generate_ed25519()
    public = bytes.fromhex(theirs.public_key.keyval["public"])
    theirs.public_key.keyid = keyid_of(public)
    envelope = ReferenceEnvelope(
        json.dumps(PAYLOAD).encode(), "application/vnd.muniment.commit+json", {}
    )
    envelope.sign(theirs)
    data = json.dumps(envelope.to_dict()).encode()
    payload, keyid = verified(data, "commit", {keyid_of(public): public})
    assert (payload, keyid) == (PAYLOAD, keyid_of(public))


def test_openssl_verifies_as_the_format_page_says(tmp_path: Path) -> None:
    needs_program("openssl")
    signer = Signer.generate()
    outer = json.loads(signer.sign("checkpoint", PAYLOAD))
    body = base64.b64decode(outer["payload"])
    kind = outer["payloadType"].encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "sig").write_bytes(base64.b64decode(outer["signatures"][0]["sig"]))
    key = Ed25519PublicKey.from_public_bytes(signer.public)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile sig"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("what", ["payload", "type", "signature", "keyid"])
def test_nothing_of_an_envelope_can_be_changed(what: str) -> None:
    signer = Signer.generate()
    publics = {signer.keyid: signer.public}
    outer = json.loads(signer.sign("commit", PAYLOAD))
    if what == "payload":
        outer["payload"] = base64.b64encode(json.dumps({**PAYLOAD, "number": 1}).encode()).decode()
    elif what == "type":
        outer["payloadType"] = "application/vnd.muniment.base+json"
        with pytest.raises(SignatureError):
            verified(json.dumps(outer).encode(), "base", publics)
    elif what == "signature":
        outer["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    else:
        outer["signatures"][0]["keyid"] = "0" * 32
    with pytest.raises((SignatureError, FormatError)):
        verified(json.dumps(outer).encode(), "commit", publics)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"null", b'{"payload":1}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_envelope_is_refused_plainly(data: bytes) -> None:
    with pytest.raises(FormatError):
        Envelope.parse(data, "commit")


def test_a_key_file_under_a_passphrase_opens_with_it_only(tmp_path: Path) -> None:
    signer = Signer.generate()
    path = tmp_path / "root.pem"
    path.write_bytes(signer.pem("a good one"))
    assert Signer.load(path, "a good one").public == signer.public
    for wrong in (None, "another"):
        with pytest.raises(KeyFileError) as caught:
            Signer.load(path, wrong)
        assert "a good one" not in str(caught.value)
    with pytest.raises(KeyFileError):
        Signer.load(tmp_path / "absent.pem")


def test_a_secret_shows_nowhere() -> None:
    signer = Signer.generate()
    secret = signer.pem().decode().splitlines()[1]
    assert secret not in repr(signer) + str(signer)
    with pytest.raises(TypeError):
        pickle.dumps(signer)


def test_that_one_was_good_lets_no_other_pass() -> None:
    """What was verified once is remembered by its bytes alone, not by its key, kind or name."""
    signer, other = Signer.generate(), Signer.generate()
    good = signer.sign("commit", {"n": 1})
    publics = {signer.keyid: signer.public, other.keyid: other.public}
    for _ in range(2):
        assert verified(good, "commit", publics)[0] == {"n": 1}
    envelope = json.loads(good)
    for changed in (
        {**envelope, "payload": base64.b64encode(b'{"n":2}').decode()},
        {**envelope, "signatures": [{**envelope["signatures"][0], "keyid": other.keyid}]},
        {**envelope, "payloadType": envelope["payloadType"].replace("commit", "base")},
    ):
        kind = "base" if "base" in changed["payloadType"] else "commit"
        with pytest.raises(SignatureError):
            verified(json.dumps(changed).encode(), kind, publics)
    with pytest.raises(SignatureError):
        verified(good, "commit", {signer.keyid: other.public})
