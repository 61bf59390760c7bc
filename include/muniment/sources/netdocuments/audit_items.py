"""Items: what an audit of a repository sees one by one - profiles, versions, bytes, rights, filing, keys, people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from muniment.errors import SourceRestricted
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.audit_look import Cabinet, Look, Row, kind_of
from muniment.sources.netdocuments.audit_rows import nanoseconds

SINGLE, GONE, DEEP, FILED, KEYS, GROUPS, LETTERS = 24, 16, 10, 8, 10, 5, 30
LARGEST = 32 << 20
"""Bytes of a file that is fetched to be compared."""
BOTH = "standardAttributes,customAttributes,Ancestors"


# -- who asks, and what there is to ask ----------------------------------------------------------------


def cabinets(look: Look, wanted: tuple[str, ...]) -> None:
    """Raises SourceRestricted where the account is mapped to nobody: then everything would be empty."""
    me = look.ask.object("v1/User/info")
    if me is None or not me.get("id"):
        raise SourceRestricted(
            "the account of whoever audits is mapped to nobody",
            to=f"source {look.ask.wire.source_id}",
        )
    for row in look.ask.rows("v1/User/cabinets") or []:
        home = str(row.get("repositoryId")).upper()
        look.repository = look.repository or home
        if home == look.repository.upper() and (not wanted or row.get("id") in wanted):
            own, org = _number(row.get("wsAttrNum")), _number(row.get("wsOrgAttrNum"))
            look.cabinets.append(Cabinet(str(row["id"]), own, org, row))
            native = naming.native_id(naming.CABINETS, str(row["id"]))
            look.saw(naming.CABINETS, native, body={"id": row["id"], "cabinet": row})
    if any(not _administers(look, one.id, str(me["id"])) for one in look.cabinets):
        look.told(naming.DOCUMENTS, None, None, None, refused=True)


def _number(value: object) -> int:
    return int(str(value)) if str(value).isdigit() else 0


def _administers(look: Look, cabinet: str, me: str) -> bool:
    """Who does not, is not shown what lies behind a wall, and nothing says so."""
    members = look.ask.rows("v1/cabinet/{}/membership", cabinet) or []
    for one in members:
        who = str(one.get("principal"))
        if one.get("administer") and (who == me or _holds(look, who, me)):
            return True
    return False


def _holds(look: Look, group: str, me: str) -> bool:
    if not group.startswith("UG-"):
        return False
    return any(str(one.get("id")) == me for one in look.ask.rows("v1/Group/{}/members", group) or [])  # fmt: skip


# -- one by one --------------------------------------------------------------------------------------


def profiles(look: Look) -> None:
    """Documents and containers by their ids, with what they call their matter; and whether what is gone is gone."""
    drawn = [
        *look.drawn(_with(look, naming.DOCUMENT_FILE, 2), DEEP // 2), *look.drawn(_with(look, naming.ATTACHMENT_FILE, 1), 2),
        *look.there(naming.DOCUMENTS, SINGLE), *look.there(naming.CONTAINERS, GONE),
    ]  # fmt: skip
    rows: list[tuple[Cabinet, Row]] = []
    keys: dict[tuple[int, str, str], None] = {}
    for native in dict.fromkeys(drawn):
        rows += [(one, row) for one, row in _profile(look, native)]
    for native in [*look.gone(naming.DOCUMENTS, GONE), *look.gone(naming.CONTAINERS, GONE // 2)]:
        for _ in _profile(look, native):
            pass
    papers = [one for one in rows if kind_of(one[1]["standardAttributes"]) == naming.DOCUMENTS]
    for cabinet, row in papers[:DEEP]:
        _deep(look, cabinet, row)
    for cabinet, row in rows:
        keys |= dict.fromkeys(_keys(cabinet, row))
    for attribute, above, key in look.drawn(list(keys), KEYS):
        _key(look, attribute, above, key)


def _with(look: Look, kind: str, least: int) -> list[bytes]:
    """Documents of which the vault has so many files of a kind."""
    often = Counter(native.split(b"/")[1] for native in look.held.there.get(kind, ()))
    held = look.held.there.get(naming.DOCUMENTS, ())
    return [native for native in held if often[native.rpartition(b"/")[2]] >= least]


def _profile(look: Look, native: bytes) -> Iterator[tuple[Cabinet, Row]]:
    _, cabinet, id_ = native.decode().split("/")
    home = next((one for one in look.cabinets if naming.plain(one.id) == cabinet), None)
    kind = naming.CONTAINERS if native.startswith(b"containers/") else naming.DOCUMENTS
    status, row = look.ask.ask("v2/document/{}/info", id_, select=BOTH)
    if status == 404 or (isinstance(row, dict) and (row.get("misc") or {}).get("deleted")):
        look.did_not_see(kind, native)
        return
    if (
        home is None
        or status != 200
        or not isinstance(row, dict)
        or "standardAttributes" not in row
    ):
        look.found.unseen += 1
        return
    own = row["standardAttributes"]
    made, at = nanoseconds(own.get("created")), nanoseconds(own.get("modified"))
    look.saw(kind, native, created=made, touched=at, body=row, belongs=_belongs(home, row))
    yield home, row


def _belongs(cabinet: Cabinet, row: Row) -> str | None:
    """What the profile calls the matter; where it does not say it, the workspace may in which it lies."""
    if not cabinet.own:
        return ""
    held = _attributes(row)
    if not held.get(cabinet.own):
        return None
    above = held.get(cabinet.org, "") if cabinet.org else ""
    return "/".join(one.replace("/", "\u2215") for one in (above, held[cabinet.own]) if one)


def _attributes(row: Row) -> dict[int, str]:
    return {
        int(one["id"]): str(one.get("value") or "")
        for one in row.get("customAttributes") or ()
        if str(one.get("id", "")).isdigit()
    }


# -- what belongs to a document ------------------------------------------------------------------------


def _deep(look: Look, cabinet: Cabinet, row: Row) -> None:
    own = row["standardAttributes"]
    id_ = str(own["id"])
    versions = look.ask.rows("v1/Document/{}/versionList", id_)
    if not versions:
        look.found.unseen += 1
        return
    told: dict[str, object] = {"id": id_, "versions": versions, "profile": row}
    attached = _part(look, told, "attachments", "v1/Document/{}/attachmentList", id_)
    _part(look, told, "acl", "v1/Document/{}/acl", id_)
    made, at = nanoseconds(own.get("created")), nanoseconds(own.get("modified"))
    native = naming.native_id(naming.DETAILS, cabinet.id, id_)
    look.saw(naming.DETAILS, native, created=made, touched=at if at >= look.since_ns else 0,
             settled=at < look.since_ns, body=told)  # fmt: skip
    _versions(look, id_, versions)
    for one in attached:
        _attachment(look, id_, one, made)


def _part(look: Look, told: dict[str, object], part: str, path: str, document: str) -> list[Row]:
    """What the backup has on purpose."""
    found = look.ask.rows(path, document) if part in look.parts else None
    if found is not None:
        told[part] = found
    return found or []


def attachments(look: Look) -> None:
    """Whether any are kept at all. One that is attached moves no date, so that the vault lacks some says nothing; that it
    has none, where old messages have some, does."""
    if "attachments" not in look.parts or look.held.there.get(naming.ATTACHMENT_FILE):
        return
    found = 0
    for id_ in look.drawn(list(dict.fromkeys(look.letters)), LETTERS):
        found += len(look.ask.rows("v1/Document/{}/attachmentList", id_) or ())
    look.told(naming.ATTACHMENT_FILE, found, 0, 0)


def _versions(look: Look, document: str, versions: list[Row]) -> None:
    for one in look.drawn(versions, 2):
        size = int(one.get("size") or 0)
        found = None
        if size <= LARGEST:
            found = look.ask.digest("v1/Document/{}/{}", document, str(one["number"]), size=size)
        if found is None:
            look.found.unseen += 1
            continue
        _version(look, document, one, *found)
    for one in versions:
        _version(look, document, one)
    above = naming.native_id(naming.DOCUMENT_FILE, document) + b"/"
    for native in look.held.there.get(naming.DOCUMENT_FILE, ()):
        if native.startswith(above):
            look.did_not_see(naming.DOCUMENT_FILE, native)


def _version(look: Look, document: str, one: Row, digest: bytes | None = None, size: int | None = None) -> None:  # fmt: skip
    native = naming.native_id(naming.DOCUMENT_FILE, document, str(one["number"]))
    made, at = nanoseconds(one.get("created")), nanoseconds(one.get("modified"))
    look.saw(naming.DOCUMENT_FILE, native, created=made, touched=at, digest=digest, size=size)


def _attachment(look: Look, document: str, one: Row, made: int) -> None:
    """One that is attached moves no date: that the vault lacks it says nothing."""
    number, size = str(one.get("attachmentId")), int(one.get("size") or 0)
    native = naming.native_id(naming.ATTACHMENT_FILE, document, number)
    if size > LARGEST or native not in look.held.there.get(naming.ATTACHMENT_FILE, ()):
        return
    found = look.ask.digest("v1/Document/{}/attachment?attachmentId={}", document, number, size=size)  # fmt: skip
    if found is not None:
        look.saw(naming.ATTACHMENT_FILE, native, created=made, digest=found[0], size=found[1])


# -- what is filed where -----------------------------------------------------------------------------


def filing(look: Look) -> None:
    for native in look.there(naming.CONTENTS, FILED):
        id_ = native.decode().rpartition("/")[2]
        held = look.ask.object("v2/container/{}", id_, select="standardAttributes", top="500")
        if held is None or held.get("SkipToken"):
            look.found.unseen += 1
            continue
        items = [{"id": one.get("DocId")} for one in held.get("Results") or ()]
        look.saw(naming.CONTENTS, native, body={"id": id_, "items": items})


# -- keys, people and groups -------------------------------------------------------------------------


def _keys(cabinet: Cabinet, row: Row) -> list[tuple[int, str, str]]:
    """Attribute, key above and key of the entries that a profile names."""
    held = _attributes(row)
    above = held.get(cabinet.org, "") if cabinet.org else ""
    found = [(cabinet.org, "", above)] if above else []
    if cabinet.own and held.get(cabinet.own):
        found.append((cabinet.own, above, held[cabinet.own]))
    return found


def _key(look: Look, attribute: int, above: str, key: str) -> None:
    # A key that holds one of these signs stands in a path encoded twice, and is passed over here.
    if {"/", "\\", "%", "+"} & set(above + key):
        return
    path = "v1/attributes/{}/{}/{}/{}" if above else "v1/attributes/{}/{}/{}"
    parts = (look.repository, str(attribute), *((above, key) if above else (key,)))
    row = look.ask.object(path, *parts)
    if row is not None and row.get("key") == key:
        native = naming.native_id(naming.LOOKUPS, str(attribute), naming.lookup_key(above, key))
        look.saw(naming.LOOKUPS, native, body=row)


def people(look: Look) -> None:
    users = look.ask.rows("v1/Repository/{}/users", look.repository) or []
    for row in users:
        native = naming.native_id(naming.USERS, str(row["id"]))
        kept = {name: value for name, value in row.items() if name != "lastLogin"}
        look.saw(naming.USERS, native, created=nanoseconds(row.get("registered")), body=kept)
    groups = look.ask.rows("v1/Repository/{}/groups", look.repository, returnInfo="all") or []
    for row in look.drawn(groups, GROUPS):
        members = look.ask.rows("v1/Group/{}/members", str(row["id"]))
        body = dict(row) if members is None else {**row, "members": members}
        look.saw(naming.GROUPS, naming.native_id(naming.GROUPS, str(row["id"])), body=body)
    for row in groups:
        look.saw(naming.GROUPS, naming.native_id(naming.GROUPS, str(row["id"])))
    for kind, rows in ((naming.USERS, users), (naming.GROUPS, groups)):
        if rows:
            for native in look.held.there.get(kind, ()):
                look.did_not_see(kind, native)
            made = sum(look.since_then(row.get("registered")) for row in rows)
            look.told(kind, len(rows), made if kind == naming.USERS else None, 0)
