"""The vendor's description of the API, as what requests and answers are held against while the simulator runs.

It is read where it lies, never kept here (`--description`). A null is legal for every property (microsoft365.md: reference
data). Annotations are not in it, and an `@odata.type` names the schema that counts for its object.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter
from datetime import datetime
from typing import Any

from tests.simulators.clio.messages import Request, Response
from tests.simulators.graph.answers import JSON
from tests.simulators.graph.api import ROOT, plain

MOST = 200
# Documented, though not in the metadata the description is made of (microsoft365.md: reference data).
LINKS = {"$skiptoken", "$deltatoken", "$skip", "token"}
DOCUMENTED = {"search"}  # examples: site-search
EXPANDED = {"exceptionOccurrences", "item"}


class Conformance:
    """`wrong`: what differed, in words. `unlisted`: requests of paths that the description does not have."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._parameters: dict[str, Any] = document["components"]["parameters"]
        self._paths = [
            (re.compile(re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(plain(path))) + "$"), path, held)
            for path, held in document["paths"].items()
        ]
        self._paths.sort(key=lambda one: ["{" in step for step in one[1].split("/")])
        self._properties: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.wrong: list[str] = []
        self.checked = 0
        self.unlisted: Counter[str] = Counter()

    def look(self, request: Request, response: Response) -> None:
        """Notes where a request that was served, or its answer, is not as described. Errors have one shape."""
        with self._lock:
            found = self.problems(request, response)
            self.checked += 1
            self.wrong += found[: MOST - len(self.wrong)]

    def problems(self, request: Request, response: Response) -> list[str]:
        where = f"{request.method} {request.path}"
        body = self._json(response)
        if response.status >= 400:
            good = isinstance(body, dict) and isinstance(body.get("error"), dict)
            odd = response.headers.get("Content-Type") == JSON and not good
            return [f"{where}: an error of another shape"] if odd else []
        listed = self._operation(request)
        if listed is None:
            with_no_ids = re.sub(r"/[^/]{20,}", "/{}", request.path)
            self.unlisted[f"{request.method} {with_no_ids}"] += 1
            return []
        shared, operation = listed
        found = self._options(
            request, [*shared.get("parameters", ()), *operation.get("parameters", ())]
        )
        sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if sent and request.body and request.headers.get("content-type", "").startswith("application/json"):  # fmt: skip
            found += self.differs(json.loads(request.body), sent["schema"], "body", lenient=True)
        told = operation["responses"].get("200") or operation["responses"].get("201") or {}
        content = told.get("content", {}).get("application/json")
        if content and isinstance(body, dict):
            found += self.differs(body, content["schema"], "answer")
        return [f"{where}: {one}" for one in found]

    def _json(self, response: Response) -> Any:
        kind = response.headers.get("Content-Type", "")
        if not kind.startswith("application/json") or not isinstance(response.body, bytes):
            return None
        return json.loads(response.body) if response.body else None

    def _operation(self, request: Request) -> tuple[dict[str, Any], dict[str, Any]] | None:
        path = plain(request.path.removeprefix(ROOT))
        for pattern, _, held in self._paths:
            if pattern.match(path) and request.method.lower() in held:
                return held, held[request.method.lower()]
        return None

    def _options(self, request: Request, parameters: list[dict[str, Any]]) -> list[str]:
        named = [self._parameters[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in parameters]  # fmt: skip
        known = {one["name"] for one in named if one["in"] == "query"}
        asked = {name for name, _ in request.query}
        found = [
            f"option {name} is not described" for name in sorted(asked - known - LINKS - DOCUMENTED)
        ]
        if not asked & LINKS:
            needed = {one["name"] for one in named if one["in"] == "query" and one.get("required")}
            found += [f"option {name} is missing" for name in sorted(needed - asked)]
        return found

    # -- values ----------------------------------------------------------------------------------
    def differs(
        self, value: Any, schema: dict[str, Any], where: str, lenient: bool = False
    ) -> list[str]:
        """`lenient`: names in any case, as parameters of actions are taken."""
        if value is None or not schema:
            return []
        if "$ref" in schema:
            return self._named(value, schema["$ref"].rpartition("/")[2], where, lenient)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                tries = [self.differs(value, one, where, lenient) for one in schema[word]]
                return min(tries, key=len)
        if "allOf" in schema and len(schema["allOf"]) == 1 and "properties" not in schema:
            return self.differs(value, schema["allOf"][0], where, lenient)
        kind = schema.get("type")
        if kind == "array":
            if not isinstance(value, list):
                return [f"{where} is no list"]
            return [bad for one in value for bad in self.differs(one, schema.get("items", {}), f"{where}[]", lenient)]  # fmt: skip
        if kind == "object" or "properties" in schema or "allOf" in schema:
            return self._object(value, self._all(schema), where, lenient)
        return self._leaf(value, schema, where)

    def _named(self, value: Any, name: str, where: str, lenient: bool) -> list[str]:
        schema = self._schemas[name]
        if isinstance(value, dict) and "@odata.type" in value:
            own = value["@odata.type"].removeprefix("#")
            own = own if own.startswith("microsoft.graph.") else f"microsoft.graph.{own}"
            more = "-create" if name.endswith("-create") and f"{own}-create" in self._schemas else ""  # fmt: skip
            name = own + more if own + more in self._schemas else name
            schema = self._schemas[name]
        if "enum" in schema or schema.get("type") not in (None, "object"):
            return self._leaf(value, schema, where)
        if name not in self._properties:
            self._properties[name] = self._all(schema)
        return self._object(value, self._properties[name], where, lenient)

    def _all(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            held = self._schemas[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            found |= self._all(held)
        return found

    def _object(self, value: Any, properties: dict[str, Any], where: str, lenient: bool) -> list[str]:  # fmt: skip
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        if not properties:
            return []
        found = []
        folded = {name.lower(): one for name, one in properties.items()} if lenient else properties
        for name, one in value.items():
            if "@" in name or name in EXPANDED:
                continue
            schema = folded.get(name.lower() if lenient else name)
            if schema is None:
                found.append(f"{where}.{name} is not described")
            else:
                found += self.differs(one, schema, f"{where}.{name}", lenient)
        return found

    def _leaf(self, value: Any, schema: dict[str, Any], where: str) -> list[str]:
        kind = schema.get("type")
        types: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}  # fmt: skip
        if kind in types and (not isinstance(value, types[kind]) or (kind != "boolean" and isinstance(value, bool))):  # fmt: skip
            return [f"{where} is no {kind}: {value!r}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{where} is none of the values there are: {value!r}"]
        try:
            if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
                return [f"{where} has no zone: {value!r}"]
            if schema.get("format") in ("base64url", "byte"):
                base64.b64decode(value, validate=True)
        except ValueError:
            return [f"{where} is no {schema['format']}: {value[:40]!r}"]
        return []
