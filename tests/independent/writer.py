"""A second writer of version-1 vaults, made from docs/FORMAT.md alone.

It shares no code with Muniment, so that a reader tested against it is tested against the page and not
against its own reflection. Section numbers below are those of docs/FORMAT.md.

Nouns: a `Vault` is a store in a folder plus every secret it takes to write there; an `Entry` is one file,
folder or symbolic link of a source; a `Member` is where a piece of content lies in a pack.
The low-level methods (`put_pack`, `put_rows`, `put_commit`, ...) write one object each and let a test write it
wrongly; `back_up` is a whole run. Invariant: unless a test asks for it, everything written is valid.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import zstandard
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Json = dict[str, Any]
START = "2026-01-01T00:00:00Z"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- section 1: percent text, compact JSON ---------------------------------------------------------
def _must_escape(character: str) -> bool:
    point = ord(character)
    return (
        point <= 0x1F or 0x7F <= point <= 0x9F or point in (0x2028, 0x2029) or character in '%"\\'
    )


def percent_text(raw: bytes) -> str:
    """Section 1: the text form of any byte string."""
    # `surrogateescape` marks exactly the bytes that are not part of valid UTF-8.
    out = []
    for character in raw.decode("utf-8", "surrogateescape"):
        if 0xDC80 <= ord(character) <= 0xDCFF:
            out.append(f"%{ord(character) - 0xDC00:02X}")
        elif _must_escape(character):
            out.extend(f"%{byte:02X}" for byte in character.encode())
        else:
            out.append(character)
    return "".join(out)


def compact(row: Json) -> bytes:
    """One row: keys as given, no white space, no needless escape, a line feed."""
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


# -- section 5: signed objects ---------------------------------------------------------------------
@dataclass(frozen=True)
class Signer:
    """An Ed25519 key; made from 32 bytes so that vectors are the same every time."""

    seed: bytes

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    @property
    def keyid(self) -> str:
        return sha256(self.public)[:32]

    def listed(self, role: str, sources: Sequence[str] = ("*",), revoked: Any = None) -> Json:
        """The entry of this signer in a vault document."""
        return {
            "role": role,
            "keyid": self.keyid,
            "public": self.public.hex(),
            "sources": list(sources),
            "since": START,
            "revoked": revoked,
        }


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that a DSSE v1 signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope(
    payload: Json | bytes, signers: Sequence[Signer], payload_type: str | None = None, **dumps: Any
) -> bytes:
    """A signed object; `dumps` goes to json.dumps, for other layouts of the same content."""
    if not isinstance(payload, bytes):
        kind = payload_type or f"application/vnd.muniment.{payload['type']}+json"
        body = json.dumps(payload, ensure_ascii=False, **dumps).encode()
    else:
        kind = payload_type or "application/vnd.muniment.commit+json"
        body = payload
    signatures = [
        {
            "keyid": signer.keyid,
            "sig": base64.b64encode(signer.private.sign(pae(kind, body))).decode(),
        }
        for signer in signers
    ]
    whole = {
        "payload": base64.b64encode(body).decode(),
        "payloadType": kind,
        "signatures": signatures,
    }
    return json.dumps(whole, **dumps).encode()


# -- sections 3 and 4: sealing, packs, rows --------------------------------------------------------
def compress(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)


def seal(data: bytes, recipients: Iterable[str]) -> bytes:
    """Section 1: one age v1 file, X25519 recipients, no armor."""
    return pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(r) for r in recipients])


@dataclass(frozen=True)
class Member:
    """A piece of content in a pack, with the segments that a row gives for it."""

    name: str
    pack: str
    key_id: str
    segments: tuple[tuple[int, int, int, int], ...]

    def row(self) -> Json:
        return {
            "m": self.name,
            "p": self.pack,
            "k": self.key_id,
            "s": [list(segment) for segment in self.segments],
        }


def tar_of(contents: Sequence[bytes], names: Sequence[str] | None = None) -> bytes:
    """Section 3: a ustar archive of members named by their digest."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number, content in enumerate(contents):
            info = tarfile.TarInfo(names[number] if names else sha256(content))
            info.size, info.mode, info.mtime = len(content), 0o600, 0
            archive.addfile(info, io.BytesIO(content))
    # tarfile pads to a record of 10 KiB; the page asks for the two end blocks only.
    return buffer.getvalue()[: sum(512 + -(-len(c) // 512) * 512 for c in contents) + 1024]


def frames_of(tar: bytes, frame_bytes: int) -> tuple[bytes, list[tuple[int, int, int]]]:
    """The compressed frames of a tar, and for each (start in the tar, offset, length)."""
    out, places = bytearray(), []
    for start in range(0, len(tar), frame_bytes):
        frame = compress(tar[start : start + frame_bytes])
        places.append((start, len(out), len(frame)))
        out += frame
    return bytes(out), places


# -- what a run is given ---------------------------------------------------------------------------
@dataclass(frozen=True)
class Entry:
    """One thing in a source; `path` and `target` are raw bytes."""

    path: bytes
    kind: str = "file"
    content: bytes = b""
    target: bytes = b""
    matter: str = ""
    mode: int | None = None
    mtime_ns: int = 1_700_000_000_123_456_789
    hardlink: str = ""
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    sparse: bool = False
    extra: tuple[tuple[str, Any], ...] = ()  # further keys of meta: uid, gid, owner, group


@dataclass
class Vault:
    """A store in a folder, with the secrets of its writer, its operator and its owner."""

    folder: Path
    vault_id: str = "00112233445566778899aabbccddeeff"
    frame_bytes: int = 4 << 20
    pack_bytes: int = 32 << 20
    chunk_bytes: int = 1 << 20
    root: Signer = Signer(b"r" * 32)
    worker: Signer = Signer(b"w" * 32)
    operations: Signer = Signer(b"o" * 32)
    retention: Signer = Signer(b"t" * 32)
    escrow: Any = field(default_factory=pyrage.x25519.Identity.generate)
    operator: Any = field(default_factory=pyrage.x25519.Identity.generate)
    epochs: dict[str, Any] = field(default_factory=dict)  # key id -> identity
    matters: dict[str, Any] = field(default_factory=dict)  # key id -> identity
    documents: list[bytes] = field(default_factory=list)
    commits: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    checkpoints: list[bytes] = field(default_factory=list)
    retention_log: list[bytes] = field(default_factory=list)
    standing: dict[str, dict[str, Json]] = field(default_factory=dict)  # source -> id -> row
    numbers: dict[str, dict[str, Json]] = field(default_factory=dict)  # source -> matter -> row
    problems: dict[str, list[Json]] = field(default_factory=dict)  # source -> those of the last run
    members: dict[str, Member] = field(default_factory=dict)  # key id + digest -> place
    packs: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.epochs:
            self.epochs["recovery-00000001"] = pyrage.x25519.Identity.generate()

    @property
    def epoch(self) -> str:
        return max(self.epochs)

    def identity(self, key_id: str) -> Any:
        return self.epochs.get(key_id) or self.matters[key_id]

    def recipient(self, key_id: str) -> str:
        return str(self.identity(key_id).to_public())

    def put(self, name: str, data: bytes) -> str:
        """Write an object; gives its digest."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return sha256(data)

    # -- sections 8 and 9 --------------------------------------------------------------------------
    def id_key(self, source: str) -> bytes:
        return hashlib.sha256(b"id key of " + source.encode()).digest()

    def document(self, **changes: Any) -> Json:
        """The next vault document, not yet written."""
        parent = sha256(self.documents[-1]) if self.documents else None
        return {
            "format": 1,
            "type": "vault",
            "vault_id": self.vault_id,
            "number": len(self.documents) + 1,
            "parent": parent,
            "created_at": START,
            "epochs": [
                {
                    "key_id": key_id,
                    "class": "recovery_points",
                    "recipient": self.recipient(key_id),
                    "since": START,
                    "until": None,
                }
                for key_id in sorted(self.epochs)
            ],
            "matters": [
                {"key_id": key_id, "recipient": self.recipient(key_id), "since": START}
                for key_id in sorted(self.matters)
            ],
            "holders": [
                {
                    "role": role,
                    "name": name,
                    "recipient": str(who.to_public()),
                    "since": START,
                    "until": None,
                }
                for role, name, who in (
                    ("escrow", "escrow-1", self.escrow),
                    ("operations", "operations-1", self.operator),
                )
            ],
            "signers": [
                self.worker.listed("worker"),
                self.operations.listed("operations"),
                self.retention.listed("retention"),
            ],
        } | changes

    def put_document(self, **changes: Any) -> Json:
        payload = self.document(**changes)
        data = envelope(payload, [self.root])
        self.put(f"vault/{payload['number']:08d}.json", data)
        self.documents.append(data)
        return payload

    def put_key(self, key_id: str, number: int = 1, text: str | None = None, **who: Any) -> str:
        """Section 9. `who` may name `holders`, a list of identities."""
        holders = who.get("holders", [self.escrow, self.operator])
        lines = text if text is not None else f"# {key_id}\n{self.identity(key_id)}\n"
        sealed = seal(lines.encode(), [str(holder.to_public()) for holder in holders])
        return self.put(f"keys/{key_id}/{number:08d}.age", sealed)

    def set_up(self, sources: Sequence[str] = ("files",)) -> None:
        self.put_document()
        for key_id in (*self.epochs, *self.matters):
            self.put_key(key_id)
        for source in sources:
            text = f"# id key of {source}\nMUNIMENT-ID-KEY-{self.id_key(source).hex()}\n"
            self.put_key(f"id-{source}", text=text)

    def item_id(self, source: str, kind: str, native: bytes) -> str:
        message = b"\0".join((source.encode(), kind.encode(), native))
        return hmac.new(self.id_key(source), message, hashlib.sha256).digest()[:16].hex()

    # -- packs and rows ----------------------------------------------------------------------------
    def put_pack(
        self, contents: Sequence[bytes], key_id: str | None = None, tar: bytes | None = None
    ) -> str:
        """Write one pack and note where its members lie; gives its digest."""
        key_id = key_id or self.epoch
        tar = tar_of(contents) if tar is None else tar
        frames, places = frames_of(tar, self.frame_bytes)
        sealed = seal(frames, [self.recipient(key_id)])
        digest = sha256(sealed)
        self.put(f"packs/{digest[:2]}/{digest}", sealed)
        self.packs[digest] = {
            "pack": digest,
            "key_id": key_id,
            "size": len(sealed),
            "new": True,
        }
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for info in archive:
                first, last = info.offset_data, info.offset_data + info.size
                segments = tuple(
                    (offset, length, max(first, start) - start, min(last, start + self.frame_bytes) - max(first, start))
                    for start, offset, length in places
                    if start < last and first < start + self.frame_bytes
                )  # fmt: skip
                self.members[key_id + info.name] = Member(info.name, digest, key_id, segments)
        return digest

    def header(self, source: str, key_id: str) -> Json:
        return {
            "t": "snapshot",
            "format": 1,
            "vault_id": self.vault_id,
            "source": source,
            "key_id": key_id,
        }

    def put_rows(
        self,
        source: str,
        rows: Sequence[Json],
        key_id: str | None = None,
        header: Json | None = None,
    ) -> Json:
        """Write one snapshot object; gives its entry for a commit or base."""
        key_id = key_id or self.epoch
        lines = b"".join(map(compact, [header or self.header(source, key_id), *rows]))
        half = len(lines) // 2
        # Two frames, because a reader has to take "one or more, one after another".
        sealed = seal(compress(lines[:half]) + compress(lines[half:]), [self.recipient(key_id)])
        digest = self.put(f"snapshots/{source}/{sha256(sealed)}", sealed)
        return {
            "snapshot": digest,
            "key_id": key_id,
            "size": len(sealed),
            "rows": len(rows),
        }

    # -- sections 6, 7, 10, 11 ---------------------------------------------------------------------
    def commit_payload(self, source: str, **changes: Any) -> Json:
        before = self.commits.get(source, [])
        seq = before[-1][0] + 1 if before else 1
        number = len(self.documents)
        return {
            "format": 1,
            "type": "commit",
            "vault_id": self.vault_id,
            "source": source,
            "seq": seq,
            "parent": sha256(before[-1][1]) if before else None,
            "vault_document": {"number": number, "digest": sha256(self.documents[-1])},
            "run_id": f"run-{seq}",
            "class": "recovery_points",
            "completeness": "complete",
            "started_at": f"2026-01-{seq:02d}T01:00:00Z",
            "ended_at": f"2026-01-{seq:02d}T02:00:00Z",
            "clock_offset_ms": 0,
            "next_due": None,
            "snapshots": [],
            "state": {"kind": "delta", "objects": []},
            "packs": [],
            "shards": [],
            "counts": dict.fromkeys(
                [
                    "items",
                    "added",
                    "changed",
                    "removed",
                    "renamed",
                    "unassigned",
                    "problems",
                    "source_bytes",
                    "read_bytes",
                    "stored_bytes",
                ],
                0,
            ),
            "exceptions": [],
        } | changes

    def put_commit(self, source: str, signer: Signer | None = None, **changes: Any) -> bytes:
        payload = self.commit_payload(source, **changes)
        data = envelope(payload, [signer or self.worker])
        self.put(f"commits/{source}/{payload['seq']:08d}.json", data)
        self.commits.setdefault(source, []).append((payload["seq"], data))
        return data

    def put_base(self, source: str, signer: Signer | None = None, **changes: Any) -> str:
        """A base of the newest commit; gives its object name."""
        seq, commit = self.commits[source][-1]
        by_key: dict[str, list[Json]] = {}
        for row in (*self.standing[source].values(), *self.numbers.get(source, {}).values()):
            by_key.setdefault(self._row_key(row), []).append(row)
        by_key.setdefault(self.epoch, []).extend(self.problems.get(source, ()))
        rows = sum(map(len, by_key.values()))
        used = {part["p"] for row in self.standing[source].values() for part in row["parts"]}
        packs = [{k: v for k, v in self.packs[pack].items() if k != "new"} for pack in sorted(used)]
        payload = {
            "format": 1,
            "type": "base",
            "vault_id": self.vault_id,
            "source": source,
            "covers": {"seq": seq, "digest": sha256(commit)},
            "created_at": f"2026-01-{seq:02d}T03:00:00Z",
            "snapshots": [self.put_rows(source, some, key) for key, some in by_key.items()],
            "packs": packs,
            "rows": rows,
        } | changes
        # Pretty-printed on purpose: white space is free outside rows.
        data = envelope(payload, [signer or self.operations], indent=2)
        name = f"bases/{source}/{payload['covers']['seq']:08d}-{sha256(data)}.json"
        self.put(name, data)
        return name

    def put_checkpoint(self, at: str, signer: Signer | None = None, **changes: Any) -> bytes:
        number = len(self.retention_log)
        payload = {
            "format": 1,
            "type": "checkpoint",
            "vault_id": self.vault_id,
            "at": at,
            "parent": sha256(self.checkpoints[-1]) if self.checkpoints else None,
            "vault_document": {
                "number": len(self.documents),
                "digest": sha256(self.documents[-1]),
            },
            "heads": {
                source: {"seq": done[-1][0], "digest": sha256(done[-1][1])}
                for source, done in self.commits.items()
            },
            "bases": {
                source: sorted(p.stem for p in (self.folder / "bases" / source).glob("*.json"))
                for source in self.commits
            },
            "retention": {"number": number, "digest": sha256(self.retention_log[-1])}
            if number
            else None,
            "evidence": {},
            "objects": {
                str(path.relative_to(self.folder)): sha256(path.read_bytes())
                for path in sorted((self.folder / "keys").rglob("*.age"))
            },
        } | changes
        data = envelope(payload, [signer or self.operations])
        self.put(f"checkpoints/{re.sub('[-:]', '', at)}.json", data)
        self.checkpoints.append(data)
        return data

    def put_retention(self, action: str, signer: Signer | None = None, **changes: Any) -> bytes:
        number = len(self.retention_log) + 1
        payload = {
            "format": 1,
            "type": "retention",
            "vault_id": self.vault_id,
            "number": number,
            "parent": sha256(self.retention_log[-1]) if self.retention_log else None,
            "at": "2026-02-01T00:00:00Z",
            "action": action,
            "commits": [],
            "objects": [],
        } | changes
        data = envelope(payload, [signer or self.retention])
        self.put(f"retention/{payload['number']:08d}.json", data)
        self.retention_log.append(data)
        return data

    # -- a whole run -------------------------------------------------------------------------------
    def _row_key(self, row: Json) -> str:
        own = "matter-" + row["matter"].removeprefix("M-").lower()
        return own if own in self.matters else self.epoch

    def _parts(self, chunks: Sequence[bytes], key_id: str, pending: dict[str, bytes]) -> list[str]:
        for chunk in chunks:
            name = sha256(chunk)
            if key_id + name not in self.members:
                pending[name] = chunk
        return [sha256(chunk) for chunk in chunks]

    def back_up(
        self,
        source: str,
        entries: Iterable[Entry],
        matter_rows: Sequence[Json] = (),
        problems: Sequence[Json] = (),
        **changes: Any,
    ) -> bytes:
        """One run over the whole source: packs, rows of what changed, and the commit."""
        known = self.standing.setdefault(source, {})
        rows: dict[str, Json] = {}
        finish: list[tuple[Json, list[str], str]] = []
        pending: dict[str, dict[str, bytes]] = {}
        for entry in entries:
            row, chunks = self._row(source, entry)
            key_id = self._row_key(row)
            waiting = pending.setdefault(key_id, {})
            finish.append((row, self._parts(chunks, key_id, waiting), key_id))
            rows[row["id"]] = row
            if sum(map(len, waiting.values())) >= self.pack_bytes:
                self._put_packs(waiting, key_id)
        for key_id, waiting in pending.items():
            self._put_packs(waiting, key_id)
        for row, names, key_id in finish:
            row["parts"] = [self.members[key_id + name].row() for name in names]
        news: list[Json] = [{"t": "gone", "id": one} for one in known if one not in rows]
        news += [row for one, row in rows.items() if known.get(one) != row]
        news += [*matter_rows, *problems]
        by_key: dict[str, list[Json]] = {}
        for row in news:
            key = self._row_key(row) if row["t"] in ("item", "matter") else self.epoch
            by_key.setdefault(key, []).append(row)
        used = sorted({part["p"] for row in news for part in row.get("parts", ())})
        self.standing[source] = rows
        self.problems[source] = list(problems)
        self.numbers.setdefault(source, {}).update({row["matter"]: row for row in matter_rows})
        return self.put_commit(
            source,
            **{
                "snapshots": [self.put_rows(source, some, key) for key, some in by_key.items()],
                "packs": [self.packs[pack] for pack in used],
                "counts": self.commit_payload(source)["counts"] | {"items": len(rows)},
            }
            | changes,
        )

    def _put_packs(self, waiting: dict[str, bytes], key_id: str) -> None:
        """Write what waits, in packs of about `pack_bytes`."""
        group: list[bytes] = []
        for chunk in waiting.values():
            group.append(chunk)
            if sum(map(len, group)) >= self.pack_bytes:
                self.put_pack(group, key_id)
                group = []
        if group:
            self.put_pack(group, key_id)
        waiting.clear()

    def _row(self, source: str, entry: Entry) -> tuple[Json, list[bytes]]:
        content = entry.content if entry.kind == "file" else b""
        chunks = [
            content[i : i + self.chunk_bytes] for i in range(0, len(content), self.chunk_bytes)
        ]
        meta: Json = {}
        if entry.mode is not None:
            meta["mode"] = entry.mode
        meta |= dict(entry.extra)
        if entry.kind == "symlink":
            meta["target"] = percent_text(entry.target)
        if entry.hardlink:
            meta["hardlink"] = entry.hardlink
        if entry.xattrs:
            meta["xattrs"] = {
                percent_text(name): base64.b64encode(value).decode() for name, value in entry.xattrs
            }
        if entry.sparse:
            meta["sparse"] = True
        row = {
            "t": "item",
            "id": self.item_id(source, entry.kind, entry.path),
            "kind": entry.kind,
            "path": percent_text(entry.path),
            "matter": entry.matter,
            "size": len(content),
            "mtime_ns": entry.mtime_ns,
            "sha256": sha256(content) if entry.kind == "file" else "",
            "fidelity": "file",
            "version": "",
            "parts": [],
            "meta": meta,
        }
        return row, chunks


def rewrite(path: Path, change: Callable[[Json], Any], signer: Signer) -> bytes:
    """Change the payload of a signed object in place and sign it anew."""
    old = json.loads(path.read_bytes())
    payload = json.loads(base64.b64decode(old["payload"]))
    change(payload)
    data = envelope(payload, [signer], old["payloadType"])
    path.write_bytes(data)
    return data
