"""Certify: hash what stands in a delivery, hold it against the vault and the plan, and write - or refuse."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cryptography

import muniment
from muniment.clock import to_text
from muniment.errors import CertificateRefused
from muniment.ids import sha256_hex
from muniment.model.text import text_of
from muniment.model.value import Value
from muniment.recovery.certificate.page import certificate_page
from muniment.recovery.certificate.place import FOLDER, VERIFIER, OpenFolder, Place
from muniment.recovery.certificate.statement import (
    Delivered,
    Handling,
    Snapshot,
    custody_lines,
    digests_text,
    items_text,
    statement,
)
from muniment.recovery.certificate.witness import Seen, items_digest
from muniment.recovery.plan import Choice, RestorePlan, chosen
from muniment.recovery.selection import Selection
from muniment.vault import names
from muniment.vault.history import CommitRecord
from muniment.vault.signing import Signer
from muniment.vault.vault import Vault

__all__ = [
    "FOLDER",
    "VERIFIER",
    "Certificate",
    "certify",
    "commits",
    "facts_of",
    "tool_versions",
    "vault_document",
    "verifier",
]


Files = Mapping[str, bytes]
"""Name -> content."""


class Certificate(Value, frozen=True):
    """`digest` is the SHA-256 of the statement's bytes; `signer` the key id that signed it, empty where nobody did.
    `parts` are its files by name."""

    folder: Path
    digest: str
    signer: str
    files: int
    bytes: int
    parts: Files


def certify(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    folder: Path,
    seen: Mapping[str, Sequence[Seen]],
    handling: Handling,
    *,
    differences: Mapping[str, int],
    systems: Mapping[str, str] | None = None,
    signer: Signer | None = None,
    place: Place | None = None,
) -> Certificate:
    """Looks at a whole delivery and leaves `_certificate/` beside it.

    Args:
        folder: the delivery; what comes from a source stands in `folder/<source>/`, unless `place` says otherwise.
        seen: what the restore read back and found equal (`Witness`).
        systems: the system of each source, as the inventory has it.
        signer: operations' key; without one the statement says that nobody signed it.

    Raises CertificateRefused on the first thing that is not as it was verified, PlanChanged, TargetUnusable.
    """
    place = place or OpenFolder(folder)
    files: list[Delivered] = []
    others: Counter[str] = Counter()
    snapshots = []
    for choice in plan.choices:
        items = seen.get(choice.source, ())
        if len(items) != choice.items or items_digest(items) != choice.items_digest:
            raise CertificateRefused(
                f"{len(items):,} items were read back and {choice.items:,} were planned, or they are others",
                to=f"{choice.source}, plan {plan.digest[:16]}",
            )
        _, record = chosen(vault, choice)
        snapshots.append(_snapshot(choice, record, (systems or {}).get(choice.source, "")))
        for item in items:
            if item.digest:
                files.append(_hashed(place, choice.source, item))
            else:
                others[item.kind] += 1
    files.sort(key=lambda f: f.path)
    if len({f.path for f in files}) != len(files):
        raise CertificateRefused("two items stand under one name", to=f"plan {plan.digest[:16]}")
    return _write(
        vault, plan, selection, place, handling, snapshots, files, others, differences, signer
    )


# -- looking -----------------------------------------------------------------------------------------


def _snapshot(choice: Choice, record: CommitRecord, system: str) -> Snapshot:
    commit = record.commit
    return Snapshot(
        choice.source, system, choice.seq, choice.commit, record.signer, to_text(commit.started_at),
        to_text(commit.ended_at), commit.completeness.value, commit.clock_offset_ms, commit.run_id,
        choice.proof, choice.passed_over,
    )  # fmt: skip


def _hashed(place: Place, source: str, item: Seen) -> Delivered:
    where = f"{source}, item {item.item_id}"
    if item.path is None:
        raise CertificateRefused("it cannot be said where an item stands", to=where)
    try:
        digest, size = place.digest(source, item.path)
    except OSError as error:
        raise CertificateRefused(
            f"a delivered file cannot be read ({error.strerror})", to=where
        ) from None
    if digest != item.digest or size != item.size:
        raise CertificateRefused(
            "a delivered file is not what was verified: it was changed since", to=where
        )
    path = text_of(source.encode() + b"/" + item.path)
    return Delivered(source, item.item_id, item.kind, path, size, digest)


# -- writing -----------------------------------------------------------------------------------------


def _write(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    place: Place,
    handling: Handling,
    snapshots: Sequence[Snapshot],
    files: Sequence[Delivered],
    others: Mapping[str, int],
    differences: Mapping[str, int],
    signer: Signer | None,
) -> Certificate:
    tools = tool_versions()
    counts = {c.source: (c.items, c.items_digest) for c in plan.choices}
    keyid = signer.keyid if signer else ""
    sealed = place.sealed()
    custody = custody_lines(
        handling, snapshots, counts, plan.digest, f"muniment {tools['muniment']}", keyid, sealed
    )
    parts = {
        "SHA256SUMS": digests_text(files).encode(),
        "items.jsonl": items_text(files).encode(),
        "custody.jsonl": "".join(line + "\n" for line in custody).encode(),
    }
    said = statement(
        plan=plan.as_dict(),
        plan_digest=plan.digest,
        ids=selection.matters,
        handling=handling,
        snapshots=snapshots,
        files=files,
        others=others,
        differences=differences,
        digests_sha256=sha256_hex(parts["SHA256SUMS"]),
        items_sha256=sha256_hex(parts["items.jsonl"]),
        custody_sha256=sha256_hex(parts["custody.jsonl"]),
        tools=tools,
        sealed=sealed,
    )
    said["signer"] = keyid
    said["root_public"] = vault.pin.root_public.hex()
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    if signer is not None:
        parts["certificate.signed.json"] = signer.sign("certificate", said)
        parts["vault_document.json"] = vault_document(vault)
    parts |= dict(commits(vault, ((c.source, c.seq, c.commit) for c in plan.choices)))
    parts["certificate.json"] = json.dumps(said, ensure_ascii=False, indent=2).encode() + b"\n"
    parts["certificate.html"] = certificate_page(said, sha256_hex(body)).encode()
    parts[VERIFIER] = verifier()
    where = place.leave(parts)
    return Certificate(
        where, sha256_hex(body), keyid, len(files), sum(f.size for f in files), parts
    )


def tool_versions() -> dict[str, str]:
    return {
        "muniment": muniment.__version__,
        "python": platform.python_version(),
        "cryptography": cryptography.__version__,
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def verifier() -> bytes:
    """The program that goes with every certificate."""
    return (Path(__file__).with_name("program") / VERIFIER).read_bytes()


def vault_document(vault: Vault) -> bytes:
    """What root signed, byte for byte: it names the keys that signed the statement and the commits."""
    name = names.vault_document(vault.trust.newest.number)
    for version in vault.store.list(name):
        if version.name == name and not version.delete_marker:
            data = vault.store.get(name, version=version.version or None)
            if sha256_hex(data) == vault.trust.newest_digest:
                return data
    raise CertificateRefused("the vault document is not in the store as it was verified", to=name)


def commits(vault: Vault, wanted: Iterable[tuple[str, int, str]]) -> Iterator[tuple[str, bytes]]:
    """The signed record of each snapshot (source, seq, SHA-256), byte for byte, under the name it has in a certificate.

    Raises CertificateRefused.
    """
    for source, seq, digest in wanted:
        name = names.commit(source, seq)
        for version in vault.store.list(name):
            if version.name != name or version.delete_marker:
                continue
            data = vault.store.get(name, version=version.version or None)
            if sha256_hex(data) == digest:
                yield f"commit-{source}-{seq:08d}.json", data
                break
        else:
            raise CertificateRefused(
                "the signed record of the snapshot is not in the store as the plan names it",
                to=f"{source}/{seq}",
            )


def facts_of(certificate: Certificate, plan: RestorePlan) -> dict[str, Any]:
    """What may be told in the clear."""
    return {
        "statement_sha256": certificate.digest,
        "signer": certificate.signer,
        "files": certificate.files,
        "bytes": certificate.bytes,
        "plan_digest": plan.digest,
    }
