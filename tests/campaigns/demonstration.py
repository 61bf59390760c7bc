"""The demonstration: `make demo` on its small firm - real Airflow, PostgreSQL, S3 server, mail server - tells
the truth, and leaves no process and nothing in staging.

It takes four minutes of two processors and goes over what tests of its parts go over: so it is run where
there is time.
"""

from __future__ import annotations

import io
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from demo.closing import report
from demo.place import SOURCES, Place
from demo.servers import stop_all
from demo.story import Story
from demo.teller import Teller
from demo.tour import Tour
from tests import campaign

REPOSITORY = Path(__file__).resolve().parents[2]


def run(seeds: Iterable[int], folder: Path) -> Iterator[campaign.Case]:
    """For `python -m tests.campaign`: one demonstration a seed, the same each time."""
    for seed in seeds:
        wrong: tuple[str, ...] = ()
        place = Place(folder / str(seed) / "demo", REPOSITORY)
        try:
            tell(place)
        except Exception:
            wrong = (traceback.format_exc()[-2000:],)
        yield campaign.Case(seed, {"tour": "small firm"}, wrong)


def tell(place: Place) -> None:
    """Raises AssertionError where the story is not the truth."""
    out = io.StringIO()
    console = Console(file=out, width=100)
    try:
        told: Story = Tour(place, Teller(console), small=True).run()
    finally:
        stop_all(place)
    console.print(report(told, console))

    assert told.restore.files == told.restore.identical > 0
    assert told.restore.clio.rows > 0 and told.restore.clio.files > 0
    assert told.restore.clio.wrong == 0
    assert told.restore.trust.told == told.restore.trust.found > 0
    assert told.check.found
    assert told.check.keyless
    assert [b.title for b in told.backups] == ["The first backup", "The second backup"]
    assert told.backups[1].unchanged > told.backups[1].changed
    assert all(one.whole for one in told.restore.others)
    for night in told.backups:
        assert [each.source for each in night.beside] == list(SOURCES[1:])
        assert all(each.new + each.changed > 0 for each in night.beside), night.beside
    assert {stage.name for stage in told.backups[0].stages} >= {"extract", "encrypt", "upload"}
    assert any("AccessDenied" in line for line in told.check.findings)
    assert any("freshness is proven" in line for line in told.check.findings)
    assert told.verification.good
    assert told.verification.trust_entries > 0
    assert told.verification.held == told.verification.expectations > 0
    assert told.verification.share == 1
    assert told.verification.opened == told.verification.documents > 0
    assert told.drill.passed
    assert told.drill.equal == told.drill.items > 0
    assert sum(told.drill.phases.values()) == pytest.approx(told.drill.seconds, abs=1)
    assert told.drill.by == "managing-partner"
    assert not told.alarm.red.good
    assert told.alarm.red.failed > 0
    assert told.alarm.red.packs < told.alarm.red.packs_of
    assert "the verification" in told.alarm.subject
    assert told.alarm.to == ("technician@harrow-okafor.example",)
    assert 0 < told.alarm.seconds_to_red <= told.alarm.seconds
    assert b"Delivered-To: technician@" in Path(told.alarm.file).read_bytes()
    assert told.good
    page = " ".join(out.getvalue().split())
    assert "Harrow" in page
    assert "the technician, who tried to, was refused" in page
    assert f"Subject: {told.alarm.subject}" in page
    assert processes_below(place.home) == []
    assert not list(place.staging.rglob("*"))


def processes_below(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(folder) in words or str(process.info["cwd"] or "").startswith(str(folder)):
            found.append(words)
    return found
