"""A folder of its own on the share of a server, for one test."""

from __future__ import annotations

import os
import pwd
from datetime import timedelta
from pathlib import Path

from muniment.clock import SystemClock
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.source import Reading, SmbSource
from tests.support.smb_server import PASSWORD, SHARE, USER, SmbServer


class Share:
    """A folder on a server's share, as whoever works in it sees it."""

    def __init__(self, server: SmbServer, name: str) -> None:
        self.server = server
        self.name = name
        self.root = server.root / name
        self.root.mkdir()
        account = pwd.getpwnam(USER)
        os.chown(self.root, account.pw_uid, account.pw_gid)

    def source(self, source_id: str = "shares", *, user: str = USER, password: str = PASSWORD, **reading: object) -> SmbSource:  # fmt: skip
        given = Reading(**{"patience": timedelta(seconds=1), **reading})  # type: ignore[arg-type]
        return SmbSource(source_id, self.place, Account(user, password), given, SystemClock())

    @property
    def place(self) -> Place:
        return Place("127.0.0.1", SHARE, self.name, self.server.port)

    def write(self, path: str | bytes, content: bytes = b"") -> Path:
        return self.server.write(os.fsencode(self.name) + b"/" + os.fsencode(path), content)

    def stream(self, path: str, name: str, content: bytes) -> None:
        self.server.stream(f"{self.name}/{path}", name, content)
