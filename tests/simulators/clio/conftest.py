"""A simulator for those who only read, one for each test file that changes something, and the API description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.simulators.clio.running import Running, running
from tests.support.needs import REPOSITORY, missing

DESCRIPTION = REPOSITORY.parent / "shared" / "api" / "clio"


@pytest.fixture(scope="session")
def clio() -> Iterator[Running]:
    """For tests that only read. There is no limit of requests."""
    with running(seed=7, matters=12, rate=0) as made:
        yield made


@pytest.fixture(scope="module")
def own() -> Iterator[Running]:
    """For the tests of one file, which may change the firm. There is no limit of requests."""
    with running(seed=11, matters=12, rate=0) as made:
        yield made


def _described(name: str) -> Path:
    path = DESCRIPTION / name
    if not path.exists():
        missing(f"the API description `{name}`", f"put it at {path}")
    return path


@pytest.fixture(scope="session")
def resources() -> dict[str, dict[str, Any]]:
    """resources.yaml: resources"""
    found: dict[str, dict[str, Any]] = yaml.safe_load(_described("resources.yaml").read_text())[
        "resources"
    ]
    return found


@pytest.fixture(scope="session")
def description() -> Description:
    return Description(json.loads(_described("openapi-2026-04-08.trimmed.json").read_text()))


class Description:
    """The OpenAPI document as JSON schemas that forbid what is not described.

    It has no `nullable`, though its texts speak of null; so every property may be null.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.paths: dict[str, Any] = document["paths"]
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._made: dict[str, dict[str, Any]] = {}
        self._formats = jsonschema.FormatChecker(())
        self._formats.checks("date", ValueError)(
            lambda value: not isinstance(value, str) or bool(date.fromisoformat(value))
        )
        self._formats.checks("date-time", ValueError)(
            lambda value: (
                not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
            )
        )

    def check(self, path: str, method: str, status: int, body: Any) -> None:
        """Raises AssertionError where an answer is not as described."""
        answer = self.paths[path][method]["responses"][str(status)]
        [content] = answer["content"].values()
        schema = self._strict(content["schema"])
        if isinstance(body, dict):
            body = {key: value for key, value in body.items() if key != "meta"}
        validator = jsonschema.Draft7Validator(schema, format_checker=self._formats)
        wrong = jsonschema.exceptions.best_match(validator.iter_errors(body))
        assert wrong is None, f"{method} {path}, {list(wrong.absolute_path)}: {wrong.message[:500]}"

    def _strict(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in self._made:
                self._made[name] = self._strict(self._schemas[name])
            return self._made[name]
        if schema.get("type") == "array":
            return {"type": "array", "items": self._strict(schema["items"])}
        properties = dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            properties |= self._properties(part)
        if not properties:
            return {key: schema[key] for key in ("type", "format", "enum") if key in schema}
        return {
            "type": "object",
            "required": schema.get("required", []),
            "properties": {name: _or_null(self._strict(one)) for name, one in properties.items()},
            "additionalProperties": False,
        }

    def _properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            return self._properties(self._schemas[schema["$ref"].rpartition("/")[2]])
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            found |= self._properties(part)
        return found


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}
