"""The host that has the bytes and takes uploads, by signed addresses alone. microsoft365.md: OneDrive, Restore.

Whoever brings a token to it is refused: the address is all that counts, and it ends soon.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from tests.simulators.clio.messages import Request, Response
from tests.simulators.graph.answers import answer, refusal
from tests.simulators.graph.errors import GraphError, bad_request
from tests.simulators.graph.world import World, stamp

RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")
FRAGMENT = 327_680  # microsoft365.md: Restore - Files
FRAGMENT_MOST = 60 * 1024 * 1024
ATTACHMENT_MOST = 4 * 1024 * 1024


@dataclass
class Upload:
    """`done` makes the item of all bytes. `outlook`: an attachment's, whose answers have other names."""

    done: Callable[[bytes], dict[str, Any]]
    outlook: bool
    expires: str
    size: int | None = None
    body: bytearray = field(default_factory=bytearray)


class Content:
    def __init__(self, world: World) -> None:
        self._world = world
        self._secret = hashlib.sha256(f"graph content {world.seed}".encode()).digest()
        self._uploads: dict[str, Upload] = {}
        self._imports: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.base = ""

    # -- what Graph hands out --------------------------------------------------------------------
    def download_url(self, name: str) -> str:
        return self._signed(f"/download/{quote(name)}", self._world.settings.download_seconds)

    def upload(self, done: Callable[[bytes], dict[str, Any]], *, outlook: bool = False, size: int | None = None) -> dict[str, Any]:  # fmt: skip
        """An upload session: its address and when it ends. examples: driveitem-createuploadsession"""
        seconds = self._world.settings.upload_seconds
        name = f"{len(self._uploads) + 1}"
        ends = stamp(self._world.clock.now() + timedelta(seconds=seconds))
        self._uploads[name] = Upload(done, outlook, ends, size)
        return {
            "uploadUrl": self._signed(f"/up/{name}", seconds), "expirationDateTime": ends,
            "nextExpectedRanges": ["0-"],
        }  # fmt: skip

    def forget(self, path: str) -> None:
        """An upload session ends before its time."""
        with self._world.lock:
            self._uploads.pop(path.rpartition("/")[2], None)

    def import_session(self, done: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        name = f"{len(self._imports) + 1}"
        self._imports[name] = done
        ends = stamp(self._world.clock.now() + timedelta(seconds=1_800))
        return {"importUrl": self._signed(f"/import/{name}", 1_800), "expirationDateTime": ends}

    def _signed(self, path: str, seconds: float) -> str:
        ends = str(int(self._world.clock.now().timestamp() + seconds))
        return f"{self.base}{path}?{urlencode({'ends': ends, 'tempauth': self._mark(path, ends)})}"

    def _mark(self, path: str, ends: str) -> str:
        return hmac.new(self._secret, f"{path} {ends}".encode(), hashlib.sha256).hexdigest()

    # -- what it answers -------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        try:
            with self._world.lock:
                return self._answer(request)
        except GraphError as error:
            return refusal(error, request, stamp(self._world.clock.now()))

    def _answer(self, request: Request) -> Response:
        if "authorization" in request.headers:
            raise GraphError(401, "unauthenticated", "This address takes no Authorization header.")
        ends = request.one("ends") or "0"
        mark = self._mark(quote(request.path), ends)
        if not hmac.compare_digest(request.one("tempauth") or "", mark):
            raise GraphError(401, "unauthenticated", "The address is not valid.")
        if self._world.clock.now().timestamp() >= int(ends):
            raise GraphError(401, "unauthenticated", "The address has expired.")
        kind, name = request.path.strip("/").split("/", 1)
        if kind == "download" and request.method in ("GET", "HEAD"):
            return self._get(name, request)
        if kind == "up" and name in self._uploads:
            return self._session(name, request)
        if kind == "import" and name in self._imports and request.method == "POST":
            return answer(200, self._imports[name](json.loads(request.body)))
        raise GraphError(404, "itemNotFound", "The upload session was not found.")

    def _get(self, name: str, request: Request) -> Response:
        held = self._world.files.objects.get(name)
        if held is None:
            raise GraphError(404, "itemNotFound", "The file is not there.")
        headers = {"Content-Type": held.content_type, "Accept-Ranges": "bytes"}
        start, end, status = 0, held.size, 200
        match = RANGE.match(request.headers.get("range", ""))
        if match:
            start = int(match[1])
            end = min(int(match[2]) + 1, held.size) if match[2] else held.size
            if start >= held.size or end <= start:
                raise GraphError(416, "invalidRange", "The range is not satisfiable.")
            status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{held.size}"
        return Response(status, headers, self._world.files.read(name, start, end), end - start)

    # -- upload sessions -------------------------------------------------------------------------
    def _session(self, name: str, request: Request) -> Response:
        held = self._uploads[name]
        if request.method == "DELETE":
            del self._uploads[name]
            return Response(204)
        if request.method == "GET":
            return answer(200, self._state(held))
        if request.method != "PUT":
            raise GraphError(405, "invalidRequest", "The method is not allowed.")
        match = CONTENT_RANGE.match(request.headers.get("content-range", ""))
        if match is None:
            raise bad_request("Content-Range is missing or malformed.", "invalidRequest")
        start, end, size = (int(one) for one in match.groups())
        if end - start + 1 != len(request.body) or end >= size:
            raise bad_request("The declared range is not that of the body.", "invalidRequest")
        if held.size not in (None, size):
            raise bad_request("The size is not that of the session.", "invalidRequest")
        self._fits(held, len(request.body), end + 1 == size)
        if start != len(held.body):
            # microsoft365.md: Restore - 416 on a repeated range
            raise GraphError(416, "invalidRange", "Optional bytes were uploaded already.")
        held.size = size
        held.body += request.body
        if len(held.body) < size:
            return answer(200 if held.outlook else 202, self._state(held))
        try:
            made = held.done(bytes(held.body))
        except GraphError:
            held.body = held.body[:start]  # the last fragment may be sent again
            raise
        del self._uploads[name]
        if held.outlook:  # examples: outlook-large-attachments - 201 with a Location and no body
            return Response(201, {"Location": made["location"]})
        return answer(201, made)

    def _fits(self, held: Upload, size: int, last: bool) -> None:
        if held.outlook:
            if size > ATTACHMENT_MOST:
                raise bad_request("A part is at most 4 MB.", "ErrorAttachmentSizeLimitExceeded")
        elif size >= FRAGMENT_MOST or (not last and size % FRAGMENT):
            raise bad_request("A fragment is a multiple of 320 KiB, and less than 60 MiB.", "invalidRequest")  # fmt: skip

    def _state(self, held: Upload) -> dict[str, Any]:
        at = len(held.body)
        if held.outlook:
            return {"ExpirationDateTime": held.expires, "NextExpectedRanges": [str(at)]}
        return {"expirationDateTime": held.expires, "nextExpectedRanges": [f"{at}-"]}
