"""The vendor's description of the API, as what an answer is checked against. It is read where it lies, never kept here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import jsonschema


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
