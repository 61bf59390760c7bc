"""Databases: a server's database of a gigabyte backed up night by night, and given back, beside its dump tool into restic.

    python -m benchmarks.databases [--engine postgresql|mariadb] [--megabytes 1000] [--rounds 3] [--folder build/bench]

Nights: the first; one without change; one percent of the ledger changed in one stretch and one percent added; one row in ten
thousand changed all over it; one row in a hundred. Then both give the dump back: as a file, and into a spare server, where
all rows are compared with the source's by SHA-256. Who begins changes with each round; medians are printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.database_servers import PRACTICE, SERVERS, BenchServer
from benchmarks.measure import BenchmarkError, Sample, measure
from benchmarks.place import here, tree_bytes
from benchmarks.product import Muniment

_SOURCE = "practice-database"
_PASSWORD = "BENCH_DATABASE_PASSWORD"
_SPARE_PASSWORD = "BENCH_SPARE_PASSWORD"


class OfMuniment:
    """A firm whose one source is the server."""

    name = "muniment"

    def __init__(self, folder: Path, server: BenchServer) -> None:
        self._server = server
        live = folder / "share"
        live.mkdir(parents=True, exist_ok=True)
        self._product = product = Muniment(folder / "muniment", live)
        product.fresh()
        _configure(product, server)

    def stored(self) -> int:
        return self._product.stored_bytes()

    def back_up(self) -> Sample:
        return self._product.muniment("backup", _SOURCE)

    def as_file(self, folder: Path) -> Sample:
        return self._product.muniment("restore", "--source", _SOURCE, "--to", folder, "--yes")

    def into_spare(self, database: str) -> Sample:
        return self._product.muniment("restore-database", _SOURCE, PRACTICE, "--into", database, "--yes")  # fmt: skip


def _configure(product: Muniment, server: BenchServer) -> None:
    at, spare = server.access(), server.access(spare=True)
    os.environ[_PASSWORD], os.environ[_SPARE_PASSWORD] = str(at["password"]), str(spare["password"])
    config = product.firm / "firm.yaml"
    held = yaml.safe_load(config.read_text())
    held["sources"] = {
        **(held.get("sources") or {}),
        _SOURCE: {
            "database": {
                **at, "password": f"env:{_PASSWORD}", "tls": "off", "databases": [PRACTICE],
                "restore": {**spare, "password": f"env:{_SPARE_PASSWORD}", "tls": "off"},
            }
        },
    }  # fmt: skip
    config.write_text(yaml.safe_dump(held))
    table = product.firm / "inventory.csv"
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    row = next(row for row in rows if row["backup_method"] == "muniment")
    rows.append({**row, "source_id": _SOURCE, "system": server.system, "location": "server"})
    with table.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows(rows)
    product.muniment("keys", "add-source", _SOURCE)


class OfRestic:
    """The vendor's dump tool into restic's standard input, as its manual has it."""

    name = "restic"

    def __init__(self, folder: Path, server: BenchServer) -> None:
        self._server = server
        self._repository = folder / "restic"
        os.environ |= {
            "RESTIC_REPOSITORY": str(self._repository), "RESTIC_PASSWORD": "bench",
            "RESTIC_CACHE_DIR": str(folder / "restic-cache"),
        }  # fmt: skip
        measure(["restic", "init", "-q"])

    def stored(self) -> int:
        return tree_bytes(self._repository)

    def back_up(self) -> Sample:
        return _piped(self._server.dump(), "restic backup -q --stdin --stdin-filename practice.sql")

    def as_file(self, folder: Path) -> Sample:
        return measure(["restic", "restore", "-q", "latest", "--target", folder])[0]

    def into_spare(self, database: str) -> Sample:
        return _piped("restic dump -q latest practice.sql", self._server.load(database))


def _piped(first: str, second: str) -> Sample:
    return measure(["bash", "-c", f"set -o pipefail; {first} | {second}"])[0]


Contender = OfMuniment | OfRestic
Found = dict[str, dict[str, list[dict[str, float]]]]
"""step -> contender -> a sample of each round."""


def play(server: BenchServer, folder: Path, number: int, found: Found) -> None:
    """One round. Raises BenchmarkError where what came back is not what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    server.begin()
    sides: list[Contender] = [OfMuniment(folder, server)]
    if shutil.which("restic"):
        sides.append(OfRestic(folder, server))
    if number % 2:
        sides.reverse()

    def note(step: str, side: Contender, sample: Sample, **more: float) -> None:
        told = {**sample.as_dict(), **more}
        found.setdefault(step, {}).setdefault(side.name, []).append(told)
        print(number, side.name, step, json.dumps(told), flush=True)

    nights = (
        ("first night", None), ("no change", None), ("1 % in one stretch", server.newest),
        ("0.01 % all over", server.here_and_there), ("1 % all over", server.all_over),
    )  # fmt: skip
    for night, work in nights:
        if work:
            work()
        for side in sides:
            before = side.stored()
            sample = side.back_up()
            note(night, side, sample, stored=side.stored() - before)
    truth = server.digest(PRACTICE, spare=False)
    for side in sides:
        back = folder / "back"
        note("back as a file", side, side.as_file(back))
        shutil.rmtree(back)
        database = f"back_{side.name}"
        note("back into a server", side, side.into_spare(database))
        if server.digest(database, spare=True) != truth:
            raise BenchmarkError(f"what {side.name} gave back is not what was there")
        server.drop(database)


def report(found: Found) -> str:
    """Medians over the rounds, a step a line."""
    lines = ["| | | clock | processor | memory | the store grows by |", "|---|---|---|---|---|---|"]
    for step, sides in found.items():
        for name, samples in sides.items():

            def median(what: str, of: list[dict[str, float]] = samples) -> float:
                return statistics.median(sample.get(what, 0) for sample in of)

            grown = f"{median('stored') / 1e6:.2f} MB" if "stored" in samples[0] else ""
            lines.append(
                f"| {step} | {name} | {median('wall'):.1f} s | {median('cpu'):.1f} s | {median('peak') / 1e6:.0f} MB | {grown} |"
            )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=sorted(SERVERS), default="postgresql")
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=here().home / "databases")
    given = parser.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    server = SERVERS[given.engine](given.folder, given.megabytes)
    found: Found = {}
    server.start()
    try:
        server.fill()
        for number in range(given.rounds):
            play(server, given.folder / "round", number, found)
    finally:
        server.stop()
    told: dict[str, Any] = {"engine": given.engine, "megabytes": given.megabytes, "rounds": given.rounds, "steps": found}  # fmt: skip
    (given.folder / f"{given.engine}.json").write_text(json.dumps(told, indent=1))
    print(report(found))
    for part in ("server", "spare", "round"):
        shutil.rmtree(given.folder / part, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
