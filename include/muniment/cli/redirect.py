"""Redirect: waits on this machine for the browser that comes back from a page of consent."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from muniment.cli.screen import Declined
from muniment.errors import ConfigError

OWN = ("127.0.0.1", "localhost")
_PAGE = (
    b"<!doctype html><meta charset=utf-8><title>Muniment</title>"
    b"<p>You may close this page and go back to the terminal.</p>"
)


class Redirect:
    """Listens from the moment it is entered. It answers this machine only, and one path only."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        self._path = parts.path or "/"
        self._answer: dict[str, str] = {}
        self._came = threading.Event()
        try:
            self._server = _Server(("127.0.0.1", parts.port or 80), self._path, self._take)
        except OSError as error:
            raise ConfigError(
                f"nobody can listen at the redirect address ({error.strerror})",
                to="firm.yaml, key redirect_uri",
                todo="End what uses the port, or say --paste.",
            ) from None

    @staticmethod
    def possible(uri: str) -> bool:
        parts = urlsplit(uri)
        return parts.scheme == "http" and parts.hostname in OWN and parts.port is not None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> dict[str, str]:
        """The query that the browser brought. Raises Declined when none came."""
        if not self._came.wait(seconds):
            raise Declined("Nobody came back from the browser. Nothing was changed.")
        return self._answer

    def _take(self, query: str) -> None:
        if not self._came.is_set():
            self._answer = {name: values[0] for name, values in parse_qs(query).items()}
            self._came.set()


class _Server(HTTPServer):
    def __init__(self, address: tuple[str, int], path: str, take: object) -> None:
        self.path = path
        self.take = take
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        known = parts.path == self.server.path
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(_PAGE) if known else 0))
        self.send_header("Connection", "close")
        self.end_headers()
        if known:
            self.wfile.write(_PAGE)
            self.server.take(parts.query)  # type: ignore[operator]

    def log_message(self, format: str, *args: object) -> None:
        """The request line holds the code."""
