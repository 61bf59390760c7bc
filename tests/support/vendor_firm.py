"""A firm whose source is a folder that another product writes its backups into."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from muniment.backup.commit import Outcome
from muniment.backup.options import MassDeletion
from muniment.clock import FixedClock
from muniment.model.item import Problem
from muniment.sources.tree.tree import Tree
from muniment.sources.vendor_backups.products import Rules, preset
from muniment.sources.vendor_backups.source import VendorBackupSource
from muniment.sources.vendor_backups.survey import Demands
from muniment.vault.snapshots import load_snapshot
from tests.support.practice import MONDAY, Practice

SETTLE = timedelta(minutes=1)
DEMANDS = Demands(timedelta(hours=26), 0.3)


class WatchedClock(FixedClock):
    """A clock on which something happens while somebody waits by it."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.meanwhile: Callable[[], object] = lambda: None
        self.slept = 0

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        super().sleep(seconds)
        self.meanwhile()


class VendorFirm(Practice):
    """`rules` and `demands` may be changed between runs."""

    def __init__(self, folder: Path, rules: Rules | None = None) -> None:
        self.watched = WatchedClock(MONDAY)
        super().__init__(folder, clock=self.watched)
        self.rules = rules or preset("quickbooks")
        self.demands = DEMANDS

    def source(self, source_id: str = "files") -> VendorBackupSource:  # type: ignore[override]
        tree = Tree(source_id, self.share)
        return VendorBackupSource(tree, self.rules, self.demands, self.watched, SETTLE)

    def put(self, path: str, content: bytes = b"a set", *, hours_ago: float = 4) -> Path:
        """Writes a file as the product did so many hours ago."""
        file = self.write(path, content)
        at = int((self.watched.now() - timedelta(hours=hours_ago)).timestamp() * 1e9)
        os.utime(file, ns=(at, at))
        return file

    def night(self, **options: object) -> Outcome:
        """One run; then it is the next day."""
        return self.back_up(mass_deletion=MassDeletion(share=2.0), **options)

    def problems(self) -> dict[tuple[str, str], str]:
        """What the newest snapshot says could not be taken: (kind, path) -> cause."""
        found: dict[tuple[str, str], str] = {}
        for problem in self._snapshot_problems():
            found[problem.kind, os.fsdecode(problem.native_id)] = problem.cause
        return found

    def _snapshot_problems(self) -> list[Problem]:
        vault = self.vault()
        history = vault.history("files")
        chain = history.chain(history.live[-1], vault.present("files"))
        snapshot = load_snapshot(vault.store, vault.keyring, vault.vault_id, history, chain)
        return list(snapshot.problems.values())

    def held(self, into: Path) -> dict[str, bytes]:
        """What the newest snapshot gives back, without the record of sets."""
        self.restore(into)
        root = into / "files"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.name != "_backup-sets.json"
        }
