"""BackupRun: one attempt to make one snapshot of one source, with all that its stages need.

Every stage of every Airflow task makes one of these afresh; nothing but staging is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Protocol

from muniment.backup.brought import BroughtReader, BroughtWriter, Place
from muniment.backup.options import BackupOptions
from muniment.backup.spool import SPOOL, DescribedOnly, Spool, SpooledReader
from muniment.backup.staging import RunStaging
from muniment.backup.work import Plan, Work
from muniment.backup.work_spool import WorkSpool
from muniment.backup.works import Works
from muniment.config.matters import as_named
from muniment.errors import KeyFileError, MunimentError, SignatureError, StagingGone
from muniment.ids import ROOT, ItemIds, matter_id
from muniment.model.item import Named
from muniment.model.matter import UNASSIGNED
from muniment.sources.base import ItemReader, Source
from muniment.vault import names
from muniment.vault.age import Recipient
from muniment.vault.history import History
from muniment.vault.state import State
from muniment.vault.vault import Vault


class NamedMatter(Protocol):
    """What a matter rule makes of a path (`muniment.config.matters.Assignment`)."""

    @property
    def number(self) -> str: ...

    @property
    def title(self) -> str: ...


Assign = Callable[[bytes], NamedMatter | None]


def unassigned(native_id: bytes) -> NamedMatter | None:
    """The rules of a source that has none."""
    return None


def each_by_itself(folder: bytes) -> bool:
    """Of rules of which nothing else is known."""
    return False


class BackupRun:
    """A worker's view of one source, its vault and its staging.

    Args:
        vault: a handle with the worker's identities and signer.
        assign: which matter a native id names, or None.
        by_folder: whether it says the same of all that lies directly in a folder.
        staging: the firm's staging folder; the run makes its own below it.
        run_id: names the run in staging and in the commit; the same on every retry.
    """

    def __init__(
        self,
        vault: Vault,
        source: Source,
        staging: Path,
        run_id: str,
        *,
        assign: Assign = unassigned,
        by_folder: Callable[[bytes], bool] = each_by_itself,
        options: BackupOptions | None = None,
    ) -> None:
        self.vault = vault
        self.source = source
        self.run_id = run_id
        self.options = options or BackupOptions()
        self._assign = assign
        self.by_folder = by_folder
        self._staging_root = staging
        self.named: dict[str, tuple[str, str]] = {}
        """Matter id -> (number, title), of every matter met so far."""
        self.failed: dict[str, MunimentError] = {}
        """Shard -> why it is unfinished (when all stages run in one process)."""
        self.in_one_process = False
        """Do all stages run with this very object? Then work need not go through staging."""
        self._work: dict[str, Callable[[], Iterable[Work]]] = {}
        self._ids: dict[str, str] = {}
        self._opaques: dict[NamedMatter, str] = {}
        self._by_name: dict[Named, NamedMatter] = {}

    @property
    def source_id(self) -> str:
        return self.source.source_id

    @cached_property
    def staging(self) -> RunStaging:
        return RunStaging(
            self._staging_root,
            self.source_id,
            self.run_id,
            self._workers,
            self.vault.identities,
        )

    @cached_property
    def _workers(self) -> list[Recipient]:
        return [Recipient.parse(r) for r in self.vault.trust.holders("worker")]

    # -- what was spooled --------------------------------------------------------------------------

    @cached_property
    def spool(self) -> Spool:
        """What was fetched of this source and is in no snapshot yet, also by runs before this one."""
        return Spool(self.staging.folder.parent / SPOOL, self._workers, self.vault.identities)

    def brought_writer(self) -> BroughtWriter:
        return BroughtWriter(self.staging.folder, self._workers)

    @cached_property
    def _brought(self) -> BroughtReader:
        return BroughtReader(self.staging.folder, self.vault.identities)

    def fetch(self, item: Work) -> int:
        """Fetches the content of an item into the spool, unless it lies there whole; returns its size in
        bytes. Raises what `Source.open` and its reader do."""
        tag = item.fingerprint.tag
        if self.spool.has(item.item_id, tag):
            return 0
        with self.source.open(item.kind, item.native_id, item.fingerprint) as reader:
            reader.describe()
            return self.spool.fetch(item.item_id, tag, reader.read, reader.settled)

    def drop_spooled(self, state: State) -> None:
        """Removes from the spool what a committed snapshot has."""

        def taken(item_id: bytes) -> str | None:
            row = state.row(item_id)
            return state.fingerprint(row).tag if row >= 0 else None

        self.spool.drop(taken)

    def open(self, item: Work) -> AbstractContextManager[ItemReader]:
        """Opens an item where it lies, or in the spool; what is not there any more is fetched again."""
        if not item.place:
            return self.source.open(item.kind, item.native_id, item.fingerprint)
        place = Place.parse(item.place)
        brought = self._brought.read(place)
        if not item.reason.reads_content:
            return nullcontext(DescribedOnly(item.fingerprint, brought))
        if not place.fetched:
            return nullcontext(SpooledReader(item.fingerprint, brought, None))
        try:
            fetched = self.spool.open(item.item_id, item.fingerprint.tag)
        except StagingGone:
            self.fetch(item)
            fetched = self.spool.open(item.item_id, item.fingerprint.tag)
        return nullcontext(SpooledReader(item.fingerprint, brought, fetched))

    def require_entitled(self) -> None:
        """Raises SignatureError unless readers will believe what this worker signs, KeyFileError
        unless the worker will be able to open what is sealed to workers.

        A revoked worker would otherwise back up for days, report success, and nobody could restore
        from any of it.
        """
        entry = self.vault.trust.signer(self.vault.signer.keyid)
        may = self.vault.trust.publics("worker", self.source_id)
        if entry is None or entry.revoked or entry.keyid not in may:
            raise SignatureError(
                "this worker's signing key is revoked"
                if entry is not None and entry.revoked
                else "the vault does not entitle this worker's signing key to this source",
                to=f"{self.source_id}, signer {self.vault.signer.keyid}",
                safe="Nothing was committed; earlier snapshots are unharmed.",
                todo="Have root sign a new worker key (`muniment keys add-signer worker`), or put the "
                "right key file on this machine.",
            )
        holders = self.vault.trust.holders("worker")
        if not any(str(identity.recipient) in holders for identity in self.vault.identities):
            raise KeyFileError(
                "nothing in the vault is sealed to this worker's identity",
                to=f"{self.source_id}, key file keys.worker.identity of firm.yaml",
                todo="Put the right identity file on this machine, or have the vault sealed to the new "
                "one (`muniment keys replace-holder`).",
            )

    @cached_property
    def history(self) -> History:
        return self.vault.history(self.source_id)

    @cached_property
    def plan(self) -> Plan:
        """The plan an earlier stage left. Raises StagingError when it is gone."""
        return Plan.from_bytes(self.staging.read(self.staging.folder / "plan"))

    @cached_property
    def state(self) -> State:
        """The state that the plan was made against."""
        return self.vault.state(self.history, self.plan.parent_seq)

    def forget_state(self) -> None:
        """Who asks for it after this has it read again."""
        self.__dict__.pop("state", None)

    def works(self, name: str) -> Works:
        """Room for work that a listing finds, in memory and beyond that in staging."""
        spool = WorkSpool(self.staging.folder / name, self._workers, self.vault.identities)
        return Works(spool, self.options.held_work)

    def leave_work(self, shard: str, name: str, work: Callable[[], Iterable[Work]]) -> None:
        """Leaves a shard's work for the next stage: in this process it is asked for when its turn comes, else it goes
        into staging now."""
        if self.in_one_process:
            self._work[shard] = work
            return
        with self.staging.writer(self.staging.shard(shard) / name) as out:
            for item in work():
                out.write(item.line())

    def work_left(self, shard: str, name: str) -> list[Work]:
        """The work that an earlier stage left, once. Raises StagingError when it is gone."""
        if self.in_one_process:
            return list(self._work.pop(shard)())
        return list(map(Work.parse, self.staging.lines(self.staging.shard(shard) / name)))

    # -- ids and keys ------------------------------------------------------------------------------

    @cached_property
    def _item_ids(self) -> ItemIds:
        return ItemIds(self.vault.keyring.id_key(f"id-{self.source_id}"), self.source_id)

    @cached_property
    def matter_mark_key(self) -> bytes:
        """The firm's key behind opaque matter ids, and behind marks of their names in the state."""
        return self.vault.keyring.id_key(names.MATTERS_ID_KEY)

    @cached_property
    def item_id(self) -> Callable[[str, bytes], bytes]:
        """(kind, native id) -> item id. Asked a million times a day, hence no method around the method."""
        return self._item_ids.of

    def parent_id(self, native_id: bytes) -> bytes:
        """The item id of the folder of a `/`-separated native id; b"" for the root itself."""
        if native_id == ROOT:
            return b""
        folder = native_id.rpartition(b"/")[0] or ROOT
        if folder not in self._parents:
            if len(self._parents) > 100_000:
                self._parents.clear()
            self._parents[folder] = self.item_id("dir", folder)
        return self._parents[folder]

    @cached_property
    def _parents(self) -> dict[bytes, bytes]:
        return {}

    def matter_of(self, native_id: bytes) -> str:
        """The opaque id of the matter that a path names; empty when no rule maps it."""
        return self._opaque(self._assign(native_id))

    def matter_named(self, named: Named) -> str:
        """The opaque id of the matter that the system itself names. Where no rule maps what it is called
        there, that is its number: to be another matter than it is would be worse."""
        if not named.text:
            return UNASSIGNED
        if named not in self._by_name:
            self._by_name[named] = as_named(self._assign(named.text), named)
        return self._opaque(self._by_name[named])

    def _opaque(self, found: NamedMatter | None) -> str:
        if found is None:
            return UNASSIGNED
        # The same number and title once more say nothing new.
        return self._opaques.get(found) or self._named_opaque(found)

    def _named_opaque(self, found: NamedMatter) -> str:
        opaque = self._ids.get(found.number)
        if opaque is None:
            opaque = self._ids[found.number] = matter_id(self.matter_mark_key, found.number)
        # Folders of one matter may bear different titles: the smallest, whatever the order of the
        # listing, so that an unchanged source gives an unchanged name.
        before = self.named.get(opaque)
        if before is None or (found.title and (not before[1] or found.title < before[1])):
            self.named[opaque] = (found.number, found.title)
        self._opaques[found] = opaque
        return opaque

    @cached_property
    def _keyed(self) -> dict[str, str]:
        return {names.matter_of_key(m.key_id): m.key_id for m in self.vault.trust.newest.matters}

    @cached_property
    def epoch_key_id(self) -> str:
        return self.vault.trust.epoch(self.options.retention_class).key_id

    def key_of(self, matter: str) -> str:
        """The key id that seals what belongs to this matter."""
        return self._keyed.get(matter, self.epoch_key_id)

    def same_domain(self, there: str, wanted: str) -> bool:
        """May bytes sealed under `there` be named by an item that is sealed under `wanted`?

        Only among items under the same matter key, or among items under none (any epoch of the
        class): otherwise erasing a matter's key would take other matters' bytes with it.
        """
        if there == wanted:
            return True
        return not names.matter_of_key(there) and not names.matter_of_key(wanted)

    def left_behind(self, state: State) -> frozenset[bytes]:
        """Packs under an epoch that hold bytes of a matter which has a key of its own by now.

        Its own items are written anew under that key; what else lies in such a pack is written anew
        too, so that the pack can go as a whole and nothing of the matter outlives its key in it.
        """
        if not self._keyed:
            return frozenset()
        return frozenset(
            pack
            for matter, (key_id, pack) in state.matters_in_packs()
            if key_id != self._keyed.get(matter, key_id)
        )
