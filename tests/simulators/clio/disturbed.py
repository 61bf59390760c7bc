"""The API and the storage host with faults before and behind them (faults.py)."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any
from urllib.parse import urlsplit

from tests.simulators.clio.api import ROOT, Api, endpoint
from tests.simulators.clio.documents import trash, upload_timeout
from tests.simulators.clio.errors import ApiError, unauthorized
from tests.simulators.clio.faults import Fault, FaultPlan
from tests.simulators.clio.fields import plan
from tests.simulators.clio.limits import rate_limited
from tests.simulators.clio.messages import Request, Response, answer, refusal
from tests.simulators.clio.render import Renderer
from tests.simulators.clio.rules_work import delete_contact, delete_matter
from tests.simulators.clio.storage import Storage
from tests.simulators.clio.store import Ref
from tests.simulators.clio.tables import RESOURCES
from tests.simulators.clio.world import Overdrawn

LOOSE = ("notes", "communications", "tasks", "calendar_entries", "relationships", "comments", "reminders", "damages",
         "log_entries", "settings/text_snippets", "webhooks")  # fmt: skip
MEMBER = re.compile(rf"{ROOT}/([a-z_/]+?)/(\d+)(?:/download)?(?:\.json)?$")


class Disturbed:
    def __init__(self, api: Api, storage: Storage, faults: FaultPlan) -> None:
        self._api = api
        self._storage = storage
        self.faults = faults

    # -- the API -------------------------------------------------------------------------------------
    def api(self, request: Request) -> Response:
        hit = self.faults.strike(_words(request))
        refused = self._before(request, hit) if hit else None
        if refused is not None:
            self._api.counts.note(endpoint(request), refused.status)
            return refused
        response = self._api.handle(request)
        return self._behind(request, response, hit) if hit else response

    def _before(self, request: Request, hit: dict[str, Fault]) -> Response | None:
        _wait(hit)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if "revoked" in hit:
            self._api.oauth.revoke(token)
        if "expired" in hit:
            self._api.oauth.expire(token)
        if {"revoked", "expired"} & set(hit):
            return refusal(unauthorized())
        if "rate_limited" in hit:
            return refusal(rate_limited(int(hit["rate_limited"].options.get("seconds", 1))))
        if "server_error" in hit:
            return _broken(int(hit["server_error"].options.get("status", 503)))
        if (
            "upload_timeout" in hit
            and request.method == "PATCH"
            and b"fully_uploaded" in request.body
        ):
            return refusal(upload_timeout())
        if "delete_conflict" in hit and request.method == "DELETE":
            # examples.json: delete_conflict
            return refusal(ApiError(409, "Conflict", "being modified by another request"))
        if "deleted_between" in hit:
            self._delete(request)
        if "shifting_rows" in hit and request.one("page_token"):
            self._shift(request)
        return None

    def _delete(self, request: Request) -> None:
        match = MEMBER.match(request.path)
        world = self._api.world
        if match is None:
            return
        ref = Ref(match[1], int(match[2]))
        with world.lock:
            if world.store.at(ref) is None:
                return
            try:
                self._take_away(ref)
            except (ApiError, Overdrawn):
                return

    def _take_away(self, ref: Ref) -> None:
        """For good, also where the API would only put it into the trash; what others lean on stays."""
        world = self._api.world
        if ref.collection == "matters":
            delete_matter(world, ref)
        elif ref.collection == "bank_transactions":
            world.strike(ref)
        elif ref.collection == "documents":
            trash(world, ref)
            for version in world.store.referrers("document_versions", "_document", ref):
                world.delete(Ref("document_versions", version))
            world.delete(ref)
        elif ref.collection == "contacts":
            delete_contact(world, ref)
        elif ref.collection in LOOSE:
            world.delete(ref)

    def _shift(self, request: Request) -> None:
        """The oldest row goes and its like comes anew, with the same date and a new id."""
        world = self._api.world
        collection = request.path.removeprefix(f"{ROOT}/").removesuffix(".json")
        with world.lock:
            ids = world.store.ids(collection)
            if len(ids) < 2:
                return
            if collection == "bank_transactions":
                return  # the ledger would not follow
            made = ("id", "etag", "_version", "created_at", "updated_at")
            plain = {k: v for k, v in world.row(Ref(collection, ids[0])).items() if k not in made}
            try:
                self._take_away(Ref(collection, ids[0]))
            except (ApiError, Overdrawn):
                return  # what others lean on stays
            if collection not in ("matters", "documents"):
                world.create(collection, **plain)

    def _behind(self, request: Request, response: Response, hit: dict[str, Fault]) -> Response:
        changed = {"duplicates", "lost_row", "foreign_next", "no_next", "wrong_balance"} & set(hit)
        if changed and response.status == 200 and isinstance(response.body, bytes):
            page = json.loads(response.body)
            if isinstance(page.get("data"), list):
                self._alter(page, request, changed)
                if "wrong_balance" in changed:
                    _misstate(page["data"], float(hit["wrong_balance"].options.get("by", 0.01)))
                headers = {k: v for k, v in response.headers.items() if k != "Content-Type"}
                response = answer(200, page, headers)
        return _torn_or_slow(response, hit)

    def _alter(self, page: dict[str, Any], request: Request, changed: set[str]) -> None:
        if "duplicates" in changed and request.one("page_token") and page["data"]:
            page["data"].insert(0, self._row_before(request) or page["data"][0])
        if "lost_row" in changed and page["data"]:
            page["data"].pop(len(page["data"]) // 2)
        paging = page.get("meta", {}).get("paging", {})
        if "no_next" in changed:
            paging.pop("next", None)
        if "foreign_next" in changed and "next" in paging:
            # platform.yaml: pagination.security - what a client must not follow
            parts = urlsplit(paging["next"])
            paging["next"] = parts._replace(netloc="elsewhere.example").geturl()

    def _row_before(self, request: Request) -> dict[str, Any] | None:
        """The last row of the page before, which the page token of a list by id names."""
        resource = RESOURCES.get(request.path.removeprefix(f"{ROOT}/").removesuffix(".json"))
        text = (request.one("page_token") or "").rpartition(".")[0]
        after = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).get("after")
        if resource is None or after is None:
            return None
        world = self._api.world
        with world.lock:
            ref = Ref(resource.name, after)
            row = world.store.at(ref)
            asked = plan(resource.schema, request.one("fields"))
            return None if row is None else Renderer(world.view()).row(asked, ref, row)

    # -- the storage host ----------------------------------------------------------------------------
    def storage(self, request: Request) -> Response:
        response = self._stored(request)
        self._api.counts.note(
            f"{request.method} storage:/{request.path.split('/')[1]}", response.status
        )
        return response

    def _stored(self, request: Request) -> Response:
        hit = self.faults.strike(_words(request))
        _wait(hit)
        if "server_error" in hit:
            return _broken(int(hit["server_error"].options.get("status", 503)))
        if "expired_link" in hit:
            return Response(
                403,
                {"Content-Type": "application/xml"},
                b"<Error><Code>AccessDenied</Code></Error>",
            )
        response = self._storage.handle(request)
        if "short_file" in hit and response.status == 200 and response.length:
            body = (
                b"".join(response.body) if not isinstance(response.body, bytes) else response.body
            )
            response.body = body[: len(body) // 2]
            response.length = len(body) // 2
        return _torn_or_slow(response, hit)


def _misstate(rows: list[dict[str, Any]], by: float) -> None:
    """The first balance on the page is not what the rows add up to."""
    for row in rows:
        for place in (row, *(row.get("account_balances") or ())):
            if isinstance(place.get("balance"), float):
                place["balance"] = round(place["balance"] + by, 2)
                return


def _words(request: Request) -> str:
    query = "&".join(
        f"{key}={value}" for key, value in request.query if not key.startswith("X-Amz-")
    )
    return f"{request.method} {request.path}{'?' if query else ''}{query}"


def _wait(hit: dict[str, Fault]) -> None:
    if "slow_answer" in hit:
        time.sleep(float(hit["slow_answer"].options.get("seconds", 1)))


def _broken(status: int) -> Response:
    text = f"<html><body><h1>{status}</h1></body></html>".encode()
    return Response(status, {"Content-Type": "text/html"}, text)


def _torn_or_slow(response: Response, hit: dict[str, Fault]) -> Response:
    size = response.length if response.length is not None else len(response.body)  # type: ignore[arg-type]
    if "torn_body" in hit and size:
        response.torn_after = size // 2
    if "slow_body" in hit:
        response.seconds = float(hit["slow_body"].options.get("seconds", 1))
    return response
