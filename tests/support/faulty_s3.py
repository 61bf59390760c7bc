"""A man in the middle: a proxy before a real S3 server that spoils what a rule chooses.

The real server stays behind it, so a store is whole as soon as the rule is taken away, and what the
proxy does to bytes is judged by the server and the client themselves. A signature covers the host that
the client named, which the proxy passes on.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Fault = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """One request on its way, and the answer. A fault may change both, or end it itself.

    `name` is the object's key within the bucket. Without an `answer` the server is asked.
    """

    method: str
    name: str
    body: bytes
    headers: dict[str, str]
    answer: tuple[int, dict[str, str], bytes] | None = None
    drop: bool = False

    def refuse(self, status: int, code: str) -> None:
        """Answers with an S3 error; the server never sees the request."""
        message = "a message in which a secret may stand"
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self.answer = (status, {}, text.encode())


@dataclass
class FaultyS3:
    """`before` sees each request, `after` each answer of the server."""

    target: str
    url: str = ""
    before: Fault | None = None
    after: Fault | None = None
    requests: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def heal(self) -> None:
        self.before = self.after = None
        self.release.set()
        self.requests.clear()

    def hang(self) -> None:
        """Says nothing until `heal` or the end of the test; then drops the connection."""
        self.hanging.set()
        self.release.wait(60)


@contextmanager
def faulty_s3(target: str) -> Iterator[FaultyS3]:
    """A proxy before the server at `target` (`http://host:port`)."""
    faulty = FaultyS3(target)
    host = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def exchange(self) -> None:
            path = unquote(urlsplit(self.path).path)
            length = int(self.headers.get("Content-Length", 0))
            if self.headers.get("Expect", "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            one = Exchange(
                self.command,
                path.lstrip("/").partition("/")[2],
                self.rfile.read(length),
                dict(self.headers.items()),
            )
            faulty.requests.append(f"{self.command} {one.name}")
            if faulty.before is not None:
                faulty.before(one)
            if one.answer is None and not one.drop:
                one.answer = self._ask(one)
                if faulty.after is not None:
                    faulty.after(one)
            if one.drop or one.answer is None:
                self.close_connection = True
                return
            self._give(*one.answer)

        def _ask(self, one: Exchange) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(host, timeout=30)
            try:
                connection.putrequest(
                    one.method, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in one.headers.items():
                    if name.lower() not in ("expect", "connection", "content-length"):
                        connection.putheader(name, value)
                connection.putheader("Content-Length", str(len(one.body)))
                connection.endheaders(one.body)
                answer = connection.getresponse()
                return answer.status, dict(answer.getheaders()), answer.read()
            finally:
                connection.close()

        def _give(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            lower = {name.lower() for name in headers}
            for name, value in headers.items():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            # A HEAD promises the length of a body that it does not send.
            length = headers.get("Content-Length", "") if self.command == "HEAD" else ""
            self.send_header("Content-Length", length or str(len(body)))
            if "date" not in lower:
                self.send_header("Date", self.date_time_string())
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = exchange  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that gave up waiting is what is tested; its trace would look like the product's."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    faulty.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield faulty
    finally:
        faulty.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
