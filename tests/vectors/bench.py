"""The workbench on which test vectors are made: fixed keys, one folder for each vector, one JSON beside its objects.

A `Bench` is one vector in the making. `bench.vault` is an independent writer whose store is the vector's `store/`;
`bench.done` writes `vector.json`. `vector` registers a function that makes one vector under (kind, name).
Section 15 of docs/FORMAT.md says what the fields mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage

from tests.independent.writer import Json, Signer, Vault, sha256

HERE = Path(__file__).resolve().parent
SOURCE = "files"
KEY_ID = "recovery-00000001"
MATTER = "matter-7f3k2qxa"
STRANGER = Signer(b"x" * 32)

# Secrets of this test only; they open nothing but the vectors.
ESCROW, OPERATOR, EPOCH, OTHER = (
    "AGE-SECRET-KEY-1LUSMDY0UMKMS8Q0HYT3ZK4YM9PGCL7CRPT5GJGKAP8AQQVJJCNXSM20U4H",
    "AGE-SECRET-KEY-1KLW5MDE3WP6P7TN7RLE27FE0RGXZKXL8RLE80YSGKPD0FULQUA3QXH0255",
    "AGE-SECRET-KEY-1TSFM040ESX9Q056ELUUPNVFGSCP2UE50ZMG0FYAXDXV4XZJPNWCQD88P2E",
    "AGE-SECRET-KEY-1UP39LVM0VKHY5PEX85V39USTW5TT7EQAD0SALUWC3Q6E04AFJ2LSPS7HE3",
)


def identity(secret: str) -> Any:
    return pyrage.x25519.Identity.from_str(secret)


class Bench:
    """One vector. Attributes: `vault`, and `keys` (key id -> identity) that a reader is given."""

    def __init__(self, kind: str, name: str, root: Path) -> None:
        self.kind, self.folder = kind, root / kind / name
        self.keys = {KEY_ID: EPOCH}
        self.vault = Vault(
            self.folder / "store",
            frame_bytes=1 << 12,
            chunk_bytes=1 << 10,
            escrow=identity(ESCROW),
            operator=identity(OPERATOR),
            epochs={KEY_ID: identity(EPOCH)},
        )

    def path(self, name: str) -> Path:
        return self.folder / "store" / name

    def done(self, valid: bool, why: str, find: Json | None = None, **fields: Any) -> None:
        """Write `vector.json`. `why` says why it is refused, or what a valid one is about."""
        self.folder.mkdir(parents=True, exist_ok=True)
        vector: Json = {"kind": self.kind, "valid": valid, "why": why}
        if self.kind != "percent":
            vector |= {
                "root_key": self.vault.root.public.hex(),
                "vault_id": self.vault.vault_id,
                "source": SOURCE,
                "keys": self.keys,
            }
        vector |= fields
        if valid:
            vector["find"] = find or {}
        text = json.dumps(vector, indent=1, ensure_ascii=True)
        (self.folder / "vector.json").write_text(text + "\n", encoding="utf-8")

    def judge(self, name: str, valid: bool, why: str, **find: Any) -> None:
        """`done` for a signed object that is written already."""
        digest = sha256(self.path(name).read_bytes())
        self.done(valid, why, {"digest": digest} | find, object=name)


Maker = Callable[[Bench], None]
MAKERS: dict[tuple[str, str], Maker] = {}


def vector(kind: str, name: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        assert (kind, name) not in MAKERS, (kind, name)
        MAKERS[kind, name] = maker
        return maker

    return register
