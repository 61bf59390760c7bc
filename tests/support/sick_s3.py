"""An HTTP server that answers an S3 client with faults, by script, for what no healthy server does
on demand: 409, 503, an answer cut short, no answer at all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG = "hang"
CUT = "cut"
"""Sends half of the promised body, then closes."""
DROP = "drop"
"""Closes without an answer."""


@dataclass
class Answer:
    """Status, an S3 error code (or none for success), headers, body."""

    status: int
    code: str = ""
    message: str = "secret-in-a-message"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class SickS3:
    """`script` is what the next requests get; the last one is repeated."""

    def __init__(self) -> None:
        self.script: deque[Answer | str] = deque()
        self.requests: list[str] = []
        self.release = threading.Event()
        self.url = ""

    def next(self) -> Answer | str:
        return self.script.popleft() if len(self.script) > 1 else self.script[0]


@contextmanager
def sick_s3() -> Iterator[SickS3]:
    sick = SickS3()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            sick.requests.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            step = sick.next()
            if isinstance(step, str):
                self.close_connection = True
                if step == HANG:
                    sick.release.wait(60)
                if step == CUT:
                    self.send_response(200)
                    self.send_header("Content-Length", "100")
                    self.end_headers()
                    self.wfile.write(b"x" * 50)
                return
            body = step.body
            if step.code:
                text = f"<Error><Code>{step.code}</Code><Message>{step.message}</Message></Error>"
                body = text.encode()
            self.send_response(step.status)
            for name, value in step.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sick.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield sick
    finally:
        sick.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
