"""Names of objects in a store: the only place where they are put together or taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from datetime import UTC, datetime

SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
MATTERS_ID_KEY = "id-matters"
"""Key id of the firm-wide key from which opaque matter ids are made (`matters` is thus no source id)."""

RECOVERY_FILES = ("RECOVER.txt", "recover.py")

_CONTENT = re.compile(
    r"(?:packs/(?P<ab>[0-9a-f]{2})|(?:snapshots|state)/[^/]+)/(?P<digest>[0-9a-f]{64})\Z"
)
_BASE = re.compile(r"bases/(?P<source>[^/]+)/(?P<seq>\d{8})-(?P<digest>[0-9a-f]{64})\.json\Z")
_KEY = re.compile(r"keys/[^/]+/(\d{8})\.age\Z")
_EVIDENCE = re.compile(r"evidence/(?P<stream>[^/]+)/(?P<seq>\d{8})\.json\Z")
_COMMIT = re.compile(r"commits/(?P<source>[^/]+)/(?P<seq>\d{8})\.json\Z")
_NUMBERED = re.compile(r"(?:vault|retention)/\d{8}\.json\Z")
_CHECKPOINT = re.compile(r"checkpoints/\d{8}T\d{6}Z\.json\Z")
_OPEN_ENDED = ("probe/", "views/")


def matter_key(matter_id: str) -> str:
    """`M-7F3K2QXA` -> `matter-7f3k2qxa`, the key id of a matter that has a key of its own."""
    return "matter-" + matter_id.removeprefix("M-").lower()


def matter_of_key(key_id: str) -> str:
    """Inverse of `matter_key`; empty for a key id that is not a matter's."""
    return "M-" + key_id.removeprefix("matter-").upper() if key_id.startswith("matter-") else ""


def pack(digest: str) -> str:
    return f"packs/{digest[:2]}/{digest}"


def snapshot(source: str, digest: str) -> str:
    return f"snapshots/{source}/{digest}"


def state(source: str, digest: str) -> str:
    return f"state/{source}/{digest}"


def commit(source: str, seq: int) -> str:
    return f"commits/{source}/{seq:08d}.json"


def base(source: str, seq: int, digest: str) -> str:
    return f"bases/{source}/{seq:08d}-{digest}.json"


def vault_document(number: int) -> str:
    return f"vault/{number:08d}.json"


def key(key_id: str, number: int) -> str:
    return f"keys/{key_id}/{number:08d}.age"


def key_number(name: str) -> int:
    """The n of `keys/<id>/<n>.age`; 0 for a name that none of ours has."""
    found = _KEY.match(name)
    return int(found[1]) if found else 0


def checkpoint(at: datetime) -> str:
    return f"checkpoints/{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"


def retention(number: int) -> str:
    return f"retention/{number:08d}.json"


def first_free(name: Callable[[int], str], after: int, taken: Container[str]) -> int:
    """The first number above `after` whose name nobody has taken: what is signed by one role only can
    still be written over by whoever has its store credential."""
    number = after + 1
    while name(number) in taken:
        number += 1
    return number


def evidence(stream: str, seq: int) -> str:
    return f"evidence/{stream}/{seq:08d}.json"


def evidence_parts(name: str) -> tuple[str, int] | None:
    found = _EVIDENCE.match(name)
    return (found["stream"], int(found["seq"])) if found else None


def content_digest(name: str) -> bytes | None:
    """The digest that a content-named object's name promises, or None for a contended name."""
    found = _CONTENT.match(name)
    if found:
        if found["ab"] and not found["digest"].startswith(found["ab"]):
            return None
        return bytes.fromhex(found["digest"])
    found = _BASE.match(name)
    return bytes.fromhex(found["digest"]) if found else None


def commit_parts(name: str) -> tuple[str, int] | None:
    found = _COMMIT.match(name)
    return (found["source"], int(found["seq"])) if found else None


def base_parts(name: str) -> tuple[str, int, str] | None:
    found = _BASE.match(name)
    return (found["source"], int(found["seq"]), found["digest"]) if found else None


def is_matter_key(name: str) -> bool:
    """Is this a key object of a matter, which is kept in a store of its own?"""
    return name.startswith("keys/matter-")


def known(name: str) -> bool:
    """Is this the name of an object that a vault has (docs/FORMAT.md, section 2)?"""
    return (
        name in RECOVERY_FILES
        or content_digest(name) is not None
        or any(p.match(name) for p in (_KEY, _EVIDENCE, _COMMIT, _NUMBERED, _CHECKPOINT))
        or name.startswith(_OPEN_ENDED)
    )


def source_of(name: str) -> str:
    """The source that an object belongs to by its name; empty for one of the whole vault."""
    parts = name.split("/")
    if parts[0] in ("snapshots", "state", "commits", "bases") and len(parts) == 3:
        return parts[1]
    if parts[0] == "keys" and parts[1].startswith("id-") and parts[1] != MATTERS_ID_KEY:
        return parts[1].removeprefix("id-")
    return ""
