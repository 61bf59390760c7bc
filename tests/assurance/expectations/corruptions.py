"""Corruptions: what may be wrong with a backup, each planted for real, and which expectations must see it.

`before` is done to the source before it is backed up, `after` to store, vault or live source afterwards.
An expectation that is in no `kills` says nothing that matters, and does not belong in the suite.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from muniment.vault.rows import Snapshot
from tests.assurance.expectations.bench import Bench

Step = Callable[[Bench], None]


@dataclass(frozen=True)
class Corruption:
    name: str
    kills: frozenset[str]
    after: Step | None = None
    before: Step | None = None
    dump: bool = False

    def __str__(self) -> str:
        return self.name


def _kills(*names: str) -> frozenset[str]:
    return frozenset(names)


# -- in what was restored ------------------------------------------------------------------------


def _delivered(hand: Callable[[Path], None]) -> Step:
    def after(bench: Bench) -> None:
        bench.delivered = hand

    return after


def _some_file(folder: Path) -> Path:
    files = [p for p in folder.rglob("*.docx") if p.is_file() and not p.is_symlink()]
    return min(files)


def _keeping_times(path: Path, change: Callable[[Path], None]) -> None:
    status = path.stat()
    change(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def _flip_a_bit(folder: Path) -> None:
    _keeping_times(_some_file(folder), _flip)


def _cut(folder: Path) -> None:
    path = _some_file(folder)
    _keeping_times(path, lambda p: os.truncate(p, p.stat().st_size - 1))


def _touch(folder: Path) -> None:
    path = _some_file(folder)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000))


def _open_to_all(folder: Path) -> None:
    path = _some_file(folder)
    path.chmod(path.stat().st_mode | 0o007)


def _lose_a_folder(folder: Path) -> None:
    # Which items the sample holds is drawn by their keyed ids: there may be no empty folder among them.
    folders = [p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink()]
    least = min(folders, key=lambda p: (sum(1 for _ in p.rglob("*")), p))
    shutil.rmtree(least)


def _lose_a_file_of_each_matter(folder: Path) -> None:
    lost = 0
    for matter in (folder / "Matters").iterdir():
        # Of the matters that were not drawn the sample may hold folders and links alone.
        for file in sorted(p for p in matter.rglob("*") if p.is_file() and not p.is_symlink())[:1]:
            file.unlink()
            lost += 1
    assert lost


def _redirect_links(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_symlink():
            status = path.lstat()
            path.unlink()
            path.symlink_to("somewhere else")
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def _folder_in_its_place(folder: Path) -> None:
    path = _some_file(folder)
    path.unlink()
    path.mkdir()


def _once_more(folder: Path) -> None:
    path = _some_file(folder)
    shutil.copy2(path, path.with_name("Copy of " + path.name))


# -- in what the vault says ----------------------------------------------------------------------


def _rows(change: Callable[[Snapshot], None]) -> Step:
    def after(bench: Bench) -> None:
        bench.rows = change

    return after


def _swap_two(snapshot: Snapshot) -> None:
    one, two = [r for r in snapshot.items.values() if r.native_id.endswith(b".docx")][:2]
    snapshot.items[one.item_id] = replace(one, native_id=two.native_id)
    snapshot.items[two.item_id] = replace(two, native_id=one.native_id)


def _say_one_twice(snapshot: Snapshot) -> None:
    row = next(r for r in snapshot.items.values() if r.digest)
    snapshot.items[b"again"] = row


def _forget_some(snapshot: Snapshot) -> None:
    for row in [r for r in snapshot.items.values() if r.digest][:5]:
        del snapshot.items[row.item_id]


# -- in the source, before it is backed up -------------------------------------------------------


def _break_pdfs(bench: Bench) -> None:
    for path in bench.find(".pdf")[:4]:
        _keeping_times(path, lambda p: os.truncate(p, p.stat().st_size // 2))


def _encrypt_sheets(bench: Bench) -> None:
    """As ransomware does: names stay, content is noise."""
    for path in bench.find(".xlsx"):
        path.write_bytes(os.urandom(path.stat().st_size))


def _break_one_of_each(ending: str) -> Step:
    def before(bench: Bench) -> None:
        for path in bench.find(ending)[:4]:
            data = path.read_bytes()
            path.write_bytes(data[: len(data) * 2 // 3])

    return before


def _break_messages(bench: Bench) -> None:
    for path in bench.find(".eml")[:4]:
        path.write_bytes(b"\x00" * path.stat().st_size)


def _cut_the_dump(bench: Bench) -> None:
    [path] = bench.find(".sql")
    os.truncate(path, path.stat().st_size // 2)
    for other in bench.find(".pdf")[:2]:
        other.write_bytes(b"no longer a PDF")


def _as_it_is(bench: Bench) -> None:
    """A firm of its own, not a copy of one: the next backup of a copied share is refused."""


# -- in the store --------------------------------------------------------------------------------


def _packs(bench: Bench) -> list[Path]:
    return sorted(p for p in (bench.practice.folder / "store/packs").rglob("*") if p.is_file())


def _rot(bench: Bench) -> None:
    for pack in _packs(bench):
        pack.chmod(0o600)
        _flip(pack)


def _lose_the_newest_pack(bench: Bench) -> None:
    before = set(_packs(bench))
    (bench.share / "Office").mkdir(exist_ok=True)
    (bench.share / "Office/new.txt").write_text("written on the second day")
    bench.back_up()
    for pack in set(_packs(bench)) - before:
        pack.unlink()


def _sixty_one_days(bench: Bench) -> None:
    for _ in range(61):
        bench.practice.back_up()


# -- in time and in the live source --------------------------------------------------------------


def _three_days(bench: Bench) -> None:
    bench.later = timedelta(days=3)


def _never_true(bench: Bench) -> None:
    """The live file holds other bytes than the copy, and nobody touched it since the backup."""
    for path in bench.find(".docx"):
        _keeping_times(path, _flip)


def _move_everything(bench: Bench) -> None:
    for path in list(bench.share.iterdir()):
        place = bench.share / "Archive"
        place.mkdir(exist_ok=True)
        path.rename(place / path.name)


def _half_is_gone(bench: Bench) -> None:
    for path in list((bench.share / "Matters").iterdir())[1:]:
        shutil.rmtree(path)


CORRUPTIONS = (
    Corruption("a bit flips", _kills("items.digest"), _delivered(_flip_a_bit)),
    Corruption("a byte is lost", _kills("items.size", "items.digest"), _delivered(_cut)),
    Corruption("another time", _kills("items.modified"), _delivered(_touch)),
    Corruption("open to everybody", _kills("items.mode"), _delivered(_open_to_all)),
    Corruption("a folder is lost", _kills("items.there"), _delivered(_lose_a_folder)),
    Corruption(
        "a matter is not whole",
        _kills("items.there", "source.matter"),
        _delivered(_lose_a_file_of_each_matter),
    ),
    Corruption("links point elsewhere", _kills("items.link"), _delivered(_redirect_links)),
    Corruption("a folder for a file", _kills("items.there"), _delivered(_folder_in_its_place)),
    Corruption("a file comes twice", _kills("source.extra"), _delivered(_once_more)),
    Corruption("two rows are swapped", _kills("items.own_id"), _rows(_swap_two)),
    Corruption("a row is there twice", _kills("items.once"), _rows(_say_one_twice)),
    Corruption("rows are missing", _kills("source.count", "source.bytes"), _rows(_forget_some)),
    Corruption("broken PDFs", _kills("items.opened"), before=_break_pdfs),
    Corruption("sheets are noise", _kills("items.opened", "formats.share"), before=_encrypt_sheets),
    Corruption("cut documents", _kills("items.opened"), before=_break_one_of_each(".docx")),
    Corruption("cut pictures", _kills("items.opened"), before=_break_one_of_each(".png")),
    Corruption("empty messages", _kills("items.opened"), before=_break_messages),
    Corruption("a cut dump", _kills("items.opened"), before=_cut_the_dump, dump=True),
    Corruption("packs rot", _kills("source.restored", "items.there"), _rot),
    Corruption(
        "the newest pack is lost", _kills("source.newest"), _lose_the_newest_pack, _as_it_is
    ),
    Corruption("no rebase for two months", _kills("source.chain"), _sixty_one_days, _as_it_is),
    Corruption("no backup for three days", _kills("source.fresh"), _three_days),
    Corruption("the copy was never true", _kills("items.live_same"), _never_true),
    Corruption("another tree stands there", _kills("items.live_drift"), _move_everything),
    Corruption("the live source lost most", _kills("source.live_count"), _half_is_gone),
)
