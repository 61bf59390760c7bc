"""A real Windows file server for tests: Samba's `smbd` as an ordinary process, on a port of its own, with nothing of the
machine's configuration.

It checks passwords, permissions and locks for an unprivileged account, as a server of a firm does. Streams and
Windows permissions lie in extended attributes, so the folder must be on a file system that has them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.needs import missing

SHARE = "Matters"
USER = "backup"
"""An account that every Debian has; it owns nothing."""
PASSWORD = "Wiedersehen-7"

_HOW = "`apt-get install samba samba-vfs-modules`, as root"

_CONFIG = """\
[global]
  server role = standalone server
  workgroup = FIRM
  netbios name = FILESERVER
  disable netbios = yes
  interfaces = 127.0.0.1
  bind interfaces only = yes
  smb ports = {port}
  server min protocol = SMB2_10
  server smb encrypt = default
  private dir = {own}/private
  lock directory = {own}/lock
  state directory = {own}/state
  cache directory = {own}/cache
  pid directory = {own}/pid
  ncalrpc dir = {own}/ncalrpc
  binddns dir = {own}/dns
  passdb backend = tdbsam:{own}/private/passdb.tdb
  log file = {own}/smbd.log
  max log size = 0
  log level = 0
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
  map to guest = never
  unix extensions = no
  kernel oplocks = no
  oplocks = no
  level2 oplocks = no
  kernel change notify = no
  dead time = 0
  {more}

[{share}]
  path = {root}
  read only = no
  vfs objects = acl_xattr streams_xattr {vfs}
  acl_xattr:ignore system acls = no
  ea support = yes
  store dos attributes = yes
  map archive = no
  {of_share}
"""


def needed() -> None:
    """Skips where there is no smbd, or no right to run it."""
    if shutil.which("smbd") is None or shutil.which("smbpasswd") is None:
        missing("smbd is not installed", _HOW)
    if os.geteuid() != 0:
        missing("smbd changes to the account that signed in, which only root may", _HOW)


class SmbServer:
    """One server with one share. `root` is the share's folder as the machine sees it."""

    def __init__(self, folder: Path, *, more: str = "", vfs: str = "", of_share: str = "") -> None:
        self.root = folder / "share"
        self.own = folder / "smbd"
        self.port = _free_port()
        self._more = (more, vfs, of_share)
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", "dns"):
            (self.own / name).mkdir(parents=True)
        self.root.mkdir()
        account = pwd.getpwnam(USER)
        os.chown(self.root, account.pw_uid, account.pw_gid)
        self.configure()
        subprocess.run(
            ["smbpasswd", "-c", str(self.config), "-s", "-a", USER],
            input=f"{PASSWORD}\n{PASSWORD}\n".encode(),
            check=True,
            capture_output=True,
        )

    @property
    def config(self) -> Path:
        return self.own / "smb.conf"

    def configure(self, of_share: str | None = None) -> None:
        """Writes the configuration; a server that runs takes it over with `reload`."""
        more, vfs, usual = self._more
        self.config.write_text(
            _CONFIG.format(
                own=self.own, root=self.root, port=self.port, share=SHARE, more=more, vfs=vfs,
                of_share=(usual if of_share is None else of_share).replace("ROOT", str(self.root)),
            )
        )  # fmt: skip

    def start(self) -> SmbServer:
        self._process = subprocess.Popen(
            ["smbd", "-F", "--no-process-group", "-s", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self._process.poll() is None, (self.own / "smbd.log").read_text()[-2000:]
                time.sleep(0.01)
        raise AssertionError("smbd does not answer")

    def restart(self) -> SmbServer:
        self.stop()
        return self.start()

    def sessions(self) -> list[psutil.Process]:
        """The process of each connection."""
        if self._process is None:
            return []
        own = psutil.Process(self._process.pid)
        return [p for p in own.children() if _serves(p, self.port)]

    def cpu_seconds(self) -> float:
        """Of the server and all its sessions, also those that have ended."""
        if self._process is None:
            return 0.0
        own = psutil.Process(self._process.pid)
        times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
        return sum(t.user + t.system + t.children_user + t.children_system for t in times)

    def drop_sessions(self) -> int:
        """Ends all connections as a reset of the network does; how many."""
        ended = self.sessions()
        for process in ended:
            process.kill()
        psutil.wait_procs(ended, 5)
        return len(ended)

    def stop(self) -> None:
        if self._process is None:
            return
        processes = [*psutil.Process(self._process.pid).children(recursive=True)]
        self._process.send_signal(signal.SIGKILL)
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        psutil.wait_procs(processes, 5)
        self._process = None

    # -- what people do on the server --------------------------------------------------------------

    def write(self, path: str | bytes, content: bytes = b"") -> Path:
        """A file that the backup account may read."""
        file = Path(os.fsdecode(os.path.join(os.fsencode(self.root), os.fsencode(path))))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def stream(self, path: str | bytes, name: str, content: bytes) -> None:
        """An alternate data stream, as the server keeps it."""
        file = os.path.join(os.fsencode(self.root), os.fsencode(path))
        # Samba's form: a type behind the name, and a byte of zero behind the content.
        os.setxattr(file, f"user.DosStream.{name}:$DATA", content + b"\0")


def _serves(process: psutil.Process, port: int) -> bool:
    try:
        return any(
            c.status == psutil.CONN_ESTABLISHED and c.laddr.port == port
            for c in process.net_connections("tcp")
        )
    except psutil.Error:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def smb_server(*, more: str = "", vfs: str = "", of_share: str = "") -> Iterator[SmbServer]:
    """A server that runs, in a folder that its unprivileged account can reach."""
    needed()
    # pytest's own folders are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="smb"))
    folder.chmod(0o755)
    server = SmbServer(folder, more=more, vfs=vfs, of_share=of_share)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
