"""The API with faults before and behind it (faults.py)."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from tests.simulators.clio.faults import Fault, FaultPlan
from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.answers import Answer, written
from tests.simulators.netdocuments.api import Api
from tests.simulators.netdocuments.errors import ApiError, unauthorized
from tests.simulators.netdocuments.limits import throttled

MEMBER = re.compile(r"/v[12]/document/([^/]+)(?:/.*)?$", re.IGNORECASE)
ROWS = ("Results", "standardList", "list", "rows")
TOKENS = ("skiptoken", "$skiptoken")
CHANGED = {"duplicates", "lost_row", "no_token", "same_token", "foreign_next"}


class Disturbed:
    def __init__(self, api: Api, faults: FaultPlan) -> None:
        self._api = api
        self.faults = faults

    def handle(self, request: Request) -> Response:
        hit = self.faults.strike(_words(request))
        refused = self._before(request, hit) if hit else None
        if refused is not None:
            limited = refused.status == 429 or "rate_limited" in hit
            self._api.counts.note(self._api.place(request), refused.status, limited)
            return refused
        if "xml_anyway" in hit:
            request = replace(request, headers={**request.headers, "accept": "application/xml"})
        response = self._api.handle(request)
        return self._behind(request, response, hit) if hit else response

    def _before(self, request: Request, hit: dict[str, Fault]) -> Response | None:
        if "slow_answer" in hit:
            time.sleep(float(hit["slow_answer"].options.get("seconds", 1)))
        token = request.headers.get("authorization", "").partition(" ")[2]
        oauth = self._api.oauth
        if "revoked" in hit:
            oauth.end(token, bool(hit["revoked"].options.get("disable")))
        if "expired" in hit:
            oauth.expire(token)
        if {"revoked", "expired"} & set(hit):
            return self._refusal(request, unauthorized())
        if "unmapped" in hit:
            oauth.service.clear()
        if "rate_limited" in hit:
            asked = hit["rate_limited"].options
            seconds = int(asked.get("seconds", 1))
            return self._refusal(request, throttled(int(asked.get("status", 429)), seconds or None))
        if "server_error" in hit:
            return _html(int(hit["server_error"].options.get("status", 503)))
        if "sign_in_page" in hit:
            return _html(200)
        if "nothing" in hit:
            return self._nothing(request)
        if "deleted_between" in hit:
            self._delete(request, bool(hit["deleted_between"].options.get("permanent")))
        if "shifting_rows" in hit and any(name.lower() in TOKENS for name, _ in request.query):
            self._shift()
        return None

    def _refusal(self, request: Request, error: ApiError) -> Response:
        body = error.body(self._api.world.settings.error_shape)
        return written(Answer(body, "ndError", status=error.status, headers=error.headers), request)

    def _nothing(self, request: Request) -> Response:
        """What an unmapped account would see."""
        service = dict(self._api.oauth.service)
        try:
            self._api.oauth.service.clear()
            return self._api.handle(request)
        finally:
            self._api.oauth.service.update(service)

    def _delete(self, request: Request, permanent: bool) -> None:
        match, world = MEMBER.match(request.path), self._api.world
        with world.lock:
            ref = world.find(match[1]) if match else None
            row = world.store.at(ref)
            if ref is None or row is None or ref.collection != "items":
                return
            if permanent:
                world.purge(ref, "SOMEONE")
            elif row["deleted"] is None:
                world.soft_delete(ref, "SOMEONE")

    def _shift(self) -> None:
        """By modified date the oldest goes to the end, and by any order one row less stands before the place."""
        world = self._api.world
        with world.lock:
            living = [
                (row["modified"], number)
                for number, row in world.store.rows("items")
                if row["deleted"] is None and row["extension"] not in ids.CONTAINERS
            ]
            if len(living) < 2:
                return
            oldest, second = sorted(living)[:2]
            world.change(Ref("items", oldest[1]), "profile changed", "SOMEONE")
            world.soft_delete(Ref("items", second[1]), "SOMEONE")

    def _behind(self, request: Request, response: Response, hit: dict[str, Fault]) -> Response:
        changed = CHANGED & set(hit)
        if changed and response.status == 200 and isinstance(response.body, bytes) and response.body[:1] == b"{":  # fmt: skip
            told = json.loads(response.body)
            _alter(told, request, changed)
            body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
            response = Response(response.status, response.headers, body)
        if "short_file" in hit and response.status == 200 and response.length:
            held = response.body if isinstance(response.body, bytes) else b"".join(response.body)
            response.body, response.length = held[: len(held) // 2], len(held) // 2
        size = response.length if response.length is not None else len(response.body)  # type: ignore[arg-type]
        if "torn_body" in hit and size:
            response.torn_after = size // 2
        if "slow_body" in hit:
            response.seconds = float(hit["slow_body"].options.get("seconds", 1))
        return response


def _alter(told: dict[str, Any], request: Request, changed: set[str]) -> None:
    name = next((one for one in ROWS if isinstance(told.get(one), list)), None)
    rows = told.get(name) if name else None
    if rows and "duplicates" in changed:
        rows.append(rows[0])
    if rows and "lost_row" in changed:
        rows.pop(len(rows) // 2)
    if "no_token" in changed:
        told.pop("SkipToken", None)
        told.pop("next", None)
    asked = next((value for key, value in request.query if key.lower() in TOKENS), None)
    if "same_token" in changed and asked:
        if "next" in told:
            told["next"] = f"{told['next'].rpartition('skiptoken=')[0]}skiptoken={asked}"
        if told.get("SkipToken"):
            told["SkipToken"] = asked
    if "foreign_next" in changed and "next" in told:
        told["next"] = urlsplit(told["next"])._replace(netloc="elsewhere.example").geturl()


def _words(request: Request) -> str:
    query = "&".join(f"{key}={value}" for key, value in request.query)
    return f"{request.method} {request.path}{'?' if query else ''}{query}"


def _html(status: int) -> Response:
    text = f"<html><body><h1>{'Sign in' if status == 200 else status}</h1></body></html>"
    return Response(status, {"Content-Type": "text/html"}, text.encode())
