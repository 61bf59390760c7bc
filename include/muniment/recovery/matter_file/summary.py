"""Summary: what the part of one source has, for the index: kept beside its rows, as JSON.

The index may be made by another process than the part. What it reads it takes for text of others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from muniment.recovery.matter_file.placing import RAW

FILE = f"{RAW}/matter-file.json"
_THERE = re.compile(r"\./[A-Za-z0-9_.~/%-]+(#[A-Za-z0-9_-]+)?")


@dataclass(slots=True)
class Summary:
    """Texts as they came; `there` as `html.href` makes it, relative to the source's folder.

    heading   names and values of the matter
    sections  (there, title, how many, what it is)
    latest    (day, there, name, kind, from and to)
    accounts  (name, type, as transactions add up, as the vendor says or empty, `yes` where both agree)
    missing   item id -> what it is called
    notes     what a reader must know
    """

    title: str = ""
    heading: list[tuple[str, str]] = field(default_factory=list)
    sections: list[tuple[str, str, int, str]] = field(default_factory=list)
    latest: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    accounts: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def written(self) -> bytes:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode("utf-8", "replace")

    @classmethod
    def read(cls, body: bytes) -> Summary:
        """Raises ValueError for what `written` did not make."""
        told = json.loads(body)
        if not isinstance(told, dict):
            raise ValueError("no summary")
        made = cls(
            title=str(told.get("title", "")),
            heading=[(str(a), str(b)) for a, b in told.get("heading", ())],
            sections=[
                (_there(a), str(b), int(c), str(d)) for a, b, c, d in told.get("sections", ())
            ],
            latest=[_texts(each, 5, 1) for each in told.get("latest", ())],  # type: ignore[misc]
            accounts=[_texts(each, 5) for each in told.get("accounts", ())],  # type: ignore[misc]
            missing={str(k): str(v) for k, v in _mapping(told.get("missing")).items()},
            notes=[str(each) for each in told.get("notes", ())],
        )
        return made


def _texts(value: Any, count: int, there: int = -1) -> tuple[str, ...]:
    told = tuple(str(each) for each in value)
    if len(told) != count:
        raise ValueError("no summary")
    return tuple(_there(each) if at == there else each for at, each in enumerate(told))


def _there(value: Any) -> str:
    text = str(value)
    if not text:
        return ""
    if not _THERE.fullmatch(text) or ".." in text.split("#")[0].split("/"):
        raise ValueError("a link that leads elsewhere")
    return text


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}
