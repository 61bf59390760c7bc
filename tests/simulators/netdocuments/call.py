"""One request on its way through the routes: who asks, what for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.simulators.clio.messages import Request, Response
from tests.simulators.netdocuments.access import Reader
from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.errors import bad_request
from tests.simulators.netdocuments.render import Renderer
from tests.simulators.netdocuments.world import World

if TYPE_CHECKING:
    from tests.simulators.netdocuments.api import Api

NUMBER_MOST = 10**7


@dataclass
class Upload:
    filename: str
    body: bytes


@dataclass
class Call:
    """Names of parameters are told apart without regard to case: both spellings are in use
    (platform.yaml: paging.v1.folder_skiptoken_param, paging.v2.client_spelling)."""

    api: Api
    request: Request
    reader: Reader

    @property
    def world(self) -> World:
        return self.reader.world

    @cached_property
    def show(self) -> Renderer:
        return Renderer(self.world)

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    # -- the query -----------------------------------------------------------------------------------
    @cached_property
    def query(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in self.request.query}

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Raises ApiError (400) for what is no whole number between `least` and `most`."""
        text = self.query.get(name, str(default))
        if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
            raise bad_request(f"{name} is between {least} and {most}")
        return int(text)

    def flag(self, name: str, default: bool = False) -> bool:
        return boolean(name, self.query.get(name), default)

    # -- the body ------------------------------------------------------------------------------------
    def json(self) -> Any:
        try:
            return json.loads(self.request.body or b"null")
        except ValueError as error:
            raise bad_request("The body is no JSON") from error

    @cached_property
    def _body(self) -> tuple[list[tuple[str, str]], dict[str, Upload]]:
        """platform.yaml: formats.v1_body_for_POST - form fields, url-encoded or in parts"""
        kind = self.request.headers.get("content-type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            text = self.request.body.decode(errors="replace")
            return parse_qsl(text, keep_blank_values=True), {}
        if not kind.startswith("multipart/form-data"):
            raise bad_request("The body is a form", "UnsupportedMediaType")
        return in_parts(kind, self.request.body)

    @cached_property
    def form(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self._body[0]}

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._body[0] if key.lower() == name]

    @property
    def files(self) -> dict[str, Upload]:
        return self._body[1]

    def form_flag(self, name: str, default: bool = False) -> bool:
        return boolean(name, self.form.get(name), default)

    def needed(self, name: str) -> str:
        """A form field. Raises ApiError (400) where it is missing or empty."""
        if not self.form.get(name):
            raise bad_request(f"{name} is required", "MissingParameter")
        return self.form[name]


Handler = Callable[..., "Answer | Response"]


@dataclass(frozen=True)
class Route:
    """`path` has `{}` for each part that varies; `query` are the parameters it knows, in lower case; `empty` is what
    an unmapped service account is answered: nothing, with 200. `needed` are those that must be there."""

    method: str
    path: str
    scope: str
    handler: Handler
    query: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    empty: Any = None


ROUTES: list[Route] = []


def route(
    method: str, *paths: str, scope: str = "read", query: str = "", needed: str = "", empty: Any = None
) -> Callable[[Handler], Handler]:  # fmt: skip
    """Adds the decorated function to the routes, by the scope the swagger names for the call."""

    def add(handler: Handler) -> Handler:
        known, must = frozenset(query.lower().split()), frozenset(needed.lower().split())
        for path in paths:
            made = Route(method, path, scope, handler, known | must, must, {} if empty is None else empty)  # fmt: skip
            ROUTES.append(made)
        return handler

    return add


def in_parts(kind: str, body: bytes) -> tuple[list[tuple[str, str]], dict[str, Upload]]:
    """Fields and files of a form in parts (RFC 7578). Raises ApiError (400)."""
    boundary = _headers(f"Content-Type: {kind}".encode()).get_param("boundary")
    if not boundary:
        raise bad_request("The form has no boundary")
    fields: list[tuple[str, str]] = []
    files: dict[str, Upload] = {}
    for part in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:]:
        if part.startswith(b"--"):
            break
        head, blank, held = part.partition(b"\r\n\r\n")
        headers = _headers(head.strip())
        name = headers.get_param("name", header="content-disposition")
        if not blank or not isinstance(name, str):
            raise bad_request("A part of the form has no name")
        if headers.get_filename() is not None:
            files[name] = Upload(str(headers.get_filename()), held)
        else:
            fields.append((name, held.decode(errors="replace")))
    return fields, files


def _headers(text: bytes) -> Message:
    return BytesParser(policy=policy.HTTP).parsebytes(text + b"\r\n\r\n", headersonly=True)


def boolean(name: str, text: str | None, default: bool) -> bool:
    """Raises ApiError (400). `Y` is the vendor's own spelling: resources.yaml: new_version"""
    if text is None or text == "":
        return default
    if text.lower() in ("true", "y", "yes", "1"):
        return True
    if text.lower() in ("false", "n", "no", "0"):
        return False
    raise bad_request(f"{name} is true or false")
