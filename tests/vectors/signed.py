"""Vectors of signed objects (sections 5 to 8, 10, 11): each kind valid, in other layouts, and broken in every way."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.independent.writer import Json, Signer, envelope, sha256
from tests.vectors.bench import SOURCE, STRANGER, Bench, vector

AT = "2026-01-03T04:00:00Z"


@dataclass(frozen=True)
class Kind:
    """How a valid object of a kind is made: gives its payload; and who may and may not sign it."""

    payload: Callable[[Bench], Json]
    name: str
    signer: str
    not_entitled: str
    another_name: str
    fields: tuple[str, ...]


def commit(bench: Bench) -> Json:
    return bench.vault.commit_payload(SOURCE)


def base(bench: Bench) -> Json:
    seq, data = 1, bench.vault.put_commit(SOURCE)
    return {
        "format": 1,
        "type": "base",
        "vault_id": bench.vault.vault_id,
        "source": SOURCE,
        "covers": {"seq": seq, "digest": sha256(data)},
        "created_at": AT,
        "snapshots": [],
        "packs": [],
        "rows": 0,
    }


def vault(bench: Bench) -> Json:
    return bench.vault.document()


def checkpoint(bench: Bench) -> Json:
    return {
        "format": 1,
        "type": "checkpoint",
        "vault_id": bench.vault.vault_id,
        "at": AT,
        "parent": None,
        "vault_document": {"number": 1, "digest": sha256(bench.vault.documents[0])},
        "heads": {SOURCE: {"seq": 12, "digest": "0" * 64}},
        "bases": {SOURCE: []},
        "retention": None,
        "evidence": {},
        "objects": {},
    }


def retention(bench: Bench) -> Json:
    return {
        "format": 1,
        "type": "retention",
        "vault_id": bench.vault.vault_id,
        "number": 1,
        "parent": None,
        "at": AT,
        "action": "forget",
        "commits": [
            {"source": SOURCE, "seq": 3, "digest": "0" * 64, "reason": "older than a year"}
        ],
        "objects": [],
    }


KINDS = {
    "commit": Kind(commit, f"commits/{SOURCE}/00000001.json", "worker", "operations", f"commits/{SOURCE}/00000002.json", ("source", "seq", "parent", "ended_at")),
    "base": Kind(base, f"bases/{SOURCE}/00000001-DIGEST.json", "operations", "worker", f"bases/{SOURCE}/00000002-DIGEST.json", ("source", "covers", "rows")),
    "vault": Kind(vault, "vault/00000001.json", "root", "operations", "vault/00000002.json", ("number", "parent", "signers")),
    "checkpoint": Kind(checkpoint, "checkpoints/20260103T040000Z.json", "operations", "retention", "checkpoints/20260103T040001Z.json", ("at", "heads", "retention")),
    "retention": Kind(retention, "retention/00000001.json", "retention", "operations", "retention/00000002.json", ("number", "action", "commits")),
}  # fmt: skip


def ready(bench: Bench) -> tuple[Json, Signer]:
    """The payload of the bench's kind and the signer who may sign it. Other kinds than `vault` have a document to be judged by."""
    kind = KINDS[bench.kind]
    if bench.kind != "vault":
        bench.vault.put_document()
    return kind.payload(bench), getattr(bench.vault, kind.signer)


def put(bench: Bench, data: bytes, valid: bool, why: str, name: str | None = None) -> None:
    kind = KINDS[bench.kind]
    where = (name or kind.name).replace("DIGEST", sha256(data))
    bench.vault.put(where, data)
    payload: Json = {}
    if valid:
        payload = json.loads(base64.b64decode(json.loads(data)["payload"]))
    bench.judge(where, valid, why, **{field: payload.get(field) for field in kind.fields})


def changed(name: str, why: str, valid: bool = False, **changes: object) -> None:
    """A vector of every kind whose payload is changed before it is signed."""
    for each in KINDS:

        @vector(each, name)
        def _(bench: Bench) -> None:
            payload, signer = ready(bench)
            put(bench, envelope(payload | changes, [signer]), valid, why)


changed("valid", "as the page shows it", valid=True)
changed("unknown-key", "readers ignore keys they do not know", valid=True, novelty={"a": [1]})
changed("format-2", "an unknown format", format=2)
changed("format-as-text", "the format is a number", format="1")
changed("other-vault", "it belongs to another vault", vault_id="f" * 32)
changed("other-type", "the payload says another type than the envelope", type="evidence")

for _each in KINDS:

    @vector(_each, "other-layout")
    def _(bench: Bench) -> None:
        payload, signer = ready(bench)
        data = envelope(payload, [signer], indent="\t", sort_keys=True)
        put(bench, data.replace(b"/", b"\\/"), True, "order, white space and escapes are free")

    @vector(_each, "two-signatures")
    def _(bench: Bench) -> None:
        payload, signer = ready(bench)
        data = envelope(payload, [STRANGER, signer])
        put(bench, data, True, "one valid signature of an entitled signer is enough")

    @vector(_each, "other-payload-type")
    def _(bench: Bench) -> None:
        payload, signer = ready(bench)
        data = envelope(payload, [signer], "application/vnd.muniment.evidence+json")
        put(bench, data, False, "the envelope says another type than the payload and the name")

    @vector(_each, "other-name")
    def _(bench: Bench) -> None:
        payload, signer = ready(bench)
        name = KINDS[bench.kind].another_name
        put(bench, envelope(payload, [signer]), False, "it was not signed for this name", name)

    @vector(_each, "stranger")
    def _(bench: Bench) -> None:
        payload, _ = ready(bench)
        put(bench, envelope(payload, [STRANGER]), False, "signed by a key that is not listed")

    @vector(_each, "not-entitled")
    def _(bench: Bench) -> None:
        payload, _ = ready(bench)
        signer = getattr(bench.vault, KINDS[bench.kind].not_entitled)
        put(bench, envelope(payload, [signer]), False, "signed by a listed key of another role")

    @vector(_each, "stolen-keyid")
    def _(bench: Bench) -> None:
        payload, signer = ready(bench)
        data = envelope(payload, [STRANGER]).replace(STRANGER.keyid.encode(), signer.keyid.encode())
        put(bench, data, False, "the keyid is an entitled signer's, the signature is not")

    @vector(_each, "changed-after-signing")
    def _(bench: Bench) -> None:
        payload, signer = ready(bench)
        signed = json.loads(envelope(payload, [signer]))
        body = base64.b64decode(signed["payload"]) + b" "
        signed["payload"] = base64.b64encode(body).decode()
        put(bench, json.dumps(signed).encode(), False, "the payload was changed after signing")

    @vector(_each, "no-signature")
    def _(bench: Bench) -> None:
        payload, _ = ready(bench)
        put(bench, envelope(payload, []), False, "it has no signature")

    @vector(_each, "torn")
    def _(bench: Bench) -> None:
        payload, signer = ready(bench)
        put(bench, envelope(payload, [signer])[:-9], False, "it is not JSON: its end is missing")


@vector("commit", "signature-plus-order")
def _(bench: Bench) -> None:
    payload, signer = ready(bench)
    signed = json.loads(envelope(payload, [signer]))
    sig = base64.b64decode(signed["signatures"][0]["sig"])
    s = int.from_bytes(sig[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    sig = sig[:32] + s.to_bytes(32, "little")
    signed["signatures"][0]["sig"] = base64.b64encode(sig).decode()
    put(bench, json.dumps(signed).encode(), False, "S is not below the order of the group (RFC 8032, 5.1.7)")  # fmt: skip


@vector("commit", "payload-is-a-list")
def _(bench: Bench) -> None:
    _, signer = ready(bench)
    data = envelope(b"[1]", [signer], "application/vnd.muniment.commit+json")
    put(bench, data, False, "a payload is a JSON object")


@vector("commit", "empty")
def _(bench: Bench) -> None:
    ready(bench)
    put(bench, b"", False, "an empty file")


@vector("commit", "other-source")
def _(bench: Bench) -> None:
    payload, signer = ready(bench)
    put(bench, envelope(payload | {"source": "mail"}, [signer]), False, "it says another source than its name")  # fmt: skip


@vector("commit", "worker-of-another-source")
def _(bench: Bench) -> None:
    bench.vault.put_document(signers=[bench.vault.worker.listed("worker", ["mail"])])
    put(bench, envelope(commit(bench), [bench.vault.worker]), False, "the worker may sign for another source only")  # fmt: skip


@vector("commit", "md5")
def _(bench: Bench) -> None:
    payload, signer = ready(bench)
    entry = {"snapshot": "0" * 64, "key_id": "recovery-00000001", "size": 1, "md5": "0" * 32, "rows": 1}  # fmt: skip
    payload["snapshots"] = [entry]
    put(bench, envelope(payload, [signer]), True, "entries may carry an MD5")


@vector("base", "digest-of-another-file-in-its-name")
def _(bench: Bench) -> None:
    payload, signer = ready(bench)
    name = f"bases/{SOURCE}/00000001-{'0' * 64}.json"
    put(bench, envelope(payload, [signer]), False, "its name ends in another digest", name)


@vector("checkpoint", "fraction")
def _(bench: Bench) -> None:
    payload, signer = ready(bench)
    at = AT.replace("Z", ".987654Z")
    put(bench, envelope(payload | {"at": at}, [signer]), True, "the name has no fraction")
