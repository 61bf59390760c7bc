"""Databases: a PostgreSQL of a gigabyte dumped, backed up, restored and compared, beside `pg_dump | restic`.

    python -m benchmarks.databases [--megabytes 1000] [--folder build/bench]

The database: a ledger of short rows (half the size) and documents that do not compress. After the first night one
percent of the ledger's rows is changed in one stretch (the newest), and one percent as many are added; for the third night one
percent is changed scattered over the whole table, which is the worst that a database can do to chunks.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import yaml

from benchmarks.measure import Sample, measure
from benchmarks.place import here, tree_bytes
from benchmarks.product import Muniment
from muniment.embedded.postgres import EmbeddedPostgres, programs

_DATABASE = "practice"
_VARIABLE = "BENCH_DATABASE_PASSWORD"
_SOURCE = "practice-database"


class Databases:
    """Both contenders over one server."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.megabytes = megabytes
        self.server = EmbeddedPostgres(folder / "server")
        self.samples: dict[str, dict[str, float]] = {}

    # -- the database ------------------------------------------------------------------------------

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.uri(_DATABASE, driver=""), autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def fill(self) -> None:
        self.server.create_database(_DATABASE)
        rows, documents = self.megabytes * 5_000, self.megabytes * 4
        self.run(
            "CREATE TABLE ledger (id bigint PRIMARY KEY, client int, cents bigint, posted date, note text)",
            "CREATE TABLE documents (id int PRIMARY KEY, content bytea)",
            "INSERT INTO ledger SELECT n, n % 400, (n::bigint * 7919) % 1000003, date '2020-01-01' + (n / 4000)::int,"
            f" 'conference ' || md5(n::text) || ' call' FROM generate_series(1, {rows}) n",
            # Of 64 KiB, in 128 KiB of the dump's own writing.
            "INSERT INTO documents SELECT n, decode((SELECT string_agg(md5(random()::text), '')"
            f" FROM generate_series(1, 4096) WHERE n > 0), 'hex') FROM generate_series(1, {documents}) n",
            "VACUUM ANALYZE",
        )

    def newest_percent(self) -> None:
        rows = self.megabytes * 5_000
        self.run(
            f"UPDATE ledger SET cents = cents + 1 WHERE id > {rows * 99 // 100}",
            f"INSERT INTO ledger SELECT n, n % 400, n, '2026-01-01', 'new ' || md5(n::text)"
            f" FROM generate_series({rows + 1}, {rows * 101 // 100}) n",
        )

    def scattered_percent(self) -> None:
        self.run("UPDATE ledger SET cents = cents + 1 WHERE id % 100 = 7")

    # -- Muniment ----------------------------------------------------------------------------------

    def firm(self) -> Muniment:
        live = self.folder / "share"
        live.mkdir()
        (live / "letter.txt").write_text("Dear Sir")
        product = Muniment(self.folder / "muniment", live)
        product.fresh()
        parts = urlsplit(self.server.uri(driver=""))
        os.environ[_VARIABLE] = str(parts.password)
        config = product.firm / "firm.yaml"
        held = yaml.safe_load(config.read_text())
        held["sources"] = {
            **(held.get("sources") or {}),
            _SOURCE: {
                "database": {
                    "host": parts.hostname, "port": parts.port, "user": parts.username, "tls": "off",
                    "password": f"env:{_VARIABLE}", "databases": [_DATABASE],
                }
            },
        }  # fmt: skip
        config.write_text(yaml.safe_dump(held))
        table = product.firm / "inventory.csv"
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        row = next(row for row in rows if row["backup_method"] == "muniment")
        rows.append({**row, "source_id": _SOURCE, "system": "postgresql", "location": "server"})
        with table.open("w", newline="") as file:
            out = csv.DictWriter(file, rows[0].keys())
            out.writeheader()
            out.writerows(rows)
        product.muniment("keys", "add-source", _SOURCE)
        return product

    def loaded(self, dump: Path) -> str:
        """Loads a dump into a new database; a digest of what stands in it."""
        name = f"back_{len(self.samples)}"
        self.server.create_database(name)
        parts = urlsplit(self.server.uri(name, driver=""))
        os.environ |= {"PGPASSWORD": str(parts.password)}
        self.note(
            f"psql loads {dump.parent.name}",
            [programs() / "psql", "-q", "-X", "-o", os.devnull, "-h", str(parts.hostname), "-p", str(parts.port),
             "-U", str(parts.username), "-d", name, "-f", dump],
        )  # fmt: skip
        with psycopg.connect(self.server.uri(name, driver="")) as connection:
            return _digest(connection)

    def truth(self) -> str:
        with psycopg.connect(self.server.uri(_DATABASE, driver="")) as connection:
            return _digest(connection)

    # -- restic ------------------------------------------------------------------------------------

    def restic(self, restic: str) -> tuple[Callable[[str], None], Path]:
        repository = self.folder / "restic"
        os.environ |= {
            "RESTIC_REPOSITORY": str(repository), "RESTIC_PASSWORD": "bench",
            "RESTIC_CACHE_DIR": str(self.folder / "restic-cache"),
        }  # fmt: skip
        measure([restic, "init", "-q"])
        parts = urlsplit(self.server.uri(_DATABASE, driver=""))
        os.environ |= {"PGPASSWORD": str(parts.password)}
        dump = f"{programs() / 'pg_dump'} -h {parts.hostname} -p {parts.port} -U {parts.username} {_DATABASE}"

        def back_up(night: str) -> None:
            command = f"set -o pipefail; {dump} | {restic} backup -q --stdin --stdin-filename practice.sql"
            before = tree_bytes(repository)
            self.note(f"restic {night}", ["bash", "-c", command])
            self.grown(f"restic {night}", tree_bytes(repository) - before)

        return back_up, repository

    # -- results -----------------------------------------------------------------------------------

    def note(self, name: str, command: list[str | Path]) -> Sample:
        sample = measure(command)[0]
        self.samples[name] = sample.as_dict()
        self._say(name)
        return sample

    def kept(self, name: str, sample: Sample) -> None:
        self.samples[name] = sample.as_dict()
        self._say(name)

    def grown(self, name: str, size: int) -> None:
        self.samples[name]["stored_bytes"] = size
        self._say(name)

    def _say(self, name: str) -> None:
        print(name, json.dumps({k: round(v, 2) for k, v in self.samples[name].items()}), flush=True)


def _digest(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """Of all rows of both tables, as text and in order."""
    total = hashlib.sha256()
    for table in ("ledger", "documents"):
        query = f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT"
        with connection.cursor() as cursor, cursor.copy(query.encode()) as rows:
            for piece in rows:
                total.update(piece)
    return total.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=here().home / "databases")
    given = parser.parse_args()
    bench = Databases(given.folder, given.megabytes)
    with bench.server:
        bench.fill()
        print("dump bytes", bench.run("SELECT pg_database_size(current_database())"), flush=True)
        product = bench.firm()
        restic = shutil.which("restic")
        peer = bench.restic(restic)[0] if restic else None
        nights = (("first night", None), ("unchanged", None), ("1 % newest", bench.newest_percent), ("1 % scattered", bench.scattered_percent))  # fmt: skip
        for night, work in nights:
            if work:
                work()
            before = product.stored_bytes()
            bench.kept(f"muniment {night}", product.muniment("backup", _SOURCE))
            bench.grown(f"muniment {night}", product.stored_bytes() - before)
            if peer:
                peer(night)
        truth = bench.truth()
        back = bench.folder / "muniment-back"
        bench.kept(
            "muniment restore",
            product.muniment("restore", "--source", _SOURCE, "--to", back, "--yes"),
        )
        [dump] = back.rglob("*.sql")
        assert bench.loaded(dump) == truth, "what Muniment gave back is not what was there"
        if restic:
            other = bench.folder / "restic-back"
            bench.note("restic restore", [restic, "restore", "-q", "latest", "--target", other])
            assert bench.loaded(other / "practice.sql") == truth
    (bench.folder / "databases.json").write_text(json.dumps(bench.samples, indent=1))
    shutil.rmtree(bench.folder / "server")
    return 0


if __name__ == "__main__":
    sys.exit(main())
