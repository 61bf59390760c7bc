"""Readers: one open file, folder or stream of a share: described, read, and asked whether it held still."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from muniment.errors import ItemUnreadable
from muniment.model.item import Fidelity, Fingerprint, Observed
from muniment.model.text import text_of
from muniment.sources.base import Description, Skipped
from muniment.sources.causes import CHANGED_WHILE_READ, OFFLINE, VANISHED
from muniment.sources.smb import packets as p
from muniment.sources.smb.asking import PARTS, good, look
from muniment.sources.smb.marks import UNASKED, Details, described, fingerprint, of_stream
from muniment.sources.smb.packets import DIRECTORY, Stat
from muniment.sources.smb.paths import bytes_of_name, file_of, is_stream
from muniment.sources.smb.statuses import (
    ACCESS_DENIED,
    END_OF_FILE,
    GONE,
    LOST,
    NO_DESCRIPTOR,
    SmbLost,
    SmbStatus,
    cause_of_status,
)
from muniment.sources.smb.streams import streams_of
from muniment.sources.smb.wires import Wires

DESCRIPTOR = "descriptor"
"""Key of the metadata: the security descriptor, self-relative ([MS-DTYP] 2.4.6), in base64. Owner, group, DACL; the SACL
only auditors may read."""

AHEAD = 4
"""Pieces of a large file that are asked for at once."""
AFTER_END = 512
"""How much more is asked for than should be there, to see whether the file has grown."""
T = TypeVar("T")
_READ = p.READ_DATA | p.READ_ATTRIBUTES | p.SYNCHRONIZE


@dataclass(slots=True)
class How:
    """How the items of a source are opened."""

    wires: Wires
    moment: int
    streams: bool
    numbered: bool
    tick_ns: int
    closely: bool = False


class SmbReader:
    """An item that is held open, so that a rename does not matter."""

    def __init__(
        self, how: How, kind: str, native_id: bytes, path: bytes, listed: Fingerprint | None
    ) -> None:
        """Opens it.

        Raises SmbStatus, SmbLost, FileNotFoundError, and what `Wires` raises.
        """
        self._how = how
        self._kind, self._native_id, self._path = kind, native_id, path
        self._unasked = listed is not None and listed.tag.endswith(UNASKED)
        self._done = 0
        self._ended = False
        self._pieces: list[bytes] = []
        self._file = b""
        self._wire, self._let_go = how.wires.hold()
        try:
            self._open(listed.size if listed is not None else p.UNIT)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> SmbReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        let_go, self._let_go = self._let_go, _nothing
        try:
            if self._file and self._wire.open:
                self._wire.ask(p.close(self._file))
        except SmbLost:
            # The server closes what a lost connection had open.
            pass
        finally:
            self._file = b""
            let_go()

    # -- opening -----------------------------------------------------------------------------------

    def _open(self, likely: int) -> None:
        self._descriptor: bytes | None = None
        self._names: list[tuple[str, int]] = []
        stream = is_stream(self._native_id)
        asked = [p.query_info(p.OF_FILE, p.ALL, 4096)]
        if not stream:
            asked.append(p.query_info(p.OF_SECURITY, 0, p.UNIT, security=PARTS))
            if self._how.streams:
                asked.append(p.query_info(p.OF_FILE, p.STREAMS, p.UNIT))
        if self._kind == "file":
            asked.append(p.read(min(likely + AFTER_END, self._wire.most_read), 0))
        options = p.FOR_BACKUP | (p.FOLDER if self._kind == "dir" else p.NO_FOLDER)
        access = _READ if stream else _READ | p.READ_CONTROL
        answers = self._wire.ask(self._create(access, options), *asked)
        if answers[0][0] == ACCESS_DENIED and not stream:
            # Content may be readable where permissions are not.
            answers = self._wire.ask(self._create(_READ, options), *asked)
        self._file = p.opened(good(answers[0])).file
        self._stat = self._dated(p.stat_of(p.buffer_of(good(answers[1]))))
        if stream:
            # Times and id of its file: servers differ in what they say of a stream.
            self._base = self._dated(look(self._wire, file_of(self._path), self._how.moment))
        if bool(self._stat.attributes & DIRECTORY) is not (self._kind == "dir") and not stream:
            raise FileNotFoundError(VANISHED)
        rest = answers[2:]
        if not stream:
            status, body = rest.pop(0)
            if not status:
                self._descriptor = p.buffer_of(body)
            elif status not in NO_DESCRIPTOR:
                raise SmbStatus(status)
            if self._how.streams:
                self._names = p.streams(p.buffer_of(good(rest.pop(0))))
        if self._kind == "file":
            # A file that ends here is read with its opening; else the pieces that follow begin where this one ends.
            self._add(rest.pop(0))

    def _dated(self, stat: Stat) -> Stat:
        return stat._replace(ctime_ns=0) if self._how.closely else stat

    def _create(self, access: int, options: int) -> p.Request:
        return p.create(self._path, access, options, moment=self._how.moment)

    # -- reading -----------------------------------------------------------------------------------

    def describe(self) -> Description:
        stat = self._stat
        numbered = self._how.numbered
        metadata: dict[str, Any] = {}
        beside: tuple[Observed | Skipped, ...] = ()
        if is_stream(self._native_id):
            name = self._native_id.rpartition(b":")[2]
            metadata["stream"] = text_of(name)
            own = name.decode("utf-8", "surrogatepass")
            found = of_stream(self._base, own, stat.size, numbered=numbered)
        else:
            seen = Details(self._names, self._descriptor or b"" if self._how.closely else None)
            found = fingerprint(stat, seen, numbered=numbered)
            metadata["attributes"] = stat.attributes
            if stat.created_ns:
                metadata["created_ns"] = stat.created_ns
            if self._descriptor is not None:
                metadata[DESCRIPTOR] = base64.b64encode(self._descriptor).decode()
            if self._names:
                metadata["streams"] = [text_of(bytes_of_name(name)) for name, _ in self._names]
            if self._unasked:
                beside = tuple(streams_of(self._native_id, stat, self._names, numbered=numbered))
        return Description(
            self._fresh(found), Fidelity.FILE, metadata, self._kind == "file", beside=beside
        )

    def _fresh(self, found: Fingerprint) -> Fingerprint:
        return described(found, self._how.tick_ns, self._wire.ahead_ns)

    def read(self, size: int) -> bytes:
        if self._kind != "file":
            return b""
        if not self._pieces and not self._ended and self._done <= self._stat.size:
            self._fetch(size)
        if not self._pieces:
            return b""
        first = self._pieces[0]
        if len(first) <= size:
            return self._pieces.pop(0)
        self._pieces[0] = first[size:]
        return first[:size]

    def _fetch(self, size: int) -> None:
        most = self._wire.most_read
        left = max(0, self._stat.size - self._done) + AFTER_END
        wanted = min(left, AHEAD * most, max(size, most))
        at, asked = self._done, []
        while wanted > 0:
            length = min(most, wanted)
            asked.append((length, at))
            at, wanted = at + length, wanted - length
        answers = self._again(
            lambda: self._wire.ask_many([(p.read(n, start, self._file),) for n, start in asked])
        )
        for (answer,), (length, _) in zip(answers, asked, strict=True):
            if self._add(answer) < length:
                break

    def _add(self, answer: tuple[int, bytes]) -> int:
        """Raises ItemUnreadable."""
        if answer[0] == END_OF_FILE:
            self._ended = True
            return 0
        try:
            data = p.data_of(good(answer))
        except SmbStatus as error:
            raise ItemUnreadable(cause_of_status(error.status)) from None
        self._done += len(data)
        if data:
            self._pieces.append(data)
        else:
            self._ended = True
        return len(data)

    def settled(self) -> bool:
        """Also false when fewer or more bytes were read than the file had."""
        if self._kind == "file" and self._done != self._stat.size:
            return False
        # By its name, once it is closed: Samba tells of a file that is open the times that it had before.
        file, self._file = self._file, b""
        closing = [(p.close(file),)] if file and self._wire.open else []
        try:
            answers = self._wire.ask_many([*closing, self._questions()])[-1]
            now = p.stat_of(p.buffer_of(_all_good(answers)))
        except SmbLost:
            now = self._look_again()
        except SmbStatus as error:
            if error.status in GONE:
                return False
            if error.status not in LOST:
                raise ItemUnreadable(cause_of_status(error.status)) from None
            now = self._look_again()
        return _held(now, self._stat) == _held(self._stat, self._stat)

    def _questions(self) -> tuple[p.Request, ...]:
        return (
            self._create(p.READ_ATTRIBUTES, p.FOR_BACKUP),
            p.query_info(p.OF_FILE, p.ALL, 4096),
            p.close(),
        )

    # -- a session that is dropped -----------------------------------------------------------------

    def _again(self, ask: Callable[[], list[T]]) -> list[T]:
        for last in (False, True):
            try:
                found = ask()
                first: Any = found[0]
                status = first[0][0] if isinstance(first, list) else first[0]
                if status not in LOST:
                    return found
            except SmbLost:
                if last:
                    break
            if not last:
                self._reopen()
        raise ItemUnreadable(OFFLINE)

    def _reopen(self) -> None:
        """On another connection, and only if it is still the same: what was read stays read.

        Raises ItemUnreadable, and what `Wires` raises when the server is gone for good.
        """
        let_go, self._let_go = self._let_go, _nothing
        let_go()
        self._file = b""

        if _held(self._look_again(), self._stat) != _held(self._stat, self._stat):
            raise ItemUnreadable(CHANGED_WHILE_READ)
        try:
            self._wire, self._let_go = self._how.wires.hold()
            self._file = p.opened(self._wire.ask_one(self._create(_READ, p.FOR_BACKUP))).file
        except SmbStatus as error:
            raise ItemUnreadable(cause_of_status(error.status)) from None
        except (SmbLost, struct.error):
            raise ItemUnreadable(OFFLINE) from None

    def _look_again(self) -> Stat:
        """What stands there, asked on any connection. Raises ItemUnreadable, and what `Wires` raises."""
        try:
            return self._dated(
                self._how.wires.run(lambda wire: look(wire, self._path, self._how.moment))
            )
        except SmbStatus as error:
            raise ItemUnreadable(cause_of_status(error.status)) from None


def _held(stat: Stat, dated: Stat) -> tuple[int, int, int, int]:
    """What must be the same; of `stat` the time of change counts where `dated` has one."""
    return stat.size, stat.mtime_ns, stat.ctime_ns if dated.ctime_ns else 0, stat.file_id


def _all_good(answers: list[tuple[int, bytes]]) -> bytes:
    """The answer to the second of three requests. Raises SmbStatus."""
    good(answers[0])
    return good(answers[1])


def _nothing() -> None:
    """There is nothing to let go of any more."""
