"""The model: what every restore point must give back, whatever is done to the vault in between.

A state machine (hypothesis) over a versioned store in memory and a clock in the hand: two writers that
take turns stage by stage, runs that lose shards, items that cannot be read, folders that cannot be
listed, matters that are reassigned or get a key of their own, new epochs, rebase, forget, condemn,
sweep - also while a writer commits. Beside the vault it keeps plain dictionaries.

Invariants, after every step that changed the vault: each live snapshot gives back exactly its dictionary,
byte by byte and matter by matter; a check that reads every byte finds nothing; what a snapshot needs is
there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.backup.commit import commit_snapshot
from muniment.backup.encrypt import encrypt
from muniment.backup.extract import extract
from muniment.backup.options import BackupOptions
from muniment.backup.plan import make_plan
from muniment.backup.run import BackupRun
from muniment.backup.upload import upload
from muniment.backup.validate import validate_checksums
from muniment.backup.work import Plan, ShardResult, Work
from muniment.clock import FixedClock, from_text
from muniment.config.matters import Assignment
from muniment.errors import CommitConflict, NoKey, RunTooOld
from muniment.ids import matter_id
from muniment.vault import names
from muniment.vault.age import Identity
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.history import History
from muniment.vault.pack_reader import PartReader
from muniment.vault.rebuild import rebuild_state
from muniment.vault.retention import GRACE, RetentionOffice
from muniment.vault.rows import Snapshot
from muniment.vault.setup import add_matter_key, roll_epoch
from muniment.vault.vault import Vault
from tests import campaign
from tests.campaigns.memory_source import MemorySource
from tests.support.fake_stores import VersionedStore
from tests.support.practice import MONDAY, Practice

FOLDERS = [b"a", b"b", b"c"]
PATHS = [folder + b"/" + name for folder in FOLDERS for name in (b"1.txt", b"2.txt", b"3.doc")]
CONTENTS = [b"", b"x", b"letter" * 50, b"deed" * 300]
NUMBERS = ["2024-0001", "2024-0002", ""]
OPTIONS = BackupOptions(shard_items=3, threads=1, accept_mass_deletion=True)

Truth = dict[bytes, tuple[bytes, str]]
"""Path -> (content, number of its matter)."""


@dataclass
class Writer:
    """A run under way, and what its snapshot will have to hold."""

    run: BackupRun
    plan: Plan
    listed: set[bytes]
    hidden: set[bytes]
    before: Truth
    work: dict[str, list[Work]]
    taken: dict[str, Truth] = field(default_factory=dict)
    results: dict[str, ShardResult] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    numbers: dict[bytes, str] = field(default_factory=dict)


class VaultModel(RuleBasedStateMachine):
    withheld = False
    """Is a matter's key kept from operations?"""

    def __init__(self) -> None:
        super().__init__()
        shm = Path("/dev/shm")
        self._folder = tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)
        clock = FixedClock(MONDAY)
        self.clock = clock
        self.practice = Practice(
            Path(self._folder.name), VersionedStore(clock), clock=clock,
            matter_keys=VersionedStore(clock),
        )  # fmt: skip
        self.source = MemorySource("files")
        self.custodian = Identity.generate()
        self.assigned: dict[bytes, str] = {b"a": NUMBERS[0], b"b": NUMBERS[1], b"c": ""}
        self.writers: list[Writer | None] = [None, None]
        self.truths: dict[int, Truth] = {}
        self.forgotten: set[int] = set()
        self.changed = False
        self.runs = 0
        self.keyed: set[str] = set()

    def teardown(self) -> None:
        self._folder.cleanup()

    # -- handles -----------------------------------------------------------------------------------

    def vault(self, role: str = "operations") -> Vault:
        return self.practice.vault(role)

    def reader(self) -> Vault:
        """Operations and the custodian together see everything."""
        vault = self.vault()
        vault.identities = (*vault.identities, self.custodian)
        return vault

    def history(self) -> History:
        return self.vault("nobody").history("files")

    def head(self) -> Truth:
        head = self.history().head
        return self.truths[head.seq] if head else {}

    def assign(self, native_id: bytes) -> Assignment | None:
        number = self.assigned.get(native_id.partition(b"/")[0], "")
        return Assignment(number, "") if number else None

    def _tick(self) -> None:
        self.clock.advance(timedelta(minutes=1))

    # -- the source --------------------------------------------------------------------------------

    @initialize(paths=st.sets(st.sampled_from(PATHS), min_size=3))
    def begin(self, paths: set[bytes]) -> None:
        for path in sorted(paths):
            self.source.write(path, path * 40)

    @rule(path=st.sampled_from(PATHS), content=st.sampled_from(CONTENTS))
    def write(self, path: bytes, content: bytes) -> None:
        self.source.write(path, content)

    @precondition(lambda self: len(self.source.files) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.source.files.pop(data.draw(st.sampled_from(sorted(self.source.files))))

    @precondition(lambda self: self.source.files)
    @rule(data=st.data(), to=st.sampled_from(PATHS), copy=st.booleans())
    def move(self, data: st.DataObject, to: bytes, copy: bool) -> None:
        path = data.draw(st.sampled_from(sorted(self.source.files)))
        if path != to:
            (self.source.copy if copy else self.source.rename)(path, to)

    @rule(path=st.sampled_from(PATHS))
    def refuse_or_allow(self, path: bytes) -> None:
        self.source.unreadable ^= {path}

    @rule(folder=st.sampled_from(FOLDERS))
    def close_or_open(self, folder: bytes) -> None:
        self.source.closed ^= {folder}

    @rule(folder=st.sampled_from(FOLDERS), number=st.sampled_from(NUMBERS))
    def reassign(self, folder: bytes, number: str) -> None:
        self.assigned[folder] = number

    # -- writers -----------------------------------------------------------------------------------

    def _run(self) -> BackupRun:
        self.runs += 1
        return BackupRun(
            self.vault("worker"), self.source, self.practice.staging, f"run-{self.runs}",
            assign=self.assign, options=OPTIONS,
        )  # fmt: skip

    @rule(who=st.integers(0, 1))
    def plan(self, who: int) -> None:
        """Whatever this writer was at is given up, as by a kill."""
        self._tick()
        run = self._run()
        plan = make_plan(run)
        listed = {p for p in self.source.files if p.partition(b"/")[0] not in self.source.closed}
        hidden = {p for p in self.head() if p.partition(b"/")[0] in self.source.closed
                  and p.partition(b"/")[0] in self.source.folders()}  # fmt: skip
        work = {
            ref.shard: [
                Work.parse(line)
                for line in run.staging.read(run.staging.shard(ref.shard) / "work").splitlines()
            ]
            for ref in plan.shards
        }
        numbers = {path: self.assigned[path[:1]] for path in listed}
        self.writers[who] = Writer(run, plan, listed, hidden, self.head(), work, numbers=numbers)

    def _writer(self, who: int) -> Writer | None:
        return self.writers[who]

    @rule(who=st.integers(0, 1))
    def encrypt_next(self, who: int) -> None:
        writer = self._writer(who)
        if writer is None:
            return
        for ref in writer.plan.shards:
            if ref.shard not in writer.taken:
                self._encrypt(writer, ref.shard)
                return

    def _encrypt(self, writer: Writer, shard: str) -> None:
        run = self._again(writer)
        extract(run, shard)
        writer.results[shard] = encrypt(run, shard)
        taken: Truth = {}
        for work in writer.work[shard]:
            path = work.native_id
            file = self.source.files.get(path)
            if work.kind == "file" and file is not None and path not in self.source.unreadable:
                taken[path] = (file.content, writer.numbers[path])
        writer.taken[shard] = taken

    def _again(self, writer: Writer) -> BackupRun:
        """Every stage opens its run anew, as Airflow's tasks do; the matters are those of the plan."""
        before = writer.run
        return BackupRun(
            self.vault("worker"), self.source, self.practice.staging, before.run_id,
            assign=self.assign, options=OPTIONS,
        )  # fmt: skip

    @rule(who=st.integers(0, 1))
    def upload_next(self, who: int) -> None:
        writer = self._writer(who)
        if writer is None:
            return
        for shard in writer.taken:
            if shard not in writer.stored:
                self._upload(writer, shard)
                return

    def _upload(self, writer: Writer, shard: str) -> None:
        run = self._again(writer)
        upload(run, writer.results[shard])
        validate_checksums(run, writer.results[shard])
        writer.stored.add(shard)

    @rule(who=st.integers(0, 1))
    def commit(self, who: int) -> None:
        """Commits what is stored; the other shards are unfinished."""
        writer = self._writer(who)
        if writer is not None:
            self._commit(writer)
            self.writers[who] = None

    def _commit(self, writer: Writer) -> None:
        self._tick()
        head = self.history().head
        overtaken = (head.seq if head else 0) != writer.plan.parent_seq
        results = [writer.results[shard] for shard in sorted(writer.stored)]
        run = self._again(writer)
        try:
            outcome = commit_snapshot(run, results)
        except CommitConflict:
            assert overtaken
            return
        except RunTooOld:
            assert self.clock.now() - from_text(writer.plan.started_at) > timedelta(hours=72)
            return
        finally:
            run.staging.purge()
        assert not overtaken
        truth = dict(writer.before)
        for shard in writer.stored:
            truth.update(writer.taken[shard])
        whole = len(writer.stored) == len(writer.plan.shards)
        if whole:
            for path in set(writer.before) - writer.listed - writer.hidden:
                truth.pop(path, None)
        self.truths[outcome.seq] = truth
        assert outcome.seq == writer.plan.seq
        assert (outcome.unfinished == ()) is whole
        self.changed = True

    @rule(who=st.integers(0, 1))
    def back_up(self, who: int) -> None:
        self.plan(who)
        writer = self._writer(who)
        assert writer is not None
        for ref in writer.plan.shards:
            self._encrypt(writer, ref.shard)
            self._upload(writer, ref.shard)
        self.commit(who)

    # -- operations --------------------------------------------------------------------------------

    @precondition(lambda self: self.truths)
    @rule(data=st.data(), state=st.booleans())
    def rebase(self, data: st.DataObject, state: bool) -> None:
        self._tick()
        vault = self.vault()
        history = vault.history("files")
        record = data.draw(st.sampled_from(history.live))
        if state and not (self.withheld and self.keyed):
            rebuild_state(vault, history, history.live[-1], self.practice.staging)
        else:
            try:
                rebase(vault, history, record, self.practice.staging)
            except NoKey:
                # All that the snapshot holds is kept from operations.
                assert self.withheld
        self.changed = True

    @rule()
    def checkpoint(self) -> None:
        self._tick()
        write_checkpoint(self.vault())

    @rule()
    def new_epoch(self) -> None:
        if len(self.vault().trust.newest.epochs) < 5:
            roll_epoch(self.vault(), self.practice.keys.root, "recovery_points")

    @rule(number=st.sampled_from(NUMBERS[:2]))
    def give_a_matter_its_key(self, number: str) -> None:
        if number in self.keyed:
            return
        vault = self.vault()
        opaque = matter_id(vault.keyring.id_key(names.MATTERS_ID_KEY), number)
        custodian = str(self.custodian.recipient) if self.withheld else None
        add_matter_key(vault, self.practice.keys.root, names.matter_key(opaque), custodian)
        self.keyed.add(number)

    # -- retention ---------------------------------------------------------------------------------

    @rule(days=st.sampled_from([1, 4, 8, 30]))
    def wait(self, days: int) -> None:
        self.clock.advance(timedelta(days=days))

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        live = self.history().live[:-1]
        if not live:
            return
        going = data.draw(st.lists(st.sampled_from(live), min_size=1, unique_by=lambda r: r.seq))
        RetentionOffice(self.vault("retention")).forget([(r, "expired") for r in going])
        self.forgotten.update(r.seq for r in going)
        self.changed = True

    @rule()
    def condemn(self) -> None:
        office = RetentionOffice(self.vault("retention"))
        office.condemn(office.plan_condemn())

    @rule(who=st.integers(0, 1), at_once=st.booleans(), meanwhile=st.booleans())
    def sweep(self, who: int, at_once: bool, meanwhile: bool) -> None:
        """Perhaps while a writer commits between two deletions."""
        office = RetentionOffice(self.vault("retention"))
        if at_once:
            office.condemn(office.plan_condemn())
            self.clock.advance(GRACE + timedelta(hours=1))
        before = {v.name for v in self.practice.store.list("")}
        office.sweep((lambda name: self.commit(who)) if meanwhile else (lambda name: None))
        self.changed |= {v.name for v in self.practice.store.list("")} != before

    # -- what must hold ----------------------------------------------------------------------------

    @invariant()
    def every_live_snapshot_gives_back_what_it_held(self) -> None:
        if not self.changed:
            return
        self.changed = False
        vault = self.reader()
        history = vault.history("files")
        live = {record.seq for record in history.live}
        assert live == set(self.truths) - self.forgotten
        for record in history.live:
            snapshot = vault.snapshot(history, record)
            assert dict(self._contents(vault, history, record, snapshot)) == self.truths[record.seq]
        report = check(self.vault("nobody"), read_back=EVERYTHING)
        assert report.good, report.findings

    def _contents(
        self, vault: Vault, history: History, record: Any, snapshot: Snapshot
    ) -> Iterator[tuple[bytes, tuple[bytes, str]]]:
        reader = PartReader(vault.store, vault.keyring, vault.usable_chain(history, record).packs())
        numbers = {m.matter_id: m.number for m in snapshot.matters.values()}
        for row in snapshot.items.values():
            if row.kind == "file":
                content = b"".join(reader.content(row.parts))
                yield row.native_id, (content, numbers[row.matter] if row.matter else "")


class WithheldKeys(VaultModel):
    withheld = True


MODELS = (VaultModel, WithheldKeys)


def explore(model: type[VaultModel], seed: int, examples: int, steps: int) -> None:
    """Raises with the shortest story that breaks an invariant."""
    seeded = hypothesis.seed(seed)(type(model.__name__, (model,), {}))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        seeded,
        settings=settings(
            max_examples=examples,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def run(seeds: Iterable[int], folder: Path) -> Iterator[campaign.Case]:
    """For `python -m tests.campaign`: ten stories of up to sixty steps a seed."""
    for seed in seeds:
        model = MODELS[seed % len(MODELS)]
        wrong: tuple[str, ...] = ()
        try:
            explore(model, seed, 10, 60)
        except Exception as error:
            notes = getattr(error, "__notes__", [])
            wrong = (f"{type(error).__name__}: {error}"[:2000], *notes[:40])
        yield campaign.Case(seed, {"model": model.__name__, "stories": 10, "steps": 60}, wrong)
