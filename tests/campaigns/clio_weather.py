"""The client at Clio in bad weather: whatever goes wrong on the way, what it read is what the firm has.

A case is one firm at the simulator, and a seed that draws faults, sizes of pages, whether totals are told
and how the limits stand. Then everything is read - rows, versions, bytes, bills as they are shown - and
held against the simulator's own truth. Where rows came and went while a collection was read, each row read
must be one that stood there at some moment meanwhile, and none may be missing that stands there at the end.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from muniment.errors import MunimentError
from muniment.sources.clio.listing import Row
from muniment.sources.clio.table import table
from muniment.sources.web.exact import canonical
from tests.campaign import Case
from tests.simulators.clio.running import Running, running
from tests.support.clio_client import Client, client, fault

# name, what it strikes, how often, options
FAULTS: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("rate_limited", "^GET /api/", 0.05, {"seconds": 1}),
    ("server_error", "^GET /", 0.05, {"status": 500}),
    ("server_error", "^GET /", 0.05, {"status": 502}),
    ("server_error", "^GET /", 0.05, {"status": 504}),
    ("torn_body", "^GET /", 0.08, {}),
    ("slow_body", "^GET /", 0.02, {"seconds": 0.02}),
    ("slow_answer", "^GET /", 0.02, {"seconds": 0.02}),
    ("expired_link", "^GET /files/", 0.15, {}),
    ("short_file", "^GET /files/", 0.15, {}),
    ("duplicates", "page_token", 0.3, {}),
    ("lost_row", "^GET /api/.*limit=", 0.15, {}),
    ("no_next", "^GET /api/.*limit=", 0.1, {}),
    ("foreign_next", "^GET /api/.*limit=", 0.15, {}),
    ("shifting_rows", "page_token", 0.1, {}),
    ("expired", "^GET /api/", 1.0, {"times": 1, "after": 7}),
    ("expired", "/download", 1.0, {"times": 1, "after": 3}),
)
NEED_TOTALS = ("lost_row", "no_next")
COLLECTIONS = 9


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        place = folder / f"seed-{seed}"
        place.mkdir()
        with running(seed=seed, matters=5, rate=0, documents_per_matter=3) as sim:
            yield case(sim, seed, place)


def case(sim: Running, seed: int, folder: Path) -> Case:
    rng = random.Random(seed)
    sim.control("day", number=seed + 1)
    chosen = rng.sample(FAULTS, rng.randint(1, 4))
    if {"lost_row", "shifting_rows"} <= {name for name, *_ in chosen}:
        # A page that leaves a row out of its middle while another row goes: no total shows that. A row
        # that is known is asked for by its id before it counts as gone; one that is new comes next time.
        chosen = [one for one in chosen if one[0] != "lost_row"]
    totals = rng.random() < 0.7 or any(name in NEED_TOTALS for name, *_ in chosen)
    sim.control("settings", send_records=totals)
    sim.control("faults", seed=seed)
    for name, pattern, chance, options in chosen:
        fault(sim, name, pattern, chance=chance, **options)
    if rng.random() < 0.3:
        sim.control("limits", peak=rng.choice((20, 50, 300)), off_peak=60)
    reading = client(sim, folder)
    try:
        wrong = list(_compared(reading, rng))
    except MunimentError as error:
        wrong = [f"{error.code}: {error.what}"]
    struck = {name for name, _ in sim.control("faults", last=10_000)["log"]}
    sim.control("faults", clear=True)
    sim.control("settings", send_records=True)
    sim.unlimited()
    row = {"faults": ", ".join(sorted({name for name, *_ in chosen})), "struck": len(struck)}
    return Case(seed, row, tuple(wrong))


def _compared(reading: Client, rng: random.Random) -> Iterator[str]:
    names = [name for name, one in table().items() if not one.parent and one.tier != "reference"]
    for name in rng.sample(names, COLLECTIONS):
        one = replace(table()[name], limit=rng.choice((3, 7, 200)))
        before = _sequence(reading.sim)
        read = {row.body() for row in reading.reader.rows(one)}
        yield from _differences(reading, name, read, before)
    yield from _documents(reading, rng)


def _documents(reading: Client, rng: random.Random) -> Iterator[str]:
    documents, versions = table()["documents"], table()["documents/versions"]
    before = _sequence(reading.sim)
    found: list[Row] = []
    for document in reading.reader.rows(replace(documents, limit=rng.choice((5, 200)))):
        found += reading.reader.versions(document.data, versions)
    read = {row.body() for row in found}
    yield from _differences(reading, "documents/versions", read, before)
    true = reading.sim.control("files")["versions"]
    for row in rng.sample(found, min(12, len(found))):
        digest, size = hashlib.sha256(), 0
        try:
            for piece in reading.downloads.version(row.parent, row.id, int(row.data["size"])):
                digest.update(piece)
                size += len(piece)
        except FileNotFoundError:
            if row.id in true:
                yield f"version {row.id} was said to be gone"
            continue
        if row.id in true and (size, digest.hexdigest()) != (true[row.id]["size"], true[row.id]["sha256"]):  # fmt: skip
            yield f"version {row.id} has other bytes"
    bills = [row.id for row in reading.reader.rows(table()["bills"])]
    for bill in rng.sample(bills, min(3, len(bills))):
        if not reading.downloads.preview(bill).endswith(b"</html>"):
            yield f"bill {bill} is not shown whole"


def _differences(reading: Client, name: str, read: set[bytes], before: int) -> Iterator[str]:
    after = _sequence(reading.sim)

    def stood(at: int) -> set[bytes]:
        rows = reading.truth(name, at=at)
        return {canonical(row) for row in rows if row.get("fully_uploaded") is not False}

    last = stood(after)
    missing = {_id(one) for one in last} - {_id(one) for one in read}
    if missing:
        yield f"{name}: {len(missing)} rows are missing"
    strange = read - last
    for at in range(after - 1, before - 1, -1):
        if not strange:
            return
        strange -= stood(at)
    if strange:
        yield f"{name}: {len(strange)} rows never stood there"


def _id(body: bytes) -> str:
    from muniment.sources.web.exact import parse

    return str(parse(body).get("id"))


def _sequence(sim: Running) -> int:
    return int(sim.control("clock")["sequence"])
