"""Pages of a list: order, cursor, offset. platform.yaml: pagination.

Ordered by id, a page ends with a cursor and the next begins behind it, without limit: a row that is deleted
meanwhile just vanishes, a new one comes later. Ordered by anything else, a page is a place in the list, so rows
that come and go shift it, and it ends at 10,000 rows.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
import hmac
import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.simulators.clio import filters
from tests.simulators.clio.access import Reader
from tests.simulators.clio.errors import ApiError, bad_request, unprocessable
from tests.simulators.clio.messages import Request
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.tables import Resource
from tests.simulators.clio.world import View, World

# What a column of `order` looks at, where that is no field of the row (openapi: order).
COLUMNS = {
    "client_name": "client.name",
    "matter_display_number": "matters.display_number",
    "clients": "client.name",
    "matter": "matter.display_number",
    "author": "author.name",
    "set": "utbms_set_id",
    "category.name": "document_category.name",
    "last_modified": "updated_at",
    "last_modified_at": "updated_at",
    "document_number": "id",
    "due_at_strict": "due_at",
    "last_message_id": "id",
    "matter_id": "matter.id",
    "submitted_date": "created_at",
}


@dataclass(frozen=True)
class Page:
    rows: list[tuple[Ref, Row]]
    meta: dict[str, Any]


class Within(NamedTuple):
    """Only the rows whose `column` refers to `target`."""

    column: str
    target: Ref


class Lister:
    """Keeps the ids of the last few lists while nothing changes, as the pages of one list follow each other."""

    KEPT = 16

    def __init__(self, world: World) -> None:
        self._world = world
        self._secret = hashlib.sha256(f"pages {world.seed}".encode()).digest()
        self._lists: OrderedDict[tuple[Any, ...], list[Ref]] = OrderedDict()

    def page(
        self, resource: Resource, reader: Reader, request: Request, within: Within | None = None
    ) -> Page:
        """Raises ApiError. `within` is what the path names, such as the document of its versions."""
        limit = _limit(resource, request)
        column, descending = _order(resource, request)
        refs = self._refs(resource, reader, request, column, descending, within)
        token = self._read(resource, column, descending, request)
        by_id = column == "id" and "at" not in token
        start = _start(refs, token, by_id, descending, limit)
        if request.one("offset") is not None:
            start = _offset(request)
            by_id = False
        if not by_id and start >= self._world.settings.offset_limit:
            raise unprocessable("offset too large")  # examples.json: offset_over
        chosen = refs[start : start + limit]
        paging: dict[str, str] = {}
        place: dict[str, Any]
        if start + limit < len(refs):
            place = {"after": chosen[-1].id} if by_id else {"at": start + limit}
            paging["next"] = self._url(resource, column, descending, request, place)
        if start > 0:
            place = (
                {"before": refs[start].id if start < len(refs) else None}
                if by_id
                else {"at": max(0, start - limit)}
            )
            paging["previous"] = self._url(resource, column, descending, request, place)
        meta: dict[str, Any] = {"paging": paging}
        if self._world.settings.send_records:
            meta["records"] = len(refs)
        store = reader.view.store
        rows = [(ref, store.at(ref)) for ref in chosen]
        return Page([(ref, row) for ref, row in rows if row is not None], meta)

    def _refs(
        self, resource: Resource, reader: Reader, request: Request, column: str, descending: bool, within: Within | None
    ) -> list[Ref]:  # fmt: skip
        asked = tuple(pair for pair in request.query if pair[0] not in filters.PAGING)
        key = (
            self._world.store.sequence, resource.name, asked, column, descending,
            reader.user, reader.restrictions, within,
        )  # fmt: skip
        if key not in self._lists:
            self._lists[key] = _sorted(
                reader.view, _matching(resource, reader, asked, within), column, descending
            )
            while len(self._lists) > self.KEPT:
                self._lists.popitem(last=False)
        return self._lists[key]

    # -- tokens ------------------------------------------------------------------------------------
    def _url(self, resource: Resource, column: str, descending: bool, request: Request, place: dict[str, Any]) -> str:  # fmt: skip
        """platform.yaml: pagination.cursor.next - an absolute URL that holds page_token"""
        held = {
            "r": resource.name,
            "o": column,
            "d": descending,
            "t": self._world.clock.now().timestamp(),
            **place,
        }
        text = (
            base64.urlsafe_b64encode(json.dumps(held, separators=(",", ":")).encode())
            .decode()
            .rstrip("=")
        )
        pairs = [pair for pair in request.query if pair[0] not in ("page_token", "offset")]
        query = urlencode([*pairs, ("page_token", f"{text}.{self._mark(text)}")])
        return f"{request.base}{request.path}?{query}"

    def _mark(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:16]

    def _read(
        self, resource: Resource, column: str, descending: bool, request: Request
    ) -> dict[str, Any]:
        token = request.one("page_token")
        if token is None:
            return {}
        text, _, mark = token.rpartition(".")
        if not hmac.compare_digest(mark, self._mark(text)):
            raise bad_request("The page token is not valid")
        held: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if (held["r"], held["o"], held["d"]) != (resource.name, column, descending):
            raise bad_request("The page token belongs to another list")
        lasts = self._world.settings.page_token_seconds
        if lasts is not None and self._world.clock.now().timestamp() > held["t"] + lasts:
            raise bad_request("The page token has expired")
        return held


def _limit(resource: Resource, request: Request) -> int:
    """platform.yaml: pagination.limit"""
    text = request.one("limit")
    if text is None:
        return resource.limit
    limit = int(text) if text.isdigit() else 0
    if not 1 <= limit <= resource.limit:
        raise bad_request(f"'limit' is from 1 to {resource.limit}")
    return limit


def _offset(request: Request) -> int:
    text = request.one("offset") or ""
    if not text.isdigit():
        raise bad_request("'offset' is no whole number")
    return int(text)


def _order(resource: Resource, request: Request) -> tuple[str, bool]:
    text = request.one("order")
    if text is None:
        # resources.yaml: allocations.notes - the default is not always id(asc)
        return resource.default_order, False
    column, _, rest = text.partition("(")
    if column not in resource.orders or rest not in ("asc)", "desc)"):
        raise bad_request(f"'{text}' is no order of {resource.name}")
    return column, rest == "desc)"


def _start(
    refs: list[Ref], token: dict[str, Any], by_id: bool, descending: bool, limit: int
) -> int:
    if not by_id:
        return int(token.get("at", 0))
    ids = [-ref.id if descending else ref.id for ref in refs] if token else []
    sign = -1 if descending else 1
    if "after" in token:
        return bisect.bisect_right(ids, sign * token["after"])
    if token.get("before") is not None:
        return max(0, bisect.bisect_left(ids, sign * token["before"]) - limit)
    return 0


def _matching(
    resource: Resource, reader: Reader, asked: tuple[tuple[str, str], ...], within: Within | None
) -> list[Ref]:
    conditions, candidates = filters.keepers(reader.view, resource, asked)
    store = reader.view.store
    if within is not None:
        candidates = store.referrers(resource.name, within.column, within.target)
    restricted = reader.restrictions.any
    found = []
    for collection in (
        ("documents", "folders") if resource.name == "folders/list" else (resource.name,)
    ):
        for id_ in store.ids(collection) if candidates is None else candidates:
            ref = Ref(collection, id_)
            row = store.at(ref)
            if row is None or (restricted and not reader.sees(ref, row)):
                continue
            if all(keeps(ref, row) for keeps in conditions):
                found.append(ref)
    return found


def _sorted(view: View, refs: list[Ref], column: str, descending: bool) -> list[Ref]:
    if column == "id":
        return sorted(refs, key=lambda ref: ref.id, reverse=descending)

    def key(ref: Ref) -> tuple[bool, Any, int]:
        value = _value(view, ref, COLUMNS.get(column, column))
        return (value is None, "" if value is None else value, ref.id)

    first = COLUMNS.get(column, column).partition(".")[0]
    if refs and not any(first in (view.store.at(ref) or {}) for ref in refs):
        raise ApiError(501, "NotSimulated", f"The order '{column}' is not simulated")
    return sorted(refs, key=key, reverse=descending)


def _value(view: View, ref: Ref, column: str) -> Any:
    first, _, rest = column.partition(".")
    value = (view.store.at(ref) or {}).get(first)
    if isinstance(value, list):
        value = value[0] if value else None
    if type(value) is Ref:
        held = view.store.at(value) or {}
        value = held.get(rest or "id")
    if type(value) is str and len(value) >= 19 and value[10] == "T":
        return datetime.fromisoformat(value).timestamp()
    return value
