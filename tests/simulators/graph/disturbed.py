"""The hosts with faults before and behind them: what goes wrong on demand, each by name, decided by the seed.

The plan itself is the one that the simulator of Clio has (faults.py there): a fault looks at the requests whose
`METHOD path?query` its pattern finds. Parts of a batch are looked at one by one.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.simulators.clio.faults import Fault, FaultPlan
from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref
from tests.simulators.graph.answers import answer, refusal
from tests.simulators.graph.api import Api
from tests.simulators.graph.content import Content
from tests.simulators.graph.entra import Entra
from tests.simulators.graph.errors import GraphError, bad_request, denied, unauthorized
from tests.simulators.graph.limits import throttled
from tests.simulators.graph.world import stamp

# microsoft365.md: Simulator - fault injection by seed
NAMES = {
    "rate_limited": "429 with Retry-After (option seconds, may be fractional; null sends none)",
    "server_error": "a 5xx page as of a proxy (option status: 500, 502, 503, 504; option seconds for Retry-After)",
    "expired": "every token is revoked before the request: 401",
    "entra_down": "the token endpoint answers with option status (503) and Retry-After (option seconds)",
    "torn_body": "the connection ends in the middle of the body",
    "slow_body": "the body comes in drops (option seconds)",
    "slow_answer": "the answer comes late (option seconds)",
    "resync": "410 on a delta page that has a token (option code)",
    "empty_page": "a delta page is empty and has a nextLink to what it would have held",
    "duplicates": "a page repeats its first row at its end",
    "reordered": "a page's rows come in another order",
    "lost_row": "a page leaves out a row",
    "foreign_next": "nextLink or deltaLink leads to another host",
    "no_link": "a page has neither nextLink nor deltaLink",
    "deleted_between": "the message or file is deleted before it is read",
    "folder_deleted": "the folder is deleted before the page is told",
    "full_mailbox": "507 ErrorQuotaExceeded on a delta of messages",
    "corrupt": "the item cannot be read (option code: ErrorCorruptData, ErrorTooManyObjectsOpened, ErrorCannotOpenFileAttachment)",
    "item_error": "one of the items in a 200 of exportItems has an error in its place",
    "denied": "403 for a mailbox or a drive",
    "transient_400": "400 invalidRequest that passes (microsoft365.md: Limits)",
    "quota": "507 for what would be written: no room is left",
    "deaf": "it is done, and the answer is a 504 of a proxy",
    "session_over": "an upload session ends before its time",
    "expired_link": "the content host refuses a good address",
    "short_file": "the content host sends fewer bytes than the file has, with a length to match",
}

MESSAGE = re.compile(r"/messages/([^/]+)(/|$)")
ITEM = re.compile(r"/items/([^/:]+)(/content)?$")
FOLDER = re.compile(r"/mailFolders/([^/]+)/messages")


class Disturbed:
    def __init__(self, api: Api, content: Content, entra: Entra, faults: FaultPlan) -> None:
        self._api = api
        self._content = content
        self._entra = entra
        self.faults = faults
        self._put_off: dict[str, dict[str, Any]] = {}
        api.again = self.graph

    # -- Graph -----------------------------------------------------------------------------------
    def graph(self, request: Request, inner: bool = False) -> Response:
        late = self._put_off.get(request.one("$skiptoken") or request.one("token") or "")
        if late is not None and self._entra.token(request.headers.get("authorization", "")[7:]):
            return answer(200, late)
        hit = self.faults.strike(words(request))
        refused = self._before(request, hit) if hit else None
        if refused is not None:
            self._api.counts.note(f"{request.method} refused", refused.status)
            return refused
        response = self._api.handle(request, inner)
        return self._behind(request, response, hit) if hit else response

    def _before(self, request: Request, hit: dict[str, Fault]) -> Response | None:
        _wait(hit)
        delta = request.path.rstrip("()").endswith("delta")
        going = bool(request.one("$skiptoken") or request.one("$deltatoken") or request.one("token"))  # fmt: skip
        error: GraphError | None = None
        if "server_error" in hit:
            return _broken(hit["server_error"].options)
        if "expired" in hit:
            self._entra.end()
            error = unauthorized()
        elif "rate_limited" in hit:
            seconds = hit["rate_limited"].options.get("seconds", 1)
            error = throttled(None if seconds is None else str(seconds))
        elif "resync" in hit and delta and going:
            error = self._resync(request, hit["resync"])
        elif "full_mailbox" in hit and delta and "/messages/" in request.path:
            error = GraphError(507, "ErrorQuotaExceeded", "The mailbox is full.")
        elif "quota" in hit and request.method != "GET":
            code = "quotaLimitReached" if "/drives/" in request.path else "ErrorQuotaExceeded"
            error = GraphError(507, code, "No room is left.")
        elif "denied" in hit:
            error = denied("files" if request.path.startswith("/v1.0/drives") else "outlook")
        elif "transient_400" in hit:
            error = bad_request("Invalid request", "invalidRequest")
        elif "corrupt" in hit and MESSAGE.search(request.path):
            code = hit["corrupt"].options.get("code", "ErrorCorruptData")
            error = GraphError(500, code, "The item cannot be read.")
        if error is not None:
            return refusal(error, request, stamp(self._api.world.clock.now()))
        if "deleted_between" in hit:
            self._delete(request)
        if "folder_deleted" in hit:
            self._delete_folder(request)
        return None

    def _resync(self, request: Request, fault: Fault) -> GraphError:
        tokens = self._api.tokens
        before, tokens.code = tokens.code, fault.options.get("code")
        kind = "items" if "/drives/" in request.path else "messages"
        error = tokens.gone(kind, f"{self._api.base}{request.path}?token=")
        tokens.code = before
        return error

    def _delete(self, request: Request) -> None:
        world = self._api.world
        found = MESSAGE.search(request.path) or ITEM.search(request.path)
        read = world.ids.read(found[1]) if found else None
        if read is None:
            return
        with world.lock:
            if read.kind.startswith("message"):
                ref = Ref("messages", read.number)
                if world.store.at(ref) is not None:
                    world.remove(ref)
            elif read.kind == "item" and world.store.at(Ref("items", read.number)) is not None:
                world.delete_item(Ref("items", read.number))

    def _delete_folder(self, request: Request) -> None:
        world = self._api.world
        found = FOLDER.search(request.path)
        read = world.ids.read(found[1]) if found else None
        if read is None or read.kind != "folder":
            return
        with world.lock:
            row = world.store.at(Ref("folders", read.number))
            if row is not None and not row["_known"]:
                world.delete_folder(Ref("folders", read.number))

    # -- behind ----------------------------------------------------------------------------------
    def _behind(self, request: Request, response: Response, hit: dict[str, Fault]) -> Response:
        if "deaf" in hit:
            return _broken({"status": 504})
        names = {"empty_page", "duplicates", "reordered", "lost_row", "foreign_next", "no_link", "item_error"} & set(hit)  # fmt: skip
        if names and response.status == 200 and isinstance(response.body, bytes):
            body = json.loads(response.body)
            if isinstance(body.get("value"), list):
                self._alter(body, request, names)
                headers = {k: v for k, v in response.headers.items() if k != "Content-Type"}
                response = answer(200, body, headers)
        return torn_or_slow(response, hit)

    def _alter(self, body: dict[str, Any], request: Request, names: set[str]) -> None:
        rows = body["value"]
        if "duplicates" in names and rows:
            rows.append(rows[0])
        if "reordered" in names:
            rows.reverse()
        if "lost_row" in names and rows:
            rows.pop(len(rows) // 2)
        if "item_error" in names and rows and "itemId" in rows[0]:
            rows[0] = {"itemId": rows[0]["itemId"], "error": {"code": "ErrorInternalServerTransientError", "message": "An internal server error occurred. Try again later."}}  # fmt: skip
        links = [name for name in ("@odata.nextLink", "@odata.deltaLink") if name in body]
        if "empty_page" in names and links:
            # microsoft365.md: Mail - pages may be empty and still have a nextLink
            mark = f"later{len(self._put_off) + 1}"
            self._put_off[mark] = json.loads(json.dumps(body))
            body["value"] = []
            body.pop("@odata.deltaLink", None)
            name = "token" if "/drives/" in request.path else "$skiptoken"
            body["@odata.nextLink"] = f"{self._api.base}{request.path}?{name}={mark}"
            return
        for name in links:
            if "no_link" in names:
                body.pop(name, None)
            elif "foreign_next" in names and name in body:
                parts = urlsplit(body[name])
                body[name] = urlunsplit(parts._replace(netloc="graph.example"))

    # -- the other hosts -------------------------------------------------------------------------
    def content(self, request: Request) -> Response:
        hit = self.faults.strike(words(request))
        _wait(hit)
        kind = request.path.strip("/").split("/")[0]
        if "server_error" in hit:
            response = _broken(hit["server_error"].options)
        elif "rate_limited" in hit:
            seconds = hit["rate_limited"].options.get("seconds", 1)
            error = throttled(None if seconds is None else str(seconds))
            response = refusal(error, request, stamp(self._api.world.clock.now()))
        elif "expired_link" in hit:
            error = GraphError(401, "unauthenticated", "The address has expired.")
            response = refusal(error, request, stamp(self._api.world.clock.now()))
        else:
            if "session_over" in hit and kind == "up":
                self._content.forget(request.path)
            response = self._content.handle(request)
            if "deaf" in hit:
                response = _broken({"status": 504})
        if "short_file" in hit and response.status == 200 and response.length:
            held = response.body if isinstance(response.body, bytes) else b"".join(response.body)
            response.body = held[: len(held) // 2]
            response.length = len(held) // 2
        self._api.counts.note(f"{request.method} content:/{kind}", response.status)
        return torn_or_slow(response, hit)

    def login(self, request: Request) -> Response:
        hit = self.faults.strike(words(request))
        _wait(hit)
        if "entra_down" in hit:
            response = _broken(hit["entra_down"].options)
        else:
            response = self._entra.handle(request)
        self._api.counts.note(f"{request.method} login:{request.path.rpartition('/')[2]}", response.status)  # fmt: skip
        return torn_or_slow(response, hit)


def words(request: Request) -> str:
    query = "&".join(f"{k}={v}" for k, v in request.query if k not in ("ends", "tempauth"))
    return f"{request.method} {request.path}{'?' if query else ''}{query}"


def _wait(hit: dict[str, Fault]) -> None:
    if "slow_answer" in hit:
        time.sleep(float(hit["slow_answer"].options.get("seconds", 1)))


def _broken(options: Mapping[str, Any]) -> Response:
    status = int(options.get("status", 503))
    headers = {"Content-Type": "text/html"}
    if options.get("seconds") is not None:
        headers["Retry-After"] = str(options["seconds"])
    return Response(status, headers, f"<html><body><h1>{status}</h1></body></html>".encode())


def torn_or_slow(response: Response, hit: dict[str, Fault]) -> Response:
    size = response.length if response.length is not None else len(response.body)  # type: ignore[arg-type]
    if "torn_body" in hit and size:
        response.torn_after = size // 2
    if "slow_body" in hit:
        response.seconds = float(hit["slow_body"].options.get("seconds", 1))
    return response


# A plan of everyday trouble: what a night's backup should bear without anyone noticing.
WEATHER: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("rate_limited", r"^GET /v1.0/", 0.02, {"seconds": 0.128}),
    ("rate_limited", r"^GET /v1.0/drives", 0.01, {"seconds": None}),
    ("server_error", r"^GET /v1.0/", 0.02, {"status": 503}),
    ("empty_page", r"delta", 0.05, {}),
    ("duplicates", r"delta", 0.05, {}),
    ("torn_body", r"^GET /", 0.01, {}),
    ("expired_link", r"^GET /download/", 0.02, {}),
)


def weather(plan: FaultPlan) -> list[int]:
    return [plan.add(name, pattern, chance=chance, **options) for name, pattern, chance, options in WEATHER]  # fmt: skip
