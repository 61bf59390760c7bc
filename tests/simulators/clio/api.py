"""Answers requests under /api/v4: who asks, which version, how often, and then the route.

platform.yaml: headers, rate_limit, etags; the routes are in routes.py.
"""

from __future__ import annotations

import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from tests.simulators.clio import reports, rules_dealings, rules_money, rules_work
from tests.simulators.clio.access import Permissions, Reader, Restrictions
from tests.simulators.clio.documents import Uploads, purge
from tests.simulators.clio.errors import ApiError, forbidden, unauthorized
from tests.simulators.clio.fields import plan
from tests.simulators.clio.limits import Limits
from tests.simulators.clio.listing import Lister
from tests.simulators.clio.messages import Request, Response, answer, refusal
from tests.simulators.clio.oauth import OAuth
from tests.simulators.clio.render import Renderer
from tests.simulators.clio.storage import Storage
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.tables import Resource
from tests.simulators.clio.world import View, World
from tests.simulators.clio.writes import Rule, Writer

ROOT = "/api/v4"
# platform.yaml: headers.X-API-VERSION
DEFAULT_VERSION = "4.0.13"
VERSIONS = tuple(f"4.0.{number}" for number in (4, 5, 6, 7, 8, 9, 10, 12, 13))


@dataclass
class Counts:
    """Requests by endpoint, with numbers as `{id}`, and by status; those to the storage host are named so.
    `refused_in_a_row` is the longest run of 429, whoever asked."""

    endpoints: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    refused_in_a_row: int = 0
    _refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str, status: int) -> None:
        with self._lock:
            self.endpoints[name] += 1
            self.statuses[status] += 1
            if " /api/" in name:
                self._refused = self._refused + 1 if status == 429 else 0
                self.refused_in_a_row = max(self.refused_in_a_row, self._refused)

    def clear(self) -> None:
        with self._lock:
            self.endpoints.clear()
            self.statuses.clear()
            self.refused_in_a_row = self._refused = 0


def endpoint(request: Request) -> str:
    path = re.sub(r"/\d+(?=[/.]|$)", "/{id}", request.path)
    return f"{request.method} {path}"


class Call:
    """One request on its way: who asks, and the means to answer."""

    def __init__(self, api: Api, request: Request, reader: Reader) -> None:
        self.api = api
        self.world = api.world
        self.request = request
        self.reader = reader
        self.writer = Writer(api.world, reader, api.rules)

    @property
    def view(self) -> View:
        return self.reader.view

    def within(self, view: View) -> Call:
        """The same request, asked of rows that were worked out for it."""
        return Call(
            self.api, self.request, Reader(view, self.reader.user, self.reader.restrictions)
        )

    def renderer(self) -> Renderer:
        limited = self.reader.restrictions.any
        return Renderer(self.view, self.reader.sees if limited else None)

    def row(self, ref: Ref) -> Row:
        """Raises ApiError (404) where there is no such row, or none this user may see."""
        row = self.view.store.at(ref)
        if row is None or not self.reader.sees(ref, row):
            raise ApiError(404, "RecordNotFound", f"{ref.collection} {ref.id} could not be found")
        return row

    # -- answers -----------------------------------------------------------------------------------
    def show(self, schema: str, ref: Ref, row: Row, status: int = 200) -> Response:
        """One row, with its ETag. platform.yaml: etags"""
        asked = plan(schema, self.request.one("fields"))
        headers = {"ETag": row["etag"]} if "etag" in row else {}
        changed = datetime.fromisoformat(row["updated_at"]) if "updated_at" in row else None
        if changed is not None:
            headers["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)
        if self.request.method == "GET" and self._unmodified(row, changed):
            return Response(304, headers)
        shown = self.renderer().row(asked, ref, self.reader.shape(ref, row))
        return answer(status, {"data": shown}, headers)

    def _unmodified(self, row: Row, changed: datetime | None) -> bool:
        tags = self.request.headers.get("if-none-match")
        if tags is not None:
            return "*" in tags or row.get("etag") in [tag.strip() for tag in tags.split(",")]
        since = self.request.headers.get("if-modified-since")
        if since is None or changed is None:
            return False
        try:
            moment = parsedate_to_datetime(since)
        except ValueError:
            return False
        return changed <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    def list(self, resource: Resource, **within: Any) -> Response:
        asked = plan(resource.schema, self.request.one("fields"))
        page = self.api.lister.page(resource, self.reader, self.request, **within)
        renderer, shape = self.renderer(), self.reader.shape
        data = [
            renderer.row(asked, ref, shape(ref, self._asked_values(row))) for ref, row in page.rows
        ]
        return answer(200, {"data": data, "meta": page.meta})

    def _asked_values(self, row: Row) -> Row:
        """openapi: custom_field_ids[] - only the values of these custom fields"""
        wanted = self.request.all("custom_field_ids[]")
        if not wanted:
            return row
        kept = [one for one in row["custom_field_values"] if str(one["custom_field"].id) in wanted]
        return {**row, "custom_field_values": kept}


class Api:
    """`route` answers a call by its path. `permissions`, `limits` and `oauth` may be changed while it runs."""

    def __init__(
        self, world: World, oauth: OAuth, storage: Storage, limits: Limits, route: Callable[[Call], Response]
    ) -> None:  # fmt: skip
        self.world = world
        self._route = route
        self.oauth = oauth
        self.storage = storage
        self.limits = limits
        self.permissions = Permissions()
        self.counts = Counts()
        self.lister = Lister(world)
        self.uploads = Uploads(world, storage)
        self.rules: dict[str, Rule] = {
            **rules_work.RULES, **rules_dealings.RULES, **rules_money.RULES, **reports.RULES, **self.uploads.rules(),
        }  # fmt: skip
        self.practice_areas_moved = False

    def handle(self, request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            response = self._answer(request, headers)
        except ApiError as error:
            response = refusal(error)
        except Exception as error:
            # A mistake of the simulator is told as one, so that no test takes it for the vendor's doing.
            traceback.print_exc()
            response = refusal(ApiError(500, "SimulatorError", f"{type(error).__name__}: {error}"))
        response.headers = {**headers, **response.headers}
        self.counts.note(endpoint(request), response.status)
        return response

    def _answer(self, request: Request, headers: dict[str, str]) -> Response:
        bearer = request.headers.get("authorization", "")
        if not bearer.startswith("Bearer "):
            raise unauthorized()
        token = bearer.removeprefix("Bearer ")
        user = self.oauth.user_of(token, request.region)
        headers |= self.limits.take(token, request.region, self.world.clock.now())
        version = request.headers.get("x-api-version", DEFAULT_VERSION)
        if version not in VERSIONS:
            # examples.json: bad_version
            raise ApiError(410, "InvalidVersion", f"API version {version} is not available")
        with self.world.lock:
            purge(self.world)
            row = self.world.store.at(user)
            if row is None or not row["enabled"]:
                raise unauthorized()
            reads = self.permissions.read_only or not self.oauth.may_write(token)
            if reads and request.method != "GET":
                raise forbidden("The application may only read")
            limits = self.permissions.restrictions.get(user.id, Restrictions())
            call = Call(self, request, Reader(self.world.view(), user, limits))
            response = self._route(call)
        if response.status < 400:
            response.headers["X-API-VERSION"] = version
        return response
