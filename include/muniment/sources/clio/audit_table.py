"""Table of the audit: `table.toml`, read apart from the connector."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources as files
from typing import Any


@dataclass(frozen=True, slots=True)
class Collection:
    """One table of `table.toml`."""

    name: str
    path: str
    fields: tuple[str, ...]
    views: tuple[Mapping[str, str], ...]
    given: Mapping[str, Any] = field(repr=False)

    def can(self, what: str) -> bool:
        return bool(self.given.get(what))

    def native(self, id_: str, parent: str = "") -> bytes:
        if self.can("single"):
            return self.name.encode()
        return "/".join(filter(None, (self.name, parent, id_))).encode()


def collections() -> dict[str, Collection]:
    text = (files.files("muniment.sources.clio") / "table.toml").read_text(encoding="utf-8")
    held = {k: v for k, v in tomllib.loads(text).items() if k != "left_out"}
    return {
        name: Collection(
            name,
            given.get("path", name),
            tuple(given["fields"].split()),
            tuple(given.get("views", ({},))),
            given,
        )
        for name, given in held.items()
    }
