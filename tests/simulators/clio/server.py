"""Sockets: one port for each region of the API, one for the storage host, one for the control interface.

All speak TLS with certificates of the simulator's authority, and each request runs in a thread of its own. The
API answers as `localhost`, the storage host as `127.0.0.1`: two names that need no name service, so that a client
that mixes up hosts, or follows a redirect with its token, is found out (platform.yaml: downloads.rules).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.simulators.clio.messages import Request, Response

Handle = Callable[[Request], Response]
DROPS = 20


class Port:
    """One listening port; `handle` answers its requests; `ahead` is by how many seconds its `Date` is."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext, handle: Handle, region: str = "us",
        ahead: Callable[[], float] = float,
    ) -> None:  # fmt: skip
        self._server = _Server(("127.0.0.1", port), context, handle, region)
        self._server.ahead = ahead
        self.base = f"https://{host}:{self._server.server_address[1]}"
        self._server.base = self.base
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, handle: Handle, region: str
    ) -> None:
        self._context = context
        self.handle_one = handle
        self.region = region
        self.base = ""
        self.ahead: Callable[[], float] = float
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[Any, Any]:
        """The handshake is left to the request's own thread, so that a slow client holds up nobody."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wrapped = self._context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        return wrapped, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of the simulator; anything else is told."""
        if not isinstance(
            sys.exc_info()[1], (ssl.SSLError, ConnectionError, TimeoutError, OSError)
        ):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    timeout = 60
    server: _Server

    def setup(self) -> None:
        self.request.settimeout(self.timeout)
        self.request.do_handshake()
        super().setup()

    def version_string(self) -> str:
        return self.server_version

    def date_time_string(self, timestamp: float | None = None) -> str:
        shown = time.time() + self.server.ahead() if timestamp is None else timestamp
        return super().date_time_string(shown)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        if "Transfer-Encoding" in self.headers:
            # A store that signs a length wants to be told it.
            self._pass_over_chunks()
            self.close_connection = True
            self._send(Response(411, {"Content-Type": "text/plain"}, b"Content-Length is required"))
            return
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            unquote(parts.path),
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
            self.server.base,
            self.server.region,
            parts.path,
        )
        self._send(self.server.handle_one(request))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _pass_over_chunks(self) -> None:
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            self.rfile.read(size + 2)
        self.rfile.readline()

    def _send(self, response: Response) -> None:
        body = response.body
        size = response.length if response.length is not None else len(body)  # type: ignore[arg-type]
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(size))
        if response.torn_after is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD" or response.status in (204, 304):
            return
        sent = 0
        for piece in _pieces(response):
            if response.torn_after is not None and sent + len(piece) > response.torn_after:
                self.wfile.write(piece[: response.torn_after - sent])
                self._hang_up()
                return
            self.wfile.write(piece)
            sent += len(piece)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _pieces(response: Response) -> Iterator[bytes]:
    body = [response.body] if isinstance(response.body, bytes) else response.body
    for block in body:
        if not response.seconds:
            yield block
            continue
        drop = max(1, len(block) // DROPS)
        for start in range(0, len(block), drop):
            time.sleep(response.seconds / DROPS)
            yield block[start : start + drop]
