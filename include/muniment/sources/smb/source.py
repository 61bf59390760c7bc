"""SmbSource: a share of a Windows file server, or a folder of it."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from muniment.clock import Waiting
from muniment.errors import ItemUnreadable, SourceMissing, SourceRefused, SourceUnavailable
from muniment.model.item import Fingerprint, Observed
from muniment.model.value import Value
from muniment.sources.base import FIRST_TIME, Known, Skipped, SourceHealth
from muniment.sources.causes import LOCKED, NOT_AN_ID, OFFLINE, VANISHED
from muniment.sources.smb import asking
from muniment.sources.smb.marks import COARSE_TICK_NS, EXACT, NUMBERED, TICK_NS
from muniment.sources.smb.packets import DIRECTORY, Stat, filetime_of
from muniment.sources.smb.paths import is_stream, on_the_wire
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.reader import How, SmbReader
from muniment.sources.smb.scan import Look, scan
from muniment.sources.smb.shadow import LATEST, chosen
from muniment.sources.smb.statuses import (
    ACCESS_DENIED,
    GONE,
    LOST,
    SHARE_GONE,
    SmbLost,
    SmbStatus,
    cause_of_status,
)
from muniment.sources.smb.wire import Wire
from muniment.sources.smb.wires import PATIENCE, Wires
from muniment.sources.tree.folders import ROOT

if TYPE_CHECKING:
    from muniment.sources.audit import Auditor

T = TypeVar("T")

LOCK_WAITS = (0.5, 1.0, 2.0)
"""Seconds between the attempts at a file that a program has locked: who saves a document has it for a moment."""
LOCK_BUDGET = 60.0
"""Seconds that all locked files of a run may be waited for together; after that each is tried once."""
_KINDS = frozenset({"file", "dir"})
_TURN = "closely"


class Reading(Value, frozen=True):
    """How a share is read. `shadow_copy` is `latest`, a name, or empty for the share as it is. `closely` asks each file
    for permissions and streams at every listing, or once within `closely_every` listings; None does where the server is
    Samba."""

    exclude: re.Pattern[bytes] | None = None
    sentinel: bytes | None = None
    connections: int = 4
    streams: bool = True
    closely: bool | None = None
    closely_every: int = 1
    shadow_copy: str = ""
    shadow_age: timedelta = timedelta(hours=26)
    patience: timedelta = PATIENCE


ONCE = Reading(patience=timedelta())
"""For a person who waits: a server that does not answer is asked once."""


class SmbSource:
    """A Source over a share. May be used by several threads once `probe` or `scan` was called."""

    system = "smb"

    def __init__(
        self, source_id: str, place: Place, account: Account, reading: Reading, clock: Waiting
    ) -> None:
        self.source_id = source_id
        self._place, self._account, self._reading, self._clock = place, account, reading, clock
        self._wires = Wires(
            source_id, place, account, clock, most=reading.connections, patience=reading.patience
        )
        self._lock = threading.RLock()
        self._how: How | None = None
        self._root: Stat | None = None
        self._lock_budget = LOCK_BUDGET

    # -- is it there? ------------------------------------------------------------------------------

    def probe(self) -> SourceHealth:
        """Signs in anew and looks at the root. Raises SourceMissing, SourceRefused, SourceUnavailable."""
        with self._lock:
            self._wires.close()
            self._how = None
            return self._ask_root(self._health)

    def _health(self, wire: Wire) -> SourceHealth:
        path = on_the_wire(self._place.folder, ROOT)
        root = asking.look(wire, path, through=True)
        if not root.attributes & DIRECTORY:
            raise self._missing("what stands where the folder should be is not a folder")
        serial, system, has_streams = asking.volume(wire, path)
        numbered = system.upper() in NUMBERED and root.file_id != 0
        closely = (
            asking.is_samba(wire, path) if self._reading.closely is None else self._reading.closely
        )
        facts = {
            "dialect": f"SMB {'.'.join(wire.dialect)}",
            "encrypted": "yes" if wire.encrypted else "no",
            "file_system": system,
            "streams": "yes" if has_streams else "no",
            "looked_at_closely": "yes" if closely else "no",
        }
        moment = 0
        if self._reading.shadow_copy:
            moment, facts["shadow_copy"] = self._shadow(wire, path)
        self._check_sentinel(wire, moment)
        if asking.may_write(wire, path):
            facts["could_write"] = "files on the share"
        tick = TICK_NS if system.upper() in EXACT else COARSE_TICK_NS
        self._root = root
        streams = self._reading.streams and has_streams
        self._how = How(self._wires, moment, streams, numbered, tick, closely)
        inode = root.file_id if numbered else 0
        return SourceHealth(
            identity=f"smb:{serial:08x}:{inode:x}", stable_inodes=numbered, facts=facts
        )

    def _shadow(self, wire: Wire, path: bytes) -> tuple[int, str]:
        wanted = self._reading.shadow_copy
        offered = asking.shadow_copies(wire, path) if wanted == LATEST else []
        now = self._clock.now()
        at = chosen(wanted, offered, now, self._reading.shadow_age, self.source_id)
        moment = filetime_of(int(at.timestamp()) * 10**9)
        asking.look(wire, path, moment, through=True)
        return moment, at.isoformat()

    def _check_sentinel(self, wire: Wire, moment: int) -> None:
        if self._reading.sentinel is None:
            return
        try:
            asking.look(wire, on_the_wire(self._place.folder, self._reading.sentinel), moment)
        except SmbStatus as error:
            if error.status not in GONE:
                raise
            raise SourceMissing(
                "the file that shows that this is the right share is not there",
                to=self.source_id,
                todo="See what is shared under this name; or put the file named by `sentinel` back.",
            ) from None

    # -- what is there? ----------------------------------------------------------------------------

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Observed | Skipped]:
        """See `Source`. Raises what `probe` raises, also at the end."""
        how = self._started()
        path = on_the_wire(self._place.folder, ROOT)

        def look_at(wire: Wire) -> Stat:
            return asking.look(wire, path, how.moment, through=True)

        root = self._ask_root(look_at)
        reading = self._reading
        look = Look(
            self._wires, self._place.folder, known, reading.exclude, how.moment, how.streams,
            how.numbered, how.closely, reading.connections,
            *(_turn(known, reading.closely_every) if how.closely else ()),
        )  # fmt: skip
        try:
            yield from scan(look, root)
        except SmbStatus as error:
            raise self._refused(error.status) from None
        if self._ask_root(look_at).file_id != root.file_id:
            raise self._missing("another folder took the place of the source while it was read")

    def open(self, kind: str, native_id: bytes, listed: Fingerprint | None = None) -> SmbReader:
        """See `Source`."""
        try:
            path = on_the_wire(self._place.folder, native_id)
        except ValueError:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id) from None
        if kind not in _KINDS or (kind != "dir" and native_id == ROOT):
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        if kind == "dir" and is_stream(native_id):
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        how = self._started()
        waits = iter(LOCK_WAITS)
        while True:
            try:
                return self._opened(how, kind, native_id, path, listed)
            except FileNotFoundError:
                # Perhaps it is not the item but the whole share that is gone.
                self._require_root()
                raise
            except ItemUnreadable as error:
                wait = next(waits, None) if error.what == LOCKED else None
                if wait is None or not self._afford(wait):
                    raise
                self._clock.sleep(wait)

    def _opened(
        self, how: How, kind: str, native_id: bytes, path: bytes, listed: Fingerprint | None
    ) -> SmbReader:
        """Raises FileNotFoundError, ItemUnreadable, SourceError."""
        for last in (False, True):
            try:
                return SmbReader(how, kind, native_id, path, listed)
            except SmbStatus as error:
                if error.status in GONE:
                    raise FileNotFoundError(VANISHED) from None
                if error.status not in LOST:
                    raise ItemUnreadable(cause_of_status(error.status), to=self.source_id) from None
            except (SmbLost, struct.error, IndexError):
                pass
            if not last:
                # A session that was dropped: as long as the server comes back, nothing is lost.
                self._require_root()
        raise ItemUnreadable(OFFLINE, to=self.source_id)

    def _afford(self, seconds: float) -> bool:
        with self._lock:
            self._lock_budget -= seconds
            return self._lock_budget >= 0

    def auditor(self) -> Auditor:
        """The second look, by another way: see `audit`."""
        from muniment.sources.smb.audit import SmbAudit

        # What a shadow copy says is no word about the share as it is now.
        again = None if self._reading.shadow_copy else self._described
        return SmbAudit(
            self._place, self._account, self.source_id, again=again, streams=self._reading.streams
        )

    def _described(self, kind: str, native_id: bytes) -> Mapping[str, Any]:
        """What a backup would say of an item now. Raises as `open`."""
        with self.open(kind, native_id) as reader:
            return reader.describe().metadata

    # -- the root ----------------------------------------------------------------------------------

    def _started(self) -> How:
        with self._lock:
            if self._how is None:
                self._ask_root(self._health)
            assert self._how is not None
            return self._how

    def _require_root(self) -> None:
        path = on_the_wire(self._place.folder, ROOT)
        now = self._ask_root(lambda wire: asking.look(wire, path, through=True))
        if self._root is not None and now.file_id != self._root.file_id:
            raise self._missing("another folder took the place of the source while it was read")

    def _ask_root(self, ask: Callable[[Wire], T]) -> T:
        try:
            return self._wires.run(ask)
        except SmbStatus as error:
            raise self._refused(error.status) from None

    def _refused(self, status: int) -> SourceMissing | SourceRefused | SourceUnavailable:
        if status in GONE or status in SHARE_GONE:
            return self._missing("the folder is not there")
        if status == ACCESS_DENIED:
            return SourceRefused(
                "the account may not read the share",
                to=self.source_id,
                todo="Give it the right to read: of the share, and of the folders (Backup Operators read all). Then clear"
                " this task.",
            )
        return SourceUnavailable(f"the file server answered 0x{status:08X}", to=self.source_id)

    def _missing(self, what: str) -> SourceMissing:
        return SourceMissing(what, to=self.source_id)

    def close(self) -> None:
        """Ends the connections. The source can be used again; it then signs in anew."""
        self._wires.close()


def _turn(known: Known, every: int) -> tuple[int, int | None]:
    """Whose turn it is to be asked. After a run that left a gap it is everybody's, so that nobody is left out twice."""
    turn = None
    last, _, of = known.memory.get(_TURN, "").partition("/")
    if every > 1 and of == str(every) and last.isdecimal():
        turn = (int(last) + 1) % every
    known.remember(_TURN, f"{turn or 0}/{every}")
    return every, turn
