"""A store of packs and the key that opens them, without a whole vault around it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from muniment.model.item import Part, Segment
from muniment.vault import names, tar
from muniment.vault.age import Identity, seal
from muniment.vault.documents import PackObject
from muniment.vault.frames import FrameCompressor
from muniment.vault.keyring import Keyring, key_object
from muniment.vault.pack_reader import PartReader
from muniment.vault.pack_writer import FinishedPack, PackWriter
from muniment.vault.store.base import Store

KEY_ID = "recovery-00000001"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def noise(seed: int, size: int) -> bytes:
    """The same bytes for the same seed; they do not compress."""
    return random.Random(seed).randbytes(size)


def prose(seed: int, size: int) -> bytes:
    """Compresses about as documents do."""
    rng = random.Random(seed)
    words = [rng.randbytes(rng.randint(2, 6)).hex() for _ in range(400)]
    text = bytearray()
    while len(text) < size:
        text += " ".join(rng.choices(words, k=400)).encode() + rng.randbytes(200)
    return bytes(text[:size])


def kept(members: Iterable[tuple[bytes, bytes | memoryview]]) -> list[tuple[bytes, bytes]]:
    """Members of a large file, each of which is good until the next one is asked for."""
    return [(digest, bytes(data)) for digest, data in members]


def write_pack(folder: Path, contents: Iterable[bytes], identity: Identity) -> FinishedPack:
    with PackWriter(folder, identity.recipient, KEY_ID) as pack:
        for content in contents:
            pack.add(sha256(content), content)
        return pack.close()


def tar_of(contents: Iterable[bytes]) -> bytes:
    pieces = []
    for content in contents:
        pieces += [tar.header(sha256(content), len(content)), content]
        pieces.append(bytes(tar.padding(len(content))))
    return b"".join(pieces) + tar.END


def framed(stream: bytes, size: int = 1 << 20) -> bytes:
    compressor = FrameCompressor()
    return b"".join(compressor.compress(stream[i : i + size]) for i in range(0, len(stream), size))


class Packs:
    """A store with the key object of one epoch, and packs as a commit would list them."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.identity = Identity.generate()
        self.holder = Identity.generate()
        self.listed: dict[str, PackObject] = {}
        text = key_object(str(self.identity), [str(self.holder.recipient)], "an epoch")
        store.put(names.key(KEY_ID, 1), text, sha256=sha256(text))

    def add(self, contents: Sequence[bytes]) -> list[Part]:
        """Writes one pack; its parts in the order of `contents`."""
        pack = write_pack(self.folder, contents, self.identity)
        self.put(pack.path.read_bytes())
        pack.path.unlink()
        return [
            Part(sha256(c), bytes.fromhex(pack.digest), KEY_ID, pack.segments[sha256(c)])
            for c in contents
        ]

    def put(self, sealed: bytes) -> PackObject:
        digest = sha256(sealed)
        self.store.put(names.pack(digest.hex()), sealed, sha256=digest)
        pack = PackObject(pack=digest.hex(), key_id=KEY_ID, size=len(sealed), new=True)
        self.listed[pack.pack] = pack
        return pack

    def put_plain(self, plaintext: bytes) -> PackObject:
        """A pack whose age plaintext is whatever a test wants it to be."""
        return self.put(seal(plaintext, [self.identity.recipient]))

    def part(self, pack: PackObject, digest: bytes, *segments: tuple[int, int, int, int]) -> Part:
        where = tuple(Segment(*numbers) for numbers in segments)
        return Part(digest, bytes.fromhex(pack.pack), KEY_ID, where)

    def keyring(self, *holders: Identity) -> Keyring:
        return Keyring(
            [self.store], list(holders or [self.holder]), {KEY_ID: str(self.identity.recipient)}
        )

    def reader(self, store: Store | None = None, **options: int) -> PartReader:
        return PartReader(store or self.store, self.keyring(), self.listed, **options)
