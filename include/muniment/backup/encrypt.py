"""Encrypt: read a shard's items in place, or in the spool, and write packs of what the vault does not have
yet.

Content is hashed as it is read; a file above 32 MB is cut into content-defined chunks. Members that
the vault already holds under the same key are named, not written again. Only ciphertext reaches the
staging volume.

Threads work on runs of neighbouring items; each has a pack of its own open, so that memory is
bounded by threads, not by the shard. Of a near source they read small files in turns (`backup/turns.py`).
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field

from muniment.backup.beside import beside
from muniment.backup.groups import groups
from muniment.backup.guard.watch import GroupWatch, Watch
from muniment.backup.members import Index
from muniment.backup.run import BackupRun
from muniment.backup.turns import Turn, Turns
from muniment.backup.work import PackRef, ShardResult, Taken, Untaken, Work
from muniment.backup.zeros import fill_of, pieces
from muniment.clock import to_text
from muniment.errors import ItemUnreadable
from muniment.model.item import Problem, Row
from muniment.model.value import Mutable
from muniment.sources.base import Description, ItemReader
from muniment.vault.chunking import Fill, average_of, filled
from muniment.vault.pack_writer import PackWriter
from muniment.vault.rows import line_of
from muniment.vault.state import StateDelta, TableWriter, remembered

if TYPE_CHECKING:
    from muniment.backup.guard.contents import Look
    from muniment.backup.guard.signs import ContentSigns

AFTER_END = 1024
"""Bytes that a content is given more room than it should have, so that one that has grown is seen."""

LARGE = 32 << 20
"""Above this an item is cut into chunks: a day's change of a mailbox costs its change."""

CHANGED_WHILE_READ = "changed while read"
VANISHED = "vanished"


class _Read(Mutable):
    """An item whose bytes are in some pack, not all of whose packs may be closed."""

    work: Work
    description: Description
    digest: bytes
    size: int
    members: list[bytes] | None
    """Digests in order; None where the parts of `origin` stand as they are."""


class _Outcome(Mutable):
    read: list[_Read] = field(default_factory=list)
    untaken: list[Untaken] = field(default_factory=list)
    packs: list[PackRef] = field(default_factory=list)
    read_bytes: int = 0
    found_bytes: int = 0
    signs: ContentSigns | None = None


class _Total(Mutable):
    taken: int = 0
    problems: int = 0
    read_bytes: int = 0
    more_bytes: int = 0
    packs: list[PackRef] = field(default_factory=list)
    signs: ContentSigns | None = None

    def add(self, outcome: _Outcome) -> None:
        self.taken += len(outcome.read)
        self.problems += len(outcome.untaken)
        self.read_bytes += outcome.read_bytes
        self.more_bytes += outcome.found_bytes + sum(
            r.size - r.work.fingerprint.size
            for r in outcome.read
            if r.work.place or r.description.streamed
        )
        self.packs += outcome.packs
        if outcome.signs is not None and self.signs is not None:
            self.signs.add(outcome.signs)
        else:
            self.signs = self.signs or outcome.signs


def encrypt(run: BackupRun, shard: str) -> ShardResult:
    """Writes packs and the sealed result of a shard into staging.

    One item that cannot be read becomes a problem row; the others go on.

    Raises:
        StagingError: the staging volume is full or gone.
        SourceMissing: the whole source went away.
    """
    folder = run.staging.shard(shard)
    began = run.vault.clock.now()
    index = Index(run)
    turns = Turns()
    encryptor = _Encryptor(run, folder / "packs", index, turns)
    work = groups(run.work_left(shard, "order"), first=run.plan.parent_seq == 0)
    total = _Total()
    table = TableWriter()
    with run.staging.writer(folder / "result") as out:
        later: list[_Read] = []
        # A pool also waits for the others when one thread fails.
        with ThreadPoolExecutor(max(1, run.options.threads)) as pool:
            for outcome in pool.map(encryptor.take, work):
                total.add(outcome)
                # What is written is not held: the objects of 50,000 items are 100 MB.
                with turns.mine():
                    for read in outcome.read:
                        if index.located(read.work.key_id, read.members or ()):
                            out.write(_taken(run, index, read, table).line())
                        else:
                            later.append(read)
                for untaken in outcome.untaken:
                    out.write(untaken.line())
        # Members that another group had claimed first, and had in an open pack.
        for read in later:
            out.write(_taken(run, index, read, table).line())
    with run.staging.writer(folder / "remembered") as out:
        StateDelta(table.finish(), {}).write_to(out.write)
    if total.signs is not None:
        with run.staging.writer(folder / "signs") as out:
            out.write(total.signs.to_bytes())
    return ShardResult(
        shard=shard,
        as_of=to_text(began),
        taken=total.taken,
        problems=total.problems,
        read_bytes=total.read_bytes,
        packs=tuple(total.packs),
        more_bytes=total.more_bytes,
    )


class _Packs:
    """The pack that a thread has open under one key, and those it has closed."""

    def __init__(self, run: BackupRun, folder: Path, key_id: str, index: Index, turn: Turn) -> None:
        self._run = run
        self._folder = folder
        self._key_id = key_id
        self._index = index
        self.turn = turn
        self._open: PackWriter | None = None
        self.closed: list[PackRef] = []

    def add(self, digest: bytes, content: bytes | memoryview) -> bool:
        """Was it not there yet?"""
        if not self._index.claim(self._key_id, digest):
            return False
        if self._open is None:
            recipient = self._run.vault.epoch_recipient(self._key_id)
            self._open = PackWriter(self._folder, recipient, self._key_id, aside=self.turn.aside)
        self._open.add(digest, content)
        if self._open.full:
            self.close()
        return True

    def room(self, size: int) -> memoryview | None:
        """Where a content may be read that `keep` is told of next, in the open pack; None where there is no room."""
        return self._open.room(size) if self._open is not None else None

    def keep(self, digest: bytes, size: int) -> bool:
        """As `add`, of what was read into `room`."""
        if self._open is None or not self._index.claim(self._key_id, digest):
            return False
        self._open.keep(digest, size)
        if self._open.full:
            self.close()
        return True

    def close(self) -> None:
        if self._open is None:
            return
        pack = self._open.close()
        self._open = None
        self._index.locate(bytes.fromhex(pack.digest), self._key_id, pack.segments)
        self.closed.append(PackRef(pack.digest, self._key_id, pack.size, pack.head))

    def abort(self) -> None:
        if self._open is not None:
            self._open.abort()


class _Encryptor:
    """Takes groups of work, each in its own thread."""

    def __init__(self, run: BackupRun, folder: Path, index: Index, turns: Turns) -> None:
        self._run = run
        self._folder = folder
        self._index = index
        self._turns = turns
        self._watch = Watch(run)

    def take(self, group: Sequence[Work]) -> _Outcome:
        with self._turns.mine() as turn:
            return self._take(group, turn)

    def _take(self, group: Sequence[Work], turn: Turn) -> _Outcome:
        outcome = _Outcome()
        packs = _Packs(self._run, self._folder, group[0].key_id, self._index, turn)
        watch = self._watch.group()
        try:
            left = deque((item, False) for item in group)
            while left:
                item, found = left.popleft()
                try:
                    read = self._item(item, packs, outcome, watch)
                    outcome.read.append(read)
                    outcome.found_bytes += read.size if found else 0
                    for more in beside(self._run, item, read.description):
                        if isinstance(more, Untaken):
                            outcome.untaken.append(more)
                        else:
                            left.appendleft((more, True))
                except FileNotFoundError:
                    outcome.untaken.append(self._untaken(item, VANISHED))
                except ItemUnreadable as error:
                    outcome.untaken.append(self._untaken(item, error.what))
            packs.close()
        except BaseException:
            packs.abort()
            raise
        outcome.packs = packs.closed
        outcome.signs = watch.signs()
        return outcome

    def _item(self, item: Work, packs: _Packs, outcome: _Outcome, watch: GroupWatch) -> _Read:
        extension = watch.extension_of(item)
        for _ in range(self._run.options.attempts):
            with self._run.open(item) as reader:
                description = reader.describe()
                if not description.has_content:
                    return _Read(item, description, b"", description.fingerprint.size, [])
                if not item.reason.reads_content and _untouched(item, description):
                    return _Read(item, description, b"", description.fingerprint.size, None)
                digest, size, members, seen, written = self._content(
                    reader, description, packs, extension, watch, item.fingerprint.size
                )
                outcome.read_bytes += size
                # What has grown or shrunk is read anew, as large as it is by then.
                whole = description.streamed or size == description.fingerprint.size
                if whole and reader.settled():
                    watch.count(item, extension, seen, digest, written=written)
                    return _Read(item, description, digest, size, members)
        raise ItemUnreadable(CHANGED_WHILE_READ)

    def _content(
        self,
        reader: ItemReader,
        description: Description,
        packs: _Packs,
        extension: bytes | None,
        watch: GroupWatch,
        listed: int,
    ) -> tuple[bytes, int, list[bytes], Look | None, bool]:
        """Reads to the end; returns digest, size and members in order, what the content looks like (where
        an extension is given), and whether any member was not there yet. `listed` is about its size."""
        expected = description.fingerprint.size
        if expected <= LARGE and not description.streamed:
            room = packs.room(expected + AFTER_END)
            if room is not None:
                fill = fill_of(reader)
                return self._read_in_place(fill, room, expected, packs, extension, watch)
            content = _whole(reader)
            digest = hashlib.sha256(content).digest()
            if not content or len(content) > LARGE:
                return digest, len(content), [], None, False
            written = packs.add(digest, content)
            seen = watch.look(content, extension)
            return digest, len(content), [digest], seen, written
        total = hashlib.sha256()
        size, written = 0, False
        members = []
        sampled = watch.sampled()
        average = average_of(listed, dump=description.streamed)
        with packs.turn.aside():
            for digest, chunk in pieces(fill_of(reader), total.update, average):
                size += len(chunk)
                members.append(digest)
                written |= packs.add(digest, chunk)
                if sampled is not None:
                    sampled.add(chunk)
        seen = sampled.look(extension) if sampled is not None and extension is not None else None
        return total.digest(), size, members, seen, written

    def _read_in_place(
        self,
        fill: Fill,
        room: memoryview,
        expected: int,
        packs: _Packs,
        extension: bytes | None,
        watch: GroupWatch,
    ) -> tuple[bytes, int, list[bytes], Look | None, bool]:
        """As `_content`, read to where its pack is compressed from."""
        size = filled(fill, room)
        content = room[:size]
        digest = hashlib.sha256(content).digest()
        # Of what is not as long as it should be nothing is kept: it is read anew.
        if not size or size != expected:
            return digest, size, [], None, False
        # Looked at first: what is kept may be moved.
        seen = watch.look(content, extension)
        return digest, size, [digest], seen, packs.keep(digest, size)

    def _untaken(self, item: Work, cause: str) -> Untaken:
        problem = Problem(item.item_id, item.kind, item.native_id, cause, item.known)
        return Untaken(problem, item.key_id, item.matter)


def _whole(reader: ItemReader) -> bytes:
    """The whole content; of what has grown beyond `LARGE` since it was opened, a beginning that is
    longer than that."""
    first = reader.read(LARGE)
    pieces = [first]
    size = len(first)
    while size <= LARGE and (piece := reader.read(LARGE)):
        pieces.append(piece)
        size += len(piece)
    return first if len(pieces) == 1 else b"".join(pieces)


def _untouched(item: Work, description: Description) -> bool:
    now, then = description.fingerprint, item.fingerprint
    return (now.size, now.mtime_ns, now.ctime_ns, now.tag) == (
        then.size, then.mtime_ns, then.ctime_ns, then.tag,
    )  # fmt: skip


def _taken(run: BackupRun, index: Index, read: _Read, table: TableWriter) -> Taken:
    """The row of an item that was read, and into `table` what the state is to remember of it."""
    item, description = read.work, read.description
    digest = read.digest
    if read.members is None:
        entry = run.state.find(item.origin)
        if entry is None:
            raise ItemUnreadable(VANISHED)
        parts, digest = entry.parts, entry.digest
    else:
        parts = tuple([index.part(item.key_id, member) for member in read.members])
    row = Row(
        item_id=item.item_id,
        kind=item.kind,
        native_id=item.native_id,
        matter=item.matter,
        size=read.size if description.has_content else 0,
        mtime_ns=description.fingerprint.mtime_ns,
        digest=digest,
        fidelity=description.fidelity,
        parts=parts,
        metadata=description.metadata,
        version=description.fingerprint.tag,
    )
    table.add(
        item.item_id,
        item.kind,
        remembered(description.fingerprint),
        item.matter,
        item.parent,
        digest,
        parts,
    )
    return Taken(item.item_id, item.key_id, item.reason, line_of(row))
