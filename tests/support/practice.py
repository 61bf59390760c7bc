"""Practice: a small firm with all its keys, its vault and a file share, for tests of the engine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.backup.commit import Outcome
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.clock import Clock, FixedClock
from muniment.config.firm import MatterRule
from muniment.config.matters import MatterRules
from muniment.recovery.perform import RestoreReport, perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.proof import Proof
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileSource, FileTarget
from muniment.sources.tree.reader import TICK_NS
from muniment.vault.age import Identity
from muniment.vault.setup import PublicHolder, PublicSigner, create_vault
from muniment.vault.signing import Signer
from muniment.vault.store.base import Store
from muniment.vault.store.local import LocalStore
from muniment.vault.vault import Vault

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
RULE = MatterRule(source="files", pattern="Matters/{number} {title}/**")


@dataclass
class Keys:
    """Everything secret of one firm."""

    root: Signer = field(default_factory=Signer.generate)
    worker_signer: Signer = field(default_factory=Signer.generate)
    operations_signer: Signer = field(default_factory=Signer.generate)
    retention_signer: Signer = field(default_factory=Signer.generate)
    worker: Identity = field(default_factory=Identity.generate)
    operations: Identity = field(default_factory=Identity.generate)
    escrow: Identity = field(default_factory=Identity.generate)
    escrow_2: Identity = field(default_factory=Identity.generate)


class Practice:
    """A firm whose clock, keys and store a test holds in its hand."""

    def __init__(
        self,
        folder: Path,
        store: Store | None = None,
        *,
        clock: Clock | None = None,
        matter_keys: Store | None = None,
        sources: Sequence[str] = ("files",),
    ) -> None:
        self.folder = folder
        self.share = folder / "share"
        self.share.mkdir(parents=True, exist_ok=True)
        self.staging = folder / "staging"
        self.store: Store = store if store is not None else LocalStore.create(folder / "store")
        self.matter_keys = matter_keys
        self.clock: Clock = clock or FixedClock(MONDAY)
        self.keys = Keys()
        self.pin = create_vault(
            self.store,
            self.keys.root,
            [
                PublicHolder("escrow", "escrow-1", str(self.keys.escrow.recipient)),
                PublicHolder("escrow", "escrow-2", str(self.keys.escrow_2.recipient)),
                PublicHolder("operations", "operations-1", str(self.keys.operations.recipient)),
                PublicHolder("worker", "worker-1", str(self.keys.worker.recipient)),
            ],
            [
                PublicSigner("worker", self.keys.worker_signer.public),
                PublicSigner("operations", self.keys.operations_signer.public),
                PublicSigner("retention", self.keys.retention_signer.public),
            ],
            list(sources),
            self.clock,
        )
        self._runs = itertools.count(1)

    # -- handles -----------------------------------------------------------------------------------

    def vault(self, role: str = "operations", store: Store | None = None) -> Vault:
        identities = {
            "worker": [self.keys.worker],
            "operations": [self.keys.operations],
            "escrow": [self.keys.escrow],
            "retention": [],
            "nobody": [],
        }[role]
        signers = {
            "worker": self.keys.worker_signer,
            "operations": self.keys.operations_signer,
            "retention": self.keys.retention_signer,
        }
        return Vault(
            store if store is not None else self.store,
            self.pin,
            identities=identities,
            signer=signers.get(role),
            matter_keys=self.matter_keys,
            clock=self.clock,
        )

    def source(self, source_id: str = "files") -> FileSource:
        return FileSource(source_id, self.share)

    def run(
        self,
        *,
        run_id: str = "",
        options: BackupOptions | None = None,
        store: Store | None = None,
        source_id: str = "files",
    ) -> BackupRun:
        rule = RULE.model_copy(update={"source": source_id})
        return BackupRun(
            self.vault("worker", store),
            self.source(source_id),
            self.staging,
            run_id or f"run-{next(self._runs)}",
            assign=MatterRules.compile([rule], source_id).match,
            options=options or BackupOptions(),
        )

    # -- what a day does ---------------------------------------------------------------------------

    def write(self, path: str, content: bytes | str) -> Path:
        file = self.share / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def let_settle(self) -> None:
        """A file younger than the tick of its file system's clock is read again by the next run, as
        it should be: this lets what a test wrote grow older than that."""
        time.sleep(1.5 * TICK_NS / 1e9)

    def back_up(self, **options: object) -> Outcome:
        self.let_settle()
        outcome = back_up(self.run(options=BackupOptions(**options)))  # type: ignore[arg-type]
        self.tomorrow()
        return outcome

    def tomorrow(self) -> None:
        if isinstance(self.clock, FixedClock):
            self.clock.advance(timedelta(days=1))

    def restore(
        self,
        into: Path,
        selection: Selection | None = None,
        *,
        as_of: datetime | None = None,
        role: str = "operations",
        store: Store | None = None,
        overwrite: bool = False,
        proof: Proof = Proof.READ,
    ) -> tuple[RestorePlan, RestoreReport]:
        vault = self.vault(role, store)
        selection = selection or Selection(Scope.SOURCE)
        plan = make_restore_plan(vault, selection, as_of, proof=proof)
        into.mkdir(parents=True, exist_ok=True)

        def target(source: str) -> FileTarget:
            return FileTarget(into / source, overwrite=overwrite, restore_id=plan.digest)

        report = perform(vault, plan, selection, target)
        return plan, report


def tree(root: Path) -> dict[str, tuple[str, bytes | str]]:
    """Path -> (kind, content or target) of everything below a folder."""
    found: dict[str, tuple[str, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("symlink", str(path.readlink()))
        elif path.is_dir():
            found[name] = ("dir", "")
        else:
            found[name] = ("file", path.read_bytes())
    return found
