"""The stand-in on a port of this machine, in a thread of this process, for tests.

with running({r"\\\\files\\sql": folder}) as server:
    server.instance.add("practice")
"""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulators.sqlserver import tds
from tests.simulators.sqlserver.instance import Instance
from tests.simulators.sqlserver.tds import Gone, Packets

_OFF, _ON, _NOT_SUPPORTED, _REQUIRED = range(4)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    instance: Instance
    tls: ssl.SSLContext | None


class _Session(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        packets = Packets(self.request.recv, self.request.sendall)
        with contextlib.suppress(Gone, ConnectionError, EOFError, ssl.SSLError):
            kind, content = packets.read()
            if kind != tds.PRELOGIN:
                return
            wanted = tds.prelogin_of(content).get(1, b"\x02")[0]
            secured = self.server.tls is not None and wanted != _NOT_SUPPORTED
            packets.write(tds.prelogin(_REQUIRED if secured else _NOT_SUPPORTED))
            if secured:
                _secure(packets, self.server.tls)
            self._session(packets)

    def _session(self, packets: Packets) -> None:
        kind, content = packets.read()
        if kind != tds.LOGIN7:
            return
        instance, login = self.server.instance, tds.login_of(content)
        held = instance.logins.get(login.user)
        if held is None or held[0] != login.password:
            refused = tds.message(
                18456, 14, f"Login failed for user '{login.user}'.", instance.name
            )
            packets.write(refused + tds.done(error=True))
            return
        packets.write(tds.welcome("master", instance.name))
        session: dict[str, Any] = {}
        while True:
            kind, content = packets.read()
            if kind == tds.ATTENTION:
                packets.write(tds.done(attention=True))
            elif kind == tds.BATCH:
                headers = struct.unpack_from("<I", content)[0]
                packets.write(
                    instance.run(login.user, content[headers:].decode("utf-16-le"), session)
                )
            else:
                return


def _secure(packets: Packets, context: ssl.SSLContext | None) -> None:
    """A TLS handshake whose records travel in pre-login packets; after it TLS lies below the packets."""
    assert context is not None
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    channel = context.wrap_bio(coming, going, server_side=True)
    receive, send = packets.receive, packets.send
    while True:
        try:
            channel.do_handshake()
            break
        except ssl.SSLWantReadError:
            if going.pending:
                packets.write(going.read(), tds.PRELOGIN)
            _, content = packets.read()
            coming.write(content)
    if going.pending:
        packets.write(going.read(), tds.PRELOGIN)

    def plain(size: int) -> bytes:
        while True:
            try:
                return channel.read(size)
            except ssl.SSLWantReadError:
                piece = receive(65536)
                if not piece:
                    return b""
                coming.write(piece)

    def sealed(content: bytes) -> None:
        channel.write(content)
        send(going.read())

    packets.receive, packets.send = plain, sealed


@dataclass
class Running:
    instance: Instance
    port: int


@contextlib.contextmanager
def running(
    folders: dict[str, Path], *, certificate: tuple[Path, Path] | None = None, port: int = 0
) -> Iterator[Running]:
    """`certificate` is chain and key; without one the server knows no TLS."""
    with _Server(("127.0.0.1", port), _Session) as server:
        server.instance = Instance(folders)
        server.tls = None
        if certificate is not None:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.maximum_version = ssl.TLSVersion.TLSv1_2
            server.tls.load_cert_chain(*certificate)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)  # fmt: skip
        thread.start()
        try:
            yield Running(server.instance, server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
