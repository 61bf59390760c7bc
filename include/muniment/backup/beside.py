"""Beside: items that no listing told, found when another one was opened (the streams of a file)."""

from __future__ import annotations

from collections.abc import Iterator

from muniment.backup.run import BackupRun
from muniment.backup.work import Reason, Untaken, Work
from muniment.model.item import Problem
from muniment.sources.base import Description, Skipped


def beside(run: BackupRun, item: Work, description: Description) -> Iterator[Work | Untaken]:
    """What to take with an item: under its matter and key."""
    for each in description.beside:
        own = run.item_id(each.kind, each.native_id)
        known = run.state.row(own) >= 0
        if isinstance(each, Skipped):
            problem = Problem(own, each.kind, each.native_id, each.cause, known)
            yield Untaken(problem, item.key_id, item.matter)
            continue
        yield item._replace(
            item_id=own, kind=each.kind, native_id=each.native_id, fingerprint=each.fingerprint,
            reason=Reason.NEW, origin=own, known=known,
        )  # fmt: skip
