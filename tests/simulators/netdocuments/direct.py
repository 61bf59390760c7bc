"""The simulator without sockets: requests are handed to it as values. For tests that need no program."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import practice
from tests.simulators.netdocuments.founding import Size
from tests.simulators.netdocuments.simulator import Options, Simulator

BASE = "https://api.example"
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "a-boundary"


class Answered:
    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        body = response.body
        self.body = body if isinstance(body, bytes) else b"".join(body)

    def json(self) -> Any:
        return json.loads(self.body)


class Direct:
    """`token` is the backup user's, who administers every cabinet."""

    def __init__(self, seed: int = 7, matters: int = 12, **options: Any) -> None:
        size = options.pop("size", None) or Size(matters=matters, large_documents=0)
        self.simulator = Simulator(Options(seed=seed, size=size, rate=options.pop("rate", 0), **options))  # fmt: skip
        self.world = self.simulator.world
        self.token = self.grant(practice.BACKUP)
        self.limited = self.grant(practice.RESTRICTED)
        self.firm, self.office, self.precedents = (str(row["id"]) for _, row in self.world.store.rows("cabinets"))  # fmt: skip

    def grant(self, user: str, scope: str = "full") -> str:
        oauth = self.simulator.oauth
        return oauth.grant(oauth.users[user], self.simulator.application.client_id, scope)[0]

    def call(
        self, method: str, path: str, body: bytes = b"", *, token: str | None = None, accept: str = "application/json",
        headers: dict[str, str] | None = None, region: str | None = None, **query: Any,
    ) -> Answered:  # fmt: skip
        """`path` is as a server sees it: decoded once. It may be a whole URL, such as `next`."""
        parts = urlsplit(path) if path.startswith("https://") else None
        asked = tuple((name, str(value)) for name, value in query.items())
        if parts is not None:
            path, asked = parts.path, (*parse_qsl(parts.query), *asked)
        sent = {"accept": accept, "authorization": f"Bearer {token or self.token}"} | (headers or {})  # fmt: skip
        given = Request(method, path, asked, sent, body, BASE, region or self.simulator.options.region)  # fmt: skip
        return Answered(self.simulator.disturbed.handle(given))

    def get(self, path: str, /, **query: Any) -> Answered:
        return self.call("GET", path, **query)

    def put(self, path: str, value: Any, **query: Any) -> Answered:
        return self.call("PUT", path, json.dumps(value).encode(), **query)

    def post(self, path: str, /, *, token: str | None = None, **fields: Any) -> Answered:
        """A form, url-encoded; a list is a field given several times."""
        body = urlencode(fields, doseq=True).encode()
        return self.call("POST", path, body, token=token, headers={"content-type": FORM})

    def upload(self, path: str, /, content: bytes, filename: str, **fields: Any) -> Answered:
        """A form in parts, with one file."""
        lines = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        lines.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content)
        body = b"".join(lines) + f"\r\n--{BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.call("POST", path, body, headers={"content-type": kind})

    def sign_in(
        self, application: Any, scope: str = "full", *, accept: str = "application/json", repository: str = "", **fields: str
    ) -> Answered:  # fmt: skip
        name = f"{application.client_id}|{repository or self.world.repository['id']}"
        coded = base64.b64encode(f"{name}:{application.client_secret}".encode()).decode()
        body = urlencode({"grant_type": "client_credentials", "scope": scope, **fields}).encode()
        headers = {"authorization": f"Basic {coded}", "content-type": FORM}
        return self.call("POST", "/v1/OAuth", body, accept=accept, headers=headers)

    def exchange(self, **fields: str) -> Answered:
        """The token endpoint, with whatever form."""
        headers = {"authorization": "", "content-type": FORM}
        return self.call("POST", "/v1/OAuth", urlencode(fields).encode(), headers=headers)

    # -- what is there -----------------------------------------------------------------------------
    def search(self, q: str, *, select: str = "standardAttributes", top: int = 500, **query: Any) -> list[Any]:  # fmt: skip
        """All pages, following the skip tokens."""
        asked = {"cabinets": self.firm, "q": q, "select": select, "top": top} | query
        found: list[Any] = []
        while True:
            page = self.get("/v2/Search", **asked).json()
            found += page["Results"]
            if not page.get("SkipToken"):
                return found
            asked["skiptoken"] = page["SkipToken"]

    def named(self, name: str) -> str:
        """The id of the item of that name."""
        [found] = [str(row["id"]) for _, row in self.world.store.rows("items") if row["name"] == name]  # fmt: skip
        return found

    def ref(self, outside: str) -> Ref:
        found = self.world.find(outside)
        assert found is not None
        return found
