"""A share of a file server listed by Muniment and by rclone, in turn, on one server in one run.

    python -m benchmarks.file_server [--folders 2000] [--files 50] [--rounds 5]

Needs root, `smbd` and `rclone` (Debian: `apt-get install samba samba-vfs-modules rclone`). 100,000 small files in 2,000 folders over the
loopback. Each contender is a command of its own, with its start: wall seconds, CPU seconds of its process and of the server.
The server's cache is warm. The order changes with each round; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import BenchmarkError, Sample, measure
from tests.support.smb_server import PASSWORD, SHARE, USER, SmbServer, smb_server

WAYS = {
    "muniment": "names, sizes, times, attributes, file ids; encrypted",
    "muniment, closely": "the same, and of each file its streams and permissions",
    "rclone": "names, sizes, times (`lsf -R --format pst`)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folders", type=int, default=2000)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--result", type=Path, help="Write every sample as JSON.")
    parser.add_argument("--list", nargs=2, metavar=("PORT", "WAY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.list:
        _list(int(given.list[0]), given.list[1])
        return
    with smb_server() as server:
        _fill(server, given.folders, given.files)
        samples, served = _rounds(server, given.rounds, given.folders * given.files)
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
        print(f"{way:20}{wall:7.2f} s {wall / base:6.2f}x   CPU {cpu:.2f} + {theirs:.2f}   {what}")


def _fill(server: SmbServer, folders: int, files: int) -> None:
    for number in range(folders):
        folder = server.root / f"Department {number // 100:02}" / f"2024-{number:04} Estate"
        folder.mkdir(parents=True)
        for file in range(files):
            (folder / f"Letter to client, number {file}.docx").write_bytes(b"x" * file)


def _rounds(
    server: SmbServer, rounds: int, files: int
) -> tuple[dict[str, list[Sample]], dict[str, list[float]]]:
    commands: dict[str, Callable[[], list[str | Path]]] = {
        way: lambda way=way: [  # type: ignore[misc]
            sys.executable, "-m", "benchmarks.file_server", "--list", str(server.port), way
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


def _list(port: int, way: str) -> None:
    """What a plan lists, in a process of its own."""
    from muniment.clock import SystemClock
    from muniment.model.item import Observed
    from muniment.sources.smb.place import Account, Place
    from muniment.sources.smb.source import Reading, SmbSource

    whole = way == "muniment, closely"
    account = Account(USER, PASSWORD)
    reading = Reading(streams=whole, closely=whole)
    source = SmbSource("server", Place("127.0.0.1", SHARE, "", port), account, reading, SystemClock())  # fmt: skip
    files = 0
    for item in source.scan():
        if not isinstance(item, Observed):
            raise BenchmarkError(f"not listed: {item.cause}" if hasattr(item, "cause") else "not listed")  # fmt: skip
        files += item.kind == "file"
    print(files)


if __name__ == "__main__":
    main()
