"""Answers requests under /v1.0: who asks, with which roles, how often, and then the route."""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph import query
from tests.simulators.graph.answers import answer, client_request_id, refusal, request_id
from tests.simulators.graph.entra import Entra, Token
from tests.simulators.graph.errors import (
    GraphError,
    bad_request,
    denied,
    item_not_found,
    malformed_id,
    no_mailbox,
    not_simulated,
    resource_not_found,
    scoped_out,
    unauthorized,
)  # fmt: skip
from tests.simulators.graph.limits import Limits
from tests.simulators.graph.tokens import Tokens
from tests.simulators.graph.world import World, stamp

ROOT = "/v1.0"
Handler = Callable[["Call"], Response]


@dataclass(frozen=True)
class Route:
    """`roles`: one of them is needed. `options`: the query options it knows. `cost`: in units of the service."""

    method: str
    template: str
    pattern: re.Pattern[str]
    roles: tuple[str, ...]
    options: frozenset[str]
    service: str
    cost: int
    handler: Handler


ROUTES: list[Route] = []
LIST = ("$select", "$top", "$skip", "$skiptoken", "$count", "$filter", "$orderby", "$expand")
DELTA = ("$select", "$top", "$skiptoken", "$deltatoken", "$expand")


def route(
    method: str, template: str, roles: tuple[str, ...], *, options: Iterable[str] = (), service: str = "outlook",
    cost: int = 1,
) -> Callable[[Handler], Handler]:  # fmt: skip
    pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)) + "$")

    def keep(handler: Handler) -> Handler:
        ROUTES.append(
            Route(method, template, pattern, roles, frozenset(options), service, cost, handler)
        )
        return handler

    return keep


def plain(path: str) -> str:
    """One spelling of a path: keys as segments, functions without brackets."""
    path = re.sub(r"(\w)\('([^']*)'\)", r"\1/\2", path)
    return path.replace("/microsoft.graph.", "/").replace("()", "").rstrip("/") or "/"


class Call:
    """One request on its way, and the means to answer it."""

    def __init__(
        self, api: Api, request: Request, token: Token, found: Route, path: dict[str, str]
    ) -> None:
        self.api = api
        self.world = api.world
        self.request = request
        self.token = token
        self.route = found
        self.path = path
        self.prefer = query.preferences(request.headers.get("prefer", ""))
        self.applied: list[str] = []

    # -- how it is asked -------------------------------------------------------------------------
    def option(self, name: str) -> str | None:
        return self.request.one(name)

    @cached_property
    def immutable(self) -> bool:
        """microsoft365.md: Mail - Prefer: IdType="ImmutableId" on every request"""
        asked = self.prefer.get("idtype", "") == "ImmutableId"
        if asked:
            self.applied.append('IdType="ImmutableId"')
        return asked

    def page_size(self, default: int, most: int) -> int:
        """By $top, which is refused beyond what is allowed, or by a preference, which is only capped."""
        top = self.option("$top")
        if top is not None:
            return query.number(top, "$top", 1, most, default)
        asked = self.prefer.get("odata.maxpagesize")
        if asked is not None and asked.isdigit() and int(asked) > 0:
            self.applied.append(f"odata.maxpagesize={min(int(asked), most)}")
            return min(int(asked), most)
        return default

    def has(self, *roles: str) -> bool:
        return bool(self.token.roles & set(roles))

    def json(self) -> dict[str, Any]:
        if not self.request.headers.get("content-type", "").startswith("application/json"):
            raise GraphError(415, "UnsupportedMediaType", "The content type is not application/json.")  # fmt: skip
        try:
            parsed = json.loads(self.request.body)
        except ValueError as error:
            raise bad_request("Unable to read JSON request payload.") from error
        if not isinstance(parsed, dict):
            raise bad_request("Unable to read JSON request payload.")
        return parsed

    # -- what it is about ------------------------------------------------------------------------
    def user(self) -> Ref:
        ref = self.find_user(self.path["user"])
        if ref is None:
            if self.route.service == "outlook":
                raise GraphError(404, "ErrorInvalidUser", f"The requested user '{self.path['user']}' is invalid.")  # fmt: skip
            raise resource_not_found(self.path["user"])
        return ref

    def find_user(self, text: str) -> Ref | None:
        ref = self.world.by_guid(text)
        if ref is None:
            for number, row in self.world.store.rows("users"):
                if row["userPrincipalName"].lower() == text.lower():
                    ref = Ref("users", number)
        row = self.world.store.at(ref) if ref and ref.collection == "users" else None
        return ref if row is not None and row["deletedDateTime"] is None else None

    def mailbox(self) -> Ref:
        """The user of the path, who has a mailbox that this application may see."""
        ref = self.user()
        self.see(ref)
        if self.world.row(ref)["_mailbox"] != "here":
            raise no_mailbox()
        return ref

    def see(self, user: Ref) -> None:
        scope = self.api.scopes.get(self.token.application.client_id)
        if scope is not None and user.id not in scope:
            raise scoped_out()

    def folder(self, name: str = "folder") -> Ref:
        ref = self.find_folder(self.path[name], self.mailbox())
        if ref is None:
            raise item_not_found()
        return ref

    def find_folder(self, text: str, user: Ref) -> Ref | None:
        known = self.api.known_folder(user, text.lower())
        if known is not None:
            return known
        found = self.world.ids.read(text)
        if found is None or found.kind != "folder":
            raise malformed_id()
        ref = Ref("folders", found.number)
        row = self.world.store.at(ref)
        return ref if row is not None and row["_user"] == user else None

    def item(self, kind: str, name: str, collection: str) -> tuple[Ref, Row]:
        """A message, an event or a contact of the mailbox, by an id of the form that was asked for."""
        user = self.mailbox()
        found = self.world.ids.read(self.path[name])
        wanted = f"{kind}/immutable" if self.immutable else kind
        if found is None or found.kind != wanted:
            raise malformed_id()
        ref = Ref(collection, found.number)
        row = self.world.store.at(ref)
        if row is None or self.owner(row) != user:
            raise item_not_found()
        if not self.immutable and kind == "message" and found.extra != row["_moves"]:
            raise item_not_found()  # microsoft365.md: Mail - the id it had before it moved
        return ref, row

    def owner(self, row: Row) -> Ref:
        place: Ref = row.get("_folder") or row["_calendar"]
        held: Ref = self.world.row(place)["_user"]
        return held

    def id_of(self, kind: str, number: int, extra: int = 0) -> str:
        return self.world.ids.give(
            f"{kind}/immutable" if self.immutable else kind, number, 0 if self.immutable else extra
        )

    # -- answers ---------------------------------------------------------------------------------
    def context(self, what: str) -> str:
        return f"{self.api.base}{ROOT}/$metadata#{what}"

    def link(self, **options: str) -> str:
        """This address with other options: absolute, as the vendor gives them."""
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return f"{self.api.base}{quote(self.request.path, safe='/$()=:!,')}?{text}"

    def entity(self, value: dict[str, Any], status: int = 200, what: str = "") -> Response:
        return answer(status, {"@odata.context": self.context(what or self.route.template)} | value)

    def listed(
        self, rows: list[Any], render: Callable[[Any], dict[str, Any]], type_: str, *, default: int = 10,
        most: int = 1000, skiptoken: bool = False, what: str = "", expands: bool = False,
    ) -> Response:  # fmt: skip
        """A page of a list. Outlook's links count how many to skip, so what goes in between moves the rest
        (examples: user-list-messages); the directory's name the last row of the page before. `expands`: whether
        `render` sees to $expand."""
        if self.option("$expand") and not expands:
            raise not_simulated(f"the expansion of {type_}")
        if self.option("$search"):
            raise not_simulated("searches")
        names = query.selected(self.option("$select"), type_)
        size = self.page_size(default, most)
        test = query.condition(self.option("$filter"))
        matching = rows if not self.option("$filter") else [one for one in rows if test(render(one))]  # fmt: skip
        if self.option("$orderby"):
            if skiptoken:
                raise not_simulated("orders of the directory")
            matching = query.ordered(matching, render, str(self.option("$orderby")))
        if skiptoken:
            after = self.api.tokens.read("list", self.option("$skiptoken"))["p"] if self.option("$skiptoken") else 0  # fmt: skip
            rest = [one for one in matching if one.id > after]
            found, more = rest[:size], len(rest) > size
            following = {"$skiptoken": self.api.tokens.write("list", p=found[-1].id)} if more else {}  # fmt: skip
        else:
            start = query.number(self.option("$skip"), "$skip", 0, None, 0)
            found, more = matching[start : start + size], len(matching) > start + size
            following = {"$skip": str(start + size)}
        told = {k: v for k, v in self.request.query if k not in ("$skip", "$skiptoken")}
        body: dict[str, Any] = {"@odata.context": self.context(what or self.route.template)}
        if (self.option("$count") or "").lower() == "true":
            body["@odata.count"] = len(matching)
        body["value"] = [query.shown(render(one), names, type_) for one in found]
        if more:
            body["@odata.nextLink"] = self.link(**told | following)
        return answer(200, body)


@dataclass
class Counts:
    endpoints: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str, status: int) -> None:
        with self._lock:
            self.endpoints[name] += 1
            self.statuses[status] += 1

    def clear(self) -> None:
        with self._lock:
            self.endpoints.clear()
            self.statuses.clear()


class Api:
    """`scopes`: for an application, the numbers of the users whose mailboxes it may see; without an entry, all."""

    def __init__(self, world: World, entra: Entra, limits: Limits) -> None:
        self.world = world
        self.entra = entra
        self.limits = limits
        self.tokens = Tokens(world)
        self.counts = Counts()
        self.scopes: dict[str, frozenset[int]] = {}
        self.full: set[int] = set()  # users whose mailboxes are full
        self.corrupt: set[int] = set()  # messages that cannot be read
        self.base = ""
        self.content: Any = None
        self.again: Handler2 = self.handle  # what a part of a batch goes through

    def known_folder(self, user: Ref, name: str) -> Ref | None:
        for ref in self.world.rows_of("folders", "_user", user):
            if self.world.row(ref)["_known"] == name:
                return ref
        return None

    def handle(self, request: Request, inner: bool = False) -> Response:
        name = f"{request.method} {request.path}"
        date = stamp(self.world.clock.now())
        try:
            found, path = self._route(request)
            name = f"{request.method} {found.template}"
            response = self._answer(request, found, path, inner)
        except GraphError as error:
            response = refusal(error, request, date)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            told = f"{type(error).__name__}: {error}"
            if request.body and request.method != "GET":
                # A body that does not fit is refused by what reads it, as the vendor's reader does.
                wrong = bad_request(f"Unable to read the request body: {told}", "RequestBodyRead")
            else:
                traceback.print_exc()
                wrong = GraphError(500, "generalException", told)
            response = refusal(wrong, request, date)
        response.headers.setdefault("request-id", request_id(request, response.status))
        response.headers.setdefault("client-request-id", client_request_id(request))
        self.counts.note(name, response.status)
        return response

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        if not request.path.startswith(f"{ROOT}/"):
            raise bad_request("Invalid version: only v1.0 is here.")
        path = plain(request.path.removeprefix(ROOT))
        other = False
        for one in ROUTES:
            match = one.pattern.match(path)
            if match and one.method == request.method:
                return one, match.groupdict()
            other |= match is not None
        if other:
            raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")  # fmt: skip
        raise bad_request(f"Resource not found for the segment '{path.split('/')[-1]}'.")

    def _answer(self, request: Request, found: Route, path: dict[str, str], inner: bool) -> Response:  # fmt: skip
        bearer = request.headers.get("authorization", "")
        if not bearer.startswith("Bearer "):
            raise unauthorized("Access token is empty.")
        token = self.entra.token(bearer.removeprefix("Bearer "))
        if token is None:
            raise unauthorized()
        for name, _ in request.query:
            if name not in found.options:
                raise bad_request(f"Query option '{name}' was not recognized or is not supported.")
        if found.roles and not token.roles & set(found.roles):
            raise denied(found.service)
        app = token.application.client_id
        mailbox = path.get("user", path.get("mailbox", "")).lower()
        outlook = found.service == "outlook"
        if outlook and not inner:
            self.limits.enter(app, mailbox)
        try:
            if self.world.settings.latency and not inner:
                time.sleep(self.world.settings.latency)
            if outlook:
                self.limits.take("outlook", (app, mailbox), found.cost)
                if request.body:
                    self.limits.take("outlook_bytes", (app, mailbox), len(request.body))
            elif found.service in ("files", "directory"):
                self.limits.take(found.service, (app,), found.cost)
            if found.template == "/$batch":
                return found.handler(Call(self, request, token, found, path))
            with self.world.lock:
                call = Call(self, request, token, found, path)
                response = found.handler(call)
        finally:
            if outlook and not inner:
                self.limits.leave(app, mailbox)
        if call.applied:
            response.headers["Preference-Applied"] = ", ".join(dict.fromkeys(call.applied))
        return response


Handler2 = Callable[[Request, bool], Response]
