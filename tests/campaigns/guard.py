"""The guard: 200 clean histories without an alarm, and 200 attacks of which it is printed how many were found.

A small firm's share in memory goes through the real backup for some days. Clean days hold what makes people raise
alarms for nothing: bulk scans, folders renamed by the hundred, times touched by a migration, old matters put into
archives, a program whose own files look random. An attack comes after some of them.

Even seeds are clean histories, odd ones attacks. A clean history is wrong with one alarm. An attack is wrong
where it was missed and docs/ANOMALIES.md does not say that its kind may be; the rows say what was found.
"""

from __future__ import annotations

import base64
import io
import random
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from muniment.backup.commit import Outcome
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.errors import SourceSuspect
from tests import campaign
from tests.campaigns.memory_source import MemorySource
from tests.support.fake_stores import VersionedStore
from tests.support.practice import MONDAY, Practice

FILES, FOLDERS = 600, 40
PIECE = 20

_WORDS = [
    b"the court",
    b"finds that",
    b"plaintiff",
    b"shall file",
    b"on or before",
    b"pursuant to",
    b"counsel",
]


def prose(rng: random.Random, size: int) -> bytes:
    out = b""
    while len(out) < size:
        out += (
            rng.choice(_WORDS)
            + b" "
            + str(rng.randrange(1000)).encode()
            + rng.choice([b" ", b".\r\n"])
        )
    return out[:size]


def office(rng: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (
            "[Content_Types].xml",
            "_rels/.rels",
            "word/document.xml",
            "docProps/core.xml",
        ):
            archive.writestr(zipfile.ZipInfo(name), prose(rng, rng.randrange(300, 2500)))
    return out.getvalue()


def pdf(rng: random.Random) -> bytes:
    body = rng.randbytes(rng.randrange(400, 4000))
    return b"%PDF-1.7\n1 0 obj\nstream\n" + body + b"\nendstream\nstartxref\n9\n%%EOF\n"


def ole(rng: random.Random) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    return head + prose(rng, 1200) + bytes(700) + rng.randbytes(rng.randrange(0, 900))


def utf16(rng: random.Random) -> bytes:
    return b"\xff\xfe" + prose(rng, 900).decode().encode("utf-16-le")


MAKERS: dict[bytes, Callable[[random.Random], bytes]] = {
    b"docx": office, b"xlsx": office, b"pdf": pdf, b"doc": ole, b"msg": ole,
    b"txt": lambda rng: prose(rng, rng.randrange(100, 3000)),
    b"eml": lambda rng: b"From: a@b.example\r\n\r\n" + base64.encodebytes(rng.randbytes(900)),
    b"csv": utf16,
    b"jpg": lambda rng: b"\xff\xd8\xff\xe0\0\x10JFIF" + rng.randbytes(2000) + b"\xff\xd9",
    b"tif": lambda rng: b"II*\0" + rng.randbytes(1500),
    b"wpd": lambda rng: b"\xffWPC" + prose(rng, 1500),
    # A program of the firm whose files look like nothing known.
    b"tmx": lambda rng: rng.randbytes(1200),
}  # fmt: skip
_MIX = [b"docx"] * 6 + [b"pdf"] * 5 + [b"eml"] * 4 + [b"doc", b"doc", b"msg", b"txt", b"txt", b"txt", b"xlsx", b"csv", b"jpg", b"tif", b"wpd", b"tmx"]  # fmt: skip


@dataclass
class Firm:
    """A share in memory, a vault in memory, and a chance of its own."""

    folder: Path
    rng: random.Random
    practice: Practice = field(init=False)
    source: MemorySource = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        clock = FixedClock(MONDAY)
        self.practice = Practice(self.folder, VersionedStore(clock), clock=clock)
        self.source = MemorySource("files")
        for _ in range(FILES):
            self.add()

    def add(self, folder: bytes = b"", kind: bytes = b"") -> bytes:
        self._count += 1
        kind = kind or self.rng.choice(_MIX)
        folder = folder or b"2024-%04d Matter" % self.rng.randrange(FOLDERS)
        path = b"%s/%05d %s.%s" % (
            folder,
            self._count,
            self.rng.choice((b"letter", b"brief", b"readme", b"note")),
            kind,
        )
        self.source.write(path, MAKERS[kind](self.rng))
        return path

    def matters(self) -> list[bytes]:
        return sorted(f for f in self.source.folders() if f.startswith(b"2024-"))

    def some(self, share: float, least: int = 1) -> list[bytes]:
        paths = sorted(self.source.files)
        return self.rng.sample(paths, min(len(paths), max(least, int(share * len(paths)))))

    def back_up(self) -> Outcome:
        run = BackupRun(
            self.practice.vault("worker"), self.source, self.practice.staging, self.rng.randbytes(8).hex(), options=BackupOptions()
        )  # fmt: skip
        outcome = back_up(run)
        self.practice.tomorrow()
        return outcome

    def rewrite(self, path: bytes) -> None:
        kind = path.rpartition(b".")[2]
        self.source.write(path, MAKERS.get(kind, MAKERS[b"txt"])(self.rng))


# -- clean days ------------------------------------------------------------------------------------


def work(firm: Firm) -> None:
    for path in firm.some(0.01 + firm.rng.random() * 0.03):
        firm.rewrite(path)
    for _ in range(firm.rng.randrange(2, 20)):
        firm.add()
    for path in firm.some(0.005):
        del firm.source.files[path]
    for path in [p for p in firm.source.files if p.endswith(b".tmx")]:
        firm.rewrite(path)


def bulk_scan(firm: Firm) -> None:
    folder = b"Scanner/%d" % firm.rng.randrange(100)
    for _ in range(firm.rng.randrange(150, 400)):
        firm.add(folder, firm.rng.choice((b"pdf", b"jpg", b"tif")))


def _folder(firm: Firm) -> list[bytes]:
    folder = max(
        firm.rng.sample(firm.matters(), 4),
        key=lambda f: sum(p.startswith(f + b"/") for p in firm.source.files),
    )
    return [p for p in sorted(firm.source.files) if p.startswith(folder + b"/")]


def folders_renamed(firm: Firm) -> None:
    old = {f: f + b" (closed)" for f in firm.rng.sample(firm.matters(), 10)}
    for path in sorted(firm.source.files):
        folder, _, name = path.rpartition(b"/")
        if folder in old:
            firm.source.rename(path, old[folder] + b"/" + name)


def folders_moved(firm: Firm) -> None:
    """As by a file system that gives new inodes: copied, and the old ones deleted."""
    old = firm.rng.sample(firm.matters(), 10)
    for path in sorted(firm.source.files):
        folder, _, name = path.rpartition(b"/")
        if folder in old:
            firm.source.copy(path, b"Archive " + folder + b"/" + name)
            del firm.source.files[path]


def touched(firm: Firm) -> None:
    for path, file in sorted(firm.source.files.items()):
        firm.source.write(path, file.content)


def put_into_archives(firm: Firm) -> None:
    """Two old matters become a ZIP each."""
    for _ in range(2):
        paths = _folder(firm)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths[:50]:
                archive.writestr(
                    zipfile.ZipInfo(path.decode()), firm.source.files.pop(path).content
                )
        firm.source.write(paths[0].rpartition(b"/")[0] + b".zip.d/matter.zip", out.getvalue())


def converted(firm: Firm) -> None:
    """Old documents of a firm become new ones beside their names."""
    for path in [p for p in sorted(firm.source.files) if p.endswith(b".doc")][:60]:
        del firm.source.files[path]
        firm.source.write(path + b"x", office(firm.rng))


def protected(firm: Firm) -> None:
    """Documents under a password: no ZIP any more, and still an office format."""
    for path in [p for p in firm.some(0.2) if p.endswith((b".docx", b".xlsx"))][:40]:
        firm.source.write(
            path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + firm.rng.randbytes(2500)
        )


def container_delivered(firm: Firm) -> None:
    """A client sends what nobody can read: one folder of encrypted archives."""
    for number in range(firm.rng.randrange(20, 80)):
        firm.source.write(
            b"2024-0001 Matter/production/%04d.gpg" % number, firm.rng.randbytes(1500)
        )


def copies_beside(firm: Firm) -> None:
    for path in firm.some(0.1):
        firm.source.copy(path, path + b".bak")


def read_me_in_some(firm: Firm) -> None:
    for folder in sorted(firm.source.folders())[:8]:
        firm.source.write(folder + b"/README.txt", b"How this folder is filed. " * 20)


SPECIAL = (
    bulk_scan, folders_renamed, folders_moved, touched, put_into_archives, converted, protected,
    container_delivered, copies_beside, read_me_in_some,
)  # fmt: skip


def clean_history(firm: Firm, days: int) -> list[Outcome]:
    done = [firm.back_up()]
    for _ in range(days):
        work(firm)
        if firm.rng.random() < 0.5:
            firm.rng.choice(SPECIAL)(firm)
        done.append(firm.back_up())
    return done


# -- attacks ---------------------------------------------------------------------------------------


def encrypted(rng: random.Random, content: bytes) -> bytes:
    return rng.randbytes(len(content) + 16)


def in_place(share: float) -> Callable[[Firm], Iterator[None]]:
    def attack(firm: Firm) -> Iterator[None]:
        for path in firm.some(share):
            firm.source.write(path, encrypted(firm.rng, firm.source.files[path].content))
        yield

    return attack


def and_renamed(share: float, ending: bytes = b".locked") -> Callable[[Firm], Iterator[None]]:
    def attack(firm: Firm) -> Iterator[None]:
        for path in firm.some(share):
            content = firm.source.files.pop(path).content
            firm.source.write(path + ending, encrypted(firm.rng, content))
        yield

    return attack


def other_names(firm: Firm) -> Iterator[None]:
    for path in firm.some(0.2):
        content = firm.source.files.pop(path).content
        name = firm.rng.randbytes(8).hex().encode()
        firm.source.write(path.rpartition(b"/")[0] + b"/" + name, encrypted(firm.rng, content))
    yield


def partly(
    change: Callable[[random.Random, bytes], bytes], share: float = 0.2
) -> Callable[[Firm], Iterator[None]]:
    def attack(firm: Firm) -> Iterator[None]:
        for path in firm.some(share):
            firm.source.write(path, change(firm.rng, firm.source.files[path].content))
        yield

    return attack


def only_head(rng: random.Random, content: bytes) -> bytes:
    return rng.randbytes(min(len(content), 1024)) + content[1024:]


def all_but_head(rng: random.Random, content: bytes) -> bytes:
    return content[:64] + rng.randbytes(max(0, len(content) - 64))


def in_stripes(rng: random.Random, content: bytes) -> bytes:
    """Every other 512 bytes, the first ones included."""
    return b"".join(
        rng.randbytes(len(content[at : at + 512])) if at // 512 % 2 == 0 else content[at : at + 512]
        for at in range(0, len(content), 512)
    )


def as_text(rng: random.Random, content: bytes) -> bytes:
    return base64.b64encode(encrypted(rng, content))


def zeros(rng: random.Random, content: bytes) -> bytes:
    return bytes(len(content))


def nothing(rng: random.Random, content: bytes) -> bytes:
    return b""


def half(rng: random.Random, content: bytes) -> bytes:
    return content[: len(content) // 2]


def slowly(firm: Firm) -> Iterator[None]:
    for _ in range(10):
        for path in firm.some(0.012):
            firm.source.write(path, encrypted(firm.rng, firm.source.files[path].content))
        yield


def only_notes(firm: Firm) -> Iterator[None]:
    name = firm.rng.choice(
        (
            b"HOW_TO_DECRYPT.txt",
            b"RESTORE-FILES-Q7x.txt",
            b"akira_readme.txt",
            b"readme_for_unlock.txt",
        )
    )
    for folder in sorted(firm.source.folders())[::2]:
        firm.source.write(folder + b"/" + name, b"All your files are ours. " * 10)
    yield


def deleted(firm: Firm) -> Iterator[None]:
    for path in firm.some(0.25 + firm.rng.random() * 0.2):
        del firm.source.files[path]
    yield


ATTACKS: dict[str, Callable[[Firm], Iterator[None]]] = {
    "in place, 5 %": in_place(0.05),
    "in place, 20 %": in_place(0.2),
    "in place, 60 %": in_place(0.6),
    "in place and renamed, 5 %": and_renamed(0.05),
    "in place and renamed, 20 %": and_renamed(0.2),
    "in place and renamed, 60 %": and_renamed(0.6, b".id-1E857D00.[mail@x.example].eight"),
    "under other names, 20 %": other_names,
    "only the first KiB, 20 %": partly(only_head),
    "all but the first bytes, 20 %": partly(all_but_head),
    "every other block, 20 %": partly(in_stripes),
    "as text, 20 %": partly(as_text),
    "slowly, 1.2 % a day": slowly,
    "notes only": only_notes,
    "deleted, 25 to 45 %": deleted,
    "wiped with zeros, 20 %": partly(zeros),
    "emptied, 20 %": partly(nothing),
    "cut in half, 20 %": partly(half),
}
MAY_BE_MISSED = frozenset[str]()
"""Kinds of which docs/ANOMALIES.md says that some are not found."""


def run_case(seed: int, folder: Path) -> campaign.Case:
    rng = random.Random(seed)
    firm = Firm(folder, rng)
    if seed % 2 == 0:
        outcomes = clean_history(firm, rng.randrange(6, 11))
        alarms = [(o.seq, [dict(s) for s in o.signs]) for o in outcomes if o.suspicious]
        wrong = (f"an alarm on a clean day: {alarms}",) if alarms else ()
        return campaign.Case(
            seed, {"kind": "clean", "runs": len(outcomes), "found": len(alarms)}, wrong
        )
    kind = sorted(ATTACKS)[seed // 2 % len(ATTACKS)]
    before = clean_history(firm, rng.randrange(0, 7))
    day, signs, named = 0, list[str](), None
    clean = before[-1].seq
    for day, _ in enumerate(ATTACKS[kind](firm), 1):  # noqa: B007
        work(firm)
        try:
            outcome = firm.back_up()
        except SourceSuspect:
            # More than half gone under its name: no snapshot is made at all, and the run is red.
            signs, named = ["refused"], clean
            break
        if outcome.suspicious:
            signs = [s["signal"] for s in outcome.signs]
            named = outcome.last_clean
            break
    wrong_: list[str] = []
    if any(o.suspicious for o in before):
        wrong_.append("an alarm before the attack")
    elif not signs and kind not in MAY_BE_MISSED:
        wrong_.append("missed")
    elif signs and named != clean:
        wrong_.append(f"the last clean snapshot is {clean}, not {named}")
    row = {
        "kind": kind,
        "runs": len(before) + day,
        "found": bool(signs),
        "signs": signs,
        "day": day,
    }
    return campaign.Case(seed, row, tuple(wrong_))


def run(seeds: Iterable[int], folder: Path) -> Iterator[campaign.Case]:
    for seed in seeds:
        yield run_case(seed, folder / str(seed))
