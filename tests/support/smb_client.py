"""A share as another client sees it: `smbclient` of smbprotocol, which shares no code with what lists and reads here."""

from __future__ import annotations

import struct
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import smbclient

from muniment.sources.smb.asking import PARTS, good, list_details, look
from muniment.sources.smb.packets import (
    BASIC,
    DACL,
    OF_FILE,
    OF_SECURITY,
    READ_CONTROL,
    UNIT,
    WRITE_ATTRIBUTES,
    WRITE_DAC,
    Stat,
    buffer_of,
    close,
    create,
    query_info,
    set_info,
)
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.wire import Wire
from tests.support.smb_server import PASSWORD, SHARE, USER
from tests.support.smb_share import Share


class Windows:
    """A folder of a share as a person at a Windows computer has it."""

    def __init__(self, share: Share, folder: str) -> None:
        self.share, self.folder = share, folder

    @cached_property
    def wire(self) -> Wire:
        return Wire(Place("127.0.0.1", SHARE, "", self.share.server.port), Account(USER, PASSWORD))

    def _wire_path(self, path: str) -> bytes:
        return (
            f"{self.folder}/{path}".rstrip("/")
            .replace("/", "\\")
            .encode("utf-16-le", "surrogatepass")
        )

    def _unc(self, path: str) -> str:
        inner = f"{self.folder}/{path}".rstrip("/").replace("/", "\\")
        return f"\\\\127.0.0.1\\{SHARE}\\{inner}"

    @property
    def _login(self) -> dict[str, Any]:
        return {"username": USER, "password": PASSWORD, "port": self.share.server.port}

    # -- what a person does ------------------------------------------------------------------------

    def save(self, path: str, content: bytes) -> None:
        above = str(PurePosixPath(path).parent)
        smbclient.makedirs(self._unc("" if above == "." else above), exist_ok=True, **self._login)
        with smbclient.open_file(self._unc(path), mode="wb", **self._login) as file:
            file.write(content)

    def save_again(self, path: str, content: bytes) -> None:
        """In a session of its own, beside whoever has it open."""
        cache: dict[str, Any] = {}
        with smbclient.open_file(
            self._unc(path), mode="wb", share_access="rwd", connection_cache=cache, **self._login
        ) as file:
            file.write(content)
        smbclient.reset_connection_cache(connection_cache=cache)

    def open(self, path: str, mode: str = "rb", share_access: str | None = None) -> Any:
        """As a program holds it open; without `share_access` nobody else may open it."""
        return smbclient.open_file(
            self._unc(path), mode=mode, share_access=share_access, **self._login
        )

    def allow(self, path: str, rid: int, *, flags: int = 0) -> None:
        """Gives somebody of a domain the right to read."""
        descriptor = self.descriptor(path)
        (at,) = struct.unpack_from("<I", descriptor, 16)
        size, count = struct.unpack_from("<HH", descriptor, at + 2)
        sid = bytes([1, 5, 0, 0, 0, 0, 0, 5]) + struct.pack("<5I", 21, 1, 2, 3, rid)
        entry = struct.pack("<BBHI", 0, flags, 8 + len(sid), 0x120089) + sid
        dacl = struct.pack("<BBHHH", 2, 0, size + len(entry), count + 1, 0)
        dacl += descriptor[at + 8 : at + size] + entry
        whole = struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + dacl
        answers = self.wire.ask(
            create(self._wire_path(path), WRITE_DAC | READ_CONTROL, 0),
            set_info(OF_SECURITY, 0, whole, security=DACL),
            close(),
        )
        good(answers[1])

    def mark(self, path: str, attributes: int) -> None:
        data = struct.pack("<QQQQII", 0, 0, 0, 0, attributes, 0)
        answers = self.wire.ask(
            create(self._wire_path(path), WRITE_ATTRIBUTES, 0),
            set_info(OF_FILE, BASIC, data),
            close(),
        )
        good(answers[1])

    # -- what a person sees ------------------------------------------------------------------------

    def content(self, path: str) -> bytes:
        with smbclient.open_file(
            self._unc(path), mode="rb", share_access="rwd", **self._login
        ) as file:
            found: bytes = file.read()
            return found

    def names(self) -> list[str]:
        found = []
        for _, folders, files in smbclient.walk(self._unc(""), **self._login):
            found += [*folders, *files]
        return found

    def look(self, path: str) -> Stat:
        """Without its id."""
        return look(self.wire, self._wire_path(path))._replace(file_id=0)

    def descriptor(self, path: str) -> bytes:
        asked = query_info(OF_SECURITY, 0, UNIT, security=PARTS)
        answers = self.wire.ask(create(self._wire_path(path), READ_CONTROL, 0), asked, close())
        return buffer_of(good(answers[1]))

    def streams(self, path: str) -> dict[str, int]:
        found = list_details(self.wire, [self._wire_path(path)])[0]
        return dict(found.streams)  # type: ignore[union-attr]
