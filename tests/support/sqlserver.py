"""A firm with a SQL Server: the stand-in over a socket, a share, and the source that backs it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muniment.sources.databases.access import Access, Tls
from muniment.sources.databases.source import DatabaseSource
from muniment.sources.databases.sqlserver import Share, SqlServerEngine
from tests.simulators.sqlserver.instance import CREATE, Instance
from tests.simulators.sqlserver.running import Running, running
from tests.support.databases import DatabaseFirm

UNC = r"\\files\sql backups"
PASSWORD = "wörd'; --"


class Bench:
    """A server and its share, and what reads it. `databases` are those that the source names, or all."""

    def __init__(self, server: Running, mount: Path, *databases: str) -> None:
        self.server = server
        self.mount = mount
        self.databases = databases

    @property
    def instance(self) -> Instance:
        return self.server.instance

    def engine(self, source_id: str = "files", *, tls: Tls = Tls.OFF, ca: Path | None = None, password: str = PASSWORD, host: str = "127.0.0.1") -> SqlServerEngine:  # fmt: skip
        access = Access(host, self.server.port, "muniment", password, tls, ca)
        return SqlServerEngine(access, source_id, Share(UNC, self.mount))

    def source(self, source_id: str = "files") -> DatabaseSource:
        return DatabaseSource(source_id, self.engine(source_id), self.databases)

    def backups(self) -> list[Path]:
        return sorted(self.mount.iterdir())


class SqlServerFirm(DatabaseFirm):
    """A firm whose one source is that server."""

    def __init__(self, folder: Path, bench: Bench) -> None:
        super().__init__(folder, bench.source)
        self.bench = bench


@contextmanager
def sql_server(folder: Path, *databases: str, certificate: tuple[Path, Path] | None = None) -> Iterator[Bench]:  # fmt: skip
    """With `practice`, and a login that may do what a backup needs and no more."""
    mount = folder / "mount"
    mount.mkdir()
    with running({UNC: mount}, certificate=certificate) as server:
        server.instance.add("practice")
        names = [name for name in server.instance.databases if name != "tempdb"]
        server.instance.login("muniment", PASSWORD, CREATE, databases=names)
        yield Bench(server, mount, *databases)
