"""Answers as Graph words them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.simulators.clio.messages import Request, Response
from tests.simulators.graph.errors import GraphError

JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


def answer(status: int, value: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    if value is None:
        return Response(status, dict(headers or {}))
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, {"Content-Type": JSON, **(headers or {})}, body)


def refusal(error: GraphError, request: Request, date: str) -> Response:
    """examples: throttling - code and message, and an innerError with what the vendor's support asks for"""
    body = {
        "error": {
            "code": error.code,
            "message": error.message,
            "innerError": {
                "date": date.rstrip("Z"), "request-id": request_id(request, error.code),
                "client-request-id": client_request_id(request), **error.inner,
            },
        }
    }  # fmt: skip
    return answer(error.status, body, error.headers)


def request_id(request: Request, *words: object) -> str:
    text = repr((request.method, request.path, request.query, words))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def client_request_id(request: Request) -> str:
    return request.headers.get("client-request-id") or request_id(request)


def page(context: str, rows: list[Any], next_link: str | None = None, count: int | None = None) -> dict[str, Any]:  # fmt: skip
    body: dict[str, Any] = {"@odata.context": context}
    if count is not None:
        body["@odata.count"] = count
    if next_link:
        body["@odata.nextLink"] = next_link
    return body | {"value": rows}
