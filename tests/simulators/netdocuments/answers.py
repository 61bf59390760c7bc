"""Values as JSON or XML. platform.yaml: formats.rule - XML unless JSON is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from tests.simulators.clio.messages import Request, Response

JSON, XML = "application/json; charset=utf-8", "application/xml; charset=utf-8"
# What XML cannot hold, in whatever way it is written.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass
class Answer:
    """A value yet to be written down. `root` is the name of its XML element, `each` of the elements of a list."""

    value: Any
    root: str = "ndResponse"
    each: str = "item"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def wants_json(request: Request) -> bool:
    """Only where the header says so: `*/*` is not enough."""
    accepted = request.headers.get("accept", "").lower()
    return any(one.split(";")[0].strip() == "application/json" for one in accepted.split(","))


def written(answer: Answer, request: Request) -> Response:
    if answer.status == 204 or answer.value is None:
        return Response(answer.status, dict(answer.headers))
    if wants_json(request):
        body = json.dumps(answer.value, separators=(",", ":"), ensure_ascii=False).encode()
        return Response(answer.status, {"Content-Type": JSON, **answer.headers}, body)
    text = (
        f'<?xml version="1.0" encoding="utf-8"?>{_element(answer.root, answer.value, answer.each)}'
    )
    return Response(answer.status, {"Content-Type": XML, **answer.headers}, text.encode())


def _element(name: str, value: Any, each: str) -> str:
    if isinstance(value, Mapping):
        inside = "".join(_element(key, held, _part(key)) for key, held in value.items())
    elif isinstance(value, list):
        inside = "".join(_element(each, held, "item") for held in value)
    elif value is None:
        return f"<{name}/>"
    elif isinstance(value, bool):
        inside = "true" if value else "false"
    else:
        inside = escape(_UNWRITABLE.sub("?", str(value)))
    return f"<{name}>{inside}</{name}>"


def _part(key: str) -> str:
    """examples.json: v1_folder_list_xml"""
    return {"standardList": "ndProfile.DocumentStat", "list": "ndListEntry"}.get(key, "item")
