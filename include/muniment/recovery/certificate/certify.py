"""Certify: hash what stands in a delivery, hold it against the vault and the plan, and write - or refuse."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import cryptography

import muniment
from muniment.clock import to_text
from muniment.errors import CertificateRefused, TargetUnusable
from muniment.ids import sha256_hex
from muniment.model.text import text_of
from muniment.recovery.certificate.page import certificate_page
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

FOLDER = "_certificate"
"""Beside the sources of a delivery; no source id begins so."""

VERIFIER = "verify_delivery.py"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Certificate:
    """`digest` is the SHA-256 of the statement's bytes; `signer` the key id that signed it, empty where nobody did."""

    folder: Path
    digest: str
    signer: str
    files: int
    bytes: int


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
) -> Certificate:
    """Looks at a whole delivery and writes `folder/_certificate/`.

    Args:
        folder: the delivery; what comes from a source stands in `folder/<source>/`.
        seen: what the restore read back and found equal (`Witness`).
        systems: the system of each source, as the inventory has it.
        signer: operations' key; without one the statement says that nobody signed it.

    Raises CertificateRefused on the first thing that is not as it was verified, PlanChanged, TargetUnusable.
    """
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
                files.append(_hashed(folder, choice.source, item))
            else:
                others[item.kind] += 1
    files.sort(key=lambda f: f.path)
    if len({f.path for f in files}) != len(files):
        raise CertificateRefused("two items stand under one name", to=f"plan {plan.digest[:16]}")
    return _write(
        vault, plan, selection, folder, handling, snapshots, files, others, differences, signer
    )


# -- looking -----------------------------------------------------------------------------------------


def _snapshot(choice: Choice, record: CommitRecord, system: str) -> Snapshot:
    commit = record.commit
    return Snapshot(
        choice.source, system, choice.seq, choice.commit, record.signer, to_text(commit.started_at),
        to_text(commit.ended_at), commit.completeness.value, commit.clock_offset_ms, commit.run_id,
        choice.proof, choice.passed_over,
    )  # fmt: skip


def _hashed(folder: Path, source: str, item: Seen) -> Delivered:
    where = f"{source}, item {item.item_id}"
    if item.path is None:
        raise CertificateRefused("it cannot be said where an item stands", to=where)
    try:
        digest, size = _digest(os.path.join(os.fsencode(folder / source), item.path))
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


def _digest(path: bytes) -> tuple[str, int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    size, found = 0, sha256()
    with os.fdopen(descriptor, "rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            found.update(block)
    return found.hexdigest(), size


# -- writing -----------------------------------------------------------------------------------------


def _write(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    folder: Path,
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
    custody = custody_lines(
        handling, snapshots, counts, plan.digest, f"muniment {tools['muniment']}", keyid
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
    )
    said["signer"] = keyid
    said["root_public"] = vault.pin.root_public.hex()
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    if signer is not None:
        parts["certificate.signed.json"] = signer.sign("certificate", said)
        parts["vault_document.json"] = _vault_document(vault)
    parts |= dict(_commits(vault, plan))
    parts["certificate.json"] = json.dumps(said, ensure_ascii=False, indent=2).encode() + b"\n"
    parts["certificate.html"] = certificate_page(said, sha256_hex(body)).encode()
    parts[VERIFIER] = verifier()
    _write_folder(folder / FOLDER, parts)
    return Certificate(
        folder / FOLDER, sha256_hex(body), keyid, len(files), sum(f.size for f in files)
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
    return (resources.files("muniment.recovery.certificate") / "program" / VERIFIER).read_bytes()


def _vault_document(vault: Vault) -> bytes:
    """What root signed, byte for byte: it names the keys that signed the statement and the commits."""
    name = names.vault_document(vault.trust.newest.number)
    for version in vault.store.list(name):
        if version.name == name and not version.delete_marker:
            data = vault.store.get(name, version=version.version or None)
            if sha256_hex(data) == vault.trust.newest_digest:
                return data
    raise CertificateRefused("the vault document is not in the store as it was verified", to=name)


def _commits(vault: Vault, plan: RestorePlan) -> Iterator[tuple[str, bytes]]:
    """The signed record of each snapshot, byte for byte: its SHA-256 is in the statement."""
    for choice in plan.choices:
        name = names.commit(choice.source, choice.seq)
        for version in vault.store.list(name):
            if version.name != name or version.delete_marker:
                continue
            data = vault.store.get(name, version=version.version or None)
            if sha256_hex(data) == choice.commit:
                yield f"commit-{choice.source}-{choice.seq:08d}.json", data
                break
        else:
            raise CertificateRefused(
                "the signed record of the snapshot is not in the store as the plan names it",
                to=f"{choice.source}/{choice.seq}",
            )


def _write_folder(folder: Path, parts: Mapping[str, bytes]) -> None:
    """Each file whole or not at all, the statement last; what an earlier certificate left is replaced."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        last = ("certificate.json", "certificate.html")
        for name in sorted(parts, key=lambda n: (n in last, n)):
            draft = folder / f".{name}.new"
            draft.unlink(missing_ok=True)
            mode = 0o700 if name == VERIFIER else 0o600
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            with os.fdopen(descriptor, "wb") as out:
                out.write(parts[name])
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, folder / name)
    except OSError as error:
        raise TargetUnusable(
            f"the certificate cannot be written ({error.strerror})", to=FOLDER
        ) from None


def facts_of(certificate: Certificate, plan: RestorePlan) -> dict[str, Any]:
    """What may be told in the clear."""
    return {
        "statement_sha256": certificate.digest,
        "signer": certificate.signer,
        "files": certificate.files,
        "bytes": certificate.bytes,
        "plan_digest": plan.digest,
    }
