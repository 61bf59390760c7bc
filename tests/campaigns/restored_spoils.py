"""Spoils: seven classes of what may be wrong with restored data, each planted in several ways.

Every way changes something; one that finds nothing to change raises LookupError, and the seed takes the next.
Times of files are kept, so that nothing gives a change away but what it is.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from muniment.model.item import Row
from muniment.vault.rows import Snapshot
from tests.campaigns.restored_sets import Spoil, Stale

Way = Callable[[Random], Spoil]
Hand = Callable[[Random, Path, Path], None]
RowsHand = Callable[[Random, Snapshot], None]


def _folder(hand: Hand) -> Way:
    return lambda rng: Spoil(delivered=lambda folder, older: hand(rng, folder, older))


def _vault(hand: RowsHand) -> Way:
    return lambda rng: Spoil(rows=lambda snapshot: hand(rng, snapshot))


def _stale(how: Stale) -> Way:
    return lambda rng: Spoil(stale=how)


# -- choosing ----------------------------------------------------------------------------------------


def _files(folder: Path, least: int = 1) -> list[Path]:
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return [p for p in found if p.stat().st_size >= least]


def _one(rng: Random, found: list[Path]) -> Path:
    if not found:
        raise LookupError
    return rng.choice(found)


def _rows(snapshot: Snapshot, *kinds: str) -> list[Row]:
    rows = (r for r in snapshot.items.values() if r.digest and (not kinds or r.kind in kinds))
    return sorted(rows, key=lambda row: row.item_id)


def _some_rows(rng: Random, rows: list[Row], number: int) -> list[Row]:
    if len(rows) < number:
        raise LookupError
    return rng.sample(rows, number)


@contextmanager
def _keeping(path: Path) -> Iterator[None]:
    """The file keeps its times and permissions, and its folder its times."""
    status, above = path.stat(), path.parent.stat()
    path.parent.chmod(0o700)
    path.chmod(0o600)
    yield
    if path.exists():
        path.chmod(status.st_mode & 0o7777)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.parent.chmod(above.st_mode & 0o7777)
    os.utime(path.parent, ns=(above.st_atime_ns, above.st_mtime_ns))


def _write(path: Path, content: bytes) -> None:
    if path.read_bytes() == content:
        raise LookupError
    with _keeping(path):
        path.write_bytes(content)


# -- lost --------------------------------------------------------------------------------------------


def _lose_one(rng: Random, folder: Path, older: Path) -> None:
    path = _one(rng, _files(folder, 0))
    with _keeping(path):
        path.unlink()


def _lose_a_folder(rng: Random, folder: Path, older: Path) -> None:
    path = _one(rng, [p.parent for p in _files(folder, 0) if p.parent != folder])
    with _keeping(path):
        shutil.rmtree(path)


def _lose_an_ending(rng: Random, folder: Path, older: Path) -> None:
    ending = _one(rng, _files(folder)).suffix
    for path in _files(folder, 0):
        if path.suffix == ending:
            with _keeping(path):
                path.unlink()


def _forget_rows(rng: Random, snapshot: Snapshot) -> None:
    for row in _some_rows(rng, _rows(snapshot), rng.choice((1, 1, 5))):
        del snapshot.items[row.item_id]


# -- duplicated --------------------------------------------------------------------------------------


def _copy_beside(rng: Random, folder: Path, older: Path) -> None:
    path = _one(rng, _files(folder, 0))
    with _keeping(path):
        shutil.copy2(path, path.with_name(f"{path.stem} (2){path.suffix}"))


def _copy_elsewhere(rng: Random, folder: Path, older: Path) -> None:
    path = _one(rng, _files(folder, 0))
    place = _one(rng, [p.parent for p in _files(folder, 0) if p.parent != path.parent])
    if (place / path.name).exists():
        raise LookupError
    with _keeping(_files(place, 0)[0]):
        shutil.copy2(path, place / path.name)


def _copy_a_folder(rng: Random, folder: Path, older: Path) -> None:
    path = _one(rng, [p.parent for p in _files(folder, 0) if p.parent != folder])
    shutil.copytree(path, path.with_name(path.name + " copy"), symlinks=True)


def _say_twice(rng: Random, snapshot: Snapshot) -> None:
    [row] = _some_rows(rng, _rows(snapshot), 1)
    snapshot.items[b"again"] = row


# -- truncated ---------------------------------------------------------------------------------------


def _cut(share: float) -> Hand:
    def cut(rng: Random, folder: Path, older: Path) -> None:
        path = _one(rng, _files(folder, 2))
        left = path.stat().st_size - 1 if share == 1.0 else int(path.stat().st_size * share)
        _write(path, path.read_bytes()[:left])

    return cut


def _zeros_at_the_end(rng: Random, folder: Path, older: Path) -> None:
    """A copy that was broken off, in a file of full size."""
    path = _one(rng, _files(folder, 64))
    content = path.read_bytes()
    half = len(content) // 2
    _write(path, content[:half] + bytes(len(content) - half))


# -- swapped -----------------------------------------------------------------------------------------


def _swap(rng: Random, folder: Path, older: Path, *, same_kind: bool) -> None:
    files = _files(folder)
    one = _one(rng, files)
    content = one.read_bytes()
    others = [p for p in files if not same_kind or p.suffix == one.suffix]
    other = _one(rng, [p for p in others if p.read_bytes() != content])
    theirs = other.read_bytes()
    _write(one, theirs)
    _write(other, content)


def _swap_alike(rng: Random, folder: Path, older: Path) -> None:
    _swap(rng, folder, older, same_kind=True)


def _swap_any(rng: Random, folder: Path, older: Path) -> None:
    _swap(rng, folder, older, same_kind=False)


def _swap_names(rng: Random, snapshot: Snapshot) -> None:
    kinds = defaultdict(list)
    for row in _rows(snapshot):
        kinds[row.kind].append(row)
    one, two = _some_rows(rng, rng.choice([v for v in kinds.values() if len(v) > 1]), 2)
    snapshot.items[one.item_id] = replace(one, native_id=two.native_id)
    snapshot.items[two.item_id] = replace(two, native_id=one.native_id)


# -- wrong encoding ----------------------------------------------------------------------------------


def _texts(folder: Path) -> list[tuple[Path, str]]:
    found = []
    for path in _files(folder, 4):
        content = path.read_bytes()
        if b"\0" not in content:
            try:
                found.append((path, content.decode()))
            except UnicodeDecodeError:
                continue
    return found


def _recode(change: Callable[[str], bytes]) -> Hand:
    def recode(rng: Random, folder: Path, older: Path) -> None:
        texts = [(p, new) for p, t in _texts(folder) if (new := change(t)) != t.encode()]
        if not texts:
            raise LookupError
        _write(*rng.choice(texts))

    return recode


def _misread(text: str) -> bytes:
    """UTF-8 taken for Latin-1, and written as UTF-8 once more."""
    return text.encode().decode("latin-1").encode()


def _questions(text: str) -> bytes:
    return text.encode("ascii", "replace")


def _escaped(text: str) -> bytes:
    return text.encode("ascii", "backslashreplace")


def _other_lines(text: str) -> bytes:
    old, new = ("\r\n", "\n") if "\r\n" in text else ("\n", "\r\n")
    return text.replace(old, new).encode()


def _utf16(text: str) -> bytes:
    return text.encode("utf-16")


def _marked(text: str) -> bytes:
    return b"\xef\xbb\xbf" + text.encode()


def _misname(rng: Random, folder: Path, older: Path) -> None:
    """A name in another encoding than it had; where all are ASCII, in another case."""
    named = [p for p in _files(folder, 0) if not p.name.isascii()]
    path = _one(rng, named or _files(folder, 0))
    name = os.fsencode(path.name)
    new = name.decode("latin-1").encode() if named else name.swapcase()
    if new == name:
        raise LookupError
    with _keeping(path):
        path.rename(os.fsdecode(os.path.join(os.fsencode(path.parent), new)))


# -- missing version ---------------------------------------------------------------------------------


def _before(folder: Path, older: Path) -> list[tuple[Path, Path]]:
    """Files that had another content in the snapshot before."""
    found = []
    for path in _files(folder, 0):
        past = older / path.relative_to(folder)
        if past.is_file() and not past.is_symlink() and past.read_bytes() != path.read_bytes():
            found.append((path, past))
    return found


def _older_content(rng: Random, folder: Path, older: Path) -> None:
    changed = _before(folder, older)
    if not changed:
        raise LookupError
    path, past = rng.choice(changed)
    _write(path, past.read_bytes())


def _older_file(rng: Random, folder: Path, older: Path) -> None:
    """With the times that it had then."""
    changed = _before(folder, older)
    if not changed:
        raise LookupError
    path, past = rng.choice(changed)
    with _keeping(path):
        path.unlink()
    shutil.copy2(past, path)


def _versions(folder: Path) -> list[list[Path]]:
    """Files of documents that have several versions, oldest first."""
    of: dict[Path, list[Path]] = defaultdict(list)
    for path in _files(folder, 0):
        if "document_files" in path.relative_to(folder).parts:
            of[path.parent].append(path)
    return [sorted(v, key=lambda p: (len(p.name), p.name)) for v in of.values() if len(v) > 1]


def _lose_a_version(rng: Random, folder: Path, older: Path) -> None:
    found = _versions(folder)
    if not found:
        raise LookupError
    path = rng.choice(rng.choice(found))
    with _keeping(path):
        path.unlink()


def _version_before(rng: Random, folder: Path, older: Path) -> None:
    """An earlier version's bytes in the place of the later one's."""
    found = _versions(folder)
    if not found:
        raise LookupError
    versions = rng.choice(found)
    _write(versions[-1], versions[-2].read_bytes())


def _forget_a_version(rng: Random, snapshot: Snapshot) -> None:
    rows = _rows(snapshot, "document_file", "documents/versions")
    del snapshot.items[_some_rows(rng, rows, 1)[0].item_id]


CLASSES: dict[str, tuple[Way, ...]] = {
    "lost": (
        _folder(_lose_one), _folder(_lose_a_folder), _folder(_lose_an_ending), _vault(_forget_rows),
    ),
    "duplicated": (
        _folder(_copy_beside), _folder(_copy_elsewhere), _folder(_copy_a_folder), _vault(_say_twice),
    ),
    "truncated": (
        _folder(_cut(1.0)), _folder(_cut(0.5)), _folder(_cut(0.0)), _folder(_zeros_at_the_end),
    ),
    "swapped": (_folder(_swap_alike), _folder(_swap_any), _vault(_swap_names)),
    "wrong encoding": (
        _folder(_recode(_misread)), _folder(_recode(_questions)), _folder(_recode(_utf16)),
        _folder(_recode(_escaped)), _folder(_recode(_marked)), _folder(_recode(_other_lines)),
        _folder(_misname),
    ),
    "missing version": (
        _folder(_older_content), _folder(_older_file), _folder(_lose_a_version),
        _folder(_version_before), _vault(_forget_a_version),
    ),
    "stale snapshot": tuple(map(_stale, (Stale.TREE, Stale.CHOSEN, Stale.TIMES))),
}  # fmt: skip
"""The classes of the promise, and the ways of each."""
