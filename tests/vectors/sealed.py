"""Vectors of sealed objects (sections 3, 4, 9): rows, items with their bytes, packs, keys."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Sequence
from typing import Any

import zstandard

from tests.independent.writer import (
    Entry,
    Json,
    compact,
    compress,
    frames_of,
    seal,
    sha256,
    tar_of,
)
from tests.vectors.bench import ESCROW, KEY_ID, OTHER, SOURCE, Bench, identity, vector

BAD_PATHS = ["/etc/passwd", "../up", "a/../../up", "a/..", "..", "", ".x/../..", "./x", "a//b", "a/", "nul%00byte", "a/./b", "%2E%2E/up", "bad%4"]  # fmt: skip


# -- rows --------------------------------------------------------------------------------------------
def item(bench: Bench, path: bytes, **changes: Any) -> Json:
    kind = changes.pop("kind", "file")
    row, _ = bench.vault._row(SOURCE, Entry(path, kind, target=changes.pop("target", b"")))
    return row | changes


def some_rows(bench: Bench) -> list[Json]:
    return [
        {"t": "matter", "matter": "M-7F3K2QXA", "number": "2024-0113", "title": "A %26 B %25"},
        item(bench, b".", kind="dir"),
        item(bench, b"clients", kind="dir", matter="M-7F3K2QXA"),
        item(bench, "clients/Ärzte %.docx\n\xe9".encode("latin-1"), mtime_ns=-1),
        item(bench, b"link", kind="symlink", target=b"clients/\xff"),
        {"t": "gone", "id": "0123456789abcdef0123456789abcdef"},
        {"t": "problem", "id": "f" * 32, "kind": "file", "path": "locked", "cause": "permission denied", "kept": False},
    ]  # fmt: skip


def found(rows: Sequence[Json], header: Json, refused: Sequence[str] = ()) -> Json:
    def ids(kind: str, key: str = "id") -> list[str]:
        return [row[key] for row in rows if row["t"] == kind]

    paths = {}
    for row in rows:
        if row["t"] == "item" and row["id"] not in refused:
            raw = re.sub(rb"%(..)", lambda m: bytes([int(m[1], 16)]), row["path"].encode())
            paths[row["id"]] = raw.hex()
    return {
        "header": header,
        "items": ids("item"),
        "gone": ids("gone"),
        "problems": ids("problem"),
        "matters": ids("matter", "matter"),
        "paths": paths,
        "refused": list(refused),
    }


def put_rows(bench: Bench, plain: bytes, compressed: bytes | None = None, to: str = "") -> str:
    """A snapshot object of these lines; gives its name."""
    recipient = str(identity(to).to_public()) if to else bench.vault.recipient(KEY_ID)
    sealed = seal(compress(plain) if compressed is None else compressed, [recipient])
    name = f"snapshots/{SOURCE}/{sha256(sealed)}"
    bench.vault.put(name, sealed)
    return name


def lines(bench: Bench, rows: Sequence[Json], **header: Any) -> bytes:
    return b"".join(map(compact, [bench.vault.header(SOURCE, KEY_ID) | header, *rows]))


@vector("rows", "valid")
def _(bench: Bench) -> None:
    rows = some_rows(bench)
    name = put_rows(bench, lines(bench, rows))
    bench.done(True, "every kind of row", found(rows, bench.vault.header(SOURCE, KEY_ID)), object=name)  # fmt: skip


@vector("rows", "many-frames")
def _(bench: Bench) -> None:
    rows = some_rows(bench)
    plain = lines(bench, rows)
    frames = b"".join(compress(plain[at : at + 100]) for at in range(0, len(plain), 100))
    name = put_rows(bench, plain, frames)
    bench.done(True, "frames end anywhere", found(rows, bench.vault.header(SOURCE, KEY_ID)), object=name)  # fmt: skip


@vector("rows", "header-only")
def _(bench: Bench) -> None:
    name = put_rows(bench, lines(bench, []))
    bench.done(True, "no rows", found([], bench.vault.header(SOURCE, KEY_ID)), object=name)


@vector("rows", "novelties")
def _(bench: Bench) -> None:
    rows = [item(bench, b"a", novelty=1), {"t": "novelty", "id": "e" * 32}]
    name = put_rows(bench, lines(bench, rows, novelty=True))
    header = bench.vault.header(SOURCE, KEY_ID)
    bench.done(True, "unknown keys and unknown rows are ignored", found(rows, header), object=name)


@vector("rows", "refused-paths")
def _(bench: Bench) -> None:
    good = item(bench, b"good")
    bad = [item(bench, b"x") | {"id": f"{n:032x}", "path": path} for n, path in enumerate(BAD_PATHS)]  # fmt: skip
    name = put_rows(bench, lines(bench, [*bad, good]))
    find = found([*bad, good], bench.vault.header(SOURCE, KEY_ID), [row["id"] for row in bad])
    bench.done(True, "rows with paths that must be refused; the other is restored", find, object=name)  # fmt: skip


def bad_rows(name: str, why: str, **header: Any) -> None:
    @vector("rows", name)
    def _(bench: Bench) -> None:
        bench.done(False, why, object=put_rows(bench, lines(bench, [item(bench, b"a")], **header)))


bad_rows("other-vault", "the header names another vault", vault_id="f" * 32)
bad_rows("other-source", "the header names another source", source="mail")
bad_rows("format-2", "an unknown format", format=2)
bad_rows("no-header", "the first line is not a header", t="item")


@vector("rows", "header-last")
def _(bench: Bench) -> None:
    first, *rest = lines(bench, [item(bench, b"a")]).splitlines(keepends=True)
    name = put_rows(bench, b"".join([*rest, first]))
    bench.done(False, "the header is not the first line", object=name)


@vector("rows", "empty")
def _(bench: Bench) -> None:
    bench.done(False, "no header", object=put_rows(bench, b""))


@vector("rows", "not-json")
def _(bench: Bench) -> None:
    plain = lines(bench, [item(bench, b"a")]) + b'{"t":"item"\n'
    bench.done(False, "a line that is not JSON", object=put_rows(bench, plain))


@vector("rows", "not-compressed")
def _(bench: Bench) -> None:
    plain = lines(bench, [])
    bench.done(False, "not compressed", object=put_rows(bench, plain, plain))


@vector("rows", "torn-frame")
def _(bench: Bench) -> None:
    plain = lines(bench, [item(bench, b"a")])
    name = put_rows(bench, plain, compress(plain)[:-5])
    bench.done(False, "the Zstandard frame has no end", object=name)


@vector("rows", "another-recipient")
def _(bench: Bench) -> None:
    name = put_rows(bench, lines(bench, []), to=OTHER)
    bench.done(False, "sealed to a key that the reader does not have", object=name)


@vector("rows", "wrong-name")
def _(bench: Bench) -> None:
    name = put_rows(bench, lines(bench, []))
    wrong = f"snapshots/{SOURCE}/{'0' * 64}"
    bench.path(name).rename(bench.path(wrong))
    bench.done(False, "its bytes do not have the digest in its name", object=wrong)


def damaged(kind: str, name: str, why: str, change: Any) -> None:
    """An object that was damaged before it got its name, so that only age can notice."""

    @vector(kind, name)
    def _(bench: Bench) -> None:
        if kind == "rows":
            where = put_rows(bench, lines(bench, [item(bench, b"a")]))
            folder = f"snapshots/{SOURCE}"
        else:
            where = put_pack(bench, tar_of([b"content"]))
            folder = ""
        data = bytes(change(bytearray(bench.path(where).read_bytes())))
        bench.path(where).unlink()
        other = sha256(data)
        where = f"{folder}/{other}" if folder else f"packs/{other[:2]}/{other}"
        bench.vault.put(where, data)
        for parent in (bench.folder / "store").rglob("*"):
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        bench.done(False, why, object=where)


def flip(data: bytearray, at: int) -> bytearray:
    data[at] ^= 1
    return data


for _kind in ("rows", "pack"):
    damaged(_kind, "truncated-payload", "the age payload has no end", lambda data: data[:-1])
    damaged(_kind, "flipped-payload", "a bit of the age payload", lambda data: flip(data, -20))
    damaged(_kind, "flipped-header", "a bit of the age header's MAC", lambda data: flip(data, data.index(b"--- ") + 8))  # fmt: skip
    damaged(_kind, "more-behind", "bytes behind the age payload", lambda data: data + b"more")


# -- packs -------------------------------------------------------------------------------------------
def put_pack(bench: Bench, tar: bytes, frames: bytes | None = None, to: str = "") -> str:
    recipient = str(identity(to).to_public()) if to else bench.vault.recipient(KEY_ID)
    data = frames if frames is not None else frames_of(tar, 1 << 12)[0]
    sealed = seal(data, [recipient])
    digest = sha256(sealed)
    name = f"packs/{digest[:2]}/{digest}"
    bench.vault.put(name, sealed)
    return name


def members(contents: Sequence[bytes]) -> Json:
    return {"members": [[sha256(content), len(content)] for content in contents]}


def noise(size: int) -> bytes:
    return hashlib.shake_128(b"noise").digest(size)


GOOD_PACKS: dict[str, tuple[str, list[bytes]]] = {
    "one-member": ("the smallest useful pack", [b"content"]),
    "many-frames": ("members that span frames, and frames that hold several members", [noise(9000), b"a", b"", noise(512), noise(1 << 12)]),
    "empty-member": ("a member without content", [b""]),
}  # fmt: skip
for _name, (_why, _contents) in GOOD_PACKS.items():

    @vector("pack", _name)
    def _(bench: Bench, why: str = _why, contents: list[bytes] = _contents) -> None:
        bench.done(True, why, members(contents), object=put_pack(bench, tar_of(contents)))


def tar_with(**fields: Any) -> bytes:
    """A tar of one member with its header changed."""
    buffer = io.BytesIO()
    form = fields.pop("form", tarfile.USTAR_FORMAT)
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        info = tarfile.TarInfo(sha256(b"content"))
        info.size, info.mode = 7, 0o600
        for field, value in fields.items():
            setattr(info, field, value)
        archive.addfile(info, io.BytesIO(b"content") if info.isreg() else None)
    return buffer.getvalue().rstrip(b"\0").ljust(1024, b"\0") + bytes(1024)


def raw_frame(data: bytes, **parameters: Any) -> bytes:
    made = zstandard.ZstdCompressionParameters.from_level(3, write_content_size=False, **parameters)
    compressor = zstandard.ZstdCompressor(compression_params=made).compressobj()
    return compressor.compress(data) + compressor.flush()


_right = tar_of([b"content"])
_padded = bytearray(_right)
_padded[512 + 100] = 1
_sum = bytearray(_right)
_sum[100] ^= 1
BAD_PACKS: dict[str, tuple[str, bytes, bytes | None]] = {
    "other-content": ("a member whose content has another digest than its name", tar_of([b"content"], names=["0" * 64]), None),
    "short-name": ("a member name that is not 64 hex characters", tar_with(name="abc"), None),
    "upper-case-name": ("a member name in upper case", tar_with(name=sha256(b"content").upper()), None),
    "path-as-name": ("a member name that is a path", tar_with(name="../" + sha256(b"content")), None),
    "folder": ("a member that is a folder", tar_with(type=tarfile.DIRTYPE, size=0), None),
    "symbolic-link": ("a member that is a symbolic link", tar_with(type=tarfile.SYMTYPE, size=0, linkname="/etc/passwd"), None),
    "hard-link": ("a member that is a hard link", tar_with(type=tarfile.LNKTYPE, size=0, linkname="x"), None),
    "pax-header": ("a pax header", tar_with(form=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}), None),
    "padding": ("padding that is not zero", bytes(_padded), None),
    "checksum": ("a header whose checksum is wrong", bytes(_sum), None),
    "no-end-blocks": ("the two end blocks are missing", _right[:1024], None),
    "torn-member": ("the archive ends in a member", _right[:515], None),
    "nothing": ("no archive at all", b"", b""),
    "not-compressed": ("not compressed", b"", _right),
    "torn-frame": ("the last frame has no end", b"", frames_of(_right, 1 << 12)[0][:-5]),
    "skippable-frame": ("a skippable frame", b"", b"\x50\x2a\x4d\x18\x04\0\0\0skip" + frames_of(_right, 1 << 12)[0]),
    "frame-above-the-limit": ("a frame of more than 72 MiB", b"", raw_frame(tar_of([bytes(73 << 20)]))),
    "window-above-the-limit": ("a window above 128 MiB", b"", raw_frame(tar_of([b"content"]), window_log=28)),
}  # fmt: skip
for _name, (_why, _tar, _frames) in BAD_PACKS.items():

    @vector("pack", _name)
    def _(bench: Bench, why: str = _why, tar: bytes = _tar, frames: bytes | None = _frames) -> None:
        bench.done(False, why, object=put_pack(bench, tar, frames))


@vector("pack", "above-the-limit")
def _(bench: Bench) -> None:
    frames = frames_of(tar_of([bytes(64 << 20)] * 4), 48 << 20)[0]
    bench.done(False, "it decompresses to more than 256 MiB", object=put_pack(bench, b"", frames))


@vector("pack", "another-recipient")
def _(bench: Bench) -> None:
    name = put_pack(bench, tar_of([b"content"]), to=OTHER)
    bench.done(False, "sealed to a key that the reader does not have", object=name)


# -- items: one row and its bytes --------------------------------------------------------------------
def put_item(bench: Bench, content: bytes, **changes: Any) -> Json:
    """Packs and rows of one file of chunks of 1 KiB, three chunks to a pack; gives its row."""
    row, chunks = bench.vault._row(SOURCE, Entry(b"file", content=content))
    distinct = list(dict.fromkeys(chunks))
    for at in range(0, len(distinct), 3):
        bench.vault.put_pack([b"before", *distinct[at : at + 3]])
    row["parts"] = [bench.vault.members[KEY_ID + sha256(chunk)].row() for chunk in chunks]
    return row | changes


def judge_item(bench: Bench, row: Json, why: str) -> None:
    name = put_rows(bench, lines(bench, [row]))
    bench.done(True, why, {"size": row["size"], "sha256": row["sha256"]}, object=name)


GOOD_ITEMS = {
    "one-part": ("one part", b"content"),
    "many-parts": ("many parts in several packs, some of them over two frames", noise(10_000)),
    "repeated-part": ("the same part several times", noise(1024) * 5 + b"end"),
    "empty": ("no parts", b""),
}
for _name, (_why, _content) in GOOD_ITEMS.items():

    @vector("item", _name)
    def _(bench: Bench, why: str = _why, content: bytes = _content) -> None:
        judge_item(bench, put_item(bench, content), why)


@vector("item", "empty-part")
def _(bench: Bench) -> None:
    row = put_item(bench, b"content")
    empty = row["parts"][0] | {"m": sha256(b""), "s": []}
    judge_item(bench, row | {"parts": [empty, *row["parts"]]}, "an empty part has no segments")


def bad_item(name: str, why: str, change: Any, by_segments: bool = False) -> None:
    @vector("item", name)
    def _(bench: Bench) -> None:
        row = json.loads(json.dumps(put_item(bench, noise(3000))))
        change(bench, row)
        fields = {"by_segments": True} if by_segments else {}
        bench.done(False, why, object=put_rows(bench, lines(bench, [row])), **fields)


def swap(bench: Bench, row: Json) -> None:
    row["parts"].reverse()


def lose(bench: Bench, row: Json) -> None:
    pack = row["parts"][0]["p"]
    bench.path(f"packs/{pack[:2]}/{pack}").unlink()


def set_segment(number: int, by: int) -> Any:
    def change(bench: Bench, row: Json) -> None:
        row["parts"][0]["s"][0][number] += by

    return change


bad_item("other-whole", "the whole has another digest", lambda b, row: row.update(sha256="0" * 64))
bad_item("other-part", "a part has another digest", lambda b, row: row["parts"][1].update(m="0" * 64))  # fmt: skip
bad_item("other-order", "its parts are in another order", swap)
bad_item("part-missing", "a part is missing from the row", lambda b, row: row["parts"].pop())
bad_item("other-size", "its parts do not add up to its size", lambda b, row: row.update(size=2999))
bad_item("pack-missing", "the pack is missing", lose)
bad_item("shifted", "the segment begins elsewhere", set_segment(2, 1), True)
bad_item("outside-the-frame", "the segment leaves its frame", set_segment(3, 1 << 20))
bad_item("no-frame-there", "no frame begins there", set_segment(0, 1), True)
bad_item(
    "outside-the-pack", "the frame lies behind the end of the pack", set_segment(0, 1 << 40), True
)
bad_item("negative", "a negative offset", set_segment(2, -(1 << 20)), True)


# -- keys --------------------------------------------------------------------------------------------
def key(name: str, why: str, text: str, find: Json | None, to: str = ESCROW) -> None:
    @vector("key", name)
    def _(bench: Bench) -> None:
        key_id = f"id-{SOURCE}" if find and "id_key" in find else KEY_ID
        bench.keys = {"holder": ESCROW}
        bench.vault.put_key(key_id, text=text, holders=[identity(to)])
        where = f"keys/{key_id}/00000001.age"
        bench.done(find is not None, why, find, object=where)


_epoch = "AGE-SECRET-KEY-1TSFM040ESX9Q056ELUUPNVFGSCP2UE50ZMG0FYAXDXV4XZJPNWCQD88P2E"
_id_key = hashlib.sha256(b"id key").hexdigest()
key("epoch", "an epoch's identity", f"# {KEY_ID}\n{_epoch}\n", {"identity": _epoch})
key("no-comment", "comments are optional", f"{_epoch}\n", {"identity": _epoch})
key("no-line-feed", "the last line may have no line feed", f"# x\n# y\n{_epoch}", {"identity": _epoch})  # fmt: skip
key("id-key", "the id key of a source", f"# id\nMUNIMENT-ID-KEY-{_id_key}\n", {"id_key": _id_key})
key("another-holder", "sealed to somebody else", f"{_epoch}\n", None, to=OTHER)
key("comments-only", "no key in it", "# nothing\n", None)
key("misspelt", "the identity's checksum is wrong", f"{_epoch[:-1]}9\n", None)


@vector("key", "torn")
def _(bench: Bench) -> None:
    bench.keys = {"holder": ESCROW}
    bench.vault.put_key(KEY_ID)
    path = bench.path(f"keys/{KEY_ID}/00000001.age")
    path.write_bytes(path.read_bytes()[:-3])
    bench.done(False, "the age file has no end", object=f"keys/{KEY_ID}/00000001.age")
