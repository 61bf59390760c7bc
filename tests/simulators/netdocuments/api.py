"""Answers requests of the API: who asks, how often, with which scope, and then the route. platform.yaml: formats, errors."""

from __future__ import annotations

import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.clio.messages import Request, Response
from tests.simulators.netdocuments import (
    container_routes,
    document_routes,
    firm_routes,
    lookup_routes,
    other_routes,
    search_routes,
    write_routes,
)
from tests.simulators.netdocuments.access import Reader, demand_scope
from tests.simulators.netdocuments.answers import Answer, written
from tests.simulators.netdocuments.call import ROUTES, Call, Route
from tests.simulators.netdocuments.errors import ApiError, bad_request, not_found, unauthorized
from tests.simulators.netdocuments.limits import Limits
from tests.simulators.netdocuments.oauth import TOKEN, OAuth
from tests.simulators.netdocuments.paging import Pages
from tests.simulators.netdocuments.world import World

MODULES = (
    container_routes, document_routes, firm_routes, lookup_routes, other_routes, search_routes, write_routes,
)  # fmt: skip
SEARCHES_KEPT = 32


@dataclass
class Counts:
    """Requests by endpoint, with what varies as `{}`, and by status. `refused_in_a_row` is the longest run of refusals
    for too many requests, whoever asked."""

    endpoints: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    refused_in_a_row: int = 0
    _refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str, status: int, refused: bool = False) -> None:
        with self._lock:
            self.endpoints[name] += 1
            self.statuses[status] += 1
            self._refused = self._refused + 1 if refused else 0
            self.refused_in_a_row = max(self.refused_in_a_row, self._refused)

    def clear(self) -> None:
        with self._lock:
            self.endpoints.clear()
            self.statuses.clear()
            self.refused_in_a_row = self._refused = 0


class Api:
    def __init__(self, world: World, oauth: OAuth, limits: Limits) -> None:
        self.world = world
        self.oauth = oauth
        self.limits = limits
        self.counts = Counts()
        self.pages = Pages(world)
        self._searches: dict[Any, Any] = {}
        self._routes = [(re.compile(_pattern(one.path), re.IGNORECASE), one) for one in ROUTES]

    def handle(self, request: Request) -> Response:
        place, shape = "?", self.world.settings.error_shape
        try:
            if ":" in request.raw_path:
                # platform.yaml: ids.note - colons and carets are encoded
                raise bad_request("A potentially dangerous path was sent", "BadPath")
            if request.path.rstrip("/").lower() == TOKEN.lower():
                place = TOKEN
                response = self.oauth.token(request)
            else:
                found, parts = self._route(request)
                place = found.path
                response = self._answer(request, found, parts)
        except ApiError as error:
            answer = Answer(error.body(shape), "ndError", status=error.status, headers=error.headers)  # fmt: skip
            response = written(answer, request)
        except Exception as error:
            # A mistake of the simulator is told as one, so that no test takes it for the vendor's doing.
            traceback.print_exc()
            told = ApiError(500, "SimulatorError", f"{type(error).__name__}: {error}")
            response = written(Answer(told.body(shape), "ndError", status=500), request)
        self.counts.note(f"{request.method} {place}", response.status, response.status in (429, 503))  # fmt: skip
        return response

    def place(self, request: Request) -> str:
        """The name it is counted under."""
        for pattern, one in self._routes:
            if one.method == request.method and pattern.fullmatch(request.path):
                return f"{request.method} {one.path}"
        return f"{request.method} ?"

    def _route(self, request: Request) -> tuple[Route, list[str]]:
        """Paths are told apart without regard to case, and the literal ones come before those that vary."""
        path, other = request.path.rstrip("/"), False
        for pattern, one in self._routes:
            match = pattern.fullmatch(path)
            if match is not None and one.method == request.method:
                return one, list(match.groups())
            other = other or match is not None
        raise ApiError(405, "MethodNotAllowed", "There is no such method here") if other else not_found()  # fmt: skip

    def _answer(self, request: Request, found: Route, parts: list[str]) -> Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise unauthorized()
        grant, user = self.oauth.grant_of(token, request.region)
        self.limits.take(token)
        with self.world.lock:
            self.world.purge_old()
            if user is None or self.world.store.at(user) is None:
                # platform.yaml: oauth.client_credentials.needs - signed in, and everything comes back empty
                if found.empty == "":
                    return Response(200, {"Content-Type": document_routes.OCTETS})
                return written(Answer(found.empty), request)
            demand_scope(grant.scopes, found.scope)
            call = Call(self, request, Reader(self.world, user))
            unknown = set(call.query) - found.query
            if unknown:
                raise bad_request(f"Unknown parameter {sorted(unknown)[0]}")
            for name in found.needed:
                if not call.query.get(name):
                    raise bad_request(f"{name} is required", "MissingParameter")
            answer = found.handler(call, *parts)
            return answer if isinstance(answer, Response) else written(answer, request)

    def searched(self, reader: Reader, words: tuple[Any, ...], find: Callable[[], Any]) -> Any:
        """What was found is kept for the pages that follow, until anything changes."""
        moment = self.world.clock.now() if self.world.settings.index_seconds else None
        key = (self.world.store.sequence, moment, reader.user, words)
        if key not in self._searches:
            while len(self._searches) >= SEARCHES_KEPT:
                self._searches.pop(next(iter(self._searches)))
            self._searches[key] = find()
        return self._searches[key]


def _pattern(path: str) -> str:
    """A part that varies is anything without a slash; what comes after it in the path is literal."""
    return "/".join("([^/]+)" if one == "{}" else re.escape(one) for one in path.split("/"))


def specific(one: Route) -> tuple[Any, ...]:
    """Literal parts first, so that `/v1/User/cabinets` is not a user's name."""
    return tuple(part == "{}" for part in one.path.split("/"))


ROUTES.sort(key=specific)

__all__ = ["MODULES", "Api"]
