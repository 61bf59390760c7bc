"""The vendor's description of the API, as what an answer is checked against. It is read where it lies, never kept here."""

from __future__ import annotations

from typing import Any

import jsonschema


class Description:
    """The swagger as JSON schemas in which everything described must be there, with its type. What is not described may
    be there too: the samples of live clients have more than the connector's authors listed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.paths: dict[str, Any] = document["paths"]

    def calls(self) -> list[tuple[str, str]]:
        return [(method, path) for path, methods in self.paths.items() for method in methods]

    def schema(self, method: str, path: str) -> dict[str, Any] | None:
        """That of a success; None where the answer is not described."""
        found = self.paths[path][method]["responses"].get("200", {}).get("schema")
        return _strict(found) if found else None

    def statuses(self, method: str, path: str) -> set[str]:
        return set(self.paths[path][method]["responses"])

    def check(self, method: str, path: str, status: int, body: Any) -> None:
        """Raises AssertionError where an answer is not as described."""
        told = self.statuses(method, path)
        assert str(status) in told or "default" in told, f"{method} {path} answers {status}"
        schema = self.schema(method, path)
        if schema is None or status != 200:
            return
        wrong = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(schema).iter_errors(body))  # fmt: skip
        assert wrong is None, f"{method} {path}, {list(wrong.absolute_path)}: {wrong.message[:500]}"


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") == "array":
        return {"type": "array", "items": _strict(schema["items"])}
    properties = schema.get("properties")
    if not properties:
        return {key: schema[key] for key in ("type", "enum") if key in schema}
    return {
        "type": "object",
        "required": list(properties),
        "properties": {name: _strict(one) for name, one in properties.items()},
    }
