"""A firm whose source is a share of a Windows file server."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from muniment.backup.commit import Outcome
from muniment.clock import SystemClock
from muniment.model.item import Row
from muniment.recovery.perform import RestoreReport, perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.sources.smb.marks import TICK_NS
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.source import SmbSource
from muniment.sources.smb.target import SmbTarget
from muniment.vault.rows import Snapshot
from muniment.vault.snapshots import load_snapshot
from tests.support.practice import Practice
from tests.support.smb_server import PASSWORD, SHARE, USER
from tests.support.smb_share import Share

_NUMBERS = itertools.count(1)


class SmbFirm(Practice):
    def __init__(self, folder: Path, share: Share, **reading: object) -> None:
        super().__init__(folder)
        self.windows = share
        self.reading: dict[str, object] = reading

    def source(self, source_id: str = "files") -> SmbSource:  # type: ignore[override]
        return self.windows.source(source_id, **self.reading)  # type: ignore[arg-type]

    def let_settle(self) -> None:
        import time

        time.sleep(1.2 * TICK_NS / 1e9)

    def night(self, **options: object) -> Outcome:
        return self.back_up(**options)

    def snapshot(self) -> Snapshot:
        """The newest."""
        vault = self.vault()
        history = vault.history("files")
        chain = history.chain(history.live[-1], vault.present("files"))
        return load_snapshot(vault.store, vault.keyring, vault.vault_id, history, chain)

    def rows(self) -> dict[str, Row]:
        return {os.fsdecode(row.native_id): row for row in self.snapshot().items.values()}

    def problems(self) -> dict[str, str]:
        """Path -> why it could not be taken, in the newest snapshot."""
        return {os.fsdecode(p.native_id): p.cause for p in self.snapshot().problems.values()}

    def give_back(self, name: str, *, user: str = USER, restore_id: str = "") -> RestoreReport:
        """Onto the share, into a new folder of it."""
        vault = self.vault()
        selection = Selection(Scope.SOURCE)
        plan = make_restore_plan(vault, selection)
        server = self.windows.server

        def target(source: str) -> SmbTarget:
            place = Place("127.0.0.1", SHARE, name, server.port)
            return SmbTarget(source, place, Account(user, PASSWORD), SystemClock(), restore_id or plan.digest)  # fmt: skip

        return perform(vault, plan, selection, target)
