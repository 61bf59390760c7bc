"""A share of a file server listed by Muniment and by rclone, in turn, on one server in one run.

    python -m benchmarks.file_server [--folders 2000] [--files 50] [--rounds 5]

Needs root, `smbd` and `rclone` (Debian: `apt-get install samba samba-vfs-modules rclone`). 100,000 small files in 2,000 folders over the
loopback. Each contender is a command of its own, with its start: wall seconds, CPU seconds of its process and of the server.
The server's cache is warm. The order changes with each round; medians are printed. Nights after the first know what a
first listing found.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import BenchmarkError, Sample, measure
from tests.support.smb_server import PASSWORD, SHARE, USER, SmbServer, smb_server

if TYPE_CHECKING:
    from muniment.model.item import Fingerprint, Named
    from muniment.sources.smb.source import SmbSource

EVERY = {"muniment, closely": 1, "muniment, one in 7": 7}
WAYS = {
    "muniment": "names, sizes, times, attributes, file ids; encrypted",
    "muniment, first night": "the same, on a server whose files are asked each night",
    "muniment, closely": "a later night: of each file its streams and permissions",
    "muniment, one in 7": "a later night: the same of each seventh file, and of folders",
    "rclone": "names, sizes, times (`lsf -R --format pst`)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folders", type=int, default=2000)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--result", type=Path, help="Write every sample as JSON.")
    parser.add_argument("--list", nargs=3, metavar=("PORT", "WAY", "KNOWN"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.list:
        _list(int(given.list[0]), given.list[1], Path(given.list[2]))
        return
    with smb_server() as server, tempfile.TemporaryDirectory() as folder:
        _fill(server, given.folders, given.files)
        known = Path(folder) / "known"
        _remember(server.port, known)
        samples, served = _rounds(server, given.rounds, given.folders * given.files, known)
    if given.result:
        given.result.write_text(json.dumps({w: [s.as_dict() for s in all_] for w, all_ in samples.items()}))  # fmt: skip
    base = statistics.median(sample.wall for sample in samples["rclone"])
    print(
        f"{given.folders * given.files:,} files in {given.folders:,} folders, {given.rounds} rounds"
    )
    for way, what in WAYS.items():
        wall = statistics.median(sample.wall for sample in samples[way])
        cpu = statistics.median(sample.cpu for sample in samples[way])
        theirs = statistics.median(served[way])
        print(f"{way:22}{wall:7.2f} s {wall / base:6.2f}x   CPU {cpu:.2f} + {theirs:.2f}   {what}")


def _fill(server: SmbServer, folders: int, files: int) -> None:
    """Each file and folder with the owner and the attributes that the server gives to what a client makes."""
    pattern = _made_by_a_client(server)
    for number in range(folders):
        folder = server.root / f"Department {number // 100:02}" / f"2024-{number:04} Estate"
        folder.mkdir(parents=True)
        for file in range(files):
            path = folder / f"Letter to client, number {file}.docx"
            path.write_bytes(b"x" * file)
            _make_alike(path, pattern / "one.docx")
        _make_alike(folder, pattern)
    for department in server.root.iterdir():
        _make_alike(department, pattern)
    shutil.rmtree(pattern)


def _made_by_a_client(server: SmbServer) -> Path:
    import smbclient

    login = {"username": USER, "password": PASSWORD, "port": server.port, "connection_cache": {}}
    folder = rf"\\127.0.0.1\{SHARE}\pattern"
    smbclient.mkdir(folder, **login)
    with smbclient.open_file(rf"{folder}\one.docx", mode="wb", **login) as file:
        file.write(b"x")
    smbclient.reset_connection_cache(connection_cache=login["connection_cache"])
    return server.root / "pattern"


def _make_alike(path: Path, pattern: Path) -> None:
    like = pattern.stat()
    os.chown(path, like.st_uid, like.st_gid)
    path.chmod(like.st_mode & 0o7777)
    for name in os.listxattr(pattern):
        os.setxattr(path, name, os.getxattr(pattern, name))


def _rounds(
    server: SmbServer, rounds: int, files: int, known: Path
) -> tuple[dict[str, list[Sample]], dict[str, list[float]]]:
    commands: dict[str, Callable[[], list[str | Path]]] = {
        way: lambda way=way: [  # type: ignore[misc]
            sys.executable, "-m", "benchmarks.file_server", "--list", str(server.port), way, known
        ]
        for way in WAYS
        if way != "rclone"
    }  # fmt: skip
    hidden = subprocess.run(["rclone", "obscure", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()  # fmt: skip
    place = f":smb,host=127.0.0.1,port={server.port},user={USER},pass={hidden}:{SHARE}"
    commands["rclone"] = lambda: ["rclone", "lsf", "-R", "--format", "pst", "--files-only", place]
    samples: dict[str, list[Sample]] = {way: [] for way in WAYS}
    served: dict[str, list[float]] = {way: [] for way in WAYS}
    names = list(WAYS)
    # The first round, whose figures do not count, brings the server's and the programs' files into memory.
    for round_ in range(-1, rounds):
        turn = round_ % len(names)
        for way in names[turn:] + names[:turn]:
            before = server.cpu_seconds()
            sample, printed = measure(commands[way](), folder=Path.cwd())
            found = int(printed) if way != "rclone" else printed.count("\n")
            if found != files:
                raise BenchmarkError(f"{way} listed {found:,} of {files:,} files")
            if round_ >= 0:
                samples[way].append(sample)
                served[way].append(server.cpu_seconds() - before)
    return samples, served


class _Known:
    """What an earlier night left. Its turn in a rotation is the second."""

    def __init__(self, found: Mapping[tuple[str, bytes], Fingerprint], *, every: int = 1) -> None:
        self._found = found
        self.whole = False
        self.memory = {"closely": f"0/{every}"}
        self.history = self.memory

    def find(self, kind: str, native_id: bytes, named: Named | None = None) -> Fingerprint | None:
        return self._found.get((kind, native_id))

    def below(self, native_id: bytes) -> int:
        return 0

    def remember(self, key: str, value: str) -> None:
        pass

    def note(self, kind: str, native_id: bytes, tag: str) -> None:
        return None

    def keep_note(self, kind: str, native_id: bytes, tag: str, note: bytes) -> None:
        pass


def _source(port: int, *, closely: bool, every: int = 1) -> SmbSource:
    from muniment.clock import SystemClock
    from muniment.sources.smb.place import Account, Place
    from muniment.sources.smb.source import Reading, SmbSource

    place, account = Place("127.0.0.1", SHARE, "", port), Account(USER, PASSWORD)
    reading = Reading(streams=closely, closely=closely, closely_every=every)
    return SmbSource("server", place, account, reading, SystemClock())


def _remember(port: int, known: Path) -> None:
    """What a night leaves that asked each file."""
    found = {
        (i.kind, i.native_id): i.fingerprint for i in _source(port, closely=True).scan(_Known({}))
    }  # type: ignore[union-attr]
    known.write_bytes(pickle.dumps(found))


def _list(port: int, way: str, known: Path) -> None:
    """What a plan lists, in a process of its own."""
    from muniment.model.item import Observed
    from muniment.sources.base import FIRST_TIME

    every = EVERY.get(way, 0)
    # Ours alone, of a few lines above.
    before = _Known(pickle.loads(known.read_bytes()), every=every) if every else FIRST_TIME
    files = 0
    for item in _source(port, closely=way != "muniment", every=every or 1).scan(before):
        if not isinstance(item, Observed):
            raise BenchmarkError(f"not listed: {item.cause}" if hasattr(item, "cause") else "not listed")  # fmt: skip
        files += item.kind == "file"
    print(files)


if __name__ == "__main__":
    main()
