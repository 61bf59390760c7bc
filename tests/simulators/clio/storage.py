"""The storage host: where a 303 of the API leads, and where uploads go.

platform.yaml: downloads.rules, uploads.steps. A URL is signed for one object, one method and a short time. The
host is another one than the API's and knows nothing of its tokens: a request that brings an Authorization header
beside the signature is refused with 400, as signed-URL stores do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.world import World

RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


class Storage:
    """`base` is the URL of the host, known once it listens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._secret = hashlib.sha256(f"storage {world.seed}".encode()).digest()
        self.base = ""

    # -- what the API hands out ----------------------------------------------------------------------
    def download_url(self, name: str) -> str:
        return self._signed(
            "GET", f"/files/{quote(name)}", self._world.settings.download_seconds, {}, {}
        )

    def upload_url(self, name: str, headers: Mapping[str, str], part: int = 0) -> str:
        extra = {"partNumber": str(part)} if part else {}
        lasts = self._world.settings.upload_seconds
        return self._signed("PUT", f"/uploads/{quote(name)}", lasts, headers, extra)

    def _signed(
        self, method: str, path: str, seconds: float, headers: Mapping[str, str], extra: dict[str, str]
    ) -> str:  # fmt: skip
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": str(int(self._world.clock.now().timestamp())),
            "X-Amz-Expires": str(int(seconds)),
            "X-Amz-SignedHeaders": ";".join(sorted(name.lower() for name in headers)),
            **extra,
        }
        mark = self._mark(method, path, query, headers)
        return f"{self.base}{path}?{urlencode({**query, 'X-Amz-Signature': mark})}"

    def _mark(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> str:
        signed = sorted((name.lower(), value) for name, value in headers.items())
        text = repr((method, path, sorted(query.items()), signed))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    # -- what it answers -----------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        refused = self._refuse(request)
        if refused is not None:
            return refused
        name = request.path.rpartition("/")[2]
        if request.method == "PUT":
            return self._put(name, request)
        if name not in self._world.files.objects:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        return self._get(name, request)

    def _refuse(self, request: Request) -> Response | None:
        if "authorization" in request.headers:
            return _error(400, "InvalidArgument", "Only one auth mechanism allowed")
        query = dict(request.query)
        mark = query.pop("X-Amz-Signature", "")
        names = [name for name in query.get("X-Amz-SignedHeaders", "").split(";") if name]
        headers = {name: request.headers.get(name, "") for name in names}
        if not hmac.compare_digest(mark, self._mark(request.method, request.path, query, headers)):
            return _error(403, "SignatureDoesNotMatch", "The signature does not match.")
        ends = int(query["X-Amz-Date"]) + int(query["X-Amz-Expires"])
        if self._world.clock.now().timestamp() >= ends:
            return _error(403, "AccessDenied", "Request has expired")
        return None

    def _get(self, name: str, request: Request) -> Response:
        held = self._world.files.objects[name]
        headers = {
            "Content-Type": held.content_type,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(held.filename)}",
            "Accept-Ranges": "bytes",
        }
        start, end, status = 0, held.size, 200
        match = RANGE.match(request.headers.get("range", ""))
        if match:
            start = int(match[1])
            end = min(int(match[2]) + 1, held.size) if match[2] else held.size
            if start >= held.size or end <= start:
                return _error(416, "InvalidRange", "The requested range is not satisfiable")
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{held.size}"
        return Response(status, headers, self._world.files.read(name, start, end), end - start)

    def _put(self, name: str, request: Request) -> Response:
        digest = request.headers.get("content-md5")
        body = request.body
        if (
            digest
            and base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
            != digest
        ):
            return _error(
                400, "BadDigest", "The Content-MD5 you specified did not match what we received."
            )
        self._world.files.keep(name, body, int(request.one("partNumber") or 0))
        mark = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return Response(200, {"ETag": f'"{mark}"'})


def _error(status: int, code: str, message: str) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(status, {"Content-Type": "application/xml"}, text.encode())
