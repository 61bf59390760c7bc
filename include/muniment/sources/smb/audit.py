"""The audit of a share: a sample of folders and files, asked for by another client than the one that made the backup.

It is `smbclient` of `smbprotocol`, with connections, requests, listings and reading of its own; nothing of `wire`,
`asking`, `scan` or `reader` is used. What it shares is what a mark is (`marks`). Of what it draws it compares bytes,
permissions and names of streams.
"""

from __future__ import annotations

import hashlib
import ntpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from random import Random
from typing import Any

import smbclient
from smbprotocol.exceptions import SMBException, SMBOSError

from muniment.errors import MunimentError, SourceUnavailable
from muniment.model.item import Row
from muniment.sources.audit import Compared, Held, Testimony, Witness
from muniment.sources.smb import quiet as quiet
from muniment.sources.smb.audit_about import DESCRIPTOR, about, is_dated
from muniment.sources.smb.marks import fits, untouched
from muniment.sources.smb.packets import Stat
from muniment.sources.smb.place import Account, Place

FILES, FOLDERS, BYTES = 60, 20, 128 << 20
"""How many files are read, how many folders listed, and how much is read in all."""
_WINDOW = 1 << 20
_GONE = frozenset({2, 20})
_LINK = 0x400
_FOLDER = 0x10


class SmbAudit:
    """An Auditor over one share.

    Args:
        again: what the connector says now of an item (kind, native id) beside its content; None where that is no word about
            the share as it is.
        streams: are streams taken?
    """

    def __init__(
        self,
        place: Place,
        account: Account,
        source_id: str,
        *,
        again: Callable[[str, bytes], Mapping[str, Any]] | None = None,
        streams: bool = True,
    ) -> None:
        self._place, self._account, self._source_id = place, account, source_id
        self._again, self._streams = again, streams
        self._dated = False

    def ask(self, held: Held, since: datetime, seed: int) -> Testimony:
        """See `Auditor`. Raises SourceUnavailable."""
        rng = Random(f"smb audit {seed}")  # noqa: S311 - a draw, not a secret
        found = Testimony()
        since_ns = int(since.timestamp() * 1e9)
        cache: dict[str, Any] = {}
        try:
            with self._client(cache) as client:
                self._dated = is_dated(self._path(b"."), client)
                self._read(client, held, since_ns, rng, found)
                self._list(client, held, since_ns, rng, found)
        except (SMBException, OSError, ValueError) as error:
            raise SourceUnavailable(
                f"the file server does not answer an audit ({type(error).__name__})",
                to=self._source_id,
            ) from None
        return found

    def compare(self, witness: Witness, restored: bytes) -> Compared:
        """Files have no rows of a vendor's to be compared; their bytes are."""
        return Compared.SAME

    def described(self, witness: Witness, row: Row) -> Compared:
        """Permissions and names of streams. A server that tells no time of change (Samba) does not show whether
        somebody changed them since: there the connector is asked once more, and has to say what is seen here."""
        if _same(witness.about, row.metadata):
            return Compared.SAME
        if self._dated or not fits(row.version, str(row.metadata.get(DESCRIPTOR, ""))):
            # Either nobody touched it since, or the row is not even what it says of itself.
            return Compared.DIFFERS
        if self._again is None:
            return Compared.CHANGED
        kind, native_id = witness.kind, witness.native_id
        cache: dict[str, Any] = {}
        try:
            with self._client(cache) as client:
                told = self._again(kind, native_id)
                # Once more too, or what somebody changes in these minutes would be the connector's fault.
                seen = about(self._path(native_id), kind, client, streams=self._streams)
        except (SMBException, MunimentError, OSError, ValueError):
            return Compared.CHANGED
        return Compared.CHANGED if _same(seen, told) else Compared.DIFFERS

    @contextmanager
    def _client(self, cache: dict[str, Any]) -> Iterator[dict[str, Any]]:
        login = {
            "username": self._account.name, "password": self._account.password, "port": self._place.port,
            "encrypt": self._account.encrypt, "connection_cache": cache,
        }  # fmt: skip
        try:
            yield login
        finally:
            smbclient.reset_connection_cache(fail_on_error=False, connection_cache=cache)

    # -- files that the vault has --------------------------------------------------------------------

    def _read(self, login: dict[str, Any], held: Held, since_ns: int, rng: Random, found: Testimony) -> None:  # fmt: skip
        files = list(held.there.get("file", ()))
        left = BYTES
        for native_id in rng.sample(files, min(FILES, len(files))):
            found.requests += 1
            try:
                path = self._path(native_id)
                status = smbclient.stat(path, **login)
                if status.st_size > left:
                    found.unseen += 1
                    continue
                left -= status.st_size
                size, digest = self._digest(path, login)
                beside = self._about(path, "file", login) if not _is_stream(native_id) else None
                again = smbclient.stat(path, **login)
            except OSError as error:
                if _absent(error):
                    found.witnesses.append(Witness("file", native_id, there=False))
                else:
                    # In use, or not to be read by this account any more: that says nothing about the copy.
                    found.unseen += 1
                continue
            if _times(status) != _times(again):
                found.unseen += 1
                continue
            found.witnesses.append(
                _seen("file", native_id, status, since_ns, beside, digest=digest, size=size)
            )

    def _digest(self, path: str, login: dict[str, Any]) -> tuple[int, bytes]:
        total, size = hashlib.sha256(), 0
        with smbclient.open_file(path, mode="rb", buffering=0, share_access="rwd", **login) as file:
            while data := file.read(_WINDOW):
                total.update(data)
                size += len(data)
        return size, total.digest()

    # -- folders ---------------------------------------------------------------------------------------

    def _list(self, login: dict[str, Any], held: Held, since_ns: int, rng: Random, found: Testimony) -> None:  # fmt: skip
        there = _by_folder(held.there.get("file", ()))
        gone = _by_folder(held.gone.get("file", ()))
        folders = sorted({*there, *gone, *held.there.get("dir", ())})
        known = {*held.there.get("dir", ())}
        for folder in rng.sample(folders, min(FOLDERS, len(folders))):
            if folder not in known:
                continue
            found.requests += 1
            try:
                path = self._path(folder)
                status = smbclient.stat(path, **login)
                entries = list(smbclient.scandir(path, **login))
                beside = self._about(path, "dir", login)
                again = smbclient.stat(path, **login)
            except OSError:
                found.unseen += 1
                continue
            if beside is not None and _times(status) == _times(again):
                found.witnesses.append(_seen("dir", folder, status, since_ns, beside))
            names = set()
            for entry in entries:
                native_id = _join(folder, entry.name)
                info = entry.smb_info
                if info.file_attributes & (_FOLDER | _LINK) or ":" in entry.name:
                    continue
                names.add(native_id)
                if native_id not in there[folder]:
                    found.witnesses.append(
                        Witness(
                            "file", native_id,
                            created_ns=_ns_of(info.creation_time),
                            touched_ns=max(_ns_of(info.last_write_time), _ns_of(info.change_time)),
                        )
                    )  # fmt: skip
            for native_id in there[folder]:
                if native_id not in names and not _is_stream(native_id):
                    found.witnesses.append(Witness("file", native_id, there=False))

    def _about(self, path: str, kind: str, login: dict[str, Any]) -> dict[str, Any] | None:
        """None where this account may not read permissions."""
        with suppress(SMBException, OSError, ValueError):
            return about(path, kind, login, streams=self._streams)
        return None

    def _path(self, native_id: bytes) -> str:
        inner = "" if native_id == b"." else native_id.decode("utf-8", "surrogatepass")
        names = [part for part in (*self._place.folder.split("/"), *inner.split("/")) if part]
        return ntpath.join(self._place.unc + "\\", *names)


def _seen(
    kind: str,
    native_id: bytes,
    status: Any,
    since_ns: int,
    beside: Mapping[str, Any] | None,
    *,
    digest: bytes | None = None,
    size: int = 0,
) -> Witness:
    written, changed = status.st_mtime_ns, status.st_chgtime_ns
    # Whatever was done to it since, also where its time of writing was set back.
    touched = changed if changed >= since_ns else written
    # Samba tells no time of change: a file that an older one was copied over has another mark, and no later time.
    stat = Stat(0, written, changed, size, status.st_file_attributes, 0)
    marks = tuple(f"{untouched(one)}." for one in (stat, stat._replace(ctime_ns=0)))
    return Witness(
        kind, native_id, touched_ns=touched, digest=digest, size=size, versions=marks, about=beside
    )


def _same(seen: Mapping[str, Any] | None, kept: Mapping[str, Any]) -> bool:
    """Of what was looked at. A row that an account without the right to it left has no permissions."""
    if seen is None:
        return True
    streams = "streams" not in seen or sorted(seen["streams"]) == sorted(kept.get("streams", ()))
    return streams and kept.get(DESCRIPTOR, seen[DESCRIPTOR]) == seen[DESCRIPTOR]


def _is_stream(native_id: bytes) -> bool:
    return b":" in native_id.rpartition(b"/")[2]


def _times(status: Any) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_chgtime_ns


def _ns_of(when: datetime) -> int:
    return int(when.timestamp() * 1e9) if when.year > 1601 else 0


def _absent(error: OSError) -> bool:
    return isinstance(error, SMBOSError | FileNotFoundError) and error.errno in _GONE


def _by_folder(files: Iterable[bytes]) -> dict[bytes, set[bytes]]:
    found: dict[bytes, set[bytes]] = defaultdict(set)
    for native_id in files:
        found[native_id.rpartition(b"/")[0] or b"."].add(native_id)
    return found


def _join(folder: bytes, name: str) -> bytes:
    own = name.encode("utf-8", "surrogatepass")
    return own if folder == b"." else folder + b"/" + own
