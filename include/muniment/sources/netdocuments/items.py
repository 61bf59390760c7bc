"""Items: what NetDocuments' rows are in a backup - identity, version mark, matter, content.

A document or container is written down in one form, whether a search or a question for it alone told of it; what
either says beyond that stands, as it came, in its details.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from muniment.model.item import NO_MATTER, Brought, Fingerprint, Named, Observed
from muniment.sources.as_files import with_ending
from muniment.sources.netdocuments import naming
from muniment.sources.web.exact import canonical

Json = Mapping[str, Any]

_TITLE = 200
"""Characters of a matter's description that serve as its title."""
_STANDARD = (
    "name",
    "extension",
    "size",
    "created",
    "createdBy",
    "modified",
    "modifiedBy",
    "cabinet",
)
_SEARCHED = {"name": "Name", "extension": "Ext", "size": "Size", "created": "Created", "createdBy": "CreatedBy",
             "modified": "Modified", "modifiedBy": "ModifiedBy", "cabinet": "Cabinet"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cabinet:
    """`own` is the attribute that names the matter, `org` the one above it that names the client; 0 for none."""

    id: str
    own: int
    org: int
    told: Json = field(repr=False)


# -- one form of a row -------------------------------------------------------------------------------


def from_search(row: Json) -> Json:
    """A row of a search or of a v2 list."""
    told = row.get("Attributes") or {}
    found: dict[str, Any] = {"id": str(row["DocId"]), "envId": env(row.get("EnvId"))}
    found |= {name: told[theirs] for name, theirs in _SEARCHED.items() if theirs in told}
    found["customAttributes"] = _custom(row.get("CustomAttributes") or ())
    found["ancestors"] = [env(one.get("Id")) for one in row.get("Ancestors") or ()]
    return found


def from_info(held: Json) -> Json:
    """What is told of one item."""
    told = held.get("standardAttributes") or {}
    found: dict[str, Any] = {"id": str(told["id"]), "envId": env(told.get("envId"))}
    found |= {name: told[name] for name in _STANDARD if name in told}
    found["customAttributes"] = _custom(held.get("customAttributes") or ())
    found["ancestors"] = [env(one.get("Id")) for one in held.get("Ancestors") or ()]
    return found


def env(text: object) -> str:
    """An envelope id without the `|n` that v2 may put behind it."""
    return str(text or "").partition("|")[0]


def _custom(rows: Sequence[Json]) -> list[dict[str, Any]]:
    found = [{name[:1].lower() + name[1:]: value for name, value in row.items()} for row in rows]
    return sorted(found, key=lambda one: str(one.get("id")))


def is_container(row: Json) -> bool:
    return str(row.get("extension") or "").lower() in naming.EXTENSIONS


# -- matters -----------------------------------------------------------------------------------------


def named_by(cabinet: Cabinet, attributes: Sequence[Json]) -> Named:
    """The matter that a profile names: `client/matter` by their keys, or the matter's key alone where the cabinet has no
    clients."""
    held = {int(one["id"]): one for one in attributes if str(one.get("id", "")).isdigit()}
    own = held.get(cabinet.own) if cabinet.own else None
    if own is None or not own.get("value"):
        return NO_MATTER
    above = held.get(cabinet.org) if cabinet.org else None
    return matter(str((above or {}).get("value") or ""), str(own["value"]), str(own.get("description") or ""))  # fmt: skip


def matter(client: str, key: str, title: str) -> Named:
    # A slash in a key would be taken for the one between the two.
    text = "/".join(one.replace("/", "\u2215") for one in (client, key) if one)
    return Named(text.encode(), title[:_TITLE])


# -- version marks -----------------------------------------------------------------------------------


def short(content: bytes | str) -> str:
    return sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()[:16]


def nanoseconds(text: object) -> int:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return 0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000


# -- items -------------------------------------------------------------------------------------------


def row_of(kind: str, native: bytes, data: Json, named: Named = NO_MATTER, place: Json | None = None) -> Observed:  # fmt: skip
    """A row, brought whole."""
    body = canonical(data)
    print_ = Fingerprint(len(body), nanoseconds(data.get("modified")), tag=short(body))
    return Observed(
        kind, native, print_, named, Brought(naming.fidelity_of(kind), place or {}, body)
    )


def item_of(cabinet: str, data: Json, named: Named, above: str) -> Observed:
    """A document or container; `above` is the native id of the container that it lies in, as far as that is known."""
    kind = naming.CONTAINERS if is_container(data) else naming.DOCUMENTS
    place = {"name": str(data.get("name") or "")} | ({"in": above} if above else {})
    return row_of(kind, naming.native_id(kind, cabinet, str(data["id"])), data, named, place)


@dataclass(frozen=True, slots=True)
class Details:
    """What was asked for of one item, and the files that belong to it."""

    row: Observed
    files: tuple[Observed, ...] = ()


def details_of(cabinet: str, item: Observed, data: Json, held: Json) -> Details:
    """`item` is the row that the details belong to, `data` what stands in it, `held` what was told."""
    named = item.named_by or NO_MATTER
    id_ = str(data["id"])
    files = tuple(_files(item, data, held, named))
    body = canonical({"id": id_, **held})
    tag = ".".join((item.fingerprint.tag, short(body), files_mark(files), files_list(files)))
    print_ = Fingerprint(len(body), item.fingerprint.mtime_ns, tag=tag)
    native = naming.native_id(naming.DETAILS, cabinet, id_)
    row = Observed(naming.DETAILS, native, print_, named, Brought(naming.fidelity_of(naming.DETAILS), _beside(item, data), body))  # fmt: skip
    return Details(row, files)


def _beside(item: Observed, data: Json) -> dict[str, Any]:
    """What is told of a document stands beside its versions when it is given back as files."""
    if item.kind != naming.DOCUMENTS:
        return {}
    name = str(data.get("name") or "document")
    return {
        "file": f"{name}.json",
        "ending": "json",
        "mark": str(data["id"]),
        "of": item.native_id.decode(),
    }


def files_mark(files: Sequence[Observed]) -> str:
    """One mark over all files that an item has."""
    return marks_mark([one.fingerprint.tag for one in files])


def marks_mark(tags: Sequence[str]) -> str:
    return short(",".join(tags))


def files_list(files: Sequence[Observed]) -> str:
    """Such as `1,2;1`: the numbers of versions, then those of attachments."""
    numbers: dict[str, list[str]] = {kind: [] for kind in naming.BYTES}
    for one in files:
        numbers[one.kind].append(one.native_id.decode().rpartition("/")[2])
    return ";".join(",".join(numbers[kind]) for kind in naming.BYTES)


def files_named(id_: str, listed: str) -> list[tuple[str, bytes]] | None:
    """Kind and native id of each file in such a list; None for what is none."""
    parts = listed.split(";")
    if len(parts) != len(naming.BYTES):
        return None
    return [
        (kind, naming.native_id(kind, id_, number))
        for kind, text in zip(naming.BYTES, parts, strict=True)
        for number in text.split(",")
        if number
    ]


def _files(item: Observed, data: Json, held: Json, named: Named) -> list[Observed]:
    found = [_version(data, one, item, named) for one in held.get("versions") or ()]
    return found + [_attachment(data, one, item, named) for one in held.get("attachments") or ()]


def _version(data: Json, version: Json, item: Observed, named: Named) -> Observed:
    number = str(version["number"])
    ending = str(version.get("extension") or data.get("extension") or "")
    place = {
        "file": with_ending(str(data.get("name") or "document"), ending),
        "mark": f"{data['id']} v{number}",
        "of": item.native_id.decode(),
        "ending": ending,
        "listed": [str(version.get("modified") or ""), str(version.get("modifiedBy") or "")],
    }
    told = [version.get(name) for name in ("number", "size", "created", "modified", "extension")]
    return _bytes(
        naming.DOCUMENT_FILE, str(data["id"]), number, version, place, canonical(told), named
    )


def _attachment(data: Json, one: Json, item: Observed, named: Named) -> Observed:
    number = str(one["attachmentId"])
    place = {
        "file": with_ending(str(one.get("name") or "attachment"), str(one.get("extension") or "")),
        "mark": f"{data['id']} a{number}",
        "of": item.native_id.decode(),
        "listed": [str(data.get("modified") or ""), ""],
    }
    told = [one.get(name) for name in ("attachmentId", "name", "extension", "size")]
    return _bytes(
        naming.ATTACHMENT_FILE, str(data["id"]), number, one, place, canonical(told), named
    )


def _bytes(
    kind: str, document: str, number: str, told: Json, place: Json, mark: bytes, named: Named
) -> Observed:
    print_ = Fingerprint(
        int(told.get("size") or 0), nanoseconds(told.get("modified")), tag=short(mark)
    )
    native = naming.native_id(kind, document, number)
    return Observed(kind, native, print_, named, Brought(naming.fidelity_of(kind), place, None))
