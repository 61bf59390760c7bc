"""What `doctor` sees in a folder of another product's backup sets. Counts and ages; a job's name is a firm's business."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.cli import words
from muniment.cli.checkup import State, Symptom

if TYPE_CHECKING:
    from muniment.sources.vendor_backups.source import VendorBackupSource

_TODO = "See docs/VENDOR_BACKUPS.md; after a run `muniment ls {} --problems` names them."


def backup_sets(source: VendorBackupSource, about: str, now: datetime) -> Iterator[Symptom]:
    """Raises SourceMissing."""
    jobs, troubles = source.survey()
    todo = _TODO.format(source.source_id)
    if not jobs:
        what = "no backup set stands in the folder that they are written into"
        yield Symptom(about, State.BAD, what, "See whether the product still writes there. " + todo)
        return
    ages = [(now.timestamp() - job.newest.made_ns / 1e9) for job in jobs if job.newest]
    if ages:
        oldest = words.span(max(*ages, 1.0))
        whole = f"{len(ages)} of {words.some(len(jobs), 'job')} with a whole set, the newest of each {oldest} old at most"
        yield Symptom(about, State.GOOD, whole)
    flaws = Counter(flaw for job in jobs for _, flaw in job.sets if flaw)
    for cause, count in sorted(flaws.items()):
        what = f"{cause}: {words.some(count, 'set')}, not taken as long as it is so"
        yield Symptom(about, State.WARNING, what, todo)
    for cause, count in sorted(Counter(t.cause for t in troubles).items()):
        yield Symptom(about, State.BAD, f"{cause}: {words.some(count, 'job')}", todo)
