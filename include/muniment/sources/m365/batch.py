"""Batch: what became of a few objects, twenty in one request. Each has a status of its own."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from muniment.sources.m365.rounds import Shown
from muniment.sources.m365.transport import IMMUTABLE, Transport
from muniment.sources.web.budget import retry_after
from muniment.sources.web.transport import PASSING, Pairs

MOST = 20
ROUNDS = 8


def looked_up(
    transport: Transport, collection: str, ids: Sequence[str], query: Pairs = ()
) -> Iterator[tuple[str, Shown | None]]:
    """Each id with its object, None where there is none. Raises SourceUnavailable."""
    for id_, found in answered(transport, collection, ids, query):
        if found is not None and not isinstance(found, dict):
            raise transport.unavailable("a part of a batch is no object")
        yield id_, found


def contents(
    transport: Transport, collection: str, ids: Sequence[str], suffix: str
) -> Iterator[tuple[str, bytes | None]]:
    """Each id with its small bytes (a photo), None where there are none. Raises SourceUnavailable."""
    for id_, found in answered(transport, collection, ids, (), suffix):
        try:
            yield id_, None if found is None else base64.b64decode(found, validate=True)
        except (TypeError, ValueError):
            raise transport.unavailable("a part of a batch has no bytes") from None


def answered(
    transport: Transport, collection: str, ids: Sequence[str], query: Pairs = (), suffix: str = ""
) -> Iterator[tuple[str, Any]]:
    for start in range(0, len(ids), MOST):
        yield from _answered(transport, collection, list(ids[start : start + MOST]), query, suffix)


def _answered(
    transport: Transport, collection: str, ids: list[str], query: Pairs, suffix: str
) -> Iterator[tuple[str, Any]]:
    for attempt in range(ROUNDS):
        left: list[str] = []
        answers = _asked(transport, collection, ids, query, suffix)
        for id_ in ids:
            told = answers.get(id_, {})
            status = told.get("status")
            if status == 200 and told.get("body") is not None:
                yield id_, told["body"]
            elif status == 404:
                yield id_, None
            elif status == 429 or status in PASSING or status is None:
                left.append(id_)
                _wait(transport, told)
            else:
                raise transport.unavailable(f"a part of a batch is answered {status}")
        if not left:
            return
        ids = left
        transport.pause(attempt)
    raise transport.unavailable("a batch is never answered whole")


def _wait(transport: Transport, told: Mapping[str, object]) -> None:
    headers = told.get("headers")
    if isinstance(headers, dict) and headers.get("Retry-After"):
        transport.budget.refused(retry_after(headers, transport.clock.now()))


def _asked(
    transport: Transport, collection: str, ids: list[str], query: Pairs, suffix: str
) -> dict[str, Shown]:
    tail = f"?{urlencode(query, quote_via=quote)}" if query else ""
    parts = [
        {
            "id": str(place), "method": "GET", "url": f"/{collection}/{quote(id_)}{suffix}{tail}",
            "headers": {"Prefer": IMMUTABLE},
        }
        for place, id_ in enumerate(ids)
    ]  # fmt: skip
    answer = transport.many(parts)
    if answer.status != 200:
        raise transport.error(answer)
    try:
        told = answer.json()["responses"]
        return {ids[int(one["id"])]: one for one in told}
    except (ValueError, TypeError, KeyError, IndexError):
        raise transport.unavailable("a batch is answered in another form") from None
