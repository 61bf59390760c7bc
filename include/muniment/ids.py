"""Opaque identifiers: what may stand in the clear in place of a name.

An item id is HMAC-SHA256 of (source, kind, native id) under a key that only workers and operations
hold, cut to 128 bits: stable over runs, useless to somebody who reads the store or a log.
"""

from __future__ import annotations

import base64
import hmac
import os
from hashlib import sha256
from typing import Any

ITEM_ID_BYTES = 16
_BLOCK = 64
"""Bytes that SHA-256 takes at a time."""


def item_id(id_key: bytes, source: str, kind: str, native_id: bytes) -> bytes:
    """The 16-byte item id. `native_id` is the vendor's id, or the raw bytes of a path."""
    message = b"\x00".join((source.encode(), kind.encode(), native_id))
    return hmac.digest(id_key, message, "sha256")[:ITEM_ID_BYTES]


class ItemIds:
    """`item_id` of one source, many times: the key goes into SHA-256 once and not each time, which
    takes a third of the time (RFC 2104, section 4)."""

    def __init__(self, id_key: bytes, source: str) -> None:
        block = (id_key if len(id_key) <= _BLOCK else sha256(id_key).digest()).ljust(_BLOCK, b"\0")
        self._source = source
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))
        self._by_kind: dict[str, Any] = {}

    def of(self, kind: str, native_id: bytes) -> bytes:
        inner = (self._by_kind.get(kind) or self._begun(kind)).copy()
        inner.update(native_id)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[:ITEM_ID_BYTES]

    def _begun(self, kind: str) -> Any:
        begun = self._inner.copy()
        begun.update(b"\x00".join((self._source.encode(), kind.encode(), b"")))
        # Not before it is whole: another thread may ask for the same.
        self._by_kind[kind] = begun
        return begun


ROOT = b"."
"""The native id of a tree's root."""


def parent_id(ids: ItemIds, native_id: bytes) -> bytes:
    """The item id of the folder of a `/`-separated native id; b"" for the root itself."""
    if native_id == ROOT:
        return b""
    return ids.of("dir", native_id.rpartition(b"/")[0] or ROOT)


def matter_id(id_key: bytes, number: str) -> str:
    """An opaque matter id such as `M-7F3K2QXA`, stable for one firm and one matter number.

    Eight characters of base32 are 40 bits: enough for no collision among a firm's matters
    (p < 1e-3 at 40,000 matters), short enough to read over the telephone.
    """
    digest = hmac.digest(id_key, b"matter\x00" + number.encode(), "sha256")
    return "M-" + base64.b32encode(digest[:5]).decode()


def thing_id(id_key: bytes, tenant: str, kind: str, native_id: str) -> str:
    """An opaque id of something that a vendor lists, such as `mailbox-7F3K2QXA`; the same for every source over one
    tenant."""
    message = b"\x00".join((b"thing", tenant.encode(), kind.encode(), native_id.encode()))
    digest = hmac.digest(id_key, message, "sha256")
    return f"{kind}-" + base64.b32encode(digest[:5]).decode()


def new_run_id() -> str:
    """A random id of a run, 26 lower-case characters."""
    return base64.b32encode(os.urandom(16)).decode().rstrip("=").lower()


def sha256_hex(data: bytes) -> str:
    return sha256(data).hexdigest()
