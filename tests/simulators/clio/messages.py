"""Requests and answers, apart from sockets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.simulators.clio.errors import ApiError, bad_request

JSON = "application/json; charset=utf-8"  # platform.yaml: headers.response_content_type


@dataclass(frozen=True)
class Request:
    """`headers` have lower-case names. `query` keeps order and repetition."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""  # scheme, host and port the request came to
    region: str = "us"
    raw_path: str = ""  # as it came, still percent-encoded

    def one(self, name: str) -> str | None:
        """The last value given for a parameter."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def data(self) -> dict[str, Any]:
        """The object under `data` of a JSON body. platform.yaml: headers.content_type"""
        try:
            parsed = json.loads(self.body or b"{}")
        except ValueError as error:
            raise bad_request("The body is no JSON") from error
        data = parsed.get("data") if isinstance(parsed, dict) else None
        if not isinstance(data, dict):
            raise bad_request("The body has no object under 'data'")
        return data


@dataclass
class Response:
    """`body` may be a stream; then `length` is its size in bytes."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    length: int | None = None
    # What a fault does to the body on its way (faults.py).
    torn_after: int | None = None
    seconds: float = 0.0


def answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    body = b"" if value is None else json.dumps(value, separators=(",", ":")).encode()
    return Response(status, {"Content-Type": JSON, **(headers or {})}, body)


def refusal(error: ApiError) -> Response:
    return answer(error.status, error.body, error.headers)
