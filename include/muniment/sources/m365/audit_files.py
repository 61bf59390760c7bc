"""Files: what an audit sees of drives - whose they are, what lies in them folder by folder, and bytes.

No delta is asked. Whose drives there are, the lists of users and sites say; then folders are listed, one after the other,
as far as the requests go. A drive that was listed whole tells of each of the vault's items whether it is still there; and
where all were, so many files there are. Of the others, some items are asked for by their ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from muniment.sources.m365.audit_look import Look, Row, ids_in
from muniment.sources.m365.audit_rows import nanoseconds
from muniment.sources.m365.audit_wire import AT_ONCE, Question, is_whole, quoted, rows_of

FILES, VERSIONS, RIGHTS, BY_ID, SHOWN = 15, 6, 6, 60, 40
WALK = 80
"""Requests, of twenty folders each."""
PAGE = "999"
LARGEST = 64 << 20
"""Bytes of a file that is fetched to be compared."""
OWNERS = 400


# -- bytes -------------------------------------------------------------------------------------------


def contents(look: Look) -> None:
    """Some files of the vault's, and some older versions, fetched again."""

    def path(ids: tuple[str, ...]) -> str:
        return "drives/{}/items/{}".format(*quoted(*ids))

    drawn = look.there("drive_file", FILES)
    for native, row in look.by_id("drive_file", drawn, path, ""):
        found = None
        if int(row.get("size") or 0) <= LARGEST:
            found = look.ask.digest(f"{path(ids_in(native))}/content", LARGEST)
        if found is None:
            look.found.unseen += 1
            continue
        _file(look, native, row, *found)
    for native in look.there("drive_version", VERSIONS):
        _version(look, native)


def _version(look: Look, native: bytes) -> None:
    drive, name = ids_in(native)
    item, _, number = name.partition("~")
    path = "drives/{}/items/{}/versions/{}".format(*quoted(drive, item, number))
    status, row = look.ask.one(path)
    if status == 404:
        look.did_not_see("drive_version", native)
        return
    found = None
    if status == 200 and int(row.get("size") or 0) <= LARGEST:
        found = look.ask.digest(f"{path}/content", LARGEST)
    if found is None:
        # What was the newest but one may be the current one again, whose bytes are the file's.
        look.found.unseen += 1
        return
    at = nanoseconds(row.get("lastModifiedDateTime"))
    look.saw("drive_version", native, created=at, touched=at, digest=found[0], size=found[1])


def _file(look: Look, native: bytes, row: Row, digest: bytes | None = None, size: int | None = None) -> None:  # fmt: skip
    """Its date is the one that its owner's machine gave it, unless the vendor's own says that it was touched since."""
    own = (row.get("fileSystemInfo") or {}).get("lastModifiedDateTime")
    touched = 0 if look.is_touched(row) else nanoseconds(own)
    look.saw("drive_file", native, row, touched=touched, digest=digest, size=size)


# -- whose drives there are --------------------------------------------------------------------------


@dataclass
class Drives:
    """`whole` says that every drive there is was told, but for those of users and sites that are `closed` to the
    application or archived; `rows` are those told."""

    whole: bool = True
    closed: bool = False
    rows: dict[str, Row] = field(default_factory=dict)


def drives(look: Look) -> Drives:
    found = Drives()
    if "onedrive" in look.scope.services:
        owners = look.drawn(look.users, OWNERS)
        found.whole &= look.everybody and len(owners) == len(look.users)
        _of(look, found, ["users/{}/drives".format(*quoted(one)) for one in owners])
    if "sharepoint" in look.scope.services:
        told = look.ask.one("sites", {"search": "*"})
        rows = rows_of(told)
        for row in rows:
            look.saw("site", f"sites/{row['id']}".encode(), created=nanoseconds(row.get("createdDateTime")),
                     body={name: row.get(name) for name in ("id", "name", "displayName")})  # fmt: skip
        found.whole &= is_whole(told) and len(rows) <= OWNERS
        sites = look.drawn(sorted({str(row["id"]) for row in rows}), OWNERS)
        _of(look, found, ["sites/{}/drives".format(*quoted(one)) for one in sites])
    return found


def _of(look: Look, found: Drives, paths: list[str]) -> None:
    for told in look.ask.many([(path, {}) for path in paths]):
        # Who has none is answered 404.
        found.closed |= told[0] in (403, 423)
        found.whole &= told[0] in (403, 404, 423) or is_whole(told)
        for row in rows_of(told):
            found.rows[str(row["id"])] = row
            kept = {name: row.get(name) for name in ("id", "name", "driveType")}
            look.saw("drive", f"drives/{row['id']}".encode(), created=nanoseconds(row.get("createdDateTime")), body=kept)  # fmt: skip


# -- what lies in them -------------------------------------------------------------------------------


@dataclass
class Walk:
    """What was seen of one drive. `open` are folders of it that were not listed yet."""

    open: int = 1
    whole: bool = True
    root: str = ""
    rows: list[Row] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.whole and not self.open


def listed(look: Look) -> None:
    """Drives folder by folder."""
    told = drives(look)
    walks = {one: Walk() for one in look.drawn(sorted(told.rows), len(told.rows))}
    try:
        _walk(look, walks)
    finally:
        # Also where the requests did not suffice for all.
        rows = [(drive, row) for drive, walk in walks.items() for row in walk.rows]
        _rows(look, walks, rows)
        left = _absent(look, told, walks)
        _counted(look, told, walks)
    _by_id(look, left)
    _rights(look, [one for one in rows if "shared" in one[1]])
    if look.scope.versions:
        _versions(look, [one for one in rows if is_file(one[1]) and not look.is_touched(one[1])])


def _walk(look: Look, walks: dict[str, Walk]) -> None:
    """The latest found folder first, so that one drive comes to its end before much of another is begun."""
    paths = ["drives/{}/root".format(*quoted(one)) for one in walks]
    for walk, (status, row) in zip(walks.values(), look.ask.many([(p, {}) for p in paths]), strict=True):  # fmt: skip
        walk.whole = status == 200
        walk.root = str(row.get("id")) if isinstance(row, dict) else ""
    waiting = [(one, f"{path}/children") for one, path in zip(walks, paths, strict=True)]
    for _ in range(WALK):
        if not waiting:
            return
        turn, waiting = waiting[-AT_ONCE:], waiting[:-AT_ONCE]
        answers = look.ask.many([(path, {"$top": PAGE}) for _, path in turn])
        for (drive, _), told in zip(turn, answers, strict=True):
            walk = walks[drive]
            walk.open -= 1
            # A folder that went away meanwhile is no gap.
            walk.whole &= told[0] == 404 or is_whole(told)
            for row in rows_of(told):
                walk.rows.append(row)
                if _goes_on(row):
                    walk.open += 1
                    waiting.append((drive, f"{_path(drive, row)}/children"))


def _goes_on(row: Row) -> bool:
    """Is it a folder with something in it? What a shortcut leads to lies in another drive."""
    held = row.get("folder")
    return held is not None and held.get("childCount") != 0 and "remoteItem" not in row


def _rows(look: Look, walks: dict[str, Walk], rows: list[tuple[str, Row]]) -> None:
    """What was listed; some of it whole, so that it is compared with what is restored."""
    for drive, row in look.drawn(rows, SHOWN):
        _item(look, drive, row, body=row)
    for drive, row in rows:
        _item(look, drive, row)
        if is_file(row):
            _file(look, f"drive_files/{drive}/{row['id']}".encode(), row)
    for drive, walk in walks.items():
        if walk.root:
            look.saw("drive_item", f"drive_items/{drive}/{walk.root}".encode())


def _item(look: Look, drive: str, row: Row, body: Row | None = None) -> None:
    look.saw_of("drive_item", f"drive_items/{drive}/{row['id']}".encode(), row, body=body)


def is_file(row: Row) -> bool:
    """Has it bytes that can be had? A notebook has none, and what is shared from elsewhere lies there."""
    return "file" in row and not {"remoteItem", "package", "malware"} & row.keys()


def _absent(look: Look, told: Drives, walks: dict[str, Walk]) -> list[bytes]:
    """What the vault has of drives that were seen whole, or are no longer there, and was not seen. Gives the files of
    which nothing is known."""
    left: list[bytes] = []
    for kind in ("drive_item", "drive_file"):
        for native in look.held.there.get(kind, ()):
            walk = walks.get(ids_in(native)[0])
            if told.whole and not told.closed if walk is None else walk.done:
                look.did_not_see(kind, native)
            elif kind == "drive_file" and not look.was_seen(native):
                left.append(native)
    return left


def _counted(look: Look, told: Drives, walks: dict[str, Walk]) -> None:
    """How many files there are, where every drive was seen whole; how many were touched, in any case."""
    rows = [row for walk in walks.values() for row in walk.rows if is_file(row)]
    touched = sum(map(look.is_touched, rows))
    if told.whole and all(walk.done for walk in walks.values()) and not _beyond(look, told, walks):
        look.told("drive_file", len(rows), sum(map(look.is_new, rows)), touched)
    else:
        look.found.unseen += 1
        look.told("drive_file", None, None, touched)


def _beyond(look: Look, told: Drives, walks: dict[str, Walk]) -> bool:
    """Has the vault files of a drive that nobody may look into now?"""
    held = look.held.there.get("drive_file", ())
    return told.closed and any(ids_in(native)[0] not in walks for native in held)


def _by_id(look: Look, natives: list[bytes]) -> None:
    def path(ids: tuple[str, ...]) -> str:
        return "drives/{}/items/{}".format(*quoted(*ids))

    for native, row in look.by_id("drive_file", look.drawn(natives, BY_ID), path, ""):
        _file(look, native, row)


def _rights(look: Look, rows: list[tuple[str, Row]]) -> None:
    drawn = look.drawn(rows, RIGHTS)
    asked: list[Question] = [(f"{_path(drive, row)}/permissions", {}) for drive, row in drawn]
    for (drive, row), told in zip(drawn, look.ask.many(asked), strict=True):
        if is_whole(told):
            native = f"drive_permissions/{drive}/{row['id']}".encode()
            look.saw("drive_permissions", native, body=rows_of(told))


def _path(drive: str, row: Row) -> str:
    return "drives/{}/items/{}".format(*quoted(drive, str(row["id"])))


def _versions(look: Look, rows: list[tuple[str, Row]]) -> None:
    """Which older ones a file has that nobody touched since: of one that was, others are the older ones now."""
    drawn = look.drawn(rows, VERSIONS)
    asked: list[Question] = [(f"{_path(drive, row)}/versions", {}) for drive, row in drawn]
    for (drive, row), told in zip(drawn, look.ask.many(asked), strict=True):
        for one in rows_of(told)[1 : look.scope.versions + 1]:
            native = f"drive_versions/{drive}/{row['id']}~{one['id']}".encode()
            at = nanoseconds(one.get("lastModifiedDateTime"))
            look.saw("drive_version", native, created=at, touched=at)
