"""Faults: what the demonstration does to its own store, as a thief or a dying disk would."""

from __future__ import annotations

import json
import secrets
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from muniment.embedded.s3 import ADMIN, EmbeddedS3

from .place import BUCKET, Place


def lay_on_top(server: EmbeddedS3, name: str) -> str:
    """What somebody with a worker's credential can do to a pack, and the owner of the server cannot;
    answers what the server said to the owner who tried to remove the true version."""
    owner = server.client(ADMIN)
    true = owner.head_object(Bucket=BUCKET, Key=name)["VersionId"]
    worker = server.client("worker")
    worker.put_object(Bucket=BUCKET, Key=name, Body=secrets.token_bytes(4096))
    try:
        owner.delete_object(Bucket=BUCKET, Key=name, VersionId=true)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        return f"the server's own administrator may not delete the true version: {code}"
    return "the true version could be DELETED: the lock is not enforced"


def turn_a_bit(place: Place, name: str) -> None:
    """One bit of a stored object is another from now on, and the store does not notice."""
    if place.store.exists():
        _flip_in_file(place.store / name)
    else:
        _flip_in_volume(EmbeddedS3(place.s3), name)


def _flip_in_file(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


def _flip_in_volume(server: EmbeddedS3, name: str) -> None:
    """Below the server's interface and every lock of it: in the file where it keeps the bytes, with its
    checksum made right again. The server then gives the wrong bytes without a word."""
    needle = _needle(server, name)
    with needle.file.open("r+b") as file:
        file.seek(needle.start)
        data = bytearray(file.read(needle.length))
        data[len(data) // 2] ^= 1
        file.seek(needle.start + len(data) // 2)
        file.write(data[len(data) // 2 : len(data) // 2 + 1])
        file.seek(needle.checksum)
        file.write(_crc32c(bytes(data)).to_bytes(4, "big"))


@dataclass(frozen=True, slots=True)
class _Needle:
    """Where SeaweedFS keeps (the first chunk of) an object: offsets in its volume file."""

    file: Path
    start: int
    length: int
    checksum: int


def _needle(server: EmbeddedS3, name: str) -> _Needle:
    """An index entry has 17 bytes, big-endian: the needle's key (8), its offset in units of 8 bytes (4,
    and 1 that is high), its size (4). A needle begins with cookie (4), key (8) and size (4); then come
    the length of the bytes (4) and the bytes. That size on from there is their checksum."""
    volume, rest = _chunk(server, name).split(",")
    key = bytes.fromhex(rest[:-8].rjust(16, "0"))
    for index in (server.folder / "data").rglob(f"*_{volume}.idx"):
        entries = index.read_bytes()
        for at in range(0, len(entries) - 16, 17):
            if entries[at : at + 8] != key:
                continue
            needle = int.from_bytes(entries[at + 8 : at + 12], "big") * 8
            path = index.with_suffix(".dat")
            with path.open("rb") as file:
                file.seek(needle + 12)
                size = int.from_bytes(file.read(4), "big")
                length = int.from_bytes(file.read(4), "big")
            return _Needle(path, needle + 20, length, needle + 16 + size)
    raise FileNotFoundError(f"{name} is not in the volume files of {server.folder}")


def _chunk(server: EmbeddedS3, name: str) -> str:
    version = server.client("operations").head_object(Bucket=BUCKET, Key=name)["VersionId"]
    port = json.loads((server.folder / "ports.json").read_text())["filer"]
    path = f"{BUCKET}/{name}.versions/v_{version}"
    url = f"http://127.0.0.1:{port}/buckets/{path}?metadata=true"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return str(json.load(answer)["chunks"][0]["file_id"])


def _crc32c(data: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC32C[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _crc32c_entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC32C = tuple(map(_crc32c_entry, range(256)))
