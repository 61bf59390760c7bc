"""Identifiers and the ways times are written. platform.yaml: ids, search.date_range."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# resources.yaml: workspaces, folder_tree; platform.yaml: extensions
WORKSPACE, FOLDER, FILTER, SAVED_SEARCH, COLLABSPACE = "ndws", "ndfld", "ndflt", "ndsq", "ndcs"
CONTAINERS = (WORKSPACE, FOLDER, FILTER, SAVED_SEARCH, COLLABSPACE)
# platform.yaml: ids.workspace, ids.folder, ids.filter, ids.saved_search
MARKS = {WORKSPACE: "^W", FOLDER: "^F", FILTER: "~1", SAVED_SEARCH: "~0", COLLABSPACE: "^C"}
OLE_START = datetime(1899, 12, 30, tzinfo=UTC)
OLE_MOST = 2_958_465.0
_CLOSED = re.compile(r"/Date\(\d{13}[+-]+\d{4}\)/$")


def short(prefix: str, seed: int, word: str) -> str:
    """Such as NG-4F1C9A2B: eight characters that tell nothing. platform.yaml: ids.cabinet"""
    return f"{prefix}-{hashlib.sha256(f'{seed}/{prefix}/{word}'.encode()).hexdigest()[:8].upper()}"


def document_id(seed: int, number: int) -> str:
    """platform.yaml: ids.document - twelve digits. Their order is not the order in which items were made."""
    high, low = divmod(number, 10**8)
    mixed = (low * 73_856_093 + seed * 7_919) % 10**8
    return f"{4811 + high:04d}-{mixed // 10_000:04d}-{mixed % 10_000:04d}"


def envelope_id(seed: int, number: int, made: datetime, extension: str) -> str:
    """platform.yaml: ids.document - such as `:Q12:a:b:c:d:~121106123412345.nev`, unique by its letters."""
    mixed = (number * 73_856_093 + seed * 7_919) % 10**8
    letters = ":".join(chr(97 + (mixed // 26**place) % 26) for place in range(4))
    mark = MARKS.get(extension, "~")
    return f":Q12:{letters}:{mark}{made.astimezone(UTC):%y%m%d%H%M%S}{number % 1000:03d}.nev"


def stamp(moment: datetime) -> str:
    """examples.json: document_info - ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=1 << 16)
def parsed(text: str) -> datetime:
    """Raises ValueError. A moment without offset is taken as UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@lru_cache(maxsize=1 << 16)
def ole(text: str) -> float:
    """Days since 1899-12-30. platform.yaml: search.date_range; examples.json: v2_modified_query"""
    return (parsed(text) - OLE_START) / timedelta(days=1)


def is_closed_date(text: str) -> bool:
    """Such as `/Date(1582261200000-0500)/`, as the swagger's LookupEntryBody has it."""
    return bool(_CLOSED.match(text))


def closed_date(moment: datetime) -> str:
    return f"/Date({int(moment.timestamp() * 1000):013d}+0000)/"
