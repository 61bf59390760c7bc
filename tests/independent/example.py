"""An example vault with everything in it that has ever broken a reader, and the truth to compare with.

`build` writes it with the independent writer; `differences` compares a folder with the truth. The history:
three runs, a base of the third, two runs after it. On the way files change, vanish, move and change kind.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from pathlib import Path

import pyrage

from tests.independent.writer import Entry, Vault

SOURCE = "files"
ODD_NAMES = [
    b"100% sure",
    b"%41 is not A",
    b"back\\slash\\n and \\0101",
    b"line\nfeed",
    b"ends in line feed\n",
    b"two\n\n",
    b"-rf",
    b"--",
    b"-n",
    b" blanks  around ",
    b"tab\there",
    b"quote ' and \" and ` and $HOME and $(id)",
    b"'",
    b"''''",
    b"semi;colon & amp | pipe > out < in * ? [a-z] {x,y} ~ ! #",
    "Ärzte & Söhne – Vertrag №7 律師.txt".encode(),
    "U+2028 \u2028 U+0085 \u0085 U+FEFF \ufeff".encode(),
    b"latin1 \xe9t\xe9",
    b"truncated utf-8 \xe2\x82",
    b"surrogate \xed\xa0\x80",
    b"too large \xf4\x90\x80\x80 \xff\xfe",
    bytes(byte for byte in range(1, 256) if byte != 0x2F)[:200],
    bytes(byte for byte in range(1, 256) if byte != 0x2F)[200:],
    b"...",
    b"..x",
    b".hidden",
    b"deep/er/and/deeper/still",
    b"x" * 255,
]


def odd_files(generator: random.Random) -> Iterable[Entry]:
    for number, name in enumerate(ODD_NAMES):
        yield Entry(b"odd/" + name, content=generator.randbytes(number * 7))
        yield Entry(b"odd/links/l" + name[:200].replace(b"/", b"_"), "symlink", target=name)


def runs(big: int, many: int) -> list[list[Entry]]:
    """What the source held at each of five runs."""
    generator = random.Random(7)
    block = generator.randbytes(1 << 16)
    folders = [
        Entry(b".", "dir", mode=0o755),
        Entry(b"odd", "dir", mode=0o750),
        Entry(b"odd/deep", "dir"),
        Entry(b"matters", "dir", mode=0o700),
        Entry(b"empty folder", "dir", mode=0o711, mtime_ns=-1_000_000_001),
    ]
    large = generator.randbytes(big) + block * 5 + bytes(1 << 18) + b"end"
    steady = [
        *folders,
        *odd_files(generator),
        Entry(b"empty", content=b"", mode=0o600),
        Entry(b"zeros", content=bytes(700_001), sparse=True),
        Entry(b"large", content=large, mode=0o640),
        Entry(b"copy of large", content=large),
        Entry(b"linked/a", content=b"one file, three names", hardlink="d1:7", mode=0o604),
        Entry(b"linked/b", content=b"one file, three names", hardlink="d1:7", mode=0o604),
        Entry(b"z/c", content=b"one file, three names", hardlink="d1:7", mode=0o604),
        Entry(b"not linked", content=b"one file, three names"),
        Entry(b"to nowhere", "symlink", target=b"/does/not/exist"),
        Entry(b"to a folder", "symlink", target=b"odd"),
        Entry(b"read only", content=b"r", mode=0o444),
        Entry(b"program", content=b"#!/bin/sh\n", mode=0o755, mtime_ns=1),
        *(
            Entry(b"many/%02d/%05d.txt" % (n % 50, n), content=b"file %d\n" % n)
            for n in range(many)
        ),
    ]
    secret = [Entry(b"matters/privileged", content=b"sealed apart", matter="M-AAAAAAAA")]
    mapped = [Entry(b"matters/letter", content=b"Dear", matter="M-BBBBBBBB")]
    first = [
        *steady,
        *mapped,
        Entry(b"vanishes", content=b"old"),
        Entry(b"changes", content=b"version 1"),
        Entry(b"old name", content=b"the same bytes"),
        Entry(b"becomes a folder", content=b"a file at first"),
        Entry(b"comes back", content=b"first life"),
    ]
    second = [
        *steady,
        *mapped,
        *secret,
        Entry(b"changes", content=b"version 2"),
        Entry(b"new name", content=b"the same bytes"),
        Entry(b"becomes a folder", "dir"),
        Entry(b"becomes a folder/inside", content=b"now a folder"),
    ]
    third = [*second, Entry(b"only in three", content=b"3")]
    fourth = [*second, Entry(b"comes back", content=b"second life"), Entry(b"late", content=b"4")]
    fifth = [*fourth[:-1], Entry(b"late", content=b"5"), Entry(b"last", content=b"")]
    return [first, second, third, fourth, fifth]


def build(folder: Path, big: int = 3_000_000, many: int = 60) -> tuple[Vault, list[list[Entry]]]:
    """The example vault in `folder`, and what each of its five snapshots must give back."""
    vault = Vault(folder, frame_bytes=1 << 17, pack_bytes=1 << 20, chunk_bytes=1 << 16)
    vault.matters["matter-aaaaaaaa"] = pyrage.x25519.Identity.generate()
    vault.set_up([SOURCE])
    titles = [
        {"t": "matter", "matter": "M-AAAAAAAA", "number": "2024-0001", "title": "Sealed %25"},
        {"t": "matter", "matter": "M-BBBBBBBB", "number": "2024-0002", "title": "Open"},
    ]
    problem = {
        "t": "problem",
        "id": "f" * 32,
        "kind": "file",
        "path": "locked",
        "cause": "permission denied",
        "kept": False,
    }
    history = runs(big, many)
    for number, entries in enumerate(history, 1):
        vault.back_up(SOURCE, entries, titles if number == 1 else (), [problem])
        if number == 3:
            vault.put_base(SOURCE)
            vault.put_checkpoint("2026-01-03T04:00:00Z")
    vault.put_checkpoint("2026-01-05T04:00:00Z")
    return vault, history


def write_identity(vault: Vault, path: Path) -> Path:
    """The escrow identity as a file, without a line feed at its end: people edit such files."""
    path.write_text(f"# escrow\n{vault.escrow}")
    return path


def differences(folder: Path, entries: Iterable[Entry], attributes: bool = False) -> list[str]:
    """What is wrong in a restored folder; every name in it is looked at."""
    root, wrong = os.fsencode(folder), []
    found = {b"."}
    for where, folders, files in os.walk(root):
        found |= {os.path.relpath(os.path.join(where, name), root) for name in folders + files}
    expected = {entry.path: entry for entry in entries}
    parents = {
        b"/".join(p.split(b"/")[:n]) for p in expected for n in range(1, p.count(b"/") + 1)
    } | {b"."}
    wrong += [f"is not there: {path!r}" for path in expected.keys() - found]
    wrong += [f"should not be there: {path!r}" for path in found - expected.keys() - parents]
    for path in expected.keys() & found:
        entry, whole = expected[path], os.path.join(root, path)
        kind = "symlink" if os.path.islink(whole) else "dir" if os.path.isdir(whole) else "file"
        if kind != entry.kind:
            wrong.append(f"is a {kind}: {path!r}")
        elif kind == "symlink" and os.readlink(whole) != entry.target:
            wrong.append(f"points elsewhere: {path!r}")
        elif kind == "file" and Path(os.fsdecode(whole)).read_bytes() != entry.content:
            wrong.append(f"has other content: {path!r}")
        if attributes:
            state = os.lstat(whole)
            if state.st_mtime_ns != entry.mtime_ns:
                wrong.append(f"has another time: {path!r}")
            if (
                kind != "symlink"
                and entry.mode is not None
                and state.st_mode & 0o7777 != entry.mode
            ):
                wrong.append(f"has another mode: {path!r}")
    return sorted(wrong)
